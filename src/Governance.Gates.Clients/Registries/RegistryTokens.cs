using System.Text;
using System.Text.Json;
using Governance.Gates.Images;

namespace Governance.Gates.Clients.Registries;

/// <summary>Holds and obtains what goes into <c>Authorization</c>, for each repository and kind of access.</summary>
/// <remarks>Token authentication of the distribution project: the registry names a realm, which makes a token for a scope.</remarks>
internal sealed class RegistryTokens(RegistryHttp http, RegistryAddress addresses, DockerCredentials credentials, TimeProvider time)
{
    private const int LargestResponse = 128 * 1024;
    private const int Remembered = 4096;
    private static readonly TimeSpan LongestLife = TimeSpan.FromHours(1);

    // A token that ends while its request is on the way would cost a round trip.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(5);

    // Guards entries. One task an entry: those who ask at the same time share one request.
    private readonly Lock holding = new();
    private readonly Dictionary<(Repository, string Actions), Task<Reading<Held>>> entries = [];

    private sealed record Held(string Authorization, DateTimeOffset Until);

    /// <summary>What is held for a repository; null where nothing is, or no longer.</summary>
    public string? Current(Repository repository, string actions)
    {
        lock (holding)
        {
            return entries.TryGetValue((repository, actions), out var entry) ? Valid(entry)?.Authorization : null;
        }
    }

    /// <summary>Meets a challenge.</summary>
    /// <param name="repository">What is asked for.</param>
    /// <param name="actions"><c>pull</c> or <c>pull,push</c>.</param>
    /// <param name="challenge">What the registry answered; null where it named nothing that we can meet.</param>
    /// <param name="registry">The registry's own address.</param>
    /// <param name="refused">The authorization that was just refused, where one was sent.</param>
    /// <param name="cancellation">Ends the wait, not the shared request.</param>
    public async Task<Reading<string>> ObtainAsync(
        Repository repository, string actions, AuthenticationChallenge? challenge, Uri registry, string? refused, CancellationToken cancellation)
    {
        Task<Reading<Held>> entry;
        lock (holding)
        {
            if (entries.TryGetValue((repository, actions), out var standing) && (!standing.IsCompleted || (Valid(standing) is { } valid && valid.Authorization != refused)))
            {
                entry = standing;
            }
            else
            {
                if (entries.Count >= Remembered)
                {
                    entries.Clear();
                }

                // The request has its own deadline; whoever began it may be cancelled while others wait for it.
                entry = RequestAsync(repository, actions, challenge, registry, refused);
                entries[(repository, actions)] = entry;
            }
        }

        return (await entry.WaitAsync(cancellation)).Try(out var held, out var why)
            ? new Reading<string>.Found(held.Authorization)
            : new Reading<string>.Unread(why);
    }

    /// <summary>Why a registry refused, and what to do.</summary>
    public Reason Refusal(Repository repository, string actions, string answer)
    {
        var doing = actions.Contains("push", StringComparison.Ordinal) ? "push to" : "pull from";
        return Readings.Reason(
            $"registry {repository.Host} {answer} to {doing} {repository.Path} {(credentials.For(repository) is null ? "without credentials" : "with the credentials of the Docker configuration")}",
            credentials.For(repository) is null && credentials.HelperFor(repository.Host) is { } helper
                ? $"the Docker configuration leaves its credentials to the helper '{helper}', which is not executed: write them under auths"
                : "check the repository's name and give credentials that may, in config.json of DOCKER_CONFIG or ~/.docker");
    }

    private Held? Valid(Task<Reading<Held>> entry) =>
        entry.IsCompletedSuccessfully && entry.GetAwaiter().GetResult().Try(out var held, out _) && held.Until > time.GetUtcNow() ? held : null;

    private async Task<Reading<Held>> RequestAsync(Repository repository, string actions, AuthenticationChallenge? challenge, Uri registry, string? refused)
    {
        // Never run the request while the caller holds the lock.
        await Task.Yield();
        var credential = credentials.For(repository);
        if (challenge is null)
        {
            return Unread(Refusal(repository, actions, "refused"));
        }

        if (challenge.Realm is null)
        {
            return credential is { User.Length: > 0 } && credential.Basic != refused
                ? new Reading<Held>.Found(new(credential.Basic, DateTimeOffset.MaxValue))
                : Unread(Refusal(repository, actions, "refused"));
        }

        if (addresses.RealmMistake(registry, challenge.Realm) is { } mistake)
        {
            return Unread(Readings.Reason($"registry {repository.Host} asks for a token from a realm that {mistake}", "configure the registry with an https realm"));
        }

        var (request, authorization) = TokenRequest(challenge, credential, $"repository:{repository.Path}:{actions}");
        if (!(await http.SendAsync(request, authorization, CancellationToken.None)).Try(out var answer, out var why))
        {
            return Unread(why);
        }

        if (!answer.Succeeded)
        {
            return Unread((int)answer.Status is 400 or 401 or 403
                ? Refusal(repository, actions, $"answered {(int)answer.Status} for a token")
                : Readings.Reason($"registry {repository.Host}: its token server {challenge.Realm.Authority} answered {(int)answer.Status}", "try again later"));
        }

        return Parse(answer.Body) is { } held
            ? new Reading<Held>.Found(held)
            : Unread(Readings.Reason($"registry {repository.Host}: its token server {challenge.Realm.Authority} answered with no usable token", "look at the token server"));
    }

    private static (RegistryRequest Request, string? Authorization) TokenRequest(AuthenticationChallenge challenge, DockerCredentials.Credential? credential, string scope)
    {
        var service = challenge.ServiceName is { } name ? "service=" + Uri.EscapeDataString(name) + "&" : "";
        if (credential?.IdentityToken is { } refresh)
        {
            var form = $"grant_type=refresh_token&{service}client_id=governance-gates&scope={Uri.EscapeDataString(scope)}&refresh_token={Uri.EscapeDataString(refresh)}";
            return (new(HttpMethod.Post, challenge.Realm!, LargestResponse) { Content = Encoding.ASCII.GetBytes(form), ContentType = "application/x-www-form-urlencoded" }, null);
        }

        var address = new UriBuilder(challenge.Realm!);
        address.Query = $"{(address.Query.Length > 1 ? address.Query[1..] + "&" : "")}{service}scope={Uri.EscapeDataString(scope)}";
        return (new(HttpMethod.Get, address.Uri, LargestResponse), credential?.Basic);
    }

    private Held? Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new() { MaxDepth = 8, AllowDuplicateProperties = false });
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || (Text(root, "token") ?? Text(root, "access_token")) is not { Length: > 0 } token || token.Any(c => c is <= ' ' or > '~'))
            {
                return null;
            }

            // "For compatibility with older clients, a token should never be returned with less than 60 seconds to live."
            var seconds = root.TryGetProperty("expires_in", out var expires) && expires.ValueKind == JsonValueKind.Number && expires.TryGetInt64(out var given) && given > 0 ? given : 60;
            var life = TimeSpan.FromSeconds(Math.Min(seconds, (long)LongestLife.TotalSeconds));
            return new("Bearer " + token, time.GetUtcNow() + (life > 2 * Margin ? life - Margin : life));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }

        static string? Text(JsonElement root, string name) => root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
    }

    private static Reading<Held>.Unread Unread(Reason why) => new(why);
}
