using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.CompilerServices;
using Governance.Gates.Admission;
using Governance.Gates.Clients.GateState;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Evidence;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;
using Governance.Gates.Policies;

namespace Governance.Gates.Webhook;

/// <summary>The gate's ledger: every decision, policy, start, stop and minute. Where no ledger is kept, everything here does nothing.</summary>
internal sealed partial class GateLedger(WebhookOptions options, GateMetrics metrics, TimeProvider clock, ILogger<GateLedger> log) : IAsyncDisposable
{
    private const string Rule = "ledger";
    private const int MostSeen = 100_000;
    private static readonly TimeSpan HeartbeatEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan VerifyEvery = TimeSpan.FromHours(1);

    private readonly EntryComponent component = new("gates-webhook", typeof(GateLedger).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0", null);

    private readonly RefusalFlood flood = new();
    private readonly ResentRefusals resent = new(clock);

    // Statements that the ledger tells of, by the digest of their bytes.
    private readonly ConcurrentDictionary<string, byte> seen = new(StringComparer.Ordinal);

    private readonly LedgerGap gap = new();

    // Of each policy that decisions still rest on.
    private readonly ConditionalWeakTable<Policy, PolicyBasis> known = [];
    private LocalLedger? ledger;
    private LedgerSpool? spool;
    private EvidenceStore? evidence;
    private NoteKey? key;
    private Checkpoint? verified;
    private volatile string? fault;
    private LedgerFollowing? following;
    private volatile string? unpublished;

    /// <summary>Why nothing can be recorded any more; null while all is well.</summary>
    public string? Failure => ledger?.State.Fault?.ToString();

    /// <summary>What somebody has to look at, though decisions are recorded; null while all is well.</summary>
    public string? Warning => fault ?? unpublished ?? ledger?.State.Warning?.ToString();

    /// <summary>Opens the ledger.</summary>
    /// <exception cref="GateException">It is not as it was written, or somebody else has it.</exception>
    public void Open()
    {
        if (options.Ledger is not { } folder)
        {
            return;
        }

        var signer = options.LedgerOrigin is { } origin && !File.Exists(LedgerKeyFiles.KeyOf(folder)) ? LedgerKeyFiles.Create(folder, origin) : LedgerKeyFiles.Read(folder);
        if (options.LedgerOrigin is { } named && signer.Key.Name != named)
        {
            throw new GateException($"the ledger {folder} is {signer.Key.Name}, and --ledger-origin says {named}", "give each log a folder of its own");
        }

        key = signer.Key;
        if (options.LedgerSpool is { } spooled)
        {
            // What a former process could not tell any more is told by this one.
            spool = new(spooled, clock);
            foreach (var file in spool.Before)
            {
                gap.Add(file.Entries, file.First);
            }
        }

        evidence = new(folder);
        ledger = LocalLedger.OpenAsync(folder, signer, component, clock, CancellationToken.None).GetAwaiter().GetResult();
        following = options.LedgerCheckpoints is { } checkpoints ? new(new LedgerFolder(folder), key, new CheckpointFolder(checkpoints, key)) : null;
        LogOpened(folder, key.ToString(), ledger.State.Size);
        if (ledger.Recovered is { } cut)
        {
            LogRecovered(cut);
        }
    }

    /// <summary>Records the start, and verifies what was there before.</summary>
    public async Task StartAsync(Policy policy, CancellationToken cancellation)
    {
        if (ledger is null)
        {
            return;
        }

        metrics.Begin(ledger);
        if (ledger.State.Size == 0)
        {
            await AppendAsync(Event(LedgerEvents.LogOpened) with { Details = EntryDocument.Of(json => json.WriteString("vkey", key!.ToString())) }, cancellation);
        }

        await AppendAsync(Event(LedgerEvents.Start), cancellation);
        await PolicyAsync(policy, null, cancellation);
    }

    /// <summary>A heartbeat each minute, and each hour the log is verified from where it was verified last; meanwhile its checkpoints are published.</summary>
    public Task RunAsync(CancellationToken cancellation) => ledger is null ? Task.CompletedTask : Task.WhenAll(BeatAsync(cancellation), following?.RunAsync(clock, Followed, cancellation) ?? Task.CompletedTask);

    private async Task BeatAsync(CancellationToken cancellation)
    {
        await VerifyAsync(cancellation);
        using var timer = new PeriodicTimer(HeartbeatEvery, clock);
        var last = clock.GetTimestamp();
        while (await timer.WaitForNextTickAsync(cancellation))
        {
            await AppendAsync(Event(LedgerEvents.Heartbeat), cancellation);
            await SuppressedAsync(cancellation);
            if (clock.GetElapsedTime(last) >= VerifyEvery)
            {
                last = clock.GetTimestamp();
                await VerifyAsync(cancellation);
            }
        }
    }

    /// <summary>Takes a policy's bytes and those of the files that it names before it decides, so that every decision under it can be made again.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="files">They; null where they changed meanwhile.</param>
    public void Know(Policy policy, AcceptedPolicy? files)
    {
        if (options.Ledger is null)
        {
            return;
        }

        if (files is null)
        {
            LogLost($"the files of policy {policy.Digest}: they changed while they were read");
            return;
        }

        var (names, parts) = files.Kept(policy);
        known.AddOrUpdate(policy, new(new(EntryInputKind.Trust, "policy-files", names, clock.GetUtcNow()), parts));
    }

    /// <summary>Records a policy that came into force, or why one did not.</summary>
    public async Task PolicyAsync(Policy policy, string? refused, CancellationToken cancellation)
    {
        if (ledger is null)
        {
            return;
        }

        var basis = known.TryGetValue(policy, out var files) ? files : null;
        if (evidence?.Keep(basis?.Files ?? []) is { } lost)
        {
            LogLost(lost.ToString());
        }

        await AppendAsync(
            Event(refused is null ? LedgerEvents.PolicyLoaded : LedgerEvents.PolicyRefused) with
            {
                Policy = new(policy.Name, policy.Version, policy.Digest),
                Inputs = basis is null ? [] : [basis.Trust],
                Evidence = basis is null ? null : new EntryPart<ImmutableArray<EntryEvidence>>.Inline([new("governance.gates/policy", policy.Digest, basis.Files[0].Bytes.Length, null, null)]),
                Reasons = refused is null ? null : new EntryPart<ImmutableArray<EntryReason>>.Inline([new("policy", null, PersonalText.Of(refused, LedgerText.LongestMessage)!)]),
            },
            cancellation);
    }

    /// <summary>Keeps the bytes of a statement that was proven, before a decision rests on it, and of what stands beside it only what proved it: the rest is anybody's.</summary>
    public Reason? Keep(Claim claim, ReadOnlyMemory<byte> bytes) =>
        evidence?.Keep(claim.Evidence, bytes) ?? evidence?.Keep(((KeptBytes?[])[claim.Signature, claim.Annotations]).OfType<KeptBytes>());

    /// <summary>Records a decision before it is answered.</summary>
    /// <returns>The outcome; where it could not be recorded, with that as one more answer: refused where the gate enforces, a warning and a gap elsewhere.</returns>
    public async ValueTask<AdmissionOutcome> RecordAsync(AdmissionCase @case, AdmissionOutcome outcome, CancellationToken cancellation)
    {
        if (options.Ledger is null)
        {
            return outcome;
        }

        var name = ResentRefusals.NameOf(@case, outcome);
        if (name is not null && resent.Take(name, @case.Request.Uid) is { } first)
        {
            LogResent(@case.Request.Uid, first);
            return outcome;
        }

        var basis = known.TryGetValue(@case.Policy, out var files) ? files : null;
        if (DecisionEntry.Of(@case, outcome, component, options.ClusterUid, basis?.Trust) is not { } entry)
        {
            return outcome;
        }

        if (!outcome.Admitted && flood.Takes(@case.Request.User, entry))
        {
            return outcome;
        }

        await SeenAsync(outcome, cancellation);
        var parts = (basis?.Files ?? []).Concat(DecisionBasis.Kept(@case, outcome).Where(part => outcome.Admitted || evidence!.IsKept(part.Digest) || flood.MayKeep(@case.Request.User, part.Bytes.Length)));
        var reason = evidence?.Keep(parts) ?? await TryAppendAsync(entry, outcome.Admitted ? Precedence.Vital : Precedence.Usual, cancellation);
        if (reason is null)
        {
            if (name is not null)
            {
                resent.Add(name, @case.Request.Uid);
            }

            return outcome;
        }

        metrics.NotRecorded();
        var answer = Decision.Unknown(new Reason(Rule, $"the decision could not be recorded: {reason.Message}", reason.Remedy)).Answer(@case.Mode == Mode.Enforce ? Mode.Enforce : Mode.Warn);
        if (outcome.Admitted && answer.Admitted)
        {
            Missed(entry);
        }

        return outcome.And(answer);
    }

    /// <summary>Records that a review was refused because it could not be read.</summary>
    public async Task UnreadableAsync(string uid, Reason reason, CancellationToken cancellation)
    {
        var entry = DecisionEntry.OfUnreadable(uid, reason, component, options.ClusterUid, clock.GetUtcNow());
        if (ledger is not null && !flood.Takes("", entry) && await TryAppendAsync(entry, Precedence.Usual, cancellation) is not null)
        {
            metrics.NotRecorded();
        }
    }

    /// <summary>Records the end, and gives the folder back.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref ledger, null) is { } open)
        {
            foreach (var entry in Suppressed())
            {
                await open.AppendAsync(entry, Precedence.Vital, CancellationToken.None);
            }

            await GapAsync(open, CancellationToken.None);
            await open.AppendAsync(Event(LedgerEvents.Stop), Precedence.Vital, CancellationToken.None);
            await open.DisposeAsync();
            spool?.End(gap.IsEmpty);
            if (following is not null)
            {
                Followed(await following.StepWithinAsync(TimeProvider.System, CancellationToken.None));
            }
        }
    }

    private void Followed(Reason? why)
    {
        var told = why?.ToString();
        if (told is not null && unpublished is null)
        {
            LogUnpublished(told);
        }

        unpublished = told;
    }

    private async Task SuppressedAsync(CancellationToken cancellation)
    {
        foreach (var entry in Suppressed())
        {
            await AppendAsync(entry, cancellation);
        }
    }

    private IEnumerable<LedgerEntry> Suppressed() => flood.Turn().Select(one => Event(LedgerEvents.Suppressed) with
    {
        Actor = PersonalText.Of(one.Actor) is { } actor ? new(actor, DecisionEntry.KindOf(one.Actor), null, null, null) : null,
        Outcome = DecisionEntry.Refused,
        Suppressed = one.Sum,
    });

    // Statements are told once, when a decision first looks at them. One that cannot be told now is told with the next decision.
    private async ValueTask SeenAsync(AdmissionOutcome outcome, CancellationToken cancellation)
    {
        var fresh = outcome.Evidence.Where(claim => claim.Approval is not null && !seen.ContainsKey(claim.Evidence.Hex)).DistinctBy(claim => claim.Evidence.Hex).ToList();
        if (fresh.Count == 0)
        {
            return;
        }

        var now = clock.GetUtcNow();
        await Task.WhenAll(fresh.Select(async claim =>
        {
            if (await TryAppendAsync(DecisionEntry.OfSeen(claim, component, now)!, Precedence.Usual, cancellation) is null)
            {
                seen[claim.Evidence.Hex] = 0;
            }
        }));
        if (seen.Count > MostSeen)
        {
            seen.Clear();
        }
    }

    private async ValueTask<Reason?> TryAppendAsync(LedgerEntry entry, Precedence precedence, CancellationToken cancellation)
    {
        if (ledger is not { } open)
        {
            return new(Rule, "the ledger is closed", "send the request again once the gate has started");
        }

        try
        {
            await GapAsync(open, cancellation);
            return await AppendAsync(open, entry, precedence, cancellation);
        }
        catch (OperationCanceledException)
        {
            return new(Rule, "the ledger did not answer in time", "try again");
        }
    }

    // Null once the entry is durable, and all that it names beside the log.
    private async ValueTask<Reason?> AppendAsync(LocalLedger open, LedgerEntry entry, Precedence precedence, CancellationToken cancellation)
    {
        var fitted = entry.Fit(out var parts);
        return evidence?.Keep(parts.Select(KeptBytes.Of)) ?? (await open.AppendAsync(fitted, precedence, cancellation) is Reading<AppendedEntry>.Unread(var reason) ? reason : null);
    }

    private async Task AppendAsync(LedgerEntry entry, CancellationToken cancellation)
    {
        if (await TryAppendAsync(entry, Precedence.Vital, cancellation) is { } reason)
        {
            LogLost($"{entry.EventType}: {reason}");
        }
    }

    // What was let through unrecorded is told by the log of the process, and summed up in the ledger once it takes entries again.
    private void Missed(LedgerEntry entry)
    {
        gap.Add(1, entry.Timestamp);
        if (spool is not null)
        {
            // It has no place in the log: the spool's entries are not linked, and the gap entry names their file by its hash.
            var lost = (entry with { Origin = key?.Name ?? "none", Epoch = 1 }).Fit(out _).Write().Try(out var bytes, out var why) ? spool.Add(bytes.Span, entry.Timestamp) : why.Message;
            if (lost is not null)
            {
                LogLost($"{entry.EventId} in the spool folder: {lost}");
            }
        }

        LogMissed(entry.EventId, entry.Action ?? "", entry.Resource?.Kind ?? "", entry.Namespace ?? "", entry.Resource?.Name ?? "");
    }

    private async ValueTask GapAsync(LocalLedger open, CancellationToken cancellation)
    {
        if (open.State.Fault is not null || gap.Take() is not var (count, first))
        {
            return;
        }

        var isTold = false;
        var spooled = spool?.Files() ?? [];
        try
        {
            var told = Event(LedgerEvents.Gap) with { Suppressed = new(count, null, first, clock.GetUtcNow()), Details = spooled.IsEmpty ? null : EntryDocument.Of(json => Write(json, spooled)) };
            isTold = await AppendAsync(open, told, Precedence.Vital, cancellation) is null;
            if (isTold)
            {
                spool?.Tell(spooled);
            }
        }
        finally
        {
            if (!isTold)
            {
                // Whoever asked may be gone and the entry written: told twice is better than never.
                gap.Add(count, first);
            }
        }
    }

    private static void Write(System.Text.Json.Utf8JsonWriter json, ImmutableArray<SpooledFile> files)
    {
        json.WriteStartArray("spool");
        foreach (var file in files)
        {
            json.WriteStartObject();
            json.WriteNumber("bytes", file.Bytes);
            json.WriteNumber("entries", file.Entries);
            json.WriteString("file", file.File);
            json.WriteString("sha256", file.Digest.Hex);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private LedgerEntry Event(string type) => new()
    {
        Timestamp = clock.GetUtcNow(),
        EventId = $"{type}-{Guid.NewGuid():N}",
        EventType = type,
        Component = component,
        RetentionClass = RetentionClasses.Audit,
        Cluster = LedgerText.Of(options.ClusterUid),
    };

    /// <summary>What every decision under a policy rests on.</summary>
    /// <param name="Trust">The document that names its files.</param>
    /// <param name="Files">The policy, that document, and the files.</param>
    private sealed record PolicyBasis(EntryInput Trust, ImmutableArray<KeptBytes> Files);
}
