using Governance.Gates.Cli.Consoles;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Evidence;
using Governance.Gates.Images;
using Governance.Gates.Policies;

namespace Governance.Gates.Cli.Images;

/// <summary>One image by digest, and where it is read.</summary>
/// <param name="Registry">What holds it.</param>
/// <param name="Location">As the command line names it.</param>
/// <param name="Subject">Its digest, in the repository that it lies in or stands for.</param>
internal sealed record ImageTarget(IRegistry Registry, ImageLocation Location, Subject Subject)
{
    private Task<Reading<AttachedEvidence>>? evidence;

    /// <summary>How it was found; null where the command line named the digest itself.</summary>
    public string? Resolution => Location.Reference.Digest is null ? $"{Location} is {Subject.Digest}" : null;

    /// <summary>Finds the digest that is meant.</summary>
    /// <param name="registry">What holds the image.</param>
    /// <param name="location">As the command line names it.</param>
    /// <param name="standsFor">The repository that a layout stands for; null: none was named.</param>
    /// <param name="terminal">Where progress is shown.</param>
    /// <param name="cancellation">Ends the work.</param>
    public static async Task<Reading<ImageTarget>> ResolveAsync(IRegistry registry, ImageLocation location, Repository? standsFor, Terminal terminal, CancellationToken cancellation) =>
        await terminal.WhileAsync($"resolving {location}", registry.ResolveAsync(location.Reference, cancellation)) switch
        {
            Reading<Digest>.Found(var digest) => new Reading<ImageTarget>.Found(new(registry, location, new(standsFor ?? location.Reference.Repository, digest))),
            Reading<Digest>.Unread(var reason) => new Reading<ImageTarget>.Unread(reason),
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    /// <summary>Begins to read the evidence on it; <see cref="VerifyAsync"/> then only waits for the rest.</summary>
    public void BeginReading(CancellationToken cancellation) => evidence ??= Registry.FindEvidenceAsync(Subject.Repository, Subject.Digest, cancellation);

    /// <summary>Everything that hangs on it, verified for these signers.</summary>
    public async Task<Claims> VerifyAsync(TrustedSigners signers, Terminal terminal, CancellationToken cancellation) =>
        await terminal.WhileAsync($"reading the evidence on {Subject}", evidence ?? Registry.FindEvidenceAsync(Subject.Repository, Subject.Digest, cancellation)) switch
        {
            Reading<AttachedEvidence>.Found(var attached) => Claims.Verify(Subject.Digest, attached, signers),
            Reading<AttachedEvidence>.Unread(var reason) => Claims.CouldNotRead(reason),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}
