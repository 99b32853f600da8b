using Governance.Gates.Cli.Consoles;

namespace Governance.Gates.Tests.Cli;

public sealed class HostileTextTests : IDisposable
{
    private readonly Workbench bench = new();

    public static TheoryData<string> Evil =>
    [
        "::error::owned", "  ::set-output name=a::b", "##[add-mask]x", "a\n::warning::b", "a\r::warning::b", "\u001b[2J\u001b[1;1Hallow", "\u202Ewolla", "a\u2028::b", "\u0085::b", "<script>alert(1)</script>",
        "a | b", "`code`", "![x](https://evil.example/p.png)", "[click](javascript:1)", "www.evil.example", "<!--", "\\| a", "| --- |",
    ];

    [Theory, MemberData(nameof(Evil))]
    public void A_line_stays_one_line_and_is_no_command(string text)
    {
        var line = SafeText.Line(text);
        Assert.DoesNotContain(line, character => char.IsControl(character) || char.GetUnicodeCategory(character) == System.Globalization.UnicodeCategory.Format || character is '\u2028' or '\u2029');
        Assert.False(line.TrimStart().StartsWith("::", StringComparison.Ordinal));
        Assert.DoesNotContain("##[", line, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Evil))]
    public void Markdown_shows_text_as_text(string text)
    {
        var markdown = SafeText.Markdown(text);
        Assert.DoesNotContain(markdown, character => character is '<' or '>' or '|' or '`' or '[' or ']' or '\n' or '\r' or '\\' or '*' or '_');
        Assert.DoesNotContain("://", markdown, StringComparison.Ordinal);
        Assert.DoesNotContain("www.", markdown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_in_manifests_cannot_forge_rows_commands_or_markup()
    {
        const string Name = "\\e[2Jweb\\n::error::owned\\n| allow | x |\\u202E<img src=x>";
        var policy = bench.Policy(bench.Key("release").Public);
        var manifest = bench.Folder.Write("evil.yaml", Manifests.Pod("registry.example.com/a\\n::error::b", $"\"{Name}\""));
        foreach (var form in (string[])["text", "json", "markdown"])
        {
            var ended = await bench.GatesAsync("admit", "-f", manifest, "--policy", policy, "--layout", await LayoutAsync(), "--output", form);
            Assert.Equal(1, ended.ExitCode);
            Assert.DoesNotContain(ended.Output, character => char.IsControl(character) && character != '\n');
            Assert.DoesNotContain(ended.Output.Split('\n'), line => line.TrimStart().StartsWith("::", StringComparison.Ordinal));
            Assert.DoesNotContain('\u202E', ended.Output);
            if (form == "markdown")
            {
                Assert.DoesNotContain('<', ended.Output);
                Assert.Single(ended.Output.Split('\n'), line => line.StartsWith("| deny", StringComparison.Ordinal));
                Assert.DoesNotContain("| allow |", ended.Output, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Arguments_come_back_on_one_line_in_mistakes()
    {
        var ended = await bench.GatesAsync("verify", "::add-mask::\u001b[31m\nx", "--key", "a\n::error::b");
        Assert.Equal(64, ended.ExitCode);
        Assert.DoesNotContain('\u001b', ended.Error);
        Assert.DoesNotContain(ended.Error.Split('\n'), line => line.TrimStart().StartsWith("::", StringComparison.Ordinal));
    }

    [Fact]
    public void A_runner_command_in_json_is_escaped_and_reads_back_the_same()
    {
        var json = SafeText.Json.Encode("##[group]\u001b é");
        Assert.DoesNotContain("##[", json, StringComparison.Ordinal);
        Assert.Equal("##[group]\u001b é", System.Text.Json.JsonDocument.Parse($"\"{json}\"").RootElement.GetString());
    }

    [Fact]
    public async Task The_writer_guards_lines_that_come_in_pieces()
    {
        using var inner = new StringWriter();
        await using (var writer = new SafeWriter(inner))
        {
            writer.Write(':');
            writer.Write(":error::x\nsecond\u001b\n  ::third");
            await writer.FlushAsync(TestContext.Current.CancellationToken);
        }

        Assert.Equal("\\::error::x\nsecond\uFFFD\n\\  ::third", inner.ToString());
    }

    private async Task<string> LayoutAsync()
    {
        await bench.AddImageAsync();
        return bench.Layout;
    }

    public void Dispose() => bench.Dispose();
}
