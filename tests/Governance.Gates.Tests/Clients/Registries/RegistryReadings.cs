using System.Text;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Evidence;
using Governance.Gates.Images;

namespace Governance.Gates.Tests.Clients.Registries;

/// <summary>What the tests of registries share.</summary>
internal static class RegistryReadings
{
    public const string SimpleSigningType = "application/vnd.dev.cosign.simplesigning.v1+json";
    public const string DsseType = "application/vnd.dsse.envelope.v1+json";
    public const string Bundle = "application/vnd.dev.sigstore.bundle.v0.3+json";

    public static OciRegistry Client(RegistryLimits? limits = null, DockerCredentials? credentials = null, TimeProvider? time = null) =>
        new(new() { Limits = limits ?? new() }, credentials ?? DockerCredentials.Anonymous, time ?? TimeProvider.System);

    public static EvidenceLayer Layer(string mediaType, string content, params (string Name, string Value)[] annotations) =>
        new(mediaType, Encoding.UTF8.GetBytes(content), annotations.ToDictionary(one => one.Name, one => one.Value));

    public static EvidenceLayer Signature(string payload, string signature) => Layer(SimpleSigningType, payload, ("dev.cosignproject.cosign/signature", signature));

    public static T Found<T>(this Reading<T> reading) => reading switch
    {
        Reading<T>.Found(var value) => value,
        Reading<T>.Unread(var why) => throw new InvalidOperationException($"unread: {why}"),
        _ => throw new InvalidOperationException(),
    };

    public static Reason Unread<T>(this Reading<T> reading) => Assert.IsType<Reading<T>.Unread>(reading).Reason;

    public static async Task<AttachedEvidence> EvidenceAsync(this IRegistry registry, Repository repository, Digest digest) =>
        (await registry.FindEvidenceAsync(repository, digest, CancellationToken.None)).Found();
}
