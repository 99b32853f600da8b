using System.Buffers.Binary;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;
using Governance.Gates.Tests.Ledgers;

namespace Governance.Gates.Tests.Cli;

/// <summary>A workbench with a log that <c>gates ledger init</c> made and a local ledger wrote.</summary>
internal sealed class LedgerBench : IDisposable
{
    public const string Origin = "firm/production/c1/gate-0";
    private const int SmallFile = 256 * 1024;

    public Workbench Bench { get; } = new();

    /// <summary>The log's folder.</summary>
    public string Log => Bench.Folder.PathOf("log");

    public NoteKey Key => NoteKey.TryParse(File.ReadAllText(Log + ".vkey").Trim())!;

    /// <summary>Runs <c>gates ledger</c>.</summary>
    public Task<Ended> LedgerAsync(params string[] arguments) => Bench.GatesAsync(["ledger", .. arguments]);

    public async Task InitAsync() => Assert.Equal(0, (await LedgerAsync("init", Log, "--origin", Origin)).ExitCode);

    /// <summary>A log of so many small entries.</summary>
    public async Task FilledAsync(int count)
    {
        await InitAsync();
        await AppendAsync([.. Enumerable.Range(0, count).Select(TestEntries.Small)]);
    }

    /// <summary>Appends entries and publishes them.</summary>
    public async Task AppendAsync(params LedgerEntry[] entries)
    {
        await using var ledger = await OpenAsync();
        await AppendAsync(ledger, entries);
    }

    /// <summary>The log as a gate has it open.</summary>
    public Task<LocalLedger> OpenAsync(string origin = Origin) =>
        LocalLedger.OpenAsync(Log, LedgerKey.TryParse(File.ReadAllText(Log + ".key"))!.ForLog(origin), new("test", "1", null), TimeProvider.System, new JournalDisk(), SmallFile, TestContext.Current.CancellationToken);

    public static async Task AppendAsync(LocalLedger ledger, params LedgerEntry[] entries) =>
        Assert.All(await Task.WhenAll(entries.Select(entry => ledger.AppendAsync(entry, Precedence.Usual, TestContext.Current.CancellationToken).AsTask())), appended => Assert.IsType<Reading<AppendedEntry>.Found>(appended));

    public string PathOf(string path) => Path.Combine(Log, path);

    /// <summary>A copy of the checkpoint, as somebody else keeps it.</summary>
    public string Keep(string name)
    {
        File.Copy(PathOf("checkpoint"), Bench.Folder.PathOf(name));
        return Bench.Folder.PathOf(name);
    }

    public void Flip(string path, int at)
    {
        var bytes = File.ReadAllBytes(PathOf(path));
        bytes[at] ^= 1;
        File.WriteAllBytes(PathOf(path), bytes);
    }

    public List<byte[]> Entries(string path) => [.. EntryBundle.Read(File.ReadAllBytes(PathOf(path))).Try(out var entries, out _) ? entries.Select(entry => entry.ToArray()) : []];

    public void WriteEntries(string path, IEnumerable<byte[]> entries) => File.WriteAllBytes(PathOf(path), [.. entries.SelectMany(entry =>
    {
        var length = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)entry.Length);
        return (byte[])[.. length, .. entry];
    })]);

    /// <summary>Copies a folder with all it holds.</summary>
    public static void Copy(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target, overwrite: true);
        }
    }

    public void Dispose() => Bench.Dispose();
}
