using System.Globalization;
using System.Text.Json;
using Governance.Gates.Clients.Kubernetes;

namespace Governance.Gates.Clients.GitHub;

/// <summary>What GitHub said to a question, once patience is at its end.</summary>
/// <param name="Status">The status; 304 is told as the 200 that it stands for.</param>
/// <param name="Body">The bytes.</param>
/// <param name="Next">The next page, on the API's own origin; null where this is the last.</param>
/// <param name="Needs">The permissions that would do, as GitHub names them (<c>X-Accepted-GitHub-Permissions</c>); null where it does not say.</param>
internal sealed record GitHubAnswer(int Status, ReadOnlyMemory<byte> Body, Uri? Next, string? Needs)
{
    /// <summary>Whether what was asked for is in the body.</summary>
    public bool Succeeded => Status is >= 200 and < 300;

    /// <summary>GitHub's own words, on one line; empty where there are none.</summary>
    public string Message
    {
        get
        {
            try
            {
                using var document = JsonDocument.Parse(Body);
                return document.RootElement is { ValueKind: JsonValueKind.Object } root && root.TryGetProperty("message", out var message) && message.ValueKind == JsonValueKind.String ? OneLine.Of(message.GetString()!) : "";
            }
            catch (Exception broken) when (broken is JsonException or InvalidOperationException)
            {
                return "";
            }
        }
    }
}

/// <summary>Sends requests with a token and with patience: no faster than GitHub asks, again where that may help, and without asking twice for what did not change.</summary>
/// <remarks>Rate limits as in GitHub REST API, "Best practices for using the REST API", "Handle rate limit errors appropriately". While GitHub asks to wait, every request waits.</remarks>
internal sealed class GitHubTransport : IDisposable
{
    private static readonly TimeSpan SecondaryPause = TimeSpan.FromMinutes(1);
    private readonly GitHubHttp http;
    private readonly GitHubTokens tokens;
    private readonly GitHubOptions options;
    private readonly TimeProvider time;
    private readonly SemaphoreSlim slots;
    private readonly DateTimeOffset begun;

    // Guards kept, keptBytes, pausedUntil and sent.
    private readonly Lock counting = new();
    private readonly Dictionary<Uri, (string Tag, ReadOnlyMemory<byte> Body, Uri? Next)> kept = [];
    private long keptBytes;
    private DateTimeOffset pausedUntil;
    private int sent;

    public GitHubTransport(GitHubOptions options, RepositoryName repository, TimeProvider time)
    {
        (this.options, this.time, begun) = (options, time, time.GetUtcNow());
        http = new(options);
        tokens = new(options, repository, time, (method, path, authorization, content, cancellation) => AuthorizedAsync(new(method, path, authorization) { Content = content }, mayRepeat: method == HttpMethod.Get, cancellation));
        slots = new(options.Limits.ConcurrentRequests);
    }

    /// <summary>Requests sent so far, repeated ones and those for tokens too.</summary>
    public int Sent
    {
        get
        {
            lock (counting)
            {
                return sent;
            }
        }
    }

    /// <summary>Host and port that are asked.</summary>
    public string Host => options.Api.Authority;

    /// <summary>Whether anybody asks.</summary>
    public bool IsAnonymous => options.Credentials is GitHubCredentials.None;

    /// <summary>The answer to a GET.</summary>
    /// <param name="uri">An address of the API.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task<Reading<GitHubAnswer>> GetAsync(Uri uri, CancellationToken cancellation) =>
        (await tokens.CurrentAsync(cancellation)).Try(out var authorization, out var why)
            ? await AuthorizedAsync(new(HttpMethod.Get, uri, authorization) { IfNoneMatch = TagOf(uri) }, mayRepeat: true, cancellation)
            : new Reading<GitHubAnswer>.Unread(why);

    /// <summary>The answer to a GraphQL query, which changes nothing.</summary>
    public async Task<Reading<GitHubAnswer>> QueryAsync(ReadOnlyMemory<byte> query, CancellationToken cancellation) =>
        (await tokens.CurrentAsync(cancellation)).Try(out var authorization, out var why)
            ? await AuthorizedAsync(new(HttpMethod.Post, options.GraphQl, authorization) { Content = query }, mayRepeat: true, cancellation)
            : new Reading<GitHubAnswer>.Unread(why);

    /// <summary>The answer to a request that changes something. Only a PATCH, which can be sent twice, is sent again where no whole answer comes.</summary>
    public async Task<Reading<GitHubAnswer>> SendAsync(HttpMethod method, Uri uri, ReadOnlyMemory<byte> content, CancellationToken cancellation) =>
        (await tokens.CurrentAsync(cancellation)).Try(out var authorization, out var why)
            ? await AuthorizedAsync(new(method, uri, authorization) { Content = content }, mayRepeat: method == HttpMethod.Patch, cancellation)
            : new Reading<GitHubAnswer>.Unread(why);

    /// <summary>An address of the API.</summary>
    /// <param name="path">Path and query below the API's base address, escaped, without a slash in front.</param>
    public Uri AddressOf(string path) => new(options.Api, path);

    public void Dispose()
    {
        http.Dispose();
        tokens.Dispose();
        slots.Dispose();
    }

    private async Task<Reading<GitHubAnswer>> AuthorizedAsync(GitHubRequest request, bool mayRepeat, CancellationToken cancellation)
    {
        await slots.WaitAsync(cancellation);
        try
        {
            for (var attempt = 0; ; attempt++)
            {
                await PauseAsync(cancellation);
                if (Count() > options.Limits.Requests)
                {
                    return Unread($"was asked {options.Limits.Requests} times, and no more is asked", "split the pull request");
                }

                if (time.GetUtcNow() - begun > options.Limits.Patience)
                {
                    return Unread($"did not answer everything within {options.Limits.Patience.TotalMinutes:0.###} min, and no more is asked", "try again later");
                }

                switch (await http.SendAsync(request, cancellation))
                {
                    case GitHubSent.Failed failed when failed.MayPass && mayRepeat && attempt < options.Limits.Retries:
                        await Task.Delay(Backoff(attempt), time, cancellation);
                        continue;
                    case GitHubSent.Failed failed:
                        return Unread(failed.What, failed.Remedy);
                    case GitHubSent.Answered(var response):
                        if (Throttle(response, attempt) is { } wait)
                        {
                            var until = time.GetUtcNow() + wait;
                            if (attempt >= options.Limits.Retries || wait > options.Limits.LongestWait)
                            {
                                return Unread($"asks to wait until {until.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}: its rate limit is used up ({response.Status})", IsAnonymous ? "set GITHUB_TOKEN, which allows more" : "try again after that, or give the gate a GitHub App of its own");
                            }

                            Pause(until);
                            continue;
                        }

                        if (response.Status is 500 or 502 or 503 or 504 && mayRepeat && attempt < options.Limits.Retries)
                        {
                            await Task.Delay(Backoff(attempt), time, cancellation);
                            continue;
                        }

                        return response.Status >= 500
                            ? Unread($"answered {response.Status.ToString(CultureInfo.InvariantCulture)}", "try again later; if it lasts, look at GitHub's status")
                            : Keep(request, response);
                    default:
                        throw new System.Diagnostics.UnreachableException();
                }
            }
        }
        finally
        {
            slots.Release();
        }
    }

    // How long GitHub asks to wait; null where it does not.
    private TimeSpan? Throttle(GitHubResponse response, int attempt)
    {
        if (response.Status is not (403 or 429))
        {
            return null;
        }

        var asked = response.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - time.GetUtcNow(),
            _ when response.Header("x-ratelimit-remaining") == "0" && long.TryParse(response.Header("x-ratelimit-reset"), NumberStyles.None, CultureInfo.InvariantCulture, out var reset) && reset < 253_402_300_800 =>
                DateTimeOffset.FromUnixTimeSeconds(reset) - time.GetUtcNow(),
            // "Otherwise, wait for at least one minute before retrying", and longer each time.
            _ when response.Status == 429 || new GitHubAnswer(403, response.Body, null, null).Message.Contains("rate limit", StringComparison.OrdinalIgnoreCase) => SecondaryPause * (1 << attempt),
            _ => default(TimeSpan?),
        };
        return asked is { } wait && wait < TimeSpan.FromSeconds(1) ? TimeSpan.FromSeconds(1) : asked;
    }

    private Reading<GitHubAnswer> Keep(GitHubRequest request, GitHubResponse response)
    {
        if (response.Status == 304)
        {
            lock (counting)
            {
                return kept.TryGetValue(request.Uri, out var known)
                    ? new Reading<GitHubAnswer>.Found(new(200, known.Body, known.Next, null))
                    : Unread("says that something did not change that was not asked for before (304)", "look at the proxy before it");
            }
        }

        Uri? next = null;
        if (LinkHeader.Next(response.Header("Link")) is { } link && (!Uri.TryCreate(request.Uri, link, out next) || !http.IsOfApi(next)))
        {
            return Unread("has its next page on an address that is not its own, which is not asked", "check GITHUB_API_URL and the proxy before it");
        }

        if (request.Method == HttpMethod.Get && response.Status == 200 && response.Header("ETag") is { Length: > 0 and <= 512 } tag)
        {
            lock (counting)
            {
                if (keptBytes + response.Body.Length <= options.Limits.KeptBytes && kept.TryAdd(request.Uri, (tag, response.Body, next)))
                {
                    keptBytes += response.Body.Length;
                }
                else if (kept.TryGetValue(request.Uri, out var old) && keptBytes - old.Body.Length + response.Body.Length <= options.Limits.KeptBytes)
                {
                    kept[request.Uri] = (tag, response.Body, next);
                    keptBytes += response.Body.Length - old.Body.Length;
                }
            }
        }

        return new Reading<GitHubAnswer>.Found(new(response.Status, response.Body, next, response.Header("X-Accepted-GitHub-Permissions")));
    }

    private string? TagOf(Uri uri)
    {
        lock (counting)
        {
            return kept.TryGetValue(uri, out var known) ? known.Tag : null;
        }
    }

    private int Count()
    {
        lock (counting)
        {
            return ++sent;
        }
    }

    private void Pause(DateTimeOffset until)
    {
        lock (counting)
        {
            pausedUntil = until > pausedUntil ? until : pausedUntil;
        }
    }

    private async Task PauseAsync(CancellationToken cancellation)
    {
        while (true)
        {
            TimeSpan left;
            lock (counting)
            {
                left = pausedUntil - time.GetUtcNow();
            }

            if (left <= TimeSpan.Zero)
            {
                return;
            }

            await Task.Delay(left, time, cancellation);
        }
    }

    private static TimeSpan Backoff(int attempt) => TimeSpan.FromSeconds(1 << attempt);

    private Reading<GitHubAnswer>.Unread Unread(string what, string remedy) => new(new("github", $"GitHub at {Host} {what}", remedy));
}
