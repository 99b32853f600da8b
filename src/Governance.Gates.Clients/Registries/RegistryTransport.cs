using System.Net.Http.Headers;
using Governance.Gates.Images;

namespace Governance.Gates.Clients.Registries;

/// <summary>Sends requests to registries with what they ask for: credentials, patience, and no more than they can bear.</summary>
internal sealed class RegistryTransport : IDisposable
{
    private readonly HttpMessageInvoker client;
    private readonly RegistryHttp http;
    private readonly RegistryTokens tokens;
    private readonly HostBudgets budgets;
    private readonly RegistryAddress addresses;
    private readonly RegistryLimits limits;
    private readonly TimeProvider time;

    public RegistryTransport(RegistryOptions options, DockerCredentials credentials, TimeProvider time)
    {
        (limits, this.time) = (options.Limits, time);
        addresses = new(options);
        client = RegistryConnections.Open(options);
        http = new(client, addresses, limits, time);
        tokens = new(http, addresses, credentials, time);
        budgets = new(limits, time);
    }

    /// <summary>Scheme and authority of a registry.</summary>
    public Uri AddressOf(Repository repository) => addresses.For(repository);

    /// <summary>The response to a request, whatever its status but 401, 403, 429 and 5xx: those are unread, with their remedy.</summary>
    public async Task<Reading<RegistryAnswer>> SendAsync(Repository repository, string actions, RegistryRequest request, CancellationToken cancellation)
    {
        var budget = budgets.For(repository.Host);
        for (var attempt = 0; ; attempt++)
        {
            if (budget.CoolingUntil is { } until)
            {
                return Unread($"registry {repository.Host} asked to wait until {until.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}", "try again after that, or raise the rate limit of these credentials");
            }

            Reading<RegistryAnswer> reading;
            await budget.EnterAsync(cancellation);
            try
            {
                reading = await AuthorizedAsync(repository, actions, request, cancellation);
            }
            finally
            {
                budget.Leave();
            }

            if (!reading.Try(out var answer, out _))
            {
                return reading;
            }

            var status = (int)answer.Status;
            if (status is 401 or 403)
            {
                return new Reading<RegistryAnswer>.Unread(answer.Redirected
                    ? Readings.Reason($"registry {repository.Host} redirects to {answer.Uri.Authority}, which answered {status}", "try again; if it lasts, look at the registry's storage")
                    : tokens.Refusal(repository, actions, $"answered {status}"));
            }

            if (status != 429 && status < 500)
            {
                return reading;
            }

            if (RetryDelay(answer, attempt, request) is { } delay)
            {
                await Task.Delay(delay, time, cancellation);
                continue;
            }

            if (status == 429)
            {
                budget.CoolDown(RetryAfter(answer.Headers.RetryAfter));
                return Unread($"registry {repository.Host} answered 429 (too many requests)", "try again later, or raise the rate limit of these credentials");
            }

            // "501 Not Implemented" is how some say that they have no such API.
            return status == 501 ? reading : Unread($"registry {repository.Host} answered {status}", "try again later; if it lasts, look at the registry");
        }
    }

    private TimeSpan? RetryDelay(RegistryAnswer answer, int attempt, RegistryRequest request)
    {
        var status = (int)answer.Status;
        if (attempt >= limits.Retries || !(status == 429 || (status is 500 or 502 or 503 or 504 && request.Method != HttpMethod.Post)))
        {
            return null;
        }

        var wait = RetryAfter(answer.Headers.RetryAfter) ?? TimeSpan.FromMilliseconds(100 << attempt);
        return wait > limits.LongestWait ? null : wait;
    }

    private TimeSpan? RetryAfter(RetryConditionHeaderValue? header) => header switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - time.GetUtcNow() is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero,
        _ => null,
    };

    private async Task<Reading<RegistryAnswer>> AuthorizedAsync(Repository repository, string actions, RegistryRequest request, CancellationToken cancellation)
    {
        var held = tokens.Current(repository, actions);
        var first = await http.SendAsync(request, held, cancellation);
        if (!first.Try(out var answer, out _) || answer is not { Status: System.Net.HttpStatusCode.Unauthorized, Redirected: false })
        {
            return first;
        }

        var challenge = AuthenticationChallenge.Choose(answer.Headers.WwwAuthenticate);
        return (await tokens.ObtainAsync(repository, actions, challenge, request.Uri, held, cancellation)).Try(out var authorization, out var why)
            ? await http.SendAsync(request, authorization, cancellation)
            : new Reading<RegistryAnswer>.Unread(why);
    }

    private static Reading<RegistryAnswer>.Unread Unread(string message, string remedy) => new(Readings.Reason(message, remedy));

    public void Dispose()
    {
        client.Dispose();
        budgets.Dispose();
    }
}
