using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Governance.Gates.Sigstore.Formats;
using static Governance.Gates.Sigstore.VerificationOutcome;

namespace Governance.Gates.Sigstore.Models;

/// <summary>Verifies and makes signatures over models (OpenSSF Model Signing 1.0). It sees manifests, never the files.</summary>
public static class ModelSignature
{
    /// <summary>The most bytes of a bundle.</summary>
    public const int MaxSize = Limits.EnvelopeBytes;

    private const string ObsoletePredicate = "https://model_signing/Digests/v0.1";

    /// <summary>Verifies a bundle and reads the manifest that it signs. The files must still be held against that: <see cref="ModelManifest.Differences"/>.</summary>
    /// <param name="bundle">The bundle's JSON. Never throws for what it holds.</param>
    /// <param name="signers">Whose signature counts.</param>
    /// <param name="model">What was signed, and by whom.</param>
    /// <param name="rejected">Why it proves nothing.</param>
    public static bool TryVerify(ReadOnlyMemory<byte> bundle, ModelSigners signers, [NotNullWhen(true)] out SignedModel? model, [NotNullWhen(false)] out Rejected? rejected)
    {
        ArgumentNullException.ThrowIfNull(signers);
        model = null;
        var policy = VerificationPolicy.ForStatement(PredicateTypes.ModelSignature, signers.Keys) with { Authority = signers.Authority, Keyless = signers.Keyless };
        switch (SigstoreVerifier.Verify(new SignedEntity.Bundle(bundle), policy))
        {
            case Verified { Content: SignedContent.Statement statement } verified:
                model = ModelManifestReader.TryRead(statement, out var manifest, out rejected) ? new(manifest, verified) : null;
                return rejected is null;
            case Rejected why:
                rejected = IsObsolete(bundle)
                    ? new(RejectionCode.UnsupportedModelFormat, "predicate", $"it is of version 0.2 of the reference implementation ('{ObsoletePredicate}'), whose signatures do not follow DSSE; sign the model again")
                    : why;
                return false;
            default:
                throw new UnreachableException("a policy for statements lets nothing else through");
        }
    }

    /// <summary>Signs a statement about a model with a key.</summary>
    /// <param name="statement">What <see cref="ModelManifest.ToStatement"/> gave.</param>
    /// <param name="signer">The key.</param>
    /// <param name="certificates">A certificate of the key with those above it, for the method <c>certificate</c>; null for the method <c>key</c>.</param>
    /// <param name="cancellation">Ends the wait for a key that is kept elsewhere.</param>
    /// <exception cref="ArgumentException">The certificate is of another key.</exception>
    public static ValueTask<SignedEntity.Bundle> SignAsync(ReadOnlyMemory<byte> statement, Signer signer, CertificateChain? certificates, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(signer);
        return certificates is null || certificates.Key.Equals(signer.PublicKey)
            ? SigstoreBundle.SignModelAsync(statement, signer, certificates, cancellation)
            : throw new ArgumentException("the certificate is of another key", nameof(certificates));
    }

    /// <summary>Chooses words for what is refused already; nothing is taken from the bundle.</summary>
    private static bool IsObsolete(ReadOnlyMemory<byte> bundle)
    {
        if (bundle.Length > MaxSize || !StrictJson.TryParse(bundle, "bundle", out var document, out _))
        {
            return false;
        }

        using (document)
        {
            return BundleContent.TryRead(document.RootElement, out var content, out _)
                && content.Envelope is { } envelope
                && StatementReader.TryRead(envelope.Payload, out var statement, out _)
                && statement.PredicateType == ObsoletePredicate;
        }
    }
}

/// <summary>A model as it was signed.</summary>
/// <param name="Manifest">Its files.</param>
/// <param name="Signature">Who signed, and when.</param>
public sealed record SignedModel(ModelManifest Manifest, Verified Signature);
