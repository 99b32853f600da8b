using Governance.Gates.Admission;
using Governance.Gates.Evidence;

namespace Governance.Gates.Clients.Evidence;

/// <summary>Reads what an admission case needs and decides it: the one path of the webhook and of <c>gates admit</c>.</summary>
public sealed class AdmissionJudge(ClaimCache claims, TimeProvider clock)
{
    /// <summary>Decides a case.</summary>
    /// <param name="case">The case.</param>
    /// <param name="keys">The keys of the case's policy.</param>
    /// <param name="deadline">When the answer must stand; what is not verified by then is Unknown.</param>
    public async ValueTask<AdmissionOutcome> JudgeAsync(AdmissionCase @case, TrustedKeys keys, CancellationToken deadline)
    {
        ArgumentNullException.ThrowIfNull(@case);
        var outcome = await DecideAsync(@case, keys, TimeSpan.MaxValue, deadline).ConfigureAwait(false);

        // A signature may have been added since the claims were kept: no refusal rests on an old absence.
        return outcome.Decision.Verdict <= Verdict.Warn || !@case.Subjects.Any() ? outcome : await DecideAsync(@case, keys, ClaimCache.Absent, deadline).ConfigureAwait(false);
    }

    private async ValueTask<AdmissionOutcome> DecideAsync(AdmissionCase @case, TrustedKeys keys, TimeSpan oldest, CancellationToken deadline)
    {
        var reads = @case.Subjects.Select(subject => (subject, Read: claims.GetAsync(subject, keys, oldest, deadline))).ToArray();
        var known = new Dictionary<Subject, Claims>(reads.Length);
        foreach (var (subject, read) in reads)
        {
            if (await read.ConfigureAwait(false) is { } found)
            {
                known.Add(subject, found);
            }
        }

        return @case.Decide(known, clock.GetUtcNow());
    }
}
