namespace Governance.Gates.Tests.Cli;

public sealed class UsageTests : IDisposable
{
    private const string Hex = "1111111111111111111111111111111111111111111111111111111111111111";
    private const string Image = $"registry.example.com/shop/app@sha256:{Hex}";
    private readonly Workbench bench = new();

    public static TheoryData<string, string> WrongUsage => new()
    {
        { "", "Required command" },
        { "frobnicate", "frobnicate" },
        { "verify --key k", "IMAGE" },
        { "action nothing", "'nothing' is none of review, verify, approve" },
        { $"verify {Image}", "either --key or --policy" },
        { $"verify {Image} --key", "--key" },
        { $"verify {Image} --key k --policy p", "either --key or --policy" },
        { $"verify {Image} --policy p --type cyclonedx", "go with --key" },
        { $"verify {Image} --key k --type cyclonedx --repository any", "--repository is about signatures" },
        { $"verify {Image} --key k --type a-word-of-mine", "--type is a URI" },
        { $"verify {Image} --key k --namespace n", "go with --policy" },
        { $"verify {Image} --key k --repository some", "none of same, any" },
        { $"verify {Image} --key k --output xml", "none of text, json, markdown" },
        { $"verify {Image} --key k --as registry.example.com/a", "--as goes with an oci: layout" },
        { $"verify {Image} --key k --unknown", "--unknown" },
        { "verify upper.example.com/A:b --key k", "'A'" },
        { "verify registry.example.com/a@sha256:12 --key k", "where a digest belongs" },
        { "verify oci: --key k", "names no folder" },
        { "verify oci:x --policy p", "--as REPOSITORY" },
        { "verify oci:x --key k --repository same", "--as REPOSITORY" },
        { "verify oci:x --key k --layout y", "already names a layout" },
        { "verify oci:x --key k --as registry.example.com/a:tag", "more than a repository" },
        { $"sign {Image}", "--key" },
        { "sign --key k", "IMAGE" },
        { $"sign {Image} --key k --format gpg", "none of cosign, bundle" },
        { $"sign {Image} --key k --annotation nothing", "NAME=VALUE" },
        { $"sign {Image} --key k --annotation a=1 --annotation a=2", "twice" },
        { $"sign {Image} --key k --format bundle --annotation a=1", "--annotation goes with --format cosign" },
        { $"sign {Image} --key k --as registry.example.com/a", "--as goes with an oci: layout" },
        { "sign oci:x --key k", "--as REPOSITORY" },
        { $"sign {Image} --key k --password hunter", "--password" },
        { $"sign {Image} --key k --keyless", "--key FILE, or --keyless" },
        { $"sign {Image} --key k --fulcio https://f.example.com", "--fulcio goes with --keyless" },
        { $"sign {Image} --key k --yes", "--yes goes with --keyless" },
        { $"sign {Image} --keyless --fulcio https://f.example.com --trusted-root r --yes", "--rekor URL, --tsa URL, or both" },
        { $"sign {Image} --keyless --rekor https://r.example.com --trusted-root r --yes", "--fulcio URL" },
        { $"sign {Image} --keyless --fulcio https://f.example.com --rekor https://r.example.com --yes", "--trusted-root" },
        { $"sign {Image} --keyless --fulcio http://f.example.com --rekor https://r.example.com --trusted-root r --yes", "--fulcio is an https URL" },
        { $"sign {Image} --keyless --fulcio https://f.example.com --rekor https://u:p@r.example.com --trusted-root r --yes", "--rekor is an https URL" },
        { $"sign {Image} --keyless --fulcio https://f.example.com --rekor https://r.example.com --rekor-version 2 --trusted-root r --yes", "add --tsa" },
        { $"sign {Image} --keyless --fulcio https://f.example.com --tsa https://t.example.com/ts --rekor-version 2 --trusted-root r", "--rekor-version goes with --rekor" },
        { $"sign {Image} --keyless --fulcio https://f.example.com --rekor https://r.example.com --trusted-root r", "r.example.com may show this signature for ever: add --yes" },
        { $"sign {Image} --keyless --fulcio https://f.example.com --rekor https://r.example.com --trusted-root r --yes --format cosign", "leave out --format cosign" },
        { $"attest {Image} --predicate p --key k", "--type" },
        { $"attest {Image} --type cyclonedx --key k", "--predicate" },
        { $"attest {Image} --type word --predicate p --key k", "--type 'word' names no type" },
        { $"attest {Image} --type cyclonedx --predicate p", "--key FILE, or --keyless" },
        { $"request {Image} --policy p --keyless --key k --yes --action a --environment e", "give one of them" },
        { "sigstore sign-bundle --staging --identity-token t --bundle b f", "no copy of the staging instance" },
        { "revoke --key k", "--policy" },
        { "revoke --policy p", "--key" },
        { "revoke --policy p --key k --artifact latest", "--artifact 'latest' is no digest" },
        { "revoke --policy p --key k --revoked-key sha256:12", "--revoked-key 'sha256:12' is no digest" },
        { "revoke --policy p --key k --number 0", "--number '0' is no whole number" },
        { "revoke --policy p --key k --person", "--person" },
        { "request --policy p --key k --yes --action a", "name an IMAGE or FILE, or --act NAME" },
        { $"request {Image} --key k --yes --action a --environment e", "--policy" },
        { $"request {Image} --policy p --key k --yes --environment e", "say what is to be done: --action" },
        { $"request {Image} --policy p --key k --yes --action a", "where the image is to be used: --environment" },
        { $"request {Image} --policy p --yes --action a --environment e", "say how it is signed" },
        { $"request {Image} --policy p --key k --action a --environment e", "add --yes" },
        { $"request {Image} --policy p --key k --payload f --yes --action a --environment e", "--key signs here" },
        { $"request {Image} --policy p --payload f --action a --environment e", "add --signer NAME" },
        { $"request {Image} --policy p --key k --signer s --yes --action a --environment e", "--signer goes with --payload alone" },
        { $"request {Image} --policy p --signature f --yes --action a", "--action is part of what is signed" },
        { $"request {Image} --act key-rotation --policy p --key k --yes", "is one thing and --act another" },
        { "request --act Rotate --policy p --key k --yes", "--act is a word of lower-case letters" },
        { "request --act key-rotation --template t --policy p --key k --yes", "--template goes with an image" },
        { $"request {Image} {Image} --policy p --key k --yes --action a --environment e", "more than one IMAGE or FILE" },
        { $"request {Image} --policy p --key k --yes --action a --environment e --category urgent", "none of standard, normal, emergency, break-glass" },
        { $"request {Image} --policy p --key k --yes --action a --environment e --ticket 7", "--ticket is SYSTEM=ID" },
        { $"request {Image} --policy p --key k --yes --action a --environment e --workload app", "--workload is KIND/NAME" },
        { $"request {Image} --policy p --key k --yes --action a --environment e --not-after tomorrow", "--not-after 'tomorrow' is neither" },
        { $"request {Image} --policy p --key k --yes --action a --environment e --id a/b", "--id 'a/b' is not" },
        { "request oci:x --policy p --key k --yes --action a --environment e", "--as REPOSITORY" },
        { $"request {Image} --object o --policy p --key k --yes --action a --environment e", "is one thing and --object another" },
        { "request --object o --session attach --pod p --container c --namespace n --policy p --key k --yes --environment e", "--object and --session are different things" },
        { "request --object o --policy p --key k --yes --action a", "say where it is to be used: --environment" },
        { "request --object o --act key-rotation --policy p --key k --yes --environment e", "--act is one thing and --object and --session others" },
        { "request --deletion --act key-rotation --policy p --key k --yes", "--deletion goes with --object" },
        { "request --pod x --act key-rotation --policy p --key k --yes", "go with --session" },
        { "request --session shell --pod x --namespace n --policy p --key k --yes --environment e", "none of exec, attach, port-forward" },
        { "request --session exec --container c --namespace n --policy p --key k --yes --environment e -- ls", "say into which Pod" },
        { "request --session exec --pod x --container c --policy p --key k --yes --environment e -- ls", "say in which namespace" },
        { "request --session exec --pod x --namespace n --policy p --key k --yes --environment e -- ls", "say into which container" },
        { "request --session exec --pod x --container c --namespace n --policy p --key k --yes --environment e", "say which command" },
        { "request --session attach --pod x --container c --namespace n --policy p --key k --yes --environment e -- ls", "'ls' is a command" },
        { "request --session port-forward --pod x --container c --namespace n --policy p --key k --yes --environment e", "every port of the Pod" },
        { "request --session attach --tty --pod x --container c --namespace n --policy p --key k --yes --environment e", "--tty goes with --stdin" },
        { "request --session attach --action a --pod x --container c --namespace n --policy p --key k --yes --environment e", "leave out --action" },
        { "approve --policy p --key k --yes", "name an IMAGE or FILE" },
        { $"approve {Image} --key k --yes", "--policy" },
        { $"approve {Image} --policy p --yes", "say how it is signed" },
        { $"approve {Image} --policy p --key k", "add --yes" },
        { $"approve {Image} --policy p --key k --yes --reject --acknowledge", "are different answers" },
        { $"approve {Image} --policy p --key k --yes --max-uses 0", "--max-uses is a whole number" },
        { $"approve {Image} --policy p --key k --yes --use-by never", "--use-by 'never' is neither" },
        { $"approve {Image} --policy p --signature f --yes --reject", "--reject is part of what is signed" },
        { $"approve {Image} --as registry.example.com/a --policy p --key k --yes", "--as goes with an oci: layout" },
        { $"approve sha256:{Hex} --as registry.example.com/a --policy p --key k --yes", "--as goes with an oci: layout" },
        { "approve UPPER --policy p --key k --yes", "or name a file that is there" },
        { "approvals --policy p", "name an IMAGE or FILE" },
        { $"approvals {Image} --environment e", "--policy" },
        { $"approvals {Image} --policy p", "say where the image is to be used" },
        { $"approvals sha256:{Hex} --policy p", "is to be used: --environment" },
        { $"approvals {Image} --policy p --environment e --output xml", "none of text, json, markdown" },
        { "admit --policy p", "either -f FILE or --cluster" },
        { "admit -f x --cluster --policy p", "either -f FILE or --cluster" },
        { "admit -f x", "--policy" },
        { "admit --cluster --policy p --namespace n", "go with -f" },
        { "admit -f x --policy p --context c", "go with --cluster" },
        { "template", "FILE" },
        { "template x --sidecar", "--sidecar" },
        { "template x y", "y" },
        { "template x --output xml", "none of text, json, markdown" },
        { "model", "Required command" },
        { "model verify d --key k", "--signature" },
        { "model verify --signature s --key k", "MODEL" },
        { "model verify d --signature s", "give --key, or --certificate-authority, or" },
        { "model verify d --signature s --key k --certificate-authority c", "give --key, or --certificate-authority, or" },
        { "model verify d --signature s --certificate-identity i --trusted-root r", "give --key, or --certificate-authority, or" },
        { "model verify d --signature s --certificate-identity i --certificate-oidc-issuer u", "--trusted-root" },
        { "model verify d --signature s --key k --trusted-root r", "--trusted-root goes with certificates" },
        { "model verify d --signature s --key k --left-out maybe", "none of allow, deny" },
        { "model verify d --signature s --key k --output xml", "none of text, json, markdown" },
        { "model sign d --key k", "--signature" },
        { "model sign d --signature s", "--key" },
        { "model sign d --keyless --fulcio https://f.example.com --tsa https://t.example.com/ts --trusted-root r --signature s", "add --rekor URL" },
        { "model sign d --keyless --fulcio https://f.example.com --rekor https://r.example.com --trusted-root r --signature s --yes --certificate c", "--certificate goes with --key" },
        { "model sign d --key k --signature s --method all", "none of files, shards" },
        { "model sign d --key k --signature s --shard-size 8", "--shard-size goes with --method shards" },
        { "model sign d --key k --signature s --method shards --shard-size large", "large" },
        { "review", "--snapshot" },
        { "review --repository example/trading --pr", "--pr" },
        { "review --snapshot s --simulate", "--simulate" },
        { "review --snapshot s --simulate dismiss=ann", "is not approve=LOGIN" },
        { "review --snapshot s --simulate approve=", "is not approve=LOGIN" },
        { $"review attest --merged {Hex[..40]} --tree {Hex[..40]} --reviewed-tree {Hex[..40]} --key k", "--snapshot" },
        { $"review attest --snapshot s --merged {Hex[..40]} --tree {Hex[..40]} --reviewed-tree {Hex[..40]}", "say how it is signed" },
        { $"review attest --snapshot s --merged {Hex[..40]} --tree HEAD --reviewed-tree {Hex[..40]} --key k", "--tree 'HEAD' is no name of a git object" },
        { $"review attest --snapshot s --merged {Hex[..40]} --tree {Hex[..40]} --reviewed-tree {Hex[..40]} --key k --server http://forge", "is no https address" },
        { $"review attest --snapshot s --merged {Hex[..40]} --tree {Hex[..40]} --reviewed-tree {Hex[..40]} --key k --trusted-root r", "--trusted-root" },
        { $"review attest --snapshot s --merged {Hex[..40]} --tree {Hex[..40]} --reviewed-tree {Hex[..40]} --key k --since {Hex[..40]}", "--since goes with --branch" },
        { "review attest --branch main --key k", "--branch needs --repository OWNER/NAME" },
        { "review attest --branch main --repository trading --key k", "--branch needs --repository OWNER/NAME" },
        { "review attest --branch main --repository example/trading --snapshot s --key k", "--snapshot goes with --snapshot: with --branch the forge is asked" },
        { "review attest --branch main --repository example/trading --since HEAD --key k", "--since 'HEAD' is no name of a git object" },
        { "review --pr 7 --ledger d", "--ledger records a push" },
        { "review --snapshot s --ledger d", "--ledger" },
        { $"release {Image} --key k", "--commit" },
        { $"release {Image} --commit {Hex[..12]} --key k", "is no name of a git object" },
        { $"release {Image} --commit {Hex[..40]}", "say how it is signed" },
        { "branches", "--snapshot" },
        { "branches --snapshot s --repository example/trading", "--snapshot needs no GitHub" },
        { "branches --repository example/trading --branch", "--branch" },
        { "tag --repository example/trading", "TAG" },
        { "owners", "PATH" },
        { "owners x --codeowners", "--codeowners" },
        { "owners x --output xml", "none of text, json, markdown" },
        { "policy", "Required command" },
        { "policy check", "FILE" },
        { "policy explain p", "IMAGE" },
        { "policy explain p UPPER", "UPPER" },
        { "policy diff", "OLD" },
        { "policy diff p", "NEW" },
        { "policy diff p q r", "r" },
        { "policy diff p q --output xml", "none of text, json, markdown" },
        { "policy schema more", "more" },
        { "ledger", "Required command" },
        { "ledger init d", "--origin" },
        { "ledger verify", "DIR" },
        { "ledger verify d --deadline soon", "--deadline 'soon' is no duration" },
        { "ledger verify d --deadline 9d", "of at most 7d" },
        { "ledger verify d --output xml", "none of text, json, markdown" },
        { "ledger prove -1 d", "-1" },
        { "ledger prove one d", "'one' is no sequence" },
        { "ledger prove 1", "DIR" },
        { "ledger verify-proof p e", "--vkey" },
        { "ledger replay one d", "'one' is no sequence" },
        { "ledger replay 1", "DIR" },
        { "ledger query d --digest latest", "--digest 'latest' is no digest" },
        { "ledger query d --resource web", "--resource 'web' is no KIND/NAME" },
        { "ledger query d --resource Deployment./web", "is no KIND/NAME" },
        { "ledger query d --verdict maybe", "none of allow, warn, unknown, deny" },
        { "ledger query d --since yesterday", "--since 'yesterday' is neither" },
        { "ledger query d --limit 0", "--limit '0' is no whole number" },
        { "ledger query d --limit 100001", "from 1 to 100000" },
        { "ledger tail d --lines 1001", "from 1 to 1000" },
        { "ledger tail d --follow --output markdown", "--follow has none" },
        { "ledger export d", "--out" },
        { "ledger export d --out p --format parquet", "none of ndjson, audit-package" },
        { "ledger export d --out p --from first", "--from 'first' is no sequence" },
        { "ledger recover", "DIR" },
        { "ledger close", "DIR" },
        { "ledger recover d --approved f", "--policy FILE" },
        { "ledger recover d --policy p --approved f --out g", "give one" },
        { "ledger recover d --statements s", "--statements goes with --approved" },
        { "ledger serve d --listen 8787", "--listen '8787' is no ADDRESS:PORT" },
        { "ledger serve d --listen 127.0.0.1", "--listen '127.0.0.1' is no ADDRESS:PORT" },
        { "ledger serve d --listen localhost:1", "no ADDRESS:PORT" },
        { "version more", "more" },
    };

    public static TheoryData<string, string> CannotRun => new()
    {
        { $"verify {Image} --key no-such.pub", "no-such.pub" },
        { $"verify {Image} --key .", "'.'" },
        { $"verify {Image} --policy no-such.yaml", "no-such.yaml" },
        { $"verify {Image} --key KEY --layout no-such-folder", "no-such-folder" },
        { $"verify {Image} --key KEY --registry-ca no-such.pem", "no-such.pem" },
        { "verify oci:no-such-folder --key KEY", "no-such-folder" },
        { $"sign {Image} --key no-such.pem", "no-such.pem" },
        { $"sign {Image} --key KEY", "KEY" },
        { $"sign {Image} --key KEY --password-file no-such.txt", "no-such.txt" },
        { "sign oci:no-such-folder --as registry.example.com/a --key PRIVATE", "no-such-folder" },
        { "revoke --policy no-such.yaml --key k", "no-such.yaml" },
        { $"request {Image} --policy no-such.yaml --key k --yes --action a --environment e", "no-such.yaml" },
        { $"request {Image} --policy POLICY --key no-such.pem --yes --action a --environment e", "no-such.pem" },
        { $"request {Image} --policy POLICY --key PRIVATE --yes --action a --environment e", "acts for the robot builder" },
        { $"request {Image} --policy POLICY --signature no-such.sig --yes", "no-such.sig" },
        { $"request {Image} --policy POLICY --signer eve --payload f --action a --environment e", "'eve' is neither a key nor a person" },
        { $"approve {Image} --policy no-such.yaml --key k --yes", "no-such.yaml" },
        { $"approve {Image} --policy POLICY --key PRIVATE --yes", "robots ask for and approve nothing" },
        { $"approvals {Image} --policy no-such.yaml --environment e", "no-such.yaml" },
        { $"approvals {Image} --policy POLICY --environment prod", "'prod' is no environment" },
        { $"approvals {Image} --policy POLICY --environment production --action deploy", "'deploy' is no action" },
        { $"approvals sha256:{Hex} --policy POLICY --environment production", "add admission.statements" },
        { "approvals no-such.approvals.jsonl --policy POLICY", "no-such.approvals.jsonl" },
        { "admit -f no-such.yaml --policy POLICY", "no-such.yaml" },
        { "admit -f x --policy no-such.yaml", "no-such.yaml" },
        { "admit -f x --policy POLICY --layout no-such-folder", "no-such-folder" },
        { "admit --cluster --kubeconfig no-such-config --policy POLICY", "no-such-config" },
        { "template no-such.yaml", "no-such.yaml" },
        { "template POLICY", "no workload" },
        { "review --snapshot no-such.json --policy POLICY", "no-such.json" },
        { "review --snapshot s --policy no-such.yaml", "no-such.yaml" },
        { "owners x --codeowners no-such-file", "no-such-file" },
        { "policy check no-such.yaml", "no-such.yaml" },
        { $"policy explain no-such.yaml {Image}", "no-such.yaml" },
        { "policy diff no-such.yaml POLICY", "no-such.yaml" },
        { "policy diff POLICY no-such.yaml", "no-such.yaml" },
        { "ledger init no-such-folder/log --origin a+b", "'a+b' cannot be the name of a log" },
        { "ledger verify no-such-log", "no-such-log.vkey" },
        { "ledger verify no-such-log --vkey KEY", "holds no verifier key" },
        { "ledger query no-such-log", "no-such-log.vkey" },
        { "ledger tail no-such-log", "no-such-log.vkey" },
        { "ledger export no-such-log --out p", "no-such-log.vkey" },
        { "ledger serve no-such-log", "no-such-log is no folder" },
        { "ledger recover no-such-log", "no-such-log.vkey" },
        { "ledger close no-such-log", "no-such-log.vkey" },
        { "ledger recover no-such-log --vkey KEY --policy no-such.yaml", "holds no verifier key" },
        { "ledger prove 1 no-such-log --vkey no-such.vkey", "no-such.vkey" },
        { "ledger verify-proof p e --vkey no-such.vkey", "no-such.vkey" },
    };

    public static TheoryData<string> Verbs => ["verify", "sign", "revoke", "request", "approve", "approvals", "admit", "template", "review", "review attest", "release", "branches", "tag", "owners", "policy", "policy check", "policy explain", "policy diff", "policy schema", "ledger", "ledger init", "ledger verify", "ledger prove", "ledger verify-proof", "ledger query", "ledger tail", "ledger export", "ledger serve", "ledger recover", "ledger close", "version"];

    [Theory, MemberData(nameof(WrongUsage))]
    public async Task Wrong_usage_exits_with_64_and_names_the_mistake(string line, string named)
    {
        var ended = await bench.GatesAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(64, ended.ExitCode);
        Assert.Contains(named, ended.Error, StringComparison.Ordinal);
        Assert.Empty(ended.Output);
    }

    [Theory, MemberData(nameof(CannotRun))]
    public async Task What_cannot_run_exits_with_2_and_one_line_with_a_remedy(string line, string named)
    {
        var (secret, key) = bench.Key("release");
        var policy = bench.Policy(key);
        var filled = line.Replace("KEY", key, StringComparison.Ordinal).Replace("PRIVATE", secret, StringComparison.Ordinal).Replace("POLICY", policy, StringComparison.Ordinal);
        var ended = await bench.GatesAsync(filled.Split(' '));
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains(named.Replace("KEY", key, StringComparison.Ordinal), ended.Error, StringComparison.Ordinal);
        Assert.Contains("; ", ended.Error, StringComparison.Ordinal);
        Assert.Single(ended.Error.TrimEnd('\n').Split('\n'));
        Assert.DoesNotContain("   at ", ended.Error, StringComparison.Ordinal);
        Assert.Empty(ended.Output);
    }

    [Theory, MemberData(nameof(Verbs))]
    public async Task Every_verb_has_help_with_an_example(string verb)
    {
        var ended = await bench.GatesAsync([.. verb.Split(' '), "--help"]);
        Assert.Equal(0, ended.ExitCode);
        Assert.Contains($"gates {verb}", ended.Output, StringComparison.Ordinal);
        Assert.Contains("Example", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_mistake_of_a_command_line_is_told_at_once()
    {
        var ended = await bench.GatesAsync("verify", Image, "--policy", "p", "--type", "spdx", "--as", "registry.example.com/a");
        Assert.Equal(64, ended.ExitCode);
        Assert.Contains("go with --key", ended.Error, StringComparison.Ordinal);
        Assert.Contains("--as goes with", ended.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_interrupted_command_exits_with_130_and_answers_nothing()
    {
        var (_, key) = bench.Key("release");
        await bench.AddImageAsync();
        var manifest = bench.Folder.Write("pod.yaml", Manifests.Pod(Image));
        using var interrupted = new CancellationTokenSource();
        await interrupted.CancelAsync();
        foreach (var line in (string[][])[["verify", $"oci:{bench.Layout}", "--key", key], ["admit", "-f", manifest, "--policy", bench.Policy(key), "--layout", bench.Layout]])
        {
            var ended = await bench.GatesAsync(line, "", interrupted.Token);
            Assert.Equal(130, ended.ExitCode);
            Assert.Empty(ended.Output);
        }
    }

    [Fact]
    public async Task Version_tells_version_and_runtime()
    {
        var text = await bench.GatesAsync("version");
        Assert.Equal(0, text.ExitCode);
        Assert.StartsWith("gates ", text.Output, StringComparison.Ordinal);
        var json = (await bench.GatesAsync("version", "--output", "json")).Json();
        Assert.Contains(".NET", json.GetProperty("runtime").GetString(), StringComparison.Ordinal);
    }

    public void Dispose() => bench.Dispose();
}
