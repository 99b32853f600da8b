namespace Governance.Gates.Testing.Processes;

/// <summary>A Sigstore instance on a free port of 127.0.0.1: sigstore's own stand-ins for Fulcio and the timestamp authority, and both versions of Rekor, as <c>tests/peers/sigstore-js/instance.mjs</c> serves them.</summary>
public sealed class SigstoreServers : IAsyncDisposable
{
    /// <summary>Whose token it is.</summary>
    public const string Identity = "https://github.com/acme/models/.github/workflows/release.yml@refs/heads/main";

    /// <summary>Who made the token.</summary>
    public const string Issuer = "https://token.actions.githubusercontent.com";

    private readonly TemporaryFolder folder;
    private readonly ChildProcess process;

    private SigstoreServers(TemporaryFolder folder, ChildProcess process, int port) => (this.folder, this.process, Address) = (folder, process, $"http://127.0.0.1:{port}");

    /// <summary>Fulcio's and Rekor's address.</summary>
    public string Address { get; }

    /// <summary>The timestamp authority's.</summary>
    public string Tsa => $"{Address}/api/v1/timestamp";

    /// <summary>The trusted root's file.</summary>
    public string Root => folder.PathOf("trusted_root.json");

    /// <summary>A file with an identity token.</summary>
    public string Token => folder.PathOf("token.jwt");

    /// <summary>What cosign takes for its trust where it signs.</summary>
    public IReadOnlyDictionary<string, string?> CosignTrust => new Dictionary<string, string?>
    {
        ["SIGSTORE_ROOT_FILE"] = folder.PathOf("fulcio-root.pem"),
        ["SIGSTORE_CT_LOG_PUBLIC_KEY_FILE"] = folder.PathOf("ctfe.pub"),
        ["SIGSTORE_REKOR_PUBLIC_KEY"] = folder.PathOf("rekor.pub"),
        ["SIGSTORE_TSA_CERTIFICATE_FILE"] = folder.PathOf("tsa-chain.pem"),
    };

    /// <summary>Starts it and waits until it listens.</summary>
    public static async Task<SigstoreServers> StartAsync(CancellationToken cancellation = default)
    {
        var folder = new TemporaryFolder();
        var port = FreePort.Next();
        var process = ChildProcess.Start(Peers.Node.Require(), [Script("instance.mjs"), Peers.SigstoreInstance.Require(), folder.Path, $"{port}"]);
        var instance = new SigstoreServers(folder, process, port);
        try
        {
            await process.WaitForLineAsync(line => line == "ready", TimeSpan.FromSeconds(60), cancellation);
            return instance;
        }
        catch
        {
            await instance.DisposeAsync();
            throw;
        }
    }

    /// <summary>What sigstore-js says of a bundle for <see cref="Identity"/>.</summary>
    /// <param name="bundle">The bundle's file.</param>
    /// <param name="artifact">The artifact's file; null where the bundle holds a statement.</param>
    /// <param name="identity">Another identity.</param>
    /// <param name="isStamped">Whether a timestamp must be there.</param>
    public Task<Command> VerifyWithSigstoreJsAsync(string bundle, string? artifact, string identity = Identity, bool isStamped = false) =>
        Command.RunAsync(Peers.Node.Require(), [Script("keyless.mjs"), Peers.SigstoreInstance.Require(), "verify", Root, identity, bundle, .. artifact is null ? (string[])[] : [artifact], .. isStamped ? (string[])["--timestamps"] : []]);

    /// <summary>Signs a file with sigstore-js.</summary>
    public async Task SignWithSigstoreJsAsync(string artifact, string bundle) =>
        (await Command.RunAsync(Peers.Node.Require(), [Script("keyless.mjs"), Peers.SigstoreInstance.Require(), "sign", Address, Token, artifact, bundle])).Succeeded();

    /// <summary>Ends it.</summary>
    public async ValueTask DisposeAsync()
    {
        await process.DisposeAsync();
        folder.Dispose();
    }

    private static string Script(string name) => Path.Combine(ProjectTree.Root, "tests", "peers", "sigstore-js", name);
}
