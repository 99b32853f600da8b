using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Conformance.Ledgers;

/// <summary>A log on a real file system that is full, on one that cannot be written, and on one that can do less than others.</summary>
public sealed class FullDiskTests
{
    private static readonly EntryComponent Component = new("test", "1", null);
    private readonly NoteSigner signer = LedgerKey.Create().ForLog("firm/production/c1/gate-0");

    [Fact]
    public async Task A_full_disk_refuses_what_can_be_refused_and_it_goes_on_once_there_is_space()
    {
        await using var disk = await SmallDisk.MountAsync("60m");
        var folder = disk.PathOf("ledger");
        var (usual, vital) = (0, 0);
        await using (var ledger = await OpenAsync(folder))
        {
            Assert.IsType<Reading<AppendedEntry>.Found>(await AppendAsync(ledger, "first", Precedence.Usual));
            await disk.FillAsync();
            usual = 1 + await FillAsync(ledger, "usual", Precedence.Usual);
            vital = await FillAsync(ledger, "vital", Precedence.Vital);
            Assert.InRange(vital, 500, 2_000);
            Assert.Null(ledger.State.Fault);
            while (ledger.State.Warning is null)
            {
                // Tiles are written beside the appends, within a second.
                await Task.Delay(50, TestContext.Current.CancellationToken);
            }

            disk.Free();
            while (await AppendAsync(ledger, "again", Precedence.Usual) is not Reading<AppendedEntry>.Found)
            {
                await Task.Delay(50, TestContext.Current.CancellationToken);
            }
        }

        await using (var reopened = await OpenAsync(folder))
        {
            Assert.Equal((usual + vital + 1, null), (reopened.State.Size, reopened.Recovered));
        }

        AssertVerified(folder, usual + vital + 1);
    }

    [Fact]
    public async Task A_file_system_that_takes_no_writes_past_its_cache_holds_a_log_all_the_same()
    {
        await using var disk = await SmallDisk.MountAsync("mode=700", "ramfs");
        var folder = disk.PathOf("ledger");
        for (var i = 0; i < 3; i++)
        {
            await using var ledger = await OpenAsync(folder);
            Assert.Equal((2 * i, null), (ledger.State.Size, ledger.Recovered));
            Assert.IsType<Reading<AppendedEntry>.Found>(await AppendAsync(ledger, $"one-{i}", Precedence.Usual));
            Assert.IsType<Reading<AppendedEntry>.Found>(await AppendAsync(ledger, $"other-{i}", Precedence.Usual));
        }

        AssertVerified(folder, 6);
    }

    [Fact]
    public async Task A_log_that_was_closed_on_a_full_disk_has_all_that_was_acknowledged()
    {
        await using var disk = await SmallDisk.MountAsync("60m");
        var folder = disk.PathOf("ledger");
        var taken = 0;
        await using (var ledger = await OpenAsync(folder))
        {
            Assert.IsType<Reading<AppendedEntry>.Found>(await AppendAsync(ledger, "first", Precedence.Usual));
            await disk.FillAsync();
            taken = 1 + await FillAsync(ledger, "usual", Precedence.Usual);
        }

        await using (var full = await OpenAsync(folder))
        {
            Assert.Equal((taken, null), (full.State.Size, full.Recovered));
            Assert.IsType<Reading<AppendedEntry>.Unread>(await AppendAsync(full, "more", Precedence.Usual));
            Assert.IsType<Reading<AppendedEntry>.Found>(await AppendAsync(full, "freeze", Precedence.Vital));
            disk.Free();
        }

        AssertVerified(folder, taken + 1);
    }

    [Fact]
    public async Task A_disk_without_room_for_a_log_and_one_that_is_read_only_say_so_at_once()
    {
        await using var disk = await SmallDisk.MountAsync("1m");
        Assert.Contains("free space", (await Assert.ThrowsAsync<GateException>(() => OpenAsync(disk.PathOf("small")))).Message, StringComparison.Ordinal);
        await disk.ResizeAsync("100m");
        await using (await OpenAsync(disk.PathOf("log")))
        {
        }

        await disk.MakeReadOnlyAsync();
        Assert.Contains("cannot be used", (await Assert.ThrowsAsync<GateException>(() => OpenAsync(disk.PathOf("log")))).Message, StringComparison.Ordinal);
    }

    private Task<LocalLedger> OpenAsync(string folder) => LocalLedger.OpenAsync(folder, signer, Component, TimeProvider.System, TestContext.Current.CancellationToken);

    private static ValueTask<Reading<AppendedEntry>> AppendAsync(LocalLedger ledger, string id, Precedence precedence) => ledger.AppendAsync(
        new()
        {
            Timestamp = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero),
            EventId = id,
            EventType = LedgerEvents.Decision,
            Component = Component,
            Rationale = new EntryPart<PersonalText>.Inline(PersonalText.Of(new string('x', 4_000), LedgerText.LongestMessage)!),
        },
        precedence,
        TestContext.Current.CancellationToken);

    // Until one is refused; gives how many were not.
    private static async Task<int> FillAsync(LocalLedger ledger, string name, Precedence precedence)
    {
        var taken = 0;
        while (await AppendAsync(ledger, $"{name}-{taken}", precedence) is Reading<AppendedEntry>.Found)
        {
            taken++;
        }

        return taken;
    }

    private void AssertVerified(string folder, long size)
    {
        var log = new LedgerFolder(folder);
        var checkpoint = LogFolder.Found(log.ReadCheckpoint(signer.Key));
        Assert.Equal(size, checkpoint.Size);
        Assert.Null(LedgerVerifier.Verify(checkpoint, log.Read, cancellation: TestContext.Current.CancellationToken));
    }

    /// <summary>A file system in memory, of a few megabytes where it is a tmpfs, which root may mount, or who may become root without being asked.</summary>
    private sealed class SmallDisk : IAsyncDisposable
    {
        private const string Ballast = "ballast";
        private readonly TemporaryFolder temporary = new();

        private string Path => temporary.PathOf("disk");

        public static Task<SmallDisk> MountAsync(string size) => MountAsync($"size={size}", "tmpfs");

        public static async Task<SmallDisk> MountAsync(string options, string type)
        {
            var disk = new SmallDisk();
            Directory.CreateDirectory(disk.Path);
            var mount = await AsRootAsync("mount", ["-t", type, "-o", options, type, disk.Path]);
            if (mount.ExitCode != 0)
            {
                disk.temporary.Dispose();
                Assert.Skip($"a small disk needs the right to mount one: {mount.Error.Trim()}");
            }

            return disk;
        }

        public string PathOf(string name) => System.IO.Path.Combine(Path, name);

        /// <summary>Takes all space that is left, once the ledger has made its next file.</summary>
        public async Task FillAsync()
        {
            var spare = new FileInfo(PathOf("ledger/journal/spare"));
            while (!spare.Exists || spare.Length < 8 * 1024 * 1024)
            {
                await Task.Delay(10, TestContext.Current.CancellationToken);
                spare.Refresh();
            }

            var full = await Command.RunAsync("dd", ["if=/dev/zero", $"of={PathOf(Ballast)}", "bs=64k"]);
            Assert.Contains("No space left", full.Error, StringComparison.Ordinal);
        }

        /// <summary>Gives the space back.</summary>
        public void Free() => File.Delete(PathOf(Ballast));

        public async Task ResizeAsync(string size) => (await AsRootAsync("mount", ["-o", $"remount,size={size}", Path])).Succeeded();

        public async Task MakeReadOnlyAsync() => (await AsRootAsync("mount", ["-o", "remount,ro", Path])).Succeeded();

        private static async Task<Command> AsRootAsync(string program, string[] arguments)
        {
            try
            {
                return Environment.IsPrivilegedProcess ? await Command.RunAsync(program, arguments) : await Command.RunAsync("sudo", ["-n", program, .. arguments]);
            }
            catch (System.ComponentModel.Win32Exception missing)
            {
                return new(program, 1, "", missing.Message);
            }
        }

        public async ValueTask DisposeAsync()
        {
            (await AsRootAsync("umount", [Path])).Succeeded();
            temporary.Dispose();
        }
    }
}
