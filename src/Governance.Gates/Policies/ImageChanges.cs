using System.Collections.Immutable;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Policies;

/// <summary>What changes in the image rules: for each image, whether the rule that decides it now asks at least what the rule that decided it before asked.</summary>
/// <remarks>
/// The first rule that matches decides, so what a rule says means nothing without those before it. Held against each other are all
/// pairs of an older and a newer pattern that may be the first to match one and the same image. A pair is left out only where that is
/// impossible for certain: the patterns or namespaces exclude each other, or an earlier rule matches all that one of them does.
/// Where no rule matches, the image is denied, as if a last rule said so.
/// </remarks>
internal sealed class ImageChanges
{
    private static readonly RepositoryPattern Everything = RepositoryPattern.TryParse("**", out _)!;

    private readonly PolicyChanges changes;
    private readonly ImmutableArray<ImageRule> was;
    private readonly ImmutableArray<ImageRule> now;

    private ImageChanges(PolicyChanges changes)
    {
        this.changes = changes;
        was = WithLast(changes.Older.Images);
        now = WithLast(changes.Newer.Images);
    }

    public static void Compare(PolicyChanges changes) => new ImageChanges(changes).Compare();

    private static ImmutableArray<ImageRule> WithLast(ImmutableArray<ImageRule> rules) =>
        rules.Add(new("artifacts.images", [Everything], null, Mode.Enforce, new ImageDemand.Fixed(Verdict.Deny), null));

    private void Compare()
    {
        var (toldOld, toldNew) = (new HashSet<int>(), new HashSet<int>());
        foreach (var pairs in Pairs().GroupBy(pair => pair.Now).OrderBy(group => group.Key))
        {
            var findings = pairs.OrderBy(pair => pair.Was).SelectMany(pair => CompareRules(was[pair.Was], now[pair.Now], pair.OnlyUnknown).Select(finding => (pair.Was, Finding: finding))).ToList();
            foreach (var kind in (PolicyChangeKind[])[PolicyChangeKind.Weaker, PolicyChangeKind.Stronger])
            {
                var same = findings.Where(found => found.Finding.Kind == kind).ToList();
                if (same.Count > 0)
                {
                    Tell(kind, pairs.Key, same);
                    toldNew.Add(pairs.Key);
                    toldOld.UnionWith(same.Select(found => found.Was));
                }
            }
        }

        TellTheRest(toldOld, toldNew);
    }

    // One line for a rule: what it asks otherwise than the first rule in whose place it decides, and how many more such rules there are.
    private void Tell(PolicyChangeKind kind, int rule, List<(int Was, Finding Finding)> findings)
    {
        var first = findings[0].Was;
        var others = findings.Select(found => found.Was).Distinct().Count() - 1;
        changes.Add(
            kind,
            now[rule].Path,
            $"{Name(now[rule])} now decides where {Name(was[first])} did{(others > 0 ? $", and {others} more" : "")}: {string.Join(", ", findings.Where(found => found.Was == first).Select(found => found.Finding.Text))}",
            findings.SelectMany(found => found.Finding.Gains));
    }

    // Whatever differs in the text and in no demand: another reason, another order, a rule that decided nothing.
    private void TellTheRest(HashSet<int> toldOld, HashSet<int> toldNew)
    {
        var (before, after) = (changes.Older.Images.Select(Text).ToList(), changes.Newer.Images.Select(Text).ToList());
        var told = toldNew.Count > 0;
        foreach (var (index, text) in after.Index().Where(rule => !toldNew.Contains(rule.Index) && !before.Contains(rule.Item)))
        {
            changes.Neutral(now[index].Path, $"{Name(now[index])} reads otherwise, and asks neither more nor less than what decided before");
            told = true;
        }

        foreach (var (index, text) in before.Index().Where(rule => !toldOld.Contains(rule.Index) && !after.Contains(rule.Item)))
        {
            changes.Neutral(was[index].Path, $"{Name(was[index])} reads otherwise or is gone, and what decides in its place asks neither more nor less");
            told = true;
        }

        if (!told && !before.SequenceEqual(after))
        {
            changes.Neutral("artifacts.images", "the rules stand in another order, and each image is decided as before");
        }
    }

    private HashSet<(int Was, int Now, bool OnlyUnknown)> Pairs()
    {
        var (older, newer) = (Entries(was), Entries(now));
        var pairs = new HashSet<(int, int, bool)>();
        var (olderInNew, newerInNew) = (Bounds(older, newer), Bounds(newer, newer));
        var (olderInOld, newerInOld) = (Bounds(older, older), Bounds(newer, older));
        for (var i = 0; i < older.Length; i++)
        {
            for (var j = 0; j < newer.Length; j++)
            {
                var (left, right) = (older[i], newer[j]);
                if (right.Rule <= Math.Min(olderInNew[i], newerInNew[j])
                    && left.Rule <= Math.Min(olderInOld[i], newerInOld[j])
                    && left.Pattern.MayOverlap(right.Pattern)
                    && !AreApart(left.In?.Namespaces, right.In?.Namespaces))
                {
                    pairs.Add((left.Rule, right.Rule, AreApart(left.In?.Environments, right.In?.Environments)));
                }
            }
        }

        return pairs;
    }

    private static ImmutableArray<Entry> Entries(ImmutableArray<ImageRule> rules) =>
        [.. rules.Index().SelectMany(rule => rule.Item.Match.Select(pattern => new Entry(rule.Index, pattern, rule.Item.In)))];

    // For each entry, the first rule that matches all that the entry does: no rule behind it ever decides such an image.
    private static int[] Bounds(ImmutableArray<Entry> entries, ImmutableArray<Entry> rules) =>
        [.. entries.Select(entry => rules.First(wider => wider.Pattern.Covers(entry.Pattern) && Covers(wider.In, entry.In)).Rule)];

    private static bool Covers(Scope? wider, Scope? scope)
    {
        return wider is null || (Holds(wider.Namespaces, scope?.Namespaces ?? []) && Holds(wider.Environments, scope?.Environments ?? []));

        static bool Holds(ImmutableArray<string> wider, ImmutableArray<string> names) => wider.IsEmpty || (!names.IsEmpty && names.All(wider.Contains));
    }

    private static bool AreApart(ImmutableArray<string>? left, ImmutableArray<string>? right) =>
        left is { IsEmpty: false } some && right is { IsEmpty: false } others && !some.Any(others.Contains);

    // A rule for environments answers "could not tell" where the cluster is not known, and there rules of different environments meet.
    private IEnumerable<Finding> CompareRules(ImageRule older, ImageRule newer, bool onlyUnknown)
    {
        if (onlyUnknown)
        {
            return CompareModes(older.Mode, newer.Mode);
        }

        var findings = CompareModes(EffectiveMode(older), EffectiveMode(newer)).Concat((older.Demand, newer.Demand) switch
        {
            (ImageDemand.Fixed(var before), ImageDemand.Fixed(var after)) => CompareVerdicts(before, after),
            (ImageDemand.Fixed(Verdict.Deny), ImageDemand.Require) => [Finding.Weaker("it asks for evidence instead of refusing")],
            (ImageDemand.Fixed, ImageDemand.Require) => [Finding.Stronger("it asks for evidence")],
            (ImageDemand.Require, ImageDemand.Fixed(Verdict.Deny)) => [Finding.Stronger("it refuses")],
            (ImageDemand.Require, ImageDemand.Fixed) => [Finding.Weaker("it asks for no evidence")],
            (ImageDemand.Require before, ImageDemand.Require after) => CompareRequired(before, after),
            _ => [Finding.Weaker("it asks something else")],
        });
        return HasEnvironments(older) && !HasEnvironments(newer) && newer.Demand is not ImageDemand.Fixed(Verdict.Deny)
            ? findings.Append(Finding.Weaker("it decides where the cluster is not known"))
            : findings;
    }

    private static bool HasEnvironments(ImageRule rule) => rule.In is { Environments.IsEmpty: false };

    // What is allowed anyway is admitted in every mode, and a warning is told in all but one.
    private static Mode EffectiveMode(ImageRule rule) => rule.Demand switch
    {
        _ when HasEnvironments(rule) => rule.Mode,
        ImageDemand.Fixed(Verdict.Allow) => Mode.Audit,
        ImageDemand.Fixed(Verdict.Warn) when rule.Mode > Mode.Warn => Mode.Warn,
        _ => rule.Mode,
    };

    private static IEnumerable<Finding> CompareModes(Mode before, Mode after) => after.CompareTo(before) switch
    {
        < 0 => [Finding.Weaker("its mode is milder")],
        > 0 => [Finding.Stronger("its mode is stricter")],
        _ => [],
    };

    private static IEnumerable<Finding> CompareVerdicts(Verdict before, Verdict after) => after.CompareTo(before) switch
    {
        < 0 => [Finding.Weaker("its verdict is milder")],
        > 0 => [Finding.Stronger("its verdict is stricter")],
        _ => [],
    };

    private IEnumerable<Finding> CompareRequired(ImageDemand.Require was, ImageDemand.Require now) =>
    [
        .. Part("signed", was.Signed, now.Signed, CompareSigned),
        .. Part("built as its provenance must tell", was.Provenance, now.Provenance, CompareProvenance),
        .. Part("tagged", was.Tagged, now.Tagged, (before, after) => CompareWho(before.By, after.By, "may tag its release")),
        .. Part("reviewed", was.Reviewed, now.Reviewed, CompareReviewed),
        .. Part("pinned", was.Pinned, now.Pinned, ComparePinned),
        .. Part("approved", was.Approved, now.Approved, CompareApproved),
    ];

    private static IEnumerable<Finding> Part<T>(string name, T? was, T? now, Func<T, T, IEnumerable<Finding>> compare)
        where T : class =>
        (was, now) switch
        {
            (null, null) => [],
            (null, _) => [Finding.Stronger($"it must be {name}")],
            (_, null) => [Finding.Weaker($"it need not be {name}")],
            var (before, after) => compare(before, after),
        };

    private IEnumerable<Finding> CompareSigned(SignedRequirement was, SignedRequirement now)
    {
        foreach (var (kind, text, gains) in changes.CompareSigners(was.By, now.By))
        {
            yield return new(kind, text, gains);
        }

        if (was.Repository != now.Repository)
        {
            yield return now.Repository == SignedRepository.Same ? Finding.Stronger("the signature must name its repository") : Finding.Weaker("the signature may name any repository");
        }
        else if (now.Repository == SignedRepository.Same)
        {
            foreach (var mirror in now.Mirrors.Where(mirror => !was.Mirrors.Any(wider => wider.Covers(mirror))))
            {
                yield return Finding.Weaker($"the signature may name {mirror}");
            }

            foreach (var mirror in was.Mirrors.Where(mirror => !now.Mirrors.Any(wider => wider.Covers(mirror))))
            {
                yield return Finding.Stronger($"the signature may name {mirror} no more");
            }
        }
    }

    private IEnumerable<Finding> CompareProvenance(ProvenanceRequirement was, ProvenanceRequirement now)
    {
        foreach (var finding in CompareWho(was.By, now.By, "may tell how it was built"))
        {
            yield return finding;
        }

        foreach (var finding in CompareMatch("builder", was.Builder, now.Builder)
            .Concat(CompareMatch("source", was.Source, now.Source))
            .Concat(CompareMatch("ref", was.Ref, now.Ref))
            .Concat(CompareMatch("runner", Exactly(was.Runner), Exactly(now.Runner))))
        {
            yield return finding;
        }

        static NameMatch? Exactly(string? text) => text is null ? null : NameMatch.Exactly(text);
    }

    private IEnumerable<Finding> CompareReviewed(ReviewedRequirement was, ReviewedRequirement now) =>
    [
        .. CompareWho(was.By, now.By, "may say that its source was reviewed"),
        .. was.Properties.Except(now.Properties).Select(property => Finding.Weaker($"its source need not be {property}")),
        .. now.Properties.Except(was.Properties).Select(property => Finding.Stronger($"its source must be {property}")),
    ];

    private IEnumerable<Finding> CompareWho(Signers was, Signers now, string may) =>
        changes.CompareSigners(was, now).Select(change => new Finding(change.Kind, change.Text.Replace("may sign", may, StringComparison.Ordinal), change.Gains));

    // A pattern that is another is neither shown to be wider nor narrower, but for a name that it is like.
    private static IEnumerable<Finding> CompareMatch(string what, NameMatch? was, NameMatch? now)
    {
        if (was == now)
        {
            yield break;
        }

        if (was is null || (now is { IsPattern: false } && was.IsPattern && was.Matches(now.Text)))
        {
            yield return Finding.Stronger($"its {what} must be {now}");
        }
        else
        {
            yield return Finding.Weaker(now is null ? $"its {what} may be anything" : $"its {what} may be {now}");
        }
    }

    private static IEnumerable<Finding> ComparePinned(PinnedRequirement was, PinnedRequirement now)
    {
        var (before, after) = (was.Images.Select(Pin).ToHashSet(StringComparer.Ordinal), now.Images.Select(Pin).ToHashSet(StringComparer.Ordinal));
        if (after.Except(before).FirstOrDefault() is { } added)
        {
            yield return Finding.Weaker($"{added} is pinned too");
        }

        if (before.Except(after).FirstOrDefault() is { } removed)
        {
            yield return Finding.Stronger($"{removed} is pinned no more");
        }

        // A tag beside the digest says nothing.
        static string Pin(Images.ImageReference image) => $"{image.Repository}@{image.Digest}";
    }

    private IEnumerable<Finding> CompareApproved(ApprovedRequirement was, ApprovedRequirement now)
    {
        if (was.Action != now.Action)
        {
            yield return new(
                PolicyChangeKind.Weaker,
                $"it must be approved as {now.Action} instead of {was.Action}",
                changes.Newer.Approvals.GetValueOrDefault(now.Action) is { } rule ? changes.Ids(rule) : []);
        }

        // No environments are all of them.
        if (!now.Environments.IsEmpty && (was.Environments.IsEmpty || was.Environments.Except(now.Environments).Any()))
        {
            yield return Finding.Weaker($"it must be approved in {string.Join(" and ", now.Environments)} only");
        }
        else if (!was.Environments.IsEmpty && (now.Environments.IsEmpty || now.Environments.Except(was.Environments).Any()))
        {
            yield return Finding.Stronger("it must be approved in more environments");
        }

        if (was.CoversTemplate != now.CoversTemplate)
        {
            yield return now.CoversTemplate ? Finding.Stronger("the approval must cover the template") : Finding.Weaker("the approval need not cover the template");
        }
    }

    private static string Name(ImageRule rule) => rule.Path == "artifacts.images" ? "the refusal of what no rule matches" : $"the rule for {string.Join(" or ", rule.Match)}";

    // All that a rule says, and not where it stands. Who is in a role is compared with the roles.
    private static string Text(ImageRule rule)
    {
        var demand = rule.Demand switch
        {
            ImageDemand.Fixed(var verdict) => $"{verdict}",
            ImageDemand.Require { Signed: var signed, Pinned: var pinned, Approved: var approved, Provenance: var provenance, Tagged: var tagged, Reviewed: var reviewed } => string.Join(
                '\n',
                provenance is null ? "" : $"{Who(provenance.By)}|{provenance.Builder}|{provenance.Source}|{provenance.Ref}|{provenance.Runner}",
                tagged is null ? "" : Who(tagged.By),
                reviewed is null ? "" : $"{Who(reviewed.By)}|{string.Join(',', reviewed.Properties)}",
                signed is null ? "" : $"{Who(signed.By)}|{signed.Repository}|{string.Join(',', signed.Mirrors)}",
                pinned is null ? "" : string.Join(',', pinned.Images),
                approved is null ? "" : $"{approved.Action}|{string.Join(',', approved.Environments)}|{approved.CoversTemplate}"),
            _ => "",
        };
        return string.Join('\n', string.Join(',', rule.Match), rule.In is null ? "" : $"{string.Join(',', rule.In.Namespaces)}|{string.Join(',', rule.In.Environments)}", rule.Mode, demand, rule.Why);

        static string Who(Signers by) => $"{by.Role}|{(by.Role is null ? string.Join(',', by.Names) : "")}";
    }

    /// <summary>A pattern of a rule, by the rule's number.</summary>
    private readonly record struct Entry(int Rule, RepositoryPattern Pattern, Scope? In);

    private sealed record Finding(PolicyChangeKind Kind, string Text, IEnumerable<string> Gains)
    {
        public static Finding Weaker(string text) => new(PolicyChangeKind.Weaker, text, []);

        public static Finding Stronger(string text) => new(PolicyChangeKind.Stronger, text, []);
    }
}
