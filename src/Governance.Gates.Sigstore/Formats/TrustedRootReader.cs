using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Governance.Gates.Sigstore.Certificates;
using Governance.Gates.Sigstore.Keys;

namespace Governance.Gates.Sigstore.Formats;

/// <summary>Reads a <c>trusted_root.json</c> (sigstore_trustroot.proto). What is malformed refuses the whole: half a root would quietly trust less or more than its maker wrote.</summary>
internal sealed class TrustedRootReader
{
    private const string Step = "trusted root";
    private const int MostOfAKind = 64;
    private const int LongestChain = 8;
    private static readonly string[] Times = ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"];

    private readonly JsonShape shape = new(Step);

    private TrustedRootReader()
    {
    }

    /// <summary>Whether a chain may begin with the certificate that signs, which issues nothing.</summary>
    private enum Leaf
    {
        No,
        First,
    }

    public static TrustedRoot? Read(ReadOnlyMemory<byte> json, out string mistake)
    {
        if (json.Length > TrustedRoot.MaxSize)
        {
            mistake = $"the {Step} has {json.Length} bytes and at most {TrustedRoot.MaxSize} are read";
            return null;
        }

        if (!StrictJson.TryParse(json, Step, out var document, out var rejected))
        {
            mistake = rejected.Detail;
            return null;
        }

        using (document)
        {
            var reader = new TrustedRootReader();
            var root = reader.Read(json.Span, document.RootElement);
            mistake = reader.shape.Fault?.Detail ?? "";
            return mistake.Length == 0 ? root : null;
        }
    }

    private TrustedRoot Read(ReadOnlySpan<byte> json, JsonElement root)
    {
        var mediaType = shape.Text(root, "mediaType");
        if (mediaType is not (MediaTypes.TrustedRoot or MediaTypes.TrustedRootV02 or MediaTypes.TrustedRootOldSpelling or MediaTypes.TrustedRootV02OldSpelling))
        {
            Fail($"mediaType is '{OneLine.Show(mediaType)}' and must be '{MediaTypes.TrustedRootOldSpelling}' or its version 0.2");
        }

        return new(
            json,
            ReadAll(root, "certificateAuthorities", (item, place) => ReadAuthority(item, place, mayHaveLeaf: Leaf.No)),
            ReadAll(root, "timestampAuthorities", (item, place) => ReadAuthority(item, place, mayHaveLeaf: Leaf.First)),
            Distinct(ReadAll(root, "tlogs", ReadLog), "tlogs"),
            Distinct(ReadAll(root, "ctlogs", ReadLog), "ctlogs"));
    }

    private ImmutableArray<T> ReadAll<T>(JsonElement root, string name, Func<JsonElement, string, T?> read)
        where T : class
    {
        var list = shape.Optional(root, JsonValueKind.Array, name);
        if (list.ValueKind != JsonValueKind.Array)
        {
            return [];
        }

        if (list.GetArrayLength() > MostOfAKind)
        {
            Fail($"'{name}' has {list.GetArrayLength()} items and at most {MostOfAKind} are read");
            return [];
        }

        return [.. list.EnumerateArray().Select((item, index) => read(item, $"{name}[{index}]")).OfType<T>()];
    }

    private TransparencyLog? ReadLog(JsonElement log, string place)
    {
        var url = shape.Text(log, "baseUrl");
        var hash = shape.Text(log, "hashAlgorithm");
        if (hash != "SHA2_256")
        {
            Fail($"{place}.hashAlgorithm is '{OneLine.Show(hash)}' and must be 'SHA2_256'");
        }

        var id = shape.Base64(log, "logId", "keyId");
        if (id.Length != SHA256.HashSizeInBytes)
        {
            Fail($"{place}.logId.keyId has {id.Length} bytes and must have {SHA256.HashSizeInBytes}");
        }

        var hint = shape.Optional(log, JsonValueKind.Object, "checkpointKeyId").ValueKind == JsonValueKind.Object ? shape.Base64(log, "checkpointKeyId", "keyId") : id;
        if (hint.Length < 4)
        {
            Fail($"{place}.checkpointKeyId has {hint.Length} bytes and must have 4 or more");
        }

        var key = ReadKey(shape.Object(log, "publicKey"), place);
        var window = ReadWindow(shape.Object(log, "publicKey"), place);
        return shape.Fault is null ? new(url, id, key!, window!) { NoteKeyId = hint.AsMemory(0, 4) } : null;
    }

    private PublicKey? ReadKey(JsonElement json, string place)
    {
        var details = shape.Text(json, "keyDetails");
        var bytes = shape.Base64(json, "rawBytes");
        if (shape.Fault is not null)
        {
            return null;
        }

        try
        {
            if (details == "PKCS1_RSA_PKCS1V5")
            {
                using var rsa = RSA.Create();
                rsa.ImportRSAPublicKey(bytes, out _);
                bytes = rsa.ExportSubjectPublicKeyInfo();
            }
        }
        catch (CryptographicException)
        {
            bytes = [];
        }

        if (PublicKey.TryParseDer(bytes, out var mistake) is not { } key)
        {
            Fail($"{place}.publicKey is no key that is accepted here: {mistake}");
            return null;
        }

        if (KeyDetails.Algorithm(details) != key.Algorithm)
        {
            Fail($"{place}.publicKey.keyDetails is '{OneLine.Show(details)}', and the key is {key.Algorithm}");
        }

        return key;
    }

    private CertificateAuthority? ReadAuthority(JsonElement authority, string place, Leaf mayHaveLeaf)
    {
        var uri = shape.Optional(authority, JsonValueKind.String, "uri");
        var window = ReadWindow(authority, place);
        var list = shape.Array(authority, "certChain", "certificates");
        if (shape.Fault is not null)
        {
            return null;
        }

        if (list.GetArrayLength() is 0 or > LongestChain)
        {
            Fail($"{place}.certChain has {list.GetArrayLength()} certificates and must have 1 to {LongestChain}");
            return null;
        }

        var certificates = ImmutableArray.CreateBuilder<CertificateFields>();
        foreach (var item in list.EnumerateArray())
        {
            if (CertificateFields.TryRead(shape.Base64(item, "rawBytes")) is not { } certificate)
            {
                Fail($"{place}.certChain holds what is no certificate in DER");
                return null;
            }

            if (certificates is [.., var before] && !before.Issuer.Span.SequenceEqual(certificate.Subject.Span))
            {
                Fail($"{place}.certChain is not in order: each certificate is issued by the next");
                return null;
            }

            certificates.Add(certificate);
        }

        var leaf = mayHaveLeaf == Leaf.First && !certificates[0].IsAuthority ? certificates[0] : null;
        if (AuthorityChain.TryCreate(leaf is null ? certificates.ToImmutable() : [.. certificates.Skip(1)]) is not { } chain || !certificates[^1].IsSelfIssued)
        {
            Fail($"{place}.certChain must end in a self-signed certificate, and each but a timestamp authority's own must be one that may issue");
            return null;
        }

        return new(uri.ValueKind == JsonValueKind.String ? uri.GetString()! : place, window!, leaf, chain);
    }

    private TimeWindow? ReadWindow(JsonElement from, string place)
    {
        // sigstore_common.proto, TimeRange: "start" is mandatory. Absent must not become "always".
        var start = ReadTime(shape.Text(from, "validFor", "start"), place);
        var end = shape.Optional(from, JsonValueKind.String, "validFor", "end");
        var until = end.ValueKind == JsonValueKind.String ? ReadTime(end.GetString()!, place) : null;
        if (start > until)
        {
            Fail($"{place}.validFor ends before it starts");
        }

        return start is { } first ? new(first, until) : null;
    }

    private DateTimeOffset? ReadTime(string text, string place)
    {
        // protobuf writes nanoseconds; the platform counts in hundreds of them.
        var fraction = text.IndexOf('.', StringComparison.Ordinal);
        var shortened = fraction > 0 && text.Length == fraction + 11 && text[^1] == 'Z' ? text[..(fraction + 8)] + "Z" : text;
        if (DateTimeOffset.TryParseExact(shortened, Times, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time))
        {
            return time;
        }

        Fail($"{place}.validFor holds '{OneLine.Show(text)}', which is no RFC 3339 time");
        return null;
    }

    private ImmutableArray<TransparencyLog> Distinct(ImmutableArray<TransparencyLog> logs, string name)
    {
        if (logs.DistinctBy(log => Convert.ToHexString(log.LogId.Span)).Count() != logs.Length)
        {
            Fail($"'{name}' has two logs of one id");
        }

        return logs;
    }

    private void Fail(string detail) => shape.Fail(RejectionCode.WrongShape, detail);
}
