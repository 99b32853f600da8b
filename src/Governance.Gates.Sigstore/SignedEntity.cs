namespace Governance.Gates.Sigstore;

/// <summary>Something that claims to be signed, as its bytes were found. Nothing in it is trusted.</summary>
public abstract record SignedEntity
{
    private SignedEntity()
    {
    }

    /// <summary>A cosign "simple signing" layer: the payload, and the signature from the layer's annotation.</summary>
    /// <param name="Payload">The exact bytes that were signed.</param>
    /// <param name="Signature">Base64 of the signature (annotation <c>dev.cosignproject.cosign/signature</c>); null where the annotation is missing.</param>
    public sealed record CosignSignature(ReadOnlyMemory<byte> Payload, string? Signature) : SignedEntity;

    /// <summary>A DSSE envelope in JSON, as cosign's <c>.att</c> layers carry it.</summary>
    public sealed record Envelope(ReadOnlyMemory<byte> Json) : SignedEntity;

    /// <summary>A Sigstore bundle in JSON.</summary>
    public sealed record Bundle(ReadOnlyMemory<byte> Json) : SignedEntity;
}
