using System.CommandLine;
using Governance.Gates.Admission;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Reviews;
using Governance.Gates.Clients.GitHub;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates branches</c>: does the forge protect a branch as the policy asks?</summary>
internal static class BranchesCommand
{
    public static Command Create(Terminal terminal)
    {
        var snapshot = new Option<string?>("--snapshot") { Description = "What GitHub says of the branch, saved; judged without a network.", HelpName = "FILE" };
        var repository = new Option<string?>("--repository") { Description = "Whose branch, read from GitHub. Left out: GITHUB_REPOSITORY.", HelpName = "OWNER/NAME" };
        var name = new Option<string?>("--branch") { Description = "The branch. Left out: the one that the policy names.", HelpName = "BRANCH" };
        var save = new Option<string?>("--save") { Description = "Writes what was read into a new file, for --snapshot.", HelpName = "FILE" };
        var policy = new Option<string>("--policy") { Description = "The policy.", HelpName = "FILE", DefaultValueFactory = _ => "governance.yaml" };
        var form = Report.OutputOption();
        var command = new Command("branches", "Audits how a branch is protected, by rulesets and classic protection together: pushes, reviewers, merge methods, required checks and who can forge them, and who is not bound. Examples: gates branches --repository example/trading --save main.json; gates branches --snapshot main.json --policy governance.yaml")
        {
            snapshot, repository, name, save, policy, form,
        };
        command.Validators.Add(result =>
        {
            var saved = result.GetResult(snapshot) is { Implicit: false };
            if (saved && new Option[] { repository, name, save }.Any(option => result.GetResult(option) is { Implicit: false }))
            {
                result.AddError("--snapshot needs no GitHub: leave out --repository, --branch and --save");
            }
            else if (!saved && result.GetResult(repository) is not { Implicit: false } && terminal.Variable("GITHUB_REPOSITORY") is not { Length: > 0 })
            {
                result.AddError("give --repository or --snapshot");
            }

            if (result.GetResult(name)?.Tokens is [{ Value: "" }])
            {
                result.AddError("--branch is empty");
            }
        });
        command.SetAction(async (parsed, cancellation) =>
        {
            var file = parsed.GetRequiredValue(policy);
            var (read, _) = PolicyFile.Load(file);
            var (from, bytes) = parsed.GetValue(snapshot) is { } path
                ? (path, InputFile.Read(path, "snapshot", BranchReader.MostBytes))
                : await AskAsync(parsed.GetValue(repository), parsed.GetValue(name) ?? OnlyBranch(read), parsed.GetValue(save), terminal, cancellation);
            return BranchReader.Read(bytes).Try(out var branch, out var why)
                ? await ReportOn(branch, read, file, BranchAudit.Decide(branch, read)).WriteAsync(terminal, parsed.GetRequiredValue(form))
                : throw new GateException($"{from}: {why.Message}", why.Remedy ?? "write it anew");
        });
        return command;
    }

    private static async Task<(string From, ReadOnlyMemory<byte> Bytes)> AskAsync(string? repository, string branch, string? save, Terminal terminal, CancellationToken cancellation)
    {
        var name = ForgeArguments.RequireRepository(repository, terminal);
        if (save is not null && Path.Exists(save))
        {
            throw new GateException($"'{save}' is there already", "name a file that is not there yet");
        }

        using var client = GitHubClient.Open(GitHubOptions.FromEnvironment(terminal.Variable), name, terminal.Clock);
        var what = $"branch {branch} of {name}";
        var bytes = await terminal.WhileAsync($"reading {what} from GitHub", BranchSource.ReadAsync(client, branch, cancellation));
        if (save is not null)
        {
            OutputFile.Write(save, bytes.Span);
        }

        return (what, bytes);
    }

    private static string OnlyBranch(Policy policy) => policy.Review?.Branches is [var only]
        ? only.Name
        : throw new GateException("the policy names no branch under review.branches, or several", "name one with --branch");

    private static Report ReportOn(BranchSnapshot branch, Policy policy, string file, BranchResult result) => new(
        "branches.schema.json",
        result.Decision.ExitCode,
        $"{AdmissionAnswer.Name(result.Decision.Verdict)}: branch {branch.Branch} of {branch.Repository}",
        [new("policy", $"{file}, {policy.Name} version {policy.Version}, {policy.Digest}"), .. Fact.Of(result.Decision)],
        json =>
        {
            json.WriteDecision(result.Decision);
            json.WriteString("repository", branch.Repository);
            json.WriteString("branch", branch.Branch);
            json.WritePolicy(file, policy);
            json.WriteStartArray("findings");
            foreach (var finding in result.Findings)
            {
                json.WriteStartObject();
                json.WriteString("rule", finding.Rule);
                json.WriteString("what", finding.What);
                json.WriteString("verdict", AdmissionAnswer.Name(finding.Decision.Verdict));
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
}
