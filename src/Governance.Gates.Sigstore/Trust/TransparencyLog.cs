namespace Governance.Gates.Sigstore;

/// <summary>A transparency log that a trusted root names: one of signatures (Rekor) or of certificates.</summary>
/// <param name="BaseUrl">Its address, which also gives the name that its checkpoints are signed with.</param>
/// <param name="LogId">Its id, 32 bytes: SHA-256 of its key, or the C2SP key id of which a note shows the first four bytes.</param>
/// <param name="Key">The key that signs for it.</param>
/// <param name="Window">When the key counts.</param>
public sealed record TransparencyLog(string BaseUrl, ReadOnlyMemory<byte> LogId, PublicKey Key, TimeWindow Window)
{
    /// <summary>The four bytes that name the key in a signed note, where the root gives them apart from the log's id.</summary>
    internal ReadOnlyMemory<byte> NoteKeyId { get; init; } = LogId[..4];

    /// <summary>By what thresholds tell it from others: SHA-256 of its key.</summary>
    internal string Party => Key.Hint;

    /// <summary>Whether a note's signature line may carry this name for the log: its host, with or without port and path.</summary>
    internal bool IsNamed(string name) =>
        Uri.TryCreate(BaseUrl, UriKind.Absolute, out var url)
        && (name == url.Host || name == url.Authority || name == url.Authority + url.AbsolutePath.TrimEnd('/'));

    /// <summary>The address.</summary>
    public override string ToString() => BaseUrl;
}
