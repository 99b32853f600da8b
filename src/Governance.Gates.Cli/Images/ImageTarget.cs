using Governance.Gates.Cli.Consoles;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Evidence;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Cli.Images;

/// <summary>One image by digest, and where it is read.</summary>
/// <param name="Registry">What holds it.</param>
/// <param name="Location">As the command line names it.</param>
/// <param name="Subject">Its digest, in the repository that it lies in or stands for.</param>
internal sealed record ImageTarget(IRegistry Registry, ImageLocation Location, Evidence.Subject Subject)
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

    /// <summary>Finds the image to be signed, which must be there.</summary>
    /// <exception cref="GateException">It is not, or cannot be read.</exception>
    public static async Task<ImageTarget> RequireAsync(IRegistry registry, ImageLocation location, Repository? standsFor, Terminal terminal, CancellationToken cancellation)
    {
        var target = await ResolveAsync(registry, location, standsFor, terminal, cancellation) switch
        {
            Reading<ImageTarget>.Found(var found) => found,
            Reading<ImageTarget>.Unread(var reason) => throw new GateException(reason.Message, reason.Remedy ?? "check the name and try again"),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        return target.Resolution is null && await registry.ReadManifestAsync(target.Subject.Repository, target.Subject.Digest, cancellation) is Reading<ReadOnlyMemory<byte>>.Unread(var missing)
            ? throw new GateException(missing.Message, missing.Remedy ?? "push the image first")
            : target;
    }

    /// <summary>Attaches a bundle to it as referrer.</summary>
    /// <param name="bundle">The bundle.</param>
    /// <param name="predicateType">The type of the statement in it.</param>
    /// <param name="what">What is pushed, in words.</param>
    /// <param name="terminal">Where progress is shown.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>The digest of the manifest that refers to the image.</returns>
    /// <exception cref="GateException">It could not be pushed.</exception>
    public async Task<Digest> AttachAsync(SignedEntity.Bundle bundle, string predicateType, string what, Terminal terminal, CancellationToken cancellation)
    {
        // The annotations that cosign 3 writes, by which others choose among referrers.
        var layer = new EvidenceLayer(MediaTypes.Bundle, bundle.Json, new Dictionary<string, string>
        {
            ["dev.sigstore.bundle.content"] = "dsse-envelope",
            ["dev.sigstore.bundle.predicateType"] = predicateType,
        });
        return Pushed(await terminal.WhileAsync($"pushing {what}", Registry.AttachReferrerAsync(Subject.Repository, Subject.Digest, MediaTypes.Bundle, layer, cancellation)));
    }

    /// <summary>The digest of what was pushed.</summary>
    /// <exception cref="GateException">It was not.</exception>
    public static Digest Pushed(Reading<Digest> reading) => reading switch
    {
        Reading<Digest>.Found(var digest) => digest,
        Reading<Digest>.Unread(var reason) => throw new GateException(reason.Message, reason.Remedy ?? "check that you may push there, and try again"),
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
