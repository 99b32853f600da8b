namespace Governance.Gates.Clients.GitHub;

/// <summary>How GitHub, or an instance of GitHub Enterprise Server, is reached.</summary>
public sealed record GitHubOptions
{
    /// <summary>Where the REST API is: <c>https://api.github.com/</c>, or <c>https://HOST/api/v3/</c>. Ends with a slash.</summary>
    public Uri Api { get; init; } = new("https://api.github.com/");

    /// <summary>The address of the forge whose API that is, such as <c>https://github.com</c>, without a slash at its end; null where the API's address does not tell it, as that of a proxy.</summary>
    public string? Server => Api switch
    {
        { Host: "api.github.com" } => "https://github.com",
        // GitHub Enterprise Server, and GitHub Enterprise Cloud with data residency.
        { AbsolutePath: "/api/v3/" } => Api.GetLeftPart(UriPartial.Authority),
        { Host: var host } when host.StartsWith("api.", StringComparison.Ordinal) && host.EndsWith(".ghe.com", StringComparison.Ordinal) => $"https://{host["api.".Length..]}",
        _ => null,
    };

    /// <summary>Where the GraphQL API is, on the same origin.</summary>
    public Uri GraphQl { get; init; } = new("https://api.github.com/graphql");

    /// <summary>Who asks.</summary>
    public GitHubCredentials Credentials { get; init; } = new GitHubCredentials.None();

    /// <summary>How much is read, and for how long.</summary>
    public GitHubLimits Limits { get; init; } = new();

    /// <summary>Reads what a workflow or a shell has set: <c>GITHUB_API_URL</c>, <c>GITHUB_GRAPHQL_URL</c>, and <c>GITHUB_TOKEN</c>, or an App by
    /// <c>GATES_GITHUB_APP_ID</c>, <c>GATES_GITHUB_APP_PRIVATE_KEY</c> (PEM) and, where it is not to be asked for, <c>GATES_GITHUB_APP_INSTALLATION_ID</c>.</summary>
    /// <param name="variable">Reads the environment; null or empty where a variable is not set.</param>
    /// <exception cref="GateException">A variable holds something that cannot be meant. Its value is not shown where it could be a secret.</exception>
    public static GitHubOptions FromEnvironment(Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        var api = Address("GITHUB_API_URL") ?? new("https://api.github.com/");
        // GitHub Enterprise Server has them side by side: /api/v3 and /api/graphql.
        var graphQl = Address("GITHUB_GRAPHQL_URL") ?? new(api, api.AbsolutePath == "/api/v3/" ? "/api/graphql" : "graphql");
        graphQl = new(graphQl.AbsoluteUri.TrimEnd('/'));
        return GitHubHttp.IsSameOrigin(api, graphQl)
            ? new() { Api = api, GraphQl = graphQl, Credentials = Read() }
            : throw new GateException($"GITHUB_GRAPHQL_URL is on {graphQl.Authority} and GITHUB_API_URL on {api.Authority}", "name one instance in both");

        Uri? Address(string name) => variable(name) is not { Length: > 0 } text ? null
            : Uri.TryCreate($"{text.TrimEnd('/')}/", UriKind.Absolute, out var uri) && uri is { UserInfo: "", Query: "", Fragment: "" } && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback)) ? uri
            : throw new GateException($"{name} is no https address", "name the API as GitHub sets it, such as https://HOST/api/v3");

        GitHubCredentials Read() => (variable("GATES_GITHUB_APP_ID"), variable("GATES_GITHUB_APP_PRIVATE_KEY"), variable("GITHUB_TOKEN")) switch
        {
            ({ Length: > 0 } id, { Length: > 0 } key, _) => new GitHubCredentials.App(id, key, Installation()),
            ({ Length: > 0 }, _, _) or (_, { Length: > 0 }, _) => throw new GateException("of GATES_GITHUB_APP_ID and GATES_GITHUB_APP_PRIVATE_KEY only one is set", "set both, or neither"),
            (_, _, { Length: > 0 } text) when text.Trim() is { Length: > 0 } token && token.All(c => c is > ' ' and <= '~') => new GitHubCredentials.Token(token),
            (_, _, { Length: > 0 }) => throw new GateException("GITHUB_TOKEN is no token", "set it to the token alone"),
            _ => new GitHubCredentials.None(),
        };

        long? Installation() => variable("GATES_GITHUB_APP_INSTALLATION_ID") is not { Length: > 0 } text ? null
            : long.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var id) ? id
            : throw new GateException("GATES_GITHUB_APP_INSTALLATION_ID is no whole number", "set it to the number in the installation's address, or leave it out");
    }
}

/// <summary>Who asks GitHub. What is secret in it is never shown.</summary>
public abstract record GitHubCredentials
{
    private GitHubCredentials()
    {
    }

    /// <summary>Nobody: only what is public can be read, sixty times an hour.</summary>
    public sealed record None : GitHubCredentials;

    /// <summary>A token, such as a workflow's own.</summary>
    public sealed record Token(string Value) : GitHubCredentials
    {
        /// <inheritdoc/>
        public override string ToString() => "token";
    }

    /// <summary>A GitHub App, by its id (or client id), its private key in PEM, and its installation; null asks which one the repository has.</summary>
    public sealed record App(string Id, string PrivateKey, long? Installation) : GitHubCredentials
    {
        /// <inheritdoc/>
        public override string ToString() => $"App {Id}";
    }
}

/// <summary>How much of GitHub's answers is read, and how long it may take. Beyond a limit the answer is unread, never cut short in silence.</summary>
public sealed record GitHubLimits
{
    /// <summary>Bytes of one response, decompressed.</summary>
    public int BodyBytes { get; init; } = 32 << 20;

    /// <summary>Bytes of responses that are kept, to be asked for again by their ETag.</summary>
    public int KeptBytes { get; init; } = 64 << 20;

    /// <summary>Requests that one connection makes.</summary>
    public int Requests { get; init; } = 5_000;

    /// <summary>For this long a connection asks, waits included.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Requests at the same time. GitHub allows 100 of one account.</summary>
    public int ConcurrentRequests { get; init; } = 8;

    /// <summary>Redirects followed for one request.</summary>
    public int Redirects { get; init; } = 3;

    /// <summary>Tries after the first.</summary>
    public int Retries { get; init; } = 4;

    /// <summary>The longest wait before another try; where GitHub asks for more, the answer is unread.</summary>
    public TimeSpan LongestWait { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>Within this time a whole response must have arrived.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(30);
}
