using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Governance.Gates.Admission;
using Governance.Gates.Ledgers;
using Governance.Gates.Policies;
using Governance.Gates.Tests.Approvals;

namespace Governance.Gates.Tests.Admission;

/// <summary>Limits in a ConfigMap, held to the rules of reviews. Whatever is decided here is decided again from its entry by <see cref="ApprovedCluster"/>.</summary>
public sealed class DeclaredValuesTests
{
    private const string Rules = """
          review:
            approvals: { default: 1 }
            values:
              - { file: config/limits.yaml, at: /position/*/max, when: increases, require: [{ role: risk, count: 1 }], why: risk limit raised }
              - { file: config/limits.yaml, at: /leverage/cap, must: { atMost: 1.0 } }
              - { file: config/pairs.yaml, at: /pairs/*/max, when: changes, require: [{ role: auditor, count: 1 }] }
          admission:
            statements: registry.example.com/statements
            objects:
              - { resource: configmaps, in: { namespaces: [pay, try] }, names: [limits*], values: same-as-review, require: { approved: { action: rotate, in: { environments: [production] } } } }
          artifacts:
        """;

    private static readonly Policy Policy = Firm.Read(Regex.Replace(Firm.Yaml, "id: p-([0-9]),", "id: p-$1, github: { login: g$1, id: $1 },").Replace("  artifacts:", Rules, StringComparison.Ordinal));

    private readonly ApprovedCluster cluster = new(Policy);

    private static string Limits(int max, string cap = "1.0") => $"position: {{ btc: {{ max: {max} }} }}\nleverage: {{ cap: {cap} }}\n";

    private static JsonObject Config(string? limits, params ReadOnlySpan<(string Key, string Value)> more)
    {
        var data = new JsonObject();
        if (limits is not null)
        {
            data["limits.yaml"] = limits;
        }

        foreach (var (key, value) in more)
        {
            data[key] = value;
        }

        return new() { ["apiVersion"] = "v1", ["kind"] = "ConfigMap", ["metadata"] = new JsonObject { ["name"] = "limits-eu", ["namespace"] = "pay" }, ["data"] = data };
    }

    private static Review Change(JsonObject? before, JsonObject? after) => new("", "ConfigMap", "configmaps", after)
    {
        Old = before,
        Operation = before is null ? "CREATE" : after is null ? "DELETE" : "UPDATE",
        Namespace = "pay",
        Name = "limits-eu",
    };

    // What ann asked for and these agreed to.
    private Review Agreed(Review review, params ReadOnlySpan<(string By, string Role)> yes)
    {
        var document = Assert.Single(review.Open(Policy, Firm.Primary).Documents);
        var request = Firm.Request() with { Id = $"request {document.Subject.Digest}", Action = "rotate", Covers = document.Need.Covers };
        var asked = cluster.Attach(request, "ann", document.Subject.Digest);
        foreach (var (by, role) in yes)
        {
            cluster.Attach(Firm.Approval(asked, by, role), by, document.Subject.Digest);
        }

        return review;
    }

    [Fact]
    public void A_limit_that_is_raised_in_the_cluster_needs_those_who_must_agree_to_it_in_a_review()
    {
        var raise = Agreed(Change(Config(Limits(5)), Config(Limits(6))), ("dan", "operator"), ("fay", "operator"));
        cluster.Refused(raise, "limits.yaml /position/btc/max from 5 to 6 (risk limit raised), is not approved by request");
        cluster.Refused(raise, "still needed: 1 risk");
        cluster.Goes(Agreed(raise, ("cem", "risk"), ("dan", "operator"), ("fay", "operator")));
        cluster.Goes(Agreed(Change(Config(Limits(5)), Config(Limits(4))), ("dan", "operator"), ("fay", "operator")));
    }

    [Fact]
    public void A_person_who_answers_for_the_action_does_not_answer_for_the_limit_too()
    {
        var raise = Change(Config(Limits(5)), Config(Limits(6)));
        cluster.Refused(Agreed(raise, ("cem", "risk"), ("cem", "operator"), ("dan", "operator")), "still needed: 1");
        cluster.Refused(Agreed(raise, ("ann", "risk"), ("cem", "operator"), ("dan", "operator")), "still needed: 1 risk");
    }

    [Fact]
    public void What_was_approved_as_a_lower_limit_is_not_approved_as_a_higher_one()
    {
        var lower = Agreed(Change(Config(Limits(5)), Config(Limits(3))), ("dan", "operator"), ("fay", "operator"));
        cluster.Goes(lower);
        cluster.Refused(lower with { Old = Config(Limits(1)) }, "from 1 to 3");
    }

    [Fact]
    public void A_bound_holds_whoever_approves_and_also_where_nobody_must()
    {
        var beyond = Agreed(Change(Config(Limits(5)), Config(Limits(5, "1.5"))), ("cem", "risk"), ("dan", "operator"), ("fay", "operator"));
        cluster.Refused(beyond, "/leverage/cap of limits.yaml is 1.5, and must be at most 1.0");
        cluster.Refused(beyond with { Namespace = "try", Old = null, Operation = "CREATE", Object = In("try", Limits(5, "1.5")) }, "must be at most 1.0");
        cluster.Refused(Agreed(Change(Config(Limits(5)), Config("position: { btc: { max: 5 } }")), ("dan", "operator"), ("fay", "operator")), "has nothing at /leverage/cap", verdict: Verdict.Unknown);
        Assert.True(cluster.Ask(Change(null, In("try", Limits(5))) with { Namespace = "try" }).Admitted);
    }

    private static JsonObject In(string ns, string limits)
    {
        var config = Config(limits);
        config["metadata"]!["namespace"] = ns;
        return config;
    }

    [Fact]
    public void A_file_that_comes_goes_or_cannot_be_read_counts_as_the_worst()
    {
        static JsonObject With(string field, JsonNode? value)
        {
            var config = Config(Limits(5));
            config[field] = value;
            return config;
        }

        (JsonObject? Before, JsonObject? After)[] changes =
        [
            (null, Config(Limits(5))),
            (Config(null), Config(Limits(5))),
            (Config(null, ("limits.yaml", "")), Config(Limits(5))),
            (With("data", "text"), Config(Limits(5))),
            (Config(Limits(5)), Config("position: &a { btc: { max: 5 } }\nleverage: { cap: 1.0 }\n")),
            (Config(Limits(5)), Config(Limits(5) + "Position: { btc: { max: 99 } }\n")),
            (Config(Limits(5)), With("data", new JsonObject { ["limits.yaml"] = 7 })),
            (Config(Limits(5)), With("data", new JsonObject { ["Limits.yaml"] = Limits(5) })),
            (Config(Limits(5)), With("data", null)),
            (Config(Limits(5)), null),
        ];
        foreach (var (before, after) in changes)
        {
            var outcome = cluster.Ask(Agreed(Change(before, after), ("dan", "operator"), ("fay", "operator")));
            Assert.False(outcome.Admitted);
            Assert.Contains(outcome.Refusals, reason => reason.Message.Contains("may hold anything at /position/*/max (risk limit raised), is not approved", StringComparison.Ordinal));
        }

        cluster.Goes(Agreed(Change(null, Config(Limits(5))), ("cem", "risk"), ("dan", "operator"), ("fay", "operator")));
    }

    [Fact]
    public void An_object_in_which_the_rules_find_none_of_their_files_is_refused_and_says_which_they_are()
    {
        var without = Agreed(Change(Config(null, ("max", "5")), Config(null, ("max", "6"))), ("cem", "risk"), ("dan", "operator"), ("fay", "operator"));
        cluster.Refused(without, "holds none of the files whose values are ruled: limits.yaml, pairs.yaml", verdict: Verdict.Unknown);

        var kept = Config(null, ("max", "5"));
        kept["metadata"]!["finalizers"] = new JsonArray("example.com/keep");
        Assert.True(cluster.Ask(Change(Config(null, ("max", "5")), kept)).Admitted);
        cluster.Goes(Agreed(Change(Config(null, ("max", "5")), null), ("dan", "operator"), ("fay", "operator")));
    }

    [Fact]
    public void A_bound_keeps_nobody_from_deleting_what_those_who_must_agree_let_go()
    {
        var gone = Agreed(Change(Config(Limits(5)), null), ("dan", "operator"), ("fay", "operator"));
        cluster.Refused(gone, "still needed: 1 risk");
        cluster.Goes(Agreed(gone, ("cem", "risk"), ("dan", "operator"), ("fay", "operator")));
    }

    [Fact]
    public void A_change_that_does_not_tell_what_was_there_before_counts_as_the_worst()
    {
        var blind = Change(Config(Limits(5)), Config(Limits(5))) with { Old = null };
        cluster.Refused(Agreed(blind, ("dan", "operator"), ("fay", "operator")), "may hold anything at /position/*/max (risk limit raised), is not approved");
        cluster.Goes(Agreed(blind, ("cem", "risk"), ("dan", "operator"), ("fay", "operator")));
    }

    [Fact]
    public void A_file_of_bytes_is_read_as_one_of_text_is()
    {
        static JsonObject Binary(string base64)
        {
            var config = Config(null);
            config.Remove("data");
            config["binaryData"] = new JsonObject { ["limits.yaml"] = base64 };
            return config;
        }

        static string Encoded(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
        cluster.Refused(Agreed(Change(Config(Limits(5)), Binary(Encoded(Limits(6)))), ("dan", "operator"), ("fay", "operator")), "from 5 to 6");
        cluster.Goes(Agreed(Change(Config(Limits(5)), Binary(Encoded(Limits(4)))), ("dan", "operator"), ("fay", "operator")));
        cluster.Refused(Agreed(Change(Config(Limits(5)), Binary("no base64")), ("dan", "operator"), ("fay", "operator")), "may hold anything");
    }

    [Fact]
    public void Each_value_that_moves_asks_for_its_own_people_and_one_that_stays_for_nobody()
    {
        const string Pairs = "pairs: [{ name: btc, max: 1 }, { name: eth, max: 2 }]";
        var both = Agreed(Change(Config(Limits(5), ("pairs.yaml", Pairs)), Config(Limits(6), ("pairs.yaml", Pairs.Replace("btc", "doge", StringComparison.Ordinal)))), ("cem", "risk"), ("dan", "operator"), ("fay", "operator"));
        cluster.Refused(both, "still needed: 1 auditor");
        cluster.Goes(Agreed(both, ("cem", "risk"), ("dan", "operator"), ("fay", "operator"), ("gus", "auditor")));
        cluster.Goes(Agreed(Change(Config(Limits(5), ("pairs.yaml", Pairs)), Config(Limits(5), ("pairs.yaml", Pairs), ("note", "x"))), ("dan", "operator"), ("fay", "operator")));
    }

    [Fact]
    public void An_entry_that_leaves_out_which_values_moved_or_names_others_is_not_made_again_as_it_was()
    {
        cluster.Refused(Agreed(Change(Config(Limits(5)), Config(Limits(6))), ("dan", "operator"), ("fay", "operator")), "still needed: 1 risk");
        var (entry, kept) = cluster.Last!.Value;
        Assert.True(Replay(values => Assert.Equal("review.values[0]", Assert.Single(values)!.GetValue<string>())).Try(out var same, out _));
        Assert.Equal([], same.Differences);
        Assert.True(Replay(values => values.Clear()).Try(out var without, out _));
        Assert.Contains("verdict", without.Differences);
        Assert.True(Replay(values => values[0] = "review.values[2]").Try(out var another, out _));
        Assert.NotEqual([], another.Differences);
        foreach (var unknown in (string[])["review.values[1]", "review.values[9]", "approvals.rotate"])
        {
            Assert.False(Replay(values => values[0] = unknown).Try(out _, out var why));
            Assert.Contains($"the rule {unknown}, which its policy does not have", why.Message, StringComparison.Ordinal);
        }

        Reading<ReplayedDecision> Replay(Action<JsonArray> change)
        {
            var details = JsonNode.Parse(((EntryPart<ReadOnlyMemory<byte>>.Inline)entry.Details!).Value.Span)!.AsObject();
            change(details["documents"]![0]!["values"]!.AsArray());
            return DecisionReplay.Of(
                entry with { Details = new EntryPart<ReadOnlyMemory<byte>>.Inline(Encoding.UTF8.GetBytes(details.ToJsonString())) },
                digest => kept.TryGetValue(digest, out var bytes) ? new Reading<ReadOnlyMemory<byte>>.Found(bytes) : new Reading<ReadOnlyMemory<byte>>.Unread(new("ledger", "not kept", "restore it")));
        }
    }

    [Fact]
    public void A_person_of_the_limit_may_approve_though_the_action_alone_does_not_ask_for_them()
    {
        var rule = Policy.Approvals["rotate"];
        Assert.Equal(["operator", "risk", "auditor"], Policy.WithValues(rule).Require.Select(slot => slot.Role));
        Assert.Same(Policy.Approvals["deploy"], Policy.WithValues(Policy.Approvals["deploy"]));
    }
}
