using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Images;
using Governance.Gates.Reviews;
using Governance.Gates.Sigstore;
using Governance.Gates.Testing.GitHub;
using Governance.Gates.Tests.Actions;
using Governance.Gates.Tests.Admission;
using Governance.Gates.Tests.Reviews;
using Governance.Gates.Tests.Sigstore;

namespace Governance.Gates.Tests.Cli;

/// <summary>From a merged pull request to a released image: <c>gates review attest</c> and <c>gates release</c>, in a layout that stands in for every registry.</summary>
public sealed class ReleaseTests : IAsyncLifetime
{
    private const string Commits = "registry.example.com/governance/commits";
    private static readonly string Commit = SourceWorld.Commit.Hex;
    private static readonly string Tree = SourceWorld.Tree.Hex;
    private readonly Workbench bench = new();
    private string policy = "";

    private string Image => $"oci:{bench.Layout}:v1";

    public async ValueTask InitializeAsync()
    {
        foreach (var name in (string[])["builder", "reviewer", "bob", "erin", "stranger"])
        {
            bench.Key(name);
        }

        await bench.AddImageAsync();
        policy = bench.Folder.Write("p.yaml", Yaml());
        await GatesAsync(["attest", Image, "--as", Workbench.Repository, "--type", "slsaprovenance1", "--predicate", Predicate(SourceWorld.Provenance()), "--key", Key("builder")]);
    }

    public ValueTask DisposeAsync()
    {
        bench.Dispose();
        return default;
    }

    [Fact]
    public async Task A_merged_pull_request_is_attested_and_its_image_released_and_only_then_allowed()
    {
        Assert.Contains("no review of it hangs on the image", (await VerifyAsync(1)).Output, StringComparison.Ordinal);
        var attested = (await AttestAsync(0, "--output", "json")).Json();
        Assert.Equal(("reviewer", Commit), (attested.GetProperty("robot").GetString(), attested.GetProperty("commit").GetString()));
        Assert.Equal([ReviewStatement.TwoPartyReviewed, ReviewStatement.PolicyAllowed], attested.GetProperty("properties").EnumerateArray().Select(one => one.GetString()));

        var released = (await ReleaseAsync(0, "--output", "json")).Json();
        Assert.Equal(attested.GetProperty("evidence").GetString(), released.GetProperty("review").GetString());
        Assert.NotNull(released.GetProperty("summary").GetString());
        Assert.Contains("reviewed in pull request 7 of https://github.com/example/trading by bob", (await VerifyAsync(0)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task As_a_step_of_a_workflow_it_releases_by_the_same_rules()
    {
        using var steps = new ActionSteps();
        (string, string)[] inputs = [("image", Image), ("as", Workbench.Repository), ("commit", Commit), ("policy", policy), ("key", Key("builder"))];
        var refused = await steps.RunAsync("release", inputs);
        Assert.Equal((1, "deny", ""), (refused.ExitCode, refused.Outputs["decision"], refused.Outputs["summary"]));

        var attested = (await AttestAsync(0, "--output", "json")).Json();
        var released = await steps.RunAsync("release", inputs);
        Assert.True(released.Succeeded, released.Error);
        Assert.Equal(("allow", attested.GetProperty("evidence").GetString()), (released.Outputs["decision"], released.Outputs["review"]));
        Assert.All([released.Outputs["digest"], released.Outputs["summary"]], digest => Assert.Matches("^sha256:[0-9a-f]{64}$", digest));

        // What others read for ever is shown to them only where the workflow says so.
        var unasked = await steps.RunAsync("release", [.. inputs[..4], ("keyless", "true"), ("fulcio", "https://f.example.com"), ("rekor", "https://r.example.com"), ("yes", "false")]);
        Assert.Equal((64, "unknown"), (unasked.ExitCode, unasked.Outputs["decision"]));
        Assert.Contains("r.example.com may show this signature for ever: add --yes", unasked.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_statement_that_waits_is_attached_byte_for_byte_and_the_summary_names_what_it_rests_on()
    {
        await AttestAsync(0);
        await ReleaseAsync(0);
        var layout = OciLayout.Open(bench.Layout);
        Assert.True((await layout.ReadTaggedAsync(ImageReference.Parse(Commits).Repository, $"git-{Commit}", default)).Try(out var waiting, out _));
        Assert.True((await layout.ResolveAsync(ImageReference.Parse($"{Workbench.Repository}:v1"), default)).Try(out var image, out _));
        Assert.True((await layout.FindEvidenceAsync(ImageReference.Parse(Workbench.Repository).Repository, image, default)).Try(out var attached, out _));
        Assert.Contains(attached.Items, item => item.Bytes.Span.SequenceEqual(waiting!.Content.Span));
        var summaries = attached.Items.Select(item => JsonNode.Parse(Convert.FromBase64String(JsonNode.Parse(item.Bytes.Span)!["dsseEnvelope"]!["payload"]!.GetValue<string>()))!)
            .Where(statement => statement["predicateType"]!.GetValue<string>() == PredicateTypes.VerificationSummary && statement["subject"]![0]!["digest"]!["sha256"] is not null).ToList();
        var summary = Assert.Single(summaries)["predicate"]!;
        Assert.Equal("PASSED", summary["verificationResult"]!.GetValue<string>());
        Assert.Equal(Digest.Of(File.ReadAllBytes(policy)).Hex, summary["policy"]!["digest"]!["sha256"]!.GetValue<string>());
        Assert.Contains(summary["inputAttestations"]!.AsArray(), one => one!["digest"]!["sha256"]!.GetValue<string>() == Digest.Of(waiting!.Content.Span).Hex);
    }

    [Fact]
    public async Task What_was_not_reviewed_is_not_attested_and_its_image_not_released()
    {
        Assert.Contains("nothing is said of", (await AttestAsync(1, request: new PullRequests("src/a"))).Output, StringComparison.Ordinal);
        Assert.Contains($"no review statement waits at {Commits}:git-{Commit}", (await ReleaseAsync(1)).Output, StringComparison.Ordinal);
        await VerifyAsync(1);
    }

    [Fact]
    public async Task A_squash_whose_tree_differs_is_not_attested()
    {
        var refused = await AttestAsync(1, "--reviewed-tree", new string('6', 40), "--output", "json");
        Assert.Contains("was reviewed", refused.Json().GetProperty("reasons")[0].GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_emergency_is_attested_as_one_and_only_where_it_is_told_when_it_was_merged()
    {
        policy = bench.Folder.Write("kinds.yaml", (await File.ReadAllTextAsync(policy, TestContext.Current.CancellationToken)).TrimEnd() + "\n  changes: { emergency: { require: [{ role: compliance, count: 1 }], review: { require: [{ role: risk-manager, count: 1 }], within: 48h } } }\n");
        var request = new PullRequests("src/a").Reviewed("bob").With("labels", new JsonArray(new JsonObject { ["name"] = "emergency", ["by"] = PullRequests.Account("bob") }));
        Assert.Contains("when example/trading#7 was merged is not told", (await AttestAsync(2, request)).Output, StringComparison.Ordinal);
        var attested = (await AttestAsync(0, request.With("mergedAt", bench.Clock.GetUtcNow().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture)), "--output", "json")).Json();
        Assert.Equal([ReviewStatement.TwoPartyReviewed, ReviewStatement.Emergency], attested.GetProperty("properties").EnumerateArray().Select(one => one.GetString()));
    }

    [Fact]
    public async Task What_was_merged_into_a_branch_that_the_policy_does_not_protect_is_not_attested()
    {
        var request = new PullRequests("src/a").Reviewed("bob").With("base", new JsonObject { ["ref"] = "x", ["sha"] = "1111111111111111111111111111111111111111" });
        Assert.Contains("review.branches does not name it", (await AttestAsync(2, request)).Error, StringComparison.Ordinal);
        Assert.Contains("no review statement waits", (await ReleaseAsync(1)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_could_not_be_told_is_not_attested() =>
        await AttestAsync(2, request: new PullRequests("src/a").Reviewed("bob").With("lastPusher", null));

    [Theory]
    [InlineData("builder", "may not say what was reviewed")]
    [InlineData("bob", "acts for no robot")]
    [InlineData("stranger", "acts for no robot")]
    public async Task Only_a_robot_that_the_policy_lets_review_attests(string key, string told)
    {
        Assert.Contains(told, (await AttestAsync(2, "--key", Key(key))).Error, StringComparison.Ordinal);
        await ReleaseAsync(1);
    }

    [Fact]
    public async Task A_commit_is_attested_once_and_what_others_put_in_its_place_does_not_count()
    {
        var first = (await AttestAsync(0, "--output", "json")).Json();
        var again = (await AttestAsync(0, "--output", "json")).Json();
        Assert.Equal((first.GetProperty("evidence").GetString(), first.GetProperty("id").GetString(), null), (again.GetProperty("evidence").GetString(), again.GetProperty("id").GetString(), again.GetProperty("pushed").GetString()));

        var layout = OciLayout.Open(bench.Layout);
        await layout.PushTaggedAsync(ImageReference.Parse(Commits).Repository, $"git-{Commit}", "x", new(Gates.Sigstore.MediaTypes.Bundle, "{}"u8.ToArray(), new Dictionary<string, string>()), default);
        Assert.Contains("is no review statement of somebody whom the policy trusts", (await ReleaseAsync(1)).Output, StringComparison.Ordinal);
        Assert.NotNull((await AttestAsync(0, "--output", "json")).Json().GetProperty("pushed").GetString());
        await ReleaseAsync(0);
    }

    [Fact]
    public async Task A_statement_goes_to_a_file_and_is_released_from_there()
    {
        var file = bench.Folder.PathOf("review.json");
        await AttestAsync(0, "--out", file);
        await ReleaseAsync(0, "--statement", file);
        Assert.Contains("is there already", (await AttestAsync(2, "--out", file, "--merged", new string('8', 40))).Error, StringComparison.Ordinal);

        // Not even where one that counts hangs there already.
        var other = bench.Folder.PathOf("other.json");
        await AttestAsync(0, "--out", other, "--merged", new string('9', 40));
        Assert.Contains($"is about commit {new string('9', 40)}", (await ReleaseAsync(1, "--statement", other)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_image_of_another_commit_is_not_released_as_this_one()
    {
        await AttestAsync(0, "--merged", new string('8', 40));
        var refused = await ReleaseAsync(1, "--commit", new string('8', 40));
        Assert.Contains($"says that it was built from {new string('8', 40)}", refused.Output, StringComparison.Ordinal);
        Assert.Contains($"is about commit {new string('8', 40)}, and the image was built from {Commit}", refused.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_commit_is_not_released_by_the_review_of_another_from_which_the_image_was_built_too()
    {
        var other = new string('8', 40);
        await AttestAsync(0);
        await ReleaseAsync(0);

        // Another version of that number never was in force, and what was reviewed under it does not count.
        policy = bench.Folder.Write("other.yaml", Yaml() + "\n");
        await GatesAsync(["attest", Image, "--as", Workbench.Repository, "--type", "slsaprovenance1", "--predicate", Predicate(System.Text.Encoding.UTF8.GetBytes(System.Text.Encoding.UTF8.GetString(SourceWorld.Provenance()).Replace(Commit, other, StringComparison.Ordinal))), "--key", Key("builder")]);
        await AttestAsync(0, "--merged", other);
        await ReleaseAsync(0, "--commit", other);
        Assert.Contains("which version 1 does not name as one that was in force", (await ReleaseAsync(1)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tag_is_asked_for_where_the_policy_asks()
    {
        policy = bench.Folder.Write("tagged.yaml", Yaml(", tagged: { by: [bob] }"));
        await AttestAsync(0);
        Assert.Contains("nobody signed that tag", (await ReleaseAsync(1)).Output, StringComparison.Ordinal);
        await GatesAsync(["attest", Image, "--as", Workbench.Repository, "--type", "https://governance.gates/tag/v1", "--predicate", Predicate(SourceWorld.TagBy()), "--key", Key("bob")]);
        await ReleaseAsync(0);
    }

    [Fact]
    public async Task Approvals_are_asked_for_where_it_is_said_where_the_image_is_to_run()
    {
        policy = bench.Folder.Write("approved.yaml", Yaml(", approved: { action: deploy }"));
        await AttestAsync(0);
        Assert.Contains("has no request for deploy", (await ReleaseAsync(1, "--cluster-uid", "3f0c7a52-0000-4000-8000-000000000001", "--namespace", "trading")).Output, StringComparison.Ordinal);
        Assert.Contains("approvals were not asked for", (await ReleaseAsync(0)).Output, StringComparison.Ordinal);

        // Nobody may say that all of the policy is met.
        var released = (await ReleaseAsync(0, "--output", "json")).Json();
        Assert.NotNull(released.GetProperty("review").GetString());
        Assert.Null(released.GetProperty("summary").GetString());
    }

    [Fact]
    public async Task What_another_image_needs_approvals_for_keeps_no_summary_back()
    {
        policy = bench.Folder.Write("elsewhere.yaml", $"{Yaml().TrimEnd()}\n      - {{ match: [registry.example.com/live/**], require: {{ approved: {{ action: deploy }} }} }}\n");
        await AttestAsync(0);
        Assert.NotNull((await ReleaseAsync(0, "--output", "json")).Json().GetProperty("summary").GetString());
    }

    [Fact]
    public async Task A_workflow_attests_without_a_key_where_the_policy_names_its_repository_and_nothing_is_published_where_it_names_another()
    {
        await using var sigstore = await LoopbackSigstore.StartAsync();
        var root = bench.Folder.Write("root.json", sigstore.Instance.RootJson().ToJsonString());
        bench.Set("SIGSTORE_ID_TOKEN", LoopbackSigstore.Token());
        string[] keyless = ["--keyless", "--fulcio", sigstore.Address, "--rekor", sigstore.Address];
        foreach (var (repository, exit) in ((string, int)[])[("1", 2), ("632596897", 0)])
        {
            policy = bench.Folder.Write($"keyless-{repository}.yaml", Yaml().Replace("reviewer: { keys: [reviewer] }", $"reviewer: {{ oidc: [{{ issuer: {ThrowAwaySigstore.Issuer}, subject: {ThrowAwaySigstore.Workflow}, repositoryId: {repository} }}] }}", StringComparison.Ordinal)
                .Replace("  artifacts:\n", $"    roots: {{ sigstore: {{ file: root.json, sha256: \"{Digest.Of(File.ReadAllBytes(root))}\" }} }}\n  artifacts:\n", StringComparison.Ordinal));
            var attested = await bench.GatesAsync([.. Arguments(new PullRequests("src/a").Reviewed("bob")), .. keyless]);
            Assert.True(attested.ExitCode == exit, attested.Error);
            Assert.Equal(exit == 2, attested.Error.Contains("nothing was published", StringComparison.Ordinal));
            await ReleaseAsync(exit == 0 ? 0 : 1);
        }
    }

    [Fact]
    public async Task A_signed_tag_is_allowed_on_a_commit_whose_review_statement_stands_and_on_no_other()
    {
        await using var server = await LoopbackGitHub.StartAsync();
        bench.Set("GITHUB_API_URL", server.Api.AbsoluteUri.TrimEnd('/'));
        bench.Set("GITHUB_REPOSITORY", "example/trading");
        var signed = $"object {Commit}\ntype commit\ntag v1\ntagger Bob <bob@example.com> 1772366400 +0000\n\nfirst\n";
        using var key = System.Security.Cryptography.ECDsa.Create();
        key.ImportFromPem(await File.ReadAllTextAsync(Key("bob"), TestContext.Current.CancellationToken));
        server.World.Tags["v1"] = ("tag", new('a', 40), new JsonObject
        {
            ["object"] = new JsonObject { ["type"] = "commit", ["sha"] = Commit },
            ["verification"] = new JsonObject { ["reason"] = "no_user", ["payload"] = signed, ["signature"] = GitTagTests.SignatureOf(signed, key) },
        });

        Assert.Contains($"no review statement waits at {Commits}:git-{Commit}; merge the commit by a reviewed pull request", (await TagAsync(1)).Output, StringComparison.Ordinal);
        await AttestAsync(0);
        var allowed = await TagAsync(0);
        Assert.Contains($"because: reviewed: the tag v1 names {Commit}, reviewed in pull request 7 of {SourceWorld.Source} by bob", allowed.Output, StringComparison.Ordinal);

        // A statement about another commit, of another repository, or by nobody who may give one.
        var other = bench.Folder.PathOf("other.json");
        await AttestAsync(0, "--out", other, "--merged", new string('9', 40));
        var refused = (await TagAsync(1, "--statement", other, "--output", "json")).Json();
        Assert.Contains($"is about commit {new string('9', 40)}, and the tag is of {Commit}", refused.GetProperty("reasons")[0].GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), (refused.GetProperty("commit").ValueKind, refused.GetProperty("person").ValueKind));
        Assert.Contains("is no review statement of somebody whom the policy trusts", (await TagAsync(1, "--statement", bench.Folder.Write("no.json", "{}"))).Output, StringComparison.Ordinal);
        bench.Set("GITHUB_SERVER_URL", "https://github.example.com");
        Assert.Contains("no image rule asks for reviewed of https://github.example.com/example/trading", (await TagAsync(2)).Output, StringComparison.Ordinal);
        bench.Set("GITHUB_SERVER_URL", "");

        // A repository that cannot be read is no commit without a review, and no policy that asks for none.
        var asked = await File.ReadAllTextAsync(policy, TestContext.Current.CancellationToken);
        policy = bench.Folder.Write("elsewhere.yaml", asked.Replace($"commits: {Commits}", "commits: localhost:1/commits", StringComparison.Ordinal));
        Assert.Equal(2, (await bench.GatesAsync("tag", "v1", "--policy", policy)).ExitCode);
        policy = bench.Folder.Write("nowhere.yaml", asked.Replace($"commits: {Commits}", "", StringComparison.Ordinal));
        Assert.Contains($"nobody can tell whether {Commit} was reviewed: the policy names no review.commits", (await TagAsync(2)).Output, StringComparison.Ordinal);
        policy = bench.Folder.Write("unasked.yaml", asked.Replace(", reviewed: { by: [reviewer] }", "", StringComparison.Ordinal));
        Assert.Contains("no image rule asks for reviewed", (await TagAsync(0)).Output, StringComparison.Ordinal);
        Assert.Contains("leave --statement out", (await TagAsync(2, "--statement", other)).Error, StringComparison.Ordinal);
    }

    private string Key(string name) => bench.Folder.PathOf($"{name}.pem");

    private string Predicate(ReadOnlyMemory<byte> statement) => bench.Folder.Write($"{Guid.NewGuid():N}.json", JsonNode.Parse(statement.Span)!["predicate"]!.ToJsonString());

    private string[] Arguments(PullRequests request) =>
        ["review", "attest", "--snapshot", bench.Folder.Write($"{Guid.NewGuid():N}.json", request.Json()), "--policy", policy, "--layout", bench.Layout, "--merged", Commit, "--tree", Tree, "--reviewed-tree", Tree];

    private Task<Ended> AttestAsync(int exit, params string[] more) => AttestAsync(exit, new PullRequests("src/a").Reviewed("bob"), more);

    private async Task<Ended> AttestAsync(int exit, PullRequests request, params string[] more)
    {
        List<string> arguments = [.. Arguments(request), "--key", Key("reviewer")];
        for (var i = 0; i < more.Length; i += 2)
        {
            // What a test says stands in the place of what is usual.
            if (arguments.IndexOf(more[i]) is >= 0 and var at)
            {
                arguments.RemoveRange(at, 2);
            }
        }

        var ended = await bench.GatesAsync([.. arguments, .. more]);
        Assert.True(ended.ExitCode == exit, $"{ended.ExitCode}: {ended.Error}{ended.Output}");
        return ended;
    }

    private async Task<Ended> TagAsync(int exit, params string[] more)
    {
        var ended = await bench.GatesAsync(["tag", "v1", "--policy", policy, "--layout", bench.Layout, .. more]);
        Assert.True(ended.ExitCode == exit, $"{ended.ExitCode}: {ended.Error}{ended.Output}");
        return ended;
    }

    private async Task<Ended> ReleaseAsync(int exit, params string[] more)
    {
        var ended = await bench.GatesAsync(["release", Image, "--as", Workbench.Repository, .. more.Contains("--commit") ? (string[])[] : ["--commit", Commit], "--policy", policy, "--key", Key("builder"), .. more]);
        Assert.True(ended.ExitCode == exit, $"{ended.ExitCode}: {ended.Error}{ended.Output}");
        return ended;
    }

    private async Task<Ended> VerifyAsync(int exit)
    {
        var ended = await bench.GatesAsync("verify", Image, "--as", Workbench.Repository, "--policy", policy);
        Assert.True(ended.ExitCode == exit, $"{ended.ExitCode}: {ended.Error}{ended.Output}");
        return ended;
    }

    private async Task GatesAsync(string[] arguments)
    {
        var run = await bench.GatesAsync(arguments);
        Assert.True(run.ExitCode == 0, run.Error);
    }

    private string Yaml(string more = "") => PullRequests.Yaml($"{PullRequests.Rules}\n    commits: {Commits}\n    branches: {{ main: {{ directPush: blocked, forcePush: blocked }} }}")
        .Replace("bob: { id: p-2, ", "bob: { id: p-2, keys: [bob], ", StringComparison.Ordinal)
        .Replace("erin: { id: p-5, ", "erin: { id: p-5, keys: [erin], ", StringComparison.Ordinal)
        .Replace("  review:\n", "    release: { people: [bob, erin] }\n  review:\n", StringComparison.Ordinal) + "\n" + $$"""
          environments:
            production: { clusters: [3f0c7a52-0000-4000-8000-000000000001], namespaces: [trading] }
          robots:
            builder: { keys: [builder] }
            reviewer: { keys: [reviewer] }
          approvals:
            deploy: { require: [{ role: release, count: 1 }], useBy: 7d }
          trust:
            keys:
        {{string.Join('\n', ((string[])["builder", "reviewer", "bob", "erin"]).Select(name => $"      {name}: {{ spki: \"{Spki(name)}\", file: {name}.pub }}"))}}
          artifacts:
            images:
              - match: ["{{Workbench.Repository}}"]
                require: { provenance: { by: [builder], source: {{SourceWorld.Source}} }, reviewed: { by: [reviewer] }{{more}} }

        """;

    private string Spki(string name)
    {
        using var key = System.Security.Cryptography.ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(bench.Folder.PathOf($"{name}.pub")));
        return Digest.Of(key.ExportSubjectPublicKeyInfo()).ToString();
    }
}
