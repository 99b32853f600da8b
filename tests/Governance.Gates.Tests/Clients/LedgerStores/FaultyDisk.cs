using Governance.Gates.Clients.LedgerStores;
using Microsoft.Win32.SafeHandles;

namespace Governance.Gates.Tests.Clients.LedgerStores;

/// <summary>A disk that fails when it is told to, and that knows what of one journal file it really holds.</summary>
internal sealed class FaultyDisk : JournalDisk
{
    private readonly List<(long At, byte[] Bytes)> dirty = [];

    public bool FailSync { get; set; }

    /// <summary>Fails one flush, and none after it. Whoever asks what failed gives another flush the time to go well.</summary>
    public bool FailNextSync { get; set; }

    public bool IsFull { get; set; }

    /// <summary>How many bytes of the next write reach the file before it fails; null where it does not fail.</summary>
    public int? ShortWrite { get; set; }

    /// <summary>How many flushes go well before all fail.</summary>
    public int SyncsLeft { get; set; } = int.MaxValue;

    /// <summary>What a flush waits for.</summary>
    public ManualResetEventSlim Flushing { get; } = new(true);

    /// <summary>What a power loss leaves of the file; a flush that failed drops what it was to write, as Linux does.</summary>
    public byte[] Durable { get; } = new byte[256 * 1024];

    private ManualResetEventSlim FlushedAgain { get; } = new();

    public override void Allocate(string path, int bytes)
    {
        if (IsFull)
        {
            throw new IOException("No space left on device");
        }

        base.Allocate(path, bytes);
    }

    // A write that ends within a block is none that goes past the cache.
    public override SafeFileHandle Open(string path) => File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);

    public override void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long at)
    {
        if (ShortWrite is { } some)
        {
            base.Write(file, bytes[..Math.Min(some, bytes.Length)], at);
            throw new IOException("Input/output error");
        }

        base.Write(file, bytes, at);
        dirty.Add((at, bytes.ToArray()));
    }

    public override void Sync(SafeFileHandle file)
    {
        Flushing.Wait();
        var written = dirty.ToArray();
        dirty.Clear();
        if (FailNextSync)
        {
            FlushedAgain.Reset();
            FailNextSync = false;
            throw new SlowlyTold(FlushedAgain);
        }

        if (FailSync || SyncsLeft-- <= 0)
        {
            throw new IOException("Input/output error");
        }

        base.Sync(file);
        FlushedAgain.Set();
        foreach (var (at, bytes) in written)
        {
            bytes.CopyTo(Durable.AsSpan((int)at));
        }
    }

    private sealed class SlowlyTold(ManualResetEventSlim flushedAgain) : IOException
    {
        public override string Message
        {
            get
            {
                // Nothing tells that no other flush comes.
                flushedAgain.Wait(TimeSpan.FromMilliseconds(200));
                return "Input/output error";
            }
        }
    }
}
