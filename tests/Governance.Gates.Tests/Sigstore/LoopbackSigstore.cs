using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Clients.Signing;
using Governance.Gates.Sigstore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>A throw-away Sigstore instance on loopback: Fulcio, both versions of Rekor, a timestamp authority, and GitHub's token service; each as honest as a test lets it be.</summary>
internal sealed class LoopbackSigstore : IAsyncDisposable
{
    private readonly WebApplication app;

    private LoopbackSigstore(WebApplication app, ThrowAwaySigstore instance) => (this.app, Instance) = (app, instance);

    public ThrowAwaySigstore Instance { get; }

    public string Address { get; private set; } = "";

    public string Tsa => $"{Address}/api/v1/timestamp";

    /// <summary>Every request: its path and what came with it.</summary>
    public ConcurrentQueue<(string Path, string Body)> Asked { get; } = new();

    /// <summary>Asked first for each request; answers it by returning true.</summary>
    public Func<HttpContext, Task<bool>>? Override { get; set; }

    /// <summary>Who issues certificates in place of the instance's authority.</summary>
    public TestAuthority? Impostor { get; set; }

    /// <summary>The key that is certified in place of the one that asks.</summary>
    public ECDsa? OtherKey { get; set; }

    /// <summary>What is certified in place of the token's.</summary>
    public (string Name, string Issuer)? OtherIdentity { get; set; }

    /// <summary>Whether the subject is certified, and not the address, as Fulcio does for issuers that it is not told to know addresses.</summary>
    public bool CertifiesSubjects { get; set; }

    /// <summary>Which logs promise to show a certificate; null: the instance's.</summary>
    public TestLog[]? CertificateLogs { get; set; }

    /// <summary>How far the authority's clock is from the true one.</summary>
    public TimeSpan CertifiedAgo { get; set; }

    /// <summary>What becomes of an entry before it is answered, as bundles carry it.</summary>
    public Action<JsonObject>? SpoilEntry { get; set; }

    /// <summary>What becomes of the body that is logged.</summary>
    public Action<JsonObject>? SpoilBody { get; set; }

    /// <summary>What is stamped in place of what was asked.</summary>
    public byte[]? OtherImprint { get; set; }

    /// <summary>Who stamps in place of the instance's authority.</summary>
    public TestTimestamps? OtherTimestamps { get; set; }

    public static async Task<LoopbackSigstore> StartAsync(ThrowAwaySigstore? instance = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(System.Net.IPAddress.Loopback, 0);
        });
        var made = new LoopbackSigstore(builder.Build(), instance ?? ThrowAwaySigstore.Shared);
        made.app.Run(made.AnswerAsync);
        await made.app.StartAsync();
        made.Address = made.app.Urls.Single();
        return made;
    }

    /// <summary>An identity token that no issuer signed: what checks that is the authority, and this one does not.</summary>
    public static string Token(string subject = ThrowAwaySigstore.Workflow, string issuer = ThrowAwaySigstore.Issuer, Action<JsonObject>? more = null)
    {
        var claims = new JsonObject { ["iss"] = issuer, ["sub"] = subject, ["aud"] = "sigstore", ["exp"] = DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeSeconds() };
        more?.Invoke(claims);
        return $"{Encode("{\"alg\":\"none\"}")}.{Encode(claims.ToJsonString())}.{Encode("unsigned")}";
    }

    public static string PersonsToken(string email, string issuer) => Token("person-1", issuer, claims => (claims["email"], claims["email_verified"]) = (email, true));

    /// <summary>A signer over HTTP.</summary>
    public (KeylessSigner Signer, SigningServices Services) Signer(RekorVersion? log = RekorVersion.V1, bool isStamped = false, string? token = null, TrustedRoot? root = null, RegistryLimits? limits = null, string? name = null)
    {
        var services = new SigningServices(new(new(Address), log is null ? null : new(Address), isStamped ? new(Tsa) : null), limits ?? new(), TimeProvider.System);
        var evidence = new EvidenceRequirement(root ?? Instance.Root) { Logs = log is null ? 0 : 1 };
        return (new(IdentityToken.TryParse(token ?? Token(), name, out var mistake) ?? throw new InvalidOperationException(mistake), evidence, log, isStamped, services.SendAsync), services);
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        using var read = new MemoryStream();
        await context.Request.Body.CopyToAsync(read);
        Asked.Enqueue((context.Request.Path, Encoding.UTF8.GetString(read.ToArray())));
        if (Override is { } hostile && await hostile(context))
        {
            return;
        }

        switch ($"{context.Request.Method} {context.Request.Path}")
        {
            case "POST /api/v2/signingCert":
                await WriteAsync(context, Certify(Json(read)));
                break;
            case "POST /api/v1/log/entries":
                await WriteAsync(context, LogFirst(Json(read)), 201);
                break;
            case "POST /api/v2/log/entries":
                await WriteAsync(context, LogSecond(Json(read)), 201);
                break;
            case "POST /api/v1/timestamp":
                await context.Response.Body.WriteAsync(Stamp(read.ToArray()));
                break;
            case "GET /token" when context.Request.Headers.Authorization == "Bearer runner" && context.Request.Query["audience"] == "sigstore" && context.Request.Query["run"] == "1":
                await WriteAsync(context, new() { ["value"] = Token() });
                break;
            default:
                context.Response.StatusCode = 404;
                break;
        }
    }

    private JsonObject Certify(JsonObject request)
    {
        var claims = JsonNode.Parse(Base64Url.DecodeFromChars(Text(request["credentials"]!["oidcIdentityToken"]).Split('.')[1]))!;
        using var key = ECDsa.Create();
        key.ImportFromPem(Text(request["publicKeyRequest"]!["publicKey"]!["content"]));
        var challenge = (CertifiesSubjects ? null : claims["email"]) ?? claims["sub"];
        if (!key.VerifyData(Encoding.UTF8.GetBytes(Text(challenge)), Bytes(request["publicKeyRequest"]!["proofOfPossession"]), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence))
        {
            throw new InvalidOperationException("the key is not shown to be held");
        }

        var (name, issuer) = OtherIdentity ?? (Text(challenge), Text(claims["iss"]));
        var from = DateTimeOffset.UtcNow - CertifiedAgo;
        var leaf = (Impostor ?? Instance.Fulcio).IssueLogged(new(OtherKey ?? key), from.AddSeconds(-5), from.AddMinutes(10), CertificateLogs ?? [Instance.CertificateLog], [], ThrowAwaySigstore.SignerExtensions(name, issuer));
        return new() { ["signedCertificateEmbeddedSct"] = new JsonObject { ["chain"] = new JsonObject { ["certificates"] = new JsonArray(PemEncoding.WriteString("CERTIFICATE", leaf)) } } };
    }

    private JsonObject LogFirst(JsonObject request)
    {
        var body = Text(request["kind"]) == "dsse" ? FirstEnvelope(request["spec"]!["proposedContent"]!) : request;
        SpoilBody?.Invoke(body);
        var entry = Instance.Rekor.Entry(body.DeepClone().AsObject(), DateTimeOffset.UtcNow);
        SpoilEntry?.Invoke(entry);
        var proof = entry["inclusionProof"]!;
        return new()
        {
            [$"24296fb24b8ad77a{new string('a', 64)}"] = new JsonObject
            {
                ["body"] = Text(entry["canonicalizedBody"]),
                ["integratedTime"] = long.Parse(Text(entry["integratedTime"]), null),
                ["logID"] = Hex(entry["logId"]!["keyId"]),
                ["logIndex"] = long.Parse(Text(entry["logIndex"]), null),
                ["verification"] = new JsonObject
                {
                    ["signedEntryTimestamp"] = Text(entry["inclusionPromise"]!["signedEntryTimestamp"]),
                    ["inclusionProof"] = new JsonObject
                    {
                        ["checkpoint"] = Text(proof["checkpoint"]!["envelope"]),
                        ["hashes"] = new JsonArray([.. proof["hashes"]!.AsArray().Select(hash => JsonValue.Create(Hex(hash)))]),
                        ["logIndex"] = long.Parse(Text(proof["logIndex"]), null),
                        ["rootHash"] = Hex(proof["rootHash"]),
                        ["treeSize"] = long.Parse(Text(proof["treeSize"]), null),
                    },
                },
            },
        };
    }

    private static JsonObject FirstEnvelope(JsonNode proposed)
    {
        var envelope = JsonNode.Parse(Text(proposed["envelope"]))!;
        return LogBodies.Dsse(Bytes(envelope["payload"]), Bytes(envelope["signatures"]![0]!["sig"]), Encoding.UTF8.GetString(Bytes(proposed["verifiers"]![0])));
    }

    private JsonObject LogSecond(JsonObject request)
    {
        var asked = request["hashedRekordRequestV002"]!;
        var body = new JsonObject
        {
            ["apiVersion"] = "0.0.2",
            ["kind"] = "hashedrekord",
            ["spec"] = new JsonObject
            {
                ["hashedRekordV002"] = new JsonObject
                {
                    ["data"] = new JsonObject { ["algorithm"] = "SHA2_256", ["digest"] = Text(asked["digest"]) },
                    ["signature"] = asked["signature"]!.DeepClone(),
                },
            },
        };
        SpoilBody?.Invoke(body);
        var entry = Instance.Rekor2.Entry(body, DateTimeOffset.UtcNow);
        SpoilEntry?.Invoke(entry);
        return entry;
    }

    // RFC 3161, section 2.4.1.
    private byte[] Stamp(byte[] query)
    {
        var request = new AsnReader(query, AsnEncodingRules.DER).ReadSequence();
        Assert.True(request.TryReadInt32(out var version) && version == 1);
        var imprint = request.ReadSequence();
        Assert.Equal("2.16.840.1.101.3.4.2.1", imprint.ReadSequence().ReadObjectIdentifier());
        var hash = imprint.ReadOctetString();
        Assert.True(request.ReadBoolean());
        return (OtherTimestamps ?? Instance.Timestamps).Stamp([], DateTimeOffset.UtcNow, new Token { Imprint = OtherImprint ?? hash });
    }

    private static async Task WriteAsync(HttpContext context, JsonObject json, int status = 200)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(json.ToJsonString());
    }

    private static JsonObject Json(MemoryStream read) => JsonNode.Parse(read.ToArray())!.AsObject();

    private static string Text(JsonNode? node) => node!.GetValue<string>();

    private static byte[] Bytes(JsonNode? node) => Convert.FromBase64String(Text(node));

    private static string Hex(JsonNode? node) => Convert.ToHexStringLower(Bytes(node));

    private static string Encode(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));
}
