using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using Governance.Gates.Images;

namespace Governance.Gates.Webhook;

/// <summary>A file of entries that the ledger could not take.</summary>
/// <param name="File">Its name in the spool folder.</param>
/// <param name="Entries">How many lines it has.</param>
/// <param name="Digest">The SHA-256 of its bytes.</param>
internal sealed record SpooledFile(string File, long Entries, Digest Digest);

/// <summary>Entries of what was let through while the ledger took none, in a folder that should be on another disk: one canonical entry a line, durable when <see cref="Add"/> returns.</summary>
/// <param name="folder">The folder.</param>
/// <param name="clock">Names the files.</param>
internal sealed class LedgerSpool(string folder, TimeProvider clock) : IDisposable
{
    private const long MostBytes = 256L * 1024 * 1024;
    private readonly Lock writing = new();
    private FileStream? file;
    private IncrementalHash? hash;
    private long lines;
    private ImmutableArray<SpooledFile> finished = [];

    /// <summary>Adds an entry.</summary>
    /// <returns>Null once it is durable; or why it is not.</returns>
    public string? Add(ReadOnlySpan<byte> entry)
    {
        lock (writing)
        {
            try
            {
                if (file is null)
                {
                    Directory.CreateDirectory(folder);
                    var name = clock.GetUtcNow().ToString("'missed-'yyyyMMdd'T'HHmmss.fffffff'Z.ndjson'", CultureInfo.InvariantCulture);
                    file = new(Path.Combine(folder, name), FileMode.CreateNew, FileAccess.Write, FileShare.Read);
                    (hash, lines) = (IncrementalHash.CreateHash(HashAlgorithmName.SHA256), 0);
                }

                if (file.Length + entry.Length > MostBytes)
                {
                    return $"{file.Name} is full";
                }

                byte[] line = [.. entry, (byte)'\n'];
                file.Write(line);
                file.Flush(flushToDisk: true);
                hash!.AppendData(line);
                lines++;
                return null;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
            {
                return exception.Message;
            }
        }
    }

    /// <summary>The files that nobody was told of yet; what is added from now on goes into another.</summary>
    public ImmutableArray<SpooledFile> Finish()
    {
        lock (writing)
        {
            if (file is not null)
            {
                finished = finished.Add(new(Path.GetFileName(file.Name), lines, Digest.FromHash(hash!.GetHashAndReset())));
                Close();
            }

            return finished;
        }
    }

    /// <summary>Forgets files that the ledger names now.</summary>
    public void Told(ImmutableArray<SpooledFile> files)
    {
        lock (writing)
        {
            finished = finished.RemoveRange(files);
        }
    }

    public void Dispose()
    {
        lock (writing)
        {
            Close();
        }
    }

    private void Close()
    {
        file?.Dispose();
        hash?.Dispose();
        (file, hash) = (null, null);
    }
}
