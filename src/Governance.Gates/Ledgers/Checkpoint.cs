using System.Globalization;
using System.Text;

namespace Governance.Gates.Ledgers;

/// <summary>What a log says about itself at one size: its origin, how many entries it has, and the root over them (C2SP tlog-checkpoint).</summary>
/// <remarks>Comes from <see cref="Open"/> only: a signature of the log's key stands behind each that there is.</remarks>
public sealed record Checkpoint
{
    /// <summary>The most bytes of a checkpoint with all its signatures.</summary>
    public const int MostBytes = SignedNote.MostBytes;

    private Checkpoint(string origin, long size, TreeHash root, ReadOnlyMemory<byte> note)
    {
        Origin = origin;
        Size = size;
        Root = root;
        Note = note;
    }

    /// <summary>Which log it is.</summary>
    public string Origin { get; }

    /// <summary>How many entries it has.</summary>
    public long Size { get; }

    /// <summary>The root of the Merkle tree over them.</summary>
    public TreeHash Root { get; }

    /// <summary>The signed note, byte for byte, with all its signatures.</summary>
    public ReadOnlyMemory<byte> Note { get; }

    /// <summary>Reads a signed checkpoint. Never throws for what it is given.</summary>
    /// <param name="note">The bytes of a signed note.</param>
    /// <param name="key">The log's key: its signature must be there and hold, and its name must be the origin. Signatures of others are not looked at.</param>
    public static Reading<Checkpoint> Open(ReadOnlyMemory<byte> note, NoteKey key)
    {
        if (SignedNote.TryRead(note, out var mistake) is not { } signed)
        {
            return Unread(mistake);
        }

        if (!signed.IsSignedBy(key))
        {
            return Unread($"it is not signed by {key.Name}+{key.Id:x8}");
        }

        if (Parse(signed, out var origin, out var size, out var root) is { } fault)
        {
            return Unread(fault);
        }

        return origin == key.Name
            ? new Reading<Checkpoint>.Found(new(origin, size, root, note))
            : Unread($"it is of another log than {key.Name}");
    }

    /// <summary>Whether the log, as of this checkpoint, goes on from a position: it is the same log, and begins with exactly the entries before that (RFC 6962, section 2.1.2).</summary>
    /// <param name="from">The position, such as that of a checkpoint from before.</param>
    /// <param name="source">Where the tiles of this checkpoint's tree are; nothing that it answers is trusted.</param>
    /// <returns>Unread where tiles for the proof are missing.</returns>
    public Reading<bool> GoesOnFrom(LedgerPosition from, TileSource source)
    {
        ArgumentNullException.ThrowIfNull(from);
        return from.Origin != Origin || from.Size > Size ? new Reading<bool>.Found(false)
            : MerkleProofs.Consistency(from.Size, Size, source).Try(out var proof, out var why) ? new Reading<bool>.Found(MerkleProofs.VerifyConsistency(from.Size, from.Root, Size, Root, proof.AsSpan()))
            : new Reading<bool>.Unread(why);
    }

    /// <summary>Signs a checkpoint.</summary>
    /// <param name="size">How many entries the log has.</param>
    /// <param name="root">The root over them.</param>
    /// <param name="signers">The log's keys, at least one; the name of the first is the origin.</param>
    /// <param name="cancellation">Ends the waiting for a signer.</param>
    /// <returns>The signed note.</returns>
    /// <remarks>A log never signs two roots for one size, and no size that is not durable: whoever calls this sees to that first.</remarks>
    public static ValueTask<byte[]> SignAsync(long size, TreeHash root, IReadOnlyList<NoteSigner> signers, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(size);
        ArgumentOutOfRangeException.ThrowIfZero(signers.Count);
        return SignedNote.SignAsync(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{signers[0].Key.Name}\n{size}\n{root.ToBase64()}\n")), signers, cancellation);
    }

    /// <summary>The origin and the size.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Origin} at {Size}");

    // At least three lines, none of them empty; what follows them is not ours to understand.
    private static string? Parse(SignedNote signed, out string origin, out long size, out TreeHash root)
    {
        (origin, size, root) = ("", 0, default);
        var lines = Encoding.UTF8.GetString(signed.Text.Span[..^1]).Split('\n');
        if (lines.Length < 3 || lines.Contains(""))
        {
            return "it has an empty line, or fewer than three";
        }

        origin = lines[0];
        if (!long.TryParse(lines[1], NumberStyles.None, CultureInfo.InvariantCulture, out size) || size.ToString(CultureInfo.InvariantCulture) != lines[1])
        {
            return "its second line is no size";
        }

        if (TreeHash.TryParseBase64(lines[2]) is not { } hash)
        {
            return "its third line is no root";
        }

        root = hash;
        return null;
    }

    private static Reading<Checkpoint>.Unread Unread(string mistake) =>
        new(new("ledger", $"the checkpoint cannot be trusted: {mistake}", "compare the log's vkey with the one that its owner published, and the checkpoint with copies kept elsewhere"));
}
