using System.Text;
using System.Text.Json;
using Governance.Gates.Images;

namespace Governance.Gates.Clients.Registries;

/// <summary>Credentials for registries, from a Docker configuration file. They appear in no message.</summary>
/// <remarks>Credential helpers (<c>credsStore</c>, <c>credHelpers</c>) are programs of the user's and are not executed; where one would have been asked, the reason of a refusal says so.</remarks>
public sealed class DockerCredentials
{
    private const int LargestFile = 1 << 20;
    private const string Remedy = "write it as docker login does";
    private readonly Dictionary<string, Credential> auths;
    private readonly Dictionary<string, string> helpers;
    private readonly string? store;

    private DockerCredentials(Dictionary<string, Credential> auths, Dictionary<string, string> helpers, string? store)
    {
        this.auths = auths;
        this.helpers = helpers;
        this.store = store;
    }

    /// <summary>None: every registry is read anonymously.</summary>
    public static DockerCredentials Anonymous { get; } = new([], [], null);

    // A class, not a record: a record would print itself.
    internal sealed class Credential(string user, string password, string? identityToken)
    {
        public string User => user;

        public string Password => password;

        public string? IdentityToken => identityToken;

        public string Basic => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}"));
    }

    /// <summary>Reads a Docker configuration file.</summary>
    /// <param name="path">The file; where it is null, <c>config.json</c> in <c>$DOCKER_CONFIG</c>, or else in <c>~/.docker</c>, which need not exist.</param>
    /// <exception cref="GateException">The file cannot be read, or is malformed.</exception>
    public static DockerCredentials Load(string? path = null)
    {
        var file = path ?? Path.Combine(
            Environment.GetEnvironmentVariable("DOCKER_CONFIG") is { Length: > 0 } folder
                ? folder
                : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".docker"),
            "config.json");
        if (path is null && !File.Exists(file))
        {
            return Anonymous;
        }

        try
        {
            if (new FileInfo(file).Length > LargestFile)
            {
                throw new GateException($"Docker configuration {file} has more than {LargestFile} bytes", "name the right file");
            }

            return Parse(File.ReadAllBytes(file), file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new GateException($"Docker configuration {file} cannot be read: {e.GetType().Name}", "make the file readable, or leave it out to read registries anonymously", e);
        }
    }

    /// <summary>Reads the bytes of a Docker configuration, as a Kubernetes secret of type <c>kubernetes.io/dockerconfigjson</c> holds them.</summary>
    /// <param name="json">The bytes.</param>
    /// <param name="place">Where they come from, for errors.</param>
    /// <exception cref="GateException">They are malformed.</exception>
    public static DockerCredentials Parse(ReadOnlyMemory<byte> json, string place)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new() { AllowDuplicateProperties = false, MaxDepth = 16 });
            return Read(document.RootElement, place);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The cause is left out: it may quote the file.
            throw new GateException($"Docker configuration {place} is not JSON, or has a property twice", Remedy);
        }
    }

    /// <summary>The credential for a repository: that of the longest key which is its host, or its host and the beginning of its path.</summary>
    internal Credential? For(Repository repository)
    {
        var name = repository.ToString();
        while (!auths.ContainsKey(name) && name.LastIndexOf('/') is > 0 and var slash)
        {
            name = name[..slash];
        }

        return auths.GetValueOrDefault(name);
    }

    /// <summary>The helper that Docker would have asked for a host; null where there is none.</summary>
    internal string? HelperFor(string host) => helpers.GetValueOrDefault(host) ?? store;

    private static DockerCredentials Read(JsonElement root, string place)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw new GateException($"Docker configuration {place} is not a JSON object", Remedy);
        }

        var auths = new Dictionary<string, Credential>(StringComparer.Ordinal);
        foreach (var (key, value) in Members(root, "auths", place))
        {
            if (ReadCredential(value, $"{place}, auths, '{key}'") is { } credential)
            {
                auths[Normalised(key)] = credential;
            }
        }

        var helpers = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in Members(root, "credHelpers", place))
        {
            helpers[Normalised(key)] = value.ValueKind == JsonValueKind.String
                ? value.GetString()!
                : throw new GateException($"Docker configuration {place}, credHelpers, '{key}' is not a string", Remedy);
        }

        return new(auths, helpers, Text(root, "credsStore", place));
    }

    private static Credential? ReadCredential(JsonElement value, string place)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            throw new GateException($"Docker configuration {place} is not an object", Remedy);
        }

        var (user, password) = (Text(value, "username", place), Text(value, "password", place));
        var identityToken = Text(value, "identitytoken", place);
        if (Text(value, "auth", place) is { Length: > 0 } auth)
        {
            string pair;
            try
            {
                pair = new UTF8Encoding(false, true).GetString(Convert.FromBase64String(auth));
            }
            catch (Exception e) when (e is FormatException or DecoderFallbackException)
            {
                throw new GateException($"Docker configuration {place}, auth is not base64 of user:password", Remedy);
            }

            var colon = pair.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0)
            {
                throw new GateException($"Docker configuration {place}, auth is not base64 of user:password", Remedy);
            }

            (user, password) = (pair[..colon], pair[(colon + 1)..]);
        }

        if (string.IsNullOrEmpty(user) && string.IsNullOrEmpty(identityToken))
        {
            // Docker leaves {} behind where a helper keeps the secret.
            return string.IsNullOrEmpty(password) ? null : throw new GateException($"Docker configuration {place} has a password but no username", Remedy);
        }

        return new(user ?? "", password ?? "", string.IsNullOrEmpty(identityToken) ? null : identityToken);
    }

    private static IEnumerable<(string Key, JsonElement Value)> Members(JsonElement root, string name, string place) =>
        !root.TryGetProperty(name, out var map) || map.ValueKind == JsonValueKind.Null ? []
        : map.ValueKind == JsonValueKind.Object ? map.EnumerateObject().Select(one => (one.Name, one.Value))
        : throw new GateException($"Docker configuration {place}, {name} is not an object", Remedy);

    private static string? Text(JsonElement element, string name, string place) =>
        !element.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : throw new GateException($"Docker configuration {place}, {name} is not a string", Remedy);

    private static string Normalised(string key)
    {
        var name = key;
        foreach (var scheme in (ReadOnlySpan<string>)["https://", "http://"])
        {
            name = name.StartsWith(scheme, StringComparison.Ordinal) ? name[scheme.Length..] : name;
        }

        name = name.TrimEnd('/');
        foreach (var version in (ReadOnlySpan<string>)["/v1", "/v2"])
        {
            name = name.EndsWith(version, StringComparison.Ordinal) ? name[..^version.Length] : name;
        }

        return name is "index.docker.io" or "registry-1.docker.io" ? "docker.io" : name;
    }
}
