using System.Buffers;
using System.Collections.Immutable;
using System.Text.Encodings.Web;
using System.Text.Json;
using Governance.Gates.Images;

namespace Governance.Gates.Ledgers;

/// <summary>A value that may say something about a person: as it is, or encrypted under a key that can be destroyed.</summary>
public abstract record PersonalText
{
    private PersonalText()
    {
    }

    /// <summary>The value in plain text.</summary>
    /// <param name="Value">One line, as <see cref="LedgerText"/> says.</param>
    public sealed record Plain(string Value) : PersonalText;

    /// <summary>The value, encrypted before anything hashed or stored it: the chain holds when the key is gone.</summary>
    /// <param name="Kid">Which key.</param>
    /// <param name="Nonce">Base64 of the nonce.</param>
    /// <param name="Ciphertext">Base64 of the ciphertext and its tag.</param>
    public sealed record Encrypted(string Kid, string Nonce, string Ciphertext) : PersonalText;

    /// <summary>A plain value, made fit to stand in an entry; null where there is none.</summary>
    public static PersonalText? Of(string? text, int longest = LedgerText.Longest) => LedgerText.Of(text, longest) is { } value ? new Plain(value) : null;
}

/// <summary>A part of an entry that may be too large for it.</summary>
/// <typeparam name="T">What the part is.</typeparam>
public abstract record EntryPart<T>
{
    private EntryPart()
    {
    }

    /// <summary>The part stands in the entry.</summary>
    public sealed record Inline(T Value) : EntryPart<T>;

    /// <summary>The part is kept beside the log: its canonical JSON has this SHA-256 and this many bytes.</summary>
    public sealed record Kept(Digest Digest, long Size) : EntryPart<T>;
}

/// <summary>A document that stands in an entry.</summary>
public static class EntryDocument
{
    // Other readers of the log escape nothing that JSON does not ask for.
    private static readonly JsonWriterOptions AsIs = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Makes one of the members that are written.</summary>
    public static EntryPart<ReadOnlyMemory<byte>>.Inline Of(Action<Utf8JsonWriter> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, AsIs))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return new(buffer.WrittenMemory);
    }
}

/// <summary>How good a timestamp is.</summary>
/// <param name="Source">Where the time came from, such as <c>ntp</c>.</param>
/// <param name="Error">The most that it may be wrong, in milliseconds; null where that is not known.</param>
public sealed record EntryClock(string Source, long? Error);

/// <summary>Another entry.</summary>
/// <param name="Origin">Its log.</param>
/// <param name="Sequence">Its place there.</param>
public sealed record EntryReference(string Origin, long Sequence);

/// <summary>The program that wrote an entry.</summary>
/// <param name="Name">Such as <c>gates-webhook</c>.</param>
/// <param name="Version">Its version.</param>
/// <param name="Digest">The digest of its image or file; null where it is not known.</param>
public sealed record EntryComponent(string Name, string Version, Digest? Digest);

/// <summary>Who acted.</summary>
/// <param name="Id">The person's id in the policy, or the name that was authenticated.</param>
/// <param name="Kind">Such as <c>person</c>, <c>robot</c>, <c>service-account</c>.</param>
/// <param name="Role">In which role.</param>
/// <param name="OnBehalfOf">For whom.</param>
/// <param name="ImpersonatedBy">Who really authenticated.</param>
public sealed record EntryActor(PersonalText Id, string Kind, string? Role, PersonalText? OnBehalfOf, PersonalText? ImpersonatedBy);

/// <summary>What was acted on.</summary>
/// <param name="Group">The API group; null for the core group.</param>
/// <param name="Kind">The kind.</param>
/// <param name="Name">Its name; null where it had none yet.</param>
/// <param name="Uid">Its UID.</param>
/// <param name="Generation">Its generation, from 0.</param>
public sealed record EntryResource(string? Group, string Kind, string? Name, string? Uid, long? Generation);

/// <summary>An image, a model or another thing that is named by a digest.</summary>
/// <param name="Uri">Where it was said to be.</param>
/// <param name="Digest">What it is.</param>
/// <param name="Kind">Such as <c>image</c>.</param>
public sealed record EntryArtifact(string Uri, Digest Digest, string Kind);

/// <summary>Why rules did not bind.</summary>
/// <param name="Kind">Such as <c>break-glass</c>, <c>shrink</c>, <c>admitted-record</c>, <c>audited-namespace</c>.</param>
/// <param name="Ref">The approval, record or label that says so.</param>
/// <param name="Waived">The rules.</param>
public sealed record EntryExemption(string Kind, string? Ref, ImmutableArray<string> Waived);

/// <summary>Why a verdict is what it is.</summary>
/// <param name="Rule">The rule, as the policy names it.</param>
/// <param name="Code">A stable word for what happened.</param>
/// <param name="Message">What was found; up to <see cref="LedgerText.LongestMessage"/>.</param>
public sealed record EntryReason(string Rule, string? Code, PersonalText Message);

/// <summary>How a quorum came out.</summary>
/// <param name="Rule">The rule that asked for it.</param>
/// <param name="Needed">How many persons it needed.</param>
/// <param name="Counted">Who counted.</param>
/// <param name="Excluded">Who did not, and why.</param>
public sealed record EntryQuorum(string Rule, long Needed, ImmutableArray<CountedPerson> Counted, ImmutableArray<ExcludedPerson> Excluded);

/// <summary>A person who counted in a quorum.</summary>
/// <param name="Person">The person's id.</param>
/// <param name="Role">The role that was filled.</param>
public sealed record CountedPerson(PersonalText Person, string? Role);

/// <summary>A person who did not count in a quorum.</summary>
/// <param name="Person">The person's id.</param>
/// <param name="Why">Why not.</param>
public sealed record ExcludedPerson(PersonalText Person, string Why);

/// <summary>The policy that was in force.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Version">Its version, from 1.</param>
/// <param name="Digest">The digest of its bytes.</param>
public sealed record EntryPolicy(string Name, long Version, Digest Digest);

/// <summary>Something outside the policy that decided too.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Name">Which one of its kind.</param>
/// <param name="Digest">The digest of its bytes.</param>
/// <param name="Time">When it was issued, where it says so; when it was read.</param>
public sealed record EntryInput(EntryInputKind Kind, string Name, Digest Digest, DateTimeOffset Time);

/// <summary>The kinds of inputs, in the order in which they are written.</summary>
public enum EntryInputKind
{
    /// <summary>Vulnerability and other feeds.</summary>
    Feeds,

    /// <summary>Freezes.</summary>
    Freezes,

    /// <summary>Lists of revocations.</summary>
    Revocations,

    /// <summary>Team rosters.</summary>
    Rosters,

    /// <summary>Keys and trusted roots.</summary>
    Trust,
}

/// <summary>Bytes that decided, kept beside the log.</summary>
/// <param name="Type">Their predicate or media type.</param>
/// <param name="Digest">Their digest.</param>
/// <param name="Size">How many they are.</param>
/// <param name="Signer">Who signed them.</param>
/// <param name="VerifiedTime">When they were signed, as a log or an authority proves.</param>
public sealed record EntryEvidence(string Type, Digest Digest, long Size, PersonalText? Signer, DateTimeOffset? VerifiedTime);

/// <summary>What may go on.</summary>
/// <param name="UseBy">The end of the right to begin.</param>
/// <param name="RunUntil">The end of the right of what began to start further Pods.</param>
/// <param name="Ref">The id of the admitted record.</param>
public sealed record EntryAdmitted(DateTimeOffset? UseBy, DateTimeOffset? RunUntil, string? Ref);

/// <summary>Events that one entry stands for.</summary>
/// <param name="Count">How many, from 1.</param>
/// <param name="Root">The root of a Merkle tree over them.</param>
/// <param name="First">When the first happened.</param>
/// <param name="Last">When the last happened.</param>
public sealed record EntrySuppressed(long Count, TreeHash? Root, DateTimeOffset? First, DateTimeOffset? Last);
