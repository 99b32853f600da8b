using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Sigstore;
using Governance.Gates.Sigstore.Formats;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>A whole Sigstore instance in the test's process: an authority for identities, logs in both versions, a log of certificates, a timestamp authority.</summary>
internal sealed class ThrowAwaySigstore
{
    public const string Workflow = "https://github.com/example/model/.github/workflows/release.yml@refs/tags/v1";
    public const string Issuer = "https://token.actions.githubusercontent.com";

    /// <summary>When things are signed here, unless a test says otherwise.</summary>
    public static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly DateTimeOffset Begin = Now.AddYears(-1);
    private static readonly DateTimeOffset End = Now.AddYears(1);

    /// <summary>One for all tests that change nothing of it.</summary>
    public static ThrowAwaySigstore Shared { get; } = new();

    public TestAuthority Fulcio { get; init; } = new("fulcio", Begin, End);

    public TestLog Rekor { get; } = TestLog.First("rekor.example.test");

    public TestLog Rekor2 { get; init; } = TestLog.Second("log2026.rekor.example.test");

    public TestLog CertificateLog { get; } = TestLog.First("ct.example.test");

    public TestTimestamps Timestamps { get; } = new("https://tsa.example.test", Begin, End);

    public TrustedRoot Root => field ??= RootWith();

    public static CertificateIdentity Identity { get; } = CertificateIdentity.Exactly(Workflow, Issuer);

    public static string Rfc3339(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    public JsonObject RootJson() => new()
    {
        ["mediaType"] = MediaTypes.TrustedRootOldSpelling,
        ["tlogs"] = new JsonArray(Rekor.Trusted(Begin), Rekor2.Trusted(Begin)),
        ["certificateAuthorities"] = new JsonArray(new JsonObject
        {
            ["uri"] = "https://fulcio.example.test",
            ["certChain"] = new JsonObject { ["certificates"] = Fulcio.Chain },
            ["validFor"] = new JsonObject { ["start"] = Rfc3339(Begin) },
        }),
        ["ctlogs"] = new JsonArray(CertificateLog.Trusted(Begin)),
        ["timestampAuthorities"] = new JsonArray(Timestamps.Trusted(Begin)),
    };

    public TrustedRoot RootWith(Action<JsonObject>? change = null)
    {
        var json = RootJson();
        change?.Invoke(json);
        return TrustedRoot.Parse(Encoding.UTF8.GetBytes(json.ToJsonString()));
    }

    public VerificationPolicy Policy(params CertificateIdentity[] identities) => PolicyOf(new EvidenceRequirement(Root), identities);

    public static VerificationPolicy PolicyOf(EvidenceRequirement evidence, params CertificateIdentity[] identities) =>
        VerificationPolicy.For(Signed.Sha256, []) with { Keyless = KeylessSigners.Of(evidence, identities is [] ? [Identity] : identities) };

    /// <summary>The extensions that make a certificate one of Fulcio's.</summary>
    public static X509Extension[] SignerExtensions(string name = Workflow, string issuer = Issuer)
    {
        var names = new SubjectAlternativeNameBuilder();
        if (name.Contains("://", StringComparison.Ordinal))
        {
            names.AddUri(new Uri(name));
        }
        else
        {
            names.AddEmailAddress(name);
        }

        return
        [
            TestAuthority.Signing, TestAuthority.Usage(TestAuthority.CodeSigning), names.Build(critical: true),
            TestAuthority.Fulcio(1, issuer), TestAuthority.Fulcio(8, issuer), TestAuthority.Fulcio(11, "github-hosted"), TestAuthority.Fulcio(15, "632596897"),
        ];
    }

    /// <summary>Signs as a workflow does, and gives the bundle as its JSON for a test to spoil.</summary>
    public JsonObject Sign(Signing? how = null)
    {
        how ??= new();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var certificate = Fulcio.IssueLogged(how.Certified ?? new(key), how.At, how.At.AddMinutes(10), how.CertificateLogs ?? [CertificateLog], how.SctExtensions, how.Extensions ?? SignerExtensions());
        var payload = how.Payload ?? Signed.Statement();
        var data = how.IsMessage ? Signed.Artifact : DsseEnvelope.PreAuthenticationEncoding(MediaTypes.InTotoPayload, payload);
        var signature = (how.Key ?? key).SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        var body = how.Body ?? (how.Kind switch
        {
            "hashedrekord 0.0.1" => LogBodies.HashedRekord(data, signature, Pem("CERTIFICATE", certificate)),
            "dsse 0.0.1" => LogBodies.Dsse(payload, signature, Pem("CERTIFICATE", certificate)),
            "intoto 0.0.2" => LogBodies.InToto(payload, signature, Pem("CERTIFICATE", certificate)),
            "hashedrekord 0.0.2" => LogBodies.HashedRekord2(data, signature, certificate),
            "dsse 0.0.2" => LogBodies.Dsse2(payload, signature, certificate),
            _ => null,
        });
        var isSecond = how.Kind is "hashedrekord 0.0.2" or "dsse 0.0.2";
        var material = new JsonObject { ["certificate"] = TestAuthority.Certificate(certificate) };
        if (body is not null)
        {
            material["tlogEntries"] = new JsonArray((isSecond ? Rekor2 : Rekor).Entry(body, how.At.AddSeconds(2)));
        }

        if (isSecond || how.IsStamped)
        {
            material["timestampVerificationData"] = Stamps(Timestamps.Stamp(signature, how.At.AddSeconds(1)));
        }

        var bundle = new JsonObject { ["mediaType"] = MediaTypes.Bundle, ["verificationMaterial"] = material };
        if (how.IsMessage)
        {
            bundle["messageSignature"] = new JsonObject
            {
                ["messageDigest"] = new JsonObject { ["algorithm"] = "SHA2_256", ["digest"] = Convert.ToBase64String(Signed.Sha256) },
                ["signature"] = Convert.ToBase64String(signature),
            };
        }
        else
        {
            bundle["dsseEnvelope"] = new JsonObject
            {
                ["payloadType"] = MediaTypes.InTotoPayload,
                ["payload"] = Convert.ToBase64String(payload),
                ["signatures"] = new JsonArray(new JsonObject { ["sig"] = Convert.ToBase64String(signature) }),
            };
        }

        return bundle;
    }

    /// <summary>Signs an image as cosign does without a key: everything stands in the layer's annotations.</summary>
    public SignedEntity.CosignSignature SignImage(byte[]? payload = null, X509Extension[]? extensions = null)
    {
        var data = payload ?? Signed.ImagePayload();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var certificate = Pem("CERTIFICATE", Fulcio.IssueLogged(new(key), Now, Now.AddMinutes(10), [CertificateLog], [], extensions ?? SignerExtensions()));
        var signature = key.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        var entry = Rekor.Entry(LogBodies.HashedRekord(data, signature, certificate), Now.AddSeconds(2));
        return new(data, Convert.ToBase64String(signature)) { Annotations = new(certificate, CosignBundle(entry), null) };
    }

    /// <summary>A log entry as cosign writes it into an annotation.</summary>
    public string CosignBundle(JsonObject entry) => new JsonObject
    {
        ["SignedEntryTimestamp"] = entry["inclusionPromise"]!["signedEntryTimestamp"]!.GetValue<string>(),
        ["Payload"] = new JsonObject
        {
            ["body"] = entry["canonicalizedBody"]!.GetValue<string>(),
            ["integratedTime"] = long.Parse(entry["integratedTime"]!.GetValue<string>(), null),
            ["logIndex"] = long.Parse(entry["logIndex"]!.GetValue<string>(), null),
            ["logID"] = Convert.ToHexStringLower(Rekor.LogId),
        },
    }.ToJsonString();

    public static JsonObject Stamps(params byte[][] responses) => new()
    {
        ["rfc3161Timestamps"] = new JsonArray([.. responses.Select(response => new JsonObject { ["signedTimestamp"] = Convert.ToBase64String(response) })]),
    };

    /// <summary>The same bundle in an older version, whose certificate stands in a chain.</summary>
    public static JsonObject Older(JsonObject bundle, string mediaType)
    {
        var material = bundle["verificationMaterial"]!.AsObject();
        var certificate = material["certificate"]!.DeepClone();
        material.Remove("certificate");
        material["x509CertificateChain"] = new JsonObject { ["certificates"] = new JsonArray(certificate) };
        bundle["mediaType"] = mediaType;
        return bundle;
    }

    public static SignedEntity.Bundle Entity(JsonObject bundle) => new(Encoding.UTF8.GetBytes(bundle.ToJsonString()));

    public static byte[] SignatureOf(JsonObject bundle) => Convert.FromBase64String(
        (bundle["messageSignature"]?["signature"] ?? bundle["dsseEnvelope"]!["signatures"]![0]!["sig"])!.GetValue<string>());

    private static string Pem(string label, byte[] der) => PemEncoding.WriteString(label, der) + "\n";
}

/// <summary>How something is signed.</summary>
internal sealed record Signing
{
    public DateTimeOffset At { get; init; } = ThrowAwaySigstore.Now;

    /// <summary>The kind and version of the log entry; anything else: none.</summary>
    public string Kind { get; init; } = "dsse 0.0.1";

    public bool IsMessage { get; init; }

    public bool IsStamped { get; init; }

    public byte[] SctExtensions { get; init; } = [];

    /// <summary>Who promises to show the certificate; null: the instance's log.</summary>
    public TestLog[]? CertificateLogs { get; init; }

    /// <summary>A key that the certificate is for, in place of the one that signs.</summary>
    public System.Security.Cryptography.X509Certificates.PublicKey? Certified { get; init; }

    /// <summary>Who signs; null: a new key.</summary>
    public ECDsa? Key { get; init; }

    public X509Extension[]? Extensions { get; init; }

    public byte[]? Payload { get; init; }

    /// <summary>An entry's body in place of the right one.</summary>
    public JsonObject? Body { get; init; }
}
