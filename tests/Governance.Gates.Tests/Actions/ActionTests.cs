using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Cli.Actions;
using Governance.Gates.Tests.Cli;
using Governance.Gates.Tests.Clients.GitHub;
using Governance.Gates.Tests.Reviews;

namespace Governance.Gates.Tests.Actions;

/// <summary>An action as a step of a workflow: exit code, outputs, summary, annotations.</summary>
public sealed class ActionTests : IDisposable
{
    private readonly ActionSteps steps = new();
    private readonly Workbench bench = new();

    [Fact]
    public async Task A_pull_request_that_may_merge_passes_with_the_decision_allow()
    {
        var step = await steps.ReviewAsync(new PullRequests("risk/a").Reviewed("bob").Reviewed("carol"));
        Assert.True(step.Succeeded, step.Error);
        Assert.Equal("allow", step.Outputs["decision"]);
        Assert.Equal(PullRequests.Head, step.Outputs["head-sha"]);
        Assert.Matches("^sha256:[0-9a-f]{64}$", step.Outputs["policy-digest"]);
        Assert.Empty(step.Commands);
        Assert.StartsWith("### gates review: allow\n", step.Summary, StringComparison.Ordinal);
        Assert.Contains("| ● | 2 of @&#8203;bob @&#8203;carol @&#8203;example/risk, for risk/a", step.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_lacks_an_owner_fails_and_shows_on_its_file_who_must_still_approve()
    {
        var step = await steps.ReviewAsync(new PullRequests("risk/a").Reviewed("bob"));
        Assert.Equal((1, "deny"), (step.ExitCode, step.Outputs["decision"]));
        var annotation = Assert.Single(step.Commands);
        Assert.Equal(("error", "risk/a", "gates review: review.paths[0]"), (annotation.Name, annotation.Properties["file"], annotation.Properties["title"]));
        Assert.Contains("needs 1 more of: @bob, @carol, @example/risk; have them approve the head commit", annotation.Data, StringComparison.Ordinal);
        Assert.Contains("| ○ | 2 of @&#8203;bob", step.Summary, StringComparison.Ordinal);
        Assert.Contains("| bob | @&#8203;bob, @&#8203;carol, @&#8203;example/risk |", step.Summary, StringComparison.Ordinal);
        Assert.Contains("| have them approve the head commit |", step.Summary, StringComparison.Ordinal);
        Assert.Contains("deny: gates review\n  repository: example/trading", step.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_inputs_the_pull_request_of_the_event_is_judged_and_with_them_another_and_saved()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("risk/a").Push("ann").Review("bob");
        scene.World.Open(8, "ann").From(scene.Main).Change("docs/b").Push("ann").Review("bob");
        steps.Set("GITHUB_API_URL", scene.Server.Api.AbsoluteUri.TrimEnd('/'));
        steps.Set("GITHUB_TOKEN", "secret-token");
        steps.Set("GITHUB_REPOSITORY", "example/trading");
        steps.Set("GITHUB_EVENT_NAME", "pull_request_target");
        steps.Set("GITHUB_EVENT_PATH", steps.Folder.Write("event.json", """{"pull_request":{"number":7}}"""));
        var step = await steps.RunAsync("review");
        Assert.Equal((1, "deny", scene.Request.Head), (step.ExitCode, step.Outputs["decision"], step.Outputs["head-sha"]));

        var saved = steps.Folder.PathOf("pr.json");
        step = await steps.RunAsync("review", ("pr", "8"), ("repository", "example/trading"), ("policy-at", "governance.yaml"), ("save", saved));
        Assert.Equal((0, "allow", scene.World.PullRequests[8].Head), (step.ExitCode, step.Outputs["decision"], step.Outputs["head-sha"]));
        Assert.Equal(0, (await steps.RunAsync("review", ("snapshot", saved), ("policy", steps.Folder.Write("p.yaml", PullRequests.Yaml(PullRequests.Rules))))).ExitCode);

        step = await steps.RunAsync("review", ("pr", "8"), ("snapshot", saved));
        Assert.Equal((64, "unknown"), (step.ExitCode, step.Outputs["decision"]));
        Assert.Contains("--snapshot needs no GitHub", step.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_branch_that_is_not_protected_as_asked_fails_and_says_what_is_missing()
    {
        var snapshot = BranchAuditTests.Ruled();
        var policy = steps.Folder.Write("p.yaml", PullRequests.Yaml("    approvals: { default: 1 }\n    branches: { main: { forcePush: blocked } }"));
        var step = await steps.RunAsync("branches", ("snapshot", steps.Folder.Write("ruled.json", snapshot.ToJsonString())), ("policy", policy));
        Assert.True(step.Succeeded, step.Error);
        snapshot["rules"] = new JsonArray();
        step = await steps.RunAsync("branches", ("snapshot", steps.Folder.Write("bare.json", snapshot.ToJsonString())), ("policy", policy));
        Assert.Equal((1, "deny"), (step.ExitCode, step.Outputs["decision"]));
        Assert.Matches("^sha256:[0-9a-f]{64}$", step.Outputs["policy-digest"]);
        Assert.Contains("nobody pushes over what is there", Assert.Single(step.Commands).Data, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_mistake_in_CODEOWNERS_is_shown_on_its_line()
    {
        var step = await steps.ReviewAsync(new PullRequests("a").Reviewed("bob").Content("base", ".github/CODEOWNERS", "* @bob\n!x @bob\n"));
        var annotation = Assert.Single(step.Commands);
        Assert.Equal((".github/CODEOWNERS", "2", "1"), (annotation.Properties["file"], annotation.Properties["line"], annotation.Properties["col"]));
    }

    [Fact]
    public async Task What_could_not_be_told_fails_with_the_decision_unknown_and_what_is_missing()
    {
        var step = await steps.ReviewAsync(new PullRequests("a").Reviewed("bob").With("headAfter", PullRequests.Older));
        Assert.Equal((2, "unknown"), (step.ExitCode, step.Outputs["decision"]));
        Assert.Equal("error", Assert.Single(step.Commands).Name);
        Assert.Contains("| review | the head commit changed while the pull request was read | run the gate again |", step.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_warning_passes_and_is_shown()
    {
        var repaired = new PullRequests(".github/CODEOWNERS").Reviewed("bob").Content("base", ".github/CODEOWNERS", "* @bob\n!x @bob\n").Content("head", ".github/CODEOWNERS", "* @bob\n");
        var step = await steps.ReviewAsync(repaired);
        Assert.Equal((0, "warn"), (step.ExitCode, step.Outputs["decision"]));
        Assert.Equal("warning", Assert.Single(step.Commands).Name);
    }

    [Theory]
    [InlineData("snapshot", "nowhere.json", "'nowhere.json' is not there")]
    [InlineData("policy", "nowhere.yaml", "nowhere.yaml")]
    public async Task A_gate_that_cannot_run_says_unknown_and_why(string input, string value, string told)
    {
        var inputs = new Dictionary<string, string>
        {
            ["snapshot"] = steps.Folder.Write("s.json", new PullRequests("a").Json()),
            ["policy"] = steps.Folder.Write("p.yaml", PullRequests.Yaml(PullRequests.Rules)),
            [input] = value,
        };
        var step = await steps.RunAsync("review", [.. inputs.Select(pair => (pair.Key, pair.Value))]);
        Assert.Equal((2, "unknown"), (step.ExitCode, step.Outputs["decision"]));
        Assert.Contains(told, Assert.Single(step.Commands).Data, StringComparison.Ordinal);
        Assert.Contains("### gates review: unknown", step.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_misspelled_input_is_refused_and_restricts_nothing_silently()
    {
        var step = await steps.ReviewAsync(new PullRequests("risk/a").Reviewed("bob").Reviewed("carol"), ("polcy", "p.yaml"));
        Assert.Equal((2, "unknown"), (step.ExitCode, step.Outputs["decision"]));
        Assert.Contains("the action review has no input 'polcy'; give one of pr, repository, snapshot, save, policy, policy-at, base, check-run, report", Assert.Single(step.Commands).Data, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--simulate=approve=carol")]
    [InlineData("@arguments.rsp")]
    [InlineData("p.yaml --simulate approve=carol")]
    public async Task The_text_of_an_input_is_never_an_option(string policy)
    {
        var step = await steps.RunAsync("review", ("snapshot", steps.Folder.Write("pr.json", new PullRequests("risk/a").Reviewed("bob").Json())), ("policy", policy));
        Assert.Equal((2, "unknown"), (step.ExitCode, step.Outputs["decision"]));
        Assert.Contains(policy, Assert.Single(step.Commands).Data, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--key=other.pub")]
    [InlineData("@arguments.rsp")]
    [InlineData("--help")]
    public async Task Nor_is_the_text_of_one_without_an_option(string image)
    {
        var step = await steps.RunAsync("verify", ("image", image), ("key", "nowhere.pub"));
        Assert.Equal((64, "unknown"), (step.ExitCode, step.Outputs["decision"]));
        Assert.Contains($"'{image}'", step.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Blank_inputs_are_as_good_as_none_and_the_verb_tells_what_it_needs()
    {
        var step = await steps.RunAsync("review", ("snapshot", " \n"), ("policy", ""));
        Assert.Equal((64, "unknown"), (step.ExitCode, step.Outputs["decision"]));
        Assert.Contains("--snapshot", step.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_report_is_the_json_answer_and_is_written_over_nothing()
    {
        var report = steps.Folder.PathOf("report.json");
        var step = await steps.ReviewAsync(new PullRequests("risk/a").Reviewed("bob"), ("report", report));
        Assert.Equal(1, step.ExitCode);
        var json = JsonDocument.Parse(await File.ReadAllTextAsync(report)).RootElement;
        PublishedSchema.Of(json.GetProperty("$schema").GetString()!).Check(json);
        Assert.Equal("risk/a", json.GetProperty("reasons")[0].GetProperty("at").GetProperty("file").GetString());

        step = await steps.ReviewAsync(new PullRequests("risk/a").Reviewed("bob").Reviewed("carol"), ("report", report));
        Assert.Equal((2, "unknown"), (step.ExitCode, step.Outputs["decision"]));
    }

    [Fact]
    public async Task Many_reasons_are_ten_annotations_and_the_tenth_says_how_many_more_there_are()
    {
        var owners = string.Concat(Enumerable.Range(1, 25).Select(line => $"!{line} @bob\n"));
        var step = await steps.ReviewAsync(new PullRequests("a").Reviewed("bob").Content("base", ".github/CODEOWNERS", owners));
        Assert.Equal(10, step.Commands.Length);
        Assert.Equal("16 more reasons are in the summary of the job", step.Commands[^1].Data);
    }

    [Fact]
    public void A_summary_stays_below_the_runners_bound_and_says_what_it_leaves_out()
    {
        var long4096 = new string('<', 4_096);
        var answer = new ActionAnswer(GateAction.All[0], 1, "deny", [], [.. Enumerable.Range(0, 500).Select(_ => new Reason("rule", long4096, long4096))], [], []);
        var summary = JobSummary.Of(answer);
        Assert.InRange(Encoding.UTF8.GetByteCount(summary), 900_000, JobSummary.MostBytes);
        Assert.EndsWith(" more; the report has them all.\n", summary, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_a_group_of_pull_requests_the_needs_of_each_are_shown()
    {
        const string Json = """
            {
              "verdict": "deny", "reasons": [], "notes": [], "repository": "example/trading", "number": 8, "head": null, "policy": null, "needs": [],
              "group": [
                { "number": 7, "needs": [{ "rule": "r", "what": "one", "verdict": "allow", "by": ["bob"], "missing": [] }] },
                { "number": 8, "needs": [{ "rule": "r", "what": "two", "verdict": "deny", "by": [], "missing": ["@carol"] }] }
              ],
              "exitCode": 1
            }
            """;
        var answer = ActionAnswer.Read(GateAction.All[0], 1, Json, "");
        Assert.Equal(["#7: one", "#8: two"], answer.Needs.Select(need => need.What));
        Assert.Contains("| ○ | &#35;8: two |  | @&#8203;carol |", JobSummary.Of(answer), StringComparison.Ordinal);
        Assert.All(answer.Action.Outputs, output => Assert.Null(answer.ValueOf(output)));
    }

    [Fact]
    public async Task Images_are_verified_with_one_key_on_each_line()
    {
        var (other, release) = (bench.Key("other"), bench.Key("release"));
        var digest = await bench.AddImageAsync();
        Assert.Equal(0, (await bench.GatesAsync("sign", $"oci:{bench.Layout}@{digest}", "--as", Workbench.Repository, "--key", release.Private)).ExitCode);
        (string, string)[] inputs = [("image", $"oci:{bench.Layout}:v1"), ("as", Workbench.Repository), ("key", $"{other.Public}\n\n  {release.Public}\n")];
        var step = await steps.RunAsync("verify", inputs);
        Assert.True(step.Succeeded, step.Error);
        Assert.Equal(("allow", digest.ToString(), ""), (step.Outputs["decision"], step.Outputs["digest"], step.Outputs["policy-digest"]));

        step = await steps.RunAsync("verify", [inputs[0], inputs[1], ("key", other.Public)]);
        Assert.Equal((1, "deny"), (step.ExitCode, step.Outputs["decision"]));
    }

    [Fact]
    public async Task Flags_are_true_or_false()
    {
        var step = await steps.RunAsync("approve", ("about", "x"), ("reject", "yes"));
        Assert.Equal(2, step.ExitCode);
        Assert.Contains("the input reject is 'yes'; write true or false", step.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Outside_of_a_workflow_an_action_says_what_to_run_instead()
    {
        var ended = await bench.GatesAsync("action", "review");
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains("GITHUB_OUTPUT names no file; run this as a step of a GitHub workflow; elsewhere, gates review --help", ended.Error, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        steps.Dispose();
        bench.Dispose();
    }
}
