using Governance.Gates.Cli;
using Governance.Gates.Cli.Consoles;

return await GatesCommand.RunAsync(args, new Terminal(Console.OpenStandardInput(), Console.Out, Console.Error) { ShowsProgress = !Console.IsErrorRedirected, CanAsk = !Console.IsErrorRedirected && !Console.IsInputRedirected });
