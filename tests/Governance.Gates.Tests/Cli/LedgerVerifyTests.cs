using System.Diagnostics;
using System.Text.Json;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Ledgers;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;
using Governance.Gates.Testing;
using Governance.Gates.Tests.Ledgers;

namespace Governance.Gates.Tests.Cli;

/// <summary><c>gates ledger init</c> and <c>verify</c>: a log that anybody checks, and where it was changed.</summary>
public sealed class LedgerVerifyTests : IDisposable
{
    private readonly LedgerBench ledger = new();

    [Fact]
    public async Task Init_makes_a_key_that_only_its_owner_can_read_and_writes_over_nothing()
    {
        var made = (await ledger.LedgerAsync("init", ledger.Log, "--origin", LedgerBench.Origin, "--output", "json")).Json();
        Assert.Equal(File.ReadAllText(ledger.Log + ".vkey").Trim(), made.GetProperty("vkey").GetString());
        Assert.StartsWith(LedgerBench.Origin + "+", made.GetProperty("vkey").GetString(), StringComparison.Ordinal);
        Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(ledger.Log + ".key") == (UnixFileMode.UserRead | UnixFileMode.UserWrite));

        var (key, vkey) = (File.ReadAllText(ledger.Log + ".key"), File.ReadAllText(ledger.Log + ".vkey"));
        var again = await ledger.LedgerAsync("init", ledger.Log, "--origin", "another");
        Assert.Equal(2, again.ExitCode);
        Assert.Contains("is there already", again.Error, StringComparison.Ordinal);
        Assert.Equal((key, vkey), (File.ReadAllText(ledger.Log + ".key"), File.ReadAllText(ledger.Log + ".vkey")));
        Assert.DoesNotContain("PRIVATE", made.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Init_takes_no_folder_that_holds_something()
    {
        ledger.Bench.Folder.Folder("full");
        ledger.Bench.Folder.Write("full/file", "x");
        Assert.Equal(2, (await ledger.LedgerAsync("init", ledger.Bench.Folder.PathOf("full"), "--origin", "a")).ExitCode);
        Assert.False(File.Exists(ledger.Bench.Folder.PathOf("full.key")));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(700)]
    public async Task A_log_that_nobody_changed_is_verified(int size)
    {
        await ledger.FilledAsync(size);
        var text = await ledger.LedgerAsync("verify", ledger.Log);
        Assert.Equal(0, text.ExitCode);
        Assert.StartsWith($"verified: {LedgerBench.Origin}, {size} entr", text.Output, StringComparison.Ordinal);
        var json = (await ledger.LedgerAsync("verify", ledger.Log, "--output", "json")).Json();
        Assert.Equal(("verified", size), (json.GetProperty("verdict").GetString(), json.GetProperty("log").GetProperty("size").GetInt32()));
        Assert.Equal(0, (await ledger.LedgerAsync("verify", ledger.Log, "--output", "markdown")).ExitCode);
    }

    [Fact]
    public async Task A_log_is_verified_while_a_gate_writes_it()
    {
        await ledger.FilledAsync(200);
        var kept = ledger.Keep("kept");
        using var enough = new CancellationTokenSource();
        var writing = Task.Run(async () =>
        {
            for (var round = 1; !enough.IsCancellationRequested; round++)
            {
                await ledger.AppendAsync([.. Enumerable.Range(round * 1000, 30).Select(TestEntries.Small)]);
            }
        });
        for (var i = 0; i < 20; i++)
        {
            var ended = await ledger.LedgerAsync("verify", ledger.Log, "--against", kept);
            Assert.True(ended.ExitCode == 0, ended.Output + ended.Error);
        }

        await enough.CancelAsync();
        await writing;
    }

    [Fact]
    public async Task A_checkpoint_of_more_entries_than_anybody_could_read_ends_every_verb()
    {
        await ledger.FilledAsync(5);
        var signer = LedgerKey.TryParse(File.ReadAllText(ledger.Log + ".key"))!.ForLog(LedgerBench.Origin);
        await File.WriteAllBytesAsync(ledger.PathOf("checkpoint"), await Checkpoint.SignAsync(1L << 60, default, [signer], TestContext.Current.CancellationToken), TestContext.Current.CancellationToken);
        foreach (var (verb, exitCode) in ((string, int)[])[("verify", 1), ("query", 2), ("tail", 2), ("prove 3", 2)])
        {
            Assert.Equal((verb, exitCode), (verb, (await ledger.LedgerAsync([.. verb.Split(' '), ledger.Log])).ExitCode));
        }
    }

    [Fact]
    public async Task Whoever_watches_is_told_how_far_it_is_and_a_log_file_is_not()
    {
        var clock = new ForwardClock();
        foreach (var isWatched in (bool[])[true, false])
        {
            using var error = new StringWriter();
            var progress = new LedgerProgress(new Terminal(Stream.Null, TextWriter.Null, error) { Clock = clock, ShowsProgress = isWatched }, "verifying", 1_000);
            progress.Report(256);
            clock.Advance(TimeSpan.FromMinutes(1));
            progress.Report(512);
            progress.Report(768);
            await error.FlushAsync(TestContext.Current.CancellationToken);
            Assert.Equal(isWatched ? "gates: verifying: 512 of 1000 entries …\n" : "", error.ToString());
        }
    }

    public static TheoryData<string> Changes => [.. Changed.Keys];

    private static Dictionary<string, (Action<LedgerBench> Change, long? Entry, string? Tile)> Changed { get; } = new()
    {
        ["a bit of an entry"] = (ledger => ledger.Flip("tile/entries/001", 7_000), null, "tile/entries/001"),
        ["a bit of a tile"] = (ledger => ledger.Flip("tile/0/001", 40), 257, "tile/0/001"),
        ["a bit of an upper tile"] = (ledger => ledger.Flip("tile/1/000.p/2", 33), null, "tile/1/000.p/2"),
        ["a bit of the checkpoint"] = (ledger => ledger.Flip("checkpoint", 40), null, null),
        ["the last entry removed"] = (ledger => ledger.WriteEntries("tile/entries/002.p/188", ledger.Entries("tile/entries/002.p/188")[..^1]), 699, "tile/entries/002.p/188"),
        ["a bundle removed"] = (ledger => File.Delete(ledger.PathOf("tile/entries/001")), 256, "tile/entries/001"),
        ["two entries swapped"] = (ledger =>
        {
            var entries = ledger.Entries("tile/entries/000");
            (entries[3], entries[4]) = (entries[4], entries[3]);
            ledger.WriteEntries("tile/entries/000", entries);
        }, 3, "tile/entries/000"),
    };

    [Theory, MemberData(nameof(Changes))]
    public async Task What_was_changed_is_refused_and_named(string name)
    {
        var (change, entry, tile) = Changed[name];
        await ledger.FilledAsync(700);
        change(ledger);
        var ended = await ledger.LedgerAsync("verify", ledger.Log, "--output", "json");
        Assert.Equal(1, ended.ExitCode);
        var json = ended.Json();
        Assert.Equal("refused", json.GetProperty("verdict").GetString());
        var fault = json.GetProperty("fault");
        Assert.Equal(tile, fault.GetProperty("tile").GetString());
        if (entry is { } place)
        {
            Assert.Equal(place, fault.GetProperty("entry").GetInt64());
        }

        var text = await ledger.LedgerAsync("verify", ledger.Log);
        Assert.StartsWith("refused: ", text.Output, StringComparison.Ordinal);
        Assert.Contains(tile ?? "checkpoint", text.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_older_copy_verifies_by_itself_and_not_against_a_checkpoint_kept_elsewhere()
    {
        await ledger.FilledAsync(300);
        var older = ledger.Bench.Folder.PathOf("older");
        LedgerBench.Copy(ledger.Log, older);
        File.Copy(ledger.Log + ".vkey", older + ".vkey");
        var first = ledger.Keep("first");
        await ledger.AppendAsync([.. Enumerable.Range(1000, 50).Select(TestEntries.Small)]);
        var second = ledger.Keep("second");

        Assert.Equal(0, (await ledger.LedgerAsync("verify", ledger.Log, "--against", first, "--against", second)).ExitCode);
        Assert.Equal(0, (await ledger.LedgerAsync("verify", older, "--against", first)).ExitCode);
        var replayed = await ledger.LedgerAsync("verify", older, "--against", first, "--against", second, "--output", "json");
        Assert.Equal(1, replayed.ExitCode);
        Assert.Equal(300, replayed.Json().GetProperty("fault").GetProperty("entry").GetInt64());
        Assert.Contains("older copy", replayed.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_suffix_that_was_rewritten_with_everything_that_the_key_signs_is_found_by_a_checkpoint_kept_elsewhere()
    {
        await ledger.FilledAsync(300);
        var kept = ledger.Keep("kept");
        var key = (File.ReadAllText(ledger.Log + ".key"), File.ReadAllText(ledger.Log + ".vkey"));
        Directory.Delete(ledger.Log, recursive: true);
        await ledger.AppendAsync([.. Enumerable.Range(0, 290).Select(TestEntries.Small), .. Enumerable.Range(5000, 60).Select(TestEntries.Small)]);
        Assert.Equal(key, (File.ReadAllText(ledger.Log + ".key"), File.ReadAllText(ledger.Log + ".vkey")));

        Assert.Equal(0, (await ledger.LedgerAsync("verify", ledger.Log)).ExitCode);
        var ended = await ledger.LedgerAsync("verify", ledger.Log, "--against", kept);
        Assert.Equal(1, ended.ExitCode);
        Assert.Contains("before entry 300 were rewritten", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task From_a_checkpoint_on_only_what_came_after_it_is_read()
    {
        await ledger.FilledAsync(600);
        var before = ledger.Keep("before");
        await ledger.AppendAsync([.. Enumerable.Range(1000, 50).Select(TestEntries.Small)]);
        ledger.Flip("tile/entries/000", 100);
        Assert.Equal(1, (await ledger.LedgerAsync("verify", ledger.Log)).ExitCode);
        Assert.Equal(600, (await ledger.LedgerAsync("verify", ledger.Log, "--since", before, "--output", "json")).Json().GetProperty("since").GetInt32());
    }

    [Fact]
    public async Task Another_vkey_refuses_the_log_and_a_checkpoint_of_another_key_shows_nothing()
    {
        await ledger.FilledAsync(3);
        var other = ledger.Bench.Folder.PathOf("other");
        await ledger.LedgerAsync("init", other, "--origin", LedgerBench.Origin);
        Assert.Equal(1, (await ledger.LedgerAsync("verify", ledger.Log, "--vkey", other + ".vkey")).ExitCode);
        var foreign = ledger.Bench.Folder.PathOf("foreign");
        await File.WriteAllBytesAsync(foreign, await Checkpoint.SignAsync(9, default, [LogKeys.Ed25519(LedgerBench.Origin, 3)], TestContext.Current.CancellationToken), TestContext.Current.CancellationToken);
        foreach (var option in (string[])["--against", "--since"])
        {
            var ended = await ledger.LedgerAsync("verify", ledger.Log, option, foreign);
            Assert.Equal(2, ended.ExitCode);
            Assert.Contains("is not signed by", ended.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_cannot_be_read_is_no_fault_of_the_log_and_could_not_be_told()
    {
        await ledger.FilledAsync(300);
        File.Delete(ledger.PathOf("tile/entries/000"));
        Directory.CreateDirectory(ledger.PathOf("tile/entries/000"));
        var ended = await ledger.LedgerAsync("verify", ledger.Log, "--output", "json");
        Assert.Equal(2, ended.ExitCode);
        Assert.Equal("unknown", ended.Json().GetProperty("verdict").GetString());
        Assert.Equal(JsonValueKind.Null, ended.Json().GetProperty("fault").ValueKind);
    }

    [Fact]
    public async Task A_file_that_is_a_pipe_holds_nobody_beyond_the_deadline()
    {
        await ledger.FilledAsync(300);
        var pipe = ledger.PathOf("tile/entries/000");
        File.Delete(pipe);
        using (var made = Process.Start("mkfifo", pipe))
        {
            await made.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        var ended = await ledger.LedgerAsync("verify", ledger.Log, "--deadline", "1s");
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains("--deadline", ended.Output, StringComparison.Ordinal);

        // The read that nobody waits for ends with this.
        await File.WriteAllTextAsync(pipe, "", TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task An_interrupted_verification_exits_with_130()
    {
        await ledger.FilledAsync(300);
        using var interrupted = new CancellationTokenSource();
        await interrupted.CancelAsync();
        var ended = await ledger.Bench.GatesAsync(["ledger", "verify", ledger.Log], "", interrupted.Token);
        Assert.Equal((130, ""), (ended.ExitCode, ended.Output));
    }

    public void Dispose() => ledger.Dispose();
}
