using System.CommandLine;
using System.Text.Json;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Policies;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates policy diff</c>: what does a new version of the policy change, and who must agree to it?</summary>
/// <remarks>Exits with 1 where the newer policy is weaker, so that a pipeline stops and asks.</remarks>
internal static class PolicyDiffCommand
{
    public static Command Create(Terminal terminal)
    {
        var older = new Argument<string>("OLD") { Description = "The policy in force. The key files that it names lie beside or below it." };
        var newer = new Argument<string>("NEW") { Description = "The policy that is to take its place." };
        var form = Report.OutputOption();
        var command = new Command("diff", "Tells what a new version of a policy changes, and which quorum that needs. Exits with 1 where it is weaker. Example: gates policy diff in-force/governance.yaml governance.yaml") { older, newer, form };
        command.SetAction((parsed, _) =>
        {
            var (olderName, newerName) = (parsed.GetRequiredValue(older), parsed.GetRequiredValue(newer));
            var (was, _) = PolicyFile.Load(olderName);
            var (now, _) = PolicyFile.Load(newerName);
            return ToReport(olderName, was, newerName, now).WriteAsync(terminal, parsed.GetRequiredValue(form));
        });
        return command;
    }

    private static Report ToReport(string olderFile, Policy older, string newerFile, Policy newer)
    {
        var diff = PolicyDiff.Between(older, newer);
        var gainers = diff.Gainers.Order(StringComparer.Ordinal).Select(id => (Id: id, Name: NameOf(id, older, newer))).ToList();
        var action = older.Digest == newer.Digest ? null : diff.IsWeaker ? ApprovalRule.PolicyWeakening : ApprovalRule.PolicyChange;
        var rule = action is null ? null : older.Approvals.GetValueOrDefault(action);
        var verdict = diff.IsWeaker ? "weaker" : diff.Changes.Any(change => change.Kind == PolicyChangeKind.Stronger) ? "stronger" : action is null ? "same" : "neutral";
        List<Fact> facts = [.. diff.Changes.Select(change => new Fact(Word(change.Kind), change.Gains.IsEmpty ? $"{change}" : $"{change} ({string.Join(", ", change.Gains.Select(id => NameOf(id, older, newer)))} {(change.Gains.Length == 1 ? "gains" : "gain")})"))];
        if (action is not null)
        {
            facts.Add(new("quorum", rule is null
                ? $"none: {older.Name} version {older.Version} has no approvals.{action}, so nobody can agree to this under it; start the gates with the new policy's digest ({newer.Digest})"
                : $"{action} of {older.Name} version {older.Version}: {string.Join(" and ", rule.Require)}"));
        }

        // Who gains counts for no weakening; for any other change nobody gains.
        if (gainers.Count > 0)
        {
            facts.Add(new("do not count", string.Join(", ", gainers.Select(gainer => $"{gainer.Name} ({gainer.Id})"))));
        }

        return new(
            "policy-diff.schema.json",
            diff.IsWeaker ? ExitCode.Denied : ExitCode.Allowed,
            Title(olderFile, newerFile, verdict, diff),
            [.. facts],
            json =>
            {
                json.WriteString("verdict", verdict);
                json.WritePolicy(olderFile, older, "older");
                json.WritePolicy(newerFile, newer, "newer");
                Write(json, diff);
                Write(json, action, rule);
                json.WriteStartArray("gainers");
                foreach (var (id, name) in gainers)
                {
                    json.WriteStartObject();
                    json.WriteString("id", id);
                    json.WriteString("name", name);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            });
    }

    private static string Title(string older, string newer, string verdict, PolicyDiff diff)
    {
        var counts = string.Join(", ", diff.Changes.GroupBy(change => change.Kind).Select(kind => $"{kind.Count()} {Word(kind.Key)}"));
        return verdict == "same" ? $"{newer}: the same policy as {older}" : $"{newer}: {verdict} {(verdict == "neutral" ? "to" : "than")} {older} ({(counts.Length == 0 ? "no change of meaning" : counts)})";
    }

    private static string NameOf(string id, Policy older, Policy newer) =>
        newer.People.Values.Concat(older.People.Values).First(person => person.Id == id).Name;

    private static string Word(PolicyChangeKind kind) => kind switch
    {
        PolicyChangeKind.Neutral => "neutral",
        PolicyChangeKind.Stronger => "stronger",
        _ => "weaker",
    };

    private static void Write(Utf8JsonWriter json, PolicyDiff diff)
    {
        json.WriteStartArray("changes");
        foreach (var change in diff.Changes)
        {
            json.WriteStartObject();
            json.WriteString("kind", Word(change.Kind));
            json.WriteString("path", change.Path);
            json.WriteString("message", change.Message);
            json.WriteStartArray("gains");
            foreach (var id in change.Gains)
            {
                json.WriteStringValue(id);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, string? action, ApprovalRule? rule)
    {
        json.WriteString("action", action);
        if (rule is null)
        {
            json.WriteNull("quorum");
            return;
        }

        json.WriteStartArray("quorum");
        foreach (var slot in rule.Require)
        {
            json.WriteStartObject();
            json.WriteString("role", slot.Role);
            json.WriteNumber("count", slot.Count);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
