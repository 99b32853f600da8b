using System.Buffers;
using System.Collections.Immutable;
using Governance.Gates.Images;

namespace Governance.Gates.Approvals;

/// <summary>What a Pod must equal to start from what was admitted before.</summary>
/// <param name="Environment">The policy's name of the environment.</param>
/// <param name="Namespace">The namespace.</param>
/// <param name="ServiceAccount">The service account that the Pod runs as.</param>
/// <param name="Template">The digest of the projection of its template.</param>
public sealed record AdmittedPlace(string Environment, string Namespace, string ServiceAccount, Digest Template);

/// <summary>A request that was used to begin, and the approvals that counted.</summary>
/// <param name="Action">The action, as the policy names it.</param>
/// <param name="RequestId">The request's id; uses are counted by it.</param>
/// <param name="RequestDigest">The digest of the request's statement.</param>
/// <param name="Approvals">The ids of the approvals that counted.</param>
public sealed record ApprovedUse(string Action, string RequestId, Digest RequestDigest, ImmutableArray<string> Approvals)
{
    /// <summary>Who asked and who approved, and with which key: so that a revocation of one of them reaches what began, whatever a registry still shows.</summary>
    public ImmutableArray<RecordedSigner> Signers { get; init; } = [];
}

/// <summary>A person whose signature counted.</summary>
/// <param name="Person">The id that the policy gave them.</param>
/// <param name="Key">SHA-256 of the SPKI of the key; null where they signed without one, as a subject of an OIDC issuer.</param>
public sealed record RecordedSigner(string Person, Digest? Key);

/// <summary>That something was admitted: what it was, where, under which approvals, and how long further Pods of it may start.</summary>
/// <remarks>The format is documented in <c>docs/formats/admitted-record.md</c>. Two records are the same where their <see cref="ToJson"/> is.</remarks>
public sealed record AdmittedRecord
{
    /// <summary>The most bytes that a record's JSON may have.</summary>
    public const int MostBytes = 512 * 1024;

    internal const int MostArtifacts = 256;
    internal const int MostUses = 16;
    internal const int MostApprovals = 32;
    private const int LongestText = 256;

    // A kind of at most 63 characters and a name of at most 253.
    private const int LongestWorkload = 320;
    private static readonly SearchValues<char> Printable = SearchValues.Create([.. Enumerable.Range(' ', '~' - ' ' + 1).Select(c => (char)c)]);

    /// <summary>The uid of the AdmissionReview that began it. A review that is sent again has the same one.</summary>
    public required string Id { get; init; }

    /// <summary>The policy's name of the environment.</summary>
    public required string Environment { get; init; }

    /// <summary>UID of the cluster's <c>kube-system</c> namespace; null where it was not said.</summary>
    public string? Cluster { get; init; }

    /// <summary>The namespace; empty where the act has none.</summary>
    public required string Namespace { get; init; }

    /// <summary><c>Kind/name</c> of the object that began; null where it had no name of its own.</summary>
    public string? Workload { get; init; }

    /// <summary>The service account; empty where the act has none.</summary>
    public required string ServiceAccount { get; init; }

    /// <summary>The digest of the projection of the template.</summary>
    public required Digest Template { get; init; }

    /// <summary>The digests of the images, sorted and each once.</summary>
    public required ImmutableArray<Digest> Artifacts
    {
        get;
        init => field = [.. value.DistinctBy(digest => digest.Hex).OrderBy(digest => digest.Hex, StringComparer.Ordinal)];
    }

    /// <summary>The digest of the policy that was in force.</summary>
    public required Digest Policy { get; init; }

    /// <summary>The requests that were used, one for each action.</summary>
    public required ImmutableArray<ApprovedUse> Uses { get; init; }

    /// <summary>When it began.</summary>
    public required DateTimeOffset BegunAt { get; init; }

    /// <summary>When the right to start further Pods ends; null where it has no end.</summary>
    public DateTimeOffset? RunUntil { get; init; }

    /// <summary>What a Pod must equal to start from this record.</summary>
    public AdmittedPlace Place => new(Environment, Namespace, ServiceAccount, Template);

    /// <summary>The ids of the requests that were used, each once.</summary>
    public IEnumerable<string> Requests => Uses.Select(use => use.RequestId).Distinct(StringComparer.Ordinal);

    /// <summary>Why this cannot be recorded; null where it can.</summary>
    /// <remarks>A record holds only texts that a line of any log shows as they are: printable ASCII of at most 256 characters.</remarks>
    public string? Mistake =>
        !IsName(Id) ? "its id is empty, too long or not printable ASCII"
        : !IsName(Environment) ? "its environment is empty, too long or not printable ASCII"
        : Cluster is not null && !IsName(Cluster) ? "its cluster is empty, too long or not printable ASCII"
        : !IsText(Namespace) || !IsText(ServiceAccount) ? "its namespace or service account is too long or not printable ASCII"
        : Workload is not null && !IsText(Workload, LongestWorkload) ? "its workload is too long or not printable ASCII"
        : Artifacts.Length > MostArtifacts ? $"it has {Artifacts.Length} artifacts, more than {MostArtifacts}"
        : Uses.Length > MostUses ? $"it uses {Uses.Length} requests, more than {MostUses}"
        : Uses.Any(use => !IsName(use.Action) || !IsName(use.RequestId)) ? "an action or a request's id is empty, too long or not printable ASCII"
        : Uses.Any(use => use.Approvals.Length > MostApprovals) ? $"a request has more than {MostApprovals} approvals"
        : Uses.Any(use => use.Approvals.Any(approval => !IsName(approval))) ? "an approval's id is empty, too long or not printable ASCII"
        : Uses.Any(use => use.Signers.Length > MostApprovals + 1 || use.Signers.Any(signer => !IsName(signer.Person))) ? $"a request has more than {MostApprovals + 1} signers, or the id of one is empty, too long or not printable ASCII"
        : null;

    /// <summary>Whether further Pods of it may start: the end is not reached.</summary>
    /// <param name="now">The time of the decision.</param>
    public bool IsLiveAt(DateTimeOffset now) => RunUntil is not { } end || now < end;

    /// <summary>Whether this is what an earlier record says, begun again: the same in everything but review, time and the object's name.</summary>
    /// <param name="earlier">The earlier one.</param>
    public bool BeginsAgain(AdmittedRecord earlier)
    {
        ArgumentNullException.ThrowIfNull(earlier);
        return Mistake is null && (this with { Id = earlier.Id, BegunAt = earlier.BegunAt, Workload = earlier.Workload }).ToJson().AsSpan().SequenceEqual(earlier.ToJson());
    }

    /// <summary>The canonical bytes: one line of JSON, its fields in the documented order.</summary>
    /// <exception cref="InvalidOperationException">The record has a <see cref="Mistake"/>.</exception>
    public byte[] ToJson() => Mistake is { } mistake ? throw new InvalidOperationException(mistake) : AdmittedRecordJson.Write(this);

    /// <summary>Reads a record. Fields that are unknown are ignored, unless the record says that its reader must know them.</summary>
    /// <param name="json">The JSON.</param>
    public static Reading<AdmittedRecord> Read(ReadOnlyMemory<byte> json) => AdmittedRecordJson.Read(json);

    private static bool IsName(string text) => text.Length > 0 && IsText(text);

    private static bool IsText(string text, int longest = LongestText) => text.Length <= longest && !text.AsSpan().ContainsAnyExcept(Printable);
}
