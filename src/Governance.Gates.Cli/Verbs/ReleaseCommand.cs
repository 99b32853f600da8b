using System.CommandLine;
using System.CommandLine.Parsing;
using Governance.Gates.Admission;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Cli.Reviews;
using Governance.Gates.Cli.Signing;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Clients.Revocations;
using Governance.Gates.Evidence;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates release</c>: does this image hold what the policy asks, with the review of its commit? Then the review and a summary are attached to it.</summary>
internal sealed class ReleaseCommand
{
    private readonly Argument<Reading<ImageLocation>> image = ImageArguments.Location();
    private readonly Option<string> commit = new("--commit") { Description = "The commit that is released: the one that the image's provenance must name.", HelpName = "COMMIT", Required = true };
    private readonly Option<string?> statement = new("--statement") { Description = "The signed review statement of the commit, instead of the one in the policy's review.commits.", HelpName = "FILE" };
    private readonly Option<string> policyFile = new("--policy") { Description = "The policy that decides.", HelpName = "FILE", DefaultValueFactory = _ => "governance.yaml" };
    private readonly Option<string?> @namespace = new("--namespace") { Description = "Where the image is to run." };
    private readonly Option<string?> cluster = new("--cluster-uid") { Description = "UID of the cluster's kube-system namespace. With it the approval for there is asked for too.", HelpName = "UID" };
    private readonly Option<Repository?> standsFor = ImageArguments.As();
    private readonly SigningArguments signing = SigningArguments.UnderPolicy();
    private readonly RegistryArguments registries = new();
    private readonly Option<string> form = Report.OutputOption();

    private ReleaseCommand()
    {
    }

    public static Command Create(Terminal terminal)
    {
        var verb = new ReleaseCommand();
        var command = new Command("release", "Decides whether an image may be released: provenance, commit, review, tag and signatures as its rule asks. Then attaches the review statement and a signed verification summary. Examples: gates release registry.example.com/app:v1 --commit 4c1b… --key release.pem; gates release registry.example.com/app@sha256:… --commit 4c1b… --statement review.json --keyless --fulcio https://fulcio.example.com --rekor https://rekor.example.com --yes")
        {
            verb.image, verb.commit, verb.statement, verb.policyFile, verb.@namespace, verb.cluster, verb.standsFor,
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
        foreach (var mistake in ImageArguments.MistakesInWhereItLies(result, image, standsFor))
        {
            result.AddError(mistake);
        }

        ForgeArguments.ValidateObjects(result, commit);
    }

    private async Task<int> RunAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        var file = parsed.GetRequiredValue(policyFile);
        var policy = PolicyFile.Load(file).Policy;
        var wanted = GitObjectId.TryParse(parsed.GetRequiredValue(commit))!;
        using var signer = await signing.OpenAsync(parsed, policy, terminal, cancellation);
        var location = parsed.Location(image);
        var registry = registries.Open(parsed, location, terminal.Clock);
        using var connections = registry as IDisposable;
        var target = await ImageTarget.RequireAsync(registry, location, parsed.GetValue(standsFor), terminal, cancellation);
        var place = new Place(parsed.GetValue(@namespace), parsed.GetValue(cluster));
        var asked = place.Cluster is null ? WithoutApprovals(policy) : policy;
        if (ImageGate.Rule(ImageReference.At(target.Subject.Repository, target.Subject.Digest).ToString(), place, asked) is not ImageRuling.NeedsEvidence { Rule.Demand: ImageDemand.Require { Reviewed: { } reviewed } } ruling)
        {
            throw new GateException($"the policy {policy.Name} version {policy.Version} asks for no review of {target.Subject} there", "name an image whose rule asks for reviewed, or have it added");
        }

        var found = await CommitStatements.FindAsync(policy, registry, parsed.GetValue(statement), wanted, terminal, cancellation);
        var item = found.Item;
        var claims = await target.VerifyAsync(new TrustedSigners(policy), terminal, cancellation);
        var isAttached = item is not null && claims.Proven.Any(claim => claim.Evidence == item.Digest);

        // No other "yes" in the place of the one for this commit, which is judged as if it were attached already.
        claims = claims with { Proven = [.. claims.Proven.Where(claim => claim.Review is not { Passed: true } || claim.Evidence == item?.Digest)] };
        if (item is not null && !isAttached)
        {
            claims = Claims.VerifyReview(item, new TrustedSigners(policy)).Try(out var review, out var why)
                ? claims with { Proven = claims.Proven.Add(review) }
                : claims with { Refused = claims.Refused.Add(new(item.Where, RejectionCode.WrongShape, why.Message)) };
        }

        var now = terminal.Clock.GetUtcNow();
        using var revocations = new RevocationFeed(Path.GetDirectoryName(Path.GetFullPath(file))!, registry);
        var decision = Decision.All(
            found.Decision,
            Commit(target.Subject, claims, wanted),
            ImageGate.Decide(ruling, claims, asked, new Circumstances(now) { Revocations = await revocations.CurrentAsync(policy, now, cancellation) }).Decision);
        if (decision.Verdict > Verdict.Warn)
        {
            return await ToReport(target, wanted, decision, place, null, null).WriteAsync(terminal, parsed.GetRequiredValue(form));
        }

        // It says that all of the policy is met: nobody may say so where a part of it was not asked.
        var isAllAsked = place.Cluster is not null || policy.Images.Single(rule => rule.Path == ruling.Rule.Path).Demand is not ImageDemand.Require { Approved: not null };
        var summary = isAllAsked ? await SummariseAsync(parsed, signer, target, policy, reviewed, claims, now, terminal, cancellation) : null;
        if (!isAttached)
        {
            await target.AttachAsync((SignedEntity.Bundle)item!.Entity, ReviewStatement.PredicateType, $"the review of {wanted}", terminal, cancellation);
        }

        var pushed = summary is null ? null : await target.AttachAsync(summary, PredicateTypes.VerificationSummary, "the verification summary", terminal, cancellation);
        return await ToReport(target, wanted, decision, place, item!.Digest, pushed).WriteAsync(terminal, parsed.GetRequiredValue(form));
    }

    private async Task<SignedEntity.Bundle> SummariseAsync(ParseResult parsed, StatementSigner signer, ImageTarget target, Policy policy, ReviewedRequirement reviewed, Claims claims, DateTimeOffset now, Terminal terminal, CancellationToken cancellation)
    {
        await signing.AskAsync(parsed, signer, terminal, cancellation);
        var summary = VerificationSummary.Write(target.Subject, policy, reviewed.Properties, claims.Proven.Select(claim => claim.Evidence).Distinct(), now);
        return await terminal.WhileAsync($"signing the summary about {target.Subject}", signer.SignAsync(summary, cancellation).AsTask());
    }

    // Another build of the same image may be from another commit; the one that is released must be among them.
    private static Decision Commit(Evidence.Subject subject, Claims claims, GitObjectId wanted) =>
        claims.Proven.Any(claim => claim.Provenance is Reading<Provenance>.Found(var provenance) && (provenance.Commit == wanted.Hex || claim.Signers.OfType<Identity.OidcSubject>().Any(signer => signer.Run?.Commit == wanted.Hex))) || !claims.Unread.IsEmpty
            ? Decision.Allow
            : Decision.Deny(new Reason("release", $"no provenance of {subject} says that it was built from {wanted}", "name the commit from which it was built"));

    // Approvals are given to what was released. Who names the place asks for them too.
    private static Policy WithoutApprovals(Policy policy) => policy with
    {
        Images = [.. policy.Images.Select(rule => rule.Demand is ImageDemand.Require require ? rule with { Demand = require with { Approved = null } } : rule)],
    };

    private static Report ToReport(ImageTarget target, GitObjectId commit, Decision decision, Place place, Digest? review, Digest? summary) => new(
        "release.schema.json",
        decision.ExitCode,
        $"{AdmissionAnswer.Name(decision.Verdict)}: {target.Subject} of {commit}",
        [
            .. target.Resolution is { } resolution ? [new Fact("resolved", resolution)] : (Fact[])[],
            .. Fact.Of(decision),
            .. place.Cluster is null ? [new Fact("remark", "approvals were not asked for, and where a rule asks for them no summary says that all of the policy is met: --cluster-uid and --namespace say where it is to run")] : (Fact[])[],
            .. review is null ? (Fact[])[] : [new("review", $"{review}, attached")],
            .. summary is null ? (Fact[])[] : [new("summary", $"{summary}, a manifest that refers to the image")],
        ],
        json =>
        {
            json.WriteDecision(decision);
            json.WriteString("image", target.Location.ToString());
            json.WriteString("repository", target.Subject.Repository.ToString());
            json.WriteString("digest", target.Subject.Digest.ToString());
            json.WriteString("commit", commit.ToString());
            json.WriteString("review", review?.ToString());
            json.WriteString("summary", summary?.ToString());
        });
}
