using System.Collections.Immutable;
using Governance.Gates.Approvals;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;

namespace Governance.Gates.Evidence;

/// <summary>The last allow that was decided from some claims and uses nothing up. The next Pod of a workload asks the same, and gets the same.</summary>
/// <remarks>
/// All that <see cref="ImageGate.Decide(ImageRuling.NeedsEvidence, Claims, Policy, Circumstances)"/> looks at is compared, the second of the decision with it. How often a request was used
/// is not: an allow that rests on a fresh approval has a <see cref="Grant"/> and is never kept here. Any number of threads may ask.
/// </remarks>
internal sealed class StandingAllow
{
    private volatile Basis? last;

    public Decision? Find(Claims claims, ImageRuling.NeedsEvidence ruling, Policy policy, RevocationList revocations, Circumstances circumstances) =>
        last is { } basis && ReferenceEquals(basis.Claims, claims) && basis.IsOf(ruling, policy, revocations, circumstances) ? basis.Decision : null;

    public void Keep(Claims claims, ImageRuling.NeedsEvidence ruling, Policy policy, RevocationList revocations, Circumstances circumstances, ImageDecision decided)
    {
        if (decided is { Decision.Verdict: Verdict.Allow, Grant: null })
        {
            last = new(claims, ruling, policy, revocations, circumstances.Now, circumstances.Admitted, TemplateOf(circumstances), decided.Decision);
        }
    }

    private static Digest? TemplateOf(Circumstances circumstances) => circumstances.Template is Reading<Covered>.Found(var template) ? template.Digest : null;

    private sealed record Basis(Claims Claims, ImageRuling.NeedsEvidence Ruling, Policy Policy, RevocationList Revocations, DateTimeOffset Now, ImmutableArray<AdmittedRecord> Admitted, Digest? Template, Decision Decision)
    {
        public bool IsOf(ImageRuling.NeedsEvidence ruling, Policy policy, RevocationList revocations, Circumstances circumstances) =>
            ReferenceEquals(Policy, policy) && ReferenceEquals(Revocations, revocations) && ReferenceEquals(Ruling.Rule, ruling.Rule) && Now == circumstances.Now && Ruling.Subject == ruling.Subject
            && (Ruling.Approval, ruling.Approval) switch
            {
                (null, null) => true,
                ({ } known, { } asked) => ReferenceEquals(known.Rule, asked.Rule) && known.CoversTemplate == asked.CoversTemplate && known.Environment == asked.Environment && known.Place == asked.Place
                    && Admitted == circumstances.Admitted && circumstances.Template is Reading<Covered>.Found(var template) && template.Digest == Template,
                _ => false,
            };
    }
}
