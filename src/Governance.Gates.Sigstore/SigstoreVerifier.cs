using System.Collections.Immutable;
using System.Text.Json;
using Governance.Gates.Sigstore.Formats;
using Governance.Gates.Sigstore.Keys;
using Governance.Gates.Sigstore.Logs;
using static Governance.Gates.Sigstore.VerificationOutcome;

namespace Governance.Gates.Sigstore;

/// <summary>Says whether something signed is signed by a trusted key or identity and about the artifact that is meant.</summary>
/// <remarks>
/// Four steps that never mix: the form is read without trust, trusted keys and authorities say who signed its exact bytes and when, those
/// bytes are parsed once, and the policy is held against what they say.
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
        if (trusted.IsEmpty && policy.Keyless is null && policy.Authority is null)
        {
            return new Rejected(RejectionCode.NoTrustedKeys, "policy", "no trusted key was given, so no signature can count");
        }

        return entity switch
        {
            SignedEntity.CosignSignature signature => VerifySimpleSigning(signature, trusted, policy),
            SignedEntity.Envelope envelope => VerifyJson(envelope.Json, "envelope", json =>
                DsseEnvelope.TryRead(json, MostSignatures(policy), out var read, out var rejected)
                    ? VerifyLayer(SignatureInput.OfLayer(read, envelope.Json), envelope.Annotations, trusted, policy, (out SignedContent? content) => Content(read, policy, out content))
                    : rejected),
            SignedEntity.Bundle bundle => VerifyJson(bundle.Json, "bundle", json =>
                BundleContent.TryRead(json, out var read, out var rejected) ? VerifyBundle(read, json, trusted, policy) : rejected),
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
        return VerifyLayer(SignatureInput.Of(signature, payload), entity.Annotations, trusted, policy, (out SignedContent? content) => ImageContent(payload, policy, out content));
    }

    /// <summary>Evidence is about one signature: beside a second one it would lend that one its time.</summary>
    private static int MostSignatures(VerificationPolicy policy) => policy.KeyEvidence is null && policy.KeyWindows.IsEmpty ? Limits.Signatures : 1;

    /// <summary>By a trusted key, or else by the certificate in the annotations.</summary>
    private static VerificationOutcome VerifyLayer(SignatureInput input, CosignAnnotations annotations, TrustedKeys trusted, VerificationPolicy policy, ReadContent content)
    {
        var signers = input.SignedBy(trusted);
        if (signers.IsEmpty)
        {
            return ByCertificate(annotations, input, policy, content) ?? Unsigned(hint: "", trusted, policy);
        }

        var evidence = BundleEvidence.None;
        return policy.KeyEvidence is null || CosignEvidence.TryRead(annotations, out evidence, out var rejected) ? ByKeys(signers, input, evidence, policy, content) : rejected;
    }

    /// <summary>What a layer's certificate proves; null where it has none, or nobody may sign with one.</summary>
    private static VerificationOutcome? ByCertificate(CosignAnnotations annotations, SignatureInput input, VerificationPolicy policy, ReadContent content)
    {
        // A layer has one certificate, so it has one signature that the certificate could be behind.
        if (annotations.Certificate is not { } pem || policy.Keyless is not { } signers || !input.HasOneSignature)
        {
            return null;
        }

        if (!CosignEvidence.TryRead(annotations, out var evidence, out var rejected))
        {
            return rejected;
        }

        return CosignEvidence.ReadCertificate(pem) is { } der
            ? CertificateVerifier.Verify(der, evidence, input, signers, content)
            : new Rejected(RejectionCode.MalformedCertificate, "certificate", "the layer's certificate is not one PEM block 'CERTIFICATE'");
    }

    private static Rejected? ImageContent(byte[] payload, VerificationPolicy policy, out SignedContent? content)
    {
        content = null;
        if (!SimpleSigningReader.TryRead(payload, out var image, out var digest, out var rejected))
        {
            return rejected;
        }

        content = image;
        var wanted = $"sha256:{Convert.ToHexStringLower(policy.ArtifactSha256.Span)}";
        return digest == wanted
            ? WithoutPredicate("a simple signing payload", policy)
            : new(RejectionCode.SubjectMismatch, "subject", $"the signature is about '{OneLine.Show(digest)}', not about {wanted}");
    }

    private static VerificationOutcome VerifyBundle(BundleContent bundle, JsonElement json, TrustedKeys trusted, VerificationPolicy policy)
    {
        var authority = bundle.HasChain ? policy.Authority : null;
        if (bundle.IsKeyless && policy.Keyless is null && authority is null)
        {
            return new Rejected(RejectionCode.KeylessNotSupported, "bundle", policy.Authority is null
                ? "the bundle is signed with a certificate, which takes a trusted root; only keys are trusted here"
                : "the bundle has a certificate without its chain, as keyless signatures do; certificates of an authority with their chain are trusted here");
        }

        var evidence = BundleEvidence.None;
        if (bundle.IsKeyless || policy.KeyEvidence is not null)
        {
            if (!BundleEvidence.TryRead(json, bundle.Version, out evidence, out var unreadable))
            {
                return unreadable;
            }
        }
        else if (bundle.Version != BundleVersion.V03)
        {
            return new Rejected(RejectionCode.UnsupportedMediaType, "bundle", $"a bundle older than '{MediaTypes.Bundle}' stands on log entries, and no trusted root was given to hold them against");
        }

        // The bundle's own digest is a hint and must be right; what the signature is held against is the policy's.
        if (bundle.Envelope is null && !bundle.MessageDigest.AsSpan().SequenceEqual(policy.ArtifactSha256.Span))
        {
            return new Rejected(
                RejectionCode.SubjectMismatch,
                "subject",
                $"the bundle is about sha256:{Convert.ToHexStringLower(bundle.MessageDigest)}, not about sha256:{Convert.ToHexStringLower(policy.ArtifactSha256.Span)}");
        }

        var input = bundle.Envelope is { } envelope ? SignatureInput.Of(envelope) : MessageInput(bundle, policy);
        Rejected? Read(out SignedContent? content) => Content(bundle.Envelope, policy, out content);
        if (authority is not null)
        {
            var chain = bundle.ReadChain(out var malformed);
            return malformed is null ? AuthorityVerifier.Verify(chain, evidence, input, authority, Read) : malformed;
        }

        if (bundle.IsKeyless)
        {
            var der = bundle.ReadCertificate(out var rejected);
            return rejected is null ? CertificateVerifier.Verify(der, evidence, input, policy.Keyless!, Read) : rejected;
        }

        if (input.IsDigestOnly && trusted.NeedBytes)
        {
            return new Rejected(RejectionCode.ArtifactBytesNeeded, "message", "an Ed25519 signature over an artifact cannot be checked against its digest; sign a statement about it instead");
        }

        var signers = input.SignedBy(trusted);
        return signers.IsEmpty ? Unsigned(bundle.Hint, trusted, policy) : ByKeys(signers, input, evidence, policy, Read);
    }

    private static VerificationOutcome ByKeys(ImmutableArray<PublicKey> signers, SignatureInput input, BundleEvidence evidence, VerificationPolicy policy, ReadContent content) =>
        KeyFault(input, evidence, signers, policy, out var proven)
        ?? content(out var signed)
        ?? (VerificationOutcome)new Verified(signers, signed!) { Times = proven.Times, Logs = proven.Logs };

    /// <summary>What is signed, held against the policy: a statement about the artifact, or the artifact itself.</summary>
    private static Rejected? Content(DsseEnvelope? envelope, VerificationPolicy policy, out SignedContent? content)
    {
        content = null;
        if (envelope is null)
        {
            content = new SignedContent.Message(policy.ArtifactSha256);
            return WithoutPredicate("a bare signature", policy);
        }

        if (!StatementReader.TryRead(envelope.Payload, out var statement, out var rejected))
        {
            return rejected;
        }

        content = statement;
        return SubjectFault(statement.Subjects, policy)
            ?? (policy.PredicateType is { } wanted && wanted != statement.PredicateType
                ? new(RejectionCode.PredicateTypeMismatch, "predicate", $"the signed predicateType is '{OneLine.Show(statement.PredicateType)}' and must be '{wanted}'")
                : null);
    }

    private static SignatureInput MessageInput(BundleContent bundle, VerificationPolicy policy) => policy.Artifact is { } artifact
        ? SignatureInput.Of(bundle.MessageSignature, artifact)
        : SignatureInput.OfSha256(bundle.MessageSignature, policy.ArtifactSha256);

    /// <summary>Why a signature by trusted keys does not count for want of evidence, or of time; null where it does.</summary>
    private static Rejected? KeyFault(SignatureInput input, BundleEvidence evidence, ImmutableArray<PublicKey> signers, VerificationPolicy policy, out ProvenEvidence proven)
    {
        proven = ProvenEvidence.None;
        if (policy.KeyEvidence is { } requirement
            && EvidenceVerifier.Fault(evidence, requirement, input.Logged(signers[0].Spki, VerifierKind.PublicKey, signers[0]), out proven) is { } fault)
        {
            return fault;
        }

        var times = proven.Times;
        return signers.FirstOrDefault(key => policy.KeyWindows.TryGetValue(key, out var window) && (times.IsEmpty || times.Any(time => !window.Contains(time.Time)))) is { } outside
            ? new(RejectionCode.OutsideKeyValidity, "time", times.IsEmpty
                ? $"{outside} counts only for a time, and no trusted party says when it signed"
                : $"{outside} counts from {policy.KeyWindows[outside]}, and it signed at {times[0].Time.UtcDateTime:O}")
            : null;
    }

    /// <summary>The artifact is meant only where a subject has its SHA-256: names and other digests identify nothing here.</summary>
    private static Rejected? SubjectFault(ImmutableArray<Subject> subjects, VerificationPolicy policy)
    {
        if (policy.ArtifactSha256.IsEmpty)
        {
            return null;
        }

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

    private static Rejected? WithoutPredicate(string form, VerificationPolicy policy) => policy.PredicateType is { } wanted
        ? new(RejectionCode.PredicateTypeMismatch, "predicate", $"{form} has no predicate type, and '{wanted}' is asked for")
        : null;

    /// <summary>The hint never decides whether a signature counts; it chooses the words when none does.</summary>
    private static Rejected Unsigned(string hint, TrustedKeys trusted, VerificationPolicy policy) => hint.Length > 0 && !trusted.Has(hint)
        ? new(RejectionCode.UnknownKey, "signature", $"the bundle is signed by the key '{OneLine.Show(hint)}', which is not one of the {policy.Keys.Length} trusted")
        : new(RejectionCode.SignatureMismatch, "signature", $"none of the trusted keys made this signature over these bytes");

    private static Rejected TooLarge(string step, int size, int most) => new(RejectionCode.TooLarge, step, $"the {step} has {size} bytes and at most {most} are read");
}
