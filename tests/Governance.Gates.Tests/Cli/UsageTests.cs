namespace Governance.Gates.Tests.Cli;

public sealed class UsageTests : IDisposable
{
    private const string Image = "registry.example.com/shop/app@sha256:1111111111111111111111111111111111111111111111111111111111111111";
    private readonly Workbench bench = new();

    public static TheoryData<string, string> WrongUsage => new()
    {
        { "", "Required command" },
        { "frobnicate", "frobnicate" },
        { "verify --key k", "IMAGE" },
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
        { "admit --policy p", "either -f FILE or --cluster" },
        { "admit -f x --cluster --policy p", "either -f FILE or --cluster" },
        { "admit -f x", "--policy" },
        { "admit --cluster --policy p --namespace n", "go with -f" },
        { "admit -f x --policy p --context c", "go with --cluster" },
        { "policy", "Required command" },
        { "policy check", "FILE" },
        { "policy explain p", "IMAGE" },
        { "policy explain p UPPER", "UPPER" },
        { "policy diff", "OLD" },
        { "policy diff p", "NEW" },
        { "policy diff p q r", "r" },
        { "policy diff p q --output xml", "none of text, json, markdown" },
        { "policy schema more", "more" },
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
        { "admit -f no-such.yaml --policy POLICY", "no-such.yaml" },
        { "admit -f x --policy no-such.yaml", "no-such.yaml" },
        { "admit -f x --policy POLICY --layout no-such-folder", "no-such-folder" },
        { "admit --cluster --kubeconfig no-such-config --policy POLICY", "no-such-config" },
        { "policy check no-such.yaml", "no-such.yaml" },
        { $"policy explain no-such.yaml {Image}", "no-such.yaml" },
        { "policy diff no-such.yaml POLICY", "no-such.yaml" },
        { "policy diff POLICY no-such.yaml", "no-such.yaml" },
    };

    public static TheoryData<string> Verbs => ["verify", "sign", "admit", "policy", "policy check", "policy explain", "policy diff", "policy schema", "version"];

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
