using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;
using Governance.Gates.Testing;
using Governance.Gates.Tests.Ledgers;

namespace Governance.Gates.Tests.Clients.LedgerStores;

/// <summary>A log in a folder of its own, on a disk that can be made to fail.</summary>
public abstract class LedgerInFolder : IDisposable
{
    protected const int SmallFile = 256 * 1024;

    protected static EntryComponent Component { get; } = new("test", "1", null);

    protected TemporaryFolder Temporary { get; } = new();

    internal FaultyDisk Disk { get; } = new();

    protected NoteSigner Signer { get; init; } = LogKeys.Ed25519("firm/production/c1/gate-0", 7);

    protected string Folder => Temporary.PathOf("ledger");

    public void Dispose()
    {
        Temporary.Dispose();
        GC.SuppressFinalize(this);
    }

    protected Task<LocalLedger> OpenAsync(string? folder = null, TimeProvider? clock = null, NoteSigner? key = null) => LocalLedger.OpenAsync(folder ?? Folder, key ?? Signer, Component, clock ?? TimeProvider.System, Disk, SmallFile, TestContext.Current.CancellationToken);

    protected static LedgerEntry Entry(string id, string? text) => new()
    {
        Timestamp = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero),
        EventId = id,
        EventType = LedgerEvents.Decision,
        Component = Component,
        Rationale = PersonalText.Of(text, LedgerText.LongestMessage) is { } why ? new EntryPart<PersonalText>.Inline(why) : null,
    };

    protected static ValueTask<Reading<AppendedEntry>> TryAppendAsync(LocalLedger ledger, string id, Precedence precedence, string? text = null) => ledger.AppendAsync(Entry(id, text), precedence, TestContext.Current.CancellationToken);

    protected static async Task<AppendedEntry> AppendAsync(LocalLedger ledger, string id, string? text = null) =>
        (await TryAppendAsync(ledger, id, Precedence.Usual, text)).Try(out var appended, out var why) ? appended : throw new InvalidOperationException(why.Message);

    protected async Task FilledAsync(int count)
    {
        await using var ledger = await OpenAsync();
        for (var i = 0; i < count; i++)
        {
            await AppendAsync(ledger, $"e-{i}");
        }
    }

    // The folder as a killed process leaves it: a journal, and nothing published.
    protected async Task CrashedAsync(int count, string? text = null)
    {
        var running = Temporary.PathOf("running");
        await using var ledger = await LocalLedger.OpenAsync(running, Signer, Component, new Still(), Disk, SmallFile, TestContext.Current.CancellationToken);
        for (var i = 0; i < count; i++)
        {
            await AppendAsync(ledger, $"e-{i}", text);
        }

        Copy(running, Folder);
    }

    protected string[] Journal() => [.. Directory.EnumerateFiles(Path.Combine(Folder, "journal")).Where(file => Path.GetFileName(file) != "spare").Order(StringComparer.Ordinal)];

    protected int Used() => File.ReadAllBytes(Journal().Single()).AsSpan().LastIndexOfAnyExcept((byte)0) + 1;

    protected void Overwrite(int at, byte[] bytes)
    {
        using var file = File.OpenHandle(Journal().Single(), FileMode.Open, FileAccess.Write);
        RandomAccess.Write(file, bytes, at);
    }

    protected LedgerEntry Entry(int index)
    {
        var folder = new LedgerFolder(Folder);
        Assert.True(folder.ReadCheckpoint(Signer.Key).Try(out var checkpoint, out _));
        Assert.True(folder.Read(TileAddress.OfEntries(index / 256, checkpoint.Size)!.Value).Try(out var bundle, out _));
        Assert.True(EntryBundle.Read(bundle).Try(out var entries, out _));
        Assert.True(LedgerEntry.Read(entries[index % 256]).Try(out var entry, out _));
        return entry;
    }

    protected void AssertVerified(long size, string? path = null)
    {
        var folder = new LedgerFolder(path ?? Folder);
        Assert.True(folder.ReadCheckpoint(Signer.Key).Try(out var checkpoint, out var why), why?.Message);
        Assert.Equal(size, checkpoint.Size);
        Assert.Null(LedgerVerifier.Verify(checkpoint, folder.Read, cancellation: TestContext.Current.CancellationToken));
    }

    protected static void Copy(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories).Where(file => Path.GetFileName(file) is not ("lock" or "spare")))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target, overwrite: true);
        }
    }

    protected static async Task UntilAsync(Func<bool> holds)
    {
        // What never comes is a failure and no run without an end.
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(1));
        while (!holds())
        {
            await Task.Delay(5, limit.Token);
        }
    }

    // A clock on which no second passes: nothing is published but at the end.
    protected sealed class Still : TimeProvider
    {
        public override long GetTimestamp() => 0;
    }
}
