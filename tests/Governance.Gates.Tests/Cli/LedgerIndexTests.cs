using System.Text;
using Governance.Gates.Cli.Ledgers;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;
using Governance.Gates.Tests.Ledgers;

namespace Governance.Gates.Tests.Cli;

/// <summary><c>gates ledger query</c> with an index: the same answers as without one, whatever became of it.</summary>
public sealed class LedgerIndexTests : IDisposable
{
    private const int Size = 400;
    private readonly LedgerBench ledger = new();

    public LedgerIndexTests() => ledger.Bench.Set("XDG_CACHE_HOME", ledger.Bench.Folder.PathOf("cache"));

    private string Index => ledger.Bench.Folder.PathOf("cache");

    [Fact]
    public async Task An_index_changes_no_answer()
    {
        string[] searches =
        [
            "--correlation-id c-7",
            "--correlation-id c-399 --verdict deny",
            "--change change-3",
            "--digest sha256:4444444444444444444444444444444444444444444444444444444444444444",
            "--digest sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
            "--digest sha256:1111111111111111111111111111111111111111111111111111111111111111",
            "--digest sha256:0000000000000000000000000000000000000000000000000000000000000000",
            "--resource Deployment.apps/shop",
            "--resource Deployment/web-5",
            "--resource Deployment.extensions/shop",
            "--actor p-1",
            "--actor p-2 --type decision",
            "--actor system:admin --verdict deny",
            "--actor nobody",
            "--verdict allow --limit 7",
            "--type heartbeat --since 2026-03-02T10:03:00Z --until 2026-03-02T10:04:00Z",
            "--namespace pay",
            "--since 2026-03-02T10:06:00Z",
            "--since 2026-03-02T09:00:00Z --until 2026-03-02T10:00:30Z",
            "--until 2026-03-02T10:00:00Z",
            "--since 2026-03-02T11:00:00Z",
            "--since 2026-03-02T11:00:00Z --verdict deny",
            "--limit 3",
        ];
        await FilledAsync();
        for (var round = 0; round < 3; round++)
        {
            foreach (var search in searches)
            {
                var with = await QueryAsync([.. search.Split(' '), "--output", "json"]);
                var without = await QueryAsync([.. search.Split(' '), "--no-index", "--output", "json"]);
                Assert.Equal("", with.Error);
                Assert.Equal((without.ExitCode, without.Output), (with.ExitCode, with.Output));
            }

            // The log goes on, by less than is taken in and by more.
            await ledger.AppendAsync([.. Enumerable.Range(Size + (round * 100), 1 + (round * 99)).Select(Entry)]);
        }
    }

    [Fact]
    public async Task Only_what_may_be_wanted_is_read_once_there_is_an_index()
    {
        await FilledAsync();
        string[][] searches = [["--correlation-id", "c-300"], ["--since", "2026-03-02T15:00:00Z"]];
        List<Ended> before = [];
        foreach (var search in searches)
        {
            before.Add(await QueryAsync(search));
        }

        Assert.NotEmpty(Runs());
        File.Delete(ledger.PathOf("tile/entries/000"));
        foreach (var (place, search) in searches.Index())
        {
            var after = await QueryAsync(search);
            Assert.Equal((0, before[place].Output), (after.ExitCode, after.Output));
            Assert.Equal(2, (await QueryAsync([.. search, "--no-index"])).ExitCode);
        }
    }

    [Fact]
    public async Task A_small_log_gets_no_index_and_another_folder_is_taken_where_it_is_named()
    {
        await ledger.FilledAsync(20);
        await QueryAsync("--type", "heartbeat");
        Assert.False(Directory.Exists(Index));
        await ledger.AppendAsync([.. Enumerable.Range(20, Size).Select(Entry)]);
        var named = ledger.Bench.Folder.PathOf("named");
        Assert.Equal(0, (await QueryAsync("--type", "heartbeat", "--index", named)).ExitCode);
        Assert.True(Directory.Exists(named) && !Directory.Exists(Index));
    }

    [Fact]
    public async Task A_damaged_index_is_told_and_made_again()
    {
        await FilledAsync();
        var before = await QueryAsync("--actor", "p-1", "--output", "json");
        foreach (var file in Runs())
        {
            var bytes = File.ReadAllBytes(file);
            for (var at = 4096 + 100; at < bytes.Length; at += 4096)
            {
                bytes[at] ^= 1;
            }

            File.WriteAllBytes(file, bytes);
        }

        var after = await QueryAsync("--actor", "p-1", "--output", "json");
        Assert.Equal(before.Output, after.Output);
        Assert.Contains("the index is made again", after.Error, StringComparison.Ordinal);
        var again = await QueryAsync("--actor", "p-1", "--output", "json");
        Assert.Equal((before.Output, ""), (again.Output, again.Error));
    }

    [Fact]
    public async Task An_index_that_is_damaged_where_it_grows_is_made_again()
    {
        await FilledAsync();
        await QueryAsync("--correlation-id", "c-300");
        var file = Assert.Single(Runs());
        var bytes = File.ReadAllBytes(file);
        for (var at = 4096 + 100; at < bytes.Length; at += 4096)
        {
            bytes[at] ^= 1;
        }

        File.WriteAllBytes(file, bytes);
        await ledger.AppendAsync([.. Enumerable.Range(Size, Size).Select(Entry)]);
        var ended = await QueryAsync("--correlation-id", "c-700", "--output", "json");
        Assert.Equal(("700", ""), (Sequences(ended), ended.Error));
        Assert.Equal("300", Sequences(await QueryAsync("--correlation-id", "c-300", "--output", "json")));
    }

    [Fact]
    public void An_entry_that_cannot_be_read_may_be_any()
    {
        Assert.Equal([IndexTerms.Unreadable], IndexTerms.Of("{}"u8.ToArray()));
        var whole = TestEntries.Whole;
        var filter = new EntryFilter { CorrelationId = "c", ChangeId = "c", Digest = whole.ObjectDigest, Resource = ResourceName.TryParse("Pod/a"), Namespace = "n", Actor = "a", Verdict = Verdict.Deny, EventType = "decision" };
        Assert.Equal(8, filter.Terms.Length);
        Assert.All(filter.Terms, list => Assert.Contains(IndexTerms.Unreadable, list));
    }

    [Fact]
    public async Task Where_no_index_can_be_kept_the_log_is_read()
    {
        await FilledAsync();
        File.WriteAllText(Index, "in its place");
        var ended = await QueryAsync("--correlation-id", "c-300");
        Assert.Equal(0, ended.ExitCode);
        Assert.StartsWith("1 entry", ended.Output, StringComparison.Ordinal);
        Assert.Contains("searched without an index from entry 0 on", ended.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_index_that_names_wrong_entries_shows_none_of_them()
    {
        await FilledAsync();
        await QueryAsync("--correlation-id", "c-300");
        var log = new LedgerFolder(ledger.Log);
        Assert.True(log.ReadCheckpoint(ledger.Key).Try(out var checkpoint, out _));

        // As somebody who writes the folder can make it, with everything that binds it to the log.
        var file = Assert.Single(Runs());
        var all = Enumerable.Range(0, Size).Select(n => new Posting(IndexTerms.Correlation("c-300"), n)).ToList();
        IndexRun.Write(file, LedgerPosition.AtBeginning(LedgerBench.Origin), LedgerPosition.Of(checkpoint!), all);
        var ended = await QueryAsync("--correlation-id", "c-300", "--output", "json");
        Assert.Equal("300", Sequences(ended));
        Assert.Equal(0, ended.ExitCode);
    }

    [Fact]
    public async Task Of_a_log_that_was_put_back_or_rewritten_it_tells_what_is_there()
    {
        await FilledAsync();
        var older = ledger.Bench.Folder.PathOf("older");
        LedgerBench.Copy(ledger.Log, older);
        await ledger.AppendAsync([.. Enumerable.Range(Size, 200).Select(Entry)]);
        Assert.Equal("500", Sequences(await QueryAsync("--correlation-id", "c-500", "--output", "json")));

        // With the log's key, and the index of the one that it takes the place of.
        Directory.Delete(ledger.Log, recursive: true);
        LedgerBench.Copy(older, ledger.Log);
        Assert.Equal("", Sequences(await QueryAsync("--correlation-id", "c-500", "--output", "json")));
        await ledger.AppendAsync([.. Enumerable.Range(Size, 200).Select(n => Entry(n) with { CorrelationId = $"other-{n}" })]);
        Assert.Equal("", Sequences(await QueryAsync("--correlation-id", "c-500", "--output", "json")));
        Assert.Equal("500", Sequences(await QueryAsync("--correlation-id", "other-500", "--output", "json")));
    }

    [Fact]
    public async Task An_entry_that_was_changed_is_told_whether_it_was_before_or_after_the_index_was_made()
    {
        await FilledAsync();
        await QueryAsync("--correlation-id", "c-7");
        var entries = ledger.Entries("tile/entries/000");
        entries[7] = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(entries[7]).Replace("event-7", "event-8", StringComparison.Ordinal));
        ledger.WriteEntries("tile/entries/000", entries);
        foreach (var (index, told) in ((string, bool)[])[(Index, false), (ledger.Bench.Folder.PathOf("fresh"), true)])
        {
            var ended = await QueryAsync("--correlation-id", "c-7", "--index", Path.Combine(index, index == Index ? "gates/ledger-index" : ""), "--output", "json");
            Assert.Equal((2, ""), (ended.ExitCode, Sequences(ended)));
            Assert.Contains("entry 7: ", ended.Json().GetProperty("unread")[0].GetProperty("message").GetString(), StringComparison.Ordinal);
            Assert.Equal(told, ended.Error.Contains("searched without an index from entry 0 on", StringComparison.Ordinal));
        }
    }

    public void Dispose() => ledger.Dispose();

    private async Task FilledAsync()
    {
        await ledger.InitAsync();
        await ledger.AppendAsync([.. Enumerable.Range(0, Size).Select(Entry)]);
    }

    // Of many kinds, and some that tell little of themselves.
    private static LedgerEntry Entry(int number)
    {
        var entry = (number % 10) switch
        {
            1 or 2 => TestEntries.Whole with { Critical = [] },
            3 => TestEntries.Encrypted with { Critical = [] },
            4 => TestEntries.Small(number) with { Policy = TestEntries.Whole.Policy, EventType = LedgerEvents.PolicyLoaded },
            5 => TestEntries.Small(number) with { EventType = LedgerEvents.Decision, Verdict = Verdict.Allow, Resource = new("apps", "Deployment", $"web-{number % 20}", null, null) },
            _ => TestEntries.Small(number),
        };
        return entry with { EventId = $"event-{number}", Timestamp = TestEntries.Now.AddSeconds(number % 11 == 0 ? number * 60 : number), CorrelationId = $"c-{number}", ChangeId = number % 5 == 0 ? $"change-{number % 7}" : entry.ChangeId };
    }

    private string[] Runs() => Directory.GetFiles(Index, "*.run", SearchOption.AllDirectories);

    private static string Sequences(Ended ended) => string.Join(' ', ended.Json().GetProperty("entries").EnumerateArray().Select(entry => entry.GetProperty("sequence").GetInt32()));

    private Task<Ended> QueryAsync(params string[] search) => ledger.LedgerAsync(["query", ledger.Log, .. search]);
}
