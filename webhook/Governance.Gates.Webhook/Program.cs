using System.CommandLine;
using Governance.Gates.Clients.Consoles;
using Governance.Gates.Webhook;

var root = new RootCommand("The admission gate as a Kubernetes validating webhook.")
{
    ServeCommand.Create(),
    ManifestsCommand.Create(),
    CertificateCommand.Create(),
};
return await CommandRunner.RunAsync(root, args, Console.Out, Console.Error);
