using System.Diagnostics;
using Governance.Gates.Admission;
using Governance.Gates.Approvals;
using Governance.Gates.Evidence;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;

namespace Governance.Gates.Clients.Evidence;

/// <summary>Reads what an admission case needs, decides it, and records what begins: the one path of the webhook and of <c>gates admit</c>.</summary>
/// <param name="claims">What is known of images.</param>
/// <param name="records">What was admitted before.</param>
/// <param name="revocations">The list of what no longer counts under a policy.</param>
/// <param name="clock">The time.</param>
public sealed class AdmissionJudge(ClaimCache claims, IAdmittedRecords records, Func<Policy, DateTimeOffset, CancellationToken, ValueTask<Reading<RevocationList>>> revocations, TimeProvider clock)
{
    private const string Rule = "admission.records";

    // An approval may be withdrawn, and rejected, at any time; a signature cannot.
    private static readonly TimeSpan OldestApproval = TimeSpan.FromSeconds(15);

    private static readonly Reading<IReadOnlyDictionary<string, long>> NotInTime = new Reading<IReadOnlyDictionary<string, long>>.Unread(new(Rule, "what was admitted before was not read in time", "try again"));

    /// <summary>Decides a case. What begins under an approval is recorded before this answers.</summary>
    /// <param name="case">The case.</param>
    /// <param name="signers">Who may sign under the case's policy.</param>
    /// <param name="deadline">When the answer must stand; what is not verified by then is Unknown.</param>
    public async ValueTask<AdmissionOutcome> JudgeAsync(AdmissionCase @case, TrustedSigners signers, CancellationToken deadline)
    {
        ArgumentNullException.ThrowIfNull(@case);
        var outcome = await DecideAsync(@case, signers, @case.Environment is null ? TimeSpan.MaxValue : OldestApproval, deadline).ConfigureAwait(false);

        // A signature may have been added since the claims were kept: no refusal rests on an old absence.
        if (outcome.Decision.Verdict > Verdict.Warn && @case.Subjects.Any())
        {
            outcome = await DecideAsync(@case, signers, ClaimCache.Absent, deadline).ConfigureAwait(false);
        }

        if (@case.Record(outcome, clock.GetUtcNow()) is { } record)
        {
            return await RecordAsync(@case, outcome, record, deadline).ConfigureAwait(false);
        }

        // Uses are counted by records: what cannot be recorded could use one approval without end.
        return outcome.Admitted && MostUses(outcome) is not null && @case.Place is null && @case.Documents.IsEmpty
            ? outcome.And(Decision.Unknown(new Reason(Rule, "an approval for a number of uses is used by an object whose pod template cannot be recorded", "approve it without a number of uses, or deploy a workload with a pod template")).Answer(@case.Mode))
            : outcome;
    }

    private async ValueTask<AdmissionOutcome> DecideAsync(AdmissionCase @case, TrustedSigners signers, TimeSpan oldest, CancellationToken deadline)
    {
        var reads = @case.Subjects.Select(subject => (subject, Read: claims.GetAsync(subject, signers, oldest, deadline))).ToArray();
        var known = new Dictionary<Subject, Claims>(reads.Length);
        foreach (var (subject, read) in reads)
        {
            if (await read.ConfigureAwait(false) is { } found)
            {
                known.Add(subject, found);
            }
        }

        // What goes on uses nothing, and is most of what is asked; only what begins looks at uses.
        var circumstances = await CircumstancesAsync(@case, clock.GetUtcNow(), deadline).ConfigureAwait(false);
        var outcome = @case.Decide(known, circumstances);
        return outcome.NeedsUses ? @case.Decide(known, circumstances with { Uses = await UsesAsync(known.Values, deadline).ConfigureAwait(false) }) : outcome;
    }

    private async ValueTask<Circumstances> CircumstancesAsync(AdmissionCase @case, DateTimeOffset now, CancellationToken deadline)
    {
        var circumstances = new Circumstances(now) { Uses = null };
        if (@case.Policy.Revocations is not null)
        {
            circumstances = circumstances with { Revocations = await RevocationsAsync(@case.Policy, now, deadline).ConfigureAwait(false) };
        }

        try
        {
            return @case.MayGoOn is { } place ? circumstances with { Admitted = await records.FindAsync(place, deadline).ConfigureAwait(false) } : circumstances;
        }
        catch (OperationCanceledException)
        {
            return circumstances with { Uses = NotInTime };
        }
    }

    private async ValueTask<Reading<IReadOnlyDictionary<string, long>>> UsesAsync(IEnumerable<Claims> known, CancellationToken deadline)
    {
        try
        {
            var uses = new Dictionary<string, long>(StringComparer.Ordinal);
            foreach (var claims in known)
            {
                foreach (var request in claims.Requests)
                {
                    uses[request] = await records.UsesAsync(request, deadline).ConfigureAwait(false);
                }
            }

            return new Reading<IReadOnlyDictionary<string, long>>.Found(uses);
        }
        catch (OperationCanceledException)
        {
            return NotInTime;
        }
    }

    private async ValueTask<Reading<RevocationList>> RevocationsAsync(Policy policy, DateTimeOffset now, CancellationToken deadline)
    {
        try
        {
            return await revocations(policy, now, deadline).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return new Reading<RevocationList>.Unread(new("trust.revocations", "the list of revocations was not read in time", "try again: reading goes on and the next try finds its result"));
        }
    }

    // Nothing begins without its record: the Pods that follow need it, and a use that is not counted could be used again.
    private async ValueTask<AdmissionOutcome> RecordAsync(AdmissionCase @case, AdmissionOutcome outcome, AdmittedRecord record, CancellationToken deadline)
    {
        Reason reason;
        try
        {
            // What begins once more as before, where uses are not counted, has its record: else who may make and delete one workload could fill the store.
            if (MostUses(outcome) is null && (await records.FindAsync(record.Place, deadline).ConfigureAwait(false)).Any(record.BeginsAgain))
            {
                return outcome;
            }

            switch (await records.AppendAsync(record, MostUses(outcome), deadline).ConfigureAwait(false))
            {
                case Reading<AdmittedRecord>.Found(var began):
                    return outcome with { Began = began };
                case Reading<AdmittedRecord>.Unread(var unread):
                    reason = unread;
                    break;
                default:
                    throw new UnreachableException();
            }
        }
        catch (OperationCanceledException)
        {
            reason = new(Rule, "what begins was not recorded in time", "try again");
        }

        return outcome.And(Decision.Unknown(reason with { Rule = Rule }).Answer(@case.Mode));
    }

    private static int? MostUses(AdmissionOutcome outcome) => outcome.Grants.Min(grant => grant.MaxUses) is { } most ? (int)Math.Min(most, int.MaxValue) : null;
}
