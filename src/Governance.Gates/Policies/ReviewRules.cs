using System.Collections.Immutable;
using Governance.Gates.Identities;

namespace Governance.Gates.Policies;

/// <summary>What pull requests need: that patterns can be read, and each quorum reached, whoever of its people opens the pull request.</summary>
internal sealed class ReviewRules(PartyRules parties, PolicyMistakes mistakes)
{
    private const int MostPeople = 64;

    public ReviewSettings? Read(PolicyNode? review)
    {
        if (review is null)
        {
            return null;
        }

        if (review.Find("approvals") is null)
        {
            mistakes.Warn(review, "a change that no other rule speaks of needs nobody's approval", "add approvals: { default: 1 }");
        }

        return ReadSection(review);
    }

    private ReviewSettings ReadSection(PolicyNode review) => new()
    {
        OwnersRequired = review["codeowners"]?["required"]?.Text is "true" or "True" or "TRUE",
        OwnersMistakes = review["codeowners"]?["mistakes"]?.Text == "warn" ? Verdict.Warn : Verdict.Deny,
        Approvals = ReadCount(review["approvals"]?["default"]) ?? 0,
        Exclude = ReadExclude(review["exclude"]),
        Paths = [.. (review["paths"]?.Sound ?? []).Select(ReadPathRule)],
        Values = [.. (review["values"]?.Sound ?? []).Select(ReadValueRule)],
        Evidence = [.. (review["evidence"]?.Sound ?? []).Select(node => new EvidenceRule(Place(node), ReadPatterns(node["paths"]), ReadPatterns(node["files"]), node["why"]?.Text))],
        Branches = [.. PartyRules.Entries(review["branches"]).Where(entry => !entry.Node.Refused).Select(entry => ReadBranch(entry.Name, entry.Node))],
        Tags =
        [
            .. PartyRules.Entries(review["tags"]).Where(entry => !entry.Node.Refused).Select(entry => new TagRule(Place(entry.Node), entry.Name)
            {
                RestrictsCreation = entry.Node["creation"] is not null,
                BlocksUpdate = entry.Node["update"] is not null,
                BlocksDeletion = entry.Node["deletion"] is not null,
            }),
        ],
        Commits = DeclaredRules.ReadRepository(review["commits"], mistakes),
    };

    private BranchRule ReadBranch(string name, PolicyNode node)
    {
        var checks = ImmutableArray.CreateBuilder<CheckRule>();
        foreach (var item in node["checks"]?.Sound ?? [])
        {
            var check = item.Kind == NodeKind.Mapping ? new CheckRule(item["name"]?.Text ?? "", item["app"]?.Number()) : new(item.Text, null);
            if (checks.Any(other => other.Name == check.Name))
            {
                mistakes.Add(item, $"the check {PolicyNode.Shown(check.Name)} stands twice", "remove one");
            }

            checks.Add(check);
        }

        return new(Place(node), name)
        {
            BlocksDirectPush = node["directPush"] is not null,
            BlocksForcePush = node["forcePush"] is not null,
            BlocksDeletion = node["deletion"] is not null,
            Reviewers = ReadCount(node["reviewers"]) ?? 0,
            NeedsCodeOwner = node["codeowners"] is not null,
            DismissesStale = node["stale"] is not null,
            NeedsLastPushApproval = node["lastPush"] is not null,
            NeedsSignatures = node["signatures"] is not null,
            Merge = node.Words("merge"),
            Checks = checks.ToImmutable(),
            NeedsMergeQueue = node["mergeQueue"] is not null,
            ResolvesThreads = node["threads"] is not null,
            Prefixes = node.Words("prefixes"),
        };
    }

    private ImmutableArray<Excluded> ReadExclude(PolicyNode? list)
    {
        if (list is null)
        {
            return [.. Enum.GetValues<Excluded>()];
        }

        ImmutableArray<Excluded> excluded = [.. list.Sound.Select(item => Enum.Parse<Excluded>(item.Text, ignoreCase: true))];
        foreach (var always in (Excluded[])[Excluded.Author, Excluded.Robots])
        {
            if (!excluded.Contains(always))
            {
                mistakes.Add(list, $"'{Word(always)}' is not in the list, and never counts", $"add {Word(always)}");
            }
        }

        foreach (var open in Enum.GetValues<Excluded>().Except([.. excluded, Excluded.Author, Excluded.Robots]))
        {
            mistakes.Warn(list, $"'{Word(open)}' is not in the list: who wrote a part of the change may approve it", $"add {Word(open)}");
        }

        return excluded;
    }

    /// <summary>The policy's word for it.</summary>
    public static string Word(Excluded excluded) => char.ToLowerInvariant(excluded.ToString()[0]) + excluded.ToString()[1..];

    private PathRule ReadPathRule(PolicyNode node)
    {
        if (node["from"] is { } from && node.Find("approvals") is null)
        {
            mistakes.Add(from, "'from' says who gives the approvals, and none are asked for", "add approvals, or remove it");
        }

        ReviewDemand demand = node["require"] is { } require
            ? new ReviewDemand.Roles(ReadRoles(require))
            : new ReviewDemand.Approvals(ReadCount(node["approvals"]) ?? 1, node["from"] is not null);
        return new(Place(node), ReadPatterns(node["paths"]), demand, node["why"]?.Text);
    }

    private ValueRule ReadValueRule(PolicyNode node)
    {
        if (node["file"] is { } file && (PathPattern.TryParse(file.Text, out _) is null || file.Text.Contains('*', StringComparison.Ordinal)))
        {
            mistakes.Add(file, $"{PolicyNode.Shown(file.Text)} is no path of a file", "write it from the repository's root, without wildcards");
        }

        var (when, must) = (node["when"], node["must"]);
        if (when is not null && node.Find("require") is null)
        {
            mistakes.Add(node, "nothing says who must approve when the value moves", "add require");
        }
        else if (must is not null && node["require"] is { } surplus)
        {
            mistakes.Add(surplus, "a bound holds whoever approves", "remove require, or write when instead of must");
        }

        ValueTest test = when is not null
            ? new ValueTest.Moved(Enum.Parse<ValueMove>(when.Text, ignoreCase: true), node["require"] is { } require ? ReadRoles(require) : [])
            : new ValueTest.Must(must?["atLeast"]?.Decimal(), must?["atMost"]?.Decimal());
        if (test is ValueTest.Must { AtLeast: { } least, AtMost: { } most } && least > most)
        {
            mistakes.Add(must!, "no value is at least the one and at most the other", "exchange them");
        }

        return new(Place(node), node["file"]?.Text ?? "", node["at"]?.Text ?? "", test, node["why"]?.Text);
    }

    /// <summary>Patterns over paths.</summary>
    public ImmutableArray<PathPattern> ReadPatterns(PolicyNode? list)
    {
        var patterns = ImmutableArray.CreateBuilder<PathPattern>();
        foreach (var item in list?.Sound ?? [])
        {
            if (PathPattern.TryParse(item.Text, out var mistake) is { } pattern)
            {
                patterns.Add(pattern);
            }
            else
            {
                mistakes.Add(item, $"{PolicyNode.Shown(item.Text)} is no pattern: {mistake}", "write it from the repository's root, as in src/** or config/*.yaml");
            }
        }

        return patterns.ToImmutable();
    }

    /// <summary>Roles of people on the forge, as many as can be reached.</summary>
    public ImmutableArray<RoleCount> ReadRoles(PolicyNode list)
    {
        var require = ImmutableArray.CreateBuilder<RoleCount>();
        foreach (var slot in list.Sound)
        {
            if (slot["role"] is not { } role || ReadCount(slot["count"]) is not { } count || !parties.Check(role, "role", "roles"))
            {
                continue;
            }

            if (require.Any(other => other.Role == role.Text))
            {
                mistakes.Add(role, $"the role '{role.Text}' stands twice", "add up the counts");
            }
            else
            {
                require.Add(new(role.Text, count));
            }
        }

        if (require.Count > 0 && require.Count == list.Items.Count)
        {
            CheckReachable(list, require.ToImmutable());
        }

        return require.ToImmutable();
    }

    private int? ReadCount(PolicyNode? node)
    {
        if (node is null)
        {
            return null;
        }

        if (node.Number() <= MostPeople)
        {
            return (int)node.Number();
        }

        mistakes.Add(node, $"{node.Text} people are more than {MostPeople}", "ask for fewer");
        return null;
    }

    /// <summary>Tells where a quorum cannot be reached. Who opens a pull request never counts for it.</summary>
    public void CheckReachable(PolicyNode node, ImmutableArray<RoleCount> require)
    {
        ImmutableArray<string> candidates = [.. require.SelectMany(slot => People(slot.Role)).Distinct().Where(name => parties.People.GetValueOrDefault(name)?.Identities.Any(identity => identity is Identity.GitHubAccount) == true)];
        if (!IsReachable(require, candidates))
        {
            mistakes.Add(node, $"{string.Join(" and ", require)} cannot approve: the people with a GitHub account are {string.Join(", ", candidates.Order(StringComparer.Ordinal))}", "add people to the roles, or ask for fewer");
            return;
        }

        var indispensable = candidates.Where(author => !IsReachable(require, candidates.Remove(author))).Order(StringComparer.Ordinal).ToList();
        if (indispensable.Count > 0)
        {
            mistakes.Add(node, $"{string.Join(" and ", require)} cannot approve what {string.Join(" or ", indispensable)} opens, who does not count then", "add a person to the role, or ask for fewer");
        }
    }

    private bool IsReachable(ImmutableArray<RoleCount> require, ImmutableArray<string> candidates) =>
        SlotMatching.Fill([.. require.SelectMany(slot => Enumerable.Repeat(candidates.Where(People(slot.Role).Contains).ToImmutableArray(), slot.Count))]).All(person => person is not null);

    private ImmutableArray<string> People(string role) => parties.Roles.GetValueOrDefault(role)?.People ?? [];

    private static string Place(PolicyNode node) => node.Path["spec.".Length..];
}
