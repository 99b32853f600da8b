using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Sigstore.Keys;

namespace Governance.Gates.Sigstore;

/// <summary>A public key that verifies signatures: ECDSA P-256, P-384 or P-521, RSA, or Ed25519.</summary>
/// <remarks>Safe for concurrent use. Two keys are equal when their DER SubjectPublicKeyInfo is.</remarks>
public sealed class PublicKey : IEquatable<PublicKey>
{
    /// <summary>The most bytes that a key is read from, text around it included.</summary>
    public const int MaxSize = 16 * 1024;

    private readonly byte[] spki;
    private readonly byte[] spkiSha256;
    private readonly SignatureCheck check;

    private PublicKey(byte[] spki, KeyAlgorithm algorithm, SignatureCheck check)
    {
        this.spki = spki;
        this.check = check;
        Algorithm = algorithm;
        spkiSha256 = SHA256.HashData(spki);
        Hint = Convert.ToBase64String(spkiSha256);
    }

    /// <summary>What kind of key it is, and with it how signatures are checked.</summary>
    public KeyAlgorithm Algorithm { get; }

    /// <summary>The key's DER SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7).</summary>
    public ReadOnlyMemory<byte> Spki => spki;

    /// <summary>SHA-256 of the key's DER SubjectPublicKeyInfo: 32 bytes.</summary>
    public ReadOnlyMemory<byte> SpkiSha256 => spkiSha256;

    /// <summary>Base64 of <see cref="SpkiSha256"/>, as cosign writes it into a bundle's <c>publicKey.hint</c>.</summary>
    public string Hint { get; }

    /// <summary>Hex of the SHA-256 of the key's PEM with a line feed at its end, as OpenSSF Model Signing writes it into a bundle's <c>publicKey.hint</c>.</summary>
    internal string ModelHint => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(ToPem() + "\n")));

    /// <summary>Whether a signature can be checked where only the SHA-256 of what was signed is known. Never so for Ed25519.</summary>
    internal bool WorksOnSha256 => check.WorksOnSha256;

    /// <summary>Reads a key: one PEM block <c>PUBLIC KEY</c>, with or without text around it, or its DER (RFC 5280 SubjectPublicKeyInfo).</summary>
    /// <param name="pemOrDer">At most <see cref="MaxSize"/> bytes.</param>
    /// <param name="mistake">What is wrong and what to do, on one line; empty where a key is returned.</param>
    /// <returns>The key, or null.</returns>
    public static PublicKey? TryParse(ReadOnlySpan<byte> pemOrDer, out string mistake)
    {
        return PublicKeyReader.ReadDer(pemOrDer, out mistake) is { } spki ? TryParseDer(spki, out mistake) : null;
    }

    /// <summary>Reads a key as <see cref="TryParse"/> does, where a format has DER: text inside it is looked for by nobody, and could be somebody else's key.</summary>
    internal static PublicKey? TryParseDer(ReadOnlyMemory<byte> der, out string mistake)
    {
        var spki = der.ToArray();
        return PublicKeyReader.ReadCheck(spki, out var algorithm, out mistake) is { } check ? new(spki, algorithm, check) : null;
    }

    /// <summary>Reads a key as <see cref="TryParse"/> does.</summary>
    /// <exception cref="FormatException">It is no key that is accepted here; the message says why and what to do.</exception>
    public static PublicKey Parse(ReadOnlySpan<byte> pemOrDer) => TryParse(pemOrDer, out var mistake) ?? throw new FormatException(mistake);

    /// <summary>Reads a key from PEM text as <see cref="TryParse"/> does.</summary>
    /// <exception cref="FormatException">It is no key that is accepted here; the message says why and what to do.</exception>
    public static PublicKey Parse(string pem) => Parse(Encoding.UTF8.GetBytes(pem));

    /// <summary>The key in PEM: <c>PUBLIC KEY</c>, lines of 64 characters, no newline at the end.</summary>
    public string ToPem() => PemEncoding.WriteString("PUBLIC KEY", spki);

    /// <summary>Whether this key made this signature over this data. Never throws: whatever is malformed is false.</summary>
    /// <param name="data">The exact bytes that were signed.</param>
    /// <param name="signature">ECDSA in DER; RSA and Ed25519 as their standards write it.</param>
    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        var signed = SignedBytes.Of(data);
        return check.Holds(ref signed, signature);
    }

    internal bool Verify(ref SignedBytes signed, ReadOnlySpan<byte> signature) => check.Holds(ref signed, signature);

    /// <summary>Whether a bundle's hint names this key: as cosign writes it, or as OpenSSF Model Signing does.</summary>
    internal bool IsNamedBy(string hint) =>
        hint == Hint || hint.Equals(ModelHint, StringComparison.OrdinalIgnoreCase);

    /// <inheritdoc/>
    public bool Equals(PublicKey? other) => other is not null && spki.AsSpan().SequenceEqual(other.spki);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as PublicKey);

    /// <inheritdoc/>
    public override int GetHashCode() => BitConverter.ToInt32(spkiSha256);

    /// <summary>The algorithm and the SHA-256 of the SubjectPublicKeyInfo in hex.</summary>
    public override string ToString() => $"{Algorithm} sha256:{Convert.ToHexStringLower(spkiSha256)}";
}
