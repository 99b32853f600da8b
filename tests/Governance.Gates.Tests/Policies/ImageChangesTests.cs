using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using Governance.Gates.Images;
using Governance.Gates.Policies;

namespace Governance.Gates.Tests.Policies;

/// <summary>The comparison of rule lists, held against every image, place and evidence of a small world.</summary>
public sealed class ImageChangesTests
{
    private static readonly string[] Patterns = ["r.example.com/a", "r.example.com/b", "r.example.com/*", "r.example.com/a*", "r.example.com/a/**", "r.example.com/**", "q.example.com/*", "**/a", "**"];
    private static readonly string[] Repositories = ["r.example.com/a", "r.example.com/b", "r.example.com/ab", "r.example.com/a/c", "q.example.com/a", "s.example.com/z"];
    private static readonly string[] Clusters = ["live", "test", "elsewhere", "unknown"];

    [Fact]
    public void Rules_that_are_not_weaker_admit_no_image_that_was_refused()
    {
        var (stronger, told) = (0, 0);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1_500), Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), seed =>
        {
            var random = new Random(seed);
            var before = Rules(random);
            var after = Edited(before, random);
            var diff = PolicyDiff.Between(With(before), With(after));
            var differ = !AreSame(before, after);
            told += differ ? 1 : 0;
            if (diff.IsWeaker)
            {
                return true;
            }

            stronger += differ ? 1 : 0;
            // What only warned may ask for evidence instead, and then says nothing where that is there.
            return Worlds().FirstOrDefault(world => Effect(after, world) is var now && Effect(before, world) is var was && now.Level < was.Level && !(was.Level == 1 && now.IsProven)) is not { } admitted
                ? true
                : throw new Xunit.Sdk.XunitException($"{admitted}\n{string.Join('\n', before.Select(Text))}\n--\n{string.Join('\n', after.Select(Text))}");
        }));
        Assert.True(stronger > 100 && told > 500, $"{stronger} of {told} pairs were not weaker: the property says nothing");
    }

    [Fact]
    public void Every_rule_list_equals_itself_and_no_other_unseen()
    {
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), seed =>
        {
            var random = new Random(seed);
            var before = Rules(random);
            var after = Edited(before, random);
            return PolicyDiff.Between(With(before), With([.. before])).Changes.IsEmpty && (PolicyDiff.Between(With(before), With(after)).Changes.IsEmpty == AreSame(before, after));
        }));
    }

    [Fact]
    public void The_largest_policies_are_compared()
    {
        var rules = Enumerable.Range(0, 256).Select(i => new ImageRule($"artifacts.images[{i}]", [.. Enumerable.Range(0, 4).Select(j => Pattern($"r.example.com/a{i}*/b*/{j}"))], null, Mode.Enforce, new ImageDemand.Fixed(Verdict.Deny), null)).ToImmutableArray();
        Assert.Empty(PolicyDiff.Between(With(rules), With(rules)).Changes);
    }

    private static Policy With(ImmutableArray<ImageRule> rules) => new() { Digest = Digest.Of([]), Name = "shop", Version = 1, Images = [.. rules.Select((rule, index) => rule with { Path = $"artifacts.images[{index}]" })] };

    private static ImmutableArray<ImageRule> Rules(Random random) => [.. Enumerable.Range(0, random.Next(0, 5)).Select(_ => Rule(random))];

    private static ImmutableArray<ImageRule> Edited(ImmutableArray<ImageRule> rules, Random random)
    {
        for (var edits = random.Next(1, 3); edits > 0; edits--)
        {
            var at = rules.IsEmpty ? 0 : random.Next(rules.Length);
            rules = random.Next(6) switch
            {
                0 => rules.Insert(at, Rule(random)),
                1 => rules.Insert(at, Rule(random) with { Demand = new ImageDemand.Fixed(Verdict.Deny), Mode = Mode.Enforce }),
                2 when !rules.IsEmpty => rules.RemoveAt(at),
                3 when !rules.IsEmpty => rules.SetItem(at, rules[at] with { Demand = Demand(random) }),
                4 when !rules.IsEmpty => rules.SetItem(at, rules[at] with { Match = Rule(random).Match }),
                5 when !rules.IsEmpty => rules.RemoveAt(at).Insert(random.Next(rules.Length), rules[at]),
                _ => rules,
            };
        }

        return rules;
    }

    private static ImageRule Rule(Random random) => new(
        "",
        [.. random.GetItems(Patterns, random.Next(1, 3)).Distinct().Select(Pattern)],
        random.Next(7) switch
        {
            0 => new(["x"], []),
            1 => new(["x", "y"], []),
            2 => new([], ["live"]),
            3 => new([], ["live", "test"]),
            4 => new(["y"], ["test"]),
            _ => null,
        },
        random.Next(4) switch
        {
            0 => Mode.Audit,
            1 => Mode.Warn,
            _ => Mode.Enforce,
        },
        Demand(random),
        null);

    private static ImageDemand Demand(Random random) => random.Next(6) switch
    {
        0 => new ImageDemand.Fixed(Verdict.Deny),
        1 => new ImageDemand.Fixed(Verdict.Allow),
        2 => new ImageDemand.Fixed(Verdict.Warn),
        var kind => new ImageDemand.Require(
            kind == 3 ? null : new(new(random.Next(2) == 0 ? ["builder"] : ["builder", "second"], null), random.Next(3) == 0 ? SignedRepository.Any : SignedRepository.Same, []),
            kind == 4 ? null : new([.. random.GetItems<char>(['1', '2'], 2).Distinct().Select(digit => ImageReference.Parse($"r.example.com/a@sha256:{new string(digit, 64)}"))]))
        {
            Approved = random.Next(3) == 0 ? new("deploy", random.Next(3) switch { 0 => [], 1 => ["live"], _ => ["live", "test"] }, random.Next(2) == 0) : null,
        },
    };

    private static IEnumerable<World> Worlds() =>
        from repository in Repositories
        from @namespace in (string?[])["x", "y", null]
        from cluster in Clusters
        from signer in (string?[])[null, "builder", "second"]
        from same in (bool[])[true, false]
        from digest in "12"
        from approval in (string?[])[null, "artifact", "template"]
        select new World(new(repository[..repository.IndexOf('/')], repository[(repository.IndexOf('/') + 1)..]), @namespace, cluster, signer, same, digest, approval);

    // Slow and obviously right: 2 refused, 1 admitted with a warning, 0 admitted; and whether by evidence.
    private static (int Level, bool IsProven) Effect(ImmutableArray<ImageRule> rules, World world)
    {
        foreach (var rule in rules.Where(rule => rule.Match.Any(pattern => pattern.Matches(world.Repository)) && (rule.In is null or { Namespaces.IsEmpty: true } || rule.In.Namespaces.Contains(world.Namespace ?? ""))))
        {
            var verdict = Judge(rule.Demand, world);
            if (rule.In is { Environments.IsEmpty: false } scope)
            {
                if (world.Cluster == "unknown")
                {
                    verdict = Verdict.Unknown;
                }
                else if (world.Namespace is null || !scope.Environments.Contains(world.Cluster))
                {
                    continue;
                }
            }

            return (verdict, rule.Mode) switch
            {
                (Verdict.Allow, _) => (0, rule.Demand is ImageDemand.Require),
                (_, Mode.Audit) => (0, false),
                (Verdict.Warn, _) or (_, Mode.Warn) => (1, false),
                _ => (2, false),
            };
        }

        return (2, false);
    }

    private static Verdict Judge(ImageDemand demand, World world)
    {
        if (demand is not ImageDemand.Require require)
        {
            return ((ImageDemand.Fixed)demand).Verdict;
        }

        var signed = require.Signed is null || (world.Signer is { } signer && require.Signed.By.Names.Contains(signer) && (world.NamesItself || require.Signed.Repository == SignedRepository.Any));
        var pinned = require.Pinned is null || require.Pinned.Images.Any(image => image.Repository == world.Repository && image.Digest!.Hex[0] == world.Digest);
        var approved = require.Approved is not { } asked
            || (world.Cluster is not ("unknown" or "elsewhere") && ((!asked.Environments.IsEmpty && !asked.Environments.Contains(world.Cluster)) || world.Approval == "template" || (world.Approval == "artifact" && !asked.CoversTemplate)));
        return signed && pinned && approved ? Verdict.Allow : Verdict.Deny;
    }

    private static bool AreSame(ImmutableArray<ImageRule> left, ImmutableArray<ImageRule> right) => left.Select(Text).SequenceEqual(right.Select(Text));

    private static string Text(ImageRule rule) => string.Join(
        ' ',
        string.Join(',', rule.Match),
        rule.In is null ? "everywhere" : $"in [{string.Join(',', rule.In.Namespaces)}] [{string.Join(',', rule.In.Environments)}]",
        rule.Mode,
        rule.Demand switch
        {
            ImageDemand.Fixed(var verdict) => $"{verdict}",
            ImageDemand.Require { Signed: var signed, Pinned: var pinned, Approved: var approved } =>
                $"signed {signed?.By} {signed?.Repository} pinned {string.Join(',', pinned?.Images ?? [])} approved {approved?.CoversTemplate} {string.Join(',', approved?.Environments ?? [])}{approved?.Environments.IsEmpty}",
            _ => "",
        });

    private static RepositoryPattern Pattern(string text) => RepositoryPattern.TryParse(text, out _)!;

    private sealed record World(Repository Repository, string? Namespace, string Cluster, string? Signer, bool NamesItself, char Digest, string? Approval);
}
