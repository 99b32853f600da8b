using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;
using Governance.Gates.Tests.Ledgers;

namespace Governance.Gates.Tests.Cli;

/// <summary>A log of a firm in which two auditors must agree before a damaged ledger goes on. Ann asks; ben, cem and dan are auditors.</summary>
internal sealed class RecoveryBench : IDisposable
{
    private static readonly string[] People = ["ann", "ben", "cem", "dan"];

    public RecoveryBench()
    {
        foreach (var person in People)
        {
            Bench.Key(person);
        }

        Policy = WritePolicy();
    }

    public LedgerBench Ledger { get; } = new();

    public Workbench Bench => Ledger.Bench;

    public string Log => Ledger.Log;

    public string Policy { get; }

    /// <summary>Where the recovery document is written.</summary>
    public string Document => Bench.Folder.PathOf("recovery.json");

    /// <summary>The folders in which damaged logs, or drafts, are.</summary>
    public string[] Aside => Directory.GetDirectories(Bench.Folder.Path, "log.recovery-*");

    public string WritePolicy(string trust = "", string ledger = "ledger: { recover: { action: ledger-recovery } }", string name = "governance.yaml", Digest? after = null) => Bench.Folder.Write(name, $$"""
        apiVersion: governance.gates/v1alpha1
        kind: GovernancePolicy
        metadata: { name: firm, version: {{(after is null ? "1" : $"2, previous: \"{after}\"")}} }
        spec:
          people:
            ann: { id: p-1, keys: [ann] }
            ben: { id: p-2, keys: [ben] }
            cem: { id: p-3, keys: [cem] }
            dan: { id: p-4, keys: [dan] }
          roles:
            auditor: { people: [ben, cem, dan] }
          trust:
            keys:
              {{string.Join("\n      ", People.Select(key => $"{key}: {{ spki: \"{Spki(key)}\", file: {key}.pub }}"))}}
            {{trust}}
          approvals:
            ledger-recovery: { require: [{ role: auditor, count: 2 }], useBy: 1d }
            deploy: { require: [{ role: auditor, count: 1 }], useBy: 1d }
          artifacts:
            images:
              - { match: ["**"], verdict: deny }
          {{ledger}}

        """);

    /// <summary>A log of so many entries, as a gate leaves it.</summary>
    public async Task FilledAsync(int count)
    {
        await Ledger.InitAsync();
        await AppendAsync([.. Enumerable.Range(0, count).Select(TestEntries.Small)]);
    }

    /// <summary>Opens the log as a gate does, appends entries and publishes them.</summary>
    public async Task AppendAsync(params LedgerEntry[] entries)
    {
        await using var open = await OpenAsync();
        await LedgerBench.AppendAsync(open, entries);
    }

    public Task<LocalLedger> OpenAsync() => LocalLedger.OpenAsync(Log, LedgerKeyFiles.Read(Log), new("test", "1", null), TimeProvider.System, TestContext.Current.CancellationToken);

    /// <summary>Takes the last entries away, and with them the journal that holds them: fewer than the checkpoint says are left.</summary>
    public void Truncate(string bundle, int left)
    {
        Directory.Delete(Ledger.PathOf("journal"), recursive: true);
        Ledger.WriteEntries(bundle, Ledger.Entries(bundle)[..left]);
    }

    /// <summary>Looks at the damage, and writes the document; under the policy of the firm unless another is named.</summary>
    public async Task<Ended> LookAsync(params string[] more)
    {
        File.Delete(Document);
        return await Ledger.LedgerAsync(["recover", Log, "--out", Document, .. more.Contains("--policy") ? more : ["--policy", Policy, .. more]]);
    }

    public Task<Ended> RecoverAsync(params string[] more) => Ledger.LedgerAsync(["recover", Log, "--policy", Policy, "--approved", Document, .. more]);

    public async Task AskAsync()
    {
        var asked = await Bench.GatesAsync("request", Document, "--action", "ledger-recovery", "--policy", Policy, "--key", Bench.Folder.PathOf("ann.pem"), "--yes");
        Assert.True(asked.ExitCode == 0, asked.Error);
    }

    public async Task<Ended> ApproveAsync(string who, params string[] more)
    {
        var signed = await Bench.GatesAsync(["approve", Document, "--policy", Policy, "--key", Bench.Folder.PathOf($"{who}.pem"), "--yes", .. more]);
        Assert.True(signed.ExitCode == 0, signed.Error);
        return signed;
    }

    /// <summary>Looks, and has what is found approved by two.</summary>
    public async Task ApprovedAsync(params string[] more)
    {
        var looked = await LookAsync(more);
        Assert.True(looked.ExitCode == 1, looked.Output + looked.Error);
        await AskAsync();
        await ApproveAsync("ben");
        await ApproveAsync("cem");
    }

    public async Task<LedgerEntry> EntryAsync(int sequence)
    {
        var queried = await Ledger.LedgerAsync("prove", $"{sequence}", Log, "--out", Bench.Folder.PathOf($"{sequence}-{Guid.NewGuid():N}.proof"), "--entry", Bench.Folder.PathOf($"{sequence}.json"));
        Assert.True(queried.ExitCode == 0, queried.Output + queried.Error);
        var entry = LedgerEntry.Read(File.ReadAllBytes(Bench.Folder.PathOf($"{sequence}.json"))).Try(out var read, out var why) ? read : throw new InvalidOperationException(why.Message);
        File.Delete(Bench.Folder.PathOf($"{sequence}.json"));
        return entry;
    }

    public async Task AssertVerifiedAsync(int size)
    {
        var verified = await Ledger.LedgerAsync("verify", Log);
        Assert.True(verified.ExitCode == 0, verified.Output + verified.Error);
        Assert.StartsWith($"verified: {LedgerBench.Origin}, {size} entr", verified.Output, StringComparison.Ordinal);
    }

    /// <summary>Every file of a folder by its path in it, but for the lock.</summary>
    public static Dictionary<string, string> Files(string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(file => Path.GetFileName(file) != "lock").ToDictionary(file => Path.GetRelativePath(folder, file), file => Digest.Of(File.ReadAllBytes(file)).ToString());

    public void Dispose() => Ledger.Dispose();

    private string Spki(string name) => Digest.FromHash(Governance.Gates.Sigstore.PublicKey.Parse(File.ReadAllBytes(Bench.Folder.PathOf($"{name}.pub"))).SpkiSha256.Span).ToString();
}
