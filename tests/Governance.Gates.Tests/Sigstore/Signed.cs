using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Sigstore;
using Governance.Gates.Sigstore.Formats;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>Signed things about one artifact, good ones and ones that only a careless or hostile signer would make.</summary>
internal static class Signed
{
    public const string Approval = "https://example.test/approval/v1";

    public static byte[] Artifact { get; } = Encoding.UTF8.GetBytes("the model's weights");

    public static byte[] Sha256 { get; } = SHA256.HashData(Artifact);

    public static string Hex { get; } = Convert.ToHexStringLower(Sha256);

    public static string OtherHex { get; } = new('a', 64);

    public static VerificationPolicy Policy(params PublicKey[] keys) => VerificationPolicy.For(Sha256, keys is [] ? [TestSigners.Trusted.PublicKey] : keys);

    public static byte[] Statement(string predicateType = Approval) => InTotoStatement.Write([Subject.OfSha256("model", Sha256)], predicateType, "{\"approved\":true}"u8);

    public static byte[] StatementAbout(string subjects) =>
        Encoding.UTF8.GetBytes($$$"""{"_type":"https://in-toto.io/Statement/v1","subject":{{{subjects}}},"predicateType":"{{{Approval}}}","predicate":{}}""");

    public static byte[] ImagePayload() => SimpleSigning.Payload("registry.example/team/model", $"sha256:{Hex}", new Dictionary<string, string> { ["team"] = "ml" });

    /// <summary>Base64 of a DSSE signature over any type and any bytes.</summary>
    public static string Sign(Signer signer, string payloadType, byte[] payload) =>
        Convert.ToBase64String(Wait(signer.SignAsync(DsseEnvelope.PreAuthenticationEncoding(payloadType, payload), CancellationToken.None)));

    public static SignedEntity.Envelope Envelope(byte[] payload, string? payloadType = null, params Signer[] signers)
    {
        var type = payloadType ?? MediaTypes.InTotoPayload;
        var signatures = (signers is [] ? [TestSigners.Trusted] : signers).Select(signer => $$"""{"keyid":"","sig":"{{Sign(signer, type, payload)}}"}""");
        return Envelope(type, Convert.ToBase64String(payload), [.. signatures]);
    }

    public static SignedEntity.Envelope Envelope(string payloadType, string payload, string[] signatures) =>
        new(Encoding.UTF8.GetBytes($$"""{"payloadType":"{{payloadType}}","payload":"{{payload}}","signatures":[{{string.Join(',', signatures)}}]}"""));

    public static SignedEntity.Bundle Bundle(Signer? signer = null) => Wait(SigstoreBundle.SignStatementAsync(Statement(), signer ?? TestSigners.Trusted, CancellationToken.None));

    public static SignedEntity.Bundle MessageBundle(Signer? signer = null) => Wait(SigstoreBundle.SignArtifactAsync(Artifact, signer ?? TestSigners.Trusted, CancellationToken.None));

    public static SignedEntity.CosignSignature Image(byte[]? payload = null, Signer? signer = null) =>
        Wait(SimpleSigning.SignAsync(payload ?? ImagePayload(), signer ?? TestSigners.Trusted, CancellationToken.None));

    public static VerificationOutcome.Verified AssertVerified(VerificationOutcome outcome)
    {
        Assert.True(outcome is VerificationOutcome.Verified, outcome.ToString());
        return (VerificationOutcome.Verified)outcome;
    }

    public static VerificationOutcome.Rejected AssertRejected(RejectionCode code, VerificationOutcome outcome, string? because = null)
    {
        var rejected = Assert.IsType<VerificationOutcome.Rejected>(outcome);
        Assert.True(rejected.Code == code, $"{because}: {rejected}");
        Assert.DoesNotContain('\n', rejected.Detail);
        return rejected;
    }

    // Signers in these tests answer at once.
    internal static T Wait<T>(ValueTask<T> answer)
    {
        Assert.True(answer.IsCompletedSuccessfully);
        return answer.GetAwaiter().GetResult();
    }
}
