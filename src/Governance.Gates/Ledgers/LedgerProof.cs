using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace Governance.Gates.Ledgers;

/// <summary>That one entry is in a log, to be checked offline with the entry and the log's vkey alone: a <c>.tlog-proof</c> file (C2SP tlog-proof, version 1).</summary>
/// <param name="Index">The entry's index, from 0.</param>
/// <param name="Hashes">The inclusion proof, from the leaf's sibling to the root's child.</param>
/// <param name="Checkpoint">The signed note, byte for byte; not verified before <see cref="Verify"/>.</param>
/// <param name="Extra">What an application put beside it, at most 4096 bytes; never authenticated.</param>
public sealed record LedgerProof(long Index, ImmutableArray<TreeHash> Hashes, ReadOnlyMemory<byte> Checkpoint, ReadOnlyMemory<byte>? Extra = null)
{
    /// <summary>The most bytes that are read.</summary>
    public const int MostBytes = SignedNote.MostBytes + (16 * 1024);

    private const int MostHashes = 63;
    private const int MostExtra = 4_096;
    private const string FirstLine = "c2sp.org/tlog-proof@v1";
    private const string ExtraWord = "extra ";
    private const string IndexWord = "index ";

    /// <summary>Makes the proof of an entry, and verifies it before anybody else has to.</summary>
    /// <param name="index">The entry's index, from 0.</param>
    /// <param name="leaf">The entry's hash.</param>
    /// <param name="checkpoint">The checkpoint that it is to be proven under.</param>
    /// <param name="source">Where the log's tiles are.</param>
    public static Reading<LedgerProof> Make(long index, TreeHash leaf, Checkpoint checkpoint, TileSource source)
    {
        if (!MerkleProofs.Inclusion(index, checkpoint.Size, source).Try(out var hashes, out var why))
        {
            return new Reading<LedgerProof>.Unread(why);
        }

        return MerkleProofs.VerifyInclusion(leaf, index, checkpoint.Size, checkpoint.Root, hashes.AsSpan())
            ? new Reading<LedgerProof>.Found(new(index, hashes, checkpoint.Note))
            : new Reading<LedgerProof>.Unread(new("ledger", $"entry {index}, the tiles and the checkpoint of {checkpoint} do not belong together", "verify the whole log to learn what was changed"));
    }

    /// <summary>Reads a proof file. Never throws for what it is given.</summary>
    public static Reading<LedgerProof> Read(ReadOnlyMemory<byte> file)
    {
        if (file.Length > MostBytes || !Utf8.IsValid(file.Span))
        {
            return Unread(file.Length > MostBytes ? $"it has {file.Length} bytes, more than {MostBytes}" : "it is not UTF-8");
        }

        // The first empty line ends the proof: no line of it is empty.
        var blank = file.Span.IndexOf("\n\n"u8);
        var lines = blank < 0 ? [] : Encoding.UTF8.GetString(file.Span[..blank]).Split('\n');
        if (lines is not [FirstLine, .. var rest])
        {
            return Unread($"its first line is not {FirstLine}");
        }

        byte[]? extra = null;
        if (rest is [var second, ..] && second.StartsWith(ExtraWord, StringComparison.Ordinal))
        {
            extra = second.Length > ExtraWord.Length + (2 * MostExtra) ? null : NoteText.TryDecode(second[ExtraWord.Length..]);
            rest = rest[1..];
            if (extra is not { Length: <= MostExtra })
            {
                return Unread($"its extra data is no base64 of at most {MostExtra} bytes");
            }
        }

        if (rest is not [var third, .. var base64s]
            || !third.StartsWith(IndexWord, StringComparison.Ordinal)
            || !long.TryParse(third.AsSpan(IndexWord.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            || third != IndexWord + index.ToString(CultureInfo.InvariantCulture))
        {
            return Unread("its index is missing, or no number");
        }

        if (base64s.Length > MostHashes)
        {
            return Unread($"it has {base64s.Length} hashes, and no tree is higher than {MostHashes}");
        }

        var hashes = ImmutableArray.CreateBuilder<TreeHash>(base64s.Length);
        foreach (var base64 in base64s)
        {
            if (TreeHash.TryParseBase64(base64) is not { } hash)
            {
                return Unread($"its hash {hashes.Count + 1} is none");
            }

            hashes.Add(hash);
        }

        return new Reading<LedgerProof>.Found(new(index, hashes.MoveToImmutable(), file[(blank + 2)..], extra is null ? default(ReadOnlyMemory<byte>?) : extra));
    }

    /// <summary>The bytes of the file.</summary>
    public byte[] Write()
    {
        var text = new StringBuilder(FirstLine).Append('\n');
        if (Extra is { } extra)
        {
            text.Append(ExtraWord).Append(Convert.ToBase64String(extra.Span)).Append('\n');
        }

        text.Append(IndexWord).Append(Index.ToString(CultureInfo.InvariantCulture)).Append('\n');
        foreach (var hash in Hashes)
        {
            text.Append(hash.ToBase64()).Append('\n');
        }

        return [.. Encoding.UTF8.GetBytes(text.Append('\n').ToString()), .. Checkpoint.Span];
    }

    /// <summary>Whether the entry with this hash is in the log of this key, as of the checkpoint in the proof.</summary>
    /// <returns>That checkpoint; or why the proof shows nothing.</returns>
    public Reading<Checkpoint> Verify(TreeHash leaf, NoteKey key)
    {
        if (!Ledgers.Checkpoint.Open(Checkpoint, key).Try(out var checkpoint, out var why))
        {
            return new Reading<Checkpoint>.Unread(why);
        }

        return MerkleProofs.VerifyInclusion(leaf, Index, checkpoint.Size, checkpoint.Root, Hashes.AsSpan())
            ? new Reading<Checkpoint>.Found(checkpoint)
            : new Reading<Checkpoint>.Unread(new("ledger", $"the entry is not entry {Index} of {checkpoint}", "compare the entry, byte for byte, with the one in the log"));
    }

    private static Reading<LedgerProof>.Unread Unread(string mistake) => new(new("ledger", $"the proof cannot be read: {mistake}", "make it again with the log that holds the entry"));
}
