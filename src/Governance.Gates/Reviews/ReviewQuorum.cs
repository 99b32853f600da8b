using System.Collections.Immutable;
using System.Globalization;
using Governance.Gates.Identities;
using Governance.Gates.Policies;

namespace Governance.Gates.Reviews;

/// <summary>Holds the persons who approved against everything that the policy asks for.</summary>
internal sealed class ReviewQuorum(PullRequest request, Policy policy, Approvers approvers, Codeowners? owners)
{
    // Every choice among so many is tried: those who approved after them are no others.
    private const int MostOthers = 10;

    private readonly List<ReviewNeed> needs = [];
    private readonly List<(ImmutableArray<Place> Places, bool AlsoWithoutAny)> filled = [];
    private readonly List<Decision> decisions = [];
    private readonly Dictionary<string, TeamRoster> teams = request.Teams.GroupBy(team => team.Name, StringComparer.OrdinalIgnoreCase).ToDictionary(group => group.Key, Roster, StringComparer.OrdinalIgnoreCase);
    private readonly ImmutableArray<string> paths = [.. request.Files.SelectMany(file => file.Paths).Distinct(StringComparer.Ordinal)];
    private readonly SortedDictionary<string, Reason> unread = new(StringComparer.OrdinalIgnoreCase);
    private ImmutableArray<string> asked = [];

    // Behind a robot, or an account of nobody whom the policy knows, may stand one of those who approve: that one is no second party.
    private readonly bool isOfAnybody = request.Author is not { IsRobot: false } author || policy.PersonOf(new Identity.GitHubAccount(author.Id)) is null;

    public IReadOnlyList<ReviewNeed> Needs => needs;

    public IReadOnlyList<Decision> Decisions => decisions;

    /// <summary>What is said besides of each need: that it is met without any one of those who approve, where one of them may stand behind the pull request.</summary>
    public string AlsoWithoutAny => isOfAnybody ? ", also without any one of them, as nobody of the policy opened the pull request" : "";

    /// <summary>Whether distinct persons who approved fill all of these, and without them every need is still met: they are others than who let it in.</summary>
    /// <param name="require">What they fill.</param>
    /// <param name="by">Who is none of them in any case.</param>
    public Fit FilledByOthers(ImmutableArray<RoleCount> require, Person by)
    {
        var places = Places(require);
        return new[] { Fit.Yes, Fit.Unknown }.FirstOrDefault(least =>
        {
            ImmutableArray<string> others = [.. approvers.Counted.Where(approver => approver.Person.Id != by.Id && places.Any(place => place.Fits(approver) >= least)).Select(approver => approver.Person.Name).Take(MostOthers)];
            return IsFilled([.. others]) && IsFound([], others);

            bool IsFound(ImmutableHashSet<string> chosen, ImmutableArray<string> left) =>
                IsFilled(chosen) || (left is [var next, .. var rest] && ((IsLetInWithout(chosen.Add(next)) && IsFound(chosen.Add(next), rest)) || IsFound(chosen, rest)));

            bool IsFilled(ImmutableHashSet<string> chosen) => Fill(places, least, isOfAnybody, chosen.Contains).Least.All(person => person is not null);

            bool IsLetInWithout(ImmutableHashSet<string> chosen) => filled.All(need => Fill(need.Places, least, need.AlsoWithoutAny, person => !chosen.Contains(person)).Least.All(person => person is not null));
        });
    }

    public void Add(ReviewSettings settings, CategoryRuling? category)
    {
        var emergency = category?.Emergency;
        var rules = settings.Paths.Select(rule => (Rule: rule, Paths: Matched(rule.Paths))).Where(one => !one.Paths.IsEmpty).ToList();
        var values = settings.Values.Select(rule => (Rule: rule, Found: ValueChange.Judge(request, rule))).ToList();

        // Of two roles that exclude each other for one change, both asked for by it, nobody fills one who is in both.
        asked =
        [
            .. rules.SelectMany(one => one.Rule.Demand is ReviewDemand.Roles(var require) ? require.Select(slot => slot.Role) : []),
            .. values.SelectMany(one => one.Found.IsMoved && one.Rule.Test is ValueTest.Moved(_, var require) ? require.Select(slot => slot.Role) : []),
            .. emergency is var (urgent, _) ? urgent.Require.Select(slot => slot.Role) : [],
        ];
        if (settings.Approvals > 0)
        {
            AddPlain("review.approvals", "any change", settings.Approvals, null, null);
        }

        if (emergency is var (asks, by))
        {
            AddEmergency(asks, by);
        }

        if (settings.OwnersRequired && emergency is null)
        {
            AddOwners("review.codeowners", paths, 1, null, isUnownedFine: true);
        }

        foreach (var (rule, matched) in rules)
        {
            switch (rule.Demand)
            {
                case ReviewDemand.Approvals when emergency is not null:
                    break;
                case ReviewDemand.Roles(var require):
                    AddRoles(rule.Path, Shown(matched), require, rule.Why, new(matched[0]));
                    break;
                case ReviewDemand.Approvals(var count, true):
                    AddOwners(rule.Path, matched, count, rule.Why, isUnownedFine: false);
                    break;
                case ReviewDemand.Approvals(var count, false):
                    AddPlain(rule.Path, Shown(matched), count, rule.Why, new(matched[0]));
                    break;
            }
        }

        foreach (var (rule, found) in values)
        {
            decisions.Add(found.Decision);
            if (found.IsMoved && rule.Test is ValueTest.Moved(_, var require))
            {
                AddRoles(rule.Path, found.What, require, rule.Why, new(rule.File));
            }
        }
    }

    private void AddEmergency(EmergencyRule rule, Person by)
    {
        const string Path = "changes.emergency";

        // One certain person is asked, and nobody else could fill the place without them. That this one is not alone is said by what is required.
        AddNeed(Path, $"{by.Name}, who set the label '{rule.Label}'", null, null, [new(approver => approver.Person.Id == by.Id ? rule.Require.Max(slot => IsIn(slot.Role, approver)) : Fit.No, [by.Name])], isOfOne: true);
        AddRoles(Path, "an emergency", rule.Require, null, null);
    }

    // What stands for others may be any path, so every rule speaks of it.
    private ImmutableArray<string> Matched(ImmutableArray<PathPattern> patterns) =>
    [
        .. request.Files.SelectMany(file => file.Paths.Where(path => file.StandsForOthers || patterns.Any(pattern => pattern.Matches(path)))).Distinct(StringComparer.Ordinal),
    ];

    private void AddPlain(string rule, string what, int asked, string? why, SourcePlace? at)
    {
        AddNeed(rule, $"{asked} with write access, for {what}", why, at, [.. Enumerable.Repeat(new Place(_ => Fit.Yes, ["anybody with write access who had no part in the change"]), asked)]);
    }

    private void AddOwners(string rule, ImmutableArray<string> matched, int count, string? why, bool isUnownedFine)
    {
        if (owners is null)
        {
            return;
        }

        foreach (var group in matched.GroupBy(path => owners.Decide(path)))
        {
            ImmutableArray<string> paths = [.. group];
            if (group.Key is { Owners.IsEmpty: false } decided)
            {
                AddNeed(
                    rule,
                    $"{count} of {string.Join(' ', decided.Owners)}, for {Shown(paths)} ({owners.File}:{decided.Line.ToString(CultureInfo.InvariantCulture)})",
                    why,
                    new(paths[0]),
                    [.. Enumerable.Repeat(new Place(approver => Owns(decided, approver), [.. decided.Owners.Select(Named)]), count)]);
            }
            else if (!isUnownedFine)
            {
                Deny(rule, $"{Shown(paths)} {(paths.Length == 1 ? "has" : "have")} no owner in CODEOWNERS, and {count} must approve{Because(why)}", "add a line with owners to CODEOWNERS, in a pull request of its own", new(paths[0]));
            }
        }
    }

    private void AddRoles(string rule, string what, ImmutableArray<RoleCount> require, string? why, SourcePlace? at) => AddNeed(rule, $"{string.Join(" and ", require)}, for {what}", why, at, Places(require));

    private ImmutableArray<Place> Places(ImmutableArray<RoleCount> require) => [.. require.SelectMany(slot => Enumerable.Repeat(new Place(approver => IsIn(slot.Role, approver), [.. People(slot.Role)]), slot.Count))];

    private void AddNeed(string rule, string what, string? why, SourcePlace? at, ImmutableArray<Place> places, bool isOfOne = false)
    {
        var alsoWithoutAny = isOfAnybody && !isOfOne;
        filled.Add((places, alsoWithoutAny));
        what += isOfOne ? "" : AlsoWithoutAny;
        var (sure, by) = Fill(places, Fit.Yes, alsoWithoutAny);
        var missing = places.Where((_, i) => sure[i] is null).ToList();
        var verdict = missing.Count == 0 ? Verdict.Allow : Fill(places, Fit.Unknown, alsoWithoutAny).Least.All(person => person is not null) ? Verdict.Unknown : Verdict.Deny;
        ImmutableArray<string> candidates = [.. missing.SelectMany(place => place.Candidates).Distinct(StringComparer.Ordinal).Except(by, StringComparer.Ordinal)];
        needs.Add(new(rule, what + Because(why), verdict, by, candidates));
        if (verdict == Verdict.Allow)
        {
            return;
        }

        var who = candidates.IsEmpty ? "nobody could give it" : $"needs {(missing.Count + (alsoWithoutAny && by.IsEmpty ? 1 : 0)).ToString(CultureInfo.InvariantCulture)} more of: {string.Join(", ", candidates.Take(20))}";
        if (verdict == Verdict.Deny)
        {
            Deny(rule, $"{what}{Because(why)}: {who}", candidates.IsEmpty ? "add people or owners who had no part in the change" : "have them approve the head commit", at);
            return;
        }

        decisions.Add(Decision.Unknown([.. Unread(places).Select(reason => reason with { Message = $"{reason.Message}, and {what}{Because(why)} {who}", At = at })]));
    }

    // Which teams could not be asked that somebody who approved may be in.
    private ImmutableArray<Reason> Unread(ImmutableArray<Place> places)
    {
        unread.Clear();
        foreach (var place in places.Distinct())
        {
            foreach (var approver in approvers.Counted)
            {
                place.Fits(approver);
            }
        }

        return [.. unread.Values];
    }

    // Where anybody may stand behind the pull request, the places are filled without each of those who fill them, and the filling that lacks most counts.
    private (ImmutableArray<string?> Least, ImmutableArray<string> By) Fill(ImmutableArray<Place> places, Fit least, bool alsoWithoutAny, Func<string, bool>? among = null)
    {
        var all = FillWithout(null);
        List<ImmutableArray<string?>> tried = [all, .. alsoWithoutAny ? all.OfType<string>().Select(FillWithout) : []];
        return (tried.MaxBy(one => one.Count(person => person is null)), [.. tried.SelectMany(one => one.OfType<string>()).Distinct().Order(StringComparer.Ordinal)]);

        ImmutableArray<string?> FillWithout(string? person) =>
            SlotMatching.Fill([.. places.Select(place => approvers.Counted.Where(approver => approver.Person.Name != person && among?.Invoke(approver.Person.Name) is not false && place.Fits(approver) >= least).Select(approver => approver.Person.Name).ToImmutableArray())]);
    }

    private Fit Owns(CodeownersRule rule, Approver approver) => rule.Owners.Select(owner => owner switch
    {
        CodeOwner.User user => approver.Accounts.Any(account => string.Equals(account.Login, user.Login, StringComparison.OrdinalIgnoreCase)) ? Fit.Yes : Fit.No,
        CodeOwner.Team team => IsInTeam(team.Name, approver),
        _ => Fit.No,
    }).Max();

    private Fit IsIn(string role, Approver approver)
    {
        var named = policy.Roles[role];
        var name = approver.Person.Name;
        if (!named.People.Contains(name) || asked.Any(other => other != role && policy.Roles[other] is var rival && rival.People.Contains(name) && (named.ConflictsWith.Contains(other) || rival.ConflictsWith.Contains(role))))
        {
            return Fit.No;
        }

        return named.GitHubTeams.IsEmpty ? Fit.Yes : named.GitHubTeams.Select(team => IsInTeam(team, approver)).Max();
    }

    private Fit IsInTeam(string name, Approver approver)
    {
        if (teams.GetValueOrDefault(name) is not { } team)
        {
            unread[name] = new("review.approvals", $"the team {name} was not read", "read the pull request again with this policy");
            return Fit.Unknown;
        }

        if (!team.Members.Try(out var members, out var why))
        {
            unread[name] = why;
            return Fit.Unknown;
        }

        return members.Any(member => approver.Accounts.Any(account => account.Id == member.Id)) ? Fit.Yes : Fit.No;
    }

    private IEnumerable<string> People(string role) => policy.Roles[role].People.Where(approvers.MayCount);

    // An address is somebody's whom only the forge knows.
    private static string Named(CodeOwner owner) => owner is CodeOwner.Email ? $"{owner} (an address: name the account)" : owner.Text;

    private static TeamRoster Roster(IGrouping<string, TeamRoster> rosters) => rosters.Count() == 1
        ? rosters.First()
        : new(rosters.Key, new Reading<ImmutableArray<Account>>.Unread(new("snapshot", $"the team {rosters.Key} is told twice", "write the snapshot anew")));

    private void Deny(string rule, string message, string remedy, SourcePlace? at) => decisions.Add(Decision.Deny(new Reason(rule, message, remedy) { At = at }));

    private static string Because(string? why) => why is null ? "" : $" ({why})";

    private static string Shown(ImmutableArray<string> paths) => paths.Length <= 3
        ? string.Join(", ", paths)
        : string.Create(CultureInfo.InvariantCulture, $"{string.Join(", ", paths.Take(3))} and {paths.Length - 3} more");

    /// <summary>A place that one person fills.</summary>
    /// <param name="Fits">Who may.</param>
    /// <param name="Candidates">Who could, for people to read.</param>
    private sealed record Place(Func<Approver, Fit> Fits, ImmutableArray<string> Candidates);
}
