using System.Collections.Immutable;
using System.IO.Compression;
using System.Text.Json.Nodes;
using Governance.Gates.Clients.GitHub;
using Governance.Gates.Testing.GitHub;
using Microsoft.AspNetCore.Http;

namespace Governance.Gates.Tests.Clients.GitHub;

public sealed class GitHubTransportTests : IAsyncLifetime
{
    private static readonly GitHubCall Reviews = new("repos/example/trading/pulls/7/reviews", "read the reviews of example/trading#7", "pull requests: read");
    private static readonly GitHubCall Main = new("repos/example/trading/git/ref/heads%2Fmain", "read the branch main", "contents: read");
    private static readonly DateTimeOffset Start = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly ImpatientClock clock = new(Start);
    private LoopbackGitHub server = null!;

    public async ValueTask InitializeAsync()
    {
        server = await LoopbackGitHub.StartAsync();
        server.World.With("ann", "bob");
        server.World.Branches["main"] = new string('1', 40);
        server.World.Open(7, "ann");
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();

    [Fact]
    public async Task C30_every_request_names_its_version_and_who_asks()
    {
        await FoundMainAsync();
        var headers = Assert.Single(server.Headers);
        Assert.Equal(("2022-11-28", "governance-gates", "Bearer secret-token", "application/vnd.github+json"), (headers["X-GitHub-Api-Version"].ToString(), headers.UserAgent.ToString(), headers.Authorization.ToString(), headers.Accept.ToString()));
    }

    [Fact]
    public async Task C01_the_review_that_decides_is_found_on_the_last_of_three_pages()
    {
        for (var i = 0; i < 249; i++)
        {
            server.World.PullRequests[7].Review("bob", "COMMENTED");
        }

        server.World.PullRequests[7].Review("bob", "CHANGES_REQUESTED");
        Assert.True((await ListAsync()).Try(out var reviews, out _));
        Assert.Equal((250, "CHANGES_REQUESTED", 3), (reviews.Length, reviews[^1].State, server.Log.Count));
    }

    [Theory]
    [InlineData("https://github.example/repos/example/trading/pulls/7/reviews?page=2", "not its own")]
    [InlineData("//127.0.0.2/reviews?page=2", "not its own")]
    [InlineData("http://user@127.0.0.1/reviews?page=2", "not its own")]
    public async Task C29_a_next_page_elsewhere_is_not_asked_for(string next, string told)
    {
        server.Script("reviews", context =>
        {
            context.Response.Headers.Append("Link", $"<{next}>; rel=\"next\"");
            return LoopbackGitHub.WriteAsync(context, new JsonArray());
        });
        Unread(await ListAsync(), told);
        Assert.Single(server.Log);
    }

    [Fact]
    public async Task A_list_that_leads_back_to_itself_has_no_end_and_is_unread()
    {
        server.Override = async context =>
        {
            context.Response.Headers.Append("Link", $"<{server.Api}repos/example/trading/pulls/7/reviews?per_page=100>; rel=\"next\"");
            await LoopbackGitHub.WriteAsync(context, new JsonArray());
            return true;
        };
        Unread(await ListAsync(), "or no end");
        Assert.Single(server.Log);
    }

    [Fact]
    public async Task C29_a_renamed_repository_is_followed_on_the_same_origin()
    {
        server.World.FormerName = "example/old";
        using var transport = Transport();
        var found = await new GitHubApi(transport).GetAsync(Main with { Path = "repos/example/old/git/ref/heads%2Fmain" }, GitHubJson.Default.WireRef, default);
        Assert.True(found.Try(out var main, out _));
        Assert.Equal(new string('1', 40), main.Object.Sha);
    }

    [Fact]
    public async Task C29_a_redirect_to_another_origin_takes_no_token_along()
    {
        await using var other = await LoopbackGitHub.StartAsync();
        server.Script("git/ref", context =>
        {
            context.Response.Redirect($"{other.Api}repos/example/trading/git/ref/heads%2Fmain", permanent: true);
            return Task.CompletedTask;
        });
        Unread(await MainAsync(), "redirects to an address that is not its own");
        Assert.Empty(other.Log);
    }

    [Fact]
    public async Task A_redirect_without_end_is_given_up()
    {
        server.Override = context =>
        {
            context.Response.Redirect($"{server.Api}again", permanent: true);
            return Task.FromResult(true);
        };
        Unread(await MainAsync(), "redirects more than 3 times");
    }

    public static TheoryData<string, int, string, string, string, int> Limits => new()
    {
        { "Retry-After with 403", 403, "no", "Retry-After", "17", 17 },
        { "Retry-After with 429", 429, "no", "Retry-After", "90", 90 },
        { "Retry-After as a time", 429, "no", "Retry-After", (Start + TimeSpan.FromSeconds(30)).ToString("R"), 30 },
        { "a secondary limit that says no time", 403, "You have exceeded a secondary rate limit.", "X-Other", "1", 60 },
        { "429 alone", 429, "no", "X-Other", "1", 60 },
        { "the primary limit, until it is reset", 403, "API rate limit exceeded", "x-ratelimit-reset", $"{(Start + TimeSpan.FromSeconds(41)).ToUnixTimeSeconds()}", 41 },
        { "a time that has passed", 429, "no", "Retry-After", "0", 1 },
    };

    [Theory, MemberData(nameof(Limits))]
    public async Task C28_a_rate_limit_is_waited_for_as_long_as_github_asks(string because, int status, string message, string header, string value, int seconds)
    {
        server.Script("git/ref", LoopbackGitHub.Refuse(status, message, (header, value), ("x-ratelimit-remaining", "0")));
        await FoundMainAsync();
        Assert.True(clock.Waits.SequenceEqual([TimeSpan.FromSeconds(seconds)]), $"{because}: {string.Join(' ', clock.Waits)}");
    }

    [Fact]
    public async Task C28_a_secondary_limit_that_stays_is_waited_for_longer_each_time_and_then_told()
    {
        server.Override = async context =>
        {
            await LoopbackGitHub.Refuse(429)(context);
            return true;
        };
        Unread(await MainAsync(), "asks to wait until 2026-06-01T12:07:00Z: its rate limit is used up (429)");
        Assert.Equal([TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(2)], clock.Waits);
    }

    [Fact]
    public async Task C28_a_limit_that_lasts_for_long_is_told_with_its_end_and_not_waited_for()
    {
        server.Script("git/ref", LoopbackGitHub.Refuse(403, "API rate limit exceeded", ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", $"{(Start + TimeSpan.FromMinutes(50)).ToUnixTimeSeconds()}")));
        Unread(await MainAsync(), "asks to wait until 2026-06-01T12:50:00Z");
        Assert.Empty(clock.Waits);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(502)]
    [InlineData(503)]
    [InlineData(504)]
    public async Task C28_an_answer_of_a_server_that_fails_is_asked_for_again(int status)
    {
        server.Script("git/ref", LoopbackGitHub.Refuse(status), LoopbackGitHub.Refuse(status));
        await FoundMainAsync();
        Assert.Equal([TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2)], clock.Waits);
    }

    [Fact]
    public async Task C28_a_server_that_goes_on_failing_is_unread()
    {
        server.Override = async context =>
        {
            await LoopbackGitHub.Refuse(502)(context);
            return true;
        };
        Unread(await MainAsync(), "answered 502");
        Assert.Equal(5, server.Log.Count);
    }

    [Fact]
    public async Task C28_a_body_that_breaks_off_is_asked_for_again()
    {
        server.Script("git/ref", async context =>
        {
            context.Response.ContentLength = 1_000;
            await context.Response.WriteAsync("{\"object\":");
            await context.Response.Body.FlushAsync();
            context.Abort();
        });
        await FoundMainAsync();
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("<html>")]
    [InlineData("""{"object":{"sha":null,"type":"commit"}}""")]
    [InlineData("""{"object":{"type":"commit"}}""")]
    [InlineData("""{"object":{"sha":"\ud800","type":"commit"}}""")]
    [InlineData("""{"object":{"sha":"1","type":"commit"},"object":{"sha":"2","type":"commit"}}""")]
    public async Task An_answer_of_another_shape_is_unread(string body)
    {
        server.Script("git/ref", context => context.Response.WriteAsync(body));
        Unread(await MainAsync(), "answered something else than its documentation says");
    }

    [Fact]
    public async Task An_answer_beyond_the_limit_is_unread_however_small_it_was_on_the_way()
    {
        server.Script("git/ref", async context =>
        {
            context.Response.Headers.ContentEncoding = "gzip";
            await using var packed = new GZipStream(context.Response.Body, CompressionLevel.SmallestSize);
            await packed.WriteAsync(new byte[4 << 20]);
        });
        using var transport = Transport(limits: new() { BodyBytes = 1 << 20 });
        Unread(await new GitHubApi(transport).GetAsync(Main, GitHubJson.Default.WireRef, default), "sent more than 1048576 bytes");
    }

    [Fact]
    public async Task C28_what_did_not_change_is_not_sent_again()
    {
        using var transport = Transport();
        var api = new GitHubApi(transport);
        Assert.True((await api.GetAsync(Main, GitHubJson.Default.WireRef, default)).Try(out var first, out _));
        Assert.True((await api.GetAsync(Main, GitHubJson.Default.WireRef, default)).Try(out var second, out _));
        Assert.Equal(first, second);
        Assert.StartsWith("\"", server.Headers.Last().IfNoneMatch.ToString(), StringComparison.Ordinal);
        server.World.Branches["main"] = new string('2', 40);
        Assert.True((await api.GetAsync(Main, GitHubJson.Default.WireRef, default)).Try(out var third, out _));
        Assert.Equal(new string('2', 40), third.Object.Sha);
    }

    [Fact]
    public async Task Something_that_did_not_change_though_nobody_has_it_is_unread()
    {
        server.Script("git/ref", context =>
        {
            context.Response.StatusCode = 304;
            return Task.CompletedTask;
        });
        Unread(await MainAsync(), "(304)");
    }

    [Fact]
    public async Task A_missing_permission_is_named_and_so_is_what_github_says_of_it()
    {
        server.Script("reviews", LoopbackGitHub.Refuse(403, "Resource not accessible by integration", ("X-Accepted-GitHub-Permissions", "pull_requests=read")));
        var why = Unread(await ListAsync(), "could not read the reviews of example/trading#7: the token lacks a permission (403: Resource not accessible by integration)");
        Assert.Equal("give the token the permission pull requests: read (GitHub says: pull_requests=read)", why.Remedy);
    }

    [Fact]
    public async Task What_is_absent_and_what_may_not_be_seen_are_not_taken_for_one_another()
    {
        server.World.PullRequests.Clear();
        var why = Unread(await ListAsync(), "there is none, or the token may not see it (404)");
        Assert.Equal("give the token the permission pull requests: read", why.Remedy);
    }

    [Fact]
    public async Task A_token_that_github_does_not_know_is_told_and_never_shown()
    {
        server.Tokens.Add("another");
        var why = Unread(await MainAsync(), "does not accept the token (401)");
        Assert.DoesNotContain("secret-token", why.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Words_of_others_stay_on_one_line()
    {
        server.Script("git/ref", LoopbackGitHub.Refuse(422, "a\n::error::b\u202e"));
        Assert.DoesNotContain(Unread(await MainAsync(), "answered 422").Message, character => char.IsControl(character) || character == '\u202e');
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_told_at_once()
    {
        await server.DisposeAsync();
        Unread(await MainAsync(), "could not be connected to");
        Assert.Empty(clock.Waits);
    }

    [Fact]
    public async Task More_requests_than_may_be_are_not_sent()
    {
        using var transport = Transport(limits: new() { Requests = 2 });
        var api = new GitHubApi(transport);
        await api.GetAsync(Main, GitHubJson.Default.WireRef, default);
        await api.GetAsync(Main, GitHubJson.Default.WireRef, default);
        Unread(await api.GetAsync(Main, GitHubJson.Default.WireRef, default), "was asked 2 times");
        Assert.Equal(2, server.Log.Count);
    }

    [Fact]
    public async Task After_a_while_no_more_is_asked()
    {
        using var transport = Transport();
        await Task.Delay(TimeSpan.FromMinutes(16), clock, TestContext.Current.CancellationToken);
        Unread(await new GitHubApi(transport).GetAsync(Main, GitHubJson.Default.WireRef, default), "did not answer everything within 15 min");
        Assert.Empty(server.Log);
    }

    [Theory]
    [InlineData("orgs/example/teams/..")]
    [InlineData("repos/example/trading/collaborators/./permission")]
    [InlineData("repos/example/trading/collaborators//permission")]
    public async Task A_name_of_dots_asks_about_nothing_else(string path)
    {
        using var transport = Transport();
        Unread(await new GitHubApi(transport).GetAsync(Main with { Path = path }, GitHubJson.Default.WireRef, default), "there is none");
        Unread(await new GitHubApi(transport).ListAsync(Reviews with { Path = path }, GitHubJson.Default.WireReviewArray, 10, default), "there is none");
        Assert.Empty(server.Log);
    }

    [Fact]
    public async Task Who_cancels_ends_the_wait()
    {
        using var ending = new CancellationTokenSource();
        server.Override = async context =>
        {
            await ending.CancelAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        };
        using var transport = Transport();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new GitHubApi(transport).GetAsync(Main, GitHubJson.Default.WireRef, ending.Token));
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("", null)]
    [InlineData("<https://a/?page=2>; rel=\"next\"", "https://a/?page=2")]
    [InlineData("<https://a/?page=1>; rel=\"prev\", <https://a/?page=3,4>; rel=\"next\", <https://a/?page=9>; rel=\"last\"", "https://a/?page=3,4")]
    [InlineData("<https://a/>; title=\"rel=next\"; rel=prev", null)]
    [InlineData("<https://a/>; rel=next", "https://a/")]
    [InlineData("<https://a/>; rel=\"last\"", null)]
    [InlineData("<https://a/", null)]
    [InlineData("rel=\"next\"", null)]
    public void The_next_page_is_read_from_the_link_header(string? header, string? next) => Assert.Equal(next, LinkHeader.Next(header));

    [Theory]
    [InlineData("example/trading", true)]
    [InlineData("a/.github", true)]
    [InlineData("example", false)]
    [InlineData("example/trading/x", false)]
    [InlineData("example/..", false)]
    [InlineData("exa mple/trading", false)]
    [InlineData("example/tra%2Fding", false)]
    [InlineData("example/", false)]
    [InlineData(null, false)]
    public void A_repository_has_an_owner_and_a_name(string? text, bool isOne) => Assert.Equal(isOne, RepositoryName.TryParse(text) is not null);

    private GitHubTransport Transport(GitHubLimits? limits = null) =>
        new(new() { Api = server.Api, GraphQl = new(server.Api, "graphql"), Credentials = new GitHubCredentials.Token("secret-token"), Limits = limits ?? new() }, RepositoryName.TryParse("example/trading")!, clock);

    private async Task<Reading<WireRef>> MainAsync()
    {
        using var transport = Transport();
        return await new GitHubApi(transport).GetAsync(Main, GitHubJson.Default.WireRef, default);
    }

    private async Task FoundMainAsync()
    {
        var found = await MainAsync();
        Assert.True(found.Try(out var main, out var why), why?.ToString());
        Assert.Equal(new string('1', 40), main.Object.Sha);
    }

    private async Task<Reading<ImmutableArray<WireReview>>> ListAsync()
    {
        using var transport = Transport();
        return await new GitHubApi(transport).ListAsync(Reviews, GitHubJson.Default.WireReviewArray, 10_000, default);
    }

    private static Reason Unread<T>(Reading<T> reading, string told)
    {
        var why = Assert.IsType<Reading<T>.Unread>(reading).Reason;
        Assert.Contains(told, why.Message, StringComparison.Ordinal);
        return why;
    }
}
