using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using static Governance.Gates.Sigstore.VerificationOutcome;

namespace Governance.Gates.Sigstore.Formats;

/// <summary>Reads a simple signing payload (cosign SIGNATURE_SPEC, "Payload") from bytes whose signature holds.</summary>
internal static class SimpleSigningReader
{
    public const string Type = "cosign container image signature";
    private const string Step = "payload";

    public static bool TryRead(
        ReadOnlyMemory<byte> payload,
        [NotNullWhen(true)] out SignedContent.ImageSignature? signature,
        [NotNullWhen(true)] out string? digest,
        [NotNullWhen(false)] out Rejected? rejected)
    {
        signature = null;
        digest = null;
        if (!StrictJson.TryParse(payload, Step, out var document, out rejected))
        {
            return false;
        }

        using (document)
        {
            var shape = new JsonShape(Step);
            var root = document.RootElement;
            var type = shape.Text(root, "critical", "type");
            if (type != Type)
            {
                shape.Fail(RejectionCode.WrongType, $"critical.type is '{OneLine.Show(type)}' and must be '{Type}'");
            }

            digest = shape.Text(root, "critical", "image", "docker-manifest-digest");
            var reference = shape.Optional(root, JsonValueKind.String, "critical", "identity", "docker-reference");
            var optional = shape.Optional(root, JsonValueKind.Object, "optional");
            rejected = shape.Fault;
            signature = rejected is null
                ? new(reference.ValueKind == JsonValueKind.String ? reference.GetString() : null, payload, ReadAnnotations(optional))
                : null;
            return rejected is null;
        }
    }

    private static Dictionary<string, string> ReadAnnotations(JsonElement optional) =>
        optional.ValueKind != JsonValueKind.Object
            ? []
            : optional.EnumerateObject()
                .Where(annotation => annotation.Value.ValueKind == JsonValueKind.String)
                .ToDictionary(annotation => annotation.Name, annotation => annotation.Value.GetString()!, StringComparer.Ordinal);
}
