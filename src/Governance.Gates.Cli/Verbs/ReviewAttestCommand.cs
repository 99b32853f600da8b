using System.CommandLine;
using System.CommandLine.Parsing;
using Governance.Gates.Admission;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Cli.Reviews;
using Governance.Gates.Cli.Signing;
using Governance.Gates.Cli.Statements;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Evidence;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates review attest</c>: signs what is said of a merged commit, where the policy lets whoever signs say it.</summary>
internal sealed class ReviewAttestCommand
{
    private const string GitHub = "https://github.com";

    private readonly Option<string> snapshot = new("--snapshot") { Description = "The pull request, as it was when it was merged.", HelpName = "FILE", Required = true };
    private readonly Option<string> policyFile = new("--policy") { Description = "The policy as it stands at the base commit.", HelpName = "FILE", DefaultValueFactory = _ => "governance.yaml" };
    private readonly Option<string> merged = new("--merged") { Description = "The commit on the branch.", HelpName = "COMMIT", Required = true };
    private readonly Option<string> tree = new("--tree") { Description = "Its tree: git rev-parse COMMIT^{tree}.", HelpName = "TREE", Required = true };
    private readonly Option<string> reviewed = new("--reviewed-tree") { Description = "The tree that was reviewed: of the head commit merged into its base.", HelpName = "TREE", Required = true };
    private readonly Option<string?> previous = new("--previous") { Description = "The commit of the branch that was attested before; left out in the first.", HelpName = "COMMIT" };
    private readonly Option<string?> change = new("--change-id") { Description = "The chain from pull request to pod that it belongs to.", HelpName = "ID" };
    private readonly Option<string> server = new("--server") { Description = "The forge's address.", HelpName = "URL", DefaultValueFactory = _ => GitHub };
    private readonly Option<string?> output = new("--out") { Description = "A file for the signed statement, beside or instead of the policy's review.commits.", HelpName = "FILE" };
    private readonly SigningArguments signing = SigningArguments.UnderPolicy();
    private readonly RegistryArguments registries = new();
    private readonly Option<string> form = Report.OutputOption();

    private ReviewAttestCommand()
    {
    }

    public static Command Create(Terminal terminal)
    {
        var verb = new ReviewAttestCommand();
        var command = new Command("attest", "Judges a merged pull request, and signs a statement about the merged commit and its tree, as a robot that the policy lets review. Examples: gates review attest --snapshot pr.json --merged 4c1b… --tree 9f2e… --reviewed-tree 9f2e… --key review.pem; gates review attest --snapshot pr.json --merged 4c1b… --tree 9f2e… --reviewed-tree 9f2e… --keyless --fulcio https://fulcio.example.com --rekor https://rekor.example.com --yes")
        {
            verb.snapshot, verb.policyFile, verb.merged, verb.tree, verb.reviewed, verb.previous, verb.change, verb.server, verb.output,
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
        ForgeArguments.ValidateObjects(result, merged, tree, reviewed, previous);

        if (result.GetResult(server) is { Tokens: [var url] } && !(Uri.TryCreate(url.Value, UriKind.Absolute, out var address) && address.Scheme == Uri.UriSchemeHttps && address.PathAndQuery == "/" && address.UserInfo.Length == 0 && address.Fragment.Length == 0))
        {
            result.AddError($"--server '{url.Value}' is no https address of a host alone, such as {GitHub}");
        }
    }

    private async Task<int> RunAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        var policy = PolicyFile.Load(parsed.GetRequiredValue(policyFile)).Policy;
        var path = parsed.GetRequiredValue(snapshot);
        var bytes = InputFile.Read(path, "snapshot", PullRequestReader.MostBytes);
        if (!PullRequestReader.Read(bytes).Try(out var request, out var illegible))
        {
            throw new GateException($"{path}: {illegible.Message}", illegible.Remedy ?? "write it anew");
        }

        // What is merged into another branch nobody protects, and what lies under it nobody reviewed.
        if (policy.Review is { Branches: [_, ..] branches } && !branches.Any(branch => branch.Name == request.BaseRef))
        {
            throw new GateException($"nothing is said about what is merged into {request.BaseRef}: the policy's review.branches does not name it", "attest what is merged into a branch that the policy protects");
        }

        var now = terminal.Clock.GetUtcNow();
        var result = ReviewGate.Decide(request, policy, now);
        var commit = new MergedCommit($"{parsed.GetRequiredValue(server).TrimEnd('/')}/{request.Repository}", IdOf(parsed, merged)!, IdOf(parsed, tree)!, IdOf(parsed, reviewed)!) { Previous = IdOf(parsed, previous), Snapshot = Digest.Of(bytes) };
        if (!ReviewStatement.Of(StatementWords.NewId('v'), request, result, commit, policy, now).Try(out var statement, out var why))
        {
            // What is not known may not be said, and what was not allowed may not either.
            var refused = Decision.All(result.Decision, result.Decision.Verdict > Verdict.Warn ? new Decision(result.Decision.Verdict, [why], []) : Decision.Deny(why));
            return await ToReport(refused, commit, null, null, null, null, null).WriteAsync(terminal, parsed.GetRequiredValue(form));
        }

        statement = statement with { ChangeId = parsed.GetValue(change) };
        using var signer = await signing.OpenAsync(parsed, policy, terminal, cancellation);
        var robot = RobotOf(signer.Identity, policy, now);
        var file = parsed.GetValue(output);
        var registry = registries.Open(parsed, null, terminal.Clock);
        using var connections = registry as IDisposable;
        var place = file is not null && policy.Review?.Commits is null ? null : CommitStatements.Of(policy, registry);
        if (place is not null && await StandingAsync(place, statement, policy, now, terminal, cancellation) is { } standing)
        {
            return await ToReport(result.Decision, commit, statement with { Id = standing.Review!.Id }, robot, standing.Evidence, null, $"{standing.Where}, as it stood there").WriteAsync(terminal, parsed.GetRequiredValue(form));
        }

        var payload = ReviewStatements.Write(statement);
        await terminal.SayAsync($"attesting the review of {commit.Commit} of {commit.Repository} as {robot.Name}");
        await signing.AskAsync(parsed, signer, terminal, cancellation);
        var bundle = await terminal.WhileAsync($"signing the statement about {commit.Commit}", signer.SignAsync(payload, cancellation).AsTask());

        // Read as a gate reads it, before anybody else does: a certificate may name another run than the policy asks for.
        var item = new EvidenceItem(bundle, Digest.Of(bundle.Json.Span), "the statement");
        if (WhyUncounted(Claims.VerifyReview(item, new TrustedSigners(policy)), policy, now) is { } uncounted)
        {
            throw new GateException($"nothing was published, since no gate would count it: {uncounted.Message}", "sign in the workflow, repository and ref that the policy's robots name");
        }

        if (file is not null)
        {
            OutputFile.Write(file, bundle.Json.Span);
        }

        var pushed = place is null ? null : await terminal.WhileAsync($"pushing the statement about {commit.Commit}", place.WriteAsync(commit.Commit, bundle, cancellation));
        return await ToReport(result.Decision, commit, statement, robot, item.Digest, pushed, string.Join(" and ", new[] { place is null ? null : $"{place.Repository}:{CommitStatements.TagOf(commit.Commit)}", file }.OfType<string>())).WriteAsync(terminal, parsed.GetRequiredValue(form));
    }

    // What counts is not signed again: each statement of one commit may hang on images already.
    private static async Task<Claim?> StandingAsync(CommitStatements place, ReviewStatement statement, Policy policy, DateTimeOffset now, Terminal terminal, CancellationToken cancellation)
    {
        var found = await terminal.WhileAsync($"reading {place.Repository}", place.ReadAsync(statement.Commit, cancellation)) switch
        {
            Reading<EvidenceItem?>.Found(var item) => item,
            Reading<EvidenceItem?>.Unread(var reason) => throw new GateException(reason.Message, reason.Remedy ?? "try again"),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        return found is not null && Claims.VerifyReview(found, new TrustedSigners(policy)) is Reading<Claim>.Found(var claim) reading && WhyUncounted(reading, policy, now) is null
            && claim.Review is { Passed: true } stands && stands.Commit == statement.Commit && stands.Tree == statement.Tree && stands.Repository == statement.Repository && stands.Policy == statement.Policy
            && stands.Ref == statement.Ref && stands.Author == statement.Author && stands.Properties.SequenceEqual(statement.Properties) && stands.Contributors.SequenceEqual(statement.Contributors) && stands.Reviewers.SequenceEqual(statement.Reviewers)
            ? claim
            : null;
    }

    private static Robot RobotOf(Identity identity, Policy policy, DateTimeOffset now)
    {
        // A token does not say all that a certificate will; what the certificate says is held against the policy once it is there.
        var robot = identity is Identity.OidcSubject(var issuer, var subject)
            ? policy.Robots.Values.FirstOrDefault(robot => robot.Oidc.Any(binding => binding.Issuer == issuer && binding.Subject.Matches(subject)))
            : policy.RobotOf(identity);
        if (robot is null)
        {
            throw new GateException($"{identity} acts for no robot of the policy {policy.Name} version {policy.Version}", "sign in the workflow of the control repository, at the ref, or with the key that the policy's robots name");
        }

        return !policy.Reviewers.Names.Contains(robot.Name)
            ? throw new GateException($"the robot {robot.Name} may not say what was reviewed: no rule of the policy {policy.Name} version {policy.Version} names it under reviewed", "sign as a robot that one names, or have it added there")
            : identity is Identity.Key && policy.WhyNotNow(identity, now) is { } invalid
            ? throw new GateException($"the robot {robot.Name} {invalid}", "sign with a key that counts now")
            : robot;
    }

    private static Reason? WhyUncounted(Reading<Claim> reading, Policy policy, DateTimeOffset now)
    {
        if (!reading.Try(out var claim, out var why))
        {
            return why;
        }

        var accepted = claim.Signers.Select(signer => policy.Accept(signer, policy.Reviewers, now)).ToList();
        return accepted.Exists(one => one.Mistake is null) ? null : new("statement", $"it is signed by {string.Join(", and by ", accepted.Select(one => $"{one.Name}, {one.Mistake}"))}");
    }

    private static GitObjectId? IdOf(ParseResult parsed, Option option) => GitObjectId.TryParse(parsed.GetValue((Option<string?>)option));

    private static Report ToReport(Decision decision, MergedCommit commit, ReviewStatement? statement, Robot? robot, Digest? evidence, Digest? pushed, string? where) => new(
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
                new("statement", $"{statement.Id}, {evidence}"),
                new("kept", where!),
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
            json.WriteString("evidence", evidence?.ToString());
            json.WriteString("pushed", pushed?.ToString());
            json.WriteStartArray("properties");
            foreach (var property in statement?.Properties ?? [])
            {
                json.WriteStringValue(property);
            }

            json.WriteEndArray();
        });
}
