using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Governance.Gates.Clients.Kubernetes;

namespace Governance.Gates.Clients.GitHub;

/// <summary>Sends a request for a token.</summary>
internal delegate Task<Reading<GitHubAnswer>> SendForToken(HttpMethod method, Uri address, string authorization, ReadOnlyMemory<byte>? content, CancellationToken cancellation);

/// <summary>Gives the value of <c>Authorization</c>: a token from outside, or an installation's, which the App's key asks for and which lasts an hour.</summary>
/// <remarks>GitHub documentation, "Generating a JSON Web Token (JWT) for a GitHub App" and "Authenticating as a GitHub App installation".</remarks>
internal sealed class GitHubTokens(GitHubOptions options, RepositoryName repository, TimeProvider time, SendForToken send) : IDisposable
{
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(1);
    private readonly SemaphoreSlim asking = new(1);
    private (string Authorization, DateTimeOffset Until)? installation;

    /// <summary>What to send; null where nobody asks.</summary>
    public async ValueTask<Reading<string?>> CurrentAsync(CancellationToken cancellation)
    {
        switch (options.Credentials)
        {
            case GitHubCredentials.Token(var value):
                return new Reading<string?>.Found($"Bearer {value}");
            case GitHubCredentials.App app:
                await asking.WaitAsync(cancellation);
                try
                {
                    return installation is { } held && held.Until > time.GetUtcNow() ? new Reading<string?>.Found(held.Authorization) : await ObtainAsync(app, cancellation);
                }
                finally
                {
                    asking.Release();
                }

            default:
                return new Reading<string?>.Found(null);
        }
    }

    public void Dispose() => asking.Dispose();

    /// <summary>A JSON Web Token by which the App says who it is, for nine minutes (RFC 7519, RS256 of RFC 7518).</summary>
    internal static string Jwt(GitHubCredentials.App app, DateTimeOffset now)
    {
        try
        {
            using var key = RSA.Create();
            // A variable of a workflow often has its line ends written out.
            key.ImportFromPem(app.PrivateKey.Replace("\\n", "\n", StringComparison.Ordinal));
            var body = new MemoryStream();
            using (var json = new Utf8JsonWriter(body))
            {
                json.WriteStartObject();
                json.WriteNumber("iat", (now - Skew).ToUnixTimeSeconds());
                json.WriteNumber("exp", (now + TimeSpan.FromMinutes(9)).ToUnixTimeSeconds());
                json.WriteString("iss", app.Id);
                json.WriteEndObject();
            }

            var signed = $"{Base64Url.EncodeToString("""{"alg":"RS256","typ":"JWT"}"""u8)}.{Base64Url.EncodeToString(body.ToArray())}";
            return $"{signed}.{Base64Url.EncodeToString(key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}";
        }
        catch (Exception broken) when (broken is CryptographicException or ArgumentException)
        {
            throw new GateException("GATES_GITHUB_APP_PRIVATE_KEY is no RSA private key", "set it to the PEM file that GitHub gave for the App, unencrypted", broken);
        }
    }

    private async Task<Reading<string?>> ObtainAsync(GitHubCredentials.App app, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        var bearer = $"Bearer {Jwt(app, now)}";
        if (app.Installation is not { } id)
        {
            var asked = await send(HttpMethod.Get, new(options.Api, $"repos/{repository}/installation"), bearer, null, cancellation);
            if (!Read(asked, GitHubJson.Default.WireInstallation, "find the App's installation").Try(out var found, out var unread))
            {
                return new Reading<string?>.Unread(unread);
            }

            id = found.Id;
        }

        // For this one repository only: what else the App may read is none of this run's business.
        var content = JsonSerializer.SerializeToUtf8Bytes(new WireTokenRequest([repository.Name]), GitHubJson.Default.WireTokenRequest);
        var answer = await send(HttpMethod.Post, new(options.Api, $"app/installations/{id.ToString(CultureInfo.InvariantCulture)}/access_tokens"), bearer, content, cancellation);
        if (!Read(answer, GitHubJson.Default.WireToken, "get a token for the App's installation").Try(out var token, out var why))
        {
            return new Reading<string?>.Unread(why);
        }

        installation = ($"Bearer {token.Token}", token.ExpiresAt - 2 * Skew);
        return new Reading<string?>.Found(installation.Value.Authorization);
    }

    private Reading<T> Read<T>(Reading<GitHubAnswer> reading, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, string what)
    {
        if (!reading.Try(out var answer, out var why))
        {
            return new Reading<T>.Unread(why);
        }

        if (!answer.Succeeded)
        {
            return new Reading<T>.Unread(new("github", $"could not {what} on {repository}: GitHub answered {answer.Status.ToString(CultureInfo.InvariantCulture)} ({OneLine.Of(answer.Message)})", "check the App's id and key, and that it is installed on the repository"));
        }

        return GitHubApi.Parse(answer.Body, type) is { } value
            ? new Reading<T>.Found(value)
            : new Reading<T>.Unread(new("github", $"could not {what} on {repository}: the answer is not as GitHub's are", "check GITHUB_API_URL"));
    }
}
