using System.Collections.Immutable;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Cli.Ledgers;

/// <summary>Whether an entry is one of those that are looked for.</summary>
internal enum EntryMatch
{
    /// <summary>It is not.</summary>
    No,

    /// <summary>It is as far as it can be read, and what would tell is encrypted or kept beside the log.</summary>
    Unsure,

    /// <summary>It is.</summary>
    Yes,
}

/// <summary>Which entries are looked for: those for which all that is given holds, character for character.</summary>
internal sealed record EntryFilter
{
    /// <summary><c>correlation_id</c>.</summary>
    public string? CorrelationId { get; init; }

    /// <summary><c>change_id</c>.</summary>
    public string? ChangeId { get; init; }

    /// <summary>Any digest in the entry.</summary>
    public Digest? Digest { get; init; }

    /// <summary><c>resource</c>.</summary>
    public ResourceName? Resource { get; init; }

    /// <summary><c>namespace</c>.</summary>
    public string? Namespace { get; init; }

    /// <summary>Who acted, for whom, or who really authenticated.</summary>
    public string? Actor { get; init; }

    /// <summary><c>verdict</c>.</summary>
    public Verdict? Verdict { get; init; }

    /// <summary><c>event_type</c>.</summary>
    public string? EventType { get; init; }

    /// <summary>Not before this.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Before this.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>What an entry has at least one of, for each list.</summary>
    /// <remarks>Every entry that is not <see cref="EntryMatch.No"/> has them, and others may.</remarks>
    public ImmutableArray<ImmutableArray<ulong>> Terms =>
    [
        .. CorrelationId is { } correlation ? List(IndexTerms.Correlation(correlation)) : [],
        .. ChangeId is { } change ? List(IndexTerms.Change(change)) : [],
        .. Digest is { } digest ? List(IndexTerms.Digest(digest), IndexTerms.HiddenDigest) : [],
        .. Resource is { } resource ? List(IndexTerms.Resource(resource.Kind, resource.Name)) : [],
        .. Actor is { } actor ? List(IndexTerms.Actor(actor), IndexTerms.HiddenActor) : [],
        .. Namespace is { } place ? List(IndexTerms.Namespace(place)) : [],
        .. EventType is { } type ? List(IndexTerms.EventType(type)) : [],
        .. Verdict is { } verdict ? List(IndexTerms.VerdictOf(verdict)) : [],
    ];

    /// <summary>Whether every entry is wanted, so that an index is of no use.</summary>
    public bool IsForAll => Terms.IsEmpty && Since is null && Until is null;

    /// <summary>Whether an entry is one.</summary>
    public EntryMatch Of(LedgerEntry entry)
    {
        if ((CorrelationId is not null && CorrelationId != entry.CorrelationId)
            || (ChangeId is not null && ChangeId != entry.ChangeId)
            || (Namespace is not null && Namespace != entry.Namespace)
            || (EventType is not null && EventType != entry.EventType)
            || (Verdict is not null && Verdict != entry.Verdict)
            || (Resource is not null && !Resource.Names(entry.Resource))
            || entry.Timestamp < Since
            || entry.Timestamp >= Until)
        {
            return EntryMatch.No;
        }

        var (actor, digest) = (OfActor(entry.Actor), OfDigest(entry));
        return actor < digest ? actor : digest;
    }

    // What cannot be read may be anything.
    private static ImmutableArray<ImmutableArray<ulong>> List(params ReadOnlySpan<ulong> terms) => [[.. terms, IndexTerms.Unreadable]];

    private EntryMatch OfActor(EntryActor? actor)
    {
        PersonalText?[] texts = Actor is null ? [] : [actor?.Id, actor?.OnBehalfOf, actor?.ImpersonatedBy];
        return Actor is null || texts.Any(text => text is PersonalText.Plain(var plain) && plain == Actor) ? EntryMatch.Yes
            : texts.Any(text => text is PersonalText.Encrypted) ? EntryMatch.Unsure
            : EntryMatch.No;
    }

    private EntryMatch OfDigest(LedgerEntry entry) =>
        Digest is null || EntryDigests.Of(entry).Any(one => one.Digest == Digest) ? EntryMatch.Yes
        : EntryDigests.AreHidden(entry) ? EntryMatch.Unsure
        : EntryMatch.No;
}

/// <summary>A resource as <c>KIND/NAME</c> or <c>KIND.GROUP/NAME</c>; without a group, of any.</summary>
internal sealed record ResourceName(string Kind, string? Group, string Name)
{
    /// <summary>Reads one; null for what is none.</summary>
    public static ResourceName? TryParse(string text)
    {
        if (text.Split('/', 2) is not [var type, { Length: > 0 } name] || type.Split('.', 2) is not [{ Length: > 0 } kind, .. var group] || group is [""])
        {
            return null;
        }

        return new(kind, group is [var one] ? one : null, name);
    }

    public bool Names(EntryResource? resource) => resource is not null && resource.Kind == Kind && resource.Name == Name && (Group is null || Group == resource.Group);
}
