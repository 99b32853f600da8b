using System.Collections.Concurrent;
using Governance.Gates.Conformance.Registries;
using Governance.Gates.Testing.Registries;
using Microsoft.AspNetCore.Http;

namespace Governance.Gates.Conformance.Evidence;

/// <summary>When a registry shows a signed image where another was asked for.</summary>
public enum Lie
{
    /// <summary>At each address, from the second GET on.</summary>
    SecondGet,

    /// <summary>At each address, the first GET only.</summary>
    FirstGet,

    /// <summary>Every second GET at an address.</summary>
    EverySecondGet,

    /// <summary>Always.</summary>
    EveryGet,
}

/// <summary>A registry that holds an image which real cosign signed and one which nobody did, and answers for the second with what it has of the first.</summary>
internal sealed class LyingRegistry : IAsyncDisposable
{
    private readonly LoopbackRegistry registry;
    private readonly ConcurrentDictionary<string, int> asked = new();
    private int told;

    private LyingRegistry(LoopbackRegistry registry, SignedImage signed, SignedImage unsigned) => (this.registry, Signed, Unsigned) = (registry, signed, unsigned);

    /// <summary>The image that is signed, tagged <c>signed</c>.</summary>
    public SignedImage Signed { get; }

    /// <summary>The image that is not, in the same repository, tagged <c>v1</c>.</summary>
    public SignedImage Unsigned { get; }

    /// <summary>Lies told so far.</summary>
    public int Told => told;

    /// <summary>Copies a signed image from a real registry.</summary>
    /// <param name="signed">The image.</param>
    /// <param name="lie">When the copy lies.</param>
    public static async Task<LyingRegistry> StartAsync(SignedImage signed, Lie lie)
    {
        var registry = await LoopbackRegistry.StartAsync();
        await Mirror.CopyAsync(signed.Repository, registry);
        var repository = registry.Repository(signed.Repository.Path);
        registry.AddManifest(repository.Path, registry.Manifest(repository.Path, signed.Digest.ToString())!, TestImage.ManifestType, "signed");
        var lying = new LyingRegistry(registry, new(repository, signed.Digest), new(repository, await TestImage.PushAsync(repository, "v1")));
        registry.Override = context => lying.AnswerAsync(context, lie);
        return lying;
    }

    public ValueTask DisposeAsync() => registry.DisposeAsync();

    private Task<bool> AnswerAsync(HttpContext context, Lie lie)
    {
        var path = context.Request.Path.Value!;
        var time = asked.AddOrUpdate(path, 1, (_, before) => before + 1);
        var isLie = lie switch { Lie.SecondGet => time > 1, Lie.FirstGet => time == 1, Lie.EverySecondGet => time % 2 == 0, _ => true };
        var shown = path.Replace(Unsigned.Digest.Hex, Signed.Digest.Hex, StringComparison.Ordinal).Replace("/manifests/v1", "/manifests/signed", StringComparison.Ordinal);
        if (isLie && shown != path)
        {
            Interlocked.Increment(ref told);
            context.Request.Path = shown;
        }

        return Task.FromResult(false);
    }
}
