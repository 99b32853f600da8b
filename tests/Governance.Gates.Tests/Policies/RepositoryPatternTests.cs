using Governance.Gates.Images;
using Governance.Gates.Policies;

namespace Governance.Gates.Tests.Policies;

public sealed class RepositoryPatternTests
{
    public static TheoryData<string, string, bool> Matching => new()
    {
        { "registry.example.com/team/*", "registry.example.com/team/app", true },
        { "registry.example.com/team/*", "registry.example.com/team/sub/app", false },
        { "registry.example.com/team/**", "registry.example.com/team/sub/app", true },
        { "registry.example.com/team/**", "registry.example.com/team", false },
        { "registry.example.com/team/**", "registry.example.com/team-evil/app", false },
        { "registry.example.com/team/**", "evil.example.com/registry.example.com/team/app", false },
        { "registry.example.com/team/app", "registry.example.com/team/app/evil", false },
        { "registry.example.com/team/app", "registry.example.com/team/app-evil", false },
        { "registry.example.com/**/app", "registry.example.com/app", true },
        { "registry.example.com/**/app", "registry.example.com/a/b/app", true },
        { "registry.example.com/**/app", "registry.example.com/a/b/app-evil", false },
        { "registry.example.com/team/app-*", "registry.example.com/team/app-", true },
        { "registry.example.com/team/app-*", "registry.example.com/team/app-x/y", false },
        { "registry.example.com/team/**", "registryXexample.com/team/app", false },
        { "*.example.com/app", "evil.com/x.example.com/app", false },
        { "127.0.0.1:5000/**", "127.0.0.1:5000/app", true },
        { "**", "docker.io/library/nginx", true },
    };

    [Theory, MemberData(nameof(Matching))]
    public void A_pattern_is_anchored_and_a_star_stays_within_a_component(string pattern, string repository, bool matches)
    {
        var slash = repository.IndexOf('/', StringComparison.Ordinal);
        Assert.Equal(matches, RepositoryPattern.TryParse(pattern, out _)!.Matches(new Repository(repository[..slash], repository[(slash + 1)..])));
    }

    [Theory]
    [InlineData("**demo**")]
    [InlineData("registry.example.com/a**")]
    [InlineData("registry.example.com/***")]
    [InlineData("")]
    [InlineData("registry.example.com//app")]
    [InlineData("registry.example.com/app/")]
    [InlineData("registry.example.com/App")]
    [InlineData("registry.example.com/app:v1")]
    [InlineData("registry.example.com/app@sha256:00")]
    [InlineData("registry.example.com/[a-z]")]
    [InlineData("registry.example.com/a?")]
    [InlineData("registry.example.com/ä")]
    [InlineData("registry.example.com/a\n")]
    public void What_reads_wider_than_it_looks_is_no_pattern(string text)
    {
        Assert.Null(RepositoryPattern.TryParse(text, out var mistake));
        Assert.NotNull(mistake);
    }

    [Theory]
    [InlineData("**", "r.example.com/a", true)]
    [InlineData("r.example.com/**", "r.example.com/a/**/b", true)]
    [InlineData("r.example.com/a/**", "r.example.com/**", false)]
    [InlineData("r.example.com/*/b", "r.example.com/a*/b", true)]
    [InlineData("r.example.com/*/b", "r.example.com/**/b", false)]
    [InlineData("r.example.com/a*c*e", "r.example.com/abcde", true)]
    [InlineData("r.example.com/a*c*ce", "r.example.com/abce", false)]
    [InlineData("r.example.com/ab*ba", "r.example.com/aba", false)]
    [InlineData("r.example.com/a*", "r.example.com/a/b", false)]
    public void Covering_is_told_only_where_it_is_certain(string wide, string narrow, bool covers) =>
        Assert.Equal(covers, RepositoryPattern.TryParse(wide, out _)!.Covers(RepositoryPattern.TryParse(narrow, out _)!));

    [Theory]
    [InlineData("r.example.com/a", "r.example.com/a", true)]
    [InlineData("r.example.com/a", "r.example.com/b", false)]
    [InlineData("r.example.com/a", "r.example.com/*", true)]
    [InlineData("r.example.com/a-*", "r.example.com/b", false)]
    [InlineData("r.example.com/a*", "r.example.com/*b", true)]
    [InlineData("r.example.com/a", "r.example.com/a/b", false)]
    [InlineData("r.example.com/a", "r.example.com/a/**", false)]
    [InlineData("r.example.com/**", "r.example.com/a/b", true)]
    [InlineData("r.example.com/**", "q.example.com/**", false)]
    [InlineData("**/a", "r.example.com/b", true)]
    public void Patterns_are_apart_only_where_that_is_certain(string left, string right, bool overlap)
    {
        var (one, other) = (RepositoryPattern.TryParse(left, out _)!, RepositoryPattern.TryParse(right, out _)!);
        Assert.Equal(overlap, one.MayOverlap(other));
        Assert.Equal(overlap, other.MayOverlap(one));
    }
}
