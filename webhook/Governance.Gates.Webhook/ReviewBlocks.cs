using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Governance.Gates.Webhook;

/// <summary>Memory for connections in blocks that hold a whole review with its TLS frame: Kestrel's own of 4 KiB take each review in several reads.</summary>
internal sealed class ReviewBlocks : MemoryPool<byte>, IMemoryPoolFactory<byte>
{
    // A TLS record holds up to 16 KiB (RFC 8446, section 5.1).
    private const int BlockSize = 16 * 1024;

    public override int MaxBufferSize => Shared.MaxBufferSize;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1) => Shared.Rent(Math.Max(minBufferSize, BlockSize));

    public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => this;

    protected override void Dispose(bool disposing)
    {
        // Its blocks are the shared pool's.
    }
}
