using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Clients.GitHub;
using Governance.Gates.Testing.GitHub;

namespace Governance.Gates.Tests.Clients.GitHub;

/// <summary>Who asks, and whom: tokens, Apps and addresses.</summary>
public sealed class GitHubAccessTests : IAsyncLifetime
{
    private static readonly GitHubCall Main = new("repos/example/trading/git/ref/heads%2Fmain", "read the branch main", "contents: read");
    private static readonly DateTimeOffset Start = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly ImpatientClock clock = new(Start);
    private LoopbackGitHub server = null!;

    public async ValueTask InitializeAsync()
    {
        server = await LoopbackGitHub.StartAsync();
        server.World.With("ann");
        server.World.Branches["main"] = new string('1', 40);
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();

    [Fact]
    public async Task An_app_asks_with_its_key_for_a_token_of_one_repository_and_uses_it_until_it_ends()
    {
        using var key = RSA.Create(2048);
        server.Script("access_tokens", context => LoopbackGitHub.WriteAsync(context, new JsonObject { ["token"] = "ghs_first", ["expires_at"] = (Start + TimeSpan.FromHours(1)).ToString("O") }));
        using var transport = Transport(new GitHubCredentials.App("12", key.ExportRSAPrivateKeyPem(), null));
        var api = new GitHubApi(transport);
        Assert.True((await api.GetAsync(Main, GitHubJson.Default.WireRef, default)).Try(out _, out _));
        Assert.True((await api.GetAsync(Main, GitHubJson.Default.WireRef, default)).Try(out _, out _));
        Assert.Equal(["GET /repos/example/trading/installation", "POST /app/installations/77/access_tokens", "GET /repos/example/trading/git/ref/heads%2Fmain", "GET /repos/example/trading/git/ref/heads%2Fmain"], server.Log);
        Assert.Equal("Bearer ghs_first", server.Headers.Last().Authorization.ToString());

        var jwt = server.Headers.First().Authorization.ToString()["Bearer ".Length..].Split('.');
        Assert.True(key.VerifyData(Encoding.ASCII.GetBytes($"{jwt[0]}.{jwt[1]}"), Base64Url.DecodeFromChars(jwt[2]), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(jwt[1])).RootElement;
        Assert.Equal(("12", Start.ToUnixTimeSeconds() - 60, Start.ToUnixTimeSeconds() + 540), (claims.GetProperty("iss").GetString(), claims.GetProperty("iat").GetInt64(), claims.GetProperty("exp").GetInt64()));

        await Task.Delay(TimeSpan.FromMinutes(59), clock, TestContext.Current.CancellationToken);
        Assert.True((await api.GetAsync(Main, GitHubJson.Default.WireRef, default)).Try(out _, out _));
        Assert.Equal("Bearer ghs_installation77", server.Headers.Last().Authorization.ToString());
    }

    [Fact]
    public async Task An_app_that_is_not_installed_is_told_with_githubs_words()
    {
        using var key = RSA.Create(2048);
        server.Script("installation", LoopbackGitHub.Refuse(404, "Not Found"));
        using var transport = Transport(new GitHubCredentials.App("12", key.ExportPkcs8PrivateKeyPem().Replace("\n", "\\n", StringComparison.Ordinal), null));
        var why = Unread(await new GitHubApi(transport).GetAsync(Main, GitHubJson.Default.WireRef, default), "could not find the App's installation on example/trading: GitHub answered 404 (Not Found)");
        Assert.Contains("installed on the repository", why.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task C29_an_enterprise_server_is_asked_below_its_own_path()
    {
        await using var enterprise = await LoopbackGitHub.StartAsync("/api/v3/");
        enterprise.World.Branches["main"] = new string('3', 40);
        var options = GitHubOptions.FromEnvironment(name => name == "GITHUB_API_URL" ? enterprise.Api.AbsoluteUri.TrimEnd('/') : null);
        Assert.Equal("/api/graphql", options.GraphQl.AbsolutePath);
        using var transport = new GitHubTransport(options, RepositoryName.TryParse("example/trading")!, clock);
        Assert.True((await new GitHubApi(transport).GetAsync(Main, GitHubJson.Default.WireRef, default)).Try(out _, out _));
        Assert.Equal("GET /api/v3/repos/example/trading/git/ref/heads%2Fmain", Assert.Single(enterprise.Log));
    }

    public static TheoryData<string, string, string> Variables => new()
    {
        { "GITHUB_API_URL", "http://github.example/api/v3", "GITHUB_API_URL is no https address" },
        { "GITHUB_API_URL", "https://user@github.example", "GITHUB_API_URL is no https address" },
        { "GITHUB_API_URL", "secret-text", "GITHUB_API_URL is no https address" },
        { "GITHUB_GRAPHQL_URL", "https://other.example/graphql", "GITHUB_GRAPHQL_URL is on other.example" },
        { "GITHUB_TOKEN", "secret-text\nX: y", "GITHUB_TOKEN is no token" },
        { "GATES_GITHUB_APP_ID", "secret-text", "only one is set" },
        { "GATES_GITHUB_APP_PRIVATE_KEY", "secret-text", "only one is set" },
    };

    [Theory, MemberData(nameof(Variables))]
    public void A_variable_that_cannot_be_meant_is_a_mistake_that_does_not_show_it(string name, string value, string told)
    {
        var mistake = Assert.Throws<GateException>(() => GitHubOptions.FromEnvironment(asked => asked == name ? value : null));
        Assert.Contains(told, mistake.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-text", mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_secret_is_not_told_with_the_options()
    {
        var options = new GitHubOptions { Credentials = new GitHubCredentials.App("12", "secret-text", 1) }.ToString() + new GitHubOptions { Credentials = new GitHubCredentials.Token("secret-text") };
        Assert.DoesNotContain("secret-text", options, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://api.github.com", "https://github.com")]
    [InlineData("https://ghes.example:8443/api/v3", "https://ghes.example:8443")]
    [InlineData("https://api.firm.ghe.com", "https://firm.ghe.com")]
    [InlineData("https://proxy.example/github", null)]
    public void The_address_of_an_API_tells_the_forge_that_it_is_of_or_nothing(string api, string? server) =>
        Assert.Equal(server, GitHubOptions.FromEnvironment(name => name == "GITHUB_API_URL" ? api : null).Server);

    private GitHubTransport Transport(GitHubCredentials credentials) =>
        new(new() { Api = server.Api, GraphQl = new(server.Api, "graphql"), Credentials = credentials, Limits = new() { Patience = TimeSpan.FromHours(2) } }, RepositoryName.TryParse("example/trading")!, clock);

    private static Reason Unread<T>(Reading<T> reading, string told)
    {
        var why = Assert.IsType<Reading<T>.Unread>(reading).Reason;
        Assert.Contains(told, why.Message, StringComparison.Ordinal);
        return why;
    }
}
