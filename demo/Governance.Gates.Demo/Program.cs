using Governance.Gates.Demo;

// make demo: `bin` holds gates and gates-webhook, the folder keeps what the demo makes where one is named.
var (bin, kept) = (args[0], args.Length > 1 && args[1].Length > 0 ? args[1] : null);
if (Directory.Exists(kept) && Directory.EnumerateFileSystemEntries(kept).Any())
{
    Console.Error.WriteLine($"demo: {kept} is not empty; name a new folder in KEEP");
    return 64;
}

var folder = Directory.CreateDirectory(kept ?? Path.Combine(Path.GetTempPath(), $"governance-gates-demo-{Guid.NewGuid():N}")).FullName;
using var interrupted = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    interrupted.Cancel();
};
try
{
    var world = await DemoWorld.MakeAsync(bin, folder, interrupted.Token);
    var surprises = 0;
    await using (var webhook = await RunningWebhook.StartAsync(bin, world, interrupted.Token))
    {
        Console.WriteLine($"{"case",-47} {"verdict",-8} answer");
        foreach (var demo in DemoCase.All(world))
        {
            var answer = await webhook.AskAsync(demo, interrupted.Token);
            surprises += answer.Verdict == demo.Expected ? 0 : 1;
            answer.Print(demo.Name, demo.Expected);
        }

        new DemoAnswer(world.OwnApproval.Length == 0, world.OwnApproval.Length == 0 ? "allow" : "deny", world.OwnApproval).Print("alice approves what alice asked for", "deny");
        var policy = await File.ReadAllTextAsync(world.Policy, interrupted.Token);
        await world.WeakenAsync(interrupted.Token);
        new DemoAnswer(false, "deny", await webhook.WhenNotReadyAsync(interrupted.Token)).Print("a weaker policy that nobody approved", "deny");
        await File.WriteAllTextAsync(world.Policy, policy, interrupted.Token);
    }

    surprises += await new DemoLedger(bin, world).ShowAsync(interrupted.Token);
    Console.WriteLine(kept is null ? "KEEP=DIR make demo keeps policy, keys, image layout, ledger and log." : $"Kept in {folder}: policy, keys, image layout, ledger and log.");
    return surprises;
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("demo: interrupted");
    return 130;
}
finally
{
    if (kept is null)
    {
        Directory.Delete(folder, recursive: true);
    }
}
