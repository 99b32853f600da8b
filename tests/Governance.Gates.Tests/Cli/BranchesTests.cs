using System.Text.Json.Nodes;
using Governance.Gates.Tests.Reviews;

namespace Governance.Gates.Tests.Cli;

public sealed class BranchesTests : IDisposable
{
    private const string Rules = "    approvals: { default: 1 }\n    branches: { main: { forcePush: blocked, merge: [squash] } }";
    private readonly Workbench bench = new();

    [Fact]
    public async Task A_branch_that_is_protected_as_asked_is_allowed_and_each_demand_told()
    {
        var json = (await AuditAsync(0, BranchAuditTests.Ruled(), "--output", "json")).Json();
        Assert.Equal(("allow", "main"), (json.GetProperty("verdict").GetString(), json.GetProperty("branch").GetString()));
        Assert.Equal(["review.branches.main.forcePush", "review.branches.main.merge"], json.GetProperty("findings").EnumerateArray().Select(finding => finding.GetProperty("rule").GetString()));
    }

    [Fact]
    public async Task What_is_not_protected_is_denied_and_what_could_not_be_read_ends_with_2()
    {
        var snapshot = BranchAuditTests.Ruled();
        snapshot["rules"] = new JsonArray();
        Assert.Contains("nobody pushes over what is there: neither", (await AuditAsync(1, snapshot)).Output, StringComparison.Ordinal);
        snapshot["protection"] = new JsonObject { ["unread"] = PullRequests.Unread("no right to see it") };
        Assert.Contains("no right to see it", (await AuditAsync(2, snapshot)).Output, StringComparison.Ordinal);
        Assert.Contains("the snapshot cannot be read", (await AuditAsync(2, [])).Error, StringComparison.Ordinal);
    }

    private async Task<Ended> AuditAsync(int exit, JsonObject snapshot, params string[] more)
    {
        var ended = await bench.GatesAsync(["branches", "--snapshot", bench.Folder.Write("b.json", snapshot.ToJsonString()), "--policy", bench.Folder.Write("p.yaml", PullRequests.Yaml(Rules)), .. more]);
        Assert.True(ended.ExitCode == exit, $"{ended.ExitCode}: {ended.Error}{ended.Output}");
        return ended;
    }

    public void Dispose() => bench.Dispose();
}
