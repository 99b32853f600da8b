using System.Diagnostics.Metrics;
using Governance.Gates.Admission;
using Governance.Gates.Clients.Evidence;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Policies;

namespace Governance.Gates.Webhook;

/// <summary>What the webhook counts. The names stand here and nowhere else; <c>docs/operating.md</c> is tested against them.</summary>
internal sealed class GateMetrics : IDisposable
{
    public const string Requests = "gates_admission_requests_total";
    public const string Decisions = "gates_admission_decisions_total";
    public const string Duration = "gates_admission_duration_seconds";
    public const string UnreadableRequests = "gates_admission_unreadable_requests_total";
    public const string Failures = "gates_admission_failures_total";
    public const string PolicyInfo = "gates_policy_info";
    public const string PolicyRefusals = "gates_policy_refusals_total";
    public const string CertificateEnd = "gates_certificate_not_after_seconds";
    public const string LedgerEntries = "gates_ledger_entries";
    public const string LedgerPublished = "gates_ledger_published_entries";
    public const string LedgerVerified = "gates_ledger_verified";
    public const string LedgerFailures = "gates_ledger_failures_total";
    public const string ClaimsKept = "gates_claims_kept";
    public const string ClaimsUnderWay = "gates_claims_under_way";

    // The API server's own buckets for admission webhooks, so that both sides can be laid over each other.
    private static readonly double[] Buckets = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25];

    private readonly Meter meter = new("Governance.Gates.Webhook");
    private readonly Counter<long> requests;
    private readonly Counter<long> decisions;
    private readonly Counter<long> unreadable;
    private readonly Counter<long> failures;
    private readonly Counter<long> refusals;
    private readonly Counter<long> notRecorded;
    private readonly Histogram<double> duration;
    private volatile KeyValuePair<string, object?>[]? policy;
    private double certificateEnd;
    private int verified = -1;

    public GateMetrics()
    {
        requests = meter.CreateCounter<long>(Requests, description: "Admission requests by verdict and by whether they were admitted.");
        decisions = meter.CreateCounter<long>(Decisions, description: "Reasons given, by rule and verdict.");
        unreadable = meter.CreateCounter<long>(UnreadableRequests, description: "Bodies that were no readable AdmissionReview.");
        failures = meter.CreateCounter<long>(Failures, description: "Requests refused because the gate itself failed.");
        refusals = meter.CreateCounter<long>(PolicyRefusals, description: "Changed policies that were refused.");
        notRecorded = meter.CreateCounter<long>(LedgerFailures, description: "Decisions that could not be recorded in the ledger.");
        meter.CreateObservableGauge(LedgerVerified, () => Volatile.Read(ref verified) is >= 0 and var holds ? [new Measurement<long>(holds)] : Array.Empty<Measurement<long>>(), description: "Whether the ledger verified when it was looked at last.");
        duration = meter.CreateHistogram<double>(Duration, unit: "s", description: "Seconds from the request to its answer.", tags: null, advice: new() { HistogramBucketBoundaries = Buckets });
        meter.CreateObservableGauge(PolicyInfo, () => policy is { } labels ? [new Measurement<long>(1, labels)] : Array.Empty<Measurement<long>>(), description: "The policy in force.");
        meter.CreateObservableGauge(CertificateEnd, () => Volatile.Read(ref certificateEnd), description: "When the server certificate ends, in seconds since 1970.");
    }

    public Meter Meter => meter;

    /// <summary>Begins what is counted without labels at zero, so that the first event is an increase, and watches the claims.</summary>
    public void Begin(ClaimCache claims)
    {
        foreach (var counter in (Counter<long>[])[unreadable, failures, refusals, notRecorded])
        {
            counter.Add(0);
        }

        meter.CreateObservableGauge(ClaimsKept, () => (long)claims.Count, description: "Images of which claims are kept.");
        meter.CreateObservableGauge(ClaimsUnderWay, () => (long)claims.UnderWay, description: "Verifications under way.");
    }

    /// <summary>Watches the ledger.</summary>
    public void Begin(LocalLedger ledger)
    {
        meter.CreateObservableGauge(LedgerEntries, () => ledger.State.Size, description: "Entries of the ledger.");
        meter.CreateObservableGauge(LedgerPublished, () => ledger.State.Published, description: "Entries of the ledger that its checkpoint covers.");
    }

    public void NotRecorded() => notRecorded.Add(1);

    public void Verified(bool holds) => Volatile.Write(ref verified, holds ? 1 : 0);

    public void Decided(AdmissionOutcome outcome, TimeSpan took)
    {
        requests.Add(1, new("verdict", AdmissionAnswer.Name(outcome.Decision.Verdict)), new("admitted", outcome.Admitted ? "true" : "false"));
        foreach (var answer in outcome.Answers)
        {
            foreach (var reason in answer.Decision.Reasons)
            {
                decisions.Add(1, new("rule", reason.Rule), new("verdict", AdmissionAnswer.Name(answer.Decision.Verdict)));
            }
        }

        duration.Record(took.TotalSeconds);
    }

    public void Unreadable() => unreadable.Add(1);

    public void Failed() => failures.Add(1);

    public void PolicyRefused() => refusals.Add(1);

    public void PolicyLoaded(Policy loaded) => policy = [new("name", loaded.Name), new("version", loaded.Version.ToString(System.Globalization.CultureInfo.InvariantCulture)), new("digest", loaded.Digest.ToString())];

    public void CertificateExpires(DateTime at) => Volatile.Write(ref certificateEnd, new DateTimeOffset(at).ToUnixTimeSeconds());

    public void Dispose() => meter.Dispose();
}
