using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Governance.Gates.Testing.Processes;

/// <summary>A process that a test starts, reads and ends: gone when the test is, by its id and never by its name.</summary>
public sealed class ChildProcess : IAsyncDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);
    private static readonly ConcurrentDictionary<ChildProcess, bool> Running = new();
    private readonly Process process;

    // Guards lines and waiters together: a line that comes between the look and the wait would otherwise be missed.
    private readonly Lock reading = new();
    private readonly List<string> lines = [];
    private readonly List<Waiter> waiters = [];
    private readonly Task ended;

    static ChildProcess() => AppDomain.CurrentDomain.ProcessExit += (_, _) =>
    {
        foreach (var child in Running.Keys)
        {
            child.Kill();
        }
    };

    private ChildProcess(Process process)
    {
        this.process = process;
        process.OutputDataReceived += (_, line) => Add(line.Data);
        process.ErrorDataReceived += (_, line) => Add(line.Data);
        Running[this] = true;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        ended = FollowAsync();
    }

    /// <summary>The process id.</summary>
    public int Id => process.Id;

    /// <summary>Whether the process has ended.</summary>
    public bool HasExited => process.HasExited;

    /// <summary>What it wrote so far, standard output and standard error in the order they came.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (reading)
            {
                return [.. lines];
            }
        }
    }

    /// <summary>Starts a program with its arguments as they stand, without a shell.</summary>
    /// <param name="program">A path, or a name on PATH.</param>
    /// <param name="arguments">The arguments.</param>
    /// <param name="environment">Variables to set over this process's own; null removes one.</param>
    public static ChildProcess Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment = null) =>
        new(Process.Start(StartInfo(program, arguments, environment))
            ?? throw new InvalidOperationException($"{program} did not start"));

    /// <summary>The first line, of those there are and those to come, that the predicate accepts.</summary>
    /// <exception cref="InvalidOperationException">The process ended, or the time ran out; the message holds its last lines.</exception>
    public async Task<string> WaitForLineAsync(Func<string, bool> predicate, TimeSpan timeout, CancellationToken cancellation = default)
    {
        var waiter = new Waiter(predicate, new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously));
        lock (reading)
        {
            if (lines.Find(line => predicate(line)) is { } line)
            {
                return line;
            }

            waiters.Add(waiter);
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(timeout);
        try
        {
            await Task.WhenAny(waiter.Found.Task, ended).WaitAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw Failed($"did not write the awaited line within {timeout.TotalSeconds} s");
        }

        return waiter.Found.Task.IsCompletedSuccessfully ? await waiter.Found.Task : throw Failed("ended before it wrote the awaited line");
    }

    /// <summary>Waits until something accepts connections on a port of 127.0.0.1.</summary>
    /// <exception cref="InvalidOperationException">The process ended, or the time ran out; the message holds its last lines.</exception>
    public Task WaitForPortAsync(int port, TimeSpan timeout, CancellationToken cancellation = default) =>
        WaitForAsync(
            async stop =>
            {
                using var client = new TcpClient();
                try
                {
                    await client.ConnectAsync(IPAddress.Loopback, port, stop);
                    return true;
                }
                catch (SocketException)
                {
                    return false;
                }
            },
            $"accept connections on port {port}",
            timeout,
            cancellation);

    /// <summary>Waits until an address answers with a status of success.</summary>
    /// <exception cref="InvalidOperationException">The process ended, or the time ran out; the message holds its last lines.</exception>
    public Task WaitForHttpAsync(HttpClient client, Uri address, TimeSpan timeout, CancellationToken cancellation = default) =>
        WaitForAsync(
            async stop =>
            {
                try
                {
                    using var answer = await client.GetAsync(address, stop);
                    return answer.IsSuccessStatusCode;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            $"answer well at {address}",
            timeout,
            cancellation);

    /// <summary>Waits for the end of the process and gives its exit code.</summary>
    public async Task<int> WaitForExitAsync(CancellationToken cancellation = default)
    {
        await ended.WaitAsync(cancellation);
        return process.ExitCode;
    }

    /// <summary>Sends SIGTERM, and SIGKILL when the process is still there after ten seconds; gives its exit code.</summary>
    public async Task<int> StopAsync()
    {
        Terminate();
        try
        {
            await ended.WaitAsync(Grace);
        }
        catch (TimeoutException)
        {
            Kill();
            await ended;
        }

        return process.ExitCode;
    }

    /// <summary>Sends SIGTERM.</summary>
    public void Terminate() => Send(15);

    /// <summary>Sends SIGKILL: the process gets no chance to finish anything.</summary>
    public void Kill() => Send(9);

    /// <summary>Ends the process as <see cref="StopAsync"/> does.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        process.Dispose();
    }

    internal static ProcessStartInfo StartInfo(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?>? environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string?>())
        {
            start.Environment[name] = value;
        }

        return start;
    }

    // A program that waits for connections tells nobody when it is ready, so it is asked at short intervals.
    private async Task WaitForAsync(Func<CancellationToken, Task<bool>> isReady, string what, TimeSpan timeout, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(timeout);
        using var interval = new PeriodicTimer(TimeSpan.FromMilliseconds(25));
        try
        {
            while (!await isReady(limit.Token))
            {
                if (ended.IsCompleted)
                {
                    throw Failed($"ended before it could {what}");
                }

                await interval.WaitForNextTickAsync(limit.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw Failed($"did not {what} within {timeout.TotalSeconds} s");
        }
    }

    private async Task FollowAsync()
    {
        // Also waits until both outputs are read to their end.
        await process.WaitForExitAsync();
        Running.TryRemove(this, out _);
    }

    private void Add(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (reading)
        {
            lines.Add(line);
            foreach (var waiter in waiters.FindAll(waiter => waiter.Predicate(line)))
            {
                waiter.Found.TrySetResult(line);
                waiters.Remove(waiter);
            }
        }
    }

    private void Send(int signal)
    {
        // The runtime reaps the process once it has ended, and only then may its id go to another.
        if (!process.HasExited)
        {
            _ = kill(process.Id, signal);
        }
    }

    private InvalidOperationException Failed(string what) =>
        new($"{process.StartInfo.FileName} {what}; its last lines:\n{string.Join('\n', Lines.TakeLast(20))}");

    [DllImport("libc")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
#pragma warning disable IDE1006 // the C library's own name
    private static extern int kill(int pid, int signal);
#pragma warning restore IDE1006

    private sealed record Waiter(Func<string, bool> Predicate, TaskCompletionSource<string> Found);
}
