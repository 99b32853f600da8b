using System.Net;
using System.Net.Sockets;
using System.Text;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>Serves a log over HTTP as C2SP tlog-tiles asks: checkpoint, tiles and bundles, and nothing else. Read-only.</summary>
/// <remarks>One request a connection, a few connections at once, each for a bounded time: it is for auditors and mirrors, not for the Internet.</remarks>
public sealed class LedgerServer : IDisposable
{
    private const int MostHeadBytes = 8 * 1024;
    private const int MostUnread = 64 * 1024;
    private const int MostConnections = 32;
    private const string Immutable = "public, max-age=31536000, immutable";
    private const string Binary = "application/octet-stream";
    private const string Plain = "text/plain; charset=utf-8";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly LedgerFolder folder;
    private readonly TcpListener listener;
    private readonly TimeProvider clock;

    private LedgerServer(LedgerFolder folder, TcpListener listener, TimeProvider clock)
    {
        this.folder = folder;
        this.listener = listener;
        this.clock = clock;
    }

    /// <summary>Where it listens; the port that was chosen where none was asked for.</summary>
    public IPEndPoint EndPoint => (IPEndPoint)listener.LocalEndpoint;

    private static ReadOnlySpan<byte> EndOfHead => "\r\n\r\n"u8;

    /// <summary>Begins to listen.</summary>
    /// <param name="folder">The log.</param>
    /// <param name="listen">Where; port 0 chooses one.</param>
    /// <param name="clock">The clock.</param>
    /// <exception cref="GateException">It cannot listen there.</exception>
    public static LedgerServer Start(LedgerFolder folder, IPEndPoint listen, TimeProvider clock)
    {
        var listener = new TcpListener(listen);
        try
        {
            listener.Start();
            return new(folder, listener, clock);
        }
        catch (SocketException exception)
        {
            listener.Dispose();
            throw new GateException($"cannot listen on {listen}: {exception.Message}", "name an address of this machine and a port that is free", exception);
        }
    }

    /// <summary>Answers until it is cancelled.</summary>
    public Task RunAsync(CancellationToken cancellation) => Task.WhenAll(Enumerable.Range(0, MostConnections).Select(_ => AnswerAllAsync(cancellation)));

    /// <inheritdoc/>
    public void Dispose() => listener.Dispose();

    private async Task AnswerAllAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                using var socket = await listener.AcceptSocketAsync(cancellation).ConfigureAwait(false);
                using var timer = new CancellationTokenSource(Patience, clock);
                using var both = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellation);
                await AnswerAsync(socket, both.Token).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is IOException or SocketException || (exception is OperationCanceledException && !cancellation.IsCancellationRequested))
            {
                // Whoever asked has gone, or was too slow. Should it be the listener itself, this does not spin.
                await Task.Delay(Pause, clock, cancellation).ConfigureAwait(false);
            }
        }
    }

    private async Task AnswerAsync(Socket socket, CancellationToken cancellation)
    {
        await using var stream = new NetworkStream(socket);
        var head = new byte[MostHeadBytes];
        await AnswerAsync(stream, head, cancellation).ConfigureAwait(false);

        // Closed with bytes that nobody read, a connection is reset, and the answer with it (RFC 9112, section 9.6).
        socket.Shutdown(SocketShutdown.Send);
        for (var left = MostUnread; left > 0 && await stream.ReadAsync(head, cancellation).ConfigureAwait(false) is > 0 and var read;)
        {
            left -= read;
        }
    }

    private async Task AnswerAsync(NetworkStream stream, byte[] head, CancellationToken cancellation)
    {
        var length = 0;
        while (head.AsSpan(0, length).IndexOf(EndOfHead) < 0)
        {
            if (length == head.Length)
            {
                await WriteAsync(stream, Answer.Of(431, "Request Header Fields Too Large"), true, cancellation).ConfigureAwait(false);
                return;
            }

            var read = await stream.ReadAsync(head.AsMemory(length), cancellation).ConfigureAwait(false);
            if (read == 0)
            {
                return;
            }

            length += read;
        }

        var lines = Encoding.Latin1.GetString(head, 0, head.AsSpan(0, length).IndexOf(EndOfHead)).Split("\r\n");
        await WriteAsync(stream, ToAnswer(lines), !lines[0].StartsWith("HEAD ", StringComparison.Ordinal), cancellation).ConfigureAwait(false);
    }

    private Answer ToAnswer(string[] lines)
    {
        if (lines[0].Split(' ') is not [var method, ['/', .. var path], "HTTP/1.1" or "HTTP/1.0"])
        {
            return Answer.Of(400, "Bad Request");
        }

        if (method is not ("GET" or "HEAD"))
        {
            return Answer.Of(405, "Method Not Allowed", "Allow: GET, HEAD\r\n");
        }

        // A page of somebody else's, whose name was made to lead to this machine, sends that name (DNS rebinding).
        if (IPAddress.IsLoopback(EndPoint.Address) && !lines.Skip(1).Any(IsOwnHost))
        {
            return Answer.Of(421, "Misdirected Request");
        }

        // Only what is spelled as a path of the format reaches the disk.
        return path == LedgerFolder.CheckpointName ? ToAnswer(folder.FindCheckpoint(), Plain, "no-cache")
            : TileAddress.TryParse(path) is { } address ? ToAnswer(Cut(folder.Find(address), address), Binary, Immutable)
            : Answer.Of(404, "Not Found");
    }

    private bool IsOwnHost(string line) =>
        line.StartsWith("host:", StringComparison.OrdinalIgnoreCase) && line[5..].Trim() is var host && (host == EndPoint.ToString() || host.Equals($"localhost:{EndPoint.Port}", StringComparison.OrdinalIgnoreCase));

    private static Answer ToAnswer(Reading<ReadOnlyMemory<byte>?> reading, string type, string caching) => reading switch
    {
        Reading<ReadOnlyMemory<byte>?>.Found({ } bytes) => new(200, "OK", type, $"Cache-Control: {caching}\r\n", bytes),
        Reading<ReadOnlyMemory<byte>?>.Found => Answer.Of(404, "Not Found"),
        _ => Answer.Of(500, "Internal Server Error"),
    };

    // Where the full one stands by now, the partial one is its beginning.
    private static Reading<ReadOnlyMemory<byte>?> Cut(Reading<ReadOnlyMemory<byte>?> reading, TileAddress address)
    {
        if (reading is not Reading<ReadOnlyMemory<byte>?>.Found({ } bytes))
        {
            return reading;
        }

        long length = (long)address.Width * TreeHash.Size;
        if (address.IsEntries)
        {
            length = EntryBundle.Read(bytes).Try(out var entries, out _) && entries.Length >= address.Width ? entries.Take(address.Width).Sum(entry => (long)entry.Length + sizeof(ushort)) : long.MaxValue;
        }

        return length <= bytes.Length
            ? new Reading<ReadOnlyMemory<byte>?>.Found(bytes[..(int)length])
            : new Reading<ReadOnlyMemory<byte>?>.Unread(new("ledger", $"{address} is not whole", "restore it from a copy of the log"));
    }

    private static async Task WriteAsync(NetworkStream stream, Answer answer, bool withBody, CancellationToken cancellation)
    {
        var head = FormattableString.Invariant($"HTTP/1.1 {answer.Status} {answer.Phrase}\r\nContent-Type: {answer.Type}\r\nContent-Length: {answer.Body.Length}\r\n{answer.More}X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head), cancellation).ConfigureAwait(false);
        if (withBody)
        {
            await stream.WriteAsync(answer.Body, cancellation).ConfigureAwait(false);
        }
    }

    private sealed record Answer(int Status, string Phrase, string Type, string More, ReadOnlyMemory<byte> Body)
    {
        public static Answer Of(int status, string phrase, string more = "") => new(status, phrase, Plain, more + "Cache-Control: no-store\r\n", Encoding.ASCII.GetBytes(phrase + "\n"));
    }
}
