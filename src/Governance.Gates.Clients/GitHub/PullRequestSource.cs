using System.Collections.Immutable;
using System.Globalization;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;

namespace Governance.Gates.Clients.GitHub;

/// <summary>A pull request, and the policy that it is judged by.</summary>
/// <param name="Request">The pull request.</param>
/// <param name="Policy">The policy.</param>
/// <param name="DefaultBranch">The default branch of the repository that it is into; null where GitHub does not tell.</param>
public sealed record ReviewQuestion(PullRequest Request, Policy Policy, string? DefaultBranch);

/// <summary>How a pull request came onto its branch.</summary>
/// <param name="Parent">The commit of the branch before it.</param>
/// <param name="Commit">The commit with which it was merged.</param>
/// <param name="Branch">The branch, without <c>refs/heads/</c>.</param>
public sealed record MergeOnBranch(GitObjectId Parent, GitObjectId Commit, string Branch);

/// <summary>Reads a pull request from GitHub as one snapshot, with all that a policy asks about it.</summary>
/// <remarks>What may not be seen, is cut off or could not be read stands in the snapshot as such: the gate decides what that means. CODEOWNERS and policy are those of the branch that the pull request
/// goes into, as it is now: the base commit that GitHub keeps with a pull request is as old as its last push.</remarks>
public static class PullRequestSource
{
    private const int Attempts = 3;
    private const int MostFolders = 8;

    /// <summary>Owners whose permission is read before they approve; it only tells that CODEOWNERS names somebody who cannot.</summary>
    private const int MostOwners = 100;

    /// <summary>The most members of a list that the snapshot takes; GitHub tells fewer of files and commits.</summary>
    private const int MostItems = 10_000;

    /// <summary>Reads a pull request; CODEOWNERS and policy of one that is merged are those of its branch before it, as far as GitHub tells which that is. When its head moves meanwhile it is read again, and the third time told as it is.</summary>
    /// <param name="client">The repository's API.</param>
    /// <param name="number">The pull request.</param>
    /// <param name="policy">Gives the policy, from the base commit or from elsewhere.</param>
    /// <param name="also">Logins whose permission is read too.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public static Task<Reading<ReviewQuestion>> ReadAsync(GitHubClient client, long number, Func<CommitFiles, CancellationToken, Task<Reading<Policy>>> policy, ImmutableArray<string> also, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(policy);
        return ReadAsync(client, number, null, policy, also, cancellation);
    }

    /// <summary>Reads a pull request that was merged, as it was then: CODEOWNERS and policy are those of the branch before it, and of the reviews those that were given until then are told.</summary>
    /// <param name="client">The repository's API.</param>
    /// <param name="number">The pull request.</param>
    /// <param name="merge">How it was merged; unread where GitHub says otherwise.</param>
    /// <param name="policy">Gives the policy, from the commit before or from elsewhere.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <remarks>Permissions and teams are as they are now: GitHub does not tell how they were. An approval that was dismissed since counts no more, whenever that was; a "no" that was dismissed since stands.</remarks>
    public static Task<Reading<ReviewQuestion>> ReadMergedAsync(GitHubClient client, long number, MergeOnBranch merge, Func<CommitFiles, CancellationToken, Task<Reading<Policy>>> policy, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(merge);
        ArgumentNullException.ThrowIfNull(policy);
        return ReadAsync(client, number, merge, policy, [], cancellation);
    }

    private static async Task<Reading<ReviewQuestion>> ReadAsync(GitHubClient client, long number, MergeOnBranch? merge, Func<CommitFiles, CancellationToken, Task<Reading<Policy>>> policy, ImmutableArray<string> also, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var reading = await new PullRequestSnapshot(client, number, merge, also).ReadAsync(policy, cancellation);
            if (!reading.Try(out var question, out _))
            {
                return reading;
            }

            if (question.Request.HeadSha != question.Request.HeadShaAfter && attempt < Attempts)
            {
                continue;
            }

            // What is judged is what is written down: through the strict reader, like any snapshot.
            return PullRequestReader.Read(PullRequestWriter.Write(question.Request)).Try(out var checkedRequest, out var why)
                ? new Reading<ReviewQuestion>.Found(question with { Request = checkedRequest })
                : new Reading<ReviewQuestion>.Unread(why with { Message = $"what GitHub tells of {client.Repository}#{number.ToString(CultureInfo.InvariantCulture)} is no pull request as its documentation has it: {why.Message}" });
        }
    }

    /// <summary>One pass over everything.</summary>
    private sealed class PullRequestSnapshot(GitHubClient client, long number, MergeOnBranch? merge, ImmutableArray<string> also)
    {
        private readonly GitHubApi api = client.Api;
        private readonly RepositoryName repository = client.Repository;
        private readonly string name = $"{client.Repository}#{number.ToString(CultureInfo.InvariantCulture)}";
        private readonly string path = $"repos/{client.Repository}/pulls/{number.ToString(CultureInfo.InvariantCulture)}";

        // Guards unread: parts are read side by side.
        private readonly Lock telling = new();
        private readonly HashSet<Reason> unread = [];

        public async Task<Reading<ReviewQuestion>> ReadAsync(Func<CommitFiles, CancellationToken, Task<Reading<Policy>>> policyOf, CancellationToken cancellation)
        {
            if (!(await PullRequestAsync(cancellation)).Try(out var wire, out var why)
                || !(await BaseAsync(wire, cancellation)).Try(out var baseSha, out why))
            {
                return new Reading<ReviewQuestion>.Unread(why);
            }

            var (@base, head) = (new CommitFiles(api, repository, baseSha), new CommitFiles(api, repository, wire.Head.Sha));
            var policyRead = policyOf(@base, cancellation);
            var filesRead = ListAsync($"{path}/files", "changed files", GitHubJson.Default.WireFileArray, cancellation);
            var commitsRead = ListAsync($"{path}/commits", "commits", GitHubJson.Default.WireCommitArray, cancellation);
            var reviewsRead = ListAsync($"{path}/reviews", "reviews", GitHubJson.Default.WireReviewArray, cancellation);
            var eventsRead = ListAsync($"repos/{repository}/issues/{number.ToString(CultureInfo.InvariantCulture)}/events", "events", GitHubJson.Default.WireEventArray, cancellation);
            await Task.WhenAll(policyRead, filesRead, commitsRead, reviewsRead, eventsRead);
            if (!(await policyRead).Try(out var policy, out why))
            {
                return new Reading<ReviewQuestion>.Unread(why);
            }

            var (files, commits) = (await filesRead, await commitsRead);

            // Whoever approved before the pull request was pointed at this branch, or that branch was written anew, saw another change, of the same head commit.
            var events = await eventsRead;
            var pointed = events.Where(one => one.Event is "base_ref_changed" or "base_ref_force_pushed" or "automatic_base_change_succeeded").Select(one => (DateTimeOffset?)one.CreatedAt).Max();
            if (!commits.IsEmpty && commits.Length == wire.Commits && !commits.Any(commit => commit.Sha == wire.Head.Sha))
            {
                Tell(new("github", $"the commits of {name} do not lead to {wire.Head.Sha}", "run the gate again"));
            }

            var request = new PullRequest
            {
                Repository = wire.Base.Repo?.FullName ?? repository.ToString(),
                Number = wire.Number,
                IsDraft = wire.Draft,
                Author = GitHubPeople.AccountOf(wire.User),
                BaseRef = wire.Base.Ref,
                BaseSha = baseSha,
                HeadRef = wire.Head.Ref,
                HeadSha = wire.Head.Sha,
                HeadShaAfter = wire.Head.Sha,
                MergedAt = wire.MergedAt,
                ChangedFiles = wire.ChangedFiles,
                CommitCount = wire.Commits,
                Files = [.. files.Select(file => new ChangedFile(file.Filename, file.PreviousFilename, file.Status, null))],
                Reviews = [.. (merge is null ? await reviewsRead : AtMerge(await reviewsRead, events, wire.MergedAt!.Value)).Select(review => new Review(review.Id, GitHubPeople.AccountOf(review.User), review.State, pointed is null || review.SubmittedAt > pointed ? review.CommitId : null))],
            };
            if (policy.Changes?.Emergency is { } emergency)
            {
                request = request with { Labels = LabelsOf(wire, events, emergency.Label) };
            }

            if (policy.Review is { } settings)
            {
                request = await WithFilesAsync(request, files, settings, @base, head, cancellation);
                request = await WithPeopleAsync(request, policy, settings, commits, RepositoryName.TryParse(wire.Head.Repo?.FullName), cancellation);
            }

            // Last of all: an approval that came with a push is of the commit before it.
            if (!(await PullRequestAsync(cancellation)).Try(out var after, out why))
            {
                return new Reading<ReviewQuestion>.Unread(why);
            }

            if (after.MergedAt != wire.MergedAt)
            {
                Tell(new("github", $"{name} was merged while it was read", "run the gate again"));
            }

            if (after.Base.Ref != wire.Base.Ref || (after.Head.Sha == wire.Head.Sha && (after.ChangedFiles, after.Commits) != (wire.ChangedFiles, wire.Commits)))
            {
                Tell(new("github", $"{name} was pointed at another branch, or that branch moved, while it was read", "run the gate again"));
            }

            return new Reading<ReviewQuestion>.Found(new(request with { HeadShaAfter = after.Head.Sha, IsDraft = wire.Draft || after.Draft, Unread = [.. unread.OrderBy(reason => reason.Message, StringComparer.Ordinal)] }, policy, wire.Base.Repo?.DefaultBranch));
        }

        // GitHub tells times to the second: what is of the same second as the merge may have come after it, and counts only where it is no yes.
        private IEnumerable<WireReview> AtMerge(ImmutableArray<WireReview> reviews, ImmutableArray<WireEvent> events, DateTimeOffset mergedAt) => reviews
            .Where(review => review.SubmittedAt < mergedAt || (review.State is "CHANGES_REQUESTED" or "DISMISSED" && !(review.SubmittedAt > mergedAt)))
            .Select(review => review.State == "DISMISSED" && StoodAsNo(review, events, mergedAt) ? review with { State = "CHANGES_REQUESTED" } : review);

        // A dismissal changes a review in its place, and keeps its time.
        private bool StoodAsNo(WireReview review, ImmutableArray<WireEvent> events, DateTimeOffset mergedAt)
        {
            var dismissals = events.Where(one => one.Event == "review_dismissed" && one.DismissedReview?.ReviewId == review.Id).ToList();
            if (dismissals.Count == 0)
            {
                Tell(new("github", $"review {review.Id.ToString(CultureInfo.InvariantCulture)} of {name} was dismissed, and GitHub does not tell when", "look at what it said when the pull request was merged"));
            }

            return dismissals.Exists(one => one.CreatedAt >= mergedAt && !string.Equals(one.DismissedReview!.State, "approved", StringComparison.OrdinalIgnoreCase));
        }

        // Other labels may hold anything, and nobody asks about them. Who set it is who did so last.
        private static ImmutableArray<PullRequestLabel> LabelsOf(WirePullRequest wire, ImmutableArray<WireEvent> events, string name)
        {
            var last = events.Where(one => one.Event is "labeled" or "unlabeled" && Is(one.Label)).MaxBy(one => one.CreatedAt);
            var by = last is { Event: "labeled" } && events.Count(one => one.CreatedAt == last.CreatedAt && Is(one.Label)) == 1 ? GitHubPeople.AccountOf(last.Actor) : null;
            return wire.Labels?.Any(Is) == true ? [new(name, by)] : [];

            bool Is(WireLabel? label) => string.Equals(label?.Name, name, StringComparison.OrdinalIgnoreCase);
        }

        private async Task<PullRequest> WithFilesAsync(PullRequest request, ImmutableArray<WireFile> files, ReviewSettings settings, CommitFiles @base, CommitFiles head, CancellationToken cancellation)
        {
            var present = request.Files.Where(file => file.Status != "removed").Select(file => file.Path).ToList();
            if (present.Select(Folder).Distinct(StringComparer.Ordinal).Take(MostFolders + 1).Count() > MostFolders)
            {
                await Task.WhenAll(head.PrepareAsync(cancellation), @base.PrepareAsync(cancellation));
            }

            var modes = await Task.WhenAll(files.Select(file => ModeAsync(file, @base, head, cancellation)));
            var contents = await Task.WhenAll(ReviewInputs.Contents(request, settings).Select(async asked => new FileContent(asked.Side, asked.Path, await (asked.Side == Side.Base ? @base : head).ReadAsync(asked.Path, cancellation))));
            return request with
            {
                Files = [.. request.Files.Zip(modes, (file, mode) => file with { Mode = mode })],
                Contents = [.. contents],
            };
        }

        private async Task<string?> ModeAsync(WireFile file, CommitFiles @base, CommitFiles head, CancellationToken cancellation)
        {
            // What was a link or a submodule may have been any path, also when it goes or becomes a plain file.
            var before = file.Status == "added" ? null : Take(await @base.FindAsync(file.PreviousFilename ?? file.Filename, cancellation))?.Mode;
            if (file.Status == "removed" || before is "120000" or "160000")
            {
                return before;
            }

            if (Take(await head.FindAsync(file.Filename, cancellation)) is not { Mode.Length: > 0 } entry)
            {
                return null;
            }

            if (entry.Sha != file.Sha)
            {
                Tell(new("github", $"the changed files of {name} are those of another commit than {head.Sha}", "run the gate again"));
            }

            return entry.Mode;
        }

        private async Task<PullRequest> WithPeopleAsync(PullRequest request, Policy policy, ReviewSettings settings, ImmutableArray<WireCommit> commits, RepositoryName? fork, CancellationToken cancellation)
        {
            var people = new GitHubPeople(api, repository);
            var owners = ReviewInputs.Owners(request, settings).OfType<CodeOwner.User>().Take(MostOwners).Select(owner => owner.Login);
            var permissionsRead = people.PermissionsAsync(ReviewInputs.Reviewers(request, policy), [.. owners, .. also], cancellation);
            var teamsRead = Task.WhenAll(ReviewInputs.Teams(request, policy).Select(team => people.RosterAsync(team, cancellation)));
            var pusher = settings.Exclude.Contains(Excluded.LastPusher) ? Take(await people.LastPusherAsync(fork, request.HeadRef, request.HeadSha, request.MergedAt, cancellation)) : null;
            var coAuthors = settings.Exclude.Contains(Excluded.CoAuthors) ? Take(await new CoAuthors(api, repository).ReadAsync(commits, cancellation)) : null;
            var (permissions, missing) = await permissionsRead;
            foreach (var reason in missing)
            {
                Tell(reason);
            }

            return request with
            {
                Commits = [.. commits.Select(commit => new PullRequestCommit(commit.Sha, GitHubPeople.AccountOf(commit.Author), GitHubPeople.AccountOf(commit.Committer), coAuthors?.GetValueOrDefault(commit.Sha, []) ?? []))],
                LastPusher = pusher,
                Permissions = permissions,
                Teams = [.. await teamsRead],
            };
        }

        private Task<Reading<WirePullRequest>> PullRequestAsync(CancellationToken cancellation) =>
            api.GetAsync(new(path, $"read the pull request {name}", "pull requests: read"), GitHubJson.Default.WirePullRequest, cancellation);

        private async Task<Reading<string>> BaseAsync(WirePullRequest wire, CancellationToken cancellation)
        {
            if (merge is not null)
            {
                return wire.MergedAt is null || wire.MergeCommitSha != merge.Commit.Hex ? Unread($"was not merged as {merge.Commit}")
                    : wire.Base.Ref != merge.Branch ? Unread($"is into {wire.Base.Ref} and not into {merge.Branch}")
                    : new Reading<string>.Found(merge.Parent.Hex);
            }

            // Of what is merged the branch holds the change itself, which would be judged against itself.
            return wire.MergedAt is null ? await BranchAsync(wire.Base.Ref, cancellation)
                : (await new MergedPullRequestSource(client, wire).ParentAsync(cancellation)).Try(out var parent, out var why) ? new Reading<string>.Found(parent.Hex)
                : new Reading<string>.Unread(why);

            Reading<string>.Unread Unread(string what) => new(new("github", $"{name} {what}", "run the gate again"));
        }

        private async Task<Reading<string>> BranchAsync(string branch, CancellationToken cancellation) =>
            (await new BranchHistory(client).HeadAsync(branch, cancellation)).Try(out var found, out var why) ? new Reading<string>.Found(found.Hex) : new Reading<string>.Unread(why);

        private async Task<ImmutableArray<T>> ListAsync<T>(string list, string what, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T[]> type, CancellationToken cancellation)
        {
            if ((await api.ListAsync(new(list, $"read the {what} of {name}", "pull requests: read"), type, MostItems, cancellation)).Try(out var items, out var why))
            {
                return items;
            }

            Tell(why);
            return [];
        }

        private T? Take<T>(Reading<T> reading)
        {
            if (reading.Try(out var value, out var why))
            {
                return value;
            }

            Tell(why);
            return default;
        }

        private void Tell(Reason reason)
        {
            lock (telling)
            {
                unread.Add(reason);
            }
        }

        private static string Folder(string file) => file[..(file.LastIndexOf('/') + 1)];
    }
}
