using System.CommandLine;
using System.CommandLine.Parsing;
using Governance.Gates.Admission;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Cli.Ledgers;
using Governance.Gates.Cli.Reviews;
using Governance.Gates.Cli.Signing;
using Governance.Gates.Clients.GitHub;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Clients.Revocations;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates review attest</c>: signs what is said of merged commits, where the policy lets whoever signs say it.</summary>
internal sealed class ReviewAttestCommand
{
    private const string GitHub = "https://github.com";
    private const string PolicyFileName = "governance.yaml";

    private readonly Option<string?> branch = new("--branch") { Description = "The branch whose commits are attested, asked of the forge itself: all since the last that is attested.", HelpName = "NAME" };
    private readonly Option<string?> repository = new("--repository") { Description = "With --branch: whose branch. Never taken from the workflow, which runs in another repository.", HelpName = "OWNER/NAME" };
    private readonly Option<string?> policyAt = new("--policy-at") { Description = $"With --branch: where the policy lies that judges, in the commit before each merge. Left out: {PolicyFileName}.", HelpName = "PATH" };
    private readonly Option<string?> since = new("--since") { Description = "With --branch: a commit that needs no statement, nor any before it: where to begin when none stands.", HelpName = "COMMIT" };
    private readonly Option<string?> snapshot = new("--snapshot") { Description = "Instead of --branch: the pull request, as it was when it was merged.", HelpName = "FILE" };
    private readonly Option<string> policyFile = new("--policy") { Description = "The policy in force, which says who may sign and where statements wait; with --snapshot it judges too, and is that of the base commit.", HelpName = "FILE", DefaultValueFactory = _ => PolicyFileName };
    private readonly Option<string?> merged = new("--merged") { Description = "With --snapshot: the commit on the branch.", HelpName = "COMMIT" };
    private readonly Option<string?> tree = new("--tree") { Description = "With --snapshot: its tree, git rev-parse COMMIT^{tree}.", HelpName = "TREE" };
    private readonly Option<string?> reviewed = new("--reviewed-tree") { Description = "With --snapshot: the tree that was reviewed, of the head commit merged into its base.", HelpName = "TREE" };
    private readonly Option<string?> previous = new("--previous") { Description = "With --snapshot: the commit of the branch that was attested before; left out in the first.", HelpName = "COMMIT" };
    private readonly Option<string?> change = new("--change-id") { Description = "With --snapshot: the chain from pull request to pod that it belongs to.", HelpName = "ID" };
    private readonly Option<string?> server = new("--server") { Description = $"The forge's address. Left out: {GitHub}, and with --branch the one whose API is asked.", HelpName = "URL" };
    private readonly Option<string?> output = new("--out") { Description = "With --snapshot: a file for the signed statement, beside or instead of the policy's review.commits.", HelpName = "FILE" };
    private readonly SigningArguments signing = SigningArguments.UnderPolicy();
    private readonly RegistryArguments registries = new();
    private readonly Option<string> form = Report.OutputOption();

    private ReviewAttestCommand()
    {
    }

    public static Command Create(Terminal terminal)
    {
        var verb = new ReviewAttestCommand();
        var command = new Command("attest", "Judges what was merged, and signs a statement about each merged commit and its tree, as a robot that the policy lets review. Examples: gates review attest --branch main --repository example/trading --keyless --fulcio https://fulcio.example.com --rekor https://rekor.example.com --yes; gates review attest --snapshot pr.json --merged 4c1b… --tree 9f2e… --reviewed-tree 9f2e… --key review.pem")
        {
            verb.branch, verb.repository, verb.policyAt, verb.since, verb.snapshot, verb.policyFile, verb.merged, verb.tree, verb.reviewed, verb.previous, verb.change, verb.server, verb.output,
        };
        foreach (var option in (IEnumerable<Option>)[.. verb.signing.Options, .. verb.registries.ForReading, verb.form])
        {
            command.Add(option);
        }

        command.Validators.Add(result => verb.Validate(result, terminal));
        command.SetAction((parsed, cancellation) => verb.RunAsync(parsed, terminal, cancellation));
        return command;
    }

    private void Validate(CommandResult result, Terminal terminal)
    {
        signing.Validate(result, terminal);
        ForgeArguments.ValidateObjects(result, merged, tree, reviewed, previous, since);
        Option[] byHand = [snapshot, merged, tree, reviewed, previous, change, output], byForge = [repository, policyAt, since];
        var asks = result.IsGiven(branch);
        IEnumerable<string> mistakes = asks
            ?
            [
                .. byHand.Where(result.IsGiven).Select(option => $"{option.Name} goes with --snapshot: with --branch the forge is asked"),
                .. RepositoryName.TryParse(result.GetResult(repository)?.Tokens is [{ Value: var named }] ? named : null) is null ? (string[])["--branch needs --repository OWNER/NAME"] : [],
            ]
            :
            [
                .. byHand[..4].Where(option => !result.IsGiven(option)).Select(option => $"{option.Name} is missing; or give --branch, and the forge is asked"),
                .. byForge.Where(result.IsGiven).Select(option => $"{option.Name} goes with --branch"),
            ];
        foreach (var mistake in mistakes)
        {
            result.AddError(mistake);
        }

        if (result.GetResult(server) is { Tokens: [var url] } && !(Uri.TryCreate(url.Value, UriKind.Absolute, out var address) && address.Scheme == Uri.UriSchemeHttps && address.PathAndQuery == "/" && address.UserInfo.Length == 0 && address.Fragment.Length == 0))
        {
            result.AddError($"--server '{url.Value}' is no https address of a host alone, such as {GitHub}");
        }
    }

    private async Task<int> RunAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        var written = parsed.GetRequiredValue(policyFile);
        var policy = PolicyFile.Load(written).Policy;
        return parsed.GetValue(branch) is { } name
            ? await AttestBranchAsync(name, written, policy, parsed, terminal, cancellation)
            : await AttestSnapshotAsync(written, policy, parsed, terminal, cancellation);
    }

    private async Task<int> AttestBranchAsync(string name, string written, Policy policy, ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        if (policy.Review is { Branches: [] })
        {
            throw new GateException($"nothing is said about what is merged into {name}: the policy's review.branches names no branch", "name there each branch that is attested, with the protection that it has");
        }

        RequireProtected(policy, name);
        var forge = GitHubOptions.FromEnvironment(terminal.Variable);
        var address = ForgeOf(forge, parsed.GetValue(server));
        var asked = RepositoryName.TryParse(parsed.GetValue(repository))!;
        var path = parsed.GetValue(policyAt) ?? PolicyFileName;
        using var client = GitHubClient.Open(forge, asked, terminal.Clock);
        using var signer = await signing.OpenAsync(parsed, policy, terminal, cancellation);
        var registry = registries.Open(parsed, null, terminal.Clock);
        using var connections = registry as IDisposable;
        var attester = await AttesterAsync(signer, CommitStatements.Of(policy, registry), registry, written, policy, parsed, terminal, cancellation);
        var judge = new MergeJudge(client, name, (commit, ending) => RepositoryPolicy.ReadWholeAsync(commit, path, ending));
        var attested = await new BranchAttestation(asked, $"{address}/{asked}", policy, judge, attester).RunAsync(IdOf(parsed, since), terminal, cancellation);
        return await AttestedBranchReport.Of(asked, name, attester.Robot, attested).WriteAsync(terminal, parsed.GetRequiredValue(form));
    }

    private async Task<int> AttestSnapshotAsync(string written, Policy policy, ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        var path = parsed.GetRequiredValue(snapshot)!;
        var bytes = InputFile.Read(path, "snapshot", PullRequestReader.MostBytes);
        if (!PullRequestReader.Read(bytes).Try(out var request, out var illegible))
        {
            throw new GateException($"{path}: {illegible.Message}", illegible.Remedy ?? "write it anew");
        }

        RequireProtected(policy, request.BaseRef);
        var now = terminal.Clock.GetUtcNow();
        var result = ReviewGate.Decide(request, policy, now);
        var commit = new MergedCommit(Address(parsed, request.Repository), IdOf(parsed, merged)!, IdOf(parsed, tree)!, IdOf(parsed, reviewed)!) { Previous = IdOf(parsed, previous), Snapshot = Digest.Of(bytes) };
        if (!ReviewStatement.Of("", request, result, commit, policy, now).Try(out var statement, out var why))
        {
            // What is not known may not be said, and what was not allowed may not either.
            var refused = Decision.All(result.Decision, result.Decision.Verdict > Verdict.Warn ? new Decision(result.Decision.Verdict, [why], []) : policy.Changes is not null && request.MergedAt is null ? Decision.Unknown(why) : Decision.Deny(why));
            return await ToReport(refused, commit, null, null, null).WriteAsync(terminal, parsed.GetRequiredValue(form));
        }

        statement = statement with { ChangeId = parsed.GetValue(change) };
        using var signer = await signing.OpenAsync(parsed, policy, terminal, cancellation);
        var file = parsed.GetValue(output);
        var registry = registries.Open(parsed, null, terminal.Clock);
        using var connections = registry as IDisposable;
        var place = file is not null && policy.Review?.Commits is null ? null : CommitStatements.Of(policy, registry);
        var attester = await AttesterAsync(signer, place, registry, written, policy, parsed, terminal, cancellation);

        statement = statement with { Id = attester.NextId(statement) };

        // What counts is not signed again: each statement of one commit may hang on images already.
        var waiting = (await attester.FindAsync(statement.Commit, cancellation)).Required();
        if (waiting is { WhyNot: null, Claim.Review: { } other } && !(other.Passed && other.Ref == statement.Ref && other.Repository == statement.Repository))
        {
            throw new GateException(
                $"nothing was signed over {waiting.Claim.Where}, where a statement stands {(other.Passed ? $"about {other.Ref} of {other.Repository}" : $"that says that {other.Commit} did not pass")}",
                other.Passed ? "let review.commits be another repository for each branch" : "have that statement revoked, where it is wrong");
        }

        var (said, signed) = waiting is { WhyNot: null } && SaysTheSame(waiting.Claim.Review, statement)
            ? (statement with { Id = waiting.Claim.Review!.Id }, new SignedReview(waiting.Claim.Evidence, null, $"{waiting.Claim.Where}, as it stood there"))
            : (statement, await attester.SignAsync(statement, file, cancellation));
        return await ToReport(result.Decision, commit, said, attester.Robot, signed).WriteAsync(terminal, parsed.GetRequiredValue(form));
    }

    private async Task<ReviewAttester> AttesterAsync(StatementSigner signer, CommitStatements? place, IRegistry registry, string written, Policy policy, ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        using var revocations = new RevocationFeed(Path.GetDirectoryName(Path.GetFullPath(written))!, registry);
        var list = (await revocations.CurrentAsync(policy, terminal.Clock.GetUtcNow(), cancellation)).Required();
        return new(policy, signer, place, list, terminal, ending => signing.AskAsync(parsed, signer, terminal, ending));
    }

    // What is merged into another branch nobody protects, and what lies under it nobody reviewed.
    private static void RequireProtected(Policy policy, string name)
    {
        if (policy.Review is { Branches: [_, ..] branches } && !branches.Any(protection => protection.Name == name))
        {
            throw new GateException($"nothing is said about what is merged into {name}: the policy's review.branches does not name it", "attest what is merged into a branch that the policy protects");
        }
    }

    private static bool SaysTheSame(ReviewStatement? stands, ReviewStatement statement) =>
        stands is { Passed: true } && stands.Commit == statement.Commit && stands.Tree == statement.Tree && stands.Repository == statement.Repository && stands.Policy == statement.Policy
        && stands.Ref == statement.Ref && stands.Author == statement.Author && stands.Properties.SequenceEqual(statement.Properties) && stands.Contributors.SequenceEqual(statement.Contributors) && stands.Reviewers.SequenceEqual(statement.Reviewers);

    // A statement about one forge must not rest on what another says.
    private static string ForgeOf(GitHubOptions asked, string? named) =>
        named is null ? asked.Server ?? throw new GateException($"the API at {asked.Api} does not tell which forge it is of", "name that forge with --server")
        : asked.Server is { } forge && new Uri(forge) != new Uri(named) ? throw new GateException($"--server names {named}, and the API that is asked is that of {forge}", "leave --server out, or set GITHUB_API_URL to the API of that forge")
        : named.TrimEnd('/');

    private string Address(ParseResult parsed, string name) => $"{(parsed.GetValue(server) ?? GitHub).TrimEnd('/')}/{name}";

    private static GitObjectId? IdOf(ParseResult parsed, Option option) => GitObjectId.TryParse(parsed.GetValue((Option<string?>)option));

    private static Report ToReport(Decision decision, MergedCommit commit, ReviewStatement? statement, Robot? robot, SignedReview? signed) => new(
        "review-attestation.schema.json",
        decision.ExitCode,
        statement is null ? $"{AdmissionAnswer.Name(decision.Verdict)}: nothing is said of {commit.Commit} of {commit.Repository}" : $"attested: {commit.Commit} of {commit.Repository}",
        [
            .. Fact.Of(decision),
            .. statement is null ? (Fact[])[] :
            [
                new("tree", commit.Tree.ToString()),
                new("says", string.Join(" and ", statement.Properties)),
                new("by", robot!.Name),
                new("statement", $"{statement.Id}, {signed!.Evidence}"),
                new("kept", signed.Where),
            ],
        ],
        json =>
        {
            json.WriteDecision(decision);
            json.WriteString("repository", commit.Repository);
            json.WriteString("commit", commit.Commit.ToString());
            json.WriteString("tree", commit.Tree.ToString());
            json.WriteString("id", statement?.Id);
            json.WriteString("robot", robot?.Name);
            json.WriteString("evidence", signed?.Evidence.ToString());
            json.WriteString("pushed", signed?.Pushed?.ToString());
            json.WriteStartArray("properties");
            foreach (var property in statement?.Properties ?? [])
            {
                json.WriteStringValue(property);
            }

            json.WriteEndArray();
        });
}
