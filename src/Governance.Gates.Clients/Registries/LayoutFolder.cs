using System.Collections.Immutable;
using System.Text.Json;
using Governance.Gates.Images;

namespace Governance.Gates.Clients.Registries;

/// <summary>The files of an image layout. Names of files are made from digests, never from what a file says.</summary>
internal sealed class LayoutFolder(string directory, RegistryLimits limits) : IOciContent
{
    /// <summary>The annotation that is a tag.</summary>
    public const string RefName = "org.opencontainers.image.ref.name";

    private const string Index = "index.json";
    private const string Marker = "oci-layout";
    private const int LockAttempts = 500;
    private static readonly TimeSpan LockPause = TimeSpan.FromMilliseconds(20);

    public string Directory => directory;

    public static string? TagOf(Descriptor descriptor) => descriptor.Annotations.GetValueOrDefault(RefName);

    /// <summary>Why the folder is no layout; null where it is one.</summary>
    public string? Mistake()
    {
        try
        {
            var marker = Path.Combine(directory, Marker);
            if (!File.Exists(marker) || !File.Exists(Path.Combine(directory, Index)))
            {
                return $"{(File.Exists(marker) ? Index : Marker)} is missing";
            }

            if (new FileInfo(marker) is not { Length: > 0 and < 4096 })
            {
                return $"{Marker} has an unlikely size";
            }

            using var json = JsonDocument.Parse(File.ReadAllBytes(marker), new() { AllowDuplicateProperties = false });
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("imageLayoutVersion", out var version) && version.ValueEquals("1.0.0")
                ? null
                : $"{Marker} does not say imageLayoutVersion 1.0.0";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"it cannot be read ({e.GetType().Name})";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return $"{Marker} is not JSON of the right shape";
        }
    }

    public void Create()
    {
        try
        {
            if (System.IO.Directory.Exists(directory) && System.IO.Directory.EnumerateFileSystemEntries(directory).Any())
            {
                throw new GateException($"'{directory}' is not empty", "name a new folder for the image layout");
            }

            System.IO.Directory.CreateDirectory(Path.Combine(directory, "blobs", "sha256"));
            File.WriteAllText(Path.Combine(directory, Index), $$"""{"schemaVersion":2,"mediaType":"{{MediaTypes.Index}}","manifests":[]}""");
            File.WriteAllText(Path.Combine(directory, Marker), """{"imageLayoutVersion":"1.0.0"}""");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new GateException($"'{directory}' cannot be made an image layout: {e.GetType().Name}", "name a folder that may be written", e);
        }
    }

    /// <summary>What <c>index.json</c> lists.</summary>
    public async Task<Reading<ImmutableArray<Descriptor>>> ReadIndexAsync(CancellationToken cancellation)
    {
        if (!(await ReadFileAsync(Path.Combine(directory, Index), Index, limits.ManifestBytes, cancellation)).Try(out var bytes, out var why))
        {
            return new Reading<ImmutableArray<Descriptor>>.Unread(why);
        }

        return OciDocument.TryParse(bytes, out var mistake) is { Manifests: { } manifests }
            ? new Reading<ImmutableArray<Descriptor>>.Found(manifests)
            : Unread<ImmutableArray<Descriptor>>($"{Index} {(mistake.Length == 0 ? "is no index" : mistake)}", "make the layout again");
    }

    public async Task<Reading<Content?>> ReadTagAsync(string tag, CancellationToken cancellation)
    {
        if (!(await ReadIndexAsync(cancellation)).Try(out var listed, out var why))
        {
            return new Reading<Content?>.Unread(why);
        }

        var named = listed.Where(one => TagOf(one) == tag).Take(2).ToArray();
        if (named.Length == 0)
        {
            return new Reading<Content?>.Found(null);
        }

        if (named is not [{ Digest: { } digest }])
        {
            return Unread<Content?>($"{Index} names tag {tag} twice, or without a SHA-256 digest", "make the layout again");
        }

        return (await ReadManifestAsync(digest, cancellation)).Try(out var content, out why)
            ? new Reading<Content?>.Found(content)
            : new Reading<Content?>.Unread(why);
    }

    public Task<Reading<Content>> ReadManifestAsync(Digest digest, CancellationToken cancellation) => ReadBlobFileAsync(digest, limits.ManifestBytes, cancellation);

    public async Task<Reading<Content>> ReadBlobAsync(Digest digest, long size, CancellationToken cancellation)
    {
        var reading = await ReadBlobFileAsync(digest, size, cancellation);
        return reading.Try(out var content, out _) && content.Bytes.Length != size
            ? Unread<Content>($"{digest} has {content.Bytes.Length} bytes but is listed with {size}", "delete the manifest that lists it and attach the evidence again")
            : reading;
    }

    public async Task<Referrers> ListReferrersAsync(Digest subject, CancellationToken cancellation)
    {
        if (!(await ReadIndexAsync(cancellation)).Try(out var listed, out var why))
        {
            return new([], [why], Answered: false, HasApi: false);
        }

        var (referrers, unread) = (ImmutableArray.CreateBuilder<Descriptor>(), ImmutableArray.CreateBuilder<Reason>());
        foreach (var descriptor in listed)
        {
            if (descriptor.Digest is not { } digest)
            {
                continue;
            }

            if (!(await ReadManifestAsync(digest, cancellation)).Try(out var content, out why))
            {
                unread.Add(why);
            }
            else if (OciDocument.TryParse(content.Bytes, out _)?.Subject == subject.ToString())
            {
                referrers.Add(descriptor);
            }
        }

        return new(referrers.ToImmutable(), unread.ToImmutable(), Answered: true, HasApi: true);
    }

    /// <summary>Those listed that are images: no evidence, no referrers.</summary>
    public async Task<ImmutableArray<Descriptor>> ImagesAsync(ImmutableArray<Descriptor> listed, CancellationToken cancellation)
    {
        var images = ImmutableArray.CreateBuilder<Descriptor>();
        foreach (var descriptor in listed.DistinctBy(one => one.DigestText))
        {
            if (TagOf(descriptor)?.StartsWith("sha256-", StringComparison.Ordinal) != true
                && descriptor.Digest is { } digest
                && (await ReadManifestAsync(digest, cancellation)).Try(out var content, out _)
                && OciDocument.TryParse(content.Bytes, out _) is { Subject: null })
            {
                images.Add(descriptor);
            }
        }

        return images.ToImmutable();
    }

    public async Task<Reading<Digest>> WriteBlobAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        var digest = Digest.Of(bytes.Span);
        var file = PathOf(digest);
        var failed = File.Exists(file) && new FileInfo(file).Length == bytes.Length ? null : await ReplaceAsync(file, bytes, cancellation);
        return failed is null ? new Reading<Digest>.Found(digest) : new Reading<Digest>.Unread(failed);
    }

    /// <summary>Replaces <c>index.json</c>; called while the layout is locked.</summary>
    /// <returns>Null, or why it could not be written.</returns>
    public Task<Reason?> WriteIndexAsync(ImmutableArray<string> descriptors, CancellationToken cancellation) => ReplaceAsync(
        Path.Combine(directory, Index),
        OciDocument.Write(json =>
        {
            json.WriteStartObject();
            json.WriteNumber("schemaVersion", 2);
            json.WriteString("mediaType", MediaTypes.Index);
            json.WriteStartArray("manifests");
            foreach (var descriptor in descriptors)
            {
                json.WriteRawValue(descriptor);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }),
        cancellation);

    /// <summary>The right to change <c>index.json</c>; null where it cannot be had.</summary>
    /// <remarks>A lock belongs to the open file, so it orders the writers of this process as it orders processes. The lock file stays: one that is deleted could be locked twice.</remarks>
    public async Task<IDisposable?> LockAsync(CancellationToken cancellation)
    {
        for (var attempt = 0; attempt < LockAttempts; attempt++)
        {
            try
            {
                return new FileStream(Path.Combine(directory, Index + ".lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (DirectoryNotFoundException)
            {
                return null;
            }
            catch (IOException)
            {
                await Task.Delay(LockPause, cancellation);
            }
            catch (UnauthorizedAccessException)
            {
                return null;
            }
        }

        return null;
    }

    private async Task<Reading<Content>> ReadBlobFileAsync(Digest digest, long limit, CancellationToken cancellation)
    {
        if (!(await ReadFileAsync(PathOf(digest), digest.ToString(), limit, cancellation)).Try(out var bytes, out var why))
        {
            return new Reading<Content>.Unread(why);
        }

        return Digest.Of(bytes.Span) == digest
            ? new Reading<Content>.Found(new(bytes, digest))
            : Unread<Content>($"holds other bytes than {digest} names", "make the layout again");
    }

    private async Task<Reading<ReadOnlyMemory<byte>>> ReadFileAsync(string file, string name, long limit, CancellationToken cancellation)
    {
        try
        {
            // A pipe or device has no length, and opening one could wait for ever; a link leads out of the folder.
            var info = new FileInfo(file);
            if (!info.Exists || info.LinkTarget is not null)
            {
                return Unread<ReadOnlyMemory<byte>>($"has no file for {name}", "complete the layout: copy the image with everything that hangs on it");
            }

            if (info.Length == 0)
            {
                return new Reading<ReadOnlyMemory<byte>>.Found(ReadOnlyMemory<byte>.Empty);
            }

            if (info.Length > limit)
            {
                return Unread<ReadOnlyMemory<byte>>($"{name} has {info.Length} bytes, more than the {limit} that are read", "make the layout again");
            }

            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 4096, FileOptions.Asynchronous);
            var bytes = new byte[info.Length];
            var read = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellation);
            return new Reading<ReadOnlyMemory<byte>>.Found(bytes.AsMemory(0, read));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Unread<ReadOnlyMemory<byte>>($"{name} cannot be read ({e.GetType().Name})", "make the layout's files readable");
        }
    }

    // Written beside its place and moved there: after a crash the old file stands whole.
    private async Task<Reason?> ReplaceAsync(string file, ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        var draft = $"{file}.{Guid.NewGuid():n}.tmp";
        try
        {
            await using (var stream = new FileStream(draft, FileMode.CreateNew, FileAccess.Write, FileShare.None, 4096, FileOptions.Asynchronous))
            {
                await stream.WriteAsync(bytes, cancellation);
                stream.Flush(flushToDisk: true);
            }

            File.Move(draft, file, overwrite: true);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Readings.Reason($"layout {directory}: {Path.GetFileName(file)} cannot be written ({e.GetType().Name})", "check the folder's permissions and the space on its disk");
        }
        finally
        {
            File.Delete(draft);
        }
    }

    private string PathOf(Digest digest) => Path.Combine(directory, "blobs", "sha256", digest.Hex);

    private Reading<T>.Unread Unread<T>(string what, string remedy) => new(Readings.Reason($"layout {directory}: {what}", remedy));
}
