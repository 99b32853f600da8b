using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.Extensions.Logging;

namespace Governance.Gates.Testing.GitHub;

/// <summary>GitHub's REST API and a little of its GraphQL API on loopback, as far as a gate asks it, over a <see cref="GitHubWorld"/>: pages, ETags, redirects of renamed repositories, and whatever a test scripts.</summary>
public sealed class LoopbackGitHub : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly string basePath;

    // Guards the calls of Mangle, which need not be safe for several at once.
    private readonly Lock mangling = new();
    private readonly ConcurrentDictionary<string, ConcurrentQueue<Func<HttpContext, Task>>> scripts = new();

    private LoopbackGitHub(WebApplication app, string basePath) => (this.app, this.basePath) = (app, basePath);

    /// <summary>What it tells of.</summary>
    public GitHubWorld World { get; } = new();

    /// <summary>Where its REST API is; ends with a slash.</summary>
    public Uri Api { get; private set; } = new("http://localhost/");

    /// <summary>Where others say that its REST API is; its links lead there. The same, where nothing stands before it.</summary>
    public Uri Shown { get; set; } = new("http://localhost/");

    /// <summary>The tokens that it knows; none lets everybody in.</summary>
    public ConcurrentBag<string> Tokens { get; } = [];

    /// <summary>Members on a page, however many are asked for.</summary>
    public int LongestPage { get; set; } = 100;

    /// <summary>Asked first for each request; answers it by returning true.</summary>
    public Func<HttpContext, Task<bool>>? Override { get; set; }

    /// <summary>Changes the bytes of an answer on their way; null leaves them. Asked by one request at a time.</summary>
    public Func<byte[], byte[]>? Mangle { get; set; }

    /// <summary>Every request: method, path and query, in the order of arrival.</summary>
    public ConcurrentQueue<string> Log { get; } = new();

    /// <summary>The headers that came with the requests, in the same order.</summary>
    public ConcurrentQueue<IHeaderDictionary> Headers { get; } = new();

    /// <summary>Every GraphQL query with its variables and the answer, one JSON object each.</summary>
    public ConcurrentQueue<JsonObject> Queries { get; } = new();

    /// <summary>Starts a server.</summary>
    /// <param name="basePath">Where its REST API lies: <c>/</c>, or <c>/api/v3/</c> as GitHub Enterprise Server has it.</param>
    public static async Task<LoopbackGitHub> StartAsync(string basePath = "/")
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(IPAddress.Loopback, 0);
        });
        var app = builder.Build();
        var server = new LoopbackGitHub(app, basePath);
        app.Run(server.AnswerAsync);
        await app.StartAsync();
        server.Shown = server.Api = new(new Uri(app.Urls.Single()), basePath);
        return server;
    }

    /// <summary>Answers the next requests whose path holds this, one each; after them it answers as ever.</summary>
    public void Script(string pathPart, params ReadOnlySpan<Func<HttpContext, Task>> answers)
    {
        var queue = scripts.GetOrAdd(pathPart, _ => new());
        foreach (var answer in answers)
        {
            queue.Enqueue(answer);
        }
    }

    /// <summary>An answer without more than a status, headers and words.</summary>
    public static Func<HttpContext, Task> Refuse(int status, string message = "no", params (string Name, string Value)[] headers) => context =>
    {
        context.Response.StatusCode = status;
        foreach (var (name, value) in headers)
        {
            context.Response.Headers[name] = value;
        }

        return WriteAsync(context, new JsonObject { ["message"] = message, ["documentation_url"] = "https://docs.github.com/rest", ["status"] = $"{status}" });
    };

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var request = context.Request;
        Log.Enqueue($"{request.Method} {request.GetEncodedPathAndQuery()}");
        Headers.Enqueue(new HeaderDictionary(request.Headers.ToDictionary()));
        var path = request.Path.Value ?? "";
        foreach (var (part, answers) in scripts)
        {
            if (path.Contains(part, StringComparison.Ordinal) && answers.TryDequeue(out var scripted))
            {
                await scripted(context);
                return;
            }
        }

        if (Override is { } answer && await answer(context))
        {
            return;
        }

        if (!Tokens.IsEmpty && !Tokens.Contains(request.Headers.Authorization.ToString().Replace("Bearer ", "", StringComparison.Ordinal)))
        {
            await Refuse(401, "Bad credentials")(context);
        }
        else if (!path.StartsWith(basePath, StringComparison.Ordinal) && path != "/api/graphql")
        {
            await Refuse(404, "Not Found")(context);
        }
        else
        {
            await AnswerAsync(context, path);
        }
    }

    private async Task AnswerAsync(HttpContext context, string path)
    {
        GitHubReply reply;
        if (path == "/api/graphql" || path == $"{basePath}graphql")
        {
            var query = (await JsonNode.ParseAsync(context.Request.Body))!;
            var answer = GitHubGraphQl.Answer(World, query["query"]!.GetValue<string>(), query["variables"]);
            query["answer"] = answer.DeepClone();
            Queries.Enqueue(query.AsObject());
            reply = new(answer);
        }
        else
        {
            // Segments are taken apart before their escapes are: a branch has slashes of its own.
            string[] segments = [.. path[basePath.Length..].Split('/').Select(Uri.UnescapeDataString)];
            var body = context.Request.Method is "POST" or "PATCH" && context.Request.ContentLength is > 0 ? await JsonNode.ParseAsync(context.Request.Body) : null;
            reply = new GitHubBodies(World, Shown).Answer(context.Request.Method, segments, name => context.Request.Query[name].ToString(), body);
        }

        if (reply.Location is { } location)
        {
            context.Response.StatusCode = 301;
            context.Response.Headers.Location = location;
            return;
        }

        context.Response.StatusCode = reply.Status;
        var told = reply.Members is { } members ? Page(context, reply.Count, members) : reply.Body;
        if (Mangle is not { } mangle)
        {
            await WriteAsync(context, told);
            return;
        }

        byte[] bytes;
        lock (mangling)
        {
            bytes = mangle(Encoding.UTF8.GetBytes(told?.ToJsonString() ?? "null"));
        }

        await context.Response.Body.WriteAsync(bytes);
    }

    private JsonArray Page(HttpContext context, int count, Func<int, JsonNode?> member)
    {
        var size = Math.Min(int.TryParse(context.Request.Query["per_page"], out var asked) ? asked : 30, LongestPage);
        var page = int.TryParse(context.Request.Query["page"], out var number) ? number : 1;
        if (page * size < count)
        {
            var query = context.Request.Query.Where(one => one.Key != "page").Select(one => $"{one.Key}={Uri.EscapeDataString(one.Value.ToString())}").Append($"page={page + 1}");
            var next = new Uri(Shown, $"{context.Request.Path.Value![basePath.Length..]}?{string.Join('&', query)}");
            context.Response.Headers.Append("Link", $"<{next.AbsoluteUri}>; rel=\"next\", <{next.AbsoluteUri}9>; rel=\"last\"");
        }

        return [.. Enumerable.Range((page - 1) * size, Math.Clamp(count - (page - 1) * size, 0, size)).Select(member)];
    }

    /// <summary>Writes JSON with an ETag, or says that it is still the same.</summary>
    public static Task WriteAsync(HttpContext context, JsonNode? body)
    {
        var bytes = Encoding.UTF8.GetBytes(body?.ToJsonString() ?? "null");
        var tag = $"\"{Convert.ToHexStringLower(SHA256.HashData(bytes))}\"";
        if (context.Response.StatusCode == 200 && context.Request.Headers.IfNoneMatch == tag)
        {
            context.Response.StatusCode = 304;
            return Task.CompletedTask;
        }

        context.Response.Headers.ETag = tag;
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.ContentLength = bytes.Length;
        return context.Response.Body.WriteAsync(bytes).AsTask();
    }
}

/// <summary>What the server says.</summary>
/// <param name="Body">The JSON.</param>
/// <param name="Status">The status.</param>
/// <param name="Location">Where what is asked for lies now; null where it is here.</param>
internal sealed record GitHubReply(JsonNode? Body, int Status = 200, string? Location = null)
{
    /// <summary>How many members a list has that is told page by page.</summary>
    public int Count { get; private init; }

    /// <summary>A member of that list by its index; null where this is none.</summary>
    public Func<int, JsonNode?>? Members { get; private init; }

    public static GitHubReply List<T>(IReadOnlyList<T> items, Func<T, JsonNode?> body, int most = int.MaxValue) => new((JsonNode?)null) { Count = Math.Min(items.Count, most), Members = index => body(items[index]) };

    public static GitHubReply NotFound(string message = "Not Found") => new(new JsonObject { ["message"] = message, ["documentation_url"] = "https://docs.github.com/rest", ["status"] = "404" }, 404);

    public static GitHubReply Forbidden(string message = "Resource not accessible by integration") => new(new JsonObject { ["message"] = message, ["documentation_url"] = "https://docs.github.com/rest", ["status"] = "403" }, 403);
}
