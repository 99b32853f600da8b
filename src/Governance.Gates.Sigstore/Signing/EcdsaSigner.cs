using System.Security.Cryptography;

namespace Governance.Gates.Sigstore;

/// <summary>Signs with an ECDSA key in memory, on P-256, P-384 or P-521 with the curve's hash; signatures are DER.</summary>
/// <remarks>cosign 2.5 checks every key with SHA-256: where it must verify, use P-256. Safe for concurrent use. Disposing frees the key, which the platform's library then overwrites.</remarks>
public sealed class EcdsaSigner : Signer, IDisposable
{
    private const string HowToConvert = "convert it with openssl pkcs8 -topk8";

    private readonly ECDsa key;
    private readonly HashAlgorithmName hash;
    // A key object is not documented as safe for concurrent use.
    private readonly Lock signing = new();

    private EcdsaSigner(ECDsa key, PublicKey publicKey)
    {
        this.key = key;
        PublicKey = publicKey;
        hash = publicKey.Algorithm switch
        {
            KeyAlgorithm.EcdsaP256 => HashAlgorithmName.SHA256,
            KeyAlgorithm.EcdsaP384 => HashAlgorithmName.SHA384,
            _ => HashAlgorithmName.SHA512,
        };
    }

    /// <inheritdoc/>
    public override PublicKey PublicKey { get; }

    /// <summary>Reads a private key: one PEM block <c>PRIVATE KEY</c> (PKCS #8), <c>ENCRYPTED PRIVATE KEY</c> (PKCS #8 with a password) or <c>EC PRIVATE KEY</c> (RFC 5915).</summary>
    /// <param name="pem">The PEM text; the caller overwrites its own copy.</param>
    /// <param name="password">The password; empty where the key has none.</param>
    /// <exception cref="PrivateKeyException">There is no such key, the password is missing or wrong, or the key is of another kind.</exception>
    public static EcdsaSigner FromPem(ReadOnlySpan<char> pem, ReadOnlySpan<char> password)
    {
        var block = PrivateBlock(pem, out var label);
        var key = ECDsa.Create();
        try
        {
            Import(key, block, label, password);
            return PublicKey.TryParse(key.ExportSubjectPublicKeyInfo(), out var mistake) is { } publicKey
                ? new(key, publicKey)
                : throw new PrivateKeyException(mistake, "make a key with openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256");
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override ValueTask<byte[]> SignAsync(ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        lock (signing)
        {
            return new(key.SignData(data.Span, hash, DSASignatureFormat.Rfc3279DerSequence));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (signing)
        {
            key.Dispose();
        }
    }

    /// <summary>The one private key block. openssl ecparam writes the curve in a block of its own before it, which says nothing new.</summary>
    private static ReadOnlySpan<char> PrivateBlock(ReadOnlySpan<char> pem, out string label)
    {
        label = "";
        if (pem.Length > PublicKey.MaxSize)
        {
            throw new PrivateKeyException($"the private key has {pem.Length} characters and at most {PublicKey.MaxSize} are read", "give one PEM block with a private key");
        }

        ReadOnlySpan<char> found = [];
        for (var rest = pem; PemEncoding.TryFind(rest, out var fields); rest = rest[fields.Location.End..])
        {
            var current = OneLine.Show(rest[fields.Label].ToString());
            if (current == "EC PARAMETERS")
            {
                continue;
            }

            if (label.Length > 0)
            {
                throw new PrivateKeyException($"there are several PEM blocks, '{label}' and '{current}'", "give one PEM block with a private key");
            }

            label = current;
            found = rest[fields.Location];
        }

        return label.Length > 0 ? found : throw (pem.Contains("Proc-Type:", StringComparison.Ordinal)
            ? new PrivateKeyException("the private key is encrypted in OpenSSL's old PEM form", HowToConvert)
            : new PrivateKeyException("there is no PEM block with a private key", "give a PKCS #8 key in PEM, as openssl pkcs8 -topk8 writes it"));
    }

    private static void Import(ECDsa key, ReadOnlySpan<char> block, string label, ReadOnlySpan<char> password)
    {
        try
        {
            switch (label)
            {
                case "PRIVATE KEY" or "EC PRIVATE KEY":
                    key.ImportFromPem(block);
                    break;
                case "ENCRYPTED PRIVATE KEY" when password.IsEmpty:
                    throw new PrivateKeyException("the private key is encrypted and no password was given", "give its password");
                case "ENCRYPTED PRIVATE KEY":
                    key.ImportFromEncryptedPem(block, password);
                    break;
                case "ENCRYPTED SIGSTORE PRIVATE KEY" or "ENCRYPTED COSIGN PRIVATE KEY":
                    throw new PrivateKeyException(
                        $"the private key is in cosign's own form '{label}', which is not read here",
                        "keep the key in PKCS #8 (openssl pkcs8 -topk8) and give cosign its copy with cosign import-key-pair");
                default:
                    throw new PrivateKeyException($"the PEM block is '{label}', not an ECDSA private key", HowToConvert);
            }
        }
        catch (Exception mistake) when (mistake is CryptographicException and not PrivateKeyException or ArgumentException)
        {
            // The platform answers a wrong password and a damaged key alike.
            throw label == "ENCRYPTED PRIVATE KEY"
                ? new PrivateKeyException("the private key cannot be decrypted, or it is not an ECDSA key", "check the password, and the key with openssl pkey -text -noout", mistake)
                : new PrivateKeyException("the private key is damaged, or it is not an ECDSA key", "check it with openssl pkey -text -noout", mistake);
        }
    }
}
