using System.Collections.Immutable;
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
        var name = new Option<string?>("--branch") { Description = "The branch. Left out: every one that the policy names.", HelpName = "BRANCH" };
        var save = new Option<string?>("--save") { Description = "Writes what was read into a new file, for --snapshot.", HelpName = "FILE" };
        var policy = new Option<string>("--policy") { Description = "The policy.", HelpName = "FILE", DefaultValueFactory = _ => "governance.yaml" };
        var form = Report.OutputOption();
        var command = new Command("branches", "Audits how branches are protected, by rulesets and classic protection together: pushes, reviewers, merge methods, required checks and who can forge them, and who is not bound. Examples: gates branches --repository example/trading --save main.json; gates branches --snapshot main.json --policy governance.yaml")
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
            ImmutableArray<(string From, ReadOnlyMemory<byte> Bytes)> told = parsed.GetValue(snapshot) is { } path
                ? [(path, InputFile.Read(path, "snapshot", BranchReader.MostBytes))]
                : await AskAsync(parsed.GetValue(repository), parsed.GetValue(name) is { } one ? [one] : NamedBranches(read), parsed.GetValue(save), terminal, cancellation);
            return await ReportOn([.. told.Select(one => Judge(one.From, one.Bytes, read))], read, file).WriteAsync(terminal, parsed.GetRequiredValue(form));
        });
        return command;
    }

    private static (BranchSnapshot Branch, BranchResult Result) Judge(string from, ReadOnlyMemory<byte> bytes, Policy policy) => BranchReader.Read(bytes).Try(out var branch, out var why)
        ? (branch, BranchAudit.Decide(branch, policy))
        : throw new GateException($"{from}: {why.Message}", why.Remedy ?? "write it anew");

    private static async Task<ImmutableArray<(string From, ReadOnlyMemory<byte> Bytes)>> AskAsync(string? repository, ImmutableArray<string> branches, string? save, Terminal terminal, CancellationToken cancellation)
    {
        var name = ForgeArguments.RequireRepository(repository, terminal);
        if (save is not null && Path.Exists(save))
        {
            throw new GateException($"'{save}' is there already", "name a file that is not there yet");
        }

        if (save is not null && branches.Length > 1)
        {
            throw new GateException($"one file holds one branch, and the policy names {branches.Length}", "name one with --branch");
        }

        using var client = GitHubClient.Open(GitHubOptions.FromEnvironment(terminal.Variable), name, terminal.Clock);
        var told = ImmutableArray.CreateBuilder<(string, ReadOnlyMemory<byte>)>();
        foreach (var branch in branches)
        {
            var what = $"branch {branch} of {name}";
            told.Add((what, await terminal.WhileAsync($"reading {what} from GitHub", BranchSource.ReadAsync(client, branch, cancellation))));
            if (save is not null)
            {
                OutputFile.Write(save, told[^1].Item2.Span);
            }
        }

        return told.ToImmutable();
    }

    private static ImmutableArray<string> NamedBranches(Policy policy) => policy.Review?.Branches is [_, ..] branches
        ? [.. branches.Select(branch => branch.Name)]
        : throw new GateException("the policy names no branch under review.branches", "add one there, or name one with --branch");

    // What several branches have in common, such as tags and settings of the repository, is told once.
    private static Report ReportOn(ImmutableArray<(BranchSnapshot Branch, BranchResult Result)> judged, Policy policy, string file)
    {
        var all = Decision.All(judged.Select(one => one.Result.Decision));
        var decision = all with { Reasons = [.. all.Reasons.Distinct()], Notes = [.. all.Notes.Distinct()] };
        var (first, repository) = (judged[0].Branch.Branch, judged[0].Branch.Repository);
        return new(
            "branches.schema.json",
            decision.ExitCode,
            $"{AdmissionAnswer.Name(decision.Verdict)}: {(judged.Length == 1 ? $"branch {first}" : $"{judged.Length} branches")} of {repository}",
            [
                new("policy", $"{file}, {policy.Name} version {policy.Version}, {policy.Digest}"),
                .. judged.Length == 1 ? [] : judged.Select(one => new Fact("branch", $"{AdmissionAnswer.Name(one.Result.Decision.Verdict)}: {one.Branch.Branch}")),
                .. Fact.Of(decision),
            ],
            json =>
            {
                json.WriteDecision(decision);
                json.WriteString("repository", repository);
                json.WriteString("branch", judged.Length == 1 ? first : null);
                json.WriteStartArray("branches");
                foreach (var (branch, result) in judged)
                {
                    json.WriteStartObject();
                    json.WriteString("name", branch.Branch);
                    json.WriteString("verdict", AdmissionAnswer.Name(result.Decision.Verdict));
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WritePolicy(file, policy);
                json.WriteStartArray("findings");
                foreach (var finding in judged.SelectMany(one => one.Result.Findings).GroupBy(finding => (finding.Rule, finding.What)).Select(same => same.MaxBy(finding => finding.Decision.Verdict)!))
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
}
