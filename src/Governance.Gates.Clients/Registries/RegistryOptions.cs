namespace Governance.Gates.Clients.Registries;

/// <summary>How registries are reached.</summary>
public sealed record RegistryOptions
{
    /// <summary>Hosts (with their port) that speak plain http although they are not loopback. Everything read from them can be changed on the way.</summary>
    public IReadOnlyList<string> PlainHttpHosts { get; init; } = [];

    /// <summary>Loopback hosts (with their port) that speak https; the others speak plain http.</summary>
    public IReadOnlyList<string> HttpsHosts { get; init; } = [];

    /// <summary>A PEM file of certificate authorities that are trusted besides the system's.</summary>
    public string? CaFile { get; init; }

    /// <summary>How much a registry may send, and how long it may take.</summary>
    public RegistryLimits Limits { get; init; } = new();
}

/// <summary>How much of a registry's content is read, and how long it may take. Beyond a limit the content is unread, never cut short in silence.</summary>
public sealed record RegistryLimits
{
    /// <summary>Bytes of a manifest or an index. The distribution specification asks registries to accept 4 MiB.</summary>
    public int ManifestBytes { get; init; } = 4 << 20;

    /// <summary>Bytes of one layer of evidence.</summary>
    public int EvidenceBytes { get; init; } = 16 << 20;

    /// <summary>Bytes of all layers of evidence on one digest.</summary>
    public int TotalEvidenceBytes { get; init; } = 64 << 20;

    /// <summary>Layers looked at in one manifest.</summary>
    public int LayersPerManifest { get; init; } = 128;

    /// <summary>Layers of evidence fetched for one digest.</summary>
    public int EvidenceLayers { get; init; } = 1024;

    /// <summary>Referrers looked at for one digest.</summary>
    public int Referrers { get; init; } = 256;

    /// <summary>Pages of a referrers list.</summary>
    public int Pages { get; init; } = 16;

    /// <summary>KiB of a response's headers.</summary>
    public int HeaderKibibytes { get; init; } = 32;

    /// <summary>Redirects followed for one request.</summary>
    public int Redirects { get; init; } = 5;

    /// <summary>Requests to one registry at the same time.</summary>
    public int ConcurrentRequests { get; init; } = 16;

    /// <summary>Within this time a whole response must have arrived.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Tries after the first that an answer of 429, 500, 502, 503 or 504 gets.</summary>
    public int Retries { get; init; } = 2;

    /// <summary>The longest wait before another try; a registry that asks for more is left alone until then.</summary>
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The longest time for which a registry that keeps answering 429 is left alone.</summary>
    public TimeSpan LongestCoolDown { get; init; } = TimeSpan.FromSeconds(60);
}
