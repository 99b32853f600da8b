namespace Governance.Gates.Webhook;

/// <summary>Watches the files while the webhook runs, and says whether it is ready.</summary>
internal sealed class Lifetime(LivePolicy policy, LiveCertificate certificate, ClientAuthorities clients, GateLedger ledger, WebhookOptions options, TimeProvider clock) : BackgroundService, IHostedLifecycleService
{
    private volatile bool stopping;

    public Task ReadyAsync(HttpContext context)
    {
        // A bad edit of the policy must not take the gate out of its Service: under failurePolicy Fail that would stop the cluster.
        // A ledger that takes nothing must, where everything is refused without it: another replica may have one that does.
        var failure = ledger.Failure;
        context.Response.StatusCode = stopping || (failure is not null && policy.Current.Policy.Admission.Mode == Mode.Enforce) ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
        return context.Response.WriteAsync(
            stopping ? "stopping\n"
            : policy.Mistake is { } refused ? $"degraded: the changed policy was refused, and version {policy.Current.Policy.Version} stays in force: {refused}\n"
            : (failure ?? ledger.Warning) is { } told ? $"degraded: {told}\n"
            : "ready\n");
    }

    // Before the first question: the file may have changed while nobody looked, and the first policy must be remembered.
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        await ledger.StartAsync(policy.Current.Policy, cancellationToken);
        await policy.ReloadAsync(cancellationToken);
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        stopping = true;
        await Task.Delay(options.Drain, clock, cancellationToken);
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(ledger.RunAsync(stoppingToken), ReloadAsync(stoppingToken));

    private async Task ReloadAsync(CancellationToken stoppingToken)
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
