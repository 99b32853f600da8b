using System.Collections.Immutable;
using Governance.Gates.Identities;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;

namespace Governance.Gates.Evidence;

/// <summary>A question about the source from which an image was built: the join goes from the image by its provenance, told by those who may and as the rule asks, to a commit, and no other way.</summary>
/// <param name="Subject">The image.</param>
/// <param name="Provenance">What the rule asks of the provenance.</param>
/// <param name="Rule">The rule that is decided.</param>
/// <param name="Claims">What is known of the image.</param>
/// <param name="Policy">The policy.</param>
/// <param name="Revocations">What no longer counts.</param>
/// <param name="Now">The time.</param>
internal sealed record SourceQuestion(Subject Subject, ProvenanceRequirement Provenance, string Rule, Claims Claims, Policy Policy, RevocationList Revocations, DateTimeOffset Now)
    : ClaimQuestion(Subject.ToString(), Rule, Claims, Policy, Revocations, Now)
{
    /// <summary>The first source for which something holds; else why there is none.</summary>
    /// <param name="judge">What holds of a source; null where nothing does, and then it tells why.</param>
    /// <param name="absent">What to tell of a source where nobody said anything about any.</param>
    public Decision Decide(Func<AcceptedProvenance, ImmutableArray<Reason>.Builder, Reason?> judge, Func<AcceptedProvenance, Reason> absent)
    {
        // Why other provenance does not count is told by the rule that asks for it.
        var why = ImmutableArray.CreateBuilder<Reason>();
        var sources = ProvenanceRule.Accepted(Subject, Provenance, Rule, Claims, Policy, Revocations, Now, ImmutableArray.CreateBuilder<Reason>()).ToList();
        if (sources.Count == 0)
        {
            why.Add(new(Rule, $"{Subject}: nothing that counts tells from which source it was built", $"have its provenance told by {Provenance.By}, as the rule asks"));
        }

        foreach (var source in sources)
        {
            if (judge(source, why) is { } holds)
            {
                return Decision.AllowBecause(holds);
            }
        }

        if (sources is [var first, ..] && why.Count == 0)
        {
            why.Add(absent(first));
            why.AddRange(Claims.Refused.Select(refused => SignatureRule.Refused(Subject, refused, Provenance.By, Rule) with { Remedy = absent(first).Remedy }));
        }

        // While something could not be read, what is missing may be there.
        return Claims.Unread.IsEmpty
            ? new(Verdict.Deny, why.ToImmutable(), [])
            : new(Verdict.Unknown, [.. Claims.Unread.Select(reason => reason with { Rule = Rule, Message = $"{Subject}: {reason.Message}" })], why.ToImmutable());
    }
}

/// <summary>A question to which claims answer.</summary>
/// <param name="About">What is asked about, for people.</param>
/// <param name="Rule">The rule that is decided.</param>
/// <param name="Claims">What is known.</param>
/// <param name="Policy">The policy.</param>
/// <param name="Revocations">What no longer counts.</param>
/// <param name="Now">The time.</param>
internal record ClaimQuestion(string About, string Rule, Claims Claims, Policy Policy, RevocationList Revocations, DateTimeOffset Now)
{
    /// <summary>Whose word a claim is, of those who may give it; null where nobody of them signed it, and then it tells why.</summary>
    public string? SignedBy(Claim claim, Signers by, string what, ImmutableArray<Reason>.Builder why)
    {
        var mistakes = new List<string>();
        foreach (Identity signer in claim.Signers)
        {
            var (name, mistake) = SignatureRule.Accept(signer, by, Policy, Revocations, Now);
            if (mistake is null)
            {
                return name;
            }

            mistakes.Add($"{name}, {mistake}");
        }

        why.Add(new(Rule, $"{About}: {what} in {claim.Where} is signed by {string.Join(", and by ", mistakes)}", $"have it signed by {by}"));
        return null;
    }
}
