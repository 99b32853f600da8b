using System.Text.Json;
using Governance.Gates.Images;

namespace Governance.Gates.Ledgers;

/// <summary>How many entries a log has, and the root over them.</summary>
/// <param name="Size">How many.</param>
/// <param name="Root">The root.</param>
public sealed record TreeHead(long Size, TreeHash Root);

/// <summary>What the recovery of one damaged log would keep and give up, as one JSON document with one spelling. <c>docs/formats/ledger.md</c> describes it.</summary>
/// <remarks>An approval names its digest: it is for this log, as it is now, and for no other.</remarks>
public sealed record RecoveryDocument
{
    /// <summary>The type of the document; another version has another type.</summary>
    public const string Type = "https://governance.gates/projections/ledger-recovery/v1";

    /// <summary>The most bytes that a document has.</summary>
    public const int MaxBytes = 16 * 1024;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 4 };

    private RecoveryDocument(string origin, string key, TreeHead checkpoint, TreeHead whole, long? lastLost, string damage, Digest? policy, byte[] json)
    {
        (Origin, Key, Checkpoint, Whole, LastLost, Damage, Policy, Json) = (origin, key, checkpoint, whole, lastLost, damage, policy, json);
        Digest = Digest.Of(json);
    }

    /// <summary>Which log.</summary>
    public string Origin { get; }

    /// <summary>The id of its key, 8 hex digits (C2SP signed-note).</summary>
    public string Key { get; }

    /// <summary>The last checkpoint that its key is known to have signed.</summary>
    public TreeHead Checkpoint { get; }

    /// <summary>What is whole, and goes on.</summary>
    public TreeHead Whole { get; }

    /// <summary>The last entry that is known to be given up, from <see cref="Whole"/> on; null where none is.</summary>
    public long? LastLost { get; }

    /// <summary>What is wrong with the log, on one line.</summary>
    public string Damage { get; }

    /// <summary>The policy under which alone it may be recovered, where the log proves none; null where it proves one, or nobody named any.</summary>
    public Digest? Policy { get; }

    /// <summary>The document: UTF-8, canonical as RFC 8785 has it.</summary>
    public ReadOnlyMemory<byte> Json { get; }

    /// <summary>The SHA-256 of <see cref="Json"/>, which approvals name.</summary>
    public Digest Digest { get; }

    /// <summary>What is given up, in words.</summary>
    public string Lost => LastLost is not { } last ? "no entry is given up" : last == Whole.Size ? $"entry {last} is given up" : $"entries {Whole.Size} to {last} are given up";

    /// <summary>The document of a recovery.</summary>
    /// <param name="key">The log's key.</param>
    /// <param name="checkpoint">The last checkpoint that it is known to have signed.</param>
    /// <param name="whole">What is whole.</param>
    /// <param name="known">How many entries there are known to have been.</param>
    /// <param name="damage">What is wrong.</param>
    /// <param name="policy">The policy that counts, where the log proves none.</param>
    /// <exception cref="GateException">A checkpoint is of more entries than a document can name.</exception>
    public static RecoveryDocument Of(NoteKey key, Checkpoint checkpoint, TreeHead whole, long known, string damage, Digest? policy)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(whole);
        var last = known > whole.Size ? known - 1 : (long?)null;
        var made = Make(key.Name, $"{key.Id:x8}", new(checkpoint.Size, checkpoint.Root), whole, last, LedgerText.Of(damage)!, policy);
        return TryParse(made.Json) is not null ? made : throw new GateException($"no recovery of {key.Name} can be written down: a checkpoint of it is of {checkpoint.Size} entries", "keep the folder as it is, and begin another log");
    }

    /// <summary>A document as it was written; null for anything else. Never throws for what it is given.</summary>
    public static RecoveryDocument? TryParse(ReadOnlyMemory<byte> json)
    {
        if (json.Length > MaxBytes)
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(json, Strict);
            var (fields, root) = (new EntryFields(), document.RootElement);
            if (fields.OptionalText(root, "type") != Type)
            {
                return null;
            }

            var lost = fields.Object(root, "lost");
            var read = Make(
                fields.RequiredText(root, "origin"),
                fields.RequiredText(root, "key"),
                Head(fields.RequiredObject(root, "checkpoint"), fields),
                Head(fields.RequiredObject(root, "whole"), fields),
                lost is { } range ? fields.Whole(range, "last", 0) : null,
                fields.RequiredText(root, "damage"),
                Digest.TryParse(fields.OptionalText(root, "policy")));

            // What was read is the document where it is spelled the same again.
            return fields.Fault is null && read.Json.Span.SequenceEqual(json.Span) ? read : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static TreeHead Head(JsonElement value, EntryFields fields) =>
        new(fields.Required(fields.Whole(value, "size", 0), "size"), fields.Required(fields.OptionalText(value, "root") is { } root ? TreeHash.TryParseBase64(root) : null, "root"));

    private static RecoveryDocument Make(string origin, string key, TreeHead checkpoint, TreeHead whole, long? lastLost, string damage, Digest? policy)
    {
        using var json = CanonicalWriter.Rent();
        json.Begin('{');
        Write(json, "checkpoint"u8, checkpoint);
        json.Text("damage"u8, damage);
        json.Text("key"u8, key);
        if (lastLost is not null)
        {
            json.Name("lost"u8);
            json.Begin('{');
            json.Count("first"u8, whole.Size, 0);
            json.Count("last"u8, lastLost, 0);
            json.End('}');
        }

        json.Text("origin"u8, origin);
        json.Text("policy"u8, policy?.ToString());
        json.Text("type"u8, Type);
        Write(json, "whole"u8, whole);
        json.End('}');
        return new(origin, key, checkpoint, whole, lastLost, damage, policy, json.Written.ToArray());
    }

    private static void Write(CanonicalWriter json, ReadOnlySpan<byte> name, TreeHead head)
    {
        json.Name(name);
        json.Begin('{');
        json.Base64("root"u8, head.Root.ToBase64());
        json.Count("size"u8, head.Size, 0);
        json.End('}');
    }
}
