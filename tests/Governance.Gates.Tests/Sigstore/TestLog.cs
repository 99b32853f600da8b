using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>A transparency log of a throw-away Sigstore instance: Rekor in either version, or a log of certificates.</summary>
internal sealed class TestLog
{
    // Earlier shards of Rekor v1's public log hold this many entries, so that an entry's two indices differ.
    private const int Earlier = 1000;
    private const int Place = 3;
    private readonly byte[][] neighbours = [.. Enumerable.Range(0, 6).Select(_ => RandomNumberGenerator.GetBytes(40))];
    private readonly Signer signer;
    private readonly string host;
    private readonly bool isSecond;

    private TestLog(string host, Signer signer, bool isSecond)
    {
        (this.host, this.signer, this.isSecond) = (host, signer, isSecond);
        // C2SP signed-note, "Signatures": an Ed25519 key's id is over its name, 0x0A, 0x01 and the key; Rekor's other ids are over the SPKI.
        LogId = signer.PublicKey.Algorithm == KeyAlgorithm.Ed25519
            ? SHA256.HashData([.. Encoding.UTF8.GetBytes(host), 0x0a, 0x01, .. signer.PublicKey.Spki.Span[^32..]])
            : SHA256.HashData(signer.PublicKey.Spki.Span);
    }

    public byte[] LogId { get; }

    public static TestLog First(string host) => new(host, TestSigners.NewEcdsa(ECCurve.NamedCurves.nistP256), isSecond: false);

    public static TestLog Second(string host, Signer? signer = null) => new(host, signer ?? TestSigners.NewEcdsa(ECCurve.NamedCurves.nistP256), isSecond: true);

    public byte[] Sign(byte[] data) => signer.SignAsync(data, CancellationToken.None).AsTask().GetAwaiter().GetResult();

    public JsonObject Trusted(DateTimeOffset from) => new()
    {
        ["baseUrl"] = $"https://{host}",
        ["hashAlgorithm"] = "SHA2_256",
        ["publicKey"] = new JsonObject
        {
            ["rawBytes"] = Convert.ToBase64String(signer.PublicKey.Spki.Span),
            ["keyDetails"] = signer.PublicKey.Algorithm == KeyAlgorithm.Ed25519 ? "PKIX_ED25519" : "PKIX_ECDSA_P256_SHA_256",
            ["validFor"] = new JsonObject { ["start"] = ThrowAwaySigstore.Rfc3339(from) },
        },
        ["logId"] = new JsonObject { ["keyId"] = Convert.ToBase64String(LogId) },
        ["operator"] = "a field that is not known",
    };

    /// <summary>An entry with its promise, where the version has one, and its proof.</summary>
    public JsonObject Entry(JsonObject body, DateTimeOffset time, int place = Place)
    {
        var bytes = Encoding.UTF8.GetBytes(body.ToJsonString());
        byte[][] leaves = [.. neighbours[..place], bytes, .. neighbours[place..]];
        var hashes = leaves.Select(leaf => SHA256.HashData([0, .. leaf])).ToArray();
        var root = Root(hashes);
        var note = $"{host}{(isSecond ? "" : " - 42")}\n{leaves.Length}\n{Convert.ToBase64String(root)}\n";
        var entry = new JsonObject
        {
            ["logIndex"] = Text(place + (isSecond ? 0 : Earlier)),
            ["logId"] = new JsonObject { ["keyId"] = Convert.ToBase64String(LogId) },
            ["kindVersion"] = new JsonObject { ["kind"] = body["kind"]!.GetValue<string>(), ["version"] = body["apiVersion"]!.GetValue<string>() },
            ["inclusionProof"] = new JsonObject
            {
                ["logIndex"] = Text(place),
                ["rootHash"] = Convert.ToBase64String(root),
                ["treeSize"] = Text(leaves.Length),
                ["hashes"] = new JsonArray([.. Path(hashes, place).Select(hash => JsonValue.Create(Convert.ToBase64String(hash)))]),
                ["checkpoint"] = new JsonObject { ["envelope"] = $"{note}\n— {host} {Convert.ToBase64String([.. LogId[..4], .. Sign(Encoding.UTF8.GetBytes(note))])}\n" },
            },
            ["canonicalizedBody"] = Convert.ToBase64String(bytes),
        };
        if (!isSecond)
        {
            entry["integratedTime"] = Text(time.ToUnixTimeSeconds());
            entry["inclusionPromise"] = new JsonObject { ["signedEntryTimestamp"] = Promise(entry) };
        }

        return entry;
    }

    /// <summary>The log's signature over an entry, index and time as they stand.</summary>
    public string Promise(JsonObject entry) => Convert.ToBase64String(Sign(Encoding.UTF8.GetBytes(
        $$"""{"body":"{{entry["canonicalizedBody"]}}","integratedTime":{{entry["integratedTime"]}},"logID":"{{Convert.ToHexStringLower(LogId)}}","logIndex":{{entry["logIndex"]}}}""")));

    /// <summary>RFC 6962, section 2.1, by its letter.</summary>
    private static byte[] Root(ReadOnlySpan<byte[]> hashes)
    {
        if (hashes.Length == 1)
        {
            return hashes[0];
        }

        var split = Split(hashes.Length);
        return SHA256.HashData([1, .. Root(hashes[..split]), .. Root(hashes[split..])]);
    }

    /// <summary>RFC 6962, section 2.1.1, by its letter.</summary>
    private static byte[][] Path(ReadOnlySpan<byte[]> hashes, int index)
    {
        if (hashes.Length == 1)
        {
            return [];
        }

        var split = Split(hashes.Length);
        return index < split ? [.. Path(hashes[..split], index), Root(hashes[split..])] : [.. Path(hashes[split..], index - split), Root(hashes[..split])];
    }

    private static int Split(int count)
    {
        var split = 1;
        while (split * 2 < count)
        {
            split *= 2;
        }

        return split;
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
