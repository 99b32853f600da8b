using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Reviews;
using Governance.Gates.Clients.GitHub;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates review</c>: may this pull request merge; and was what is merged reviewed?</summary>
internal sealed class ReviewCommand
{
    private const string Approve = "approve=";
    private const string PolicyFileName = "governance.yaml";

    private readonly Option<string?> snapshot = new("--snapshot") { Description = "A saved pull request, judged without a network.", HelpName = "FILE" };
    private readonly Option<string?> number = new("--pr") { Description = "The number of a pull request, read from GitHub. Left out inside a workflow: what its event speaks of.", HelpName = "N" };
    private readonly Option<string?> repository = new("--repository") { Description = "Whose pull request. Left out: GITHUB_REPOSITORY.", HelpName = "OWNER/NAME" };
    private readonly Option<string?> save = new("--save") { Description = "Writes what was read into a new file, for --snapshot.", HelpName = "FILE" };
    private readonly Option<string?> policyFile = new("--policy") { Description = $"The policy as it stands at the base commit. Left out: {PolicyFileName} here for a snapshot, and that of the base commit otherwise.", HelpName = "FILE" };
    private readonly Option<string?> policyAt = new("--policy-at") { Description = $"Where the policy lies in the base commit. Left out: {PolicyFileName}.", HelpName = "PATH" };
    private readonly Option<string[]> bases = new("--base") { Description = "A branch into which pull requests and pushes are judged. Left out: the default branch of the repository. May be given again.", HelpName = "BRANCH" };
    private readonly Option<string?> ledger = new("--ledger") { Description = "For a push: the folder of a log, as gates ledger init makes it, in which every verdict is recorded.", HelpName = "DIR" };
    private readonly Option<string?> checkRun = new("--check-run") { Description = "Puts the answer on the head commit as a check of this name, by GitHub's Checks API. Left out: no check.", HelpName = "NAME" };
    private readonly Option<bool> explain = new("--explain") { Description = "Tells of every review whether it counts, and of every rule how it stands." };
    private readonly Option<string[]> simulate = new("--simulate") { Description = "Judges as if this account approved the head commit too. May be given again.", HelpName = "approve=LOGIN" };
    private readonly Option<string> form = Report.OutputOption();

    private ReviewCommand()
    {
    }

    public static Command Create(Terminal terminal)
    {
        var verb = new ReviewCommand();
        var command = new Command("review", "Judges a pull request by the policy: owners, approvals, values, evidence; inside a workflow also a merge group or a push. Examples: gates review --pr 7 --repository example/trading --save pr.json; gates review --snapshot pr.json --policy p.yaml --explain --simulate approve=dave")
        {
            verb.snapshot, verb.number, verb.repository, verb.save, verb.policyFile, verb.policyAt, verb.bases, verb.ledger, verb.checkRun, verb.explain, verb.simulate, verb.form, ReviewAttestCommand.Create(terminal),
        };
        command.Validators.Add(result => verb.Validate(result, terminal));
        command.SetAction((parsed, cancellation) => verb.RunAsync(parsed, terminal, cancellation));
        return command;
    }

    private void Validate(CommandResult result, Terminal terminal)
    {
        var saved = result.GetResult(snapshot) is { Implicit: false };
        (bool Wrong, string Why)[] rules =
        [
            (saved && new Option[] { number, repository, save, policyAt, bases, ledger }.Any(option => result.GetResult(option) is { Implicit: false }), "--snapshot needs no GitHub: leave out --pr, --repository, --save, --policy-at, --base and --ledger"),
            (result.GetResult(number) is { Implicit: false } && result.GetResult(ledger) is { Implicit: false }, "--ledger records a push, which --pr is none of"),
            (!saved && result.GetResult(number) is not { Implicit: false } && terminal.Variable("GITHUB_EVENT_PATH") is not { Length: > 0 }, "give --pr or --snapshot; only inside a workflow does the event say which pull request is meant"),
            (result.GetResult(number)?.Tokens is [{ Value: var text }] && NumberOf(text) is null, "--pr is a number from 1"),
            (result.GetResult(checkRun) is { Implicit: false } && (saved || result.GetResult(simulate) is { Implicit: false }), "--check-run is for what GitHub says now: leave out --snapshot and --simulate"),
            (result.GetResult(checkRun)?.Tokens is [{ Value: var check }] && !ReviewCheck.IsName(check), "--check-run is a name of 1 to 100 characters on one line"),
            (result.GetResult(policyFile) is { Implicit: false } && result.GetResult(policyAt) is { Implicit: false }, "give either --policy or --policy-at"),
        ];
        foreach (var (wrong, why) in rules)
        {
            if (wrong)
            {
                result.AddError(why);
            }
        }

        foreach (var given in result.GetResult(simulate)?.Tokens.Select(token => token.Value) ?? [])
        {
            if (!given.StartsWith(Approve, StringComparison.Ordinal) || given.Length == Approve.Length)
            {
                result.AddError($"--simulate '{given}' is not approve=LOGIN");
            }
        }
    }

    private async Task<int> RunAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        ImmutableArray<string> logins = [.. (parsed.GetValue(simulate) ?? []).Select(given => given[Approve.Length..])];
        if (parsed.GetValue(snapshot) is { } file)
        {
            var written = parsed.GetValue(policyFile) ?? PolicyFileName;
            var (policy, _) = PolicyFile.Load(written);
            return await WriteAsync(Judge(ReadSnapshot(file), policy, written, file, logins, terminal), parsed, terminal);
        }

        var name = ForgeArguments.RequireRepository(parsed.GetValue(repository), terminal);
        if (parsed.GetValue(save) is { } taken && Path.Exists(taken))
        {
            throw new GateException($"'{taken}' is there already", "name a file that is not there yet");
        }

        var options = GitHubOptions.FromEnvironment(terminal.Variable);
        using var client = GitHubClient.Open(options, name, terminal.Clock);

        // What may still be asked after all was read, however long that took.
        using var publishing = parsed.GetValue(checkRun) is null ? null : GitHubClient.Open(options, name, terminal.Clock);
        var check = publishing is not null ? new ReviewCheck(publishing, parsed.GetValue(checkRun)!, (into, byDefault) => IsJudged(parsed, into, byDefault), terminal) : null;
        if (NumberOf(parsed.GetValue(number)) is { } asked)
        {
            return await WriteAsync(await PublishAsync(check, client, asked, logins, parsed, terminal, cancellation), parsed, terminal);
        }

        switch (ReadEvent(terminal))
        {
            case WorkflowEvent.OfPush when check is not null:
                throw new GateException("what was pushed is on the branch already, and no check keeps it out", "leave --check-run out on push");
            case WorkflowEvent.OfPush push:
                return await ReviewPushAsync(client, push, logins, parsed, terminal, cancellation);
            case not null when parsed.GetValue(ledger) is not null:
                throw new GateException("the event is no push, which is all that --ledger records", "leave --ledger out, or run on push");
            case WorkflowEvent.OfPullRequest(var one):
                return await WriteAsync(await PublishAsync(check, client, one, logins, parsed, terminal, cancellation), parsed, terminal);
            case WorkflowEvent.OfMergeGroup group:
                return await (await ReviewCheck.PublishAsync(check, new ReviewedGroup(name, group, await JudgeAsync(client, group, logins, parsed, terminal, cancellation)), cancellation)).ToReport(parsed.GetValue(explain)).WriteAsync(terminal, parsed.GetRequiredValue(form));
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    // null: nobody tells the default branch.
    private bool? IsJudged(ParseResult parsed, string into, string? defaultBranch) => parsed.GetValue(bases) is { Length: > 0 } named ? named.Contains(into, StringComparer.Ordinal) : defaultBranch is null ? null : into == defaultBranch;

    private static long? NumberOf(string? text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : null;

    private static PullRequest ReadSnapshot(string path) =>
        PullRequestReader.Read(InputFile.Read(path, "snapshot", PullRequestReader.MostBytes)).Try(out var request, out var why) ? request : throw new GateException($"{path}: {why.Message}", why.Remedy ?? "write it anew");

    private static WorkflowEvent ReadEvent(Terminal terminal)
    {
        var payload = InputFile.Read(terminal.Variable("GITHUB_EVENT_PATH")!, "event", WorkflowEvent.MostBytes);
        return WorkflowEvent.Read(terminal.Variable("GITHUB_EVENT_NAME") ?? "", payload).Try(out var found, out var why) ? found : throw new GateException(why.Message, why.Remedy!);
    }

    private async Task<Reviewed> PublishAsync(ReviewCheck? check, GitHubClient client, long asked, ImmutableArray<string> logins, ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        Reviewed reviewed;
        try
        {
            reviewed = await JudgeAsync(client, asked, logins, parsed, terminal, cancellation);
        }
        catch (GateException mistake)
        {
            // An older yes must not outlive it.
            await ReviewCheck.PublishAsync(check, Reviewed.Unread(client.Repository, asked, new("review", mistake.Message, mistake.Remedy)), cancellation);
            throw;
        }

        return await ReviewCheck.PublishAsync(check, reviewed, cancellation);
    }

    private async Task<Reviewed> JudgeAsync(GitHubClient client, long asked, ImmutableArray<string> logins, ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        var what = string.Create(CultureInfo.InvariantCulture, $"{client.Repository}#{asked}");
        var (from, read) = PolicyOf(parsed);
        var reading = await terminal.WhileAsync($"reading {what} from GitHub", PullRequestSource.ReadAsync(client, asked, read, logins, cancellation));
        if (!reading.Try(out var question, out var why))
        {
            return Reviewed.Unread(client.Repository, asked, why);
        }

        if (parsed.GetValue(save) is { } file)
        {
            OutputFile.Write(file, PullRequestWriter.Write(question.Request).Span);
        }

        var into = question.Request.BaseRef;
        if (IsJudged(parsed, into, question.DefaultBranch) is var isJudged and not true)
        {
            // Its policy may be anybody's, and a check stands on the commit, which may be the head of another pull request too.
            return Reviewed.Unread(client.Repository, asked, new("review", $"{what} is into {into}, and pull requests into {(parsed.GetValue(bases) is { Length: > 0 } ? "that branch" : "another than the default branch")} are not judged", "name the branch with --base, where nobody changes its policy without a review")) with { IsElsewhere = isJudged == false };
        }

        return Judge(question.Request, question.Policy, from ?? PlaceOf(parsed, question.Request.BaseSha), what, logins, terminal);
    }

    private async Task<ImmutableArray<Reviewed>> JudgeAsync(GitHubClient client, WorkflowEvent.OfMergeGroup group, ImmutableArray<string> logins, ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        if (parsed.GetValue(save) is not null)
        {
            throw new GateException("a merge group is not one pull request that --save could write", "leave --save out, or name one with --pr");
        }

        if (!(await QueuedPullRequests.ReadAsync(client, group, cancellation)).Try(out var numbers, out var why))
        {
            return [Reviewed.Unread(client.Repository, group.Number, why)];
        }

        var judged = ImmutableArray.CreateBuilder<Reviewed>();
        foreach (var each in numbers)
        {
            judged.Add(await JudgeAsync(client, each, logins, parsed, terminal, cancellation));
        }

        return judged.ToImmutable();
    }

    private async Task<int> ReviewPushAsync(GitHubClient client, WorkflowEvent.OfPush push, ImmutableArray<string> logins, ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        if (parsed.GetValue(save) is not null || !logins.IsEmpty)
        {
            throw new GateException("a push is what has happened: neither --save nor --simulate goes with it", "leave them out, or name a pull request with --pr");
        }

        // Opened first: who cannot record it judges nothing.
        await using var log = parsed.GetValue(ledger) is { } folder ? await PushLedger.OpenAsync(folder, terminal, cancellation) : null;
        var (from, read) = WholePolicyOf(parsed);
        var judged = await terminal.WhileAsync($"reading the push to {push.Ref} of {client.Repository} from GitHub", JudgeAsync(client, push, read, parsed, cancellation));
        var record = log is null || !judged.IsJudged ? null : await log.RecordAsync(client.Repository, judged, cancellation);
        return await new ReviewedPush(client.Repository, judged, review => from ?? PlaceOf(parsed, review.Request.BaseSha), record).ToReport(parsed.GetValue(explain)).WriteAsync(terminal, parsed.GetRequiredValue(form));
    }

    private async Task<JudgedPush> JudgeAsync(GitHubClient client, WorkflowEvent.OfPush push, Func<CommitFiles, CancellationToken, Task<Reading<WholePolicy>>> read, ParseResult parsed, CancellationToken cancellation)
    {
        const string heads = "refs/heads/";
        if (!push.Ref.StartsWith(heads, StringComparison.Ordinal) || push.Ref.Length == heads.Length)
        {
            return Unjudged(push.Ref, "no branch");
        }

        var judge = new MergeJudge(client, push.Ref[heads.Length..], read);
        if (parsed.GetValue(bases) is { Length: > 0 } named)
        {
            return named.Contains(judge.Branch, StringComparer.Ordinal) ? await PushJudge.JudgeAsync(push, judge, cancellation) : Unjudged(judge.Branch, "none of the branches that --base names");
        }

        return !(await judge.History.DefaultBranchAsync(cancellation)).Try(out var @default, out var why) ? new(judge.Branch, push, Decision.Unknown(why), [])
            : @default == judge.Branch ? await PushJudge.JudgeAsync(push, judge, cancellation)
            : Unjudged(judge.Branch, "another branch than the default branch");

        JudgedPush Unjudged(string name, string what) => new(name, push, Decision.Unknown(new Reason("review.push", $"{push.Ref} is {what}, and pushes to it are not judged", "run on push to the branches that are judged only, and name another of them with --base, where nobody changes its policy without a review")), []) { IsJudged = false };
    }

    private string PlaceOf(ParseResult parsed, string sha) => $"{parsed.GetValue(policyAt) ?? PolicyFileName} at {sha}";

    private (string? File, Func<CommitFiles, CancellationToken, Task<Reading<WholePolicy>>> Read) WholePolicyOf(ParseResult parsed)
    {
        if (parsed.GetValue(policyFile) is { } file)
        {
            var policy = PolicyFile.Load(file).Policy;
            var whole = new WholePolicy(policy, PolicyFile.Bytes(file, policy) ?? throw new GateException($"the policy {file} changed while it was read", "try again"));
            return (file, (_, _) => Task.FromResult<Reading<WholePolicy>>(new Reading<WholePolicy>.Found(whole)));
        }

        var path = parsed.GetValue(policyAt) ?? PolicyFileName;
        return (null, (commit, cancellation) => RepositoryPolicy.ReadWholeAsync(commit, path, cancellation));
    }

    // A file that is named is read before anything is asked: its mistakes are the caller's.
    private (string? File, Func<CommitFiles, CancellationToken, Task<Reading<Policy>>> Read) PolicyOf(ParseResult parsed)
    {
        if (parsed.GetValue(policyFile) is { } file)
        {
            var (policy, _) = PolicyFile.Load(file);
            return (file, (_, _) => Task.FromResult<Reading<Policy>>(new Reading<Policy>.Found(policy)));
        }

        var path = parsed.GetValue(policyAt) ?? PolicyFileName;
        return (null, (commit, cancellation) => RepositoryPolicy.ReadAsync(commit, path, cancellation));
    }

    private static Reviewed Judge(PullRequest request, Policy policy, string file, string from, ImmutableArray<string> logins, Terminal terminal)
    {
        foreach (var login in logins)
        {
            request = ReviewGate.WithApproval(request, login) ?? throw new GateException($"nobody of the login '{login}' is among the accounts of {from}", "name an account whose permission or team the snapshot tells");
        }

        return Reviewed.Of(request, policy, file, logins, ReviewGate.Decide(request, policy, terminal.Clock.GetUtcNow()));
    }

    private Task<int> WriteAsync(Reviewed reviewed, ParseResult parsed, Terminal terminal) => reviewed.ToReport(parsed.GetValue(explain)).WriteAsync(terminal, parsed.GetRequiredValue(form));
}
