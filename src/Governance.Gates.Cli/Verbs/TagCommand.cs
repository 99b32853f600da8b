using System.Collections.Immutable;
using System.CommandLine;
using Governance.Gates.Admission;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Cli.Reviews;
using Governance.Gates.Clients.GitHub;
using Governance.Gates.Clients.OpenPgp;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Clients.Revocations;
using Governance.Gates.Evidence;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates tag</c>: did a person of the policy sign this tag, on a commit that was reviewed?</summary>
internal sealed class TagCommand
{
    private readonly Argument<string> tag = new("TAG") { Description = "The tag, without refs/tags/." };
    private readonly Option<string?> repository = new("--repository") { Description = "Whose tag. Left out: GITHUB_REPOSITORY.", HelpName = "OWNER/NAME" };
    private readonly Option<string> policyFile = new("--policy") { Description = "The policy.", HelpName = "FILE", DefaultValueFactory = _ => "governance.yaml" };
    private readonly Option<string?> statement = new("--statement") { Description = "The signed review statement of the commit, instead of the one in the policy's review.commits.", HelpName = "FILE" };
    private readonly RegistryArguments registries = new();
    private readonly Option<string> form = Report.OutputOption();

    private TagCommand()
    {
    }

    public static Command Create(Terminal terminal)
    {
        var verb = new TagCommand();
        var command = new Command("tag", "Tells whether a tag on GitHub is annotated and signed with SSH or OpenPGP by a person of the policy, and for which commit; and, where an image rule asks for reviewed, whether the commit's review statement stands. Example: gates tag v1.2.0 --repository example/trading --policy governance.yaml")
        {
            verb.tag, verb.repository, verb.policyFile, verb.statement,
        };
        foreach (var option in (IEnumerable<Option>)[.. verb.registries.ForReading, verb.form])
        {
            command.Add(option);
        }

        command.Validators.Add(result =>
        {
            if (result.GetResult(verb.tag)?.Tokens is [{ Value: "" }])
            {
                result.AddError("TAG is empty");
            }
        });
        command.SetAction((parsed, cancellation) => verb.RunAsync(parsed, terminal, cancellation));
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        var file = parsed.GetRequiredValue(policyFile);
        var (policy, _) = PolicyFile.Load(file);
        var name = ForgeArguments.RequireRepository(parsed.GetValue(repository), terminal);
        var asked = parsed.GetRequiredValue(tag);
        using var client = GitHubClient.Open(GitHubOptions.FromEnvironment(terminal.Variable), name, terminal.Clock);
        var registry = registries.Open(parsed, null, terminal.Clock);
        using var connections = registry as IDisposable;
        using var revocations = new RevocationFeed(Path.GetDirectoryName(Path.GetFullPath(file))!, registry);
        var now = terminal.Clock.GetUtcNow();
        var circumstances = new Circumstances(now) { Revocations = await revocations.CurrentAsync(policy, now, cancellation) };
        var result = (await terminal.WhileAsync($"reading the tag {asked} of {name} from GitHub", TagSource.ReadAsync(client, asked, cancellation))).Try(out var found, out var why)
            ? ReleaseTag.Decide(found, policy, circumstances.Now, circumstances.Revocations, await OpenPgpAsync(found, policy, terminal, cancellation))
            : new(Decision.Unknown(why), null, null);
        if (GitObjectId.TryParse(result.Commit) is { } commit)
        {
            var decision = Decision.All(result.Decision, await ReviewAsync(parsed, policy, registry, name, commit, circumstances, terminal, cancellation));
            result = decision.Verdict <= Verdict.Warn ? result with { Decision = decision } : new(decision, null, null);
        }

        return await ReportOn(name, asked, policy, file, result).WriteAsync(terminal, parsed.GetRequiredValue(form));
    }

    private static async Task<Reading<OpenPgpOutcome>?> OpenPgpAsync(ForgeTag tag, Policy policy, Terminal terminal, CancellationToken cancellation) => ReleaseTag.OpenPgpSignature(tag, policy) is var (payload, signature)
        ? await terminal.WhileAsync($"verifying the tag {tag.Name} with gpgv", Gpgv.VerifyAsync(payload, signature, policy.People.Values.SelectMany(person => person.OpenPgp), terminal.Variable("PATH"), cancellation))
        : null;

    private async Task<Decision> ReviewAsync(ParseResult parsed, Policy policy, IRegistry registry, RepositoryName name, GitObjectId commit, Circumstances circumstances, Terminal terminal, CancellationToken cancellation)
    {
        var given = parsed.GetValue(statement);
        var source = $"{(terminal.Variable("GITHUB_SERVER_URL") is { Length: > 0 } server ? server.TrimEnd('/') : "https://github.com")}/{name}";
        if (policy.Reviewers.Names.IsEmpty)
        {
            return given is null ? Decision.AllowBecause(new Reason("reviewed", $"nobody looked whether {commit} was reviewed: no image rule asks for reviewed"))
                : throw new GateException("no image rule of the policy asks for reviewed, so that nobody may say what was", "leave --statement out, or have the policy name a robot");
        }

        // A file takes nothing away that waits: that may be a "no".
        var items = ImmutableArray.CreateBuilder<EvidenceItem>();
        if (given is not null)
        {
            items.Add(CommitStatements.ReadFile(given));
        }

        if (policy.Review?.Commits is null)
        {
            return given is null
                ? Decision.Unknown(new Reason("reviewed", $"nobody can tell whether {commit} was reviewed: the policy names no review.commits", "add it to the policy, or name the statement with --statement"))
                : CommitReview.Decide(parsed.GetRequiredValue(tag), source, commit, items.ToImmutable(), policy, circumstances);
        }

        var (waiting, decision) = await CommitStatements.FindAsync(policy, registry, null, commit, terminal, cancellation);
        if (waiting is not null)
        {
            items.Add(waiting);
        }
        else if (given is null || decision.Verdict == Verdict.Unknown)
        {
            return decision;
        }

        return CommitReview.Decide(parsed.GetRequiredValue(tag), source, commit, items.ToImmutable(), policy, circumstances);
    }

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
