using System.CommandLine;
using Governance.Gates.Admission;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates branches</c>: does the forge protect a branch as the policy asks?</summary>
internal static class BranchesCommand
{
    public static Command Create(Terminal terminal)
    {
        var snapshot = new Option<string>("--snapshot") { Description = "What the forge says of the branch, saved; judged without a network.", HelpName = "FILE", Required = true };
        var policy = new Option<string>("--policy") { Description = "The policy.", HelpName = "FILE", DefaultValueFactory = _ => "governance.yaml" };
        var form = Report.OutputOption();
        var command = new Command("branches", "Audits how a branch is protected, by rulesets and classic protection together: pushes, reviewers, merge methods, required checks and who can forge them, and who is not bound. Example: gates branches --snapshot main.json --policy governance.yaml")
        {
            snapshot, policy, form,
        };
        command.SetAction((parsed, _) =>
        {
            var file = parsed.GetRequiredValue(policy);
            var (read, _) = PolicyFile.Load(file);
            var path = parsed.GetRequiredValue(snapshot);
            return BranchReader.Read(InputFile.Read(path, "snapshot", BranchReader.MostBytes)).Try(out var branch, out var why)
                ? ReportOn(branch, read, file, BranchAudit.Decide(branch, read)).WriteAsync(terminal, parsed.GetRequiredValue(form))
                : throw new GateException($"{path}: {why.Message}", why.Remedy ?? "write it anew");
        });
        return command;
    }

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
