using Governance.Gates.Clients.Policies;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;
using Governance.Gates.Tests.Ledgers;

namespace Governance.Gates.Tests.Cli;

/// <summary>Who must agree before <c>gates ledger recover</c> does anything, under which policy, and to what.</summary>
public sealed class LedgerRecoverApprovalTests : IDisposable
{
    private const string Edge = "tile/entries/000.p/40";
    private readonly RecoveryBench firm = new();

    [Fact]
    public async Task An_approval_for_another_log_or_another_damage_recovers_nothing()
    {
        await TruncatedAsync();
        await firm.ApprovedAsync();
        using var other = new RecoveryBench();
        await other.Ledger.LedgerAsync("init", other.Log, "--origin", "firm/production/c1/gate-1");
        await other.AppendAsync([.. Enumerable.Range(0, 40).Select(TestEntries.Small)]);
        other.Truncate(Edge, 25);
        var before = RecoveryBench.Files(other.Log);
        var replayed = await other.Ledger.LedgerAsync("recover", other.Log, "--policy", firm.Policy, "--approved", firm.Document);
        Assert.Equal(1, replayed.ExitCode);
        Assert.Contains($"is about another log, {LedgerBench.Origin}", replayed.Output, StringComparison.Ordinal);
        Assert.Equal(before, RecoveryBench.Files(other.Log));

        // One more entry lost, and what was agreed to is something else.
        firm.Ledger.WriteEntries(Edge, firm.Ledger.Entries(Edge)[..24]);
        var changed = await firm.RecoverAsync();
        Assert.Equal(1, changed.ExitCode);
        Assert.Contains("is about another damage", changed.Output, StringComparison.Ordinal);
        Assert.Empty(firm.Aside);
    }

    [Fact]
    public async Task An_approval_is_used_once_also_where_the_damaged_folder_is_put_back()
    {
        await TruncatedAsync();
        await firm.ApprovedAsync();
        Assert.Equal(0, (await firm.RecoverAsync()).ExitCode);
        await firm.AppendAsync([.. Enumerable.Range(100, 10).Select(TestEntries.Small)]);
        Assert.Contains("is whole: 36 entries", (await firm.RecoverAsync()).Error, StringComparison.Ordinal);

        Directory.Move(firm.Log, firm.Bench.Folder.PathOf("recovered"));
        LedgerBench.Copy(firm.Aside.Single(), firm.Log);
        var again = await firm.RecoverAsync();
        Assert.Equal(2, again.ExitCode);
        Assert.Contains("its approval is used up", again.Error, StringComparison.Ordinal);
        Directory.Delete(firm.Log, recursive: true);
        Directory.Move(firm.Bench.Folder.PathOf("recovered"), firm.Log);

        // A second damage is another document, and the holder after it another holder.
        firm.Truncate("tile/entries/000.p/36", 30);
        Assert.Contains("is about another damage", (await firm.RecoverAsync()).Output, StringComparison.Ordinal);
        await firm.ApprovedAsync();
        Assert.Equal(3, (await firm.RecoverAsync("--output", "json")).Json().GetProperty("epoch").GetInt32());
        await firm.AssertVerifiedAsync(31);
        Assert.Equal(2, firm.Aside.Length);
    }

    [Fact]
    public async Task Who_is_revoked_does_not_count_and_without_the_list_nobody_can_tell()
    {
        await firm.Ledger.InitAsync();
        var first = PolicyFile.Load(firm.Policy).Policy.Digest;
        await firm.AppendAsync([Loaded(0, 1, first), .. Enumerable.Range(1, 39).Select(TestEntries.Small)]);
        firm.Truncate(Edge, 25);
        await firm.ApprovedAsync();

        // A later version of the policy that the log proves counts.
        firm.WritePolicy("revocations: { from: revocations.json, maxAge: 1h, by: [ann] }", after: first);
        var unknown = await firm.RecoverAsync("--output", "json");
        Assert.Equal((2, "unknown"), (unknown.ExitCode, unknown.Json().GetProperty("verdict").GetString()));
        var revoked = await firm.Bench.GatesAsync("revoke", "--policy", firm.Policy, "--key", firm.Bench.Folder.PathOf("ann.pem"), "--person", "ben");
        Assert.True(revoked.ExitCode == 0, revoked.Error);
        var refused = await firm.RecoverAsync();
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("ben, who was revoked", refused.Output, StringComparison.Ordinal);
        Assert.Empty(firm.Aside);
        await firm.ApproveAsync("dan");
        Assert.Equal(0, (await firm.RecoverAsync()).ExitCode);
    }

    [Fact]
    public async Task A_policy_that_the_log_does_not_know_recovers_nothing()
    {
        await firm.Ledger.InitAsync();
        var known = TestEntries.Small(0) with { EventType = LedgerEvents.PolicyLoaded, Policy = new("firm", 1, Digest.Of("the one in force"u8)) };
        await firm.AppendAsync([known, .. Enumerable.Range(1, 39).Select(TestEntries.Small)]);
        firm.Truncate(Edge, 25);
        await firm.ApprovedAsync();
        var refused = await firm.RecoverAsync();
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains($"is not the one that this log knows: firm version 1, {known.Policy.Digest}, or a later one", refused.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(0)]
    public async Task An_older_policy_recovers_nothing_though_the_entry_of_the_one_in_force_is_behind_what_was_damaged(int damaged)
    {
        await firm.Ledger.InitAsync();
        var weak = PolicyFile.Load(firm.Policy).Policy.Digest;
        var strict = Digest.Of("the one that asks three"u8);
        await firm.AppendAsync([.. Enumerable.Range(0, 600).Select(n => n switch
        {
            1 => Loaded(n, 1, weak),
            400 => Loaded(n, 7, strict),
            _ => TestEntries.Small(n),
        })]);
        Directory.Delete(firm.Ledger.PathOf("journal"), recursive: true);
        var entries = firm.Ledger.Entries("tile/entries/000");
        entries[damaged][^2] ^= 1;
        firm.Ledger.WriteEntries("tile/entries/000", entries);
        await firm.ApprovedAsync();
        var document = RecoveryDocument.TryParse(File.ReadAllBytes(firm.Document))!;
        Assert.Equal((damaged, null), (document.Whole.Size, document.Policy));
        Assert.Contains($"policy: firm version 7, {strict}, or a later one\n", (await firm.LookAsync()).Output, StringComparison.Ordinal);
        var refused = await firm.RecoverAsync();
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains($"is not the one that this log knows: firm version 7, {strict}, or a later one", refused.Output, StringComparison.Ordinal);
        Assert.Empty(firm.Aside);
    }

    [Fact]
    public async Task Where_the_log_proves_no_policy_only_the_one_that_was_approved_with_the_document_counts()
    {
        await TruncatedAsync();
        Assert.Contains("policy: the log proves none; write the document with --policy FILE", (await firm.Ledger.LedgerAsync("recover", firm.Log, "--out", firm.Document)).Output, StringComparison.Ordinal);
        Assert.Null(RecoveryDocument.TryParse(File.ReadAllBytes(firm.Document))!.Policy);
        var unnamed = await firm.RecoverAsync();
        Assert.Equal(1, unnamed.ExitCode);
        Assert.Contains("this log proves no policy", unnamed.Output, StringComparison.Ordinal);
        Assert.Contains("names none, and not firm", unnamed.Output, StringComparison.Ordinal);

        await firm.ApprovedAsync();
        var (named, other) = (PolicyFile.Load(firm.Policy).Policy.Digest, firm.WritePolicy("# another\n", name: "other.yaml"));
        Assert.Equal(named, RecoveryDocument.TryParse(File.ReadAllBytes(firm.Document))!.Policy);
        var refused = await firm.Ledger.LedgerAsync("recover", firm.Log, "--policy", other, "--approved", firm.Document);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains($"names {named}, and not firm", refused.Output, StringComparison.Ordinal);
        Assert.Empty(firm.Aside);
        Assert.Equal(0, (await firm.RecoverAsync()).ExitCode);
        await firm.AssertVerifiedAsync(26);
    }

    public void Dispose() => firm.Dispose();

    private static LedgerEntry Loaded(int number, int version, Digest digest) => TestEntries.Small(number) with { EventType = LedgerEvents.PolicyLoaded, Policy = new("firm", version, digest) };

    private async Task TruncatedAsync()
    {
        await firm.FilledAsync(40);
        firm.Truncate(Edge, 25);
    }
}
