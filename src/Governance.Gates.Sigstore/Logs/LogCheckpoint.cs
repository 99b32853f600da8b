using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Sigstore.Formats;

namespace Governance.Gates.Sigstore.Logs;

/// <summary>What a log signed about its tree (C2SP tlog-checkpoint in a C2SP signed-note).</summary>
/// <param name="Origin">The first line.</param>
/// <param name="TreeSize">The second line.</param>
/// <param name="RootHash">The third line.</param>
/// <param name="Text">What the signatures are over.</param>
/// <param name="Signatures">Name, key id and signature of each signature line.</param>
internal sealed record LogCheckpoint(string Origin, long TreeSize, byte[] RootHash, byte[] Text, IReadOnlyList<(string Name, byte[] KeyId, byte[] Signature)> Signatures)
{
    private const int MostCharacters = 64 * 1024;
    private const int MostSignatures = 64;
    private const int KeyIdSize = 4;

    /// <summary>The checkpoint, or null where it is none.</summary>
    public static LogCheckpoint? TryRead(string note)
    {
        // The last empty line ends the text; a checkpoint's own lines are not empty.
        var blank = note.LastIndexOf("\n\n", StringComparison.Ordinal);
        if (note.Length > MostCharacters || blank < 0 || !note.EndsWith('\n') || blank + 2 >= note.Length)
        {
            return null;
        }

        var lines = note[..blank].Split('\n');
        var signatureLines = note[(blank + 2)..^1].Split('\n');
        if (lines is not [{ Length: > 0 } origin, var size, var root, ..] || lines.Contains("") || signatureLines.Length > MostSignatures
            || !long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var treeSize)
            || Base64Text.Decode(root) is not { Length: SHA256.HashSizeInBytes } rootHash)
        {
            return null;
        }

        var signatures = new List<(string, byte[], byte[])>(signatureLines.Length);
        foreach (var line in signatureLines)
        {
            if (line.Split(' ') is not ["—", { Length: > 0 } name, var base64] || Base64Text.Decode(base64) is not { Length: > KeyIdSize } signature)
            {
                return null;
            }

            signatures.Add((name, signature[..KeyIdSize], signature[KeyIdSize..]));
        }

        return new(origin, treeSize, rootHash, Encoding.UTF8.GetBytes(note[..(blank + 1)]), signatures);
    }

    /// <summary>Whether the log signed it. Signatures of others, known or not, prove nothing and do no harm.</summary>
    /// <param name="log">The log.</param>
    /// <param name="isNamed">Whether the log is named by its host, as C2SP has it: origin and signature must then carry that name.</param>
    public bool IsSignedBy(TransparencyLog log, Func<string, bool> isNamed) =>
        isNamed(Origin) && Signatures.Any(line => line.KeyId.AsSpan().SequenceEqual(log.NoteKeyId.Span) && isNamed(line.Name) && log.Key.Verify(Text, line.Signature));
}
