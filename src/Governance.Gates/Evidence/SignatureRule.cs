using System.Collections.Immutable;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Evidence;

/// <summary>Decides whether somebody whom the rule names signed an image.</summary>
internal static class SignatureRule
{
    public static Decision Decide(Subject subject, SignedRequirement required, string rule, Claims claims, Policy policy, RevocationList revocations, DateTimeOffset now)
    {
        var why = ImmutableArray.CreateBuilder<Reason>();
        foreach (var claim in claims.Proven.Where(claim => claim.IsSignature))
        {
            if (claim.Names is { } named && required.Repository == SignedRepository.Same && !IsSameRepository(claim.Repository, subject.Repository, required.Mirrors))
            {
                why.Add(new(rule, $"{subject}: the signature in {claim.Where} is for {OneLine.Show(named)}, not for {subject.Repository}", "sign the image in the repository from which it is deployed, or name the other under mirrors"));
                continue;
            }

            foreach (var signer in claim.Signers)
            {
                var (name, mistake) = Accept(signer, required.By, policy, revocations, now);
                if (mistake is null)
                {
                    return Decision.AllowBecause(new Reason(rule, $"{subject} is signed by {name} ({claim.Where}, {claim.Evidence})"));
                }

                why.Add(new(rule, $"{subject} is signed by {name}, {mistake}", $"have it signed by {required.By}"));
            }
        }

        foreach (var refused in claims.Refused)
        {
            why.Add(Refused(subject, refused, required.By, rule));
        }

        // While something could not be read, a missing signature proves nothing: it may be there.
        if (claims.Unread.Length > 0)
        {
            return new(Verdict.Unknown, [.. claims.Unread.Select(reason => reason with { Rule = rule, Message = $"{subject}: {reason.Message}" })], why.ToImmutable());
        }

        if (why.Count == 0)
        {
            why.Add(new(
                rule,
                $"{subject} has no signature",
                $"have it signed by {required.By} (gates sign or cosign sign); where the digest is one platform of a signed index, deploy the index's digest or sign this one too"));
        }

        return new(Verdict.Deny, why.ToImmutable(), []);
    }

    /// <summary>Why something that hangs on an image proved nothing, and what to do.</summary>
    public static Reason Refused(Subject subject, RefusedEvidence refused, Signers by, string rule) => new(
        rule,
        $"{subject}: {refused.Where}: {refused.Detail} ({refused.Code})",
        refused.Code switch
        {
            RejectionCode.NoVerifiedTime or RejectionCode.TimestampUntrusted => "sign it so that a log or a timestamp authority of the policy's trusted root says when",
            RejectionCode.InclusionProofMissing => "sign it as a Sigstore bundle, which holds the log's proof, or accept the log's promise with logs: promise under trust.roots.sigstore",
            RejectionCode.UnknownLog or RejectionCode.LogEntryMissing or RejectionCode.CertificateUntrusted or RejectionCode.CertificateTimestampMissing => "sign it with the Sigstore instance whose root the policy trusts; gates trust show tells what is in it",
            RejectionCode.KeylessNotSupported => $"have it signed with a key by {by}, or name a trusted root and its subject in the policy",
            _ => $"have it signed by {by}",
        });

    /// <summary>Whether a signature by this identity counts for a rule: named, in force now, and not revoked.</summary>
    /// <returns>Who it is, and why that is not enough; null where it is.</returns>
    public static (string Name, string? Mistake) Accept(Identity signer, Signers by, Policy policy, RevocationList revocations, DateTimeOffset now)
    {
        var (name, mistake) = policy.Accept(signer, by, now);
        return mistake is null && ((signer is Identity.Key(var spki) && revocations.Keys.Contains(spki)) || (policy.PersonOf(signer) is { } person && revocations.People.Contains(person.Id)))
            ? (name, $"which was revoked in list {revocations.Number}")
            : (name, mistake);
    }

    private static bool IsSameRepository(Repository? named, Repository repository, ImmutableArray<RepositoryPattern> mirrors) =>
        named is not null && (named == repository || mirrors.Any(mirror => mirror.Matches(named)));
}
