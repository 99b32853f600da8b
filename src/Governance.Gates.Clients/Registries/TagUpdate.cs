using Governance.Gates.Images;

namespace Governance.Gates.Clients.Registries;

/// <summary>Adds an entry to a list behind a tag while others do the same.</summary>
/// <remarks>
/// The distribution API has no lock, and registries ignore <c>If-Match</c>: whoever read before us and writes after us drops our
/// entry. So the list is read back until it has been whole twice with a pause between that is longer than any read-to-write seen here.
/// Whole means our entry and every entry seen meanwhile: each writer repairs what another one dropped.
/// After a crash between write and read-back the entry may be missing; attaching again is safe.
/// </remarks>
internal sealed class TagUpdate(RegistryContent content, Repository repository, string tag, TagList list, TimeProvider time)
{
    private const int Attempts = 40;
    private const int CleanReads = 2;
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    /// <summary>Adds the entry.</summary>
    /// <returns>The digest of the list that holds it.</returns>
    public async Task<Reading<Digest>> AddAsync(TagList.Entry entry, CancellationToken cancellation)
    {
        var wanted = new Dictionary<string, TagList.Entry>(StringComparer.Ordinal);
        var order = new List<string>();
        var longest = ShortestPause;
        for (var (attempt, clean) = (0, 0); attempt < Attempts; attempt++)
        {
            var began = time.GetTimestamp();
            if (!(await content.ReadTagAsync(tag, cancellation)).Try(out var standing, out var why))
            {
                return new Reading<Digest>.Unread(why);
            }

            var entries = standing is null ? [] : list.Read(standing.Bytes);
            if (entries is null)
            {
                return Unread($"tag {tag} of {repository} holds something else than its name says", "delete the tag, then try again");
            }

            // Seen entries first, so that the order of signing stays; ours last.
            foreach (var one in entries.Value)
            {
                Want(one);
            }

            Want(entry);
            var present = entries.Value.Select(one => one.Key).ToHashSet(StringComparer.Ordinal);
            if (order.TrueForAll(present.Contains))
            {
                if (++clean == CleanReads)
                {
                    return new Reading<Digest>.Found(standing!.Digest);
                }
            }
            else
            {
                clean = 0;
                var composed = list.Compose([.. order.Select(key => wanted[key])], standing?.Bytes);
                if (composed.Config is { } config && !(await content.WriteBlobAsync(config, cancellation)).Try(out _, out why))
                {
                    return new Reading<Digest>.Unread(why);
                }

                if (!(await content.WriteManifestAsync(tag, composed.Bytes, list.MediaType, standing?.ETag, cancellation)).Try(out _, out why))
                {
                    return new Reading<Digest>.Unread(why);
                }

                var took = time.GetElapsedTime(began);
                longest = took > longest ? took : longest;
            }

            await Task.Delay(Pause(longest, attempt), time, cancellation);
        }

        return Unread($"tag {tag} of {repository} was changed by others {Attempts} times while it was written", "try again when they are done");

        void Want(TagList.Entry one)
        {
            if (wanted.TryAdd(one.Key, one))
            {
                order.Add(one.Key);
            }
        }
    }

    // Twice the longest read-to-write, and as much again by chance, so that writers that met do not meet again.
    private static TimeSpan Pause(TimeSpan longest, int attempt)
    {
        var pause = longest * (2 + (Random.Shared.NextDouble() * Math.Min(2 + attempt, 8)));
        return pause > LongestPause ? LongestPause : pause;
    }

    private static Reading<Digest>.Unread Unread(string message, string remedy) => new(Readings.Reason(message, remedy));
}
