using System.Buffers;

namespace Governance.Gates.Ledgers;

/// <summary>Memory in which entries of bundles stand one after another. It is used again once whoever fills it and all bundles in it gave it back; what nobody gives back is collected as any memory is.</summary>
/// <remarks>An entry stays until its bundle is published, which is longer than the collector takes for short-lived: in arrays of their own all entries of a second were copied twice.</remarks>
internal sealed class EntryBlock(int size)
{
    private int users = 1;

    public byte[] Bytes { get; } = ArrayPool<byte>.Shared.Rent(size);

    public void Use() => Interlocked.Increment(ref users);

    public void Release()
    {
        if (Interlocked.Decrement(ref users) == 0)
        {
            ArrayPool<byte>.Shared.Return(Bytes);
        }
    }
}
