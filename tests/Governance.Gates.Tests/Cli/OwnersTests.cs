using System.Text.Json;

namespace Governance.Gates.Tests.Cli;

public sealed class OwnersTests : IDisposable
{
    private readonly Workbench bench = new();

    [Fact]
    public async Task Each_path_has_one_line_in_the_order_of_the_input_also_when_nobody_owns_it()
    {
        var file = bench.Folder.Write("OWNERS", "* @a\n*.js @b @org/web\n/apps/github\n");
        var ended = await bench.GatesAsync("owners", "--codeowners", file, "x.js", "apps/github/y.js", "./README", "x.js");
        Assert.Equal(0, ended.ExitCode);
        Assert.Equal(
            [
                $"x.js  @b @org/web  {file}:2 *.js  hits 1 *, 2 *.js",
                $"apps/github/y.js  unowned  {file}:3 /apps/github  hits 1 *, 2 *.js, 3 /apps/github",
                $"README  @a  {file}:1 *  hits 1 *",
                $"x.js  @b @org/web  {file}:2 *.js  hits 1 *, 2 *.js",
            ],
            Lines(ended));
    }

    [Fact]
    public async Task A_dash_reads_paths_from_standard_input_where_it_stands()
    {
        var file = bench.Folder.Write("OWNERS", "/b @b\n");
        var ended = await bench.GatesAsync(["owners", "--codeowners", file, "a", "-", "z"], "b\nsrc/c", default);
        Assert.Equal(["a  unowned  -  hits none", $"b  @b  {file}:1 /b  hits 1 /b", "src/c  unowned  -  hits none", "z  unowned  -  hits none"], Lines(ended));
    }

    [Fact]
    public async Task Paths_that_end_with_a_zero_byte_may_hold_anything_else()
    {
        var file = bench.Folder.Write("OWNERS", "*.js @b\n");
        var ended = await bench.GatesAsync(["owners", "--codeowners", file, "-z", "-", "--output", "json"], "a\nb.js\0\"c\".js\0", default);
        Assert.Equal(["a\nb.js", "\"c\".js"], ended.Json().GetProperty("paths").EnumerateArray().Select(path => path.GetProperty("path").GetString()));
        Assert.All(ended.Json().GetProperty("paths").EnumerateArray(), path => Assert.Equal("@b", path.GetProperty("owners")[0].GetString()));
    }

    [Theory]
    [InlineData("", "an empty line")]
    [InlineData("/etc/passwd", "does not begin at the repository's root")]
    [InlineData("src/", "is a folder")]
    [InlineData("a/../b", "is not the plain path")]
    [InlineData("\"\\303\\244\"", "quoted as git quotes")]
    public async Task What_is_no_path_has_its_line_too_and_ends_with_2(string line, string why)
    {
        var file = bench.Folder.Write("OWNERS", "* @a\n");
        var ended = await bench.GatesAsync(["owners", "--codeowners", file, "-"], $"x\n{line}\ny\n", default);
        Assert.Equal(2, ended.ExitCode);
        Assert.Equal(3, Lines(ended).Length);
        Assert.Contains(why, Lines(ended)[1], StringComparison.Ordinal);
        Assert.StartsWith("y  @a", Lines(ended)[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_line_without_end_is_no_path_and_the_next_one_is()
    {
        var file = bench.Folder.Write("OWNERS", "* @a\n");
        var ended = await bench.GatesAsync(["owners", "--codeowners", file, "-"], $"{new string('a', 200_000)}\ny\n", default);
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains("more than 16384 bytes", Lines(ended)[0], StringComparison.Ordinal);
        Assert.StartsWith("y  @a", Lines(ended)[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_file_in_github_counts_before_the_one_at_the_root_and_the_one_in_docs()
    {
        Directory.CreateDirectory(bench.Folder.PathOf("docs"));
        Directory.CreateDirectory(bench.Folder.PathOf(".github"));
        foreach (var location in (string[])["docs/CODEOWNERS", "CODEOWNERS", ".github/CODEOWNERS"])
        {
            bench.Folder.Write(location, $"* @{location.Split('/')[0].TrimStart('.')}\n");
            var ended = await bench.GatesAsync("owners", "--codeowners", bench.Folder.Path, "x", "--output", "json");
            Assert.Equal(location, ended.Json().GetProperty("file").GetString());
            Assert.Equal($"@{location.Split('/')[0].TrimStart('.')}", ended.Json().GetProperty("paths")[0].GetProperty("owners")[0].GetString());
        }
    }

    [Fact]
    public async Task A_repository_without_the_file_owns_nothing_and_says_so()
    {
        var ended = await bench.GatesAsync("owners", "--codeowners", bench.Folder.Path, "x");
        Assert.Equal((0, "x  unowned  -  hits none\n"), (ended.ExitCode, ended.Output));
        Assert.Contains("no CODEOWNERS file in .github/CODEOWNERS, CODEOWNERS, docs/CODEOWNERS", ended.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_symbolic_link_in_its_place_is_refused()
    {
        bench.Folder.Write("owners.txt", "* @a\n");
        File.CreateSymbolicLink(bench.Folder.PathOf("CODEOWNERS"), "owners.txt");
        var ended = await bench.GatesAsync("owners", "--codeowners", bench.Folder.Path, "x");
        Assert.Equal((2, ""), (ended.ExitCode, ended.Output));
        Assert.Contains("symbolic link", ended.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_github_does_not_load_ends_with_2()
    {
        var file = bench.Folder.Write("OWNERS", $"* @a\n{new string('#', 3_000_000)}\n");
        var ended = await bench.GatesAsync("owners", "--codeowners", file, "x", "--output", "json");
        Assert.Equal(2, ended.ExitCode);
        Assert.Equal("too-large", ended.Json().GetProperty("mistakes")[0].GetProperty("kind").GetString());
        Assert.Equal(0, ended.Json().GetProperty("paths")[0].GetProperty("owners").GetArrayLength());
    }

    [Fact]
    public async Task Mistakes_are_told_beside_the_answer_with_their_place()
    {
        var file = bench.Folder.Write("OWNERS", "* @a\n!x @b\n");
        var ended = await bench.GatesAsync("owners", "--codeowners", file, "x");
        Assert.Equal($"x  @a  {file}:1 *  hits 1 *\n", ended.Output);
        Assert.Contains("OWNERS:2:1: '!' does not work in CODEOWNERS", ended.Error, StringComparison.Ordinal);
        var json = (await bench.GatesAsync("owners", "--codeowners", file, "x", "--output", "json")).Json();
        Assert.Equal((2, 1), (json.GetProperty("mistakes")[0].GetProperty("line").GetInt32(), json.GetProperty("mistakes")[0].GetProperty("column").GetInt32()));
        Assert.Equal(JsonValueKind.Object, json.GetProperty("paths")[0].GetProperty("decided").ValueKind);
    }

    [Fact]
    public async Task Many_mistakes_are_told_in_part_and_all_of_them_to_a_machine()
    {
        var file = bench.Folder.Write("OWNERS", string.Concat(Enumerable.Repeat("!x @b\n/a/b* @c\n", 30)));
        var ended = await bench.GatesAsync("owners", "--codeowners", file, "x");
        Assert.Equal(21, ended.Error.TrimEnd('\n').Split('\n').Length);
        Assert.Contains("40 more mistakes and warnings", ended.Error, StringComparison.Ordinal);
        var json = (await bench.GatesAsync("owners", "--codeowners", file, "x", "--output", "json")).Json();
        Assert.Equal((30, 30), (json.GetProperty("mistakes").GetArrayLength(), json.GetProperty("warnings").GetArrayLength()));
    }

    [Fact]
    public async Task A_hostile_path_forges_no_line_command_or_markup()
    {
        var file = bench.Folder.Write("OWNERS", "*.js @b\n");
        foreach (var form in (string[])["text", "json", "markdown"])
        {
            var ended = await bench.GatesAsync(["owners", "--codeowners", file, "-z", "-", "--output", form], "::error::x\n| a | b |\u001b##[add-mask]<img>.js\0", default);
            Assert.DoesNotContain(ended.Output, character => char.IsControl(character) && character != '\n');
            Assert.DoesNotContain("##[", ended.Output, StringComparison.Ordinal);
            Assert.DoesNotContain(ended.Output.Split('\n'), line => line.TrimStart().StartsWith("::", StringComparison.Ordinal));
            Assert.True(form == "json" || ended.Output.TrimEnd('\n').Split('\n').Length == (form == "text" ? 1 : 3), ended.Output);
        }
    }

    private static string[] Lines(Ended ended) => ended.Output.TrimEnd('\n').Split('\n');

    public void Dispose() => bench.Dispose();
}
