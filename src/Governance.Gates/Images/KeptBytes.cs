namespace Governance.Gates.Images;

/// <summary>Bytes that a decision rests on, by their SHA-256.</summary>
/// <param name="Digest">Their SHA-256.</param>
/// <param name="Bytes">They.</param>
public sealed record KeptBytes(Digest Digest, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>These bytes, with their digest.</summary>
    public static KeptBytes Of(ReadOnlyMemory<byte> bytes) => new(Digest.Of(bytes.Span), bytes);
}
