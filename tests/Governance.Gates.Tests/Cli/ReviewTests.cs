using Governance.Gates.Tests.Reviews;

namespace Governance.Gates.Tests.Cli;

public sealed class ReviewTests : IDisposable
{
    private readonly Workbench bench = new();

    [Fact]
    public async Task A_pull_request_that_lacks_an_owner_is_denied_and_says_whom_it_needs()
    {
        var ended = await ReviewAsync(new PullRequests("risk/a").Reviewed("bob"));
        Assert.Equal(1, ended.ExitCode);
        Assert.StartsWith($"deny: example/trading#7 at {PullRequests.Head}", ended.Output, StringComparison.Ordinal);
        Assert.Contains("needs 1 more of: @bob, @carol, @example/risk", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_if_somebody_approved_is_answered_and_marked_as_such()
    {
        var ended = await ReviewAsync(new PullRequests("risk/a").Reviewed("bob"), "--simulate", "approve=carol", "--explain");
        Assert.Equal(0, ended.ExitCode);
        Assert.Contains("as if: carol approved", ended.Output, StringComparison.Ordinal);
        Assert.Contains("review: carol: APPROVED, counts as carol", ended.Output, StringComparison.Ordinal);
        Assert.Contains("rule: review.paths[0]: 2 of @bob @carol @example/risk, for risk/a (.github/CODEOWNERS:2) (risk-critical): allow, by bob, carol", ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_tells_each_review_and_each_rule()
    {
        var ended = await ReviewAsync(new PullRequests("config/a").Reviewed("ann").Reviewed("erin").Reviewed(null), "--output", "json", "--simulate", "approve=stan");
        var json = ended.Json();
        Assert.Equal("deny", json.GetProperty("verdict").GetString());
        Assert.Equal("stan", json.GetProperty("simulated")[0].GetString());
        Assert.Contains(json.GetProperty("reviews").EnumerateArray(), review => review.GetProperty("login").GetString() == "ann" && review.GetProperty("whyNot").GetString() == "opened the pull request");
        var need = json.GetProperty("needs").EnumerateArray().Single(need => need.GetProperty("rule").GetString() == "review.paths[1]");
        Assert.Equal(["dave", "frank"], need.GetProperty("missing").EnumerateArray().Select(name => name.GetString()));
    }

    [Fact]
    public async Task A_hostile_pull_request_forges_no_line_command_or_markup()
    {
        foreach (var form in (string[])["text", "json", "markdown"])
        {
            var ended = await ReviewAsync(new PullRequests("risk/::error::x\n::add-mask::y\u001b| allow | ##[group]<img>").Reviewed("bob"), "--output", form, "--explain");
            Assert.Equal(1, ended.ExitCode);
            Assert.DoesNotContain(ended.Output, character => char.IsControl(character) && character != '\n');
            Assert.DoesNotContain("##[", ended.Output, StringComparison.Ordinal);
            Assert.DoesNotContain(ended.Output.Split('\n'), line => line.TrimStart().StartsWith("::", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("{}", "the snapshot cannot be read")]
    [InlineData("", "the snapshot cannot be read")]
    public async Task A_snapshot_that_cannot_be_read_ends_with_2(string snapshot, string told)
    {
        var ended = await bench.GatesAsync("review", "--snapshot", bench.Folder.Write("pr.json", snapshot), "--policy", bench.Folder.Write("p.yaml", PullRequests.Yaml(PullRequests.Rules)));
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains(told, ended.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_account_that_nobody_knows_cannot_be_simulated()
    {
        var ended = await ReviewAsync(new PullRequests("a"), "--simulate", "approve=nobody");
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains("nobody of the login 'nobody'", ended.Error, StringComparison.Ordinal);
    }

    private Task<Ended> ReviewAsync(PullRequests request, params string[] more) => bench.GatesAsync(
        ["review", "--snapshot", bench.Folder.Write("pr.json", request.Json()), "--policy", bench.Folder.Write("p.yaml", PullRequests.Yaml(PullRequests.Rules)), .. more], "", default);

    public void Dispose() => bench.Dispose();
}
