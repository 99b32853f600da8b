using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;

namespace Governance.Gates.Tests.Reviews;

/// <summary>A pull request of ann's that changes what a test says, in a repository that a small firm owns; read through its snapshot.</summary>
internal sealed class PullRequests
{
    public const string Head = "2222222222222222222222222222222222222222";
    public const string Older = "3333333333333333333333333333333333333333";

    /// <summary>Accounts by login. carol2 is carol's second; stan is in no policy.</summary>
    private static readonly Dictionary<string, long> Ids = new() { ["ann"] = 1, ["bob"] = 2, ["carol"] = 3, ["carol2"] = 33, ["dave"] = 4, ["erin"] = 5, ["frank"] = 6, ["stan"] = 9, ["web-flow"] = 19864447, ["release[bot]"] = 50, ["ghost"] = 10137 };

    public static readonly DateTimeOffset Now = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly List<JsonNode?> reviews = [];
    private readonly Dictionary<string, string> permissions = Ids.Keys.ToDictionary(login => login, _ => "write");
    private readonly Dictionary<(string Side, string Path), string?> contents = new() { [("base", ".github/CODEOWNERS")] = "* @ann @bob @carol @dave\n/risk/ @bob @carol @example/risk\n" };
    private readonly JsonArray files = [];
    private readonly JsonArray commits = [];
    private readonly JsonArray teams = [];

    public PullRequests(params ReadOnlySpan<string> changed)
    {
        foreach (var path in changed)
        {
            Change(path);
        }

        Commit("ann", "ann");
    }

    /// <summary>Rules that ask for one approval, for two owners under risk/, and for a risk manager under config/.</summary>
    public static string Rules { get; } = """
            codeowners: { required: false, mistakes: deny }
            approvals: { default: 1, stale: head }
            exclude: [author, committers, coAuthors, lastPusher, robots]
            paths:
              - { paths: [risk/**], approvals: 2, from: codeowners, why: risk-critical }
              - { paths: [config/**], require: [{ role: risk-manager, count: 1 }, { role: compliance, count: 1 }] }
        """;

    public JsonObject Changes { get; } = [];

    public static string Yaml(string rules) => $$"""
        apiVersion: governance.gates/v1alpha1
        kind: GovernancePolicy
        metadata: { name: firm, version: 1 }
        spec:
          people:
            ann: { id: p-1, github: { login: ann, id: 1 } }
            bob: { id: p-2, github: { login: bob, id: 2 } }
            carol: { id: p-3, github: { login: carol, id: 3 } }
            dave: { id: p-4, github: { login: dave, id: 4 } }
            erin: { id: p-5, from: 2026-01-01, github: { login: erin, id: 5 } }
            frank: { id: p-6, until: 2026-12-31, github: { login: frank, id: 6 } }
          roles:
            risk-manager: { people: [dave, frank, ann] }
            compliance: { people: [erin, frank, bob] }
            narrowed: { people: [dave, frank, bob], githubTeams: [example/risk] }
            writer: { people: [dave, erin, bob], conflictsWith: [checker] }
            checker: { people: [dave, erin, carol, bob] }
          review:
        {{Indented(rules)}}
        """;

    // A raw string loses its own indentation.
    private static string Indented(string rules) => string.Join('\n', rules.Split('\n').Select(line => $"    {line.TrimEnd()}"));

    public static Policy Policy(string rules) => PolicyReader.Read(Encoding.UTF8.GetBytes(Yaml(rules)), _ => null) switch
    {
        PolicyReading.Accepted(var policy, _) => policy,
        PolicyReading.Refused(var mistakes) => throw new InvalidOperationException(string.Join('\n', mistakes)),
        _ => throw new InvalidOperationException(),
    };

    public static JsonNode? Account(string? login) => login is null ? null : new JsonObject { ["id"] = Ids[login], ["login"] = login, ["type"] = login.EndsWith("[bot]", StringComparison.Ordinal) ? "Bot" : "User" };

    public PullRequests Change(string path, string status = "modified", string? previous = null, string? mode = "100644")
    {
        var file = new JsonObject { ["path"] = path, ["status"] = status, ["mode"] = mode };
        if (previous is not null)
        {
            file["previousPath"] = previous;
        }

        files.Add(file);
        return this;
    }

    public PullRequests Commit(string? author, string? committer, params string?[] coAuthors)
    {
        commits.Add(new JsonObject { ["sha"] = (commits.Count + 100).ToString(CultureInfo.InvariantCulture).PadLeft(40, '0'), ["author"] = Account(author), ["committer"] = Account(committer), ["coAuthors"] = new JsonArray([.. coAuthors.Select(Account)]) });
        return this;
    }

    public PullRequests Reviewed(string? login, string state = "APPROVED", string? commit = Head)
    {
        reviews.Add(new JsonObject { ["id"] = reviews.Count + 1, ["user"] = Account(login), ["state"] = state, ["commit"] = commit });
        return this;
    }

    public PullRequests Permit(string login, string? permission)
    {
        if (permission is null)
        {
            permissions.Remove(login);
        }
        else
        {
            permissions[login] = permission;
        }

        return this;
    }

    public PullRequests Team(string name, params string[] members)
    {
        teams.Add(new JsonObject { ["name"] = name, ["members"] = new JsonArray([.. members.Select(member => new JsonObject { ["account"] = Account(member.TrimEnd('?')), ["state"] = member.EndsWith('?') ? "pending" : "active" })]) });
        return this;
    }

    public PullRequests UnreadTeam(string name, string message)
    {
        teams.Add(new JsonObject { ["name"] = name, ["unread"] = Unread(message) });
        return this;
    }

    public PullRequests Content(string side, string path, string? content)
    {
        contents[(side, path)] = content;
        return this;
    }

    /// <summary>Sets a field of the snapshot.</summary>
    public PullRequests With(string field, JsonNode? value)
    {
        Changes[field] = value;
        return this;
    }

    public static JsonObject Unread(string message) => new() { ["rule"] = "forge", ["message"] = message, ["remedy"] = "give the token the right" };

    public string Json()
    {
        var root = new JsonObject
        {
            ["v"] = 1,
            ["critical"] = new JsonArray(),
            ["repository"] = "example/trading",
            ["number"] = 7,
            ["draft"] = false,
            ["author"] = Account("ann"),
            ["base"] = new JsonObject { ["ref"] = "main", ["sha"] = "1111111111111111111111111111111111111111" },
            ["head"] = new JsonObject { ["ref"] = "feat/x", ["sha"] = Head },
            ["headAfter"] = Head,
            ["changedFiles"] = files.Count,
            ["commitCount"] = commits.Count,
            ["files"] = files.DeepClone(),
            ["commits"] = commits.DeepClone(),
            ["lastPusher"] = Account("ann"),
            ["reviews"] = new JsonArray([.. reviews.Select(review => review!.DeepClone())]),
            ["permissions"] = new JsonArray([.. permissions.Select(one => new JsonObject { ["account"] = Account(one.Key), ["permission"] = one.Value })]),
            ["teams"] = teams.DeepClone(),
            ["contents"] = new JsonArray([.. contents.Select(one => ContentOf(one.Key.Side, one.Key.Path, one.Value)), .. Codeowners.Locations.Where(path => !contents.ContainsKey(("base", path))).Select(path => ContentOf("base", path, null))]),
            ["unread"] = new JsonArray(),
        };
        foreach (var (field, value) in Changes)
        {
            root[field] = value?.DeepClone();
        }

        return root.ToJsonString();
    }

    public PullRequest Read() => PullRequestReader.Read(Encoding.UTF8.GetBytes(Json())) switch
    {
        Reading<PullRequest>.Found(var request) => request,
        Reading<PullRequest>.Unread(var why) => throw new InvalidOperationException(why.Message),
        _ => throw new InvalidOperationException(),
    };

    public ReviewResult Judge(string? rules = null) => ReviewGate.Decide(Read(), Policy(rules ?? Rules), Now);

    private static JsonObject ContentOf(string side, string path, string? content) => content is null
        ? new() { ["side"] = side, ["path"] = path, ["absent"] = true }
        : new() { ["side"] = side, ["path"] = path, ["data"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(content)) };
}

internal static class ReviewResultExtensions
{
    public static void Is(this ReviewResult result, Verdict verdict, string? told = null)
    {
        var reasons = string.Join('\n', result.Decision.Reasons.Select(reason => $"{reason.Rule}: {reason}"));
        Assert.True(result.Decision.Verdict == verdict, $"{result.Decision.Verdict}, not {verdict}:\n{reasons}");
        if (told is not null)
        {
            Assert.Contains(told, reasons, StringComparison.Ordinal);
        }
    }

    /// <summary>Why the last word of somebody is no approval that counts.</summary>
    public static string? WhyNot(this ReviewResult result, string login) => result.Approvals.Single(one => one.Login == login).WhyNot;
}
