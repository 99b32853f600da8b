using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Conformance.Actions;

/// <summary>actionlint, GitHub's own language service and a reader of Dockerfiles accept what is here, and would notice a mistake in it.</summary>
public sealed class ActionReadersTests
{
    private const string Example = "docs/examples/pull-request-target.yml";
    private const string Action = "actions/verify/action.yml";

    public static TheoryData<string, string, string> Mistakes => new()
    {
        { Example, "    steps:", "    steps:\n      - run: echo ${{ github.event.pull_request.title }}" },
        { Example, "pull-requests: read", "pull-request: read" },
        { Example, "contents: read", "contents: reads" },
        { Example, "synchronize", "synchronise" },
        { Example, "runs-on: ubuntu-latest", "needs: nobody\n    runs-on: ubuntu-latest" },
        { Example, "    runs-on: ubuntu-latest\n", "" },
        { Example, "${{ github.token }}", "${{ githb.token }}" },
        { Example, "${{ github.token }}", "${{ github.token }" },
        { Example, "    steps:", "    step:" },
        { Action, "using: docker", "using: dockr" },
        { Action, "inputs:", "input:" },
        { Action, "runs:", "run:" },
        { Action, "args: [action, verify]", "args: [action, '${{ githb.token }}']" },
        { Action, "args: [action, verify]", "arg: [action, verify]" },
        { "actions/Dockerfile", "COPY", "COPPY" },
        { "actions/Dockerfile", "ENTRYPOINT [\"/usr/local/bin/gates\"]", "ENTRYPOINT" },
        { "actions/Dockerfile", "FROM ", "FORM " },
    };

    [Fact]
    public async Task Every_workflow_action_and_Dockerfile_here_is_accepted()
    {
        Assert.SkipWhen(Peers.WhyNot(Peers.Node, Peers.ActionsJs) is not null, Peers.ActionsJs.WhyNot);
        string[] files =
        [
            .. Found(".github/workflows", "*.yml"), .. Found("docs/examples", "*.yml"), .. Found("actions", "action.yml"), Path.Combine(ProjectTree.Root, "action.yml"), .. Found("actions", "Dockerfile"), .. Found("webhook", "Dockerfile"),
        ];
        var checkedFiles = await CheckAsync(files);
        Assert.True(files.Length >= 12 && checkedFiles.ExitCode == 0, checkedFiles.Output + checkedFiles.Error);
    }

    [Theory, MemberData(nameof(Mistakes))]
    public async Task A_mistake_in_one_is_noticed(string path, string right, string wrong)
    {
        Assert.SkipWhen(Peers.WhyNot(Peers.Node, Peers.ActionsJs) is not null, Peers.ActionsJs.WhyNot);
        using var folder = new TemporaryFolder();
        var text = await File.ReadAllTextAsync(Path.Combine(ProjectTree.Root, path), TestContext.Current.CancellationToken);
        Assert.Contains(right, text, StringComparison.Ordinal);
        var file = folder.Write(Path.GetFileName(path), text.Replace(right, wrong, StringComparison.Ordinal));
        var read = await CheckAsync(file);
        Assert.Equal(1, read.ExitCode);
        Assert.StartsWith($"{file}:", read.Output, StringComparison.Ordinal);
    }

    private static string[] Found(string folder, string name) => Directory.GetFiles(Path.Combine(ProjectTree.Root, folder), name, new EnumerationOptions { RecurseSubdirectories = folder is "actions" or "webhook" });

    private static Task<Command> CheckAsync(params string[] files) => Command.RunAsync(Peers.Node.Require(), [Peers.ActionsJs.Require(), .. files]);
}
