using System.Collections.Immutable;
using System.Diagnostics;
using System.Text;
using Governance.Gates.Images;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Evidence;

/// <summary>One thing that hangs on an image, unverified.</summary>
/// <param name="Entity">Its bytes, hashed by the client that fetched them.</param>
/// <param name="Digest">SHA-256 of those bytes.</param>
/// <param name="Where">Where it was found, for people: <c>tag sha256-….sig, layer 1</c>.</param>
public sealed record EvidenceItem(SignedEntity Entity, Digest Digest, string Where)
{
    /// <summary>The bytes of which <see cref="Digest"/> is the hash.</summary>
    public ReadOnlyMemory<byte> Bytes => Entity switch
    {
        SignedEntity.CosignSignature signature => signature.Payload,
        SignedEntity.Envelope envelope => envelope.Json,
        SignedEntity.Bundle bundle => bundle.Json,
        _ => throw new UnreachableException(),
    };

    /// <summary>What cosign wrote beside the signature, as <see cref="LayerAnnotations"/> writes it; empty where there is nothing.</summary>
    public ReadOnlyMemory<byte> Annotations => Entity switch
    {
        SignedEntity.CosignSignature signature => LayerAnnotations.Write(signature.Annotations),
        SignedEntity.Envelope envelope => LayerAnnotations.Write(envelope.Annotations),
        _ => default,
    };

    /// <summary>The signature in base64, where it stands beside those bytes and not in them; empty where it is in them.</summary>
    public ReadOnlyMemory<byte> Signature => Entity is SignedEntity.CosignSignature { Signature: { } base64 } ? Encoding.UTF8.GetBytes(base64) : default;
}

/// <summary>Everything that was found on one digest, and what could not be read.</summary>
/// <param name="Items">What was found, in every form; nothing is trusted.</param>
/// <param name="Unread">What could not be read, or was too much to read. While it is not empty, absence proves nothing.</param>
public sealed record AttachedEvidence(ImmutableArray<EvidenceItem> Items, ImmutableArray<Reason> Unread);
