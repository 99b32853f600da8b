using Governance.Gates.Testing;
using Governance.Gates.Testing.Certificates;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Cluster;

/// <summary>The webhook as users run it: the program that <c>make build</c> leaves, in a process of its own.</summary>
public sealed class WebhookProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);
    private readonly IReadOnlyList<string> arguments;
    private readonly IReadOnlyDictionary<string, string?>? environment;
    private readonly HttpClient client;
    private readonly List<string> earlierLines = [];
    private ChildProcess? process;

    private WebhookProcess(ThrowAwayCa ca, int port, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string?>? environment)
    {
        (this.arguments, this.environment, client) = (arguments, environment, ca.CreateHttpClient());
        Address = new($"https://127.0.0.1:{port}");
    }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>A client that trusts the webhook's certificate authority.</summary>
    public HttpClient Client => client;

    /// <summary>The id of the process that runs now.</summary>
    public int Id => Now.Id;

    /// <summary>What it logged so far, all starts together.</summary>
    public IReadOnlyList<string> Lines => [.. earlierLines, .. process?.Lines ?? []];

    /// <summary>Why it cannot be started here; null where it can.</summary>
    public static string? WhyNot => File.Exists(Program) ? null : $"there is no {Program}; run make build, or name its folder in GATES_BIN";

    private static string Program => Path.Combine(ProjectTree.Bin, "gates-webhook");

    private ChildProcess Now => process ?? throw new InvalidOperationException("the webhook does not run");

    /// <summary>Starts the webhook and waits until <c>/health/ready</c> answers over TLS.</summary>
    /// <param name="ca">Who issued its certificate; nobody else is trusted.</param>
    /// <param name="port">The port of 127.0.0.1 that the arguments tell it to listen on.</param>
    /// <param name="arguments">The command line.</param>
    /// <param name="environment">Variables to set over this process's own; null removes one.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public static async Task<WebhookProcess> StartAsync(
        ThrowAwayCa ca,
        int port,
        IReadOnlyList<string> arguments,
        IReadOnlyDictionary<string, string?>? environment = null,
        CancellationToken cancellation = default)
    {
        var webhook = new WebhookProcess(ca, port, arguments, environment);
        try
        {
            await webhook.StartAgainAsync(cancellation);
            return webhook;
        }
        catch
        {
            await webhook.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts it again with the same command line on the same port, after it ended.</summary>
    public async Task StartAgainAsync(CancellationToken cancellation = default)
    {
        if (process is not null)
        {
            throw new InvalidOperationException($"the webhook still runs as {process.Id}; stop or kill it first");
        }

        process = ChildProcess.Start(Program, arguments, environment);
        await process.WaitForHttpAsync(client, new(Address, "/health/ready"), StartLimit, cancellation);
    }

    /// <summary>Waits for a line of its log.</summary>
    public Task<string> WaitForLineAsync(Func<string, bool> predicate, TimeSpan timeout, CancellationToken cancellation = default) =>
        Now.WaitForLineAsync(predicate, timeout, cancellation);

    /// <summary>Ends it with SIGKILL: nothing under way is finished.</summary>
    public async Task KillAsync()
    {
        Now.Kill();
        await Now.WaitForExitAsync();
        await ForgetAsync();
    }

    /// <summary>Asks it to end with SIGTERM and gives its exit code.</summary>
    public async Task<int> StopAsync()
    {
        var code = await Now.StopAsync();
        await ForgetAsync();
        return code;
    }

    /// <summary>Ends it.</summary>
    public async ValueTask DisposeAsync()
    {
        if (process is not null)
        {
            await process.StopAsync();
            await ForgetAsync();
        }

        client.Dispose();
    }

    private async Task ForgetAsync()
    {
        earlierLines.AddRange(Now.Lines);
        await Now.DisposeAsync();
        process = null;
    }
}
