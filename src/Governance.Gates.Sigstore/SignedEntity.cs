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
    public sealed record CosignSignature(ReadOnlyMemory<byte> Payload, string? Signature) : SignedEntity
    {
        /// <summary>What else the layer's annotations say of the signature.</summary>
        public CosignAnnotations Annotations { get; init; } = CosignAnnotations.None;
    }

    /// <summary>A DSSE envelope in JSON, as cosign's <c>.att</c> layers carry it.</summary>
    public sealed record Envelope(ReadOnlyMemory<byte> Json) : SignedEntity
    {
        /// <summary>What the layer's annotations say of the signature.</summary>
        public CosignAnnotations Annotations { get; init; } = CosignAnnotations.None;
    }

    /// <summary>A Sigstore bundle in JSON.</summary>
    public sealed record Bundle(ReadOnlyMemory<byte> Json) : SignedEntity;
}

/// <summary>What cosign writes beside a signature into a layer's annotations (cosign SIGNATURE_SPEC). The chain is left out: whom to trust is not the layer's to say.</summary>
/// <param name="Certificate"><c>dev.sigstore.cosign/certificate</c>: the signer's certificate, PEM; null where a key signed.</param>
/// <param name="Bundle"><c>dev.sigstore.cosign/bundle</c>: a log's entry and its promise, JSON; null where there is none.</param>
/// <param name="Timestamp"><c>dev.sigstore.cosign/rfc3161timestamp</c>: a timestamp, JSON; null where there is none.</param>
public sealed record CosignAnnotations(string? Certificate, string? Bundle, string? Timestamp)
{
    /// <summary>None of them.</summary>
    public static CosignAnnotations None { get; } = new(null, null, null);
}
