using System.CommandLine;
using Governance.Gates.Admission;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Reviews;
using Governance.Gates.Clients.GitHub;
using Governance.Gates.Clients.OpenPgp;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates tag</c>: did a person of the policy sign this tag?</summary>
internal static class TagCommand
{
    public static Command Create(Terminal terminal)
    {
        var tag = new Argument<string>("TAG") { Description = "The tag, without refs/tags/." };
        var repository = new Option<string?>("--repository") { Description = "Whose tag. Left out: GITHUB_REPOSITORY.", HelpName = "OWNER/NAME" };
        var policy = new Option<string>("--policy") { Description = "The policy.", HelpName = "FILE", DefaultValueFactory = _ => "governance.yaml" };
        var form = Report.OutputOption();
        var command = new Command("tag", "Tells whether a tag on GitHub is annotated and signed with SSH or OpenPGP by a person of the policy, and for which commit. Example: gates tag v1.2.0 --repository example/trading --policy governance.yaml")
        {
            tag, repository, policy, form,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(tag)?.Tokens is [{ Value: "" }])
            {
                result.AddError("TAG is empty");
            }
        });
        command.SetAction(async (parsed, cancellation) =>
        {
            var file = parsed.GetRequiredValue(policy);
            var (read, _) = PolicyFile.Load(file);
            var name = ForgeArguments.RequireRepository(parsed.GetValue(repository), terminal);
            var asked = parsed.GetRequiredValue(tag);
            using var client = GitHubClient.Open(GitHubOptions.FromEnvironment(terminal.Variable), name, terminal.Clock);
            var result = (await terminal.WhileAsync($"reading the tag {asked} of {name} from GitHub", TagSource.ReadAsync(client, asked, cancellation))).Try(out var found, out var why)
                ? ReleaseTag.Decide(found, read, terminal.Clock.GetUtcNow(), await OpenPgpAsync(found, read, terminal, cancellation))
                : new(Decision.Unknown(why), null, null);
            return await ReportOn(name, asked, read, file, result).WriteAsync(terminal, parsed.GetRequiredValue(form));
        });
        return command;
    }

    private static async Task<Reading<OpenPgpOutcome>?> OpenPgpAsync(ForgeTag tag, Policy policy, Terminal terminal, CancellationToken cancellation) => ReleaseTag.OpenPgpSignature(tag, policy) is var (payload, signature)
        ? await terminal.WhileAsync($"verifying the tag {tag.Name} with gpgv", Gpgv.VerifyAsync(payload, signature, policy.People.Values.SelectMany(person => person.OpenPgp), terminal.Variable("PATH"), cancellation))
        : null;

    private static Report ReportOn(RepositoryName repository, string tag, Policy policy, string file, TagResult result) => new(
        "tag.schema.json",
        result.Decision.ExitCode,
        $"{AdmissionAnswer.Name(result.Decision.Verdict)}: tag {tag} of {repository}{(result.Commit is null ? "" : $" at {result.Commit}, signed by {result.Person}")}",
        [new("policy", $"{file}, {policy.Name} version {policy.Version}, {policy.Digest}"), .. Fact.Of(result.Decision)],
        json =>
        {
            json.WriteDecision(result.Decision);
            json.WriteString("repository", repository.ToString());
            json.WriteString("tag", tag);
            json.WriteString("commit", result.Commit);
            json.WriteString("person", result.Person);
            json.WritePolicy(file, policy);
        });
}
