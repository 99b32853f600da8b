using Governance.Gates.Testing.Workflows;

namespace Governance.Gates.Tests.Actions;

/// <summary>The runner of these tests reads what GitHub's reads: cases after actions/runner, SetOutputFileCommandL0.cs and ActionCommandL0.cs.</summary>
public sealed class MiniRunnerTests
{
    public static TheoryData<string, string> FilesRead => new()
    {
        { "", "" },
        { "\n\nA=b\n\n", "A=b" },
        { "\uFEFFA=b", "A=b" },
        { "A==b=\n", "A==b=" },
        { "A=\n", "A=" },
        { "A=b<<c\n", "A=b<<c" },
        { "A<<E\none\n\ntwo\n\nE\n", "A=one\n\ntwo\n" },
        { "A<<E\nE\n", "A=" },
        { "A<<E\nE", "A=" },
        { "A<<=E\nx\n=E\nB<<<E\ny\n<E\n", "A=x;B=y" },
        { "A<<E\n E\nB=c\nE\n", "A= E\nB=c" },
        { "A<<E\r\nx\nE\r\n", "A=x" },
        { "A=1\nA=2\n", "A=1;A=2" },
    };

    [Theory, MemberData(nameof(FilesRead))]
    public void A_file_of_the_runner_is_read_by_its_grammar(string text, string pairs)
    {
        var read = FileCommands.Read(text);
        Assert.Null(read.Mistake);
        Assert.Equal(pairs, string.Join(';', read.Pairs.Select(pair => $"{pair.Name}={pair.Value}")));
    }

    [Theory]
    [InlineData("A\n", "invalid format")]
    [InlineData("<<E\nE\n", "invalid format")]
    [InlineData("A<<\n", "invalid format")]
    [InlineData("A<<E\nx\n", "delimiter")]
    [InlineData("A<<E\nx\nE ", "delimiter")]
    public void A_file_that_breaks_the_grammar_fails_the_step(string text, string mistake) => Assert.Contains(mistake, FileCommands.Read(text).Mistake, StringComparison.Ordinal);

    [Theory]
    [InlineData("::error::x", "error", "x")]
    [InlineData(" \t\u00A0::ERROR file=a,line=1::x::y", "ERROR", "x::y")]
    [InlineData("::error::a%0Ab%250A", "error", "a\nb%0A")]
    [InlineData("text ##[add-mask]secret", "add-mask", "secret")]
    [InlineData("::unknown::##[debug]x", "debug", "x")]
    [InlineData("##[warning a=b;c=d]%5D", "warning", "]")]
    [InlineData("::set-output name=a::b", "set-output", "b")]
    public void A_line_that_the_runner_takes_for_a_command_is_one(string line, string name, string data)
    {
        var command = WorkflowCommand.Read(line);
        Assert.Equal((name, data), (command?.Name, command?.Data));
    }

    [Theory]
    [InlineData("x ::error::y")]
    [InlineData("::error")]
    [InlineData("::mine::x")]
    [InlineData("##[mine]x")]
    [InlineData("##[error x")]
    [InlineData("# #[error]x")]
    [InlineData("\\::error::x")]
    [InlineData("")]
    public void Any_other_line_is_none(string line) => Assert.Null(WorkflowCommand.Read(line));

    [Fact]
    public void Properties_are_unescaped_and_their_names_have_any_case()
    {
        var command = WorkflowCommand.Read("::error FILE=a%2Cb%3Ac%25,line=3, title==x,empty=::m");
        Assert.Equal("a,b:c%", command!.Properties["file"]);
        Assert.Equal("3", command.Properties["line"]);
        Assert.DoesNotContain("empty", command.Properties.Keys);
    }

    [Fact]
    public void Between_a_stop_and_its_token_nothing_is_a_command() =>
        Assert.Equal(["stop-commands", "debug"], MiniRunner.Commands("::stop-commands::t0k\n::error::x\r##[error]y\n::t0k::\n::debug::z\n").Select(command => command.Name));

    [Fact]
    public async Task A_later_output_replaces_an_earlier_one_and_a_summary_has_a_bound()
    {
        using var runner = new MiniRunner();
        var step = await runner.RunAsync(new Dictionary<string, string> { ["my-input two"] = "x" }, async environment =>
        {
            await File.AppendAllTextAsync(environment["GITHUB_OUTPUT"], "a=1\nA=2\n");
            await File.AppendAllTextAsync(environment["GITHUB_STEP_SUMMARY"], new string('x', (1024 * 1024) + 1));
            await File.AppendAllTextAsync(environment["GITHUB_ENV"], "NODE_OPTIONS=--require evil\n");
            return (0, environment["INPUT_MY-INPUT_TWO"], "");
        });
        Assert.Equal(("x", "2"), (step.Output, step.Outputs["a"]));
        Assert.Equal(2, step.Mistakes.Length);
        Assert.False(step.Succeeded);
    }
}
