using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Signing;
using Governance.Gates.Evidence;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;
using Governance.Gates.Revocations;

namespace Governance.Gates.Cli.Reviews;

/// <summary>A review statement that waits behind a commit, of somebody whom the policy trusts with statements.</summary>
/// <param name="Claim">The statement.</param>
/// <param name="WhyNot">Why it does not stand; null where it does.</param>
/// <param name="IsRevoked">Whether somebody revoked it, whoever signed it.</param>
internal sealed record WaitingStatement(Claim Claim, Reason? WhyNot, bool IsRevoked);

/// <summary>A review statement that was signed.</summary>
/// <param name="Evidence">SHA-256 of the signed bytes.</param>
/// <param name="Pushed">The manifest in the policy's <c>review.commits</c>; null where it went to a file alone.</param>
/// <param name="Where">Where it is kept.</param>
internal sealed record SignedReview(Digest Evidence, Digest? Pushed, string Where);

/// <summary>Signs review statements as a robot of the policy, and finds those that stand.</summary>
internal sealed class ReviewAttester
{
    private readonly Policy policy;
    private readonly StatementSigner signer;
    private readonly CommitStatements? place;
    private readonly RevocationList revocations;
    private readonly Terminal terminal;
    private readonly Func<CancellationToken, Task> ask;
    private bool asked;

    /// <summary>Prepares to sign.</summary>
    /// <param name="policy">The policy in force.</param>
    /// <param name="signer">What signs.</param>
    /// <param name="place">Where statements wait; null where they go to files alone.</param>
    /// <param name="revocations">What no longer counts.</param>
    /// <param name="terminal">Whose clock counts, and who watches.</param>
    /// <param name="ask">Asks before the first signature whether it may be shown to others for ever; throws where the answer is no.</param>
    /// <exception cref="GateException">The signer acts for no robot that may say what was reviewed.</exception>
    public ReviewAttester(Policy policy, StatementSigner signer, CommitStatements? place, RevocationList revocations, Terminal terminal, Func<CancellationToken, Task> ask)
    {
        (this.policy, this.signer, this.place, this.revocations, this.terminal, this.ask) = (policy, signer, place, revocations, terminal, ask);
        Robot = RobotOf(signer.Identity, policy, terminal.Clock.GetUtcNow());
    }

    /// <summary>As whom is signed.</summary>
    public Robot Robot { get; }

    /// <summary>Whether anything that looks like a review statement was revoked.</summary>
    public bool HasRevokedReviews => revocations.Approvals.Any(id => id.StartsWith(ReviewStatement.IdPrefix, StringComparison.Ordinal));

    /// <summary>Whether the statement about a commit was revoked, wherever it lies and whoever hides it.</summary>
    public bool IsRevoked(string repository, string reference, GitObjectId commit) => revocations.Approvals.Contains(ReviewStatement.IdOf(repository, reference, commit, 0));

    /// <summary>The id of the next statement about a commit: the first that nobody revoked.</summary>
    public string NextId(ReviewStatement statement) => Enumerable.Range(0, int.MaxValue).Select(revoked => ReviewStatement.IdOf(statement.Repository, statement.Ref, statement.Commit, revoked)).First(id => !revocations.Approvals.Contains(id));

    /// <summary>The statement that waits behind a commit; null where there is none of somebody who could say so, unread where there is one that cannot be read.</summary>
    public async Task<Reading<WaitingStatement?>> FindAsync(GitObjectId commit, CancellationToken cancellation)
    {
        if (place is null)
        {
            return new Reading<WaitingStatement?>.Found(null);
        }

        if (!(await terminal.WhileAsync($"reading {place.Repository}", place.ReadAsync(commit, cancellation))).Try(out var item, out var why))
        {
            return new Reading<WaitingStatement?>.Unread(why);
        }

        return item is null ? new Reading<WaitingStatement?>.Found(null)
            : Claims.FindReview(item, new TrustedSigners(policy)).Try(out var claim, out why)
            ? new Reading<WaitingStatement?>.Found(claim is null ? null : new(claim, ReviewStanding.WhyNot(claim, policy, revocations, terminal.Clock.GetUtcNow()), ReviewStanding.IsRevoked(claim, revocations)))
            : new Reading<WaitingStatement?>.Unread(why with { Message = $"{item.Where}: {why.Message}" });
    }

    /// <summary>Signs a statement and puts it where it belongs.</summary>
    /// <param name="statement">The statement.</param>
    /// <param name="file">A file for it; null for none.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="GateException">It could not be signed or published, or no gate would count it; then nothing was published.</exception>
    public async Task<SignedReview> SignAsync(ReviewStatement statement, string? file, CancellationToken cancellation)
    {
        await terminal.SayAsync($"attesting the review of {statement.Commit} of {statement.Repository} as {Robot.Name}");
        if (!asked)
        {
            await ask(cancellation);
            asked = true;
        }

        var bundle = await terminal.WhileAsync($"signing the statement about {statement.Commit}", signer.SignAsync(ReviewStatements.Write(statement), cancellation).AsTask());

        // Read as a gate reads it, before anybody else does: a certificate may name another run than the policy asks for.
        var item = new EvidenceItem(bundle, Digest.Of(bundle.Json.Span), "the statement");
        if ((Claims.VerifyReview(item, new TrustedSigners(policy)).Try(out var claim, out var why) ? ReviewStanding.WhyNot(claim, policy, revocations, terminal.Clock.GetUtcNow()) : why) is { } uncounted)
        {
            throw new GateException($"nothing was published, since no gate would count it: {uncounted.Message}", "sign in the workflow, repository and ref that the policy's robots name, with a key that counts");
        }

        if (file is not null)
        {
            OutputFile.Write(file, bundle.Json.Span);
        }

        var pushed = place is null ? null : await terminal.WhileAsync($"pushing the statement about {statement.Commit}", place.WriteAsync(statement.Commit, bundle, cancellation));
        return new(item.Digest, pushed, string.Join(" and ", new[] { place is null ? null : $"{place.Repository}:{CommitStatements.TagOf(statement.Commit)}", file }.OfType<string>()));
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
}
