using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Admission;
using Governance.Gates.Approvals;
using Governance.Gates.Evidence;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;
using Governance.Gates.Sigstore;
using Governance.Gates.Tests.Approvals;

namespace Governance.Gates.Tests.Admission;

/// <summary>What the gate of one cluster is asked and remembers: images of shop/ must be approved with their template, and what begins is recorded as the judge records it.</summary>
internal sealed class ApprovedCluster(Policy? policy = null, string? cluster = Firm.Primary)
{
    public const string Shop = """
        - match: [registry.example.com/shop/**]
                require: { approved: { action: deploy, covers: [artifact, template] } }
              - match: [registry.example.com/open/**]
                verdict: allow
                why: nothing is asked of these
        """;

    private readonly List<(Digest Subject, SignedEntity Entity)> attached = [];

    // Kept as the gate keeps them, so that what stands from one review is there for the next.
    private readonly Dictionary<(Digest Subject, int Attached), Claims> verified = [];
    private readonly Dictionary<AdmittedPlace, ImmutableArray<AdmittedRecord>> places = [];
    private int reviews;

    public static string Api { get; } = ImageOf("api");

    public Policy Policy { get; } = policy ?? WithImages(Shop);

    public List<AdmittedRecord> Records { get; } = [];

    public RevocationList Revocations { get; set; } = RevocationList.Empty;

    public Reading<RevocationList>? RevocationsRead { get; set; }

    public static string ImageOf(string name) => $"registry.example.com/shop/{name}@{Digest.Of(System.Text.Encoding.UTF8.GetBytes(name))}";

    public static Policy WithImages(string rules, string more = "") => Firm.PolicyWith("- { match: [\"**\"], verdict: deny }\n", rules.Trim() + "\n" + more);

    /// <summary>A workload in the namespace pay, which is production.</summary>
    public static Review Workload(string kind, JsonObject? spec = null, string ns = "pay") => Workloads.Review(kind, (JsonObject)(spec ?? Workloads.Spec(Api)).DeepClone()) with { Namespace = ns };

    /// <summary>What Ann asks for: an image, and the template of this workload.</summary>
    public SignedStatement Asked(Review review, string image, Func<ApprovalRequest, ApprovalRequest>? change = null)
    {
        using var json = JsonDocument.Parse(review.Object!.ToJsonString());
        var template = TemplateProjection.OfObject(review.Group, review.Kind, json.RootElement, Policy.Admission.Sidecars)!.Try(out var read, out var why) ? read : throw new InvalidOperationException(why.Message);
        var digest = ImageReference.Parse(image).Digest!;
        var request = Firm.Request() with { Covers = [new(CoveredKind.Artifact, null, digest, default), new(CoveredKind.Template, null, template.Digest, template.Json)] };
        return Attach(change?.Invoke(request) ?? request, "ann", digest);
    }

    /// <summary>A workload that two operators approved for Ann.</summary>
    public Review Approved(Review review, string? image = null, Func<ApprovalRequest, ApprovalRequest>? request = null, Func<Approval, Approval>? approval = null)
    {
        var asked = Asked(review, image ?? Api, request);
        foreach (var by in (string[])["ben", "cem"])
        {
            Answer(asked, by, image, approval);
        }

        return review;
    }

    public SignedStatement Answer(SignedStatement asked, string by, string? image = null, Func<Approval, Approval>? change = null, string? key = null)
    {
        var approval = Firm.Approval(asked, by);
        approval = approval with { Id = $"{approval.Id} of {asked.Statement.Id}", Approver = approval.Approver with { Identity = Firm.Key(key ?? by) } };
        return Attach(change?.Invoke(approval) ?? approval, key ?? by, ImageReference.Parse(image ?? Api).Digest!);
    }

    public SignedStatement Attach(ApprovalStatement statement, string key, Digest subject)
    {
        var payload = ApprovalStatements.WriteStatement(statement, [("image", subject)]);
        attached.Add((subject, TestPolicy.Wait(SigstoreBundle.SignStatementAsync(payload, Firm.Signer(key), CancellationToken.None))));
        return new(statement, [Firm.Key(key)], Digest.Of(payload), key);
    }

    /// <summary>Hangs a statement on an image, as its signer wrote it.</summary>
    public void Attach(ReadOnlyMemory<byte> statement, string key, Digest? subject = null) =>
        attached.Add((subject ?? ImageReference.Parse(Api).Digest!, TestPolicy.Wait(SigstoreBundle.SignStatementAsync(statement, Firm.Signer(key), CancellationToken.None))));

    /// <summary>What a registry would show on a digest.</summary>
    public AttachedEvidence On(Digest digest) => new([.. attached.Where(one => one.Subject == digest).Select((one, i) => new EvidenceItem(one.Entity, Digest.Of(BitConverter.GetBytes(i)), $"referrer {i}"))], []);

    /// <summary>A registry that shows only what says yes.</summary>
    public void Hide() => attached.Clear();

    /// <summary>Asks the gate, and records what begins.</summary>
    public AdmissionOutcome Ask(Review review, DateTimeOffset? at = null)
    {
        var now = at ?? Firm.Now;
        var @case = (review with { Uid = $"review-{++reviews}" }).Open(Policy, cluster);
        var outcome = @case.Decide(
            @case.Subjects.ToDictionary(subject => subject, subject => Verified(subject.Digest)),
            new Circumstances(now)
            {
                Revocations = RevocationsRead ?? new Reading<RevocationList>.Found(Revocations),
                Uses = new Reading<IReadOnlyDictionary<string, long>>.Found(Records.SelectMany(record => record.Requests).CountBy(request => request).ToDictionary(pair => pair.Key, pair => (long)pair.Value)),
                Admitted = @case.MayGoOn is { } place ? Admitted(place) : [],
            });
        if (@case.Record(outcome, now) is { } record)
        {
            Assert.Null(record.Mistake);
            Records.Add(record);
            outcome = outcome with { Began = record };
        }

        Replays(@case, outcome);

        return outcome;
    }

    public AdmissionOutcome Goes(Review review, DateTimeOffset? at = null)
    {
        var outcome = Ask(review, at);
        Assert.True(outcome.Admitted && outcome.Decision.Verdict == Verdict.Allow, string.Join('\n', outcome.Decision.Reasons));
        return outcome;
    }

    /// <summary>Refused for a reason that says this, and nothing is recorded.</summary>
    public AdmissionOutcome Refused(Review review, string because, DateTimeOffset? at = null, Verdict verdict = Verdict.Deny)
    {
        var before = Records.Count;
        var outcome = Ask(review, at);
        Assert.Equal((false, verdict, before), (outcome.Admitted, outcome.Decision.Verdict, Records.Count));
        Assert.True(outcome.Decision.Reasons.Concat(outcome.Decision.Notes).Any(reason => reason.Message.Contains(because, StringComparison.Ordinal)), string.Join('\n', outcome.Decision.Reasons));
        return outcome;
    }

    /// <summary>The last entry, as it would be read from a log, and what would be kept.</summary>
    public (LedgerEntry Entry, Dictionary<Digest, ReadOnlyMemory<byte>> Kept)? Last { get; private set; }

    /// <summary>Whether each decision must be one that can be made again.</summary>
    public bool ReplaysAll { get; set; } = true;

    // As the gate records it; null where it records none.
    private LedgerEntry? Entry(AdmissionCase @case, AdmissionOutcome outcome) =>
        DecisionEntry.Of(@case, outcome, new("gates-webhook", "1.0.0", null), cluster, new(EntryInputKind.Trust, "policy-files", Digest.Of(Firm.KeyFiles.Span), Firm.Now));

    private Dictionary<Digest, ReadOnlyMemory<byte>> Kept(AdmissionCase @case, AdmissionOutcome outcome)
    {
        var kept = new Dictionary<Digest, ReadOnlyMemory<byte>>(Firm.Files) { [Digest.Of(Firm.KeyFiles.Span)] = Firm.KeyFiles };
        foreach (var bytes in attached.Select(one => TestPolicy.Item(one.Entity, "")).Select(item => new KeptBytes(item.Digest, item.Bytes)).Concat(DecisionBasis.Kept(@case, outcome)))
        {
            kept[bytes.Digest] = bytes.Bytes;
        }

        return kept;
    }

    // Whatever is asked in any of these tests can be decided again from its entry and what is kept, and comes out the same byte for byte.
    private void Replays(AdmissionCase @case, AdmissionOutcome outcome)
    {
        if (Entry(@case, outcome) is not { } entry || (Revocations != RevocationList.Empty && RevocationsRead is null))
        {
            return;
        }

        var kept = Kept(@case, outcome);
        var stored = (entry with { Origin = "test", Epoch = 1 }).Fit(out var away).Write();
        foreach (var part in away)
        {
            kept[Digest.Of(part.Span)] = part;
        }

        Assert.True(stored.Try(out var bytes, out var why), why?.Message);
        Assert.True(LedgerEntry.Read(bytes).Try(out var read, out why), why?.Message);
        Last = (read, kept);
        if (!ReplaysAll)
        {
            return;
        }

        var replayed = DecisionReplay.Of(read, digest => kept.TryGetValue(digest, out var found) ? new Reading<ReadOnlyMemory<byte>>.Found(found) : new Reading<ReadOnlyMemory<byte>>.Unread(new("ledger", $"{digest} is not kept", "keep it")));
        Assert.True(replayed.Try(out var again, out why), why?.Message);
        Assert.Equal([], again.Differences);
    }

    private ImmutableArray<AdmittedRecord> Admitted(AdmittedPlace place)
    {
        var records = Records.Where(record => record.Place == place);
        return places.TryGetValue(place, out var known) && known.SequenceEqual(records) ? known : places[place] = [.. records];
    }

    private Claims Verified(Digest subject)
    {
        SignedEntity[] entities = [.. attached.Where(one => one.Subject == subject).Select(one => one.Entity)];
        return verified.TryGetValue((subject, entities.Length), out var known) ? known : verified[(subject, entities.Length)] = TestPolicy.Verify(subject, Policy, entities);
    }
}
