using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Ledgers;

/// <summary>A named public key that verifies signed notes, as its vkey spells it: <c>name+id+base64</c> (C2SP signed-note).</summary>
/// <remarks>Ed25519 (type 0x01) and ECDSA P-256 (type 0x02). The name of a log's key is the log's origin.</remarks>
public sealed record NoteKey
{
    private const byte Ed25519Type = 0x01;
    private const byte EcdsaType = 0x02;
    private const int Ed25519KeySize = 32;

    private readonly byte type;
    private readonly byte[] encoded;

    private NoteKey(string name, PublicKey publicKey, byte type, byte[] encoded)
    {
        Name = name;
        PublicKey = publicKey;
        this.type = type;
        this.encoded = encoded;
        // The id of an ECDSA key is of its SubjectPublicKeyInfo alone, that of all others of name and type too.
        Id = BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(type == EcdsaType ? encoded : [.. Encoding.UTF8.GetBytes(name), (byte)'\n', type, .. encoded]));
    }

    /// <summary>The name in a signature line; for a log's key its origin.</summary>
    public string Name { get; }

    /// <summary>The id in a signature line. Short: it finds a key and proves nothing.</summary>
    public uint Id { get; }

    /// <summary>The key itself.</summary>
    public PublicKey PublicKey { get; }

    // RFC 8410, section 4: what stands before the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo.
    private static ReadOnlySpan<byte> Ed25519Spki => [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

    /// <summary>The key under a name; null where the name has spaces or a plus or cannot stand in an entry, or the key is neither Ed25519 nor ECDSA P-256.</summary>
    public static NoteKey? TryCreate(string name, PublicKey publicKey) => !NoteText.IsName(name) || !LedgerText.IsLine(name, LedgerText.Longest) ? null : publicKey.Algorithm switch
    {
        KeyAlgorithm.Ed25519 => new(name, publicKey, Ed25519Type, publicKey.Spki.ToArray()[^Ed25519KeySize..]),
        KeyAlgorithm.EcdsaP256 => new(name, publicKey, EcdsaType, publicKey.Spki.ToArray()),
        _ => null,
    };

    /// <summary>The key that a vkey spells; null where it spells none, or the id is not that of the key.</summary>
    public static NoteKey? TryParse(string vkey)
    {
        if (vkey.Length > PublicKey.MaxSize || vkey.Split('+', 3) is not [var name, var id, var base64] || NoteText.TryDecode(base64) is not [var type, .. var bytes])
        {
            return null;
        }

        byte[]? spki = type switch
        {
            Ed25519Type when bytes.Length == Ed25519KeySize => [.. Ed25519Spki, .. bytes],
            EcdsaType => bytes,
            _ => null,
        };
        var key = spki is not null && PublicKey.TryParse(spki, out _) is { } publicKey ? TryCreate(name, publicKey) : null;
        return key is not null && key.type == type && key.Id.ToString("x8", CultureInfo.InvariantCulture) == id ? key : null;
    }

    /// <summary>The vkey.</summary>
    public override string ToString() => $"{Name}+{Id:x8}+{Convert.ToBase64String([type, .. encoded])}";

    /// <inheritdoc/>
    public bool Equals(NoteKey? other) => other is not null && Name == other.Name && PublicKey.Equals(other.PublicKey);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, Id);
}

/// <summary>A private key under the name that its signatures bear.</summary>
/// <param name="Key">The name, and the key that verifies what is signed.</param>
/// <param name="Signer">What signs.</param>
public sealed record NoteSigner(NoteKey Key, Signer Signer);
