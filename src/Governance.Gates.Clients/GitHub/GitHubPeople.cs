using System.Collections.Immutable;
using System.Globalization;
using Governance.Gates.Reviews;

namespace Governance.Gates.Clients.GitHub;

/// <summary>Who may do what, who is in which team, and who pushed.</summary>
internal sealed class GitHubPeople(GitHubApi api, RepositoryName repository)
{
    private const int MostMembers = 10_000;
    private const int MostPushes = 3_000;

    /// <summary>The account in an answer; null where it is gone, or an address is nobody's.</summary>
    public static Account? AccountOf(WireAccount? wire) => wire switch
    {
        null or { Id: 0 } => null,
        // The account that stands for all that were deleted.
        { Id: 10137, Login: "ghost" } => null,
        _ => new(wire.Id, wire.Login ?? "", wire.Type ?? "Unknown"),
    };

    /// <summary>What accounts may do now; who could not be read is left out, which the gate tells where it matters.</summary>
    /// <param name="reviewers">Accounts whose login may have passed to somebody else since.</param>
    /// <param name="logins">Others.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task<(ImmutableArray<(Account Account, string Permission)> Permissions, ImmutableArray<Reason> Unread)> PermissionsAsync(ImmutableArray<Account> reviewers, IEnumerable<string> logins, CancellationToken cancellation)
    {
        var expected = reviewers.GroupBy(account => account.Login, StringComparer.OrdinalIgnoreCase).ToDictionary(group => group.Key, group => group.ToImmutableArray(), StringComparer.OrdinalIgnoreCase);
        string[] asked = [.. expected.Keys.Concat(logins).Distinct(StringComparer.OrdinalIgnoreCase)];
        var answers = await Task.WhenAll(asked.Select(login => api.FindAsync(
            new($"repos/{repository}/collaborators/{Uri.EscapeDataString(login)}/permission", $"read what {login} may do in {repository}", "metadata: read"), GitHubJson.Default.WirePermission, cancellation)));
        var permissions = ImmutableArray.CreateBuilder<(Account, string)>();
        var unread = ImmutableArray.CreateBuilder<Reason>();

        // Whoever may ask about one account may ask about all: then 404 says that there is no such user.
        var mayAsk = answers.Any(answer => answer.Try(out var permission, out _) && permission is not null);
        foreach (var (login, answer) in asked.Zip(answers))
        {
            if (!answer.Try(out var found, out var why))
            {
                // Of an owner nobody asks what they may do before they approve.
                if (expected.ContainsKey(login))
                {
                    unread.Add(why);
                }
            }
            else if (found is null)
            {
                permissions.AddRange(mayAsk ? expected.GetValueOrDefault(login, []).Select(account => (account, "none")) : []);
            }
            else if (AccountOf(found.User) is { } account)
            {
                // The permission is the account's that has the login now.
                permissions.Add((account, found.Permission));
                permissions.AddRange(expected.GetValueOrDefault(login, []).Where(other => other.Id != account.Id).Select(other => (other, "none")));
            }
        }

        return (permissions.ToImmutable(), unread.ToImmutable());
    }

    /// <summary>The members of a team, those of child teams included.</summary>
    public async Task<TeamRoster> RosterAsync(string name, CancellationToken cancellation)
    {
        const string permission = "organization members: read";
        var (org, slug) = name.Split('/') is [var first, var second] ? (Uri.EscapeDataString(first), Uri.EscapeDataString(second)) : ("", "");
        var what = $"read the members of the team {name}";
        if (!(await api.FindAsync(new($"orgs/{org}/teams/{slug}", what, permission), GitHubJson.Default.WireTeam, cancellation)).Try(out var team, out var why))
        {
            return Unread(why);
        }

        if (team is null)
        {
            // The same 404 for a team that is not there and for a token that may see none: whoever may list teams would see it.
            return (await api.FindAsync(new($"orgs/{org}/teams?per_page=1", what, permission), GitHubJson.Default.WireTeamArray, cancellation)).Try(out var teams, out _) && teams is not null
                ? Unread(new("github", $"could not {what}: the token may see teams of {org}, and none of that name is among them", "mend the name, or make the team visible"))
                : Unread(new("github", $"could not {what}: the token may not see teams (404)", $"give the gate a GitHub App with the permission {permission}; a workflow's own GITHUB_TOKEN cannot have it"));
        }

        if (!(await api.ListAsync(new($"orgs/{org}/teams/{slug}/members", what, permission), GitHubJson.Default.WireAccountArray, MostMembers, cancellation)).Try(out var members, out why))
        {
            return Unread(why);
        }

        return new(name, new Reading<ImmutableArray<Account>>.Found([.. members.Select(AccountOf).OfType<Account>()]));

        TeamRoster Unread(Reason reason) => new(name, new Reading<ImmutableArray<Account>>.Unread(reason));
    }

    /// <summary>Who brought the head commit to its branch.</summary>
    /// <param name="fork">The repository of the branch; null where it is gone.</param>
    /// <param name="branch">The branch.</param>
    /// <param name="sha">The head commit.</param>
    /// <param name="until">What came after this is of no interest, as a branch that is brought back after its merge; null for nothing.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task<Reading<Account>> LastPusherAsync(RepositoryName? fork, string branch, string sha, DateTimeOffset? until, CancellationToken cancellation)
    {
        var what = $"read who pushed {branch}";
        if (fork is null)
        {
            return new Reading<Account>.Unread(new("github", $"could not {what}: the repository that it comes from is gone", "open the pull request anew from a branch that is there"));
        }

        var call = new GitHubCall($"repos/{fork}/activity?ref={Uri.EscapeDataString($"refs/heads/{branch}")}", $"{what} of {fork}", "contents: read");
        if (!(await api.ListAsync(call, GitHubJson.Default.WireActivityArray, MostPushes, cancellation)).Try(out var pushes, out var why))
        {
            return new Reading<Account>.Unread(why);
        }

        // Whoever deletes the branch and makes it again at the same commit does not take the place of who brought the commit.
        var actors = pushes.Where(push => push.After == sha && !(push.Timestamp > until)).Select(push => AccountOf(push.Actor)).Distinct().ToList();
        return actors switch
        {
            [{ } only] => new Reading<Account>.Found(only),
            [] => new Reading<Account>.Unread(new("github", $"could not {what} of {fork}: its activity knows no push of {sha}", "try again in a minute; if it stays, push once more")),
            _ => new Reading<Account>.Unread(new("github", string.Create(CultureInfo.InvariantCulture, $"could not {what} of {fork}: {actors.Count} accounts brought {sha} there, or one that is gone"), "push another commit")),
        };
    }
}
