using Governance.Gates.Clients.Registries;
using Governance.Gates.Images;
using Governance.Gates.Revocations;

namespace Governance.Gates.Clients.Revocations;

/// <summary>Where signed lists of revocations lie: a file beside the policy, or the tag <c>revocations</c> of a repository.</summary>
/// <param name="folder">The policy's folder.</param>
/// <param name="registry">What is asked for <c>oci://</c>.</param>
public sealed class RevocationStore(string folder, IRegistry registry)
{
    /// <summary>The tag behind which the list lies in its repository.</summary>
    public const string Tag = "revocations";

    private const string Scheme = "oci://";
    private const string BundleType = "application/vnd.dev.sigstore.bundle.v0.3+json";

    /// <summary>Whether a place is a repository, not a file.</summary>
    /// <param name="from">As <c>trust.revocations.from</c> writes it.</param>
    public static bool IsRepository(string from) => from.StartsWith(Scheme, StringComparison.Ordinal);

    /// <summary>The bytes of the list that stands there, not verified; null where there is none.</summary>
    /// <param name="from">As <c>trust.revocations.from</c> writes it: <c>oci://</c> and a repository, or a path relative to the policy's folder.</param>
    /// <param name="cancellation">Ends the work.</param>
    public async Task<Reading<ReadOnlyMemory<byte>?>> ReadAsync(string from, CancellationToken cancellation)
    {
        if (!IsRepository(from))
        {
            return ReadFile(PathOf(from));
        }

        if (!ReadRepository(from).Try(out var repository, out var why) || !(await registry.ReadTaggedAsync(repository, Tag, cancellation).ConfigureAwait(false)).Try(out var layer, out why))
        {
            return new Reading<ReadOnlyMemory<byte>?>.Unread(why);
        }

        return new Reading<ReadOnlyMemory<byte>?>.Found(layer?.Content);
    }

    /// <summary>Publishes a signed list in the place of the one that was read; refused where another one stands there by now, so that of two at a time none is lost unseen.</summary>
    /// <param name="from">Where.</param>
    /// <param name="bundle">The signed list, a Sigstore bundle.</param>
    /// <param name="standing">What <see cref="ReadAsync"/> found there.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>Where it lies now, in words.</returns>
    public async Task<Reading<string>> WriteAsync(string from, ReadOnlyMemory<byte> bundle, ReadOnlyMemory<byte>? standing, CancellationToken cancellation)
    {
        if (!(await ReadAsync(from, cancellation).ConfigureAwait(false)).Try(out var now, out var why))
        {
            return new Reading<string>.Unread(why);
        }

        if (!IsSame(now, standing))
        {
            return Overtaken<string>(from);
        }

        if (!IsRepository(from))
        {
            return ReplaceFile(PathOf(from), bundle);
        }

        var layer = new EvidenceLayer(BundleType, bundle, new Dictionary<string, string>());
        if (!ReadRepository(from).Try(out var repository, out why) || !(await registry.PushTaggedAsync(repository, Tag, RevocationStatement.PredicateType, layer, cancellation).ConfigureAwait(false)).Try(out var pushed, out why))
        {
            return new Reading<string>.Unread(why);
        }

        // A registry has no compare-and-swap; the tag says who came last.
        return (await ReadAsync(from, cancellation).ConfigureAwait(false)).Try(out now, out why) && IsSame(now, bundle)
            ? new Reading<string>.Found($"{repository}:{Tag}@{pushed}")
            : why is null ? Overtaken<string>(from) : new Reading<string>.Unread(why);
    }

    internal string PathOf(string from) => Path.Combine(folder, from);

    /// <summary>What changes when a file does: a mounted volume is a link that is swapped, so the file itself is opened.</summary>
    internal (DateTime Written, long Length)? Look(string from)
    {
        try
        {
            using var file = File.OpenHandle(PathOf(from));
            return (File.GetLastWriteTimeUtc(file), RandomAccess.GetLength(file));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            return null;
        }
    }

    private static bool IsSame(ReadOnlyMemory<byte>? one, ReadOnlyMemory<byte>? other) =>
        one is null || other is null ? one is null && other is null : one.Value.Span.SequenceEqual(other.Value.Span);

    private static Reading<Repository> ReadRepository(string from) => ImageReference.Read(from[Scheme.Length..]) switch
    {
        Reading<ImageReference>.Found({ Tag: null, Digest: null } reference) => new Reading<Repository>.Found(reference.Repository),
        Reading<ImageReference>.Unread(var why) => new Reading<Repository>.Unread(why),
        _ => new Reading<Repository>.Unread(Readings.Reason($"'{from}' is more than a repository", "leave out its tag and digest")),
    };

    private static Reading<ReadOnlyMemory<byte>?> ReadFile(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            var size = RandomAccess.GetLength(file.SafeFileHandle);
            if (size > RevocationListReader.MostBytes)
            {
                return Unread<ReadOnlyMemory<byte>?>($"the list of revocations {path} has {size} bytes, more than the {RevocationListReader.MostBytes} that are read", "name the right file");
            }

            var bytes = new byte[size];
            var read = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return new Reading<ReadOnlyMemory<byte>?>.Found(bytes.AsMemory(0, read));
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return new Reading<ReadOnlyMemory<byte>?>.Found(null);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            return Unread<ReadOnlyMemory<byte>?>($"the list of revocations {path} cannot be read ({exception.GetType().Name})", "make it a file that can be read");
        }
    }

    // Written beside its place and moved there: after a crash, and for whoever reads meanwhile, one of the two stands whole.
    private static Reading<string> ReplaceFile(string path, ReadOnlyMemory<byte> bytes)
    {
        var draft = $"{path}.{Guid.NewGuid():n}.tmp";
        try
        {
            using (var file = new FileStream(draft, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                file.Write(bytes.Span);
                file.Flush(flushToDisk: true);
            }

            File.Move(draft, path, overwrite: true);
            return new Reading<string>.Found(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            TryDelete(draft);
            return Unread<string>($"the list of revocations {path} cannot be written ({exception.GetType().Name})", "check the folder's permissions and the space on its disk");
        }
    }

    private static void TryDelete(string draft)
    {
        try
        {
            File.Delete(draft);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            // What could not be written can often not be deleted either; the first mistake is the one to tell.
        }
    }

    private static Reading<T>.Unread Overtaken<T>(string from) => Unread<T>($"somebody else published a list in {from} at the same time", "run the command again: it begins with their list");

    private static Reading<T>.Unread Unread<T>(string message, string remedy) => new(new("trust.revocations", message, remedy));
}
