using FsCheck;
using FsCheck.Fluent;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>Names and patterns of identities.</summary>
public sealed class NameMatchTests
{
    private static readonly string[] Names = [.. Words(4).Where(word => word.Length > 0)];

    [Theory]
    [InlineData("https://github.com/example/*/release@refs/tags/v*", "https://github.com/example/app/release@refs/tags/v1", true)]
    [InlineData("https://github.com/example/*/release@refs/tags/v*", "https://github.com/example/app/x/release@refs/tags/v1", false)]
    [InlineData("https://github.com/example/*/release@refs/tags/v*", "https://github.com/example/app/release@refs/tags/v1/x", false)]
    [InlineData("https://github.com/example/*/release@refs/tags/v*", "https://github.com/example/app/release@refs/tags/v1/", false)]
    [InlineData("*@mail.example", "ann@mailqexample", false)]
    [InlineData("*@mail.example", "ann@mail.example.test", false)]
    [InlineData("https://github.com/example/*/release@refs/tags/v*", " https://github.com/example/app/release@refs/tags/v1", false)]
    public void A_star_stays_within_one_path_segment_and_the_whole_name_counts(string pattern, string name, bool matches) => Assert.Equal(matches, NameMatch.Like(pattern).Matches(name));

    [Fact]
    public void A_star_in_an_exact_name_is_a_character_like_any_other()
    {
        Assert.False(NameMatch.Exactly("a*").Matches("ab"));
        Assert.True(NameMatch.Exactly("a*").Matches("a*"));
        Assert.False(NameMatch.Exactly("a*").Overlaps(NameMatch.Exactly("ab")));
    }

    /// <summary>Tried with every place of every star, this would take longer than the universe has.</summary>
    [Fact]
    public void A_hostile_pattern_and_a_hostile_name_are_answered()
    {
        var stars = string.Concat(Enumerable.Repeat("*a", 120));
        Assert.False(NameMatch.Like(stars + "b").Matches(new string('a', 60_000)));
        Assert.True(NameMatch.Like(stars).Matches(new string('a', 60_000)));
        Assert.True(NameMatch.Like(stars + "*").Overlaps(NameMatch.Like("*" + new string('a', 250))));
    }

    /// <summary>Over names of up to four characters, held against trying them all: patterns of three overlap there if anywhere.</summary>
    [Fact]
    public void Two_patterns_overlap_exactly_where_some_name_is_like_both()
    {
        string[] patterns = [.. Words(3, '*').Where(word => word.Length > 0)];
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2_000), Prop.ForAll(Gen.Two(Gen.Elements(patterns)).ToArbitrary(), pair =>
        {
            var (one, other) = (NameMatch.Like(pair.Item1), NameMatch.Like(pair.Item2));
            var overlap = Names.Any(name => one.Matches(name) && other.Matches(name));
            return one.Overlaps(other) == overlap && other.Overlaps(one) == overlap;
        }));
    }

    private static IEnumerable<string> Words(int most, params char[] more)
    {
        char[] letters = ['a', 'b', '/', .. more];
        IEnumerable<string> words = [""];
        for (var length = 0; length < most; length++)
        {
            words = words.SelectMany(word => letters.Select(letter => word + letter).Prepend(word)).Distinct();
        }

        return words;
    }
}
