using System.Buffers;
using Governance.Gates.Sigstore.Formats;

namespace Governance.Gates.Sigstore;

/// <summary>Makes cosign simple signing signatures (cosign SIGNATURE_SPEC).</summary>
public static class SimpleSigning
{
    private static readonly SearchValues<char> LowerHex = SearchValues.Create("0123456789abcdef");

    /// <summary>The payload, byte for byte as cosign writes it.</summary>
    /// <param name="dockerReference">The repository, such as <c>registry.example/team/model</c>.</param>
    /// <param name="digest">The image's digest: <c>sha256:</c> and 64 lower-case hex digits.</param>
    /// <param name="annotations">Claims to sign beside it; null or empty for none.</param>
    /// <exception cref="ArgumentException">The digest is not one.</exception>
    public static byte[] Payload(string dockerReference, string digest, IReadOnlyDictionary<string, string>? annotations = null)
    {
        if (digest is not { Length: 71 } || !digest.StartsWith("sha256:", StringComparison.Ordinal) || digest.AsSpan(7).ContainsAnyExcept(LowerHex))
        {
            throw new ArgumentException($"'{digest}' is not a digest; write sha256: and 64 lower-case hex digits", nameof(digest));
        }

        return CompactJson.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartObject("critical");
            json.WriteStartObject("identity");
            json.WriteString("docker-reference", dockerReference);
            json.WriteEndObject();
            json.WriteStartObject("image");
            json.WriteString("docker-manifest-digest", digest);
            json.WriteEndObject();
            json.WriteString("type", SimpleSigningReader.Type);
            json.WriteEndObject();
            if (annotations is null or { Count: 0 })
            {
                json.WriteNull("optional");
            }
            else
            {
                json.WriteStartObject("optional");
                foreach (var (name, value) in annotations.OrderBy(annotation => annotation.Key, StringComparer.Ordinal))
                {
                    json.WriteString(name, value);
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
        });
    }

    /// <summary>Signs a payload. The result is pushed as a layer <see cref="MediaTypes.SimpleSigning"/> with the signature in its annotation.</summary>
    public static async ValueTask<SignedEntity.CosignSignature> SignAsync(ReadOnlyMemory<byte> payload, Signer signer, CancellationToken cancellation) =>
        new(payload, Convert.ToBase64String(await signer.SignAsync(payload, cancellation)));
}
