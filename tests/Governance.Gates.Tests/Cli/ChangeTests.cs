using Governance.Gates.Ledgers;
using Governance.Gates.Tests.Ledgers;
using Governance.Gates.Tests.Webhook;

namespace Governance.Gates.Tests.Cli;

/// <summary><c>gates change</c>: what became of one change, from the logs of all gates.</summary>
public sealed class ChangeTests : IDisposable
{
    private readonly LedgerBench first = new();
    private readonly LedgerBench second = new();

    [Fact]
    public async Task The_entries_of_a_change_are_told_in_the_order_of_time_from_all_logs()
    {
        await TwoLogsAsync();
        var ended = await ChangeAsync("CHG-1", first.Log, second.Log, "--output", "json");
        Assert.Equal(0, ended.ExitCode);
        var json = ended.Json();
        Assert.Equal(["firm/gate-0", "firm/gate-1"], json.GetProperty("logs").EnumerateArray().Select(log => log.GetProperty("origin").GetString()));
        Assert.Equal(
            ["firm/gate-0 0 request.seen", "firm/gate-1 0 request.seen", "firm/gate-1 1 approval.seen", "firm/gate-0 1 decision", "firm/gate-1 3 decision"],
            json.GetProperty("entries").EnumerateArray().Select(one => $"{one.GetProperty("log").GetString()} {one.GetProperty("sequence").GetInt64()} {one.GetProperty("entry").GetProperty("event_type").GetString()}"));

        var text = (await ChangeAsync("CHG-1", first.Log, second.Log)).Output.Split('\n');
        Assert.Equal("change CHG-1: 5 entries of 2 logs", text[0]);
        Assert.Equal("  decided: 1 allow, 1 deny", text[1]);
        Assert.Equal("  admitted: may begin until 2026-03-03T10:00:00.123Z, may go on until 2026-09-01T00:00:00.000Z", text[2]);
        Assert.Contains("p-3 (operator)", text[6], StringComparison.Ordinal);
        Assert.EndsWith("approve", text[6], StringComparison.Ordinal);
        Assert.EndsWith("refused; approvals.deploy: still needed: 1 operator", text[7], StringComparison.Ordinal);
        Assert.EndsWith("admitted; may begin until 2026-03-03T10:00:00.123Z, may go on until 2026-09-01T00:00:00.000Z", text[8], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_change_that_no_log_knows_has_no_entries()
    {
        await TwoLogsAsync();
        var ended = await ChangeAsync("CHG-9", first.Log, second.Log);
        Assert.Equal((0, "change CHG-9: 0 entries of 2 logs\n"), (ended.ExitCode, ended.Output));
    }

    [Fact]
    public async Task What_cannot_be_told_is_told_with_its_log()
    {
        await TwoLogsAsync();
        File.Delete(second.PathOf("tile/entries/000.p/4"));
        var ended = await ChangeAsync("CHG-1", first.Log, second.Log, "--output", "json");
        Assert.Equal(2, ended.ExitCode);
        var json = ended.Json();
        Assert.Equal((2, 1), (json.GetProperty("entries").GetArrayLength(), json.GetProperty("unreadCount").GetInt32()));
        Assert.StartsWith("firm/gate-1: entries 0 to 3: ", json.GetProperty("unread")[0].GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_log_has_a_key_of_its_own_and_is_named_once()
    {
        await TwoLogsAsync();
        Assert.Equal(0, (await ChangeAsync("CHG-1", first.Log, second.Log, "--vkey", first.Log + ".vkey", "--vkey", second.Log + ".vkey")).ExitCode);
        Assert.Equal(2, (await ChangeAsync("CHG-1", first.Log, second.Log, "--vkey", second.Log + ".vkey", "--vkey", first.Log + ".vkey")).ExitCode);
        var one = await ChangeAsync("CHG-1", first.Log, second.Log, "--vkey", first.Log + ".vkey");
        Assert.Equal(64, one.ExitCode);
        Assert.Contains("given 1 times for 2 logs", one.Error, StringComparison.Ordinal);
        Assert.Equal(64, (await first.Bench.GatesAsync("change", "CHG-1")).ExitCode);
        var twice = await ChangeAsync("CHG-1", first.Log, first.Log);
        Assert.Equal(2, twice.ExitCode);
        Assert.Contains("are both the log firm/gate-0", twice.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_entries_say_forges_no_row_and_no_markup()
    {
        await first.LedgerAsync("init", first.Log, "--origin", "firm/gate-0");
        var evil = "##[group] | allow | <script> ::error::x";
        await AppendAsync(first, "firm/gate-0", TestEntries.Small(0) with { ChangeId = evil, Outcome = "::error::x", Actor = new(TestEntries.Plain(evil), "person", evil, null, null), Action = evil });
        foreach (var form in (string[])["text", "markdown", "json"])
        {
            var ended = await ChangeAsync(evil, first.Log, "--output", form);
            Assert.Equal(0, ended.ExitCode);
            Assert.DoesNotContain("##[", ended.Output, StringComparison.Ordinal);
            Assert.DoesNotContain(ended.Output.Split('\n'), line => line.TrimStart().StartsWith("::", StringComparison.Ordinal));
            Assert.True(form != "markdown" || !ended.Output.Contains("| allow |", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Of_a_running_gate_it_tells_who_asked_who_agreed_and_what_began()
    {
        await using var gate = await FirmGate.StartAsync(FirmGate.AskingPolicy, first.Bench.Folder.PathOf("state"), options => options with { Ledger = Path.Combine(Path.GetDirectoryName(options.Policy)!, "ledger"), LedgerOrigin = "test/production/c1/gate-0" });
        var image = gate.UnsignedImage();
        var deployment = FirmGate.Workload("Deployment", image);
        var asked = await FirmGate.ApproveAsync(gate, deployment, image);
        await FirmGate.AllowedAsync(gate, deployment);
        var log = Path.Combine(Path.GetDirectoryName(gate.PolicyFile)!, "ledger");
        await gate.StopAsync();
        var json = (await ChangeAsync(asked.Statement.ChangeId!, log, "--output", "json")).Json();
        Assert.Equal(
            ["request.seen", "approval.seen", "approval.seen", "decision"],
            json.GetProperty("entries").EnumerateArray().Select(one => one.GetProperty("entry").GetProperty("event_type").GetString()));
        Assert.Contains("may go on until", (await ChangeAsync(asked.Statement.ChangeId!, log)).Output, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        first.Dispose();
        second.Dispose();
    }

    private async Task TwoLogsAsync()
    {
        await first.LedgerAsync("init", first.Log, "--origin", "firm/gate-0");
        await second.LedgerAsync("init", second.Log, "--origin", "firm/gate-1");
        await AppendAsync(
            first,
            "firm/gate-0",
            Event(0, LedgerEvents.RequestSeen, "request") with { Action = "deploy" },
            Event(5, LedgerEvents.Decision, "refused") with { Verdict = Verdict.Deny, Resource = TestEntries.Whole.Resource, Reasons = TestEntries.Inline(new EntryReason("approvals.deploy", null, TestEntries.Plain("still needed: 1 operator"))) });
        await AppendAsync(
            second,
            "firm/gate-1",
            Event(1, LedgerEvents.RequestSeen, "request"),
            Event(2, LedgerEvents.ApprovalSeen, "approve") with { Actor = new(TestEntries.Plain("p-3"), "person", "operator", null, null) },
            Event(3, LedgerEvents.Decision, "admitted") with { ChangeId = "CHG-10" },
            Event(9, LedgerEvents.Decision, "admitted") with { Verdict = Verdict.Allow, Resource = TestEntries.Whole.Resource, Admitted = new(TestEntries.Now.AddDays(1), TestEntries.Time("2026-09-01T00:00:00Z"), null) });
    }

    private static LedgerEntry Event(int second, string type, string outcome) => TestEntries.Small(second) with { EventType = type, ChangeId = "CHG-1", Outcome = outcome };

    private static async Task AppendAsync(LedgerBench ledger, string origin, params LedgerEntry[] entries)
    {
        await using var open = await ledger.OpenAsync(origin);
        foreach (var entry in entries)
        {
            await LedgerBench.AppendAsync(open, entry);
        }
    }

    private Task<Ended> ChangeAsync(string change, params string[] arguments) => first.Bench.GatesAsync(["change", change, .. arguments]);
}
