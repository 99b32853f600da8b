using System.Collections.Immutable;
using Governance.Gates.Images;

namespace Governance.Gates.Ledgers;

/// <summary>What a digest in an entry is of.</summary>
public enum DigestOf
{
    /// <summary>The object: <see cref="LedgerEntry.ObjectDigest"/>.</summary>
    Object,

    /// <summary>The pod template: <see cref="LedgerEntry.TemplateDigest"/>.</summary>
    Template,

    /// <summary>The policy.</summary>
    Policy,

    /// <summary>The program that wrote the entry.</summary>
    Component,

    /// <summary>Something outside the policy that decided too.</summary>
    Input,

    /// <summary>An image, a model or the like.</summary>
    Artifact,

    /// <summary>Bytes that decided.</summary>
    Evidence,

    /// <summary>A part of the entry itself, which is kept beside the log.</summary>
    Part,
}

/// <summary>A digest that stands in an entry.</summary>
/// <param name="Of">What it is of.</param>
/// <param name="Digest">The digest.</param>
public sealed record EntryDigest(DigestOf Of, Digest Digest);

/// <summary>The digests that entries hold. Whoever looks for one, indexes them or hands out what they name asks here, so that none knows of fewer than another.</summary>
public static class EntryDigests
{
    /// <summary>All that stand in the entry; what a text or a document within it says is no digest of the entry.</summary>
    public static IEnumerable<EntryDigest> Of(LedgerEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        return
        [
            .. Each(DigestOf.Object, [entry.ObjectDigest]),
            .. Each(DigestOf.Template, [entry.TemplateDigest]),
            .. Each(DigestOf.Policy, [entry.Policy?.Digest]),
            .. Each(DigestOf.Component, [entry.Component.Digest]),
            .. Each(DigestOf.Input, entry.Inputs.Select(input => input.Digest)),
            .. entry.Artifacts is EntryPart<ImmutableArray<EntryArtifact>>.Inline(var artifacts) ? Each(DigestOf.Artifact, artifacts.Select(one => one.Digest)) : [],
            .. entry.Evidence is EntryPart<ImmutableArray<EntryEvidence>>.Inline(var evidence) ? Each(DigestOf.Evidence, evidence.Select(one => one.Digest)) : [],
            .. Each(DigestOf.Part, [Kept(entry.Artifacts), Kept(entry.Reasons), Kept(entry.Quorum), Kept(entry.Evidence), Kept(entry.PreviousState), Kept(entry.NewState), Kept(entry.Details), Kept(entry.Rationale)]),
        ];
    }

    /// <summary>Whether more digests belong to the entry than stand in it: the part that would hold them is kept beside the log.</summary>
    public static bool AreHidden(LedgerEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        return (Kept(entry.Artifacts) ?? Kept(entry.Evidence)) is not null;
    }

    private static IEnumerable<EntryDigest> Each(DigestOf of, IEnumerable<Digest?> digests) => digests.OfType<Digest>().Select(digest => new EntryDigest(of, digest));

    private static Digest? Kept<T>(EntryPart<T>? part) => part is EntryPart<T>.Kept(var digest, _) ? digest : null;
}
