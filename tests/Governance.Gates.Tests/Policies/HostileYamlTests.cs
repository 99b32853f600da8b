using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Governance.Gates.Tests.Policies;

public sealed class HostileYamlTests
{
    private static readonly byte[] Sound = Encoding.UTF8.GetBytes(PolicyDocuments.Sound);

    public static TheoryData<string, string> Hostile => new()
    {
        { "", "holds no document" },
        { "# only a comment\n", "holds no document" },
        { "---\n...\n", "nothing stands where a mapping belongs" },
        { "just text", "stands where a mapping belongs" },
        { "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "the alias" },
        { new string('[', 10_000), "nested more than 32 deep" },
        { string.Concat(Enumerable.Repeat("{a: ", 10_000)), "nested more than 32 deep" },
        { string.Concat(Enumerable.Range(0, 500).Select(i => new string(' ', i) + "a:\n")), "nested more than 32 deep" },
        { string.Concat(Enumerable.Repeat("- ", 10_000)), "nested more than 32 deep" },
        { string.Concat(Enumerable.Repeat("? ", 10_000)), "nested more than 32 deep" },
        { string.Concat(Enumerable.Range(0, 100_000).Select(i => $"k{i}:\n")), "more than 50000 nodes" },
        { "a: " + new string('x', 10_000), "more than 8192 bytes" },
        { "a: |\n" + string.Concat(Enumerable.Repeat(" x\n", 5_000)), "more than 8192 bytes" },
        { new string('x', 900_000), "more than 8192 bytes" },
        { new string('k', 5_000) + ": 1", "not YAML" },
        { "a: 'open", "not YAML" },
        { "\"\\UFFFFFFFF\"", "not YAML" },
        { "a: \"\\ud800\"", "not YAML" },
        { "%YAML 99999999999999.1\n---\na", "not YAML" },
        { "a:\tb:\tc\n\t- d", "not YAML" },
        { "}", "not YAML" },
        { "a: !<tag:é> b", "" },
        { new string(' ', 1024 * 1024 + 1), "more than 1048576" },
        { "\ufeffa: b", "byte order mark" },
        { "a: b\0", "U+0000" },
    };

    [Theory, MemberData(nameof(Hostile))]
    public void Hostile_text_is_refused_with_its_place(string yaml, string message)
    {
        var mistakes = PolicyDocuments.Mistakes(yaml);
        Assert.Contains(mistakes, mistake => mistake.Message.Contains(message, StringComparison.Ordinal) && mistake is { Line: >= 1, Column: >= 1 });
        Assert.All(mistakes, mistake => Assert.DoesNotContain(mistake.ToString(), c => char.IsControl(c)));
    }

    [Fact]
    public void Bytes_that_are_not_UTF_8_are_refused_with_their_place()
    {
        var mistake = Assert.Single(PolicyDocuments.Mistakes([.. "a: b\nc: "u8, 0xff]));
        Assert.Equal((2, 4), (mistake.Line, mistake.Column));
        Assert.Contains("0xff is not UTF-8", mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Past_a_thousand_mistakes_the_last_line_counts_the_rest()
    {
        var mistakes = PolicyDocuments.Mistakes(string.Concat(Enumerable.Range(0, 5_000).Select(i => $"k{i}: 1\n")));
        Assert.Equal(1001, mistakes.Count);
        Assert.Contains("more mistakes are not shown", mistakes[^1].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void As_many_rules_and_patterns_as_fit_are_held_against_each_other()
    {
        var rules = string.Concat(Enumerable.Range(0, 256).Select(i => $"\n      - {{ verdict: deny, match: [{string.Join(',', Enumerable.Range(0, 4).Select(j => $"r.example.com/a{i}*/b*/{j}"))}] }}"));
        PolicyDocuments.Accepted($"apiVersion: governance.gates/v1alpha1\nkind: GovernancePolicy\nmetadata: {{ name: a, version: 1 }}\nspec:\n  artifacts:\n    images:{rules}\n");
    }

    [Fact]
    public void More_patterns_than_can_be_compared_are_refused()
    {
        var rules = string.Concat(Enumerable.Range(0, 256).Select(i => $"\n      - {{ verdict: deny, match: [{string.Join(',', Enumerable.Range(0, 64).Select(j => $"r.example.com/a{i}*/b*/{j}"))}] }}"));
        Assert.Contains(
            PolicyDocuments.Mistakes($"apiVersion: governance.gates/v1alpha1\nkind: GovernancePolicy\nmetadata: {{ name: a, version: 1 }}\nspec:\n  artifacts:\n    images:{rules}\n"),
            mistake => mistake.Message.Contains("more than 1024 repository patterns", StringComparison.Ordinal));
    }

    [Fact]
    public void No_change_of_bytes_makes_the_reader_throw()
    {
        var interesting = Gen.OneOf(Gen.Choose(0, 255).Select(value => (byte)value), Gen.Elements("&*!|>%@`{}[]:,#?-<'\"\\\n\r\t ~\0"u8.ToArray()));
        var edits = Gen.ListOf(
            from at in Gen.Choose(0, Sound.Length - 1)
            from length in Gen.Choose(0, 3)
            from bytes in Gen.ListOf(interesting, 2)
            select (at, length, bytes: bytes.ToArray()));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2_000), Prop.ForAll(edits.ToArbitrary(), all =>
        {
            var yaml = Sound.ToList();
            foreach (var (at, length, bytes) in all.Take(8))
            {
                var place = Math.Min(at, yaml.Count);
                yaml.RemoveRange(place, Math.Min(length, yaml.Count - place));
                yaml.InsertRange(place, bytes);
            }

            return PolicyDocuments.Read([.. yaml]) is not null;
        }));
    }
}
