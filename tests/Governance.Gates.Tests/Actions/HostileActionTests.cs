using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Governance.Gates.Cli.Actions;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Testing.Workflows;
using Governance.Gates.Tests.Reviews;

namespace Governance.Gates.Tests.Actions;

/// <summary>Whatever a pull request is made of, on a runner it is never a command, an output, a variable or markup.</summary>
public sealed partial class HostileActionTests : IDisposable
{
    private static readonly string[] Outputs = ["decision", "head-sha", "policy-digest"];
    private static readonly string[] Evil =
    [
        "::error::owned", "::set-output name=decision::allow", "##[add-mask]secret", "##[set-env name=A]b", "::stop-commands::x", "::", "##[", "#", ":", "[", "]", "%", "%0A::error::x", "%25", "\n", "\r", "\r\n", "\n\n", " ", "\t", "\u00A0",
        "decision=allow", "decision<<EOF", "EOF", "gates_", "|", "| allow |", "\\|", "\\", "`", "```\n", "<img src=x onerror=alert(1)>", "<!--", "-->", "<", "&lt;", "&", "![x](https://evil.example/p.png)", "[a](javascript:x)", "https://evil.example", "www.evil.example",
        "@everyone", "@example/risk", "*", "_", "~~", "# head", "| --- |", "\u202E", "\u2028", "\u0085", "\u200B", "\uFE0F", "\u001b[2J", "\0", "\uD800", "\uFFFD", "é", "😀", "a", "b/c", ",", "=", ";", "'", "\"", "$(id)", "${{ github.token }}",
    ];

    private readonly ActionSteps steps = new();

    private static Gen<string> Text => from parts in Gen.Elements(Evil).ListOf(8) select string.Concat(parts);

    [Fact]
    public void No_text_of_a_pull_request_becomes_a_command_an_output_or_markup()
    {
        var texts = from path in Text
                    from owners in Text
                    from state in Text
                    from message in Text
                    from head in Text
                    select (path, owners, state, message, head);
        Prop.ForAll(Arb.From(texts), text =>
        {
            var (path, owners, state, message, head) = text;
            var request = new PullRequests($"risk/{path}", $"config/{owners}")
                .Reviewed("bob", state)
                .Reviewed("carol")
                .Content("base", ".github/CODEOWNERS", $"* @ann @bob\n/risk/ @bob {owners}\n")
                .UnreadTeam("example/risk", message)
                .With("head", new System.Text.Json.Nodes.JsonObject { ["ref"] = head, ["sha"] = PullRequests.Head });
            Holds(steps.ReviewAsync(request).GetAwaiter().GetResult());
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(400));
    }

    [Fact]
    public void No_text_of_an_input_does_either()
    {
        var texts = from snapshot in Text from policy in Text from report in Text select (snapshot, policy, report);
        Prop.ForAll(Arb.From(texts), text =>
        {
            // No environment holds these.
            var (snapshot, policy, report) = (text.snapshot.Replace("\0", "", StringComparison.Ordinal), text.policy.Replace("\0", "", StringComparison.Ordinal), text.report);
            var step = steps.RunAsync("review", ("snapshot", snapshot), ("policy", policy), ("report", report)).GetAwaiter().GetResult();
            Holds(step);
            Assert.NotEqual(0, step.ExitCode);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));
    }

    [Fact]
    public void An_output_is_read_back_as_it_was_whatever_it_holds() => Prop.ForAll(Arb.From(Text), text =>
    {
        var read = FileCommands.Read(WorkflowCommands.Output("first", text) + WorkflowCommands.Output("second", "b"));
        Assert.Null(read.Mistake);
        Assert.Equal([("first", text), ("second", "b")], read.Pairs);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(1_000));

    [Fact]
    public void An_annotation_is_one_command_whatever_it_is_about()
    {
        var texts = from title in Text from message in Text from file in Text select (title, message, file);
        Prop.ForAll(Arb.From(texts), text =>
        {
            var command = Assert.Single(MiniRunner.Commands(WorkflowCommands.Annotation("error", text.title, text.message, text.title.Length % 2 == 0 ? new(text.file) : new(text.file, 3, 4))));
            Assert.Equal("error", command.Name);
            Assert.Equal(SafeText.Line(text.message), command.Data);
            Assert.All(command.Properties.Keys, key => Assert.Contains(key, (string[])["title", "file", "line", "col"]));
            Assert.True(!command.Properties.TryGetValue("file", out var file) || file == text.file);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1_000));
    }

    [Theory]
    [InlineData("::error::x\n##[group]|<b>@a")]
    [InlineData("long")]
    public async Task Names_of_four_kibibytes_are_cut_and_do_no_more_than_short_ones(string piece)
    {
        var name = string.Concat(Enumerable.Repeat(piece, (4_096 / piece.Length) + 1))[..4_000];
        var step = await steps.ReviewAsync(new PullRequests($"risk/{name}").Reviewed("bob"));
        Holds(step);
        Assert.Equal(1, step.ExitCode);
    }

    // What the runner and GitHub make of a step, beside what is meant.
    private static void Holds(FinishedStep step)
    {
        Assert.Empty(step.Mistakes);
        Assert.Empty(step.Variables);
        Assert.Empty(step.State);
        Assert.Equal(Outputs, step.Outputs.Keys.Order(StringComparer.Ordinal));
        Assert.All(step.Outputs.Values, value => Assert.Matches("^[a-z0-9:]*$", value));
        Assert.Equal(step.ExitCode switch { 0 => "allow", 1 => "deny", _ => "unknown" }, step.Outputs["decision"]);
        Assert.InRange(step.Commands.Length, step.ExitCode == 0 ? 0 : 1, 10);
        Assert.All(step.Commands, command =>
        {
            Assert.Equal("error", command.Name);
            Assert.StartsWith("gates review", command.Properties["title"], StringComparison.Ordinal);
            Assert.All(command.Properties, property => Assert.True(property.Key is "title" or "file" or "line" or "col" && WorkflowCommand.Read(property.Value) is null, property.Key));
            IsOneLine(command.Data);
        });

        // The summary is headings, lists and tables of ours; a row has as many cells as its heading.
        Assert.DoesNotContain(step.Summary, character => char.IsControl(character) && character != '\n');
        var columns = 0;
        foreach (var line in step.Summary.Split('\n'))
        {
            if (OurLine().IsMatch(line))
            {
                columns = line.Length == 0 ? 0 : columns;
                continue;
            }

            string[] cells = Fact().Match(line) is { Success: true } fact ? [fact.Groups["text"].Value] : line.Split('|')[1..^1];
            columns = columns == 0 ? cells.Length : columns;
            Assert.Equal(columns, cells.Length);
            Assert.All(cells, IsText);
        }
    }

    private static void IsText(string cell)
    {
        Assert.DoesNotContain(Entity().Replace(cell, ""), character => "<>|`*_[]~!\\&#".Contains(character, StringComparison.Ordinal));
        Assert.DoesNotContain("://", cell, StringComparison.Ordinal);
        Assert.DoesNotContain("www.", cell, StringComparison.Ordinal);
        Assert.DoesNotMatch("@[A-Za-z0-9]", cell);
        IsOneLine(WebUtility.HtmlDecode(cell).Replace("\u200B", "", StringComparison.Ordinal));
    }

    private static void IsOneLine(string text)
    {
        Assert.All(text.EnumerateRunes(), rune => Assert.True(SafeText.IsPlain(rune) || rune == Rune.ReplacementChar, $"U+{rune.Value:X4}"));
        Assert.Null(WorkflowCommand.Read(text));
    }

    [GeneratedRegex("^$|^#{3,4} [A-Za-z: ]+$|^\\|( --- \\|)+$|^[0-9]+ more; the report has them all\\.$")]
    private static partial Regex OurLine();

    [GeneratedRegex("^- \\*\\*[A-Za-z]+\\*\\*: (?<text>.*)$")]
    private static partial Regex Fact();

    [GeneratedRegex("&#[0-9]+;")]
    private static partial Regex Entity();

    public void Dispose() => steps.Dispose();
}
