using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Governance.Gates.Ledgers;
using Governance.Gates.Sigstore;
using Microsoft.Win32.SafeHandles;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>The Ed25519 key of a log, in PKCS#8 PEM (RFC 8410) as OpenSSL writes it. The runtime signs with no Ed25519 key: libcrypto does.</summary>
public sealed class LedgerKey
{
    private const string Label = "PRIVATE KEY";
    private const int SeedBytes = 32;
    private const int SignatureBytes = 64;
    private const int Ed25519 = 1087;

    private readonly byte[] seed;

    private LedgerKey(byte[] seed)
    {
        this.seed = seed;
        using var key = Key();
        var bytes = new byte[SeedBytes];
        var length = (nuint)bytes.Length;
        Check(EVP_PKEY_get_raw_public_key(key, bytes, ref length));
        PublicKey = PublicKey.Parse([0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00, .. bytes]);
    }

    /// <summary>The key that verifies what this signs.</summary>
    public PublicKey PublicKey { get; }

    // What stands before the seed in the PKCS#8 of an Ed25519 key (RFC 8410, section 7).
    private static ReadOnlySpan<byte> Head => [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

    /// <summary>A new key.</summary>
    public static LedgerKey Create() => new(RandomNumberGenerator.GetBytes(SeedBytes));

    /// <summary>The key in a PEM text; null where there is none.</summary>
    public static LedgerKey? TryParse(string pem)
    {
        if (!PemEncoding.TryFind(pem, out var fields) || !pem.AsSpan()[fields.Label].SequenceEqual(Label) || fields.DecodedDataLength != Head.Length + SeedBytes)
        {
            return null;
        }

        var bytes = new byte[fields.DecodedDataLength];
        return Convert.TryFromBase64Chars(pem.AsSpan()[fields.Base64Data], bytes, out _) && bytes.AsSpan().StartsWith(Head) ? new(bytes[Head.Length..]) : null;
    }

    /// <summary>The private key in PEM. Whoever has it writes in the log's name.</summary>
    public string ToPem() => PemEncoding.WriteString(Label, [.. Head, .. seed]) + "\n";

    /// <summary>The key as that of a log.</summary>
    /// <param name="origin">The log.</param>
    /// <exception cref="GateException">The name cannot be one of a log.</exception>
    public NoteSigner ForLog(string origin) => NoteKey.TryCreate(origin, PublicKey) is { } key
        ? new(key, new DelegateSigner(PublicKey, (data, _) => new(Sign(data.Span))))
        : throw new GateException($"'{origin}' cannot be the name of a log", "use no blanks and no '+'");

    private byte[] Sign(ReadOnlySpan<byte> data)
    {
        using var key = Key();
        using var context = EVP_MD_CTX_new();
        Check(EVP_DigestSignInit(context, 0, 0, 0, key));
        var signature = new byte[SignatureBytes];
        var length = (nuint)signature.Length;
        Check(EVP_DigestSign(context, signature, ref length, MemoryMarshal.GetReference(data), (nuint)data.Length));
        return signature;
    }

    private KeyHandle Key() => EVP_PKEY_new_raw_private_key(Ed25519, 0, seed, (nuint)seed.Length) is { IsInvalid: false } key ? key : throw new CryptographicException("libcrypto takes no Ed25519 key");

    private static void Check(int result)
    {
        if (result != 1)
        {
            throw new CryptographicException("libcrypto could not sign with Ed25519");
        }
    }

    private sealed class KeyHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
    {
        protected override bool ReleaseHandle()
        {
            EVP_PKEY_free(handle);
            return true;
        }
    }

    private sealed class ContextHandle() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
    {
        protected override bool ReleaseHandle()
        {
            EVP_MD_CTX_free(handle);
            return true;
        }
    }

#pragma warning disable IDE1006 // OpenSSL's own names
    private const string Crypto = "libcrypto.so.3";

    [DllImport(Crypto), DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern KeyHandle EVP_PKEY_new_raw_private_key(int type, nint engine, byte[] key, nuint length);

    [DllImport(Crypto), DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int EVP_PKEY_get_raw_public_key(KeyHandle key, byte[] publicKey, ref nuint length);

    [DllImport(Crypto), DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern ContextHandle EVP_MD_CTX_new();

    [DllImport(Crypto), DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int EVP_DigestSignInit(ContextHandle context, nint keyContext, nint digest, nint engine, KeyHandle key);

    [DllImport(Crypto), DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern int EVP_DigestSign(ContextHandle context, byte[] signature, ref nuint signatureLength, in byte data, nuint length);

    [DllImport(Crypto), DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern void EVP_PKEY_free(nint key);

    [DllImport(Crypto), DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
    private static extern void EVP_MD_CTX_free(nint context);
#pragma warning restore IDE1006
}
