using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>The bodies of log entries, as Rekor writes them for what it was given.</summary>
internal static class LogBodies
{
    public static JsonObject HashedRekord(byte[] data, byte[] signature, string pem) => Body("hashedrekord", "0.0.1", new()
    {
        ["data"] = new JsonObject { ["hash"] = Hash(data) },
        ["signature"] = new JsonObject { ["content"] = Base64(signature), ["publicKey"] = new JsonObject { ["content"] = Base64(pem) } },
    });

    public static JsonObject Dsse(byte[] payload, byte[] signature, string pem) => Body("dsse", "0.0.1", new()
    {
        ["envelopeHash"] = Hash([1, 2, 3]),
        ["payloadHash"] = Hash(payload),
        ["signatures"] = new JsonArray(new JsonObject { ["signature"] = Base64(signature), ["verifier"] = Base64(pem) }),
    });

    public static JsonObject InToto(byte[] payload, byte[] signature, string pem) => Body("intoto", "0.0.2", new()
    {
        ["content"] = new JsonObject
        {
            ["envelope"] = new JsonObject
            {
                ["payloadType"] = MediaTypes.InTotoPayload,
                ["signatures"] = new JsonArray(new JsonObject { ["sig"] = Base64(Base64(signature)), ["publicKey"] = Base64(pem) }),
            },
            ["hash"] = Hash([1, 2, 3]),
            ["payloadHash"] = Hash(payload),
        },
    });

    public static JsonObject HashedRekord2(byte[] data, byte[] signature, byte[] certificate) => Body("hashedrekord", "0.0.2", new()
    {
        ["hashedRekordV002"] = new JsonObject
        {
            ["data"] = Digest(data),
            ["signature"] = new JsonObject { ["content"] = Base64(signature), ["verifier"] = Verifier(certificate) },
        },
    });

    public static JsonObject Dsse2(byte[] payload, byte[] signature, byte[] certificate) => Body("dsse", "0.0.2", new()
    {
        ["dsseV002"] = new JsonObject
        {
            ["payloadHash"] = Digest(payload),
            ["signatures"] = new JsonArray(new JsonObject { ["content"] = Base64(signature), ["verifier"] = Verifier(certificate) }),
        },
    });

    private static JsonObject Body(string kind, string version, JsonObject spec) => new() { ["apiVersion"] = version, ["kind"] = kind, ["spec"] = spec };

    private static JsonObject Hash(byte[] data) => new() { ["algorithm"] = "sha256", ["value"] = Convert.ToHexStringLower(SHA256.HashData(data)) };

    private static JsonObject Digest(byte[] data) => new() { ["algorithm"] = "SHA2_256", ["digest"] = Base64(SHA256.HashData(data)) };

    private static JsonObject Verifier(byte[] certificate) => new() { ["keyDetails"] = "PKIX_ECDSA_P256_SHA_256", ["x509Certificate"] = TestAuthority.Certificate(certificate) };

    private static string Base64(byte[] bytes) => Convert.ToBase64String(bytes);

    private static string Base64(string text) => Base64(Encoding.UTF8.GetBytes(text));
}
