using System.Net.Security;
using Governance.Gates.Clients.Evidence;
using Governance.Gates.Clients.GateState;
using Governance.Gates.Clients.Prometheus;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Clients.Revocations;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Governance.Gates.Webhook;

/// <summary>What the gate remembers.</summary>
/// <param name="Folder">Where; null where nothing must be remembered.</param>
internal sealed record GateState(GateStateFolder? Folder) : IDisposable
{
    public void Dispose() => Folder?.Dispose();
}

/// <summary>Wires the webhook.</summary>
internal static class WebhookHost
{
    /// <summary>Builds the server, with everything loaded and checked.</summary>
    /// <exception cref="GateException">Configuration is wrong; the message lists every mistake.</exception>
    public static WebApplication Build(WebhookOptions options, TimeProvider clock)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddJsonConsole(console => (console.UseUtcTimestamp, console.TimestampFormat) = (true, "yyyy-MM-dd'T'HH:mm:ss.fff'Z'")).SetMinimumLevel(LogLevel.Information).AddFilter("Microsoft", LogLevel.Warning);
        builder.Services
            .AddSingleton(options)
            .AddSingleton(clock)
            .AddSingleton<IMemoryPoolFactory<byte>, ReviewBlocks>()
            .AddSingleton<GateMetrics>()
            .AddSingleton(_ => new GateState(options.State is { } folder ? GateStateFolder.Open(folder, clock) : null))
            .AddSingleton(services => Revocations(options, services.GetRequiredService<IRegistry>(), services.GetRequiredService<GateState>().Folder))
            .AddSingleton<RevocationsOf>(services => (policy, now, cancellation) => services.GetRequiredService<RevocationFeed>().CurrentAsync(policy, now, cancellation))
            .AddSingleton(services => new LivePolicy(options, services.GetRequiredService<GateState>().Folder, services.GetRequiredService<RevocationsOf>(), services.GetRequiredService<GateLedger>(), services.GetRequiredService<GateMetrics>(), clock, services.GetRequiredService<ILogger<LivePolicy>>()))
            .AddSingleton(services => new LiveCertificate(options.Certificate, options.Key, services.GetRequiredService<GateMetrics>(), services.GetRequiredService<ILogger<LiveCertificate>>()))
            .AddSingleton(services => new ClientAuthorities(options.ClientCa, services.GetRequiredService<ILogger<ClientAuthorities>>()))
            .AddSingleton(_ => Registry(options, clock))
            .AddSingleton<GateLedger>()
            .AddSingleton(services => new ClaimCache(services.GetRequiredService<IRegistry>(), clock, services.GetRequiredService<GateLedger>().Keep))
            .AddSingleton(services => new AdmissionJudge(
                services.GetRequiredService<ClaimCache>(),
                services.GetRequiredService<GateState>().Folder?.AdmittedRecords ?? new MemoryAdmittedRecords(),
                new(services.GetRequiredService<RevocationsOf>()),
                clock))
            .AddSingleton<AdmissionEndpoint>()
            .AddSingleton<Lifetime>()
            .AddHostedService(services => services.GetRequiredService<Lifetime>());
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(30) + options.Drain);
        builder.WebHost.ConfigureKestrel((_, kestrel) =>
        {
            var certificate = kestrel.ApplicationServices.GetRequiredService<LiveCertificate>();
            var clients = kestrel.ApplicationServices.GetRequiredService<ClientAuthorities>();
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null; // The endpoint stops reading past its own limit, so that it can refuse with the request's uid.
            kestrel.Listen(options.Listen, listen => listen.UseHttps(new TlsHandshakeCallbackOptions
            {
                OnConnection = handshake =>
                {
                    var tls = new SslServerAuthenticationOptions { ServerCertificateContext = certificate.Current };
                    clients.Ask(tls, handshake.Connection.Features);
                    return ValueTask.FromResult(tls);
                },
            }));
        });

        var app = builder.Build();
        try
        {
            Load(app.Services);
        }
        catch
        {
            // The state folder is held by one process: who tries again must find it free.
            ((IAsyncDisposable)app).DisposeAsync().AsTask().GetAwaiter().GetResult();
            throw;
        }

        var metrics = app.Services.GetRequiredService<GateMetrics>();
        var text = new MetricsText(metrics.Meter);
        metrics.Begin(app.Services.GetRequiredService<ClaimCache>());
        var lifetime = app.Services.GetRequiredService<Lifetime>();
        app.MapPost("/validate", app.Services.GetRequiredService<AdmissionEndpoint>().ValidateAsync);
        app.MapGet("/health/live", (HttpContext context) => context.Response.WriteAsync("live\n"));
        app.MapGet("/health/ready", lifetime.ReadyAsync);
        app.MapGet("/metrics", (HttpContext context) =>
        {
            context.Response.ContentType = MetricsText.ContentType;
            return context.Response.WriteAsync(text.Write());
        });
        return app;
    }

    private static IRegistry Registry(WebhookOptions options, TimeProvider clock) =>
        options.Layout is { } layout
            ? OciLayout.Open(layout)
            : new OciRegistry(new RegistryOptions { CaFile = options.RegistryCa, PlainHttpHosts = [.. options.PlainHttp] }, DockerCredentials.Load(), clock);

    // A list counts when it is kept: after a restart no older one is believed, and nobody whom it revokes signs the next.
    private static RevocationFeed Revocations(WebhookOptions options, IRegistry registry, GateStateFolder? state)
    {
        const string Kept = "revocations";
        return new(Path.GetDirectoryName(Path.GetFullPath(options.Policy))!, registry, state?.LastRevocations(Kept), async (list, cancellation) =>
            state is not null && await state.RememberRevocationsAsync(Kept, list, cancellation) is Reading<long>.Unread(var reason) ? reason : null);
    }

    // Everything is tried, so that one start tells every mistake.
    private static void Load(IServiceProvider services)
    {
        var mistakes = new List<GateException>();
        Action[] steps = [services.GetRequiredService<LiveCertificate>().Load, services.GetRequiredService<ClientAuthorities>().Load, () => services.GetRequiredService<IRegistry>(), () => services.GetRequiredService<GateState>(), services.GetRequiredService<GateLedger>().Open, services.GetRequiredService<LivePolicy>().Load];
        foreach (var step in steps)
        {
            try
            {
                step();
            }
            catch (GateException mistake)
            {
                mistakes.Add(mistake);
            }
        }

        if (mistakes.Count > 0)
        {
            throw mistakes.Count == 1 ? mistakes[0] : new GateException(string.Join('\n', mistakes.Select(mistake => mistake.Message)), $"mend all {mistakes.Count} and start again");
        }
    }
}
