using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Sigstore.Formats;

namespace Governance.Gates.Sigstore.Ssh;

/// <summary>A signature as <c>ssh-keygen -Y sign</c> and git make it (OpenSSH, PROTOCOL.sshsig).</summary>
/// <remarks>It brings the key that made it, which proves nothing: ask whether you trust it first.</remarks>
public sealed class SshSignature
{
    /// <summary>The most bytes that are read; one by RSA of 8192 bits has about 4 KiB.</summary>
    public const int MaxSize = 16 * 1024;

    private const int LongestNamespace = 255;
    private readonly string hash;
    private readonly string algorithm;
    private readonly byte[] signature;

    private SshSignature(PublicKey key, string @namespace, string hash, string algorithm, byte[] signature)
    {
        Key = key;
        Namespace = @namespace;
        this.hash = hash;
        this.algorithm = algorithm;
        this.signature = signature;
    }

    /// <summary>The key that it names as its own.</summary>
    public PublicKey Key { get; }

    /// <summary>What it was made for, such as <c>git</c> or <c>file</c>: one for something else is none.</summary>
    public string Namespace { get; }

    /// <summary>Reads a signature.</summary>
    /// <param name="armored">From <c>-----BEGIN SSH SIGNATURE-----</c> to <c>-----END SSH SIGNATURE-----</c>, with nothing before and at most a line feed behind.</param>
    /// <param name="mistake">What is wrong, on one line; empty where one is returned.</param>
    /// <returns>The signature, or null.</returns>
    public static SshSignature? TryParse(ReadOnlySpan<byte> armored, out string mistake)
    {
        if (Blob(armored) is not { } blob)
        {
            mistake = $"it is not one SSH SIGNATURE in base64 of at most {MaxSize} bytes";
            return null;
        }

        // SIG_VERSION: "Verifiers MUST reject signatures with versions greater than those they support."
        if (!blob.AsSpan().StartsWith("SSHSIG\0\0\0\x01"u8))
        {
            mistake = "it is no SSHSIG of version 1";
            return null;
        }

        var reader = new SshReader(blob.AsSpan(10));
        if (!reader.TryString(out var key) || !reader.TryString(out var space) || !reader.TryString(out var reserved) || !reader.TryString(out var hashed) || !reader.TryString(out var made) || !reader.IsAtEnd)
        {
            mistake = "its fields do not fit into it";
            return null;
        }

        // What is reserved is signed as nothing by OpenSSH, whatever stands there.
        if (space.Length is 0 or > LongestNamespace || space.ContainsAnyExceptInRange((byte)'!', (byte)'~') || !reserved.IsEmpty)
        {
            mistake = "it has no namespace that is read here, or something where the format has nothing yet";
            return null;
        }

        if (!hashed.SequenceEqual("sha256"u8) && !hashed.SequenceEqual("sha512"u8))
        {
            mistake = "its hash is neither sha256 nor sha512";
            return null;
        }

        return SshKey.TryRead(key, out var kind, out mistake) is { } read ? Of(read, kind, Encoding.ASCII.GetString(space), Encoding.ASCII.GetString(hashed), made, out mistake) : null;
    }

    /// <summary>Whether <see cref="Key"/> made it over these bytes.</summary>
    public bool Holds(ReadOnlySpan<byte> message)
    {
        var digest = hash == "sha256" ? SHA256.HashData(message) : SHA512.HashData(message);
        byte[] signed = [.. "SSHSIG"u8, .. Sized(Encoding.ASCII.GetBytes(Namespace)), .. Sized([]), .. Sized(Encoding.ASCII.GetBytes(hash)), .. Sized(digest)];
        return Key.Algorithm == KeyAlgorithm.Rsa ? HoldsRsa(signed) : Key.Verify(signed, signature);
    }

    // RFC 8332, section 3: the hash is named by the signature, and the padding is PKCS #1 v1.5.
    private bool HoldsRsa(byte[] signed)
    {
        using var rsa = RSA.Create();
        rsa.ImportSubjectPublicKeyInfo(Key.Spki.Span, out _);
        try
        {
            return rsa.VerifyData(signed, signature, algorithm == "rsa-sha2-256" ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private static SshSignature? Of(PublicKey key, string kind, string @namespace, string hash, ReadOnlySpan<byte> made, out string mistake)
    {
        var reader = new SshReader(made);
        mistake = "";
        if (reader.TryString(out var named) && reader.TryString(out var bytes) && reader.IsAtEnd && Ascii.IsValid(named) && Encoding.ASCII.GetString(named) is var algorithm
            && (kind == "ssh-rsa" ? algorithm is "rsa-sha2-256" or "rsa-sha2-512" : algorithm == kind)
            && (key.Algorithm is KeyAlgorithm.Rsa or KeyAlgorithm.Ed25519 ? bytes.ToArray() : Ecdsa(bytes)) is { } signature)
        {
            return new(key, @namespace, hash, algorithm, signature);
        }

        mistake = $"what it holds is no signature by a key of the kind {kind}; those by RSA are rsa-sha2-256 or rsa-sha2-512";
        return null;
    }

    // RFC 5656, section 3.1.2: r and s, which others write in DER.
    private static byte[]? Ecdsa(ReadOnlySpan<byte> bytes)
    {
        var reader = new SshReader(bytes);
        return reader.TryNumber(out var r) && reader.TryNumber(out var s) && reader.IsAtEnd ? SshKey.Der(r, s) : null;
    }

    private static byte[]? Blob(ReadOnlySpan<byte> armored)
    {
        var body = armored.EndsWith("\n"u8) ? armored[..^1] : armored;
        if (armored.Length > MaxSize || !body.StartsWith("-----BEGIN SSH SIGNATURE-----\n"u8) || !body.EndsWith("\n-----END SSH SIGNATURE-----"u8) || body.Length < 59)
        {
            return null;
        }

        var lines = Encoding.Latin1.GetString(body[30..^28]).Replace("\n", "", StringComparison.Ordinal);
        return Base64Text.Decode(lines);
    }

    private static byte[] Sized(ReadOnlySpan<byte> value)
    {
        var sized = new byte[sizeof(uint) + value.Length];
        BinaryPrimitives.WriteUInt32BigEndian(sized, (uint)value.Length);
        value.CopyTo(sized.AsSpan(sizeof(uint)));
        return sized;
    }
}
