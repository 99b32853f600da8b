namespace Governance.Gates.Clients.Kubernetes;

/// <summary>Reads a stream into memory, up to a limit.</summary>
internal static class Bounded
{
    /// <summary>All bytes of the stream, or null where it has more than <paramref name="limit"/>.</summary>
    public static async Task<ReadOnlyMemory<byte>?> ReadAsync(Stream stream, int limit, CancellationToken cancellation)
    {
        var buffer = new byte[Math.Min(limit, 64 << 10) + 1];
        var length = 0;
        while (await stream.ReadAsync(buffer.AsMemory(length), cancellation) is var read and > 0)
        {
            length += read;
            if (length > limit)
            {
                return null;
            }

            if (length == buffer.Length)
            {
                Array.Resize(ref buffer, (int)Math.Min(2L * buffer.Length, limit + 1L));
            }
        }

        return buffer.AsMemory(0, length);
    }
}
