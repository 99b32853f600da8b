using System.Collections.Immutable;
using System.Globalization;
using Governance.Gates.Policies;

namespace Governance.Gates.Reviews;

/// <summary>The review gate: may this pull request merge?</summary>
public static class ReviewGate
{
    /// <summary>GitHub tells no more files of a pull request than this.</summary>
    public const int MostFiles = 3_000;

    /// <summary>GitHub tells no more commits of a pull request than this.</summary>
    public const int MostCommits = 250;

    /// <summary>Decides about a pull request by the policy of its base commit.</summary>
    /// <param name="request">The pull request.</param>
    /// <param name="policy">The policy as it stands at the base commit: what the pull request makes of it counts from the next one on.</param>
    /// <param name="now">The time, for who is in office.</param>
    public static ReviewResult Decide(PullRequest request, Policy policy, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(policy);
        if (policy.Review is not { } settings)
        {
            return new(Decision.Unknown(new Reason("review", "the policy says nothing about pull requests", "add spec.review")), [], []);
        }

        var approvers = Approvers.Of(request, policy, settings, now);
        var owners = OwnersOfBase.Read(request, settings);
        var quorum = new ReviewQuorum(request, policy, approvers, owners.Owners);
        var category = CategoryRuling.Of(request, policy, approvers, now);
        quorum.Add(settings, category);
        var decision = Decision.All([
            .. Whole(request),
            .. approvers.Findings,
            .. owners.Findings,
            .. quorum.Decisions,
            .. settings.Evidence.Select(rule => EvidenceFiles.Decide(request, rule)),
            OwnChanges(request),
            .. category is null ? (Decision[])[] : [category.Decision],
            .. category?.Emergency is var (rule, by) ? [CategoryRuling.Afterwards(rule, request.MergedAt, quorum.FilledByOthers(rule.Review, by), quorum.AlsoWithoutAny, now)] : (Decision[])[],
            Prefix(request, settings),
        ]);
        return new(decision, approvers.Read, [.. quorum.Needs]) { Category = category?.Category };
    }

    /// <summary>The same pull request with one approval more, of its head commit by this account.</summary>
    /// <returns>null: nobody of that login is among the accounts of the snapshot.</returns>
    public static PullRequest? WithApproval(PullRequest request, string login)
    {
        ArgumentNullException.ThrowIfNull(request);
        IEnumerable<Account> known =
        [
            .. request.Permissions.Select(one => one.Account),
            .. request.Reviews.Select(review => review.User).OfType<Account>(),
            .. request.Teams.SelectMany(team => team.Members is Reading<ImmutableArray<Account>>.Found(var members) ? members : []),
            .. new[] { request.Author, request.LastPusher }.OfType<Account>(),
        ];
        return known.FirstOrDefault(account => string.Equals(account.Login, login, StringComparison.OrdinalIgnoreCase)) is { } found
            ? request with { Reviews = request.Reviews.Add(new(long.MaxValue, found, "APPROVED", request.HeadSha)) }
            : null;
    }

    // What is not seen whole could hold anything.
    private static IEnumerable<Decision> Whole(PullRequest request)
    {
        foreach (var unread in request.Unread)
        {
            yield return Decision.Unknown(unread);
        }

        if (request.IsDraft)
        {
            yield return Decision.Deny(new Reason("review", "the pull request is a draft", "mark it as ready for review"));
        }

        if (request.HeadShaAfter != request.HeadSha)
        {
            yield return Decision.Unknown(new Reason("review", "the head commit changed while the pull request was read", "run the gate again"));
        }

        if (request.ChangedFiles != request.Files.Length || request.ChangedFiles >= MostFiles)
        {
            yield return Decision.Unknown(new Reason("review", $"{Number(request.Files.Length)} of {Number(request.ChangedFiles)} changed files are known, and the forge tells no more than {Number(MostFiles)}", "split the pull request"));
        }

        if (request.CommitCount != request.Commits.Length || request.CommitCount > MostCommits)
        {
            yield return Decision.Unknown(new Reason("review", $"{Number(request.Commits.Length)} of {Number(request.CommitCount)} commits are known, and the forge tells no more than {Number(MostCommits)}", "split the pull request, or squash its commits"));
        }
    }

    private static Decision OwnChanges(PullRequest request) => request.Files.SelectMany(file => file.Paths).Any(Codeowners.Locations.Contains)
        ? Decision.AllowBecause(new Reason("review.codeowners", "the change of CODEOWNERS counts from the next pull request on: this one is judged by the base commit's"))
        : Decision.Allow;

    private static Decision Prefix(PullRequest request, ReviewSettings settings) =>
        settings.Branches.FirstOrDefault(branch => branch.Name == request.BaseRef) is not { Prefixes: { IsEmpty: false } prefixes } rule || prefixes.Any(prefix => request.HeadRef.StartsWith(prefix, StringComparison.Ordinal)) ? Decision.Allow
        : Decision.Deny(new Reason($"{rule.Path}.prefixes", $"the branch {OneLine.Show(request.HeadRef)} begins with none of {string.Join(", ", prefixes)}", "open the pull request from a branch that is named so"));

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
