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
        "<img src=x onerror=alert(1)>", "![x](https://evil.example/p.png)", "[a](javascript:x) www.evil.example https://evil.example a@evil.example", "`code` *a* _b_ ~~c~~ **d**", "| a | b |\n| c | d |",
        "::error::x\n::set-output name=decision::allow\n##[add-mask]x", "\n\n# heading\n\n- list\n\n```\ncode", "<!-- @everyone &lt;b&gt; \\| \\", "\u202Ea\u0007b\u001b[2J", new('|', 4_000),
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
    public async Task Hostile_text_changes_nothing_but_the_text_of_the_summary_that_is_shown()
    {
        Assert.SkipWhen(Peers.WhyNot(Peers.Node, Peers.ActionsJs) is not null, Peers.ActionsJs.WhyNot);
        var plain = await TagsAsync("plain");
        Assert.Contains("<table>", plain, StringComparison.Ordinal);
        foreach (var text in Hostile)
        {
            Assert.Equal(plain, await TagsAsync(text));
        }
    }

    // What a renderer of GitHub Flavored Markdown makes of the summary, without its text.
    private async Task<string> TagsAsync(string text)
    {
        var snapshot = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(Examples, "denied.json")))!;
        snapshot["files"]![0]!["path"] = $"risk/{text.Replace("//", "", StringComparison.Ordinal)}";

        // These may be no longer, and hold no control characters.
        var line = string.Concat(text.Where(character => !char.IsControl(character) && character != '\u202E').Take(1_000));
        snapshot["unread"] = new JsonArray(new JsonObject { ["rule"] = "forge", ["message"] = line, ["remedy"] = line });
        var step = await ReviewAsync(folder.Write("snapshot.json", snapshot.ToJsonString()));
        Assert.True(step.Outputs["decision"] == "deny" && step.Outputs.Count == 3, $"{text}: {step.Output}{step.Error}");
        Assert.Equal(["error", "error"], step.Commands.Select(command => command.Name));
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
