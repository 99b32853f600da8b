using System.Collections.Concurrent;
using System.Text;
using Governance.Gates.Cli;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Testing;
using Governance.Gates.Tests.Ledgers;

namespace Governance.Gates.Tests.Cli;

/// <summary><c>gates ledger tail</c>: the end of a log, and what follows.</summary>
public sealed class LedgerTailTests : IDisposable
{
    private readonly LedgerBench ledger = new();

    [Fact]
    public async Task The_last_entries_are_printed()
    {
        await ledger.FilledAsync(300);
        var entries = (await ledger.LedgerAsync("tail", ledger.Log, "--lines", "3", "--output", "json")).Json().GetProperty("entries");
        Assert.Equal([297, 298, 299], entries.EnumerateArray().Select(entry => entry.GetProperty("sequence").GetInt32()));
        Assert.Equal(12, (await ledger.LedgerAsync("tail", ledger.Log)).Output.TrimEnd('\n').Split('\n').Length);
    }

    [Theory]
    [InlineData("text", "301  ")]
    [InlineData("json", "{\"sequence\":301,")]
    public async Task What_is_published_follows_until_it_is_interrupted(string form, string start)
    {
        await ledger.FilledAsync(300);
        using var interrupt = new CancellationTokenSource();
        var lines = new Lines();
        var following = FollowAsync(lines, form, interrupt.Token);
        await lines.NextAsync();
        await ledger.AppendAsync(TestEntries.Small(1000), TestEntries.Small(1001));
        while (!(await lines.NextAsync()).StartsWith(start, StringComparison.Ordinal))
        {
        }

        await interrupt.CancelAsync();
        Assert.Equal(130, await following);
    }

    [Fact]
    public async Task A_log_that_was_put_back_ends_it_with_1()
    {
        await ledger.FilledAsync(10);
        var older = ledger.Bench.Folder.PathOf("older");
        LedgerBench.Copy(ledger.Log, older);
        await ledger.AppendAsync(TestEntries.Small(1000));
        var lines = new Lines();
        var following = FollowAsync(lines, "text", TestContext.Current.CancellationToken);
        while (!(await lines.NextAsync()).StartsWith("10  ", StringComparison.Ordinal))
        {
        }

        LedgerBench.Copy(older, ledger.Log);
        Assert.Equal(1, await following);
    }

    private Task<int> FollowAsync(Lines lines, string form, CancellationToken cancellation) =>
        Task.Run(() => GatesCommand.RunAsync(["ledger", "tail", ledger.Log, "--follow", "--output", form], new Terminal(Stream.Null, lines, TextWriter.Null) { Clock = new ForwardClock() }, cancellation), CancellationToken.None);

    public void Dispose() => ledger.Dispose();

    /// <summary>Lines as they are written.</summary>
    private sealed class Lines : TextWriter
    {
        private readonly BlockingCollection<string> written = [];
        private readonly StringBuilder line = new();

        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(char value)
        {
            if (value != '\n')
            {
                line.Append(value);
                return;
            }

            written.Add(line.ToString());
            line.Clear();
        }

        public Task<string> NextAsync() => Task.Run(() => written.Take(TestContext.Current.CancellationToken));
    }
}
