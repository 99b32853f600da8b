using System.Collections.Immutable;
using System.Globalization;
using Governance.Gates.Identities;
using Governance.Gates.Policies;

namespace Governance.Gates.Reviews;

/// <summary>A person who approved the head commit, and the accounts through which they did.</summary>
internal sealed record Approver(Person Person, ImmutableArray<Account> Accounts);

/// <summary>Whether somebody may fill a place; from surest "no" to surest "yes".</summary>
internal enum Fit
{
    No,

    /// <summary>Could not tell.</summary>
    Unknown,

    Yes,
}

/// <summary>Folds the reviews of a pull request into the persons whose approval counts.</summary>
/// <remarks>
/// The last opinion of an account is its word (GitHub's <c>latestOpinionatedReviews</c>): a comment is none, and a dismissed review is none either, and brings no older one back. Accounts are told
/// apart by their number. An approval counts for the commit that it was given for. Who wrote a part of the change is only ever a reason not to count: addresses in commits are forged easily.
/// </remarks>
internal sealed class Approvers
{
    private readonly Policy policy;
    private readonly DateTimeOffset now;
    private readonly List<(Account Account, string Why)> excluded = [];
    private readonly List<Decision> findings = [];
    private readonly List<ApprovalRead> read = [];
    private readonly Dictionary<long, string> permissions = [];
    private readonly HashSet<long> doubtful = [];

    private Approvers(Policy policy, DateTimeOffset now) => (this.policy, this.now) = (policy, now);

    /// <summary>Who counts.</summary>
    public ImmutableArray<Approver> Counted { get; private set; } = [];

    /// <summary>Everybody's last word.</summary>
    public ImmutableArray<ApprovalRead> Read => [.. read];

    /// <summary>What of it is against the pull request, or could not be told.</summary>
    public ImmutableArray<Decision> Findings => [.. findings];

    public static Approvers Of(PullRequest request, Policy policy, ReviewSettings settings, DateTimeOffset now)
    {
        var approvers = new Approvers(policy, now);
        approvers.ReadPermissions(request);
        approvers.Exclude(request, settings.Exclude);
        approvers.Fold(request);
        return approvers;
    }

    /// <summary>Whether nothing that the policy excludes keeps a person from counting.</summary>
    public bool MayCount(string name) => policy.People.GetValueOrDefault(name) is { } person && IsInOffice(person) && WhyExcluded(person) is null;

    private void ReadPermissions(PullRequest request)
    {
        foreach (var (account, permission) in request.Permissions)
        {
            // Two answers about one account: neither is believed.
            if (!permissions.TryAdd(account.Id, permission) && permissions[account.Id] != permission)
            {
                doubtful.Add(account.Id);
            }
        }
    }

    private void Exclude(PullRequest request, ImmutableArray<Excluded> rules)
    {
        Exclude(Excluded.Author, request.Author, "opened the pull request", "the account that opened the pull request is gone");
        foreach (var commit in request.Commits)
        {
            var name = commit.Sha[..Math.Min(commit.Sha.Length, 12)];
            Exclude(Excluded.Committers, commit.Author, $"wrote commit {name}", $"commit {name} has an author whose address belongs to no account");
            Exclude(Excluded.Committers, commit.Committer, $"committed {name}", $"commit {name} has a committer whose address belongs to no account");
            foreach (var other in commit.CoAuthors)
            {
                Exclude(Excluded.CoAuthors, other, $"is a co-author of {name}", $"commit {name} names a co-author whose address belongs to no account");
            }
        }

        Exclude(Excluded.LastPusher, request.LastPusher, "pushed last", "who pushed last could not be read");

        void Exclude(Excluded rule, Account? account, string why, string whenGone)
        {
            if (!rules.Contains(rule) && rule is not Excluded.Author)
            {
                return;
            }

            if (account is not null)
            {
                excluded.Add((account, why));
            }
            else if (!findings.Any(finding => finding.Reasons[0].Message.StartsWith(whenGone, StringComparison.Ordinal)))
            {
                findings.Add(Decision.Unknown(new Reason("review.exclude", $"{whenGone}, so nobody can say whose approval must not count", rule == Excluded.LastPusher ? "let the gate read the activity of the repository" : "have the address added to their account, or write the commit again")));
            }
        }
    }

    private void Fold(PullRequest request)
    {
        // "The list of reviews returns in chronological order" (GitHub REST API, "List reviews for a pull request").
        var last = new Dictionary<long, Review>();
        var order = new List<long>();
        foreach (var review in request.Reviews)
        {
            if (review.State is "COMMENTED" or "PENDING")
            {
                continue;
            }

            if (review.State is not ("APPROVED" or "CHANGES_REQUESTED" or "DISMISSED"))
            {
                findings.Add(Decision.Unknown(new Reason("review.approvals", $"review {review.Id.ToString(CultureInfo.InvariantCulture)} has the state '{review.State}', which is not known here", "update gates")));
            }
            else if (review.User is null)
            {
                read.Add(new("", review.State, null, "the account is gone"));
                if (review.State == "CHANGES_REQUESTED")
                {
                    findings.Add(Decision.Warn(new Reason("review.approvals", "an account that is gone asked for changes", "look at them")));
                }
            }
            else
            {
                if (!last.ContainsKey(review.User.Id))
                {
                    order.Add(review.User.Id);
                }

                last[review.User.Id] = review;
            }
        }

        var counted = new List<(Person Person, Account Account)>();
        foreach (var review in order.Select(id => last[id]))
        {
            var account = review.User!;
            var (person, why) = Judge(review, account, request);
            read.Add(new(account.Login, review.State, why is null ? person!.Name : null, why));
            if (why is null)
            {
                counted.Add((person!, account));
            }
        }

        Counted = [.. counted.GroupBy(one => one.Person.Id, StringComparer.Ordinal).Select(group => new Approver(group.First().Person, [.. group.Select(one => one.Account)]))];
    }

    private (Person? Person, string? WhyNot) Judge(Review review, Account account, PullRequest request)
    {
        var person = policy.PersonOf(new Identity.GitHubAccount(account.Id));
        var known = permissions.TryGetValue(account.Id, out var permission) && !doubtful.Contains(account.Id);
        if (review.State == "CHANGES_REQUESTED")
        {
            // A "no" needs no person behind it and does not grow old; without write access it is a comment. Whose "no" stood at a merge may have lost that access since, so as to lift it.
            var stood = person is not null && request.MergedAt is not null;
            if (account.IsRobot || (known && permission is not ("admin" or "write") && !stood))
            {
                return (null, "they cannot write to the repository, so it is a comment");
            }

            findings.Add(known || stood
                ? Decision.Deny(new Reason("review.approvals", $"{account.Login} asks for changes", "make them and have them approve, or have the review dismissed"))
                : Decision.Unknown(new Reason("review.approvals", $"{account.Login} asks for changes, and their permission could not be read", "let the gate read the permissions of collaborators")));
            return (null, "asks for changes");
        }

        return (person, review.State == "DISMISSED" ? "the review was dismissed"
            : account.IsRobot ? "no human has the account"
            : review.Commit is null ? "the reviewed commit is gone"
            : review.Commit != request.HeadSha ? "approved an earlier commit"
            : person is null ? $"the policy knows nobody with the account {account.Id.ToString(CultureInfo.InvariantCulture)}"
            : !IsInOffice(person) ? "is not in office now"
            : WhyExcluded(person, account) is { } excludedBy ? excludedBy
            : !known ? Doubt(account)
            : permission is not ("admin" or "write") ? "cannot write to the repository now"
            : null);
    }

    // Without an answer the approval does not count, and what it would have been is not known.
    private string Doubt(Account account)
    {
        findings.Add(Decision.Unknown(new Reason("review.approvals", $"the permission of {account.Login}, who approved, could not be read", "let the gate read the permissions of collaborators")));
        return "the permission could not be read";
    }

    private bool IsInOffice(Person person) => DateOnly.FromDateTime(now.UtcDateTime) is var today && !(today < person.From) && !(today > person.Until);

    private string? WhyExcluded(Person person, Account? account = null) =>
        excluded.Where(one => one.Account.Id == account?.Id || policy.PersonOf(new Identity.GitHubAccount(one.Account.Id))?.Id == person.Id).Select(one => one.Why).FirstOrDefault();
}
