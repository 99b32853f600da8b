using Governance.Gates.Reviews;
using Governance.Gates.Testing.GitHub;
using Governance.Gates.Tests.Reviews;

namespace Governance.Gates.Tests.Clients.GitHub;

/// <summary>The label that makes an emergency, as GitHub tells of it and of who set it.</summary>
public sealed class PullRequestLabelTests
{
    private const string Changes = "  changes: { emergency: { label: Hot Fix, require: [{ role: risk-manager, count: 1 }], review: { require: [{ role: compliance, count: 1 }], within: 48h } } }\n";

    private static async Task<PullRequest> ReadAsync(Action<GitHubPullRequest> change, string changes = Changes)
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Main["governance.yaml"] = GitHubFile.Of(PullRequests.Yaml(PullRequests.Rules) + "\n" + changes);
        scene.PushMain();
        scene.Request.Change("docs/b").Push("ann");
        change(scene.Request);
        return (await scene.ReadAsync()).Try(out var question, out var why) ? question.Request : throw new Xunit.Sdk.XunitException(why.ToString());
    }

    [Theory]
    [InlineData("labeled dave", "dave")]
    [InlineData("labeled ann; unlabeled ann; labeled dave", "dave")]
    [InlineData("labeled dave; unlabeled dave; labeled ann", "ann")]
    [InlineData("labeled dave; unlabeled ann", null)]
    [InlineData("labeled -", null)]
    [InlineData("", null)]
    public async Task Who_set_a_label_last_is_who_set_it(string events, string? by)
    {
        var request = await ReadAsync(request =>
        {
            request.Labels.AddRange(["bug \U0001F41B", "hot fix"]);
            request.Labelled.Add(("labeled", "bug \U0001F41B", "bob", "2026-06-01T09:00:00Z"));
            foreach (var (index, one) in events.Split("; ", StringSplitOptions.RemoveEmptyEntries).Index())
            {
                request.Labelled.Add((one.Split(' ')[0], "HOT FIX", one.Split(' ')[1] is "-" ? null : one.Split(' ')[1], $"2026-06-01T08:00:0{index}Z"));
            }
        });
        var label = Assert.Single(request.Labels);
        Assert.Equal(("Hot Fix", by), (label.Name, label.By?.Login));
    }

    [Fact]
    public async Task Two_who_changed_a_label_in_one_second_are_not_told_apart()
    {
        var request = await ReadAsync(request =>
        {
            request.Labels.Add("Hot Fix");
            request.Labelled.AddRange([("labeled", "Hot Fix", "dave", "2026-06-01T08:00:00Z"), ("unlabeled", "Hot Fix", "dave", "2026-06-01T08:00:01Z"), ("labeled", "Hot Fix", "ann", "2026-06-01T08:00:01Z")]);
        });
        Assert.Null(Assert.Single(request.Labels).By);
    }

    [Fact]
    public async Task A_label_that_was_taken_off_or_that_no_policy_names_is_not_told()
    {
        Assert.Empty((await ReadAsync(request => request.Labelled.Add(("labeled", "Hot Fix", "dave", "2026-06-01T08:00:00Z")))).Labels);
        Assert.Empty((await ReadAsync(request => request.Labels.Add("Hot Fix"), changes: "")).Labels);
    }
}
