using System.Collections.Immutable;

namespace Governance.Gates.Sigstore;

/// <summary>A public Sigstore instance, with the dated copy of its trusted root that this library carries. Nothing is fetched, so a copy grows old: its owner's newer roots are read from a file.</summary>
public sealed class SigstoreInstance
{
    private readonly Lazy<TrustedRoot> root;

    private SigstoreInstance(string name, DateOnly takenOn, string source)
    {
        Name = name;
        TakenOn = takenOn;
        Source = source;
        using var resource = typeof(SigstoreInstance).Assembly.GetManifestResourceStream(name + ".json")
            ?? throw new InvalidOperationException($"the copy of {name} is missing from the assembly");
        var bytes = new byte[resource.Length];
        resource.ReadExactly(bytes);
        Json = bytes;
        root = new(() => TrustedRoot.Parse(Json));
    }

    /// <summary>The instance of the Open Source Security Foundation: fulcio.sigstore.dev, rekor.sigstore.dev.</summary>
    public static SigstoreInstance PublicGood { get; } = new("public-good", new(2026, 11, 27), "trusted_root.json of https://tuf-repo-cdn.sigstore.dev, as in the npm package @sigstore/tuf 4.0.2");

    /// <summary>GitHub's own instance, which signs for private repositories: fulcio.githubapp.com, timestamp.githubapp.com. It has no transparency logs.</summary>
    public static SigstoreInstance GitHub { get; } = new("github", new(2026, 7, 29), "https://tuf-repo.github.com, as gh attestation trusted-root printed it, indented");

    /// <summary>Every instance of which there is a copy.</summary>
    public static ImmutableArray<SigstoreInstance> All { get; } = [PublicGood, GitHub];

    /// <summary>A name such as <c>public-good</c>.</summary>
    public string Name { get; }

    /// <summary>The day on which the copy was taken.</summary>
    public DateOnly TakenOn { get; }

    /// <summary>Where it was taken from.</summary>
    public string Source { get; }

    /// <summary>The copy, byte for byte.</summary>
    public ReadOnlyMemory<byte> Json { get; }

    /// <summary>The copy, read.</summary>
    public TrustedRoot Root => root.Value;

    /// <summary>The instance of a name; null where there is no copy of it.</summary>
    public static SigstoreInstance? Find(string name) => All.FirstOrDefault(instance => instance.Name == name);

    /// <summary>Its name.</summary>
    public override string ToString() => Name;
}
