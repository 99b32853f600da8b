namespace Governance.Gates.Tests.Reviews;

/// <summary>Values that go from one owner to another, and keys that are not the ones that they seem to be.</summary>
public sealed class ValueChangeTests
{
    private const string Limits = "config/limits.yaml";
    private const string Two = "pairs: [{ name: btc, max: 5 }, { name: doge, max: 1 }]";

    private static void Judged(string at, string when, string before, string after, Verdict verdict, string? told = null) =>
        new PullRequests(Limits).Content("base", Limits, before).Content("head", Limits, after)
            .Judge($"values:\n  - {{ file: {Limits}, at: {at}, when: {when}, require: [{{ role: compliance, count: 1 }}] }}").Is(verdict, told);

    [Theory]
    [InlineData("pairs: [{ name: doge, max: 5 }, { name: btc, max: 1 }]")]
    [InlineData("pairs: [{ name: doge, max: 1 }, { name: btc, max: 1 }]")]
    [InlineData("pairs: [{ name: btc, max: 5 }]")]
    [InlineData("pairs: [{ name: btc, max: 5 }, { name: doge, max: 1 }, { name: eth }]")]
    [InlineData("pairs: [{ name: btc, max: 5 }, { name: doge, max: 1, venue: { kind: live } }]")]
    [InlineData("pairs: [{ name: btc, max: 5 }, { 'name': shib, max: 1 }]")]
    [InlineData("pairs: [{ name: btc, max: 5 }, { Name: doge, max: 1 }]")]
    [InlineData("pairs: { '0': { name: btc, max: 5 }, '1': { name: doge, max: 1 } }")]
    [InlineData("pairs: []")]
    public void A_value_in_a_list_moves_when_it_may_belong_to_another(string after)
    {
        Judged("/pairs/*/max", "increases", Two, after, Verdict.Deny, "/pairs, whose items changed besides that");
        Judged("/pairs/*/max", "decreases", Two, after, Verdict.Deny);
        Judged("/pairs/0/max", "changes", Two, after, Verdict.Deny);
    }

    [Theory]
    [InlineData("pairs: [{ name: btc, max: 4 }, { name: doge, max: 1 }]")]
    [InlineData("pairs: [{ max: 5.0, name: btc }, { name: doge, max: 0.5 }]")]
    [InlineData("other: true\npairs:\n- name: btc\n  max: 5\n- name: doge\n  max: 1\n")]
    public void A_value_that_stays_with_its_item_moves_as_it_does_itself(string after) => Judged("/pairs/*/max", "increases", Two, after, Verdict.Allow);

    [Fact]
    public void A_list_below_a_list_counts_as_a_part_of_its_items()
    {
        const string Before = "desks: [{ name: a, tiers: [{ level: 1, max: 5 }, { level: 2, max: 9 }] }]";
        Judged("/desks/*/tiers/*/max", "increases", Before, Before.Replace("max: 9", "max: 8", StringComparison.Ordinal), Verdict.Allow);
        Judged("/desks/*/tiers/*/max", "increases", Before, Before.Replace("level: 2", "level: 3", StringComparison.Ordinal), Verdict.Deny, "/desks, whose items changed");
    }

    [Theory]
    [InlineData("position: { btc: { max: 5, Max: 99 } }")]
    [InlineData("position: { btc: { max: 5, \"MAX\": 99 } }")]
    [InlineData("Position: { btc: { max: 99 } }\nposition: { btc: { max: 5 } }")]
    [InlineData("position: { btc: { max: 5 }, BTC: { max: 1 } }")]
    [InlineData("position: { btc: { max: 5 }, BTC: { } }")]
    public void A_key_that_differs_only_in_case_is_the_worst(string after)
    {
        const string Before = "position: { btc: { max: 5 } }";
        Judged("/position/*/max", "increases", Before, after, Verdict.Deny, "which many readers take for");
        Judged("/position/*/max", "decreases", after, after + "\nother: 1", Verdict.Deny, "which many readers take for");
        new PullRequests(Limits).Content("base", Limits, Before).Content("head", Limits, after).Judge($"values:\n  - {{ file: {Limits}, at: /position/*/max, must: {{ atMost: 5 }} }}").Is(Verdict.Unknown, "which many readers take for");
    }

    [Theory]
    [InlineData("risk", "ri\u017fk")]
    [InlineData("risk", "ris\u212a")]
    [InlineData("risk", "r\u0131sk")]
    [InlineData("risk", "R\u0130SK")]
    [InlineData("\u03c9", "\u2126")]
    public void A_key_with_a_letter_that_folds_to_the_same_is_the_worst(string name, string alike)
    {
        Judged($"/{name}", "increases", $"{name}: 5", $"{name}: 5\n{alike}: 9", Verdict.Deny, "which many readers take for");
        Judged($"/{name}", "increases", "other: 1", $"{alike}: 9", Verdict.Deny, "which many readers take for");
    }

    [Theory]
    [InlineData("01"), InlineData("+1"), InlineData("1.0"), InlineData("0x1"), InlineData("0o1"), InlineData("1e0"), InlineData("0_1"), InlineData("1_"), InlineData("0b1"), InlineData("0:1"), InlineData("1."), InlineData("1_0e-1")]
    public void A_key_that_is_the_same_number_is_the_worst(string alike)
    {
        Judged("/tiers/1/max", "increases", "tiers: { 1: { max: 5 } }", $"tiers: {{ 1: {{ max: 5 }}, {alike}: {{ max: 9 }} }}", Verdict.Deny, "which many readers take for");
        Judged("/tiers/1/max", "increases", "tiers: { 1: { max: 5 } }", $"tiers: {{ 1: {{ max: 5 }}, '{alike}': {{ max: 9 }}, 2: {{ max: 9 }} }}", Verdict.Allow);
    }

    [Theory]
    [InlineData("10", "1_0"), InlineData("10", "0b1010"), InlineData("100", "1:40"), InlineData("8", "010"), InlineData("10", "010"), InlineData("-1", "-01"), InlineData("0.5", ".5"), InlineData("0", "-0"), InlineData("1_0", "0xA"), InlineData("0xa", "0xA")]
    [InlineData("yes", "y"), InlineData("true", "on"), InlineData("on", "\"On\""), InlineData("no", "N"), InlineData("off", "false"), InlineData("~", "null")]
    public void A_key_that_is_the_same_to_readers_of_YAML_1_1_is_the_worst(string name, string alike)
    {
        Judged($"/tiers/{name}/max".Replace("~", "~0", StringComparison.Ordinal), "increases", $"tiers: {{ {name}: {{ max: 5 }} }}", $"tiers: {{ {name}: {{ max: 5 }}, {alike}: {{ max: 9 }} }}", Verdict.Deny, "which many readers take for");

        // Which of the two counts, is another when they change places.
        var (before, after) = ($"tiers: {{ {name}: {{ max: 5 }}, {alike}: {{ max: 9 }} }}", $"tiers: {{ {alike}: {{ max: 9 }}, {name}: {{ max: 5 }} }}");
        Judged("/tiers/*/max", "increases", before, after, Verdict.Deny, "which many readers take for");
    }

    [Theory]
    [InlineData("1", "2, 10, 1.5, 020, 1:40, 0.1, -1, 1st, 1.0.0, 2026-01-01, y, '01', '1_0'")]
    [InlineData("0700", "9988, '448', 0005, 09:30, 10:30, 1234abcd, a, B, 'y', yes, no")]
    [InlineData("yes", "'y', 'true', no, 1")]
    public void A_key_that_is_another_to_every_reader_says_nothing(string name, string others)
    {
        var keys = $"tiers: {{ {string.Join(", ", others.Split(", ").Prepend(name).Select(key => $"{key}: {{ max: 5 }}"))} }}";
        Judged($"/tiers/{name}/max", "increases", keys, keys + "\nother: 1", Verdict.Allow);
        Judged("/tiers/*/max", "increases", keys, keys + "\nother: 1", Verdict.Allow);
    }

    [Theory, InlineData("\"<<\""), InlineData("'<<'"), InlineData("<<")]
    public void A_key_that_merges_is_the_worst_in_quotes_too(string key) =>
        Judged("/position/max", "increases", "position: { max: 5 }", $"position: {{ max: 5, {key}: {{ max: 9 }} }}", Verdict.Deny, "may hold anything");

    [Theory]
    [InlineData("position: { btc: { max: 5 }, \"a\\n::error::b\\e[2J\": { max: 6 } }")]
    [InlineData("position: { btc: { max: 5 }, \"a\\n::error::b\\e[2J\": { max: 6, Max: 6 } }")]
    [InlineData("position: { btc: { max: 5 }, \"a\\n::error::b\\e[2J\": [{ max: 6 }] }")]
    public void A_key_that_breaks_lines_breaks_none_of_ours(string after)
    {
        var request = new PullRequests(Limits).Content("base", Limits, "position: { btc: { max: 5 } }").Content("head", Limits, after);
        var result = request.Judge($"values:\n  - {{ file: {Limits}, at: /position/*/max, when: increases, require: [{{ role: compliance, count: 1 }}] }}\n  - {{ file: {Limits}, at: /position/*/max, must: {{ atMost: 1 }} }}");
        Assert.NotEqual(Verdict.Allow, result.Decision.Verdict);
        Assert.All(result.Decision.Reasons, reason => Assert.DoesNotContain(reason.ToString(), char.IsControl));
    }

    [Fact]
    public void A_key_beside_the_way_may_be_spelled_as_it_likes() =>
        Judged("/position/*/max", "increases", "position: { btc: { max: 5 } }", "position: { btc: { max: 5, note: a, Note: b } }\nx: 1\nX: 2", Verdict.Allow);
}
