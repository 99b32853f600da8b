using System.CommandLine;
using Governance.Gates.Clients.Consoles;
using Governance.Gates.Webhook;

namespace Governance.Gates.Tests.Webhook;

/// <summary>Runs the commands of gates-webhook in this process.</summary>
internal static class Commands
{
    public static async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
    {
        var root = new RootCommand("") { ServeCommand.Create(), ManifestsCommand.Create(), CertificateCommand.Create() };
        using var output = new StringWriter();
        using var error = new StringWriter();
        return (await CommandRunner.RunAsync(root, arguments, output, error), output.ToString(), error.ToString());
    }
}
