using System.Collections.Immutable;
using Governance.Gates.Images;

namespace Governance.Gates.Policies;

/// <summary>What a change does to what the policy demands.</summary>
public enum PolicyChangeKind
{
    /// <summary>Nothing that is allowed, and nobody who may allow it, changes.</summary>
    Neutral,

    /// <summary>Less is allowed, or fewer people may allow it.</summary>
    Stronger,

    /// <summary>More is allowed, or more people may allow it, or neither of the other two can be shown.</summary>
    Weaker,
}

/// <summary>One difference between two policies.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Path">Where it stands below <c>spec</c>, such as <c>roles.releaser.people</c>, or <c>metadata.…</c>; in the newer policy, or in the older one where it is gone.</param>
/// <param name="Message">What changed, on one line.</param>
/// <param name="Gains">Ids of the persons who may do more by it, in order: who was added to a role, was given a key, needs fewer others.</param>
public sealed record PolicyChange(PolicyChangeKind Kind, string Path, string Message, ImmutableArray<string> Gains)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Path}: {Message}";
}

/// <summary>What changes from one version of a policy to another, and whether that weakens it.</summary>
/// <remarks>
/// Fails closed: what cannot be shown to be neutral or stronger is weaker. An exchange is what it takes away and what it gives, each
/// judged alone, so a renamed person is one who left and one who came. What is compared is what the policies say, not their bytes.
/// </remarks>
public sealed record PolicyDiff
{
    private PolicyDiff(ImmutableArray<PolicyChange> changes)
    {
        Changes = changes;
        IsWeaker = changes.Any(change => change.Kind == PolicyChangeKind.Weaker);
        Gainers = [.. changes.SelectMany(change => change.Gains)];
    }

    /// <summary>Every difference: weaker ones first, then stronger, then neutral ones.</summary>
    public ImmutableArray<PolicyChange> Changes { get; }

    /// <summary>Whether at least one change weakens the policy.</summary>
    public bool IsWeaker { get; }

    /// <summary>Ids of the persons who gain by at least one change: none of them counts in the quorum for it.</summary>
    public ImmutableHashSet<string> Gainers { get; }

    /// <summary>Compares two policies. Policies that say the same have no changes, whatever their comments and line ends.</summary>
    /// <param name="older">The policy in force.</param>
    /// <param name="newer">The policy that is to take its place.</param>
    public static PolicyDiff Between(Policy older, Policy newer)
    {
        ArgumentNullException.ThrowIfNull(older);
        ArgumentNullException.ThrowIfNull(newer);
        var changes = new PolicyChanges(older, newer);
        CompareMetadata(changes);
        PartyChanges.Compare(changes);
        ApprovalChanges.Compare(changes);
        ImageChanges.Compare(changes);
        AdmissionChanges.Compare(changes);
        DeclaredChanges.Compare(changes);
        ReviewChanges.Compare(changes);
        ChangeChanges.Compare(changes);
        return new([.. changes.All.OrderByDescending(change => change.Kind)]);
    }

    private static void CompareMetadata(PolicyChanges changes)
    {
        var (older, newer) = (changes.Older, changes.Newer);
        if (older.Name != newer.Name)
        {
            changes.Weaker("metadata.name", $"'{older.Name}' becomes '{newer.Name}': another policy", []);
        }

        if (older.Version == newer.Version && older.Previous == newer.Previous && older.Digest == newer.Digest)
        {
            return;
        }

        // The chain: the version only rises, and each version names the one before it by its digest.
        var version = $"{older.Version} becomes {newer.Version}";
        if (newer.Version > older.Version)
        {
            changes.Neutral("metadata.version", version);
        }
        else
        {
            changes.Weaker("metadata.version", $"{version}, and a version only rises", []);
        }

        if (newer.Previous == older.Digest)
        {
            changes.Neutral("metadata.previous", $"names version {older.Version} by its digest");
        }
        else
        {
            changes.Weaker("metadata.previous", $"names {newer.Previous?.ToString() ?? "no version before it"}, and version {older.Version} is {older.Digest}", []);
        }

        CompareEarlier(changes, [.. older.Earlier, .. newer.Version > older.Version && older.Previous is { } previous ? [previous] : (Digest[])[]], newer.Earlier);
    }

    private static void CompareEarlier(PolicyChanges changes, ImmutableHashSet<Digest> known, ImmutableHashSet<Digest> counting)
    {
        foreach (var added in counting.Except(known).OrderBy(digest => digest.ToString(), StringComparer.Ordinal))
        {
            changes.Weaker("metadata.earlier", $"lets reviews under {added} count, which the policy before did not name", []);
        }

        if (changes.Newer.Reviewers.Names.IsEmpty)
        {
            return;
        }

        foreach (var gone in known.Except(counting).OrderBy(digest => digest.ToString(), StringComparer.Ordinal))
        {
            changes.Stronger("metadata.earlier", $"reviews under {gone} count no more, unless it is added");
        }
    }
}
