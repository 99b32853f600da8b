using System.Text;
using Governance.Gates.Reviews;

namespace Governance.Gates.Tests.Reviews;

public sealed class CodeownersTests
{
    public static TheoryData<string, CodeownersMistakeKind, int, string> Mistaken => new()
    {
        { "!docs/ @a", CodeownersMistakeKind.UnsupportedSyntax, 1, "'!' does not work" },
        { @"\#notes @a", CodeownersMistakeKind.UnsupportedSyntax, 1, @"'\#' does not work" },
        { "/x/[ab].js @a", CodeownersMistakeKind.UnsupportedSyntax, 4, "a bracket is a bracket" },
        { "[Docs] @a", CodeownersMistakeKind.UnsupportedSyntax, 1, "GitLab" },
        { "^[Docs][2] @a", CodeownersMistakeKind.UnsupportedSyntax, 1, "GitLab" },
        { "/ @a", CodeownersMistakeKind.InvalidPattern, 1, "matches no path" },
        { "  /a/***/b @a", CodeownersMistakeKind.InvalidPattern, 6, "'***' is no pattern" },
        { "/a//b @a", CodeownersMistakeKind.InvalidPattern, 4, "two slashes" },
        { @"a\/b @a", CodeownersMistakeKind.InvalidPattern, 2, "a backslash" },
        { "a\u0001b @a", CodeownersMistakeKind.NotText, 2, "control character" },
        { "* @a b", CodeownersMistakeKind.InvalidOwner, 6, "'b' is no owner" },
        { "* @dependabot[bot]", CodeownersMistakeKind.InvalidOwner, 3, "is an app" },
        { "* @org/team/more", CodeownersMistakeKind.InvalidOwner, 3, "is no owner" },
        { "* @a@b", CodeownersMistakeKind.InvalidOwner, 3, "is no owner" },
        { "* a@b", CodeownersMistakeKind.InvalidOwner, 3, "is no owner" },
        { "* @a#why", CodeownersMistakeKind.InvalidOwner, 3, "is no owner" },
        { "* @", CodeownersMistakeKind.InvalidOwner, 3, "is no owner" },
    };

    public static TheoryData<string> Paths => ["x", "a/b", new string('a', 4_096), string.Concat(Enumerable.Repeat("a/", 2_000)) + "a", "a\nb/::error::x", "\uD83D\uDE80/\uFFFD"];

    [Theory, MemberData(nameof(Mistaken))]
    public void A_mistake_is_told_with_its_line_and_column(string line, CodeownersMistakeKind kind, int column, string message)
    {
        var owners = Read($"# first\n{line}\n/ok @b\n");
        var mistake = Assert.Single(owners.Mistakes);
        Assert.Equal((2, column, kind), (mistake.Line, mistake.Column, mistake.Kind));
        Assert.Contains(message, mistake.Message, StringComparison.Ordinal);
        Assert.NotEmpty(mistake.Remedy);
        Assert.Equal("@b", Assert.Single(owners.Decide("ok")!.Owners).Text);
    }

    [Fact]
    public void A_line_with_a_bad_owner_owns_nothing_and_the_line_before_decides() =>
        Assert.Equal(1, Read("* @a\n/x/ @b nonsense\n").Decide("x/y")!.Line);

    [Fact]
    public void A_bracket_is_a_character_of_a_name_and_the_rule_stands()
    {
        var owners = Read("/app/[id]/ @a\n");
        Assert.NotNull(owners.Decide("app/[id]/page.tsx"));
        Assert.Null(owners.Decide("app/i/page.tsx"));
    }

    [Fact]
    public void A_file_of_3_megabytes_is_a_mistake_and_owns_nothing()
    {
        var bytes = Encoding.UTF8.GetBytes($"* @a\n{new string('\n', Codeowners.MostBytes - 6)}");
        Assert.NotNull(Codeowners.Read("CODEOWNERS", bytes).Decide("x"));
        var owners = Codeowners.Read("CODEOWNERS", [.. bytes, (byte)'\n']);
        Assert.Equal(CodeownersMistakeKind.TooLarge, Assert.Single(owners.Mistakes).Kind);
        Assert.Null(owners.Decide("x"));
    }

    [Fact]
    public void A_line_that_is_not_utf_8_is_a_mistake_and_the_others_stand()
    {
        var owners = Codeowners.Read("CODEOWNERS", [.. "* @a\n/"u8, 0xFF, .. " @b\r\n/c @c\r\n"u8]);
        Assert.Equal((2, CodeownersMistakeKind.NotText), (Assert.Single(owners.Mistakes).Line, owners.Mistakes[0].Kind));
        Assert.Equal(["@c"], owners.Decide("c")!.Owners.Select(owner => owner.Text));
    }

    [Fact]
    public void A_file_of_nothing_but_mistakes_tells_the_first_thousand()
    {
        var owners = Read(string.Concat(Enumerable.Repeat("!x @a\n", 100_000)));
        Assert.Equal(Codeowners.MostMistakes + 1, owners.Mistakes.Length);
        Assert.Contains("more mistakes", owners.Mistakes[^1].Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("@org/team", "takes the owners away")]
    [InlineData("/foo/b* @a", "inside folders")]
    public void What_its_author_probably_did_not_mean_is_a_warning_and_counts_as_written(string line, string message)
    {
        var owners = Read($"{line}\n");
        Assert.Empty(owners.Mistakes);
        Assert.Contains(message, Assert.Single(owners.Warnings).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/foo/* @a")]
    [InlineData("/foo/*.js @a")]
    [InlineData("*.js @a")]
    [InlineData("/foo/** @a")]
    [InlineData("docs@example.com")]
    public void A_plain_line_is_no_warning(string line) => Assert.Empty(Read($"{line}\n").Warnings);

    [Fact]
    public void Owners_that_differ_in_case_are_one_owner()
    {
        Assert.Equal(CodeOwner.TryParse("@OctoCat"), CodeOwner.TryParse("@octocat"));
        Assert.NotEqual(CodeOwner.TryParse("@octocat"), CodeOwner.TryParse("@octo/cat"));
        Assert.Equal("octo/cat", Assert.IsType<CodeOwner.Team>(CodeOwner.TryParse("@octo/cat")).Name);
        Assert.IsType<CodeOwner.Email>(CodeOwner.TryParse("docs@example.com"));
        Assert.Equal("a_corp", Assert.IsType<CodeOwner.User>(CodeOwner.TryParse("@a_corp")).Login);
    }

    [Fact]
    public void Every_line_that_hits_is_told_in_the_order_of_the_file_and_once()
    {
        var owners = Read("* @a\nfoo @b\n/foo/**/foo @c\n**/foo/ @d\nbar @e\nfoo/\n");
        Assert.Equal([1, 2, 3, 4, 6], owners.Hits("foo/foo/foo").Select(rule => rule.Line));
        Assert.Equal(6, owners.Decide("foo/foo/foo")!.Line);
        Assert.Empty(owners.Decide("foo/foo/foo")!.Owners);
    }

    // Names are the developer's own to choose; a pattern is tried against them in time that grows with their length and no faster.
    [Theory, MemberData(nameof(Paths))]
    public void A_hostile_path_is_answered(string path)
    {
        var owners = Read($"{string.Concat(Enumerable.Repeat("**/a/", 500))}b @a\n{string.Concat(Enumerable.Repeat("*a", 1_000))}b @b\n{string.Concat(Enumerable.Repeat("?", 500))}*c*?b @c\n");
        Assert.Empty(owners.Mistakes);
        Assert.Null(owners.Decide(path));
        Assert.Empty(owners.Hits(path));
    }

    [Fact]
    public void Many_threads_read_one_file_at_once()
    {
        var owners = Read(string.Concat(Enumerable.Range(0, 200).Select(i => $"/d{i}/**/*.x{i % 7} @o{i}\n")));
        Parallel.For(0, 20_000, i => Assert.Equal((i % 200) + 1, owners.Decide($"d{i % 200}/a/b/c.x{i % 200 % 7}")!.Line));
    }

    [Theory]
    [InlineData("/infra/", "infra/x", true)]
    [InlineData("/infra/", "/infra/**", true)]
    [InlineData("*.md", "/infra/**", true)]
    [InlineData("/docs/", "/infra/**", false)]
    [InlineData("/infra/*", "/infra/a/b", false)]
    [InlineData("/infra/*/", "/infra/a/b", true)]
    [InlineData("/infra/a", "/infra/", true)]
    [InlineData("/infra", "/infra/", true)]
    [InlineData("/a/**/z", "/a/b/**/c/z", true)]
    [InlineData("/a/**/z", "/b/**/z", false)]
    [InlineData("/*", "/a/b", false)]
    [InlineData("/x*/y", "/xa/?", true)]
    [InlineData("/x*/y", "/xa/??", false)]
    public void Two_patterns_overlap_where_one_path_may_match_both(string left, string right, bool overlap)
    {
        Assert.Equal(overlap, Pattern(left).MayOverlap(Pattern(right)));
        Assert.Equal(overlap, Pattern(right).MayOverlap(Pattern(left)));
    }

    [Fact]
    public void Patterns_that_share_a_path_are_said_to_overlap()
    {
        var random = new Random(6);
        var (segments, names) = (new[] { "a", "b", "*", "?", "a*", "**" }, new[] { "a", "b", "ab" });
        var shared = 0;
        for (var i = 0; i < 20_000; i++)
        {
            var (left, right) = (Any(), Any());
            var path = string.Join('/', Enumerable.Range(0, random.Next(1, 5)).Select(_ => names[random.Next(names.Length)]));
            if (Read($"{left} @a\n").Decide(path) is not null && Read($"{right} @a\n").Decide(path) is not null)
            {
                shared++;
                Assert.True(Pattern(left).MayOverlap(Pattern(right)), $"{left} and {right} on {path}");
            }
        }

        Assert.True(shared > 1_000, $"{shared}");
        string Any() => (random.Next(2) == 0 ? "/" : "") + string.Join('/', Enumerable.Range(0, random.Next(1, 4)).Select(_ => segments[random.Next(segments.Length)])) + (random.Next(3) == 0 ? "/" : "");
    }

    private static OwnersPattern Pattern(string text) => OwnersPattern.TryParse(text, out _) ?? throw new ArgumentException(text);

    private static Codeowners Read(string text) => Codeowners.Read("CODEOWNERS", Encoding.UTF8.GetBytes(text));
}
