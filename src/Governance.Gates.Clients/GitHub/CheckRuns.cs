using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace Governance.Gates.Clients.GitHub;

/// <summary>A check that has come to its end, as it is to stand on a commit.</summary>
/// <param name="Name">Its name: what a ruleset asks for.</param>
/// <param name="ExternalId">What was judged, in words of ours: there is one run for each.</param>
/// <param name="Commit">The commit.</param>
/// <param name="Passed">Whether the commit may be merged. One that may not is a <c>failure</c>: GitHub takes <c>neutral</c> and <c>skipped</c> for passed.</param>
public sealed record CheckRun(string Name, string ExternalId, string Commit, bool Passed)
{
    /// <summary>The most characters of a summary (GitHub REST API, "Create a check run").</summary>
    public const int LongestSummary = 65_535;

    /// <summary>The most annotations of a run; the summary has what they leave out.</summary>
    public const int MostAnnotations = 200;

    /// <summary>The answer in one line.</summary>
    public required string Title { get; init; }

    /// <summary>GitHub Flavored Markdown, of at most <see cref="LongestSummary"/> characters.</summary>
    public required string Summary { get; init; }

    /// <summary>What belongs on files and lines, at most <see cref="MostAnnotations"/>.</summary>
    public ImmutableArray<CheckAnnotation> Annotations { get; init; } = [];
}

/// <summary>Something that a check says about a line.</summary>
/// <param name="Path">The file, from the repository's root.</param>
/// <param name="Line">From 1.</param>
/// <param name="Title">Its title, of at most 255 characters.</param>
/// <param name="Message">Its text.</param>
public sealed record CheckAnnotation(string Path, int Line, string Title, string Message);

/// <summary>Puts the one run of a check on a commit, by GitHub's Checks API.</summary>
/// <remarks>
/// What stands there is changed, and only where nothing does a run is posted; one whose answer was lost is looked for and not posted again. Nobody keeps two processes from
/// posting at the same time: then two runs stand there until the next one changes both.
/// </remarks>
public static class CheckRuns
{
    private const string Permission = "checks: write";
    private const int MostAtOnce = 50;
    private const int MostPages = 10;

    /// <summary>Publishes a run.</summary>
    /// <param name="client">The repository's API.</param>
    /// <param name="run">The run.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>Its number, or why GitHub may not have it.</returns>
    public static async Task<Reading<long>> PublishAsync(GitHubClient client, CheckRun run, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(run);
        var publication = new Publication(client, run);
        var standing = await publication.ChangeAsync(cancellation);
        if (standing is Reading<long?>.Found({ } changed))
        {
            return new Reading<long>.Found(changed);
        }

        // Where nobody can tell what stands there, a no is posted all the same: the newest counts.
        if (standing is Reading<long?>.Unread(var why))
        {
            if (!run.Passed && !publication.HasChanged)
            {
                await publication.PostAsync(cancellation);
            }

            return new Reading<long>.Unread(why);
        }

        var posted = await publication.PostAsync(cancellation);
        if (posted is Reading<long>.Unread && await publication.ChangeAsync(cancellation) is Reading<long?>.Found({ } found))
        {
            return new Reading<long>.Found(found);
        }

        return posted;
    }

    /// <summary>The head commit of a pull request, for a check that says that it could not be judged, and the branch that it is into.</summary>
    public static async Task<Reading<(string Head, string Into, string? DefaultBranch)>> HeadOfAsync(GitHubClient client, long number, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(client);
        var text = number.ToString(CultureInfo.InvariantCulture);
        return (await client.Api.GetAsync(new($"repos/{client.Repository}/pulls/{text}", $"read {client.Repository}#{text}", "pull requests: read"), GitHubJson.Default.WirePullRequest, cancellation)).Try(out var request, out var why)
            ? new Reading<(string, string, string?)>.Found((request.Head.Sha, request.Base.Ref, request.Base.Repo?.DefaultBranch))
            : new Reading<(string, string, string?)>.Unread(why);
    }

    private sealed class Publication(GitHubClient client, CheckRun run)
    {
        private readonly GitHubApi api = client.Api;
        private readonly string runs = $"repos/{client.Repository}/check-runs";
        private readonly ImmutableArray<WireAnnotation> annotations =
        [
            .. run.Annotations.Take(CheckRun.MostAnnotations).Select(one => new WireAnnotation(one.Path, one.Line, one.Line, run.Passed ? "warning" : "failure", one.Title, one.Message)).Distinct(),
        ];

        private readonly List<long> changed = [];

        /// <summary>Whether a run that stands there says the verdict by now.</summary>
        public bool HasChanged => changed.Count > 0;

        /// <summary>Changes every run that stands there; null where none of ours does.</summary>
        public async Task<Reading<long?>> ChangeAsync(CancellationToken cancellation)
        {
            if (!(await StandingAsync(cancellation)).Try(out var standing, out var why))
            {
                return new Reading<long?>.Unread(why);
            }

            // The verdict of all of them first: what belongs on lines must not leave an older yes in another.
            foreach (var id in standing)
            {
                if (!(await SendAsync(id, [], cancellation, always: true)).Try(out var isOurs, out why))
                {
                    return new Reading<long?>.Unread(why);
                }

                if (isOurs)
                {
                    changed.Add(id);
                }
            }

            foreach (var id in annotations.IsEmpty ? [] : changed)
            {
                if (!(await AnnotateAsync(id, cancellation)).Try(out _, out why))
                {
                    return new Reading<long?>.Unread(why);
                }
            }

            return new Reading<long?>.Found(changed.Count > 0 ? changed[^1] : null);
        }

        // All of them: GitHub tells only the latest unless it is asked for more, and an older yes may stand below it.
        private async Task<Reading<ImmutableArray<long>>> StandingAsync(CancellationToken cancellation)
        {
            var standing = ImmutableArray.CreateBuilder<long>();
            var (seen, total) = (0L, long.MaxValue);
            for (var page = 1; seen < total; page++)
            {
                var call = new GitHubCall($"repos/{client.Repository}/commits/{run.Commit}/check-runs?check_name={Uri.EscapeDataString(run.Name)}&filter=all&per_page={GitHubApi.PageSize}&page={Number(page)}", $"find the check {run.Name} on {run.Commit} of {client.Repository}", Permission);
                if (!(await api.GetAsync(call, GitHubJson.Default.WireCheckRuns, cancellation)).Try(out var told, out var why))
                {
                    return new Reading<ImmutableArray<long>>.Unread(why);
                }

                standing.AddRange(told.CheckRuns.Where(one => one?.Name == run.Name && one.ExternalId == run.ExternalId).Select(one => one!.Id));
                (seen, total) = (seen + told.CheckRuns.Length, told.TotalCount);
                if (seen < total && (told.CheckRuns.Length == 0 || page == MostPages))
                {
                    return new Reading<ImmutableArray<long>>.Unread(new("github", $"could not {call.What}: of {Number(total)} runs of that name GitHub tells {Number(seen)}", "find out who posts them, and give the check another name"));
                }
            }

            return new Reading<ImmutableArray<long>>.Found(standing.ToImmutable());
        }

        public async Task<Reading<long>> PostAsync(CancellationToken cancellation)
        {
            var call = new GitHubCall(runs, $"post the check {run.Name} on {run.Commit} of {client.Repository}", Permission);
            var body = Body(annotations.Take(MostAtOnce)) with { Name = run.Name, HeadSha = run.Commit, ExternalId = run.ExternalId };
            if (!(await api.SendAsync(HttpMethod.Post, call, Bytes(body), GitHubJson.Default.WireCheckRun, cancellation)).Try(out var posted, out var why))
            {
                return new Reading<long>.Unread(why);
            }

            return (await SendAsync(posted!.Id, annotations.Skip(MostAtOnce), cancellation)).Try(out _, out why)
                ? new Reading<long>.Found(posted.Id)
                : new Reading<long>.Unread(why);
        }

        // GitHub adds annotations and takes none away: those that are there are not added again.
        private async Task<Reading<bool>> AnnotateAsync(long id, CancellationToken cancellation)
        {
            var call = new GitHubCall($"{runs}/{Number(id)}/annotations", $"read what the check {run.Name} said before on {run.Commit} of {client.Repository}", Permission);
            return (await api.ListAsync(call, GitHubJson.Default.WireAnnotationArray, 10 * CheckRun.MostAnnotations, cancellation)).Try(out var known, out var why)
                ? await SendAsync(id, annotations.Where(one => !known.Any(other => (other.Path, other.StartLine, other.Message) == (one.Path, one.StartLine, one.Message))), cancellation)
                : new Reading<bool>.Unread(why);
        }

        // Whether it is ours: only the app that posted a run may change it, and any other may post one of this name.
        private async Task<Reading<bool>> SendAsync(long id, IEnumerable<WireAnnotation> more, CancellationToken cancellation, bool always = false)
        {
            var call = new GitHubCall($"{runs}/{Number(id)}", $"change the check {run.Name} on {run.Commit} of {client.Repository}", Permission);
            foreach (var part in always ? (IEnumerable<WireAnnotation[]>)[[]] : more.Chunk(MostAtOnce))
            {
                if (!(await api.SendAsync(HttpMethod.Patch, call, Bytes(Body(part)), GitHubJson.Default.WireCheckRun, cancellation, 403, 404)).Try(out var sent, out var why))
                {
                    return new Reading<bool>.Unread(why);
                }

                if (sent is null)
                {
                    return new Reading<bool>.Found(false);
                }
            }

            return new Reading<bool>.Found(true);
        }

        private WireCheckRunBody Body(IEnumerable<WireAnnotation> part) => new("completed", run.Passed ? "success" : "failure", new(run.Title, run.Summary, [.. part]));

        private static byte[] Bytes(WireCheckRunBody body) => JsonSerializer.SerializeToUtf8Bytes(body, GitHubJson.Default.WireCheckRunBody);

        private static string Number(long id) => id.ToString(CultureInfo.InvariantCulture);
    }
}
