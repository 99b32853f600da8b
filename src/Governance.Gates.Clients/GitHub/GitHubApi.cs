using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Governance.Gates.Clients.GitHub;

/// <summary>One question to the REST API.</summary>
/// <param name="Path">Path and query below the API's base address, escaped, without a slash in front.</param>
/// <param name="What">What is asked, to stand behind "could not": <c>read the reviews of example/trading#7</c>.</param>
/// <param name="Permission">The permission that a token needs, as GitHub's documentation names it: <c>pull requests: read</c>.</param>
internal sealed record GitHubCall(string Path, string What, string Permission);

/// <summary>Asks GitHub typed questions. Each ends in the value, or in why there is none, with the permission that would end it.</summary>
internal sealed class GitHubApi(GitHubTransport transport)
{
    /// <summary>Members on a page; GitHub gives no more.</summary>
    public const int PageSize = 100;

    /// <summary>Requests sent so far.</summary>
    public int Sent => transport.Sent;

    /// <summary>What is asked for. Its absence is unread too: GitHub answers 404 where it is not there and where the token may not see it.</summary>
    public async Task<Reading<T>> GetAsync<T>(GitHubCall call, JsonTypeInfo<T> type, CancellationToken cancellation)
        where T : class =>
        (await FindAsync(call, type, cancellation)).Try(out var found, out var why)
            ? found is { } value ? new Reading<T>.Found(value) : new Reading<T>.Unread(NotSeen(call))
            : new Reading<T>.Unread(why);

    /// <summary>What is asked for, and null for 404: for callers who know how to tell "absent" from "may not be seen".</summary>
    /// <param name="call">The question.</param>
    /// <param name="type">The answer.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <param name="absent">What GitHub says with a 404 where there is none; any other 404 is then unread. Null: every 404 is null.</param>
    public async Task<Reading<T?>> FindAsync<T>(GitHubCall call, JsonTypeInfo<T> type, CancellationToken cancellation, string? absent = null)
        where T : class
    {
        if (IsElsewhere(call.Path))
        {
            return new Reading<T?>.Unread(NotSeen(call));
        }

        if (!(await transport.GetAsync(transport.AddressOf(call.Path), cancellation)).Try(out var answer, out var why))
        {
            return new Reading<T?>.Unread(Because(call, why));
        }

        return answer switch
        {
            { Status: 404 } => absent is null || answer.Message == absent ? new Reading<T?>.Found(null) : new Reading<T?>.Unread(NotSeen(call)),
            { Succeeded: false } => new Reading<T?>.Unread(Refused(call, answer)),
            _ when Parse(answer.Body, type) is { } value => new Reading<T?>.Found(value),
            _ => new Reading<T?>.Unread(Malformed(call)),
        };
    }

    /// <summary>Every member of a list, over all its pages: half a list is no list.</summary>
    /// <param name="call">The question; its path takes <c>per_page</c> from here.</param>
    /// <param name="type">One page.</param>
    /// <param name="most">The most members that are read.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task<Reading<ImmutableArray<T>>> ListAsync<T>(GitHubCall call, JsonTypeInfo<T[]> type, int most, CancellationToken cancellation)
    {
        if (IsElsewhere(call.Path))
        {
            return new Reading<ImmutableArray<T>>.Unread(NotSeen(call));
        }

        var items = ImmutableArray.CreateBuilder<T>();
        var seen = new HashSet<Uri>();
        for (Uri? page = transport.AddressOf($"{call.Path}{(call.Path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}per_page={PageSize}"); page is not null;)
        {
            if (!seen.Add(page) || items.Count > most || seen.Count > most / PageSize + 2)
            {
                return new Reading<ImmutableArray<T>>.Unread(new("github", $"could not {call.What}: the list has more than {most.ToString(CultureInfo.InvariantCulture)} members, or no end", "split the pull request, or look at the proxy before GitHub"));
            }

            if (!(await transport.GetAsync(page, cancellation)).Try(out var answer, out var why))
            {
                return new Reading<ImmutableArray<T>>.Unread(Because(call, why));
            }

            if (!answer.Succeeded)
            {
                return new Reading<ImmutableArray<T>>.Unread(answer.Status == 404 ? NotSeen(call) : Refused(call, answer));
            }

            if (Parse(answer.Body, type) is not { } members || Array.Exists(members, member => member is null))
            {
                return new Reading<ImmutableArray<T>>.Unread(Malformed(call));
            }

            items.AddRange(members);
            page = answer.Next;
        }

        return items.Count <= most
            ? new Reading<ImmutableArray<T>>.Found(items.ToImmutable())
            : new Reading<ImmutableArray<T>>.Unread(new("github", $"could not {call.What}: the list has more than {most.ToString(CultureInfo.InvariantCulture)} members", "split the pull request"));
    }

    /// <summary>The <c>data</c> of a GraphQL query. Anything in <c>errors</c> makes all of it unread.</summary>
    /// <param name="call">What is asked; its path stands for nothing.</param>
    /// <param name="query">The query and its variables, as JSON.</param>
    /// <param name="type">The whole answer.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task<Reading<T>> QueryAsync<T>(GitHubCall call, ReadOnlyMemory<byte> query, JsonTypeInfo<GraphQlAnswer<T>> type, CancellationToken cancellation)
        where T : class
    {
        if (!(await transport.QueryAsync(query, cancellation)).Try(out var answer, out var why))
        {
            return new Reading<T>.Unread(Because(call, why));
        }

        if (!answer.Succeeded)
        {
            return new Reading<T>.Unread(Refused(call, answer));
        }

        return Parse(answer.Body, type) switch
        {
            { Errors: [var error, ..] } => new Reading<T>.Unread(Lacks(call, $"GitHub says: {Kubernetes.OneLine.Of(error?.Message ?? "an error")}", null)),
            { Data: { } data } => new Reading<T>.Found(data),
            _ => new Reading<T>.Unread(Malformed(call)),
        };
    }

    /// <summary>Makes or changes something, and gives what GitHub then has.</summary>
    /// <param name="method">POST or PATCH.</param>
    /// <param name="call">What is done, with the permission that it needs.</param>
    /// <param name="content">The JSON that is sent.</param>
    /// <param name="type">The answer.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <param name="refused">Statuses that are null: for callers who know what a refusal means.</param>
    public async Task<Reading<T?>> SendAsync<T>(HttpMethod method, GitHubCall call, ReadOnlyMemory<byte> content, JsonTypeInfo<T> type, CancellationToken cancellation, params ImmutableArray<int> refused)
        where T : class
    {
        if (!(await transport.SendAsync(method, transport.AddressOf(call.Path), content, cancellation)).Try(out var answer, out var why))
        {
            return new Reading<T?>.Unread(Because(call, why));
        }

        return answer switch
        {
            _ when refused.Contains(answer.Status) => new Reading<T?>.Found(null),
            { Status: 404 } => new Reading<T?>.Unread(NotSeen(call)),
            { Succeeded: false } => new Reading<T?>.Unread(Refused(call, answer)),
            _ when Parse(answer.Body, type) is { } value => new Reading<T?>.Found(value),
            _ => new Reading<T?>.Unread(Malformed(call)),
        };
    }

    /// <summary>A body as what it should be; null where it is something else.</summary>
    public static T? Parse<T>(ReadOnlyMemory<byte> body, JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(body.Span, type);
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: an escape that spells no character.
            return default;
        }
    }

    // A name of dots would ask about something else: no escape keeps an address from being shortened by it.
    private static bool IsElsewhere(string path) => path.Split('?')[0].Split('/').Any(part => part is "" or "." or "..");

    /// <summary>Why something that GitHub says is not there is unread.</summary>
    private Reason NotSeen(GitHubCall call) => Lacks(call, "there is none, or the token may not see it (404)", null);

    private Reason Refused(GitHubCall call, GitHubAnswer answer) => answer.Status switch
    {
        401 => new("github", $"could not {call.What}: GitHub at {transport.Host} does not accept the token (401)", "give a token that is valid, by GITHUB_TOKEN or as a GitHub App"),
        403 => Lacks(call, $"the token lacks a permission (403{Words(answer)})", answer.Needs),
        var status => new("github", $"could not {call.What}: GitHub at {transport.Host} answered {status.ToString(CultureInfo.InvariantCulture)}{Words(answer)}", "try again, and look at what it says"),
    };

    private Reason Lacks(GitHubCall call, string what, string? needs) => new(
        "github",
        $"could not {call.What}: {what}",
        transport.IsAnonymous ? $"set GITHUB_TOKEN to a token with the permission {call.Permission}"
            : $"give the token the permission {call.Permission}{(needs is null ? "" : $" (GitHub says: {Kubernetes.OneLine.Of(needs)})")}");

    /// <summary>Why an answer that is not as it is documented is unread.</summary>
    public Reason Malformed(GitHubCall call) => new("github", $"could not {call.What}: GitHub at {transport.Host} answered something else than its documentation says", "check GITHUB_API_URL and the proxy before it; if they are right, update gates");

    private static Reason Because(GitHubCall call, Reason why) => why with { Message = $"could not {call.What}: {why.Message}" };

    private static string Words(GitHubAnswer answer) => answer.Message is { Length: > 0 } words ? $": {words}" : "";
}

/// <summary>The API as one repository's gate asks it. Disposing ends its connections.</summary>
public sealed class GitHubClient : IDisposable
{
    private readonly GitHubTransport transport;

    private GitHubClient(GitHubTransport transport, RepositoryName repository, TimeProvider time)
    {
        (this.transport, Repository, Time) = (transport, repository, time);
        Api = new(transport);
    }

    /// <summary>The repository that is asked about.</summary>
    public RepositoryName Repository { get; }

    /// <summary>Requests sent so far.</summary>
    public int Requests => transport.Sent;

    internal GitHubApi Api { get; }

    /// <summary>The clock by which it waits.</summary>
    internal TimeProvider Time { get; }

    /// <summary>Prepares to ask; nothing is sent yet.</summary>
    public static GitHubClient Open(GitHubOptions options, RepositoryName repository, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(repository);
        return new(new(options, repository, time), repository, time);
    }

    /// <inheritdoc/>
    public void Dispose() => transport.Dispose();
}
