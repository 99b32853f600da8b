using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Governance.Gates.Clients.GitHub;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Cli.Reviews;

/// <summary>What is said of a push, as entries of a ledger (<c>docs/formats/ledger.md</c>, "Pushes"). The branch has moved already, so that nothing is refused by them.</summary>
internal static class PushEntry
{
    /// <summary>The type of a snapshot of a pull request among the evidence.</summary>
    public const string SnapshotType = "https://governance.gates/schemas/v1alpha1/pull-request.schema.json";

    /// <summary>What is asked of a branch; its name follows.</summary>
    public const string ActionPrefix = "push refs/heads/";

    /// <summary>The kind of what an entry about a commit is about.</summary>
    public const string CommitKind = "Commit";

    private const string PolicyType = "governance.gates/policy";
    private const string Outcome = "pushed";
    private const int MostReasons = 256;
    private const int HashDigits = 16;

    /// <summary>The entry of a commit, and what has to be kept before it.</summary>
    /// <param name="repository">Owner and name.</param>
    /// <param name="branch">The branch, without <c>refs/heads/</c>.</param>
    /// <param name="merge">What is said of it.</param>
    /// <param name="commit">Which commit of the merge.</param>
    /// <param name="component">What decided.</param>
    /// <param name="run">In which run of a workflow; null where that is not known.</param>
    /// <param name="now">When.</param>
    public static (LedgerEntry Entry, ImmutableArray<KeptBytes> Kept) Of(RepositoryName repository, string branch, JudgedMerge merge, BranchCommit commit, EntryComponent component, string? run, DateTimeOffset now)
    {
        var entry = Of(branch, new(null, CommitKind, LedgerText.Of($"{repository}@{commit.Id}"), null, null), commit.Id.Hex, component, run, now) with
        {
            Details = EntryDocument.Of(json => Write(json, repository, branch, merge, commit)),
        };
        if (merge.Review is not { } review)
        {
            return (With(entry, merge.Decision), []);
        }

        var snapshot = KeptBytes.Of(review.Snapshot);
        var (names, parts) = review.Policy.Files.Kept(review.Policy.Policy);
        return (
            With(entry with
            {
                Policy = new(review.Policy.Policy.Name, review.Policy.Policy.Version, review.Policy.Policy.Digest),
                Inputs = [new(EntryInputKind.Trust, "policy-files", names, now)],
                Evidence = new EntryPart<ImmutableArray<EntryEvidence>>.Inline([new(PolicyType, parts[0].Digest, parts[0].Bytes.Length, null, null), new(SnapshotType, snapshot.Digest, snapshot.Bytes.Length, null, null)]),
            }, merge.Decision),
            parts.Add(snapshot));
    }

    /// <summary>The entry of what is said of a push as a whole.</summary>
    public static LedgerEntry Of(RepositoryName repository, JudgedPush push, EntryComponent component, string? run, DateTimeOffset now) => With(
        Of(push.Branch, new(null, "Branch", LedgerText.Of($"{repository}@refs/heads/{push.Branch}"), null, null), push.Push.After, component, run, now) with
        {
            Details = EntryDocument.Of(json =>
            {
                json.WriteString("after"u8, push.Push.After);
                json.WriteString("before"u8, push.Push.Before);
                json.WriteString("branch"u8, LedgerText.Of(push.Branch));
                json.WriteString("repository"u8, repository.ToString());
            }),
        },
        push.Whole);

    /// <summary>The same entry with this decision in it.</summary>
    public static LedgerEntry With(LedgerEntry entry, Decision decision)
    {
        ImmutableArray<EntryReason> reasons = [.. decision.Reasons.Take(MostReasons).Select(reason => new EntryReason(LedgerText.Of(reason.Rule) ?? "none", null, PersonalText.Of(reason.ToString(), LedgerText.LongestMessage)!))];
        var evidence = entry.Evidence is EntryPart<ImmutableArray<EntryEvidence>>.Inline(var kept) ? kept : [];
        var words = string.Join('\n', [$"{entry.Action} {entry.Resource?.Name} {entry.Instance} {decision.Verdict}", .. evidence.Select(one => one.Digest.ToString()), .. reasons.Select(reason => $"{reason.Rule} {reason.Message}")]);
        return entry with
        {
            // What one run says of a commit is one event, however often it is told. Another run that comes to the same is another, or a verdict in between would have the last word.
            EventId = $"push-{entry.CorrelationId}-{Digest.Of(Encoding.UTF8.GetBytes(words)).Hex[..HashDigits]}",
            Verdict = decision.Verdict,
            Reasons = reasons.IsEmpty ? null : new EntryPart<ImmutableArray<EntryReason>>.Inline(reasons),
        };
    }

    private static LedgerEntry Of(string branch, EntryResource resource, string sha, EntryComponent component, string? run, DateTimeOffset now) =>
        new()
        {
            Timestamp = now,
            EventId = "",
            EventType = LedgerEvents.Decision,
            CorrelationId = sha,
            Component = component,
            RetentionClass = RetentionClasses.Audit,
            Action = LedgerText.Of($"{ActionPrefix}{branch}"),
            Resource = resource,
            Mode = Mode.Audit,
            Outcome = Outcome,
            Instance = LedgerText.Of(run),
        };

    // In the order of the names, as entries are written.
    private static void Write(Utf8JsonWriter json, RepositoryName repository, string branch, JudgedMerge merge, BranchCommit commit)
    {
        json.WriteString("branch"u8, LedgerText.Of(branch));
        json.WriteString("commit"u8, commit.Id.Hex);
        if (merge.Review is { } head)
        {
            json.WriteString("head"u8, head.Request.HeadSha);
        }

        if (merge.Review is not null)
        {
            Write(json, merge.Merge);
        }

        if (merge.Number is not null)
        {
            json.WriteString("merged_as"u8, merge.Merged.Id.Hex);
        }

        if (merge.Review is { } review)
        {
            json.WriteString("merged_at"u8, review.MergedAt.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        }

        if (merge.Number is { } number)
        {
            json.WriteNumber("number"u8, number);
        }

        if (merge.Commits[0].Parents is [var parent, ..])
        {
            json.WriteString("parent"u8, parent.Hex);
        }

        json.WriteString("repository"u8, repository.ToString());
        json.WriteString("tree"u8, commit.Tree.Hex);
    }

    // What the forge told of the merge is not kept, so that the answer from it is.
    private static void Write(Utf8JsonWriter json, Decision merge)
    {
        json.WriteStartObject("merge"u8);
        json.WriteStartArray("reasons"u8);
        foreach (var reason in merge.Reasons.Take(MostReasons))
        {
            json.WriteStartObject();
            json.WriteString("message"u8, LedgerText.Of(reason.Message, LedgerText.LongestMessage));
            if (LedgerText.Of(reason.Remedy, LedgerText.LongestMessage) is { } remedy)
            {
                json.WriteString("remedy"u8, remedy);
            }

            json.WriteString("rule"u8, LedgerText.Of(reason.Rule));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("verdict"u8, merge.Verdict.ToString());
        json.WriteEndObject();
    }
}
