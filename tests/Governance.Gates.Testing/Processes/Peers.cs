namespace Governance.Gates.Testing.Processes;

/// <summary>A program of others that tests run against.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Path">Where it is; null when it is not installed.</param>
public sealed record Peer(string Name, string? Path)
{
    /// <summary>Whether it can be started.</summary>
    public bool IsInstalled => Path is not null;

    /// <summary>Why a test that needs it is skipped.</summary>
    public string WhyNot => $"{Name} is not installed; run tests/prepare.sh";

    /// <summary>The path of a peer that must be there.</summary>
    /// <exception cref="InvalidOperationException">It is not installed.</exception>
    public string Require() => Path ?? throw new InvalidOperationException(WhyNot);
}

/// <summary>Where the real programs that tests run against are: the folders that <c>tests/prepare.sh</c> fills, then PATH.</summary>
public static class Peers
{
    /// <summary>cosign: the one in the cache first, as another version writes other forms.</summary>
    public static Peer Cosign { get; } = Find("cosign", Cache("peers"));

    /// <summary>oras.</summary>
    public static Peer Oras { get; } = Find("oras", Cache("peers"));

    /// <summary>Go's checks of transparency logs, golang.org/x/mod/sumdb, as <c>tests/peers/gotlog</c> calls them.</summary>
    public static Peer GoTlog { get; } = In("gotlog", Cache("peers"));

    /// <summary>The folder of npm packages with sigstore's verifier, which <c>tests/peers/sigstore-js</c> calls.</summary>
    public static Peer SigstoreJs { get; } = new("sigstore-js", Existing(Cache("peers/sigstore-js"), "version") is null ? null : Cache("peers/sigstore-js/node_modules"));

    /// <summary>The folder of npm packages with sigstore's client and its stand-ins for a Sigstore instance, which <c>tests/peers/sigstore-js</c> calls.</summary>
    public static Peer SigstoreInstance { get; } = new("sigstore-instance", Existing(Cache("peers/sigstore-instance"), "version") is null ? null : Cache("peers/sigstore-instance/node_modules"));

    /// <summary>The folder of npm packages with two readers of CODEOWNERS, which <c>tests/peers/codeowners-js</c> times.</summary>
    public static Peer CodeownersJs { get; } = new("codeowners-js", Existing(Cache("peers/codeowners-js"), "version") is null ? null : Cache("peers/codeowners-js/node_modules"));

    /// <summary>The .NET SDK.</summary>
    public static Peer Dotnet { get; } = Find("dotnet", Environment.GetEnvironmentVariable("DOTNET_ROOT"));

    /// <summary>The folder of npm packages with GitHub's descriptions of its API and events, and with prism and graphql, which hold requests and answers against them.</summary>
    public static Peer GitHubJs { get; } = new("github-js", Existing(Cache("peers/github-js"), "version") is null ? null : Cache("peers/github-js/node_modules"));

    /// <summary>GitHub's description of the REST API of GitHub Enterprise Server.</summary>
    public static Peer GitHubServer { get; } = new("github-server", Existing(Cache("peers/github-server"), "version") is null ? null : Cache("peers/github-server"));

    /// <summary>The program that checks workflows, actions and Dockerfiles with what others wrote: <c>tests/peers/actions-js/check.mjs</c>, for <see cref="Node"/>.</summary>
    public static Peer ActionsJs { get; } = new("actions-js", Existing(Cache("peers/actions-js"), "check.bundle.mjs"));

    /// <summary>node.</summary>
    public static Peer Node { get; } = Find("node");

    /// <summary>git.</summary>
    public static Peer Git { get; } = Find("git");

    /// <summary>GnuPG.</summary>
    public static Peer Gpg { get; } = Find("gpg");

    /// <summary>GnuPG's verifier of signatures.</summary>
    public static Peer Gpgv { get; } = Find("gpgv");

    /// <summary>ssh-keygen.</summary>
    public static Peer SshKeygen { get; } = Find("ssh-keygen");

    /// <summary>openssl.</summary>
    public static Peer OpenSsl { get; } = Find("openssl");

    /// <summary>kubectl.</summary>
    public static Peer Kubectl { get; } = Find("kubectl", Assets);

    /// <summary>The registry server of the distribution project, as Debian names it.</summary>
    public static Peer DockerRegistry { get; } = Find("docker-registry");

    /// <summary>The key-value store under the API server.</summary>
    public static Peer Etcd { get; } = Assets is null ? Find("etcd") : In("etcd", Assets);

    /// <summary>The API server.</summary>
    public static Peer ApiServer { get; } = In("kube-apiserver", Assets ?? Cache("cluster"));

    /// <summary>The controller manager.</summary>
    public static Peer ControllerManager { get; } = In("kube-controller-manager", Assets ?? Cache("cluster"));

    /// <summary>The first of these that is missing, in words; null when all are there.</summary>
    public static string? WhyNot(params ReadOnlySpan<Peer> peers)
    {
        foreach (var peer in peers)
        {
            if (!peer.IsInstalled)
            {
                return peer.WhyNot;
            }
        }

        return null;
    }

    private static string? Assets => Environment.GetEnvironmentVariable("KUBEBUILDER_ASSETS") is { Length: > 0 } folder ? folder : null;

    private static string Cache(string folder)
    {
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } set
            ? set
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        return Path.Combine(cache, "governance-gates", folder);
    }

    private static Peer In(string name, string folder) => new(name, Existing(folder, name));

    private static Peer Find(string name, string? first = null)
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        return new(name, folders.Prepend(first ?? "").Select(folder => Existing(folder, name)).FirstOrDefault(path => path is not null));
    }

    private static string? Existing(string folder, string name)
    {
        var path = Path.Combine(folder, name);
        return folder.Length > 0 && File.Exists(path) ? path : null;
    }
}
