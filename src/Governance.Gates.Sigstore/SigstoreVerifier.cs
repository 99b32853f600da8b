using System.Collections.Immutable;
using System.Text.Json;
using Governance.Gates.Sigstore.Formats;
using Governance.Gates.Sigstore.Keys;
using static Governance.Gates.Sigstore.VerificationOutcome;

namespace Governance.Gates.Sigstore;

/// <summary>Says whether something signed is signed by a trusted key and about the artifact that is meant.</summary>
/// <remarks>
/// Four steps that never mix: the form is read without trust, trusted keys say who signed its exact bytes, those bytes are parsed
/// once, and the policy is held against what they say.
/// </remarks>
public static class SigstoreVerifier
{
    /// <summary>Verifies one signed thing. Never throws for what it is given to verify; whatever is not proven is <see cref="Rejected"/>.</summary>
    /// <param name="entity">The bytes as they were found.</param>
    /// <param name="policy">The artifact that must be meant, and whose signature counts.</param>
    public static VerificationOutcome Verify(SignedEntity entity, VerificationPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(entity);
        ArgumentNullException.ThrowIfNull(policy);
        var trusted = new TrustedKeys(policy.Keys);
        if (trusted.IsEmpty)
        {
            return new Rejected(RejectionCode.NoTrustedKeys, "policy", "no trusted key was given, so no signature can count");
        }

        return entity switch
        {
            SignedEntity.CosignSignature signature => VerifySimpleSigning(signature, trusted, policy),
            SignedEntity.Envelope envelope => VerifyJson(envelope.Json, "envelope", json =>
                DsseEnvelope.TryRead(json, Limits.Signatures, out var read, out var rejected) ? VerifyEnvelope(read, hint: "", trusted, policy) : rejected),
            SignedEntity.Bundle bundle => VerifyJson(bundle.Json, "bundle", json =>
                BundleContent.TryRead(json, out var read, out var rejected) ? VerifyBundle(read, trusted, policy) : rejected),
            _ => throw new ArgumentException($"unknown kind of signed entity {entity.GetType().Name}", nameof(entity)),
        };
    }

    private static VerificationOutcome VerifyJson(ReadOnlyMemory<byte> json, string step, Func<JsonElement, VerificationOutcome> verify)
    {
        if (json.Length > Limits.EnvelopeBytes)
        {
            return TooLarge(step, json.Length, Limits.EnvelopeBytes);
        }

        if (!StrictJson.TryParse(json, step, out var document, out var rejected))
        {
            return rejected;
        }

        using (document)
        {
            return verify(document.RootElement);
        }
    }

    private static VerificationOutcome VerifySimpleSigning(SignedEntity.CosignSignature entity, TrustedKeys trusted, VerificationPolicy policy)
    {
        if (entity.Payload.Length > Limits.SimpleSigningBytes)
        {
            return TooLarge("payload", entity.Payload.Length, Limits.SimpleSigningBytes);
        }

        if (string.IsNullOrEmpty(entity.Signature))
        {
            return new Rejected(RejectionCode.NoSignature, "signature", "the layer carries no signature: its annotation dev.cosignproject.cosign/signature is missing or empty");
        }

        if (entity.Signature.Length > Limits.SignatureCharacters)
        {
            return TooLarge("signature", entity.Signature.Length, Limits.SignatureCharacters);
        }

        if (Base64Text.Decode(entity.Signature) is not { } signature)
        {
            return new Rejected(RejectionCode.MalformedBase64, "signature", "the signature is not base64");
        }

        // Copied, so that the bytes that are parsed are the bytes that were verified whatever the caller does with its buffer.
        var payload = entity.Payload.ToArray();
        var signers = trusted.Signers(SignedBytes.Of(payload), [signature]);
        if (signers.IsEmpty)
        {
            return Unsigned(hint: "", trusted, policy);
        }

        if (!SimpleSigningReader.TryRead(payload, out var content, out var digest, out var rejected))
        {
            return rejected;
        }

        var wanted = $"sha256:{Convert.ToHexStringLower(policy.ArtifactSha256.Span)}";
        if (digest != wanted)
        {
            return new Rejected(RejectionCode.SubjectMismatch, "subject", $"the signature is about '{OneLine.Show(digest)}', not about {wanted}");
        }

        return WithoutPredicate(content, "a simple signing payload", signers, policy);
    }

    private static VerificationOutcome VerifyBundle(BundleContent bundle, TrustedKeys trusted, VerificationPolicy policy)
    {
        if (bundle.Envelope is { } envelope)
        {
            return VerifyEnvelope(envelope, bundle.Hint, trusted, policy);
        }

        // The bundle's own digest is a hint and must be right; what the signature is held against is the policy's.
        if (!bundle.MessageDigest.AsSpan().SequenceEqual(policy.ArtifactSha256.Span))
        {
            return new Rejected(
                RejectionCode.SubjectMismatch,
                "subject",
                $"the bundle is about sha256:{Convert.ToHexStringLower(bundle.MessageDigest)}, not about sha256:{Convert.ToHexStringLower(policy.ArtifactSha256.Span)}");
        }

        if (!trusted.AnyWorksOnSha256)
        {
            return new Rejected(RejectionCode.ArtifactBytesNeeded, "message", "an Ed25519 signature over an artifact cannot be checked against its digest; sign a statement about it instead");
        }

        var signers = trusted.Signers(SignedBytes.OfSha256(policy.ArtifactSha256.Span), [bundle.MessageSignature]);
        return signers.IsEmpty
            ? Unsigned(bundle.Hint, trusted, policy)
            : WithoutPredicate(new SignedContent.Message(policy.ArtifactSha256), "a bare signature", signers, policy);
    }

    private static VerificationOutcome VerifyEnvelope(DsseEnvelope envelope, string hint, TrustedKeys trusted, VerificationPolicy policy)
    {
        var encoding = DsseEnvelope.PreAuthenticationEncoding(envelope.PayloadType, envelope.Payload);
        var signers = trusted.Signers(SignedBytes.Of(encoding), envelope.Signatures.AsSpan());
        if (signers.IsEmpty)
        {
            return Unsigned(hint, trusted, policy);
        }

        if (!StatementReader.TryRead(envelope.Payload, out var statement, out var rejected))
        {
            return rejected;
        }

        if (SubjectFault(statement.Subjects, policy) is { } fault)
        {
            return fault;
        }

        return policy.PredicateType is { } wanted && wanted != statement.PredicateType
            ? new Rejected(RejectionCode.PredicateTypeMismatch, "predicate", $"the signed predicateType is '{OneLine.Show(statement.PredicateType)}' and must be '{wanted}'")
            : new Verified(signers, statement);
    }

    /// <summary>The artifact is meant only where a subject has its SHA-256: names and other digests identify nothing here.</summary>
    private static Rejected? SubjectFault(ImmutableArray<Subject> subjects, VerificationPolicy policy)
    {
        var wanted = Convert.ToHexStringLower(policy.ArtifactSha256.Span);
        var found = subjects.Select(subject => subject.Digests.GetValueOrDefault("sha256")).OfType<string>().ToList();
        if (found.Contains(wanted, StringComparer.Ordinal))
        {
            return null;
        }

        if (subjects.All(subject => subject.Digests.Count == 0))
        {
            return new(RejectionCode.SubjectMissing, "subject", "the statement has no subject with a digest");
        }

        return found is [var first, ..]
            ? new(RejectionCode.SubjectMismatch, "subject", $"the statement is about sha256:{OneLine.Show(first)}{(found.Count > 1 ? $" and {found.Count - 1} more" : "")}, not about sha256:{wanted}")
            : new(RejectionCode.WeakDigest, "subject", $"no subject has a sha256 digest; found {OneLine.Show(string.Join(", ", subjects.SelectMany(subject => subject.Digests.Keys).Distinct()))}");
    }

    private static VerificationOutcome WithoutPredicate(SignedContent content, string form, ImmutableArray<PublicKey> signers, VerificationPolicy policy) =>
        policy.PredicateType is { } wanted
            ? new Rejected(RejectionCode.PredicateTypeMismatch, "predicate", $"{form} has no predicate type, and '{wanted}' is asked for")
            : new Verified(signers, content);

    /// <summary>The hint never decides whether a signature counts; it chooses the words when none does.</summary>
    private static Rejected Unsigned(string hint, TrustedKeys trusted, VerificationPolicy policy) => hint.Length > 0 && !trusted.Has(hint)
        ? new(RejectionCode.UnknownKey, "signature", $"the bundle is signed by the key '{OneLine.Show(hint)}', which is not one of the {policy.Keys.Length} trusted")
        : new(RejectionCode.SignatureMismatch, "signature", $"none of the trusted keys made this signature over these bytes");

    private static Rejected TooLarge(string step, int size, int most) => new(RejectionCode.TooLarge, step, $"the {step} has {size} bytes and at most {most} are read");
}
