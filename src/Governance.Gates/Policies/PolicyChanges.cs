using System.Collections.Immutable;

namespace Governance.Gates.Policies;

/// <summary>The changes found so far between two policies, and the comparisons that all parts of the language share.</summary>
internal sealed class PolicyChanges(Policy older, Policy newer)
{
    private readonly List<PolicyChange> found = [];

    public Policy Older { get; } = older;

    public Policy Newer { get; } = newer;

    public IReadOnlyList<PolicyChange> All => found;

    public void Neutral(string path, string message) => found.Add(new(PolicyChangeKind.Neutral, path, message, []));

    public void Stronger(string path, string message) => found.Add(new(PolicyChangeKind.Stronger, path, message, []));

    /// <param name="path">Where.</param>
    /// <param name="message">What.</param>
    /// <param name="gains">Ids of persons.</param>
    public void Weaker(string path, string message, IEnumerable<string> gains) =>
        found.Add(new(PolicyChangeKind.Weaker, path, message, [.. gains.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)]));

    /// <summary>Ids of the people with these names; a robot has none. Where a name has another id now, both gain.</summary>
    public IEnumerable<string> Ids(IEnumerable<string> names) =>
        names.SelectMany(name => new[] { Older.People.GetValueOrDefault(name)?.Id, Newer.People.GetValueOrDefault(name)?.Id }).OfType<string>();

    /// <summary>Ids of the people who may fill a slot of this quorum under the newer policy.</summary>
    public IEnumerable<string> Ids(ApprovalRule rule) => Ids(rule.Require.SelectMany(slot => Newer.Roles.GetValueOrDefault(slot.Role)?.People ?? []));

    /// <summary>A value on a scale: weaker where <paramref name="looser"/> is above zero, stronger below.</summary>
    public void Scale(int looser, string path, string from, string to, IEnumerable<string> gains)
    {
        var message = $"{from} becomes {to}";
        if (looser > 0)
        {
            Weaker(path, message, gains);
        }
        else if (looser < 0)
        {
            Stronger(path, message);
        }
    }

    /// <summary>The first day on which something counts; none is since ever.</summary>
    public void FirstDay(string path, DateOnly? was, DateOnly? now, IEnumerable<string> gains) =>
        Scale((was ?? DateOnly.MinValue).CompareTo(now ?? DateOnly.MinValue), path, Day(was), Day(now), gains);

    /// <summary>The last day on which something counts; none is for ever.</summary>
    public void LastDay(string path, DateOnly? was, DateOnly? now, IEnumerable<string> gains) =>
        Scale((now ?? DateOnly.MaxValue).CompareTo(was ?? DateOnly.MaxValue), path, Day(was), Day(now), gains);

    /// <summary>Whose signature counts. Who is in a role that stays the same is compared with the roles.</summary>
    public void Signers(string path, Signers was, Signers now)
    {
        foreach (var (kind, text, gains) in CompareSigners(was, now))
        {
            Add(kind, path, text, gains);
        }
    }

    public IEnumerable<(PolicyChangeKind Kind, string Text, IEnumerable<string> Gains)> CompareSigners(Signers was, Signers now)
    {
        if (was.Role != now.Role)
        {
            yield return (PolicyChangeKind.Weaker, $"{was} becomes {now}", Ids(now.Names));
        }
        else if (now.Role is null)
        {
            foreach (var name in now.Names.Except(was.Names))
            {
                yield return (PolicyChangeKind.Weaker, $"'{name}' may sign", Ids([name]));
            }

            foreach (var name in was.Names.Except(now.Names))
            {
                yield return (PolicyChangeKind.Stronger, $"'{name}' may sign no more", []);
            }
        }
    }

    /// <summary>A set of words: what is new in it and what is gone.</summary>
    public void Words(string path, IEnumerable<string> was, IEnumerable<string> now, (PolicyChangeKind Kind, string Text) added, (PolicyChangeKind Kind, string Text) removed)
    {
        foreach (var word in now.Except(was, StringComparer.Ordinal))
        {
            Add(added.Kind, path, $"'{word}' {added.Text}", []);
        }

        foreach (var word in was.Except(now, StringComparer.Ordinal))
        {
            Add(removed.Kind, path, $"'{word}' {removed.Text}", []);
        }
    }

    /// <summary>Everything that has a name in one of two mappings, in the order of the names.</summary>
    public static IEnumerable<(string Name, T? Was, T? Now)> Pairs<T>(ImmutableDictionary<string, T> was, ImmutableDictionary<string, T> now)
        where T : class =>
        was.Keys.Union(now.Keys).Order(StringComparer.Ordinal).Select(name => (name, was.GetValueOrDefault(name), now.GetValueOrDefault(name)));

    public void Add(PolicyChangeKind kind, string path, string message, IEnumerable<string> gains)
    {
        switch (kind)
        {
            case PolicyChangeKind.Neutral:
                Neutral(path, message);
                break;
            case PolicyChangeKind.Stronger:
                Stronger(path, message);
                break;
            default:
                Weaker(path, message, gains);
                break;
        }
    }

    private static string Day(DateOnly? day) => day?.ToString("yyyy-MM-dd", null) ?? "no day";
}
