namespace Governance.Gates.Webhook;

/// <summary>Watches the files while the webhook runs, and says whether it is ready.</summary>
internal sealed class Lifetime(LivePolicy policy, LiveCertificate certificate, ClientAuthorities clients, WebhookOptions options, TimeProvider clock) : BackgroundService, IHostedLifecycleService
{
    private volatile bool stopping;

    public Task ReadyAsync(HttpContext context)
    {
        // A bad edit of the policy must not take the gate out of its Service: under failurePolicy Fail that would stop the cluster.
        context.Response.StatusCode = stopping ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
        return context.Response.WriteAsync(
            stopping ? "stopping\n"
            : policy.Mistake is { } refused ? $"degraded: the changed policy was refused, and version {policy.Current.Policy.Version} stays in force: {refused}\n"
            : "ready\n");
    }

    // Before the first question: the file may have changed while nobody looked, and the first policy must be remembered.
    public Task StartingAsync(CancellationToken cancellationToken) => policy.ReloadAsync(cancellationToken).AsTask();

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        stopping = true;
        await Task.Delay(options.Drain, clock, cancellationToken);
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.ReloadEvery, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await policy.ReloadAsync(stoppingToken);
            certificate.Reload();
            clients.Reload();
        }
    }
}
