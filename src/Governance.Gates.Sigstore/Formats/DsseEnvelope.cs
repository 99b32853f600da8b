using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using static Governance.Gates.Sigstore.VerificationOutcome;

namespace Governance.Gates.Sigstore.Formats;

/// <summary>A DSSE envelope's fields, decoded and not yet trusted. Fields that the specification does not name are ignored, and so is <c>keyid</c>: anyone can write it.</summary>
internal sealed record DsseEnvelope(string PayloadType, byte[] Payload, ImmutableArray<byte[]> Signatures)
{
    private const string Step = "envelope";

    public static bool TryRead(JsonElement json, int mostSignatures, [NotNullWhen(true)] out DsseEnvelope? envelope, [NotNullWhen(false)] out Rejected? rejected)
    {
        var shape = new JsonShape(Step);
        var payloadType = shape.Text(json, "payloadType");
        var payload = shape.Base64(json, "payload");
        var list = shape.Array(json, "signatures");
        var signatures = ImmutableArray.CreateBuilder<byte[]>();
        if (list.ValueKind == JsonValueKind.Array)
        {
            var count = list.GetArrayLength();
            if (count == 0)
            {
                shape.Fail(RejectionCode.NoSignature, "the envelope has no signature");
            }
            else if (count > mostSignatures)
            {
                shape.Fail(RejectionCode.TooManySignatures, $"the envelope has {count} signatures and at most {mostSignatures} may stand there");
            }
            else
            {
                foreach (var item in list.EnumerateArray())
                {
                    signatures.Add(shape.Base64(item, "sig"));
                }
            }
        }

        // DSSE signs the type, so a type that is not ours could only lead to bytes that are not ours to read.
        if (payloadType != MediaTypes.InTotoPayload)
        {
            shape.Fail(RejectionCode.UnsupportedPayloadType, $"payloadType is '{OneLine.Show(payloadType)}' and must be '{MediaTypes.InTotoPayload}'");
        }

        rejected = shape.Fault;
        envelope = rejected is null ? new(payloadType, payload, signatures.ToImmutable()) : null;
        return rejected is null;
    }

    /// <summary>What is signed: <c>DSSEv1 SP LEN(type) SP type SP LEN(body) SP body</c>, lengths in bytes (DSSE protocol, "Signature Definition").</summary>
    public static byte[] PreAuthenticationEncoding(string payloadType, ReadOnlySpan<byte> payload)
    {
        var head = Encoding.UTF8.GetBytes($"DSSEv1 {Encoding.UTF8.GetByteCount(payloadType)} {payloadType} {payload.Length} ");
        var encoding = new byte[head.Length + payload.Length];
        head.CopyTo(encoding, 0);
        payload.CopyTo(encoding.AsSpan(head.Length));
        return encoding;
    }
}
