using System.Collections.Immutable;
using System.Text;
using Governance.Gates.Approvals;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;
using static Governance.Gates.Tests.Approvals.Firm;

namespace Governance.Gates.Tests.Approvals;

/// <summary>All that a quorum is decided by: people, roles, keys, conflicts, statements, revocations and the time.</summary>
internal sealed record QuorumWorld(ApprovalNeed Need, ImmutableArray<SignedStatement> Statements, Policy Policy, RevocationList Revocations, ImmutableDictionary<string, long> Uses, DateTimeOffset Now)
{
    private static readonly string[] Everybody = ["ann", "ben", "cem", "dan", "eve", "fay", "gus"];
    private static readonly string[] Roles = ["operator", "risk", "auditor"];
    private static readonly string[] KeyNames = ["ann", "ann-2", "ben", "ben-2", "cem", "dan", "eve", "fay", "gus"];

    public QuorumOutcome Decide() => Quorum.Decide(Need, Statements, Policy, Revocations, Uses, Now);

    /// <summary>A world in which little is wrong, so that a yes and a no are both common.</summary>
    public static QuorumWorld Random(Random random)
    {
        var policy = RandomPolicy(random);
        var rule = RandomRule(random);
        var need = Firm.Need() with
        {
            Rule = rule,
            Environment = Often(random) ? "production" : "staging",
            Favoured = [.. Everybody.Where(_ => Seldom(random)).Select(Id)],
        };
        var requests = new List<SignedStatement> { RandomRequest(random, "request-1") };
        while (random.Next(3) == 0)
        {
            requests.Add(RandomRequest(random, random.Next(3) == 0 ? "request-1" : $"request-{requests.Count + 1}"));
        }

        var answers = new List<SignedStatement>();
        for (var i = random.Next(2, 13); i > 0; i--)
        {
            answers.Add(RandomAnswer(random, policy, rule, requests[random.Next(4) == 0 ? random.Next(requests.Count) : 0], answers));
        }

        SignedStatement[] statements = [.. requests, .. answers];
        random.Shuffle(statements);
        var revocations = RevocationList.Empty with
        {
            People = [.. Everybody.Where(_ => Rarely(random)).Select(Id)],
            Keys = [.. KeyNames.Where(_ => Rarely(random)).Select(name => Key(name).Spki)],
            Artifacts = [.. ((Digest[])[Image, Template]).Where(_ => Rarely(random))],
            Approvals = [.. statements.Where(_ => Rarely(random)).Select(signed => signed.Statement.Id)],
        };
        return new(need, [.. statements], policy, revocations, requests.Select(request => request.Statement.Id).Distinct().ToImmutableDictionary(id => id, _ => Often(random) ? 0L : random.Next(1, 3)), Firm.Now);
    }

    public override string ToString()
    {
        var text = new StringBuilder($"{string.Join(" and ", Need.Rule.Require)} in {Need.Environment}, favoured [{string.Join(' ', Need.Favoured)}], used [{string.Join(' ', Uses.Values)}], {Need.Rule}\n");
        text.AppendJoin('\n', Policy.People.Values.Select(person => $"{person.Name} {person.Id} {person.From:O}..{person.Until:O}")).Append('\n');
        text.AppendJoin('\n', Policy.Roles.Values.Select(role => $"{role.Name}: {string.Join(' ', role.People)}, not {string.Join(' ', role.ConflictsWith)}")).Append('\n');
        text.AppendJoin('\n', Policy.Keys.Values.Select(key => $"key {key.Name} {key.Identity} {key.ValidFrom:O}..{key.ValidUntil:O}")).Append('\n');
        text.Append($"revoked: {string.Join(' ', Revocations.People)} {string.Join(' ', Revocations.Keys)} {string.Join(' ', Revocations.Artifacts)} {string.Join(' ', Revocations.Approvals)}\n");
        return text.AppendJoin('\n', Statements.Select(signed => $"{signed.Where} ({signed.Digest}): {Encoding.UTF8.GetString(ApprovalStatements.Write(signed.Statement))}")).ToString();
    }

    private static Policy RandomPolicy(Random random)
    {
        var today = DateOnly.FromDateTime(Firm.Now.UtcDateTime);
        var people = Firm.Policy.People.Values.Where(_ => !Rarely(random)).Select(person => person with
        {
            From = Seldom(random) ? today.AddDays(random.Next(-1, 2)) : null,
            Until = Seldom(random) ? today.AddDays(random.Next(-1, 2)) : null,
        }).ToImmutableDictionary(person => person.Name);
        return Firm.Policy with
        {
            People = people,
            Keys = Firm.Policy.Keys.Values.Select(key => key with
            {
                ValidFrom = Seldom(random) ? today.AddDays(random.Next(-1, 2)) : null,
                ValidUntil = Seldom(random) ? today.AddDays(random.Next(-1, 2)) : null,
            }).ToImmutableDictionary(key => key.Name),
            Roles = Roles.Select(role => new Role(
                role,
                [.. Everybody.Where(name => people.ContainsKey(name) && random.Next(10) < 7)],
                [],
                [.. Roles.Where(other => other != role && random.Next(8) == 0)])).ToImmutableDictionary(role => role.Name),
        };
    }

    private static ApprovalRule RandomRule(Random random)
    {
        var roles = Roles.ToArray();
        random.Shuffle(roles);
        var useBy = TimeSpan.FromDays(random.Next(1, 8));
        return new(
            "deploy",
            [.. roles.Take(random.Next(1, 4)).Select(role => new RoleCount(role, random.Next(3) == 0 ? 2 : 1))],
            useBy,
            Often(random) ? null : useBy + TimeSpan.FromDays(random.Next(3)),
            Often(random) ? null : random.Next(1, 4));
    }

    private static SignedStatement RandomRequest(Random random, string id)
    {
        var by = Pick(random, Everybody);
        var key = Pick(random, KeysOf(by));
        var request = Request() with
        {
            Id = id,
            Action = Rarely(random) ? "rotate" : "deploy",
            Requester = new(Id(by), Key(key)),
            Contributors = [.. Everybody.Where(_ => Seldom(random)).Select(Id)],
            Scope = new(
                !Seldom(random) ? ["production", "staging"] : !Seldom(random) ? ["production"] : !Seldom(random) ? ["staging"] : [],
                !Seldom(random) ? [] : !Seldom(random) ? [Standby, Primary] : [Standby],
                !Seldom(random) ? [] : !Seldom(random) ? ["pay"] : ["try"],
                !Seldom(random) ? [] : !Seldom(random) ? ["Deployment/shop"] : ["Job/shop"]),
            CreatedAt = Rarely(random) ? Firm.Now.AddHours(1) : Firm.Now.AddHours(-3),
            NotBefore = !Seldom(random) ? null : Firm.Now.AddHours(random.Next(-3, 2)),
            NotAfter = !Seldom(random) ? null : Firm.Now.AddHours(random.Next(-1, 4)),
        };
        if (Rarely(random))
        {
            request = request with { Covers = [request.Covers[0]] };
        }

        return Sign(request, Signing(random, by, key));
    }

    private static SignedStatement RandomAnswer(Random random, Policy policy, ApprovalRule rule, SignedStatement request, List<SignedStatement> before)
    {
        var role = Often(random) ? Pick(random, [.. rule.Require]).Role : Pick(random, Roles);
        var by = Often(random) && policy.Roles[role].People is { IsEmpty: false } asked ? Pick(random, [.. asked]) : Pick(random, Everybody);
        var key = Rarely(random) ? Pick(random, KeyNames) : Pick(random, KeysOf(by));
        var approval = Approval(request, by) with
        {
            Id = Rarely(random) && before.Count > 0 ? Pick(random, [.. before]).Statement.Id : $"answer-{before.Count + 1}",
            Approver = new(Rarely(random) ? "p-99" : Id(by), role, Key(key), random.Next(8) == 0 ? (Rarely(random) ? "p-99" : Id(Pick(random, Everybody))) : null, null),
            IssuedAt = Rarely(random) ? Firm.Now.AddHours(1) : Firm.Now.AddHours(-random.Next(1, Often(random) ? 20 : 200)),
            UseBy = Firm.Now.AddHours(Often(random) ? random.Next(0, 60) : random.Next(-9, 1)),
            RunUntil = Often(random) ? null : Firm.Now.AddHours(random.Next(-2, 90)),
            MaxUses = Often(random) ? null : random.Next(1, 3),
            Supersedes = Often(random) || before.Count == 0 ? null : EarlierOf(random, by, before) ?? Pick(random, [.. before]).Statement.Id,
        };
        approval = random.Next(24) switch
        {
            0 => approval with { Decision = ApprovalDecision.Reject },
            1 or 2 or 5 => approval with { Decision = ApprovalDecision.Withdraw, Withdraws = EarlierOf(random, by, before) ?? (random.Next(3) == 0 ? request.Statement.Id : $"answer-{random.Next(1, 8)}") },
            3 or 4 => approval with { Decision = ApprovalDecision.Acknowledge },
            _ => approval,
        };
        approval = random.Next(40) switch
        {
            0 => approval with { RequestDigest = Digest.Of("another"u8) },
            1 => approval with { Covers = [approval.Covers[0], approval.Covers[0]] },
            2 => approval with { Scope = new(["production", "staging"], [Primary], [], []) },
            3 => approval with { Contributors = [.. approval.Contributors, Id("gus")] },
            4 => approval with { Requester = new(Id(by), Key(key)) },
            5 => approval with { ChangeId = null },
            _ => approval,
        };
        return Sign(approval, Signing(random, by, key));
    }

    private static string? EarlierOf(Random random, string by, List<SignedStatement> before)
    {
        var own = before.Where(signed => signed.Statement is Approval approval && approval.Approver.Person == Id(by)).ToArray();
        return own.Length == 0 ? null : Pick(random, own).Statement.Id;
    }

    private static string[] Signing(Random random, string by, string key) => random.Next(24) switch
    {
        0 => [Pick(random, KeysOf(by))],
        1 => ["stranger"],
        2 => [key, "stranger", Pick(random, KeyNames)],
        3 => [Pick(random, KeyNames)],
        _ => [key],
    };

    private static string[] KeysOf(string person) => person is "ann" or "ben" ? [person, $"{person}-2"] : [person];

    private static T Pick<T>(Random random, T[] from) => from[random.Next(from.Length)];

    private static bool Often(Random random) => random.Next(7) > 0;

    private static bool Seldom(Random random) => random.Next(14) == 0;

    private static bool Rarely(Random random) => random.Next(40) == 0;
}
