using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Governance.Gates.Clients.GitHub;

/// <summary>An account (OpenAPI <c>simple-user</c>). <c>{}</c> stands where a commit's address is nobody's, so that nothing is required.</summary>
internal sealed record WireAccount(long Id = 0, string? Login = null, string? Type = null);

/// <summary>A pull request.</summary>
internal sealed record WirePullRequest(long Number, bool Draft, WireAccount? User, WireSide Base, WireSide Head, long ChangedFiles, long Commits, DateTimeOffset? MergedAt = null, string? MergeCommitSha = null, WireLabel[]? Labels = null);

/// <summary>A pull request that a commit belongs to (OpenAPI <c>pull-request-simple</c>).</summary>
internal sealed record WirePullRequestOf(long Number, WireSide Base, DateTimeOffset? MergedAt, string? MergeCommitSha);

/// <summary>A label.</summary>
internal sealed record WireLabel(string Name);

/// <summary>One side of a pull request; a fork that is gone has no repository.</summary>
internal sealed record WireSide(string Ref, string Sha, WireRepository? Repo);

/// <summary>A repository.</summary>
internal sealed record WireRepository(string FullName, string? DefaultBranch = null);

/// <summary>A changed file (OpenAPI <c>diff-entry</c>).</summary>
internal sealed record WireFile(string Filename, string Status, string? Sha, string? PreviousFilename = null);

/// <summary>A commit of a pull request.</summary>
internal sealed record WireCommit(string Sha, WireGitCommit Commit, WireAccount? Author, WireAccount? Committer);

/// <summary>What git itself knows of a commit.</summary>
internal sealed record WireGitCommit(string Message, WireGitPerson? Author, WireGitPerson? Committer);

/// <summary>A name and an address, of which nothing is checked.</summary>
internal sealed record WireGitPerson(string? Email = null);

/// <summary>A review.</summary>
internal sealed record WireReview(long Id, WireAccount? User, string State, string? CommitId, DateTimeOffset? SubmittedAt = null);

/// <summary>Something that happened to a pull request (OpenAPI <c>issue-event</c>).</summary>
internal sealed record WireEvent(string Event, DateTimeOffset CreatedAt, WireAccount? Actor = null, WireLabel? Label = null, WireDismissed? DismissedReview = null);

/// <summary>A review that was dismissed (OpenAPI <c>issue-event-dismissed-review</c>), and what it said before.</summary>
internal sealed record WireDismissed(string State, long ReviewId);

/// <summary>A branch (OpenAPI <c>git-ref</c>).</summary>
internal sealed record WireRef(WireObject Object);

/// <summary>What a ref points at.</summary>
internal sealed record WireObject(string Sha, string Type);

/// <summary>A commit as git has it (OpenAPI <c>git-commit</c>).</summary>
internal sealed record WireCommitObject(string Sha, WireNamed Tree, WireNamed[] Parents);

/// <summary>A git object by its name alone.</summary>
internal sealed record WireNamed(string Sha);

/// <summary>Two commits and where they part (OpenAPI <c>commit-comparison</c>).</summary>
internal sealed record WireComparison(WireNamed MergeBaseCommit);

/// <summary>A tag that is an object of its own (OpenAPI <c>git-tag</c>).</summary>
internal sealed record WireTag(WireObject Object, WireVerification? Verification = null);

/// <summary>What GitHub tells of a signature.</summary>
internal sealed record WireVerification(string Reason, string? Payload, string? Signature);

/// <summary>A tree; of one that is too large only the first entries are told.</summary>
internal sealed record WireTree(WireEntry?[] Tree, bool Truncated);

/// <summary>An entry of a tree.</summary>
internal sealed record WireEntry(string Path, string Mode, string Type, string Sha);

/// <summary>A file's bytes.</summary>
internal sealed record WireBlob(string Content, string Encoding, long? Size);

/// <summary>What an account may do, and which account that is.</summary>
internal sealed record WirePermission(string Permission, WireAccount? User);

/// <summary>A team; only that it is there matters.</summary>
internal sealed record WireTeam(string Slug);

/// <summary>A push to a repository, or what else moved a ref.</summary>
internal sealed record WireActivity(string Ref, string After, WireAccount? Actor, DateTimeOffset? Timestamp = null);

/// <summary>An App's installation.</summary>
internal sealed record WireInstallation(long Id);

/// <summary>What an installation token is asked for.</summary>
internal sealed record WireTokenRequest(string[] Repositories);

/// <summary>A token of an installation.</summary>
internal sealed record WireToken(string Token, DateTimeOffset ExpiresAt);

/// <summary>An answer of the GraphQL API.</summary>
internal sealed record GraphQlAnswer<T>(T? Data = null, GraphQlError?[]? Errors = null)
    where T : class;

/// <summary>A mistake that the GraphQL API tells.</summary>
internal sealed record GraphQlError(string Message);

/// <summary>Authors of commits, by the aliases of the query.</summary>
internal sealed record WireAuthorsOfCommits(Dictionary<string, WireAuthored?>? Repository);

/// <summary>A commit with its authors, co-authors included.</summary>
internal sealed record WireAuthored(WireAuthors? Authors = null);

/// <summary>A list of authors.</summary>
internal sealed record WireAuthors(WireAuthor?[] Nodes);

/// <summary>An author; null where the address belongs to no account.</summary>
internal sealed record WireAuthor(string? Email, WireGraphUser? User);

/// <summary>An account, as GraphQL tells it.</summary>
internal sealed record WireGraphUser([property: JsonPropertyName("databaseId")] long DatabaseId, string Login);

/// <summary>What waits to be merged into a branch; null where the branch has no queue.</summary>
internal sealed record WireQueued(WireQueueOf? Repository);

/// <summary>The queue of one branch.</summary>
internal sealed record WireQueueOf([property: JsonPropertyName("mergeQueue")] WireWaiting? MergeQueue);

/// <summary>A merge queue.</summary>
internal sealed record WireWaiting(WireQueueEntries? Entries);

/// <summary>Its entries.</summary>
internal sealed record WireQueueEntries(WireQueueEntry?[] Nodes);

/// <summary>A pull request in a merge queue, with the commit that merges it and all before it.</summary>
internal sealed record WireQueueEntry(int Position, [property: JsonPropertyName("headCommit")] WireOid? HeadCommit, [property: JsonPropertyName("pullRequest")] WireNumber? PullRequest);

/// <summary>A commit.</summary>
internal sealed record WireOid(string Oid);

/// <summary>The number of a pull request.</summary>
internal sealed record WireNumber(long Number);

/// <summary>What a check run is made or changed into.</summary>
internal sealed record WireCheckRunBody(string Status, string Conclusion, WireCheckOutput Output)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Name { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? HeadSha { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ExternalId { get; init; }
}

/// <summary>What a check run says.</summary>
internal sealed record WireCheckOutput(string Title, string Summary, WireAnnotation[] Annotations);

/// <summary>An annotation of a check run.</summary>
internal sealed record WireAnnotation(string Path, int StartLine, int EndLine, string? AnnotationLevel, string? Title, string? Message);

/// <summary>Check runs of a commit.</summary>
internal sealed record WireCheckRuns(long TotalCount, WireCheckRun?[] CheckRuns);

/// <summary>A check run.</summary>
internal sealed record WireCheckRun(long Id, string Name, string? ExternalId);

/// <summary>The wire types. A member that is missing, or null where GitHub's documentation has a value, makes the whole answer unread.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(WirePullRequest))]
[JsonSerializable(typeof(WirePullRequestOf[]))]
[JsonSerializable(typeof(WireRepository))]
[JsonSerializable(typeof(WireCommitObject))]
[JsonSerializable(typeof(WireComparison))]
[JsonSerializable(typeof(WireFile[]))]
[JsonSerializable(typeof(WireCommit[]))]
[JsonSerializable(typeof(WireReview[]))]
[JsonSerializable(typeof(WireEvent[]))]
[JsonSerializable(typeof(WireRef))]
[JsonSerializable(typeof(WireTag))]
[JsonSerializable(typeof(WireTree))]
[JsonSerializable(typeof(WireBlob))]
[JsonSerializable(typeof(WirePermission))]
[JsonSerializable(typeof(WireTeam))]
[JsonSerializable(typeof(WireTeam[]))]
[JsonSerializable(typeof(WireAccount))]
[JsonSerializable(typeof(WireAccount[]))]
[JsonSerializable(typeof(WireActivity[]))]
[JsonSerializable(typeof(WireCheckRunBody))]
[JsonSerializable(typeof(WireCheckRuns))]
[JsonSerializable(typeof(WireAnnotation[]))]
[JsonSerializable(typeof(JsonObject))]
[JsonSerializable(typeof(JsonObject[]))]
[JsonSerializable(typeof(WireInstallation))]
[JsonSerializable(typeof(WireTokenRequest))]
[JsonSerializable(typeof(WireToken))]
[JsonSerializable(typeof(GraphQlAnswer<WireAuthorsOfCommits>))]
[JsonSerializable(typeof(GraphQlAnswer<WireQueued>))]
internal sealed partial class GitHubJson : JsonSerializerContext;
