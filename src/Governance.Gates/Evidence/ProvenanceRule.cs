using System.Collections.Immutable;
using Governance.Gates.Identities;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Evidence;

/// <summary>Decides whether somebody whom the rule names told how an image was built, and told what the rule asks.</summary>
internal static class ProvenanceRule
{
    public static Decision Decide(Subject subject, ProvenanceRequirement required, string rule, Claims claims, Policy policy, RevocationList revocations, DateTimeOffset now)
    {
        var why = ImmutableArray.CreateBuilder<Reason>();
        if (Accepted(subject, required, rule, claims, policy, revocations, now, why).FirstOrDefault() is { } accepted)
        {
            var (provenance, name, claim) = accepted;
            return Decision.AllowBecause(new Reason(rule, $"{subject} was built by {OneLine.Show(provenance.Builder)}{(provenance.Source is { } source ? $" from {OneLine.Show(source)}{(provenance.Ref is { } at ? $" at {OneLine.Show(at)}" : "")}" : "")}, by the word of {name} ({claim.Where}, {claim.Evidence})"));
        }

        why.AddRange(claims.Refused.Select(refused => SignatureRule.Refused(subject, refused, required.By, rule)));

        // While something could not be read, missing provenance proves nothing: it may be there.
        if (claims.Unread.Length > 0)
        {
            return new(Verdict.Unknown, [.. claims.Unread.Select(reason => reason with { Rule = rule, Message = $"{subject}: {reason.Message}" })], why.ToImmutable());
        }

        if (why.Count == 0)
        {
            why.Add(new(rule, $"{subject} has no provenance", $"have it told by {required.By} (actions/attest-build-provenance, cosign attest --type slsaprovenance1); where the digest is one platform of an index, deploy the index's digest or attest this one too"));
        }

        return new(Verdict.Deny, why.ToImmutable(), []);
    }

    /// <summary>What is told of the build by those who may, and as the rule asks: each statement once.</summary>
    /// <param name="subject">The image.</param>
    /// <param name="required">What the rule asks.</param>
    /// <param name="rule">The rule.</param>
    /// <param name="claims">What is known of the image.</param>
    /// <param name="policy">The policy.</param>
    /// <param name="revocations">What no longer counts.</param>
    /// <param name="now">The time.</param>
    /// <param name="why">Takes why others do not count.</param>
    public static IEnumerable<AcceptedProvenance> Accepted(Subject subject, ProvenanceRequirement required, string rule, Claims claims, Policy policy, RevocationList revocations, DateTimeOffset now, ImmutableArray<Reason>.Builder why)
    {
        foreach (var claim in claims.Proven)
        {
            if (claim.Provenance is not { } reading)
            {
                continue;
            }

            foreach (var signer in claim.Signers)
            {
                var (name, mistake) = SignatureRule.Accept(signer, required.By, policy, revocations, now);
                if (mistake is not null)
                {
                    why.Add(new(rule, $"{subject}: its provenance in {claim.Where} is signed by {name}, {mistake}", $"have it told by {required.By}"));
                }
                else if (!reading.Try(out var provenance, out var unread))
                {
                    why.Add(new(rule, $"{subject}: {claim.Where}: {unread.Message}", $"have it told by {required.By}"));
                }
                else if (WhyNot(provenance, signer, required) is { } wrong)
                {
                    why.Add(new(rule, $"{subject}: {name} tells {wrong} ({claim.Where})", "build it as the rule asks, or correct the rule"));
                }
                else
                {
                    // The certificate's authority saw the commit too, and they agree where both tell it.
                    yield return new(provenance with { Commit = provenance.Commit ?? (signer as Identity.OidcSubject)?.Run?.Commit }, name, claim);
                    break;
                }
            }
        }
    }

    // What the certificate's authority saw is no claim of the builder's: where it says something, the statement must say the same.
    private static string? WhyNot(Provenance provenance, Identity signer, ProvenanceRequirement required)
    {
        var run = (signer as Identity.OidcSubject)?.Run;
        return Differs("builder", required.Builder, provenance.Builder)
            ?? Differs("source", required.Source, provenance.Source)
            ?? Differs("ref", required.Ref, provenance.Ref)
            ?? (required.Source is null && provenance.Source is null ? null : Contradicts("source", provenance.Source, run?.Repository))
            ?? (required.Ref is null && provenance.Ref is null ? null : Contradicts("ref", provenance.Ref, run?.Ref))
            ?? (provenance.Commit is null ? null : Contradicts("commit", provenance.Commit, run?.Commit))
            ?? (required.Runner is null || required.Runner == run?.Runner ? null
                : run?.Runner is { } runner ? $"that it ran {OneLine.Show(runner)}, not {required.Runner}"
                : $"nothing of where it ran, by the word of a certificate's authority, and it must be {required.Runner}");
    }

    private static string? Differs(string what, NameMatch? wanted, string? told) =>
        wanted is null || (told is not null && wanted.Matches(told)) ? null
        : told is null ? $"no {what}, which must be {wanted}"
        : $"that its {what} is {OneLine.Show(told)}, not {wanted}";

    private static string? Contradicts(string what, string? told, string? certified) =>
        certified is null || certified == told ? null : $"that its {what} is {OneLine.Show(told ?? "not known")}, and its certificate that it is {OneLine.Show(certified)}";
}

/// <summary>What a builder told, where it is as the rule asks.</summary>
/// <param name="Provenance">What was told; its commit may be the certificate's.</param>
/// <param name="By">Who told it, for people.</param>
/// <param name="Claim">Where it stands.</param>
internal sealed record AcceptedProvenance(Provenance Provenance, string By, Claim Claim);
