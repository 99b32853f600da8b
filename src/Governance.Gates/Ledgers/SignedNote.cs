using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using System.Text.Unicode;

namespace Governance.Gates.Ledgers;

/// <summary>A text and the signatures under it (C2SP signed-note), read strictly and not yet verified.</summary>
/// <param name="Text">The text, its last newline included: what the signatures are over.</param>
/// <param name="Signatures">The signatures, whoever they are from.</param>
internal sealed record SignedNote(ReadOnlyMemory<byte> Text, ImmutableArray<NoteSignature> Signatures)
{
    /// <summary>The most bytes that are read: sixteen post-quantum signatures fit.</summary>
    public const int MostBytes = 128 * 1024;

    private const int MostSignatures = 64;
    private const int IdSize = sizeof(uint);
    private static readonly SearchValues<byte> Control = SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(c => (byte)c).Where(c => c != '\n')]);

    private static ReadOnlySpan<byte> Dash => "— "u8;

    /// <summary>Reads a note, or says what is wrong with it.</summary>
    public static SignedNote? TryRead(ReadOnlyMemory<byte> note, out string mistake)
    {
        var bytes = note.Span;
        mistake = bytes.Length > MostBytes ? $"it has {bytes.Length} bytes, more than {MostBytes}"
            : !Utf8.IsValid(bytes) ? "it is not UTF-8"
            : bytes.ContainsAny(Control) ? "it has a control character"
            : "";
        if (mistake.Length > 0)
        {
            return null;
        }

        // The last empty line ends the text; each signature is a line of its own after it.
        var blank = bytes.LastIndexOf("\n\n"u8);
        if (blank < 0 || bytes[^1] != '\n' || blank + 2 == bytes.Length)
        {
            mistake = "it is no text, an empty line and signature lines";
            return null;
        }

        var lines = Encoding.UTF8.GetString(bytes[(blank + 2)..^1]).Split('\n');
        if (lines.Length > MostSignatures)
        {
            mistake = $"it has {lines.Length} signatures, more than {MostSignatures}";
            return null;
        }

        var signatures = ImmutableArray.CreateBuilder<NoteSignature>(lines.Length);
        foreach (var line in lines)
        {
            if (line.Split(' ') is not ["—", var name, var base64] || !NoteText.IsName(name) || NoteText.TryDecode(base64) is not { Length: > IdSize } signature)
            {
                mistake = $"its signature line {signatures.Count + 1} is none";
                return null;
            }

            signatures.Add(new(name, BinaryPrimitives.ReadUInt32BigEndian(signature), signature.AsMemory(IdSize)));
        }

        return new(note[..(blank + 1)], signatures.MoveToImmutable());
    }

    /// <summary>Signs a text, and writes the note.</summary>
    /// <param name="text">Ends with a newline.</param>
    /// <param name="signers">Whose signatures stand under it, in this order.</param>
    /// <param name="cancellation">Ends the waiting for a signer.</param>
    public static async ValueTask<byte[]> SignAsync(ReadOnlyMemory<byte> text, IEnumerable<NoteSigner> signers, CancellationToken cancellation)
    {
        var note = new ArrayBufferWriter<byte>(text.Length + 256);
        note.Write(text.Span);
        note.Write("\n"u8);
        foreach (var (key, signer) in signers)
        {
            var signature = await signer.SignAsync(text, cancellation);
            var signed = new byte[IdSize + signature.Length];
            BinaryPrimitives.WriteUInt32BigEndian(signed, key.Id);
            signature.CopyTo(signed, IdSize);
            note.Write(Dash);
            note.Write(Encoding.UTF8.GetBytes($"{key.Name} {Convert.ToBase64String(signed)}\n"));
        }

        return note.WrittenSpan.ToArray();
    }

    /// <summary>Whether the key signed it: at least one signature is by its name and id, and each of those holds.</summary>
    public bool IsSignedBy(NoteKey key)
    {
        var own = Signatures.Where(signature => signature.Name == key.Name && signature.Id == key.Id).ToList();
        return own.Count > 0 && own.All(signature => key.PublicKey.Verify(Text.Span, signature.Bytes.Span));
    }
}

/// <summary>One signature line of a note.</summary>
internal sealed record NoteSignature(string Name, uint Id, ReadOnlyMemory<byte> Bytes);
