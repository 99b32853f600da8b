using System.Text.RegularExpressions;
using Governance.Gates.Cli.Actions;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;
using Governance.Gates.Tests.Cli;
using YamlDotNet.RepresentationModel;

namespace Governance.Gates.Tests.Actions;

/// <summary>Each <c>action.yml</c> and each workflow here, held against the program and against the rules for what runs in a workflow.</summary>
public sealed partial class ActionFilesTests : IDisposable
{
    private readonly Workbench bench = new();

    public static TheoryData<string> Actions => [.. GateAction.All.Select(action => action.Name)];

    public static TheoryData<string> Workflows => [.. ((string[])[".github/workflows", "docs/examples"]).SelectMany(folder => Directory.GetFiles(Path.Combine(ProjectTree.Root, folder), "*.yml")).Select(path => Path.GetRelativePath(ProjectTree.Root, path)).Order(StringComparer.Ordinal)];

    /// <summary>Those that judge pull requests which are not merged yet.</summary>
    public static TheoryData<string> Judging => ["docs/examples/merge-group.yml", "docs/examples/pull-request-review.yml", "docs/examples/pull-request-target.yml"];

    [Fact]
    public void Every_action_that_has_a_folder_is_one_of_the_program() => Assert.Equal(
        GateAction.All.Select(action => action.Name).Order(StringComparer.Ordinal),
        Directory.GetDirectories(Path.Combine(ProjectTree.Root, "actions")).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal));

    [Theory, MemberData(nameof(Actions))]
    public void Inputs_and_outputs_are_those_that_the_program_reads_and_writes(string name)
    {
        var (action, file) = (Action(name), Read($"actions/{name}/action.yml"));
        Assert.Equal(action.Inputs.Select(input => input.Name).Append(GateAction.Report).Order(StringComparer.Ordinal), Names(file, "inputs"));
        Assert.Equal(action.Outputs.Select(output => output.Name).Append(GateAction.Decision).Order(StringComparer.Ordinal), Names(file, "outputs"));
    }

    [Theory, MemberData(nameof(Actions))]
    public async Task Every_input_is_an_option_or_argument_of_the_verb(string name)
    {
        var help = (await bench.GatesAsync(name, "--help")).Output;
        foreach (var input in Action(name).Inputs)
        {
            Assert.Matches(input.Kind == InputKind.Argument ? @"(?m)^  <[A-Z|]+>" : $@"--{input.Name}[ ,\n]", help);
        }
    }

    [Theory, MemberData(nameof(Actions))]
    public void An_action_is_one_container_with_arguments_of_its_own_and_nothing_of_the_workflow_in_them(string name)
    {
        var runs = (YamlMappingNode)Read($"actions/{name}/action.yml")["runs"];
        Assert.Equal("docker", runs["using"].ToString());
        Assert.Equal(["action", name], ((YamlSequenceNode)runs["args"]).Select(argument => argument.ToString()));
        Assert.Equal(["args", "image", "using"], runs.Children.Keys.Select(key => key.ToString()).Order(StringComparer.Ordinal));
        Assert.Matches("^docker://ghcr\\.io/governance-gates/gates@sha256:[0-9a-f]{64}$", runs["image"].ToString());
        Assert.Equal(((YamlMappingNode)Read("action.yml")["runs"])["image"], runs["image"]);
    }

    [Fact]
    public void The_action_of_the_repository_is_the_review() =>
        Assert.Equal(File.ReadAllText(Path.Combine(ProjectTree.Root, "actions/review/action.yml")), File.ReadAllText(Path.Combine(ProjectTree.Root, "action.yml")));

    [Theory, MemberData(nameof(Actions))]
    public void The_page_of_an_action_tells_every_input_and_output(string name)
    {
        var page = File.ReadAllText(Path.Combine(ProjectTree.Root, $"actions/{name}/README.md"));
        var file = Read($"actions/{name}/action.yml");
        Assert.All([.. Names(file, "inputs"), .. Names(file, "outputs")], word => Assert.Contains($"| `{word}` |", page, StringComparison.Ordinal));
    }

    [Theory, MemberData(nameof(Workflows))]
    public void A_workflow_asks_for_nothing_at_the_top_and_pins_what_it_uses_by_commit_or_digest(string path)
    {
        var root = Read(path);
        Assert.Empty(((YamlMappingNode)root["permissions"]).Children);
        foreach (var (name, job) in ((YamlMappingNode)root["jobs"]).Children)
        {
            Assert.True(((YamlMappingNode)job).Children.ContainsKey("permissions"), $"{path}: {name} does not say what it may do");
            foreach (var step in ((YamlMappingNode)job).Children.TryGetValue("steps", out var steps) ? (YamlSequenceNode)steps : [])
            {
                var uses = ((YamlMappingNode)step).Children.TryGetValue("uses", out var used) ? used.ToString() : "./.github";
                Assert.True(uses.StartsWith("./", StringComparison.Ordinal) || ByCommit().IsMatch(uses), $"{path}: {uses}");
                if (Ours().Match(uses) is { Success: true } ours && ((YamlMappingNode)step).Children.TryGetValue("with", out var with))
                {
                    Assert.All(((YamlMappingNode)with).Children.Keys.Select(key => key.ToString()), input => Assert.Contains(input, Names(Read(Path.Combine(ours.Groups["folder"].Value, "action.yml")), "inputs")));
                }

                Assert.False(((YamlMappingNode)step).Children.TryGetValue("run", out var run) && run.ToString().Contains("${{", StringComparison.Ordinal), $"{path}: {run}");
            }
        }
    }

    [Theory, MemberData(nameof(Workflows))]
    public void A_workflow_that_runs_with_the_rights_of_the_base_never_checks_the_head_out(string path)
    {
        var text = File.ReadAllText(Path.Combine(ProjectTree.Root, path));
        Assert.False(text.Contains("pull_request_target", StringComparison.Ordinal) && text.Contains("pull_request.head", StringComparison.Ordinal), path);
    }

    [Theory, MemberData(nameof(Judging))]
    public void C25_every_event_of_a_pull_request_leaves_a_check_of_one_name(string path)
    {
        var job = Assert.Single(((YamlMappingNode)Read(path)["jobs"]).Children).Value;
        // The job has a check too, one for each event, which must not be taken for it.
        Assert.Equal(("governance review", "write"), (job["name"].ToString(), job["permissions"]["checks"].ToString()));
        Assert.Equal("governance gates", Assert.Single((YamlSequenceNode)job["steps"])["with"]["check-run"].ToString());
    }

    [Theory, MemberData(nameof(Judging))]
    public void C27_no_workflow_that_judges_can_be_skipped_and_so_count_as_passed(string path)
    {
        var root = Read(path);
        Assert.All(((YamlMappingNode)root["on"]).Children.Values, on => Assert.Equal(["types"], ((YamlMappingNode)on).Children.Keys.Select(key => key.ToString())));
        Assert.All(((YamlMappingNode)root["jobs"]).Children.Values.Cast<YamlMappingNode>(), job =>
        {
            Assert.DoesNotContain(job.Children.Keys, key => key.ToString() is "if" or "needs" or "strategy" or "continue-on-error");
            Assert.All(((YamlSequenceNode)job["steps"]).Cast<YamlMappingNode>(), step => Assert.DoesNotContain(step.Children.Keys, key => key.ToString() is "if" or "continue-on-error"));
        });
    }

    [Fact]
    public void The_image_is_what_the_runner_can_start()
    {
        var lines = File.ReadLines(Path.Combine(ProjectTree.Root, "actions/Dockerfile")).Where(line => !line.StartsWith('#')).ToList();
        Assert.Equal(["FROM", "COPY", "ENTRYPOINT"], lines.Select(line => line.Split(' ')[0]));
        Assert.Matches("^FROM [a-z0-9./:-]+@sha256:[0-9a-f]{64}$", lines[0]);
        Assert.Equal("ENTRYPOINT [\"/usr/local/bin/gates\"]", lines[2]);
    }

    [Fact]
    public async Task A_release_names_its_image_in_every_action_or_in_none()
    {
        using var tree = new TemporaryFolder();
        string[] files = ["action.yml", .. GateAction.All.Select(action => $"actions/{action.Name}/action.yml")];
        foreach (var file in (string[])[".github/pin-image.sh", .. files])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(tree.PathOf(file))!);
            File.Copy(Path.Combine(ProjectTree.Root, file), tree.PathOf(file));
        }

        var image = $"ghcr.io/governance-gates/gates@sha256:{new string('a', 64)}";
        Assert.Equal(64, (await Command.RunAsync("bash", [tree.PathOf(".github/pin-image.sh"), "ghcr.io/governance-gates/gates:latest"])).ExitCode);
        (await Command.RunAsync("bash", [tree.PathOf(".github/pin-image.sh"), image])).Succeeded();
        Assert.All(files, file => Assert.Equal(
            Regex.Replace(File.ReadAllText(Path.Combine(ProjectTree.Root, file)), "docker://.*", $"docker://{image}"),
            File.ReadAllText(tree.PathOf(file))));
    }

    private static GateAction Action(string name) => GateAction.All.Single(action => action.Name == name);

    private static YamlMappingNode Read(string path)
    {
        using var reader = File.OpenText(Path.Combine(ProjectTree.Root, path));
        var stream = new YamlStream();
        stream.Load(reader);
        return (YamlMappingNode)stream.Documents[0].RootNode;
    }

    private static IEnumerable<string> Names(YamlMappingNode file, string section) => ((YamlMappingNode)file[section]).Children.Keys.Select(key => key.ToString()).Order(StringComparer.Ordinal);

    [GeneratedRegex("^([A-Za-z0-9._/-]+@[0-9a-f]{40}|docker://[a-z0-9._/-]+@sha256:[0-9a-f]{64})$")]
    private static partial Regex ByCommit();

    [GeneratedRegex("^(\\./|governance-gates/governance-gates/?)(?<folder>[a-z/]*)(@|$)")]
    private static partial Regex Ours();

    public void Dispose() => bench.Dispose();
}
