using Governance.Gates.Cli.Verbs;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Evidence;
using Governance.Gates.Policies;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Conformance.Evidence;

/// <summary>The gate with one rule, "signed by one of these keys", for every repository.</summary>
internal sealed class SignedGate(SignedRepository repository, params PublicKey[] keys)
{
    private readonly Policy policy = KeyCheck.PolicyOf(keys.Select((key, number) => ($"key-{number}", key)), repository);

    /// <summary>A client for whatever registry the tests started.</summary>
    public static OciRegistry Client() => new(new(), DockerCredentials.Anonymous, TimeProvider.System);

    /// <summary>What the gate decides about an image, by tag or by digest, from what a registry shows it.</summary>
    public async Task<Decision> DecideAsync(string image, OciRegistry registry)
    {
        switch (ImageGate.Rule(image, new(null, null), policy))
        {
            case ImageRuling.NeedsEvidence ruling:
                var claims = await registry.FindEvidenceAsync(ruling.Subject.Repository, ruling.Subject.Digest, CancellationToken.None) switch
                {
                    Reading<AttachedEvidence>.Found(var attached) => Claims.Verify(ruling.Subject.Digest, attached, keys),
                    Reading<AttachedEvidence>.Unread(var why) => Claims.CouldNotRead(why),
                    _ => throw new System.Diagnostics.UnreachableException(),
                };
                return Decide(ruling, claims);
            case ImageRuling.Settled settled:
                return settled.Decision;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    /// <summary>What the gate decides about an image of which this is known.</summary>
    public Decision Decide(SignedImage image, Claims claims) => Decide((ImageRuling.NeedsEvidence)ImageGate.Rule(image.Reference, new(null, null), policy), claims);

    private Decision Decide(ImageRuling.NeedsEvidence ruling, Claims claims) => ImageGate.Decide(ruling, claims, policy, DateTimeOffset.UtcNow);
}

internal static class SignedImageExtensions
{
    /// <summary>All that hangs on an image, read from its registry without anything unread.</summary>
    public static async Task<AttachedEvidence> EvidenceAsync(this SignedImage image)
    {
        using var client = SignedGate.Client();
        var evidence = Assert.IsType<Reading<AttachedEvidence>.Found>(await client.FindEvidenceAsync(image.Repository, image.Digest, CancellationToken.None)).Value;
        Assert.Empty(evidence.Unread);
        return evidence;
    }
}
