using System.Net;
using System.Net.Sockets;
using System.Text;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;
using Governance.Gates.Testing;

namespace Governance.Gates.Tests.Cli;

/// <summary><c>gates ledger serve</c>: the log over HTTP, and nothing else of the disk.</summary>
public sealed class LedgerServeTests : IAsyncLifetime
{
    private const int Size = 700;
    private readonly LedgerBench ledger = new();
    private readonly CancellationTokenSource stop = new();
    private readonly HttpClient http = new();
    private LedgerServer server = null!;
    private Task serving = Task.CompletedTask;

    public async ValueTask InitializeAsync()
    {
        await ledger.FilledAsync(Size);
        server = LedgerServer.Start(new(ledger.Log), new(IPAddress.Loopback, 0), new ForwardClock());
        serving = server.RunAsync(stop.Token);
        http.BaseAddress = new($"http://{server.EndPoint}/");
    }

    [Fact]
    public async Task A_log_is_verified_over_http()
    {
        var checkpoint = Checkpoint.Open(await http.GetByteArrayAsync("checkpoint", TestContext.Current.CancellationToken), ledger.Key).Try(out var opened, out _) ? opened : null;
        Assert.Equal(Size, checkpoint!.Size);
        Assert.Null(LedgerVerifier.Verify(checkpoint, address => new Reading<ReadOnlyMemory<byte>>.Found(http.GetByteArrayAsync(address.Path, TestContext.Current.CancellationToken).GetAwaiter().GetResult())));
    }

    [Fact]
    public async Task Tiles_are_immutable_bytes_and_the_checkpoint_is_text_that_is_not_kept()
    {
        foreach (var path in (string[])["tile/0/000", "tile/1/000.p/2", "tile/entries/002.p/188"])
        {
            using var tile = await http.GetAsync(path, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, tile.StatusCode);
            Assert.Equal("application/octet-stream", tile.Content.Headers.ContentType!.ToString());
            Assert.Contains("immutable", tile.Headers.CacheControl!.ToString(), StringComparison.Ordinal);
            Assert.Equal(await File.ReadAllBytesAsync(ledger.PathOf(path), TestContext.Current.CancellationToken), await tile.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        }

        using var checkpoint = await http.GetAsync("checkpoint", TestContext.Current.CancellationToken);
        Assert.Equal("text/plain; charset=utf-8", checkpoint.Content.Headers.ContentType!.ToString());
        Assert.True(checkpoint.Headers.CacheControl!.NoCache);
    }

    [Theory]
    [InlineData("tile/0/001.p/7", 7 * 32)]
    [InlineData("tile/0/002.p/100", -1)]
    [InlineData("tile/entries/001.p/2", 0)]
    public async Task A_partial_tile_whose_full_one_stands_there_is_its_beginning(string path, int length)
    {
        using var tile = await http.GetAsync(path, TestContext.Current.CancellationToken);
        Assert.Equal(length < 0 ? HttpStatusCode.NotFound : HttpStatusCode.OK, tile.StatusCode);
        var bytes = await tile.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        if (length > 0)
        {
            Assert.Equal(File.ReadAllBytes(ledger.PathOf("tile/0/001"))[..length], bytes);
        }
        else if (length == 0)
        {
            Assert.Equal(ledger.Entries("tile/entries/001")[..2].SelectMany(entry => entry), (EntryBundle.Read(bytes).Try(out var entries, out _) ? entries : []).SelectMany(entry => entry.ToArray()));
        }
    }

    public static TheoryData<string, int> Requests => new()
    {
        { "GET / HTTP/1.1", 404 },
        { "GET /lock HTTP/1.1", 404 },
        { "GET /journal HTTP/1.1", 404 },
        { "GET /../log.key HTTP/1.1", 404 },
        { "GET /tile/../../log.key HTTP/1.1", 404 },
        { "GET /tile/0/../../../log.key HTTP/1.1", 404 },
        { "GET /tile/0/%2e%2e HTTP/1.1", 404 },
        { "GET //etc/passwd HTTP/1.1", 404 },
        { "GET /tile/0/0 HTTP/1.1", 404 },
        { "GET /tile/0/000/ HTTP/1.1", 404 },
        { "GET /tile/0/000?x HTTP/1.1", 404 },
        { "GET /tile/0/999 HTTP/1.1", 404 },
        { "GET /tile/0/000.p/256 HTTP/1.1", 404 },
        { "GET /checkpoint.new HTTP/1.1", 404 },
        { "GET http://127.0.0.1/checkpoint HTTP/1.1", 400 },
        { "GET /checkpoint HTTP/2.0", 400 },
        { "GET /checkpoint", 400 },
        { "nonsense", 400 },
        { "PUT /checkpoint HTTP/1.1", 405 },
        { "DELETE /tile/0/000 HTTP/1.1", 405 },
        { "HEAD /tile/0/000 HTTP/1.1", 200 },
        { "GET /checkpoint HTTP/1.0", 200 },
    };

    [Theory, MemberData(nameof(Requests))]
    public async Task Only_what_is_spelled_as_the_format_says_is_served(string request, int status)
    {
        var answer = await SendAsync($"{request}\r\nHost: {server.EndPoint}\r\n\r\n");
        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("PRIVATE", answer, StringComparison.Ordinal);
        Assert.True(!request.StartsWith("HEAD", StringComparison.Ordinal) || answer.EndsWith("\r\n\r\n", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Host: evil.example\r\n", 421)]
    [InlineData("", 421)]
    [InlineData("Host: localhost:PORT\r\n", 200)]
    public async Task On_loopback_a_name_of_somebody_else_is_refused(string host, int status) =>
        Assert.StartsWith($"HTTP/1.1 {status} ", await SendAsync($"GET /checkpoint HTTP/1.1\r\n{host.Replace("PORT", $"{server.EndPoint.Port}", StringComparison.Ordinal)}\r\n"), StringComparison.Ordinal);

    [Fact]
    public async Task A_head_without_end_is_refused() =>
        Assert.StartsWith("HTTP/1.1 431 ", await SendAsync("GET /checkpoint HTTP/1.1\r\nX: " + new string('a', 9_000)), StringComparison.Ordinal);

    [Fact]
    public async Task What_is_not_whole_is_no_tile()
    {
        await File.WriteAllBytesAsync(ledger.PathOf("tile/0/000"), new byte[33], TestContext.Current.CancellationToken);
        Assert.StartsWith("HTTP/1.1 500 ", await SendAsync($"GET /tile/0/000 HTTP/1.1\r\nHost: {server.EndPoint}\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_ends_with_130_and_a_port_that_is_taken_is_told()
    {
        using var interrupted = new CancellationTokenSource(TimeSpan.FromMilliseconds(1));
        var ended = await ledger.Bench.GatesAsync(["ledger", "serve", ledger.Log, "--listen", "127.0.0.1:0"], "", interrupted.Token);
        Assert.Equal(130, ended.ExitCode);
        var taken = await ledger.LedgerAsync("serve", ledger.Log, "--listen", server.EndPoint.ToString());
        Assert.Equal(2, taken.ExitCode);
        Assert.Contains("cannot listen on", taken.Error, StringComparison.Ordinal);
    }

    private async Task<string> SendAsync(string request)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(server.EndPoint, TestContext.Current.CancellationToken);
        var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(request), TestContext.Current.CancellationToken);
        using var answer = new MemoryStream();
        await stream.CopyToAsync(answer, TestContext.Current.CancellationToken);
        return Encoding.Latin1.GetString(answer.ToArray());
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => serving);
        server.Dispose();
        http.Dispose();
        stop.Dispose();
        ledger.Dispose();
    }
}
