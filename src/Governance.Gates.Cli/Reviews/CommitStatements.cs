using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Evidence;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Cli.Reviews;

/// <summary>Where review statements wait: the policy's <c>review.commits</c>, each behind the tag <c>git-</c> and its commit.</summary>
/// <param name="Registry">What holds the repository.</param>
/// <param name="Repository">The repository.</param>
internal sealed record CommitStatements(IRegistry Registry, Repository Repository)
{
    private const int MostBytes = 16 * 1024 * 1024;

    /// <summary>The place that a policy names.</summary>
    /// <exception cref="GateException">It names none.</exception>
    public static CommitStatements Of(Policy policy, IRegistry registry) => new(
        registry,
        policy.Review?.Commits ?? throw new GateException($"the policy {policy.Name} version {policy.Version} does not say where review statements wait", "add review.commits to it, or name a file"));

    /// <summary>The tag of a commit.</summary>
    public static string TagOf(GitObjectId commit) => $"git-{commit}";

    /// <summary>A signed statement in a file.</summary>
    /// <exception cref="GateException">It cannot be read.</exception>
    public static EvidenceItem ReadFile(string path)
    {
        var bytes = InputFile.Read(path, "statement", MostBytes);
        return new(new SignedEntity.Bundle(bytes), Digest.Of(bytes), $"'{path}'");
    }

    /// <summary>What stands behind the tag of a commit, not verified; null where nothing does.</summary>
    public async Task<Reading<EvidenceItem?>> ReadAsync(GitObjectId commit, CancellationToken cancellation) =>
        (await Registry.ReadTaggedAsync(Repository, TagOf(commit), cancellation)).Try(out var layer, out var why)
            ? new Reading<EvidenceItem?>.Found(layer is null ? null : new(new SignedEntity.Bundle(layer.Content), Digest.Of(layer.Content.Span), $"{Repository}:{TagOf(commit)}"))
            : new Reading<EvidenceItem?>.Unread(why);

    /// <summary>The statement about a commit, from a file or from where the policy says that it waits.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="registry">What holds the repository.</param>
    /// <param name="file">The file; null for the policy's place.</param>
    /// <param name="commit">The commit.</param>
    /// <param name="terminal">Where progress is told.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>The statement, or why there is none.</returns>
    /// <exception cref="GateException">The file cannot be read, or the policy names no place.</exception>
    public static async Task<(EvidenceItem? Item, Decision Decision)> FindAsync(Policy policy, IRegistry registry, string? file, GitObjectId commit, Terminal terminal, CancellationToken cancellation)
    {
        if (file is not null)
        {
            return (ReadFile(file), Decision.Allow);
        }

        var place = Of(policy, registry);
        if (!(await terminal.WhileAsync($"reading {place.Repository}", place.ReadAsync(commit, cancellation))).Try(out var item, out var why))
        {
            return (null, Decision.Unknown(why));
        }

        return (item, item is null ? Decision.Deny(new Reason("review.commits", $"no review statement waits at {place.Repository}:{TagOf(commit)}", "merge the commit by a reviewed pull request, and have the control repository attest it (gates review attest)")) : Decision.Allow);
    }

    /// <summary>Puts a statement behind the tag of its commit.</summary>
    /// <returns>The digest of the manifest.</returns>
    /// <exception cref="GateException">It could not be pushed.</exception>
    public async Task<Digest> WriteAsync(GitObjectId commit, SignedEntity.Bundle bundle, CancellationToken cancellation) => ImageTarget.Pushed(await Registry.PushTaggedAsync(
        Repository,
        TagOf(commit),
        Sigstore.MediaTypes.Bundle,
        new(Sigstore.MediaTypes.Bundle, bundle.Json, new Dictionary<string, string> { ["dev.sigstore.bundle.content"] = "dsse-envelope", ["dev.sigstore.bundle.predicateType"] = ReviewStatement.PredicateType }),
        cancellation));
}
