using System.CommandLine;
using Governance.Gates.Clients.Consoles;
using Governance.Gates.Webhook;

var root = new RootCommand("The admission gate as a Kubernetes validating webhook.")
{
    ServeCommand.Create(),
    ManifestsCommand.Create(),
    CertificateCommand.Create(),
};

// The server has its own, shorter limits for draining and for requests under way.
return await CommandRunner.RunAsync(root, args, Console.Out, Console.Error, farewell: TimeSpan.FromMinutes(2));
