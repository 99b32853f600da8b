using System.Security.Cryptography;
using Governance.Gates.Sigstore.Models;
using Microsoft.Win32.SafeHandles;

namespace Governance.Gates.Clients.Models;

/// <summary>A file of a model while it is hashed, by as many threads as it has pieces: opened by the first, closed by the last.</summary>
internal sealed class HashedFile : IDisposable
{
    private readonly string fullPath;
    private readonly string name;
    private readonly long length;
    private readonly long pieceSize;
    private readonly ReadOnlyMemory<byte>[] digests;
    // Guards the opening; what follows reads at offsets, which threads may do side by side.
    private readonly Lock opening = new();
    private SafeFileHandle? handle;
    private DateTime written;
    private int left;

    /// <summary>A file that was listed.</summary>
    /// <param name="folder">The folder's path without links.</param>
    /// <param name="path">The file's path in it.</param>
    /// <param name="name">Its name in the manifest.</param>
    /// <param name="length">Its length, as listed.</param>
    /// <param name="shardSize">Bytes of a shard; null for one piece, also of an empty file.</param>
    /// <param name="wanted">Whether it is hashed.</param>
    public HashedFile(string folder, string path, string name, long length, long? shardSize, Func<string, long, bool> wanted)
    {
        fullPath = Path.Combine(folder, path);
        this.name = name;
        this.length = length;
        pieceSize = shardSize ?? Math.Max(length, 1);
        var pieces = !wanted(name, length) ? 0 : shardSize is null ? 1 : (length + pieceSize - 1) / pieceSize;
        if (pieces > ModelManifest.MostResources)
        {
            throw new ModelRefusedException(Decision.Deny(new Reason("model.files", $"'{name}' has {pieces} shards, and at most {ModelManifest.MostResources} can be signed", "use larger shards")));
        }

        left = Pieces = (int)pieces;
        digests = new ReadOnlyMemory<byte>[Pieces];
    }

    /// <summary>How many pieces there are to hash.</summary>
    public int Pieces { get; }

    public void Hash(int place, PieceHasher hasher, CancellationToken cancellation)
    {
        try
        {
            var file = Open();
            var start = place * pieceSize;
            digests[place] = hasher.Hash(file, start, Math.Min(start + pieceSize, length), cancellation);
            if (Interlocked.Decrement(ref left) == 0)
            {
                Close(file);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ModelRefusedException(ModelFolder.Unreadable(name, exception));
        }
        catch (NotSupportedException)
        {
            throw new ModelRefusedException(Decision.Deny(new Reason("model.files", $"'{name}' is no regular file", "take it away: a model has files and folders alone")));
        }
    }

    public ModelFile ToModelFile() => new(name, length, [.. digests]);

    public void Dispose() => handle?.Dispose();

    private SafeFileHandle Open()
    {
        lock (opening)
        {
            if (handle is null)
            {
                handle = ModelDisk.Open(fullPath);
                written = File.GetLastWriteTimeUtc(handle);
                CheckLength(handle);
            }

            return handle;
        }
    }

    private void Close(SafeFileHandle file)
    {
        CheckLength(file);
        Span<byte> more = stackalloc byte[1];
        if (RandomAccess.Read(file, more, length) != 0 || File.GetLastWriteTimeUtc(file) != written)
        {
            throw new IOException("it changed while it was read");
        }

        file.Dispose();
    }

    private void CheckLength(SafeFileHandle file)
    {
        // Throws for what has no length, such as a pipe.
        if (RandomAccess.GetLength(file) != length)
        {
            throw new IOException("it changed while it was read");
        }
    }
}

/// <summary>Hashes pieces of files, one after the other, in one buffer.</summary>
internal sealed class PieceHasher : IDisposable
{
    // Fits a core's second cache beside what the kernel copies.
    private readonly byte[] buffer = GC.AllocateUninitializedArray<byte>(256 * 1024);
    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>SHA-256 of the bytes from an offset up to another.</summary>
    /// <exception cref="IOException">The file ends before.</exception>
    public byte[] Hash(SafeFileHandle file, long start, long end, CancellationToken cancellation)
    {
        for (var offset = start; offset < end;)
        {
            cancellation.ThrowIfCancellationRequested();
            var read = RandomAccess.Read(file, buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - offset)), offset);
            if (read == 0)
            {
                throw new IOException("it changed while it was read");
            }

            hash.AppendData(buffer, 0, read);
            offset += read;
        }

        return hash.GetHashAndReset();
    }

    public void Dispose() => hash.Dispose();
}
