using Governance.Gates.Policies;

namespace Governance.Gates.Tests.Policies;

public sealed class PathPatternTests
{
    [Theory]
    [InlineData("infra/**", "infra/a/b", true)]
    [InlineData("infra/**", "infra", false)]
    [InlineData("infra/**", "Infra/a", false)]
    [InlineData("infra/**", "x/infra/a", false)]
    [InlineData("CODEOWNERS", "CODEOWNERS", true)]
    [InlineData("CODEOWNERS", "docs/CODEOWNERS", false)]
    [InlineData("config/pairs/*.yaml", "config/pairs/btc.yaml", true)]
    [InlineData("config/pairs/*.yaml", "config/pairs/a/btc.yaml", false)]
    [InlineData("**/secrets.yaml", "secrets.yaml", true)]
    [InlineData("**/secrets.yaml", "a/b/secrets.yaml", true)]
    [InlineData("a/**/z", "a/z", true)]
    [InlineData("a/**/b/**/z", "a/b/b/x/z", true)]
    [InlineData("a/**/b/**/z", "a/x/z", false)]
    [InlineData("**", "x", true)]
    [InlineData("*", "x/y", false)]
    [InlineData(".github/**", ".github/workflows/ci.yml", true)]
    public void A_pattern_matches_the_whole_path(string pattern, string path, bool matches) =>
        Assert.Equal(matches, PathPattern.TryParse(pattern, out _)!.Matches(path));

    [Theory]
    [InlineData("", "1 to 255")]
    [InlineData("/infra/**", "without a slash")]
    [InlineData("infra/", "write /**")]
    [InlineData("infra//a", "no empty parts")]
    [InlineData("../a", "no . and no ..")]
    [InlineData("a**", "stands alone")]
    [InlineData("a?", "'?' does not work")]
    [InlineData("[ab]", "'[' does not work")]
    [InlineData("!a", "'!' does not work")]
    [InlineData(@"a\*", "does not work")]
    public void What_would_mean_nothing_or_something_else_is_no_pattern(string pattern, string why)
    {
        Assert.Null(PathPattern.TryParse(pattern, out var mistake));
        Assert.Contains(why, mistake, StringComparison.Ordinal);
    }

    [Fact]
    public void A_path_of_thousands_of_parts_is_matched_like_any_other()
    {
        var deep = string.Concat(Enumerable.Repeat("a/", 5_000));
        Assert.True(PathPattern.TryParse("a/**", out _)!.Matches(deep + "b"));
        Assert.False(PathPattern.TryParse("**/a/**/a/**/b", out _)!.Matches(deep + "c"));
    }
}
