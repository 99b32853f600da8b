using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;
using Governance.Gates.Testing.Workflows;

namespace Governance.Gates.Conformance.Actions;

/// <summary>The built program as the step of a workflow, on the pull requests of <c>docs/examples</c>.</summary>
public sealed partial class PublishedActionTests : IDisposable
{
    private static readonly string Examples = Path.Combine(ProjectTree.Root, "docs/examples/pull-request");
    private static readonly string[] Hostile =
    [
        "risk/<img src=x onerror=alert(1)>", "risk/![x](https://evil.example/p.png)", "risk/[a](javascript:x) www.evil.example https://evil.example a@evil.example", "risk/`code` *a* _b_ ~~c~~ **d**", "risk/| a | b |\n| c | d |",
        "risk/::error::x\n::set-output name=decision::allow\n##[add-mask]x", "risk/\n\n# heading\n\n- list\n\n```\ncode", "risk/<!-- @everyone &lt;b&gt; \\| \\", "risk/\u202Ea\u0000b\u001b[2J", $"risk/{new string('|', 4_000)}",
    ];

    private readonly MiniRunner runner = new();
    private readonly TemporaryFolder folder = new();

    [Theory]
    [InlineData("allowed.json", true, "allow")]
    [InlineData("denied.json", false, "deny")]
    [InlineData("nowhere.json", false, "unknown")]
    public async Task The_examples_are_decided_as_their_names_say(string snapshot, bool succeeds, string decision)
    {
        var step = await ReviewAsync(Path.Combine(Examples, snapshot));
        Assert.Equal((succeeds, decision), (step.Succeeded, step.Outputs["decision"]));
    }

    [Fact]
    public async Task A_hostile_path_changes_nothing_but_the_text_of_the_summary_that_is_shown()
    {
        Assert.SkipWhen(Peers.WhyNot(Peers.Node, Peers.ActionsJs) is not null, Peers.ActionsJs.WhyNot);
        var plain = await TagsAsync("risk/plain");
        Assert.Contains("<table>", plain, StringComparison.Ordinal);
        foreach (var path in Hostile)
        {
            Assert.Equal(plain, await TagsAsync(path));
        }
    }

    // What a renderer of GitHub Flavored Markdown makes of the summary, without its text.
    private async Task<string> TagsAsync(string path)
    {
        var snapshot = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Examples, "denied.json")))!;
        snapshot["files"]![0]!["path"] = path;
        var step = await ReviewAsync(folder.Write("snapshot.json", snapshot.ToJsonString()));
        Assert.Equal(("deny", 3), (step.Outputs["decision"], step.Outputs.Count));
        Assert.All(step.Commands, command => Assert.Equal("error", command.Name));
        Assert.Single(step.Commands);
        var html = await Command.RunAsync(Peers.Node.Require(), [Peers.ActionsJs.Require(), "--html", folder.Write("summary.md", step.Summary)]);
        return string.Concat(Tag().Matches(html.Succeeded().Output).Select(tag => tag.Value));
    }

    private Task<FinishedStep> ReviewAsync(string snapshot) => runner.RunAsync(
        new Dictionary<string, string> { ["snapshot"] = snapshot, ["policy"] = Path.Combine(Examples, "governance.yaml"), ["report"] = "" },
        async environment =>
        {
            var ended = await Command.RunAsync(Path.Combine(ProjectTree.Bin, "gates"), ["action", "review"], environment.ToDictionary(pair => pair.Key, string? (pair) => pair.Value));
            return (ended.ExitCode, ended.Output, ended.Error);
        });

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tag();

    public void Dispose()
    {
        runner.Dispose();
        folder.Dispose();
    }
}
