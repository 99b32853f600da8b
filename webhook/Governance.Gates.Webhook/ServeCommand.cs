using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using Governance.Gates.Images;

namespace Governance.Gates.Webhook;

/// <summary><c>gates-webhook serve</c>.</summary>
internal static class ServeCommand
{
    public static Command Create()
    {
        var policy = new Option<string>("--policy") { Description = "The policy file.", Required = true };
        var certificate = new Option<string>("--certificate") { Description = "Server certificate with its chain, PEM.", Required = true };
        var key = new Option<string>("--key") { Description = "Its private key, PEM.", Required = true };
        var listen = new Option<string>("--listen") { Description = "Address and port.", DefaultValueFactory = _ => "0.0.0.0:8443" };
        var clients = new Option<string?>("--client-ca") { Description = "Authorities, PEM, of the client certificate that the API server shows; without it, whoever reaches the port may ask and use approvals up." };
        var cluster = new Option<string?>("--cluster-uid") { Description = "UID of this cluster's kube-system namespace; needed where rules name environments." };
        var state = new Option<string?>("--state") { Description = "The folder in which the gate remembers what it admitted under approvals and which policy it accepted. One process at a time." };
        var ledger = new Option<string?>("--ledger") { Description = "The folder of the ledger in which every decision is recorded before it is answered. Its key lies beside it, as gates ledger init makes it." };
        var origin = new Option<string?>("--ledger-origin") { Description = "The name of the log, such as <policy>/<environment>/<cluster>/<writer>: where it has no key yet, one is made under this name." };
        var spool = new Option<string?>("--ledger-spool") { Description = "A folder on another disk. In the modes warn and audit, entries that the ledger cannot take are kept there, and a gap entry names the file later." };
        var checkpoints = new Option<string?>("--ledger-checkpoints") { Description = "A folder, best on a disk of somebody else, in which each signed checkpoint of the ledger is published: checkpoint is the last, checkpoint.SIZE each." };
        var root = new Option<string?>("--policy-root") { Description = "sha256:… of the first policy that this gate follows; later ones need the agreement of those whom it names." };
        var layout = new Option<string?>("--layout") { Description = "An OCI image layout folder that stands in for every registry." };
        var registryCa = new Option<string?>("--registry-ca") { Description = "Certificate authorities of registries, PEM, besides the system's." };
        var plainHttp = new Option<string[]>("--plain-http") { Description = "A registry host that speaks plain http although it is not loopback." };
        var drain = new Option<int>("--drain-seconds") { Description = "How long to go on answering, unready, after SIGTERM." };
        drain.Validators.Add(result =>
        {
            if (result.GetValue(drain) is < 0 or > 60)
            {
                result.AddError("--drain-seconds is 0 to 60");
            }
        });
        root.Validators.Add(result =>
        {
            if (result.GetValue(root) is { } text && Digest.TryParse(text) is null)
            {
                result.AddError($"--policy-root '{text}' is no digest: write sha256: and 64 lower-case hex digits");
            }
        });
        listen.Validators.Add(result =>
        {
            if (!IPEndPoint.TryParse(result.GetValue(listen)!, out _))
            {
                result.AddError($"--listen '{result.GetValue(listen)}' is no address and port, such as 127.0.0.1:8443");
            }
        });

        var command = new Command("serve", "Answers AdmissionReviews over TLS. Example: gates-webhook serve --policy governance.yaml --certificate tls.crt --key tls.key")
        {
            policy, certificate, key, listen, clients, cluster, state, ledger, origin, spool, checkpoints, root, layout, registryCa, plainHttp, drain,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(checkpoints) is not null && result.GetValue(ledger) is null)
            {
                result.AddError("--ledger-checkpoints publishes checkpoints of a ledger: name it with --ledger");
            }

            if (result.GetValue(spool) is not null && result.GetValue(ledger) is null)
            {
                result.AddError("--ledger-spool keeps what a ledger cannot take: name it with --ledger");
            }
        });
        command.SetAction(async (parsed, cancellation) =>
        {
            await using var app = WebhookHost.Build(
                new()
                {
                    Policy = parsed.GetRequiredValue(policy),
                    Certificate = parsed.GetRequiredValue(certificate),
                    Key = parsed.GetRequiredValue(key),
                    Listen = IPEndPoint.Parse(parsed.GetRequiredValue(listen)),
                    ClientCa = parsed.GetValue(clients),
                    ClusterUid = parsed.GetValue(cluster),
                    State = parsed.GetValue(state),
                    Ledger = parsed.GetValue(ledger),
                    LedgerOrigin = parsed.GetValue(origin),
                    LedgerSpool = parsed.GetValue(spool),
                    LedgerCheckpoints = parsed.GetValue(checkpoints),
                    PolicyRoot = Digest.TryParse(parsed.GetValue(root)),
                    Layout = parsed.GetValue(layout),
                    RegistryCa = parsed.GetValue(registryCa),
                    PlainHttp = parsed.GetValue(plainHttp) ?? [],
                    Drain = TimeSpan.FromSeconds(parsed.GetValue(drain)),
                },
                TimeProvider.System);
            await StartAsync(app, parsed.GetRequiredValue(listen), cancellation);
            await app.WaitForShutdownAsync(cancellation);
            return ExitCode.Allowed;
        });
        return command;
    }

    private static async Task StartAsync(WebApplication app, string listen, CancellationToken cancellation)
    {
        try
        {
            await app.StartAsync(cancellation);
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            throw new GateException($"cannot listen on {listen}: {exception.GetBaseException().Message}", "choose an address of this machine and a port that is free and that this user may open", exception);
        }
    }
}
