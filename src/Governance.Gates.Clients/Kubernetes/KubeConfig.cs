using System.Text;
using System.Text.Json;

namespace Governance.Gates.Clients.Kubernetes;

/// <summary>Where to look for a cluster, as kubectl does: the values of the edge's flags and environment.</summary>
/// <param name="Flag">The value of <c>--kubeconfig</c>.</param>
/// <param name="Variable">The value of <c>KUBECONFIG</c>: paths, split as <c>PATH</c> is.</param>
/// <param name="Home">The user's folder, in which <c>.kube/config</c> may stand.</param>
/// <param name="Context">The context to use; null is the file's <c>current-context</c>.</param>
/// <param name="Pod">What a pod finds around itself; null outside a cluster.</param>
public sealed record KubeConfigSearch(string? Flag, string? Variable, string? Home, string? Context = null, InCluster? Pod = null)
{
    /// <summary>The search that this process's environment asks for.</summary>
    public static KubeConfigSearch FromEnvironment(string? kubeconfig, string? context) => new(
        kubeconfig,
        Environment.GetEnvironmentVariable("KUBECONFIG"),
        Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) is { Length: > 0 } home ? home : null,
        context,
        Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST") is { Length: > 0 } host && Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_PORT") is { Length: > 0 } port
            ? new(host, port, "/var/run/secrets/kubernetes.io/serviceaccount")
            : null);
}

/// <summary>What Kubernetes puts around a pod.</summary>
/// <param name="Host"><c>KUBERNETES_SERVICE_HOST</c>.</param>
/// <param name="Port"><c>KUBERNETES_SERVICE_PORT</c>.</param>
/// <param name="Folder">The folder of the service account: <c>token</c> and <c>ca.crt</c>.</param>
public sealed record InCluster(string Host, string Port, string Folder);

/// <summary>Finds out how to reach a cluster: <c>--kubeconfig</c>, then <c>KUBECONFIG</c>, then <c>~/.kube/config</c>, then the pod's service account.</summary>
public static class KubeConfig
{
    private const int MaxFileBytes = 1 << 20;

    /// <summary>The access that the search leads to. Files that it names are read now, except a token file, which is read with each request.</summary>
    /// <exception cref="GateException">Nothing was found, or what was found cannot be used; the message names the file and the key.</exception>
    public static ClusterAccess Find(KubeConfigSearch search)
    {
        if (search.Flag is { Length: > 0 } flag)
        {
            return Read(flag, search.Context, note: null);
        }

        string[] listed = search.Variable?.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries) ?? [];
        if (listed is not [])
        {
            var first = Array.Find(listed, File.Exists)
                ?? throw new GateException($"KUBECONFIG names '{OneLine.Of(search.Variable!)}', where no file is", "correct KUBECONFIG, or name a file with --kubeconfig");
            return Read(first, search.Context, listed.Length > 1 ? $"KUBECONFIG names {listed.Length} files; only {OneLine.Of(first)} is read, nothing is merged" : null);
        }

        if (search.Home is { Length: > 0 } home && Path.Combine(home, ".kube", "config") is var usual && File.Exists(usual))
        {
            return Read(usual, search.Context, note: null);
        }

        return search.Pod is { } pod
            ? FromServiceAccount(pod)
            : throw new GateException("no cluster is configured: there is no --kubeconfig, no KUBECONFIG and no ~/.kube/config, and this is not a pod", "name a file with --kubeconfig");
    }

    private static ClusterAccess FromServiceAccount(InCluster pod)
    {
        var host = pod.Host.Contains(':', StringComparison.Ordinal) ? $"[{pod.Host}]" : pod.Host;
        if (!Uri.TryCreate($"https://{host}:{pod.Port}", UriKind.Absolute, out var server))
        {
            throw new GateException($"KUBERNETES_SERVICE_HOST '{OneLine.Of(pod.Host)}' and KUBERNETES_SERVICE_PORT '{OneLine.Of(pod.Port)}' make no address", "run in a pod, or name a file with --kubeconfig");
        }

        var token = Path.Combine(pod.Folder, "token");
        if (!File.Exists(token))
        {
            throw new GateException($"'{OneLine.Of(token)}' is not there", "let the pod mount its service account's token (automountServiceAccountToken), or name a file with --kubeconfig");
        }

        var authority = Path.Combine(pod.Folder, "ca.crt");
        return new(server, "the pod's service account")
        {
            Authorities = Pem.Certificates(ReadFile(authority, authority), authority),
            TokenFile = token,
        };
    }

    private static ClusterAccess Read(string path, string? context, string? note)
    {
        var name = OneLine.Of(path);
        var text = ReadFile(path, name);
        var documents = YamlDocuments.Read(text, name).Take(2).ToList();
        if (documents is not [var only])
        {
            throw new GateException($"{name} holds {(documents is [] ? "nothing" : "several documents")}", "write one kubeconfig in it");
        }

        using var json = JsonDocument.Parse(only.Json);
        var root = new KubeConfigNode(json.RootElement, name);
        var wanted = context ?? root.Text("current-context")
            ?? throw new GateException($"{name} has no current-context", "choose one with 'kubectl config use-context', or with --context");
        var chosen = root.Named("contexts", wanted, "context");
        var cluster = root.Named("clusters", chosen.Required("cluster"), "cluster");
        var user = chosen.Text("user") is { } userName ? root.Named("users", userName, "user") : null;

        RefuseUnsupported(cluster, user);

        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var (authorities, _) = Material(cluster, "certificate-authority", folder);
        var access = new ClusterAccess(Server(cluster), $"context {OneLine.Of(wanted)} of {name}")
        {
            Note = note,
            Authorities = authorities is null ? [] : Pem.Certificates(authorities, cluster.At("certificate-authority")),
        };
        return user is null ? access : WithCredentials(access, user, folder);
    }

    private static Uri Server(KubeConfigNode cluster)
    {
        var server = cluster.Required("server");
        return Uri.TryCreate(server, UriKind.Absolute, out var uri) && uri.Scheme == Uri.UriSchemeHttps && uri is { UserInfo: "", Query: "", Fragment: "" }
            ? uri
            : throw new GateException($"{cluster.At("server")} is not an https address", "write https://HOST:PORT, without user, query or fragment");
    }

    private static void RefuseUnsupported(KubeConfigNode cluster, KubeConfigNode? user)
    {
        Refuse(cluster, "insecure-skip-tls-verify", "switches off the check of the server's certificate", "remove it and give the cluster's certificate-authority-data");
        Refuse(cluster, "tls-server-name", "is not supported", "use a server address whose name stands in the server's certificate");
        Refuse(cluster, "proxy-url", "is not supported", "set the environment variable HTTPS_PROXY");
        if (user is null)
        {
            return;
        }

        Refuse(user, "exec", "asks to run a program for credentials, which gates do not do", "use a token, for instance from 'kubectl create token', or a client certificate");
        Refuse(user, "auth-provider", "asks for a plug-in, which gates do not run", "use a token, for instance from 'kubectl create token', or a client certificate");
        Refuse(user, "username", "asks for basic authentication, which Kubernetes dropped", "use a token or a client certificate");
        Refuse(user, "password", "asks for basic authentication, which Kubernetes dropped", "use a token or a client certificate");
        // To ignore an impersonation would read with more rights than the user asked for.
        foreach (var key in (string[])["as", "as-uid", "as-groups", "as-user-extra"])
        {
            Refuse(user, key, "asks for impersonation, which is not supported", "use credentials of the account itself");
        }
    }

    private static void Refuse(KubeConfigNode node, string key, string why, string remedy)
    {
        if (node.Has(key))
        {
            throw new GateException($"{node.At(key)} {why}", remedy);
        }
    }

    private static ClusterAccess WithCredentials(ClusterAccess access, KubeConfigNode user, string folder)
    {
        var (certificate, certificateAt) = Material(user, "client-certificate", folder);
        var (key, keyAt) = Material(user, "client-key", folder);
        if (certificate is null != key is null)
        {
            throw new GateException($"{user.At(certificate is null ? "client-certificate" : "client-key")} is missing", "give client-certificate and client-key together");
        }

        // A file goes before a fixed token, as in client-go: the file is what gets renewed.
        var tokenFile = user.Text("tokenFile") is { } path ? Path.GetFullPath(path, folder) : null;
        var token = tokenFile is null ? user.Text("token") : null;
        if (token is not null && !ClusterAccess.IsToken(token))
        {
            throw new GateException($"{user.At("token")} holds characters that no token has", "copy the token again, without spaces or line ends");
        }

        return access with
        {
            ClientCertificate = certificate is null ? null : Pem.ClientCertificate(certificate, key!, certificateAt, keyAt),
            Token = token,
            TokenFile = tokenFile,
        };
    }

    // "-data goes before the file" is client-go's rule.
    private static (string? Text, string At) Material(KubeConfigNode node, string key, string folder)
    {
        if (node.Text(key + "-data") is { } data)
        {
            var at = node.At(key + "-data");
            try
            {
                return (Encoding.UTF8.GetString(Convert.FromBase64String(data)), at);
            }
            catch (FormatException broken)
            {
                throw new GateException($"{at} is not base64", "encode the PEM file with base64", broken);
            }
        }

        return node.Text(key) is { } path ? (ReadFile(Path.GetFullPath(path, folder), node.At(key)), node.At(key)) : (null, node.At(key));
    }

    private static string ReadFile(string path, string at)
    {
        var name = OneLine.Of(path);
        var where = at == name ? name : $"{at}: '{name}'";
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            var buffer = new byte[MaxFileBytes + 1];
            var length = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            return length <= MaxFileBytes
                ? Encoding.UTF8.GetString(buffer.AsSpan(0, length))
                : throw new GateException($"{where} has more than {MaxFileBytes >> 20} MiB", "name the right file");
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new GateException($"{where} cannot be read: {OneLine.Of(cause.Message)}", "check its name and its permissions", cause);
        }
    }
}
