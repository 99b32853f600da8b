using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Evidence;

/// <summary>Writes a SLSA verification summary of an image: that it held what a policy asks for, for whoever does not look at the evidence itself. No gate counts it instead of that.</summary>
public static class VerificationSummary
{
    private const string Verifier = "https://governance.gates/release";

    // SLSA, "Verification summary", verifiedLevels: what was not looked at is said.
    private const string BuildLevel = "SLSA_BUILD_LEVEL_UNEVALUATED";
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The in-toto statement: what is signed.</summary>
    /// <param name="subject">The image.</param>
    /// <param name="policy">The policy that was asked.</param>
    /// <param name="properties">What was found of its source.</param>
    /// <param name="evidence">Digests of the statements that were looked at.</param>
    /// <param name="now">When.</param>
    public static byte[] Write(Subject subject, Policy policy, ImmutableArray<string> properties, IEnumerable<Digest> evidence, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(subject);
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(evidence);
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Compact))
        {
            json.WriteStartObject();
            json.WriteStartObject("verifier");
            json.WriteString("id", Verifier);
            json.WriteEndObject();
            json.WriteString("timeVerified", now.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
            json.WriteString("resourceUri", $"oci://{subject}");
            json.WriteStartObject("policy");
            json.WriteString("uri", string.Create(CultureInfo.InvariantCulture, $"https://governance.gates/policies/{policy.Name}/{policy.Version}"));
            WriteDigest(json, policy.Digest);
            json.WriteEndObject();
            json.WriteStartArray("inputAttestations");
            foreach (var digest in evidence)
            {
                json.WriteStartObject();
                WriteDigest(json, digest);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteString("verificationResult", "PASSED");
            json.WriteStartArray("verifiedLevels");
            foreach (var level in properties.Prepend(BuildLevel))
            {
                json.WriteStringValue(level);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return InTotoStatement.Write([Gates.Sigstore.Subject.OfSha256(subject.Repository.ToString(), Convert.FromHexString(subject.Digest.Hex))], PredicateTypes.VerificationSummary, buffer.WrittenSpan);
    }

    private static void WriteDigest(Utf8JsonWriter json, Digest digest)
    {
        json.WriteStartObject("digest");
        json.WriteString("sha256", digest.Hex);
        json.WriteEndObject();
    }
}
