using System.Net;
using Governance.Gates.Images;

namespace Governance.Gates.Webhook;

/// <summary>How the webhook runs. Everything that decides stands in the policy, not here.</summary>
internal sealed record WebhookOptions
{
    /// <summary>The policy file.</summary>
    public required string Policy { get; init; }

    /// <summary>The server certificate, PEM, followed by its chain.</summary>
    public required string Certificate { get; init; }

    /// <summary>Its private key, PEM.</summary>
    public required string Key { get; init; }

    /// <summary>Where to listen.</summary>
    public required IPEndPoint Listen { get; init; }

    /// <summary>Certificate authorities of the API server's client certificate, PEM; null: whoever reaches the port may ask.</summary>
    public string? ClientCa { get; init; }

    /// <summary>UID of this cluster's <c>kube-system</c> namespace; null where no rule asks for it.</summary>
    public string? ClusterUid { get; init; }

    /// <summary>The folder in which the gate remembers what it admitted and which policy it accepted; null where nothing must be remembered.</summary>
    public string? State { get; init; }

    /// <summary>The folder of the ledger; null where none is kept.</summary>
    public string? Ledger { get; init; }

    /// <summary>The name of the log: a folder without a key gets one under it; null: a key must be there.</summary>
    public string? LedgerOrigin { get; init; }

    /// <summary>Where entries go that the ledger cannot take although a mode lets the request through; null where nobody keeps them.</summary>
    public string? LedgerSpool { get; init; }

    /// <summary>The folder in which the ledger's checkpoints are published; null where nowhere.</summary>
    public string? LedgerCheckpoints { get; init; }

    /// <summary>The digest of the first policy that this gate follows; null: the first that it finds.</summary>
    public Digest? PolicyRoot { get; init; }

    /// <summary>An OCI image layout that stands in for every registry; null for the registries themselves.</summary>
    public string? Layout { get; init; }

    /// <summary>Certificate authorities of registries, PEM, besides the system's.</summary>
    public string? RegistryCa { get; init; }

    /// <summary>Registry hosts that speak plain http although they are not loopback.</summary>
    public IReadOnlyList<string> PlainHttp { get; init; } = [];

    /// <summary>How often the policy and the certificate are looked at.</summary>
    public TimeSpan ReloadEvery { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long the webhook goes on listening, unready, after it was told to stop, so that it leaves the Service's endpoints first.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.Zero;
}
