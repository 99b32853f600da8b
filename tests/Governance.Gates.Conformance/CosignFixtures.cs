using Governance.Gates.Conformance;
using Governance.Gates.Images;
using Governance.Gates.Testing.Processes;
using Governance.Gates.Testing.Registries;

[assembly: AssemblyFixture(typeof(CosignFixtures))]

namespace Governance.Gates.Conformance;

/// <summary>Images on a real registry, signed and attested by real cosign with keys, one repository for each form.</summary>
public sealed class CosignFixtures : IAsyncLifetime
{
    /// <summary>The predicate type that cosign 3 gives its signatures.</summary>
    public const string SignPredicate = "https://sigstore.dev/cosign/sign/v1";

    /// <summary>A predicate type of our own; cosign leaves the predicate of a URI type as it is.</summary>
    public const string ApprovalPredicate = "https://example.test/approval/v1";

    private const string Approval = """{"approved":true,"by":"alice@example.test"}""";
    private const string Bom = """
        {"bomFormat":"CycloneDX","specVersion":"1.6","serialNumber":"urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79","version":1,
         "components":[{"type":"machine-learning-model","name":"tiny","version":"1"}]}
        """;

    private const string Provenance1 = """
        {"buildDefinition":{"buildType":"https://example.test/build@v1","externalParameters":{"ref":"main"},"resolvedDependencies":[]},
         "runDetails":{"builder":{"id":"https://ci.example.test/builder"},"metadata":{"invocationId":"1"}}}
        """;

    private const string Provenance02 = """
        {"builder":{"id":"https://ci.example.test/builder"},"buildType":"https://example.test/build@v0",
         "invocation":{"configSource":{"uri":"git+https://git.example.test/r","digest":{"sha1":"0000000000000000000000000000000000000000"}}},"materials":[]}
        """;

    private DockerRegistry? registry;
    private Cosign? cosign;
    private Made? made;

    /// <summary>cosign itself, to make more.</summary>
    public Cosign Cosign => cosign ?? throw NotMade();

    /// <summary>The registry's host and port.</summary>
    public string Registry => registry?.Host ?? throw NotMade();

    /// <summary>The key that signed everything.</summary>
    public CosignKey Key => There.Key;

    /// <summary>A second key; it signed <see cref="TwoSigners"/> only.</summary>
    public CosignKey OtherKey => There.OtherKey;

    /// <summary>A third key; it signed none of these.</summary>
    public CosignKey StrangersKey => There.StrangersKey;

    /// <summary>Under the tag <c>.sig</c>, by <see cref="Key"/>.</summary>
    public SignedImage Legacy => There.Legacy;

    /// <summary>Under the tag <c>.sig</c> with the annotations <c>team=ml</c> and <c>approved=yes</c>.</summary>
    public SignedImage Annotated => There.Annotated;

    /// <summary>Two layers under the tag <c>.sig</c>: by <see cref="Key"/>, then by <see cref="OtherKey"/>.</summary>
    public SignedImage TwoSigners => There.TwoSigners;

    /// <summary>Under the tag <c>.att</c>: a predicate of each of <see cref="AttestedTypes"/>.</summary>
    public SignedImage Attested => There.Attested;

    /// <summary>A signature as referrer, in cosign's experimental OCI 1.1 form.</summary>
    public SignedImage Referred => There.Referred;

    /// <summary>Sigstore bundles as referrers: a predicate of each of <see cref="BundledTypes"/>.</summary>
    public SignedImage Bundled => There.Bundled;

    /// <summary>Nothing hangs on it.</summary>
    public SignedImage Unsigned => There.Unsigned;

    /// <summary>The image that carries one form.</summary>
    public SignedImage this[CosignForm form] => form switch
    {
        CosignForm.Legacy => Legacy,
        CosignForm.Annotated => Annotated,
        CosignForm.TwoSigners => TwoSigners,
        CosignForm.Attested => Attested,
        CosignForm.Referred => Referred,
        _ => Bundled,
    };

    /// <summary>cosign's words for the types in <see cref="Attested"/>, with the predicate types that stand in the signed statements.</summary>
    public static IReadOnlyDictionary<string, string> AttestedTypes { get; } = new Dictionary<string, string>
    {
        ["cyclonedx"] = "https://cyclonedx.org/bom",
        ["slsaprovenance1"] = "https://slsa.dev/provenance/v1",
        ["slsaprovenance"] = "https://slsa.dev/provenance/v0.2",
        ["custom"] = "https://cosign.sigstore.dev/attestation/v1",
        [ApprovalPredicate] = ApprovalPredicate,
    };

    /// <summary>cosign's words for the types in <see cref="Bundled"/>, with the predicate types that stand in the signed statements.</summary>
    public static IReadOnlyDictionary<string, string> BundledTypes { get; } = new Dictionary<string, string>
    {
        ["custom"] = "https://cosign.sigstore.dev/attestation/v1",
        ["slsaprovenance1"] = "https://slsa.dev/provenance/v1",
        [SignPredicate] = SignPredicate,
    };

    /// <summary>Skips the calling test where cosign or the registry is not installed.</summary>
    public static void SkipWhereMissing() => Assert.SkipWhen(WhyNot is not null, WhyNot ?? "");

    private static string? WhyNot => Peers.WhyNot(Peers.Cosign, Peers.DockerRegistry);

    private Made There => made ?? throw NotMade();

    /// <summary>Starts the registry and makes everything; nothing where the programs are missing.</summary>
    public async ValueTask InitializeAsync()
    {
        if (WhyNot is not null)
        {
            return;
        }

        registry = await DockerRegistry.StartAsync();
        cosign = new Cosign();
        made = await MakeAsync(registry, cosign);
    }

    /// <summary>Ends the registry and removes keys and images.</summary>
    public async ValueTask DisposeAsync()
    {
        cosign?.Dispose();
        if (registry is not null)
        {
            await registry.DisposeAsync();
        }
    }

    private static async Task<Made> MakeAsync(DockerRegistry registry, Cosign cosign)
    {
        var key = await cosign.GenerateKeyPairAsync("cosign");
        var other = await cosign.GenerateKeyPairAsync("other");
        var stranger = await cosign.GenerateKeyPairAsync("stranger");

        var legacy = await PushAsync(registry, "fix/legacy");
        await cosign.SignAsync(key, legacy.Reference);

        var annotated = await PushAsync(registry, "fix/annotated");
        await cosign.SignAsync(key, annotated.Reference, annotations: new Dictionary<string, string> { ["team"] = "ml", ["approved"] = "yes" });

        var twoSigners = await PushAsync(registry, "fix/two-signers");
        await cosign.SignAsync(key, twoSigners.Reference);
        await cosign.SignAsync(other, twoSigners.Reference);

        var attested = await PushAsync(registry, "fix/attested");
        foreach (var type in AttestedTypes.Keys)
        {
            await cosign.AttestAsync(key, attested.Reference, type, PredicateOf(type));
        }

        var referred = await PushAsync(registry, "fix/referred");
        await cosign.SignAsync(key, referred.Reference, SignatureForm.Referrer);

        var bundled = await PushAsync(registry, "fix/bundled");
        foreach (var type in BundledTypes.Keys)
        {
            await cosign.AttestAsync(key, bundled.Reference, type, PredicateOf(type), AttestationForm.Bundle);
        }

        return new(key, other, stranger, legacy, annotated, twoSigners, attested, referred, bundled, await PushAsync(registry, "fix/unsigned"));
    }

    private static string PredicateOf(string type) => type switch
    {
        "cyclonedx" => Bom,
        "slsaprovenance1" => Provenance1,
        "slsaprovenance" => Provenance02,
        SignPredicate => "{}",
        _ => Approval,
    };

    /// <summary>Pushes a new image, tagged <c>v1</c>.</summary>
    public Task<SignedImage> PushAsync(string repository) => PushAsync(registry ?? throw NotMade(), repository);

    private static async Task<SignedImage> PushAsync(DockerRegistry registry, string repository) =>
        new(registry.Repository(repository), await TestImage.PushAsync(registry.Repository(repository), "v1"));

    private static InvalidOperationException NotMade() => new($"call {nameof(SkipWhereMissing)} first: {WhyNot ?? "the fixtures are not made yet"}");

    private sealed record Made(
        CosignKey Key,
        CosignKey OtherKey,
        CosignKey StrangersKey,
        SignedImage Legacy,
        SignedImage Annotated,
        SignedImage TwoSigners,
        SignedImage Attested,
        SignedImage Referred,
        SignedImage Bundled,
        SignedImage Unsigned);
}

/// <summary>A form in which cosign leaves what it signed with a key.</summary>
public enum CosignForm
{
    /// <summary><see cref="CosignFixtures.Legacy"/>.</summary>
    Legacy,

    /// <summary><see cref="CosignFixtures.Annotated"/>.</summary>
    Annotated,

    /// <summary><see cref="CosignFixtures.TwoSigners"/>.</summary>
    TwoSigners,

    /// <summary><see cref="CosignFixtures.Attested"/>.</summary>
    Attested,

    /// <summary><see cref="CosignFixtures.Referred"/>.</summary>
    Referred,

    /// <summary><see cref="CosignFixtures.Bundled"/>.</summary>
    Bundled,
}

/// <summary>An image on the fixtures' registry, tagged <c>v1</c>.</summary>
/// <param name="Repository">Where it lies.</param>
/// <param name="Digest">The manifest's digest.</param>
public sealed record SignedImage(Repository Repository, Digest Digest)
{
    /// <summary>The image by digest.</summary>
    public string Reference => $"{Repository}@{Digest}";

    /// <summary>The digest as cosign and the fallback scheme write it in tags: <c>sha256-…</c>.</summary>
    public string DigestTag => $"sha256-{Digest.Hex}";
}
