using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Policies;

/// <summary>All whose signatures a policy lets count, by key or by certificate, and the digest that names exactly this set.</summary>
public sealed class TrustedSigners
{
    private readonly Lazy<Digest> version;

    /// <summary>Those whom <paramref name="policy"/> trusts.</summary>
    public TrustedSigners(Policy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        Keys = [.. policy.Keys.Values.Select(key => key.PublicKey)];
        if (policy.Sigstore is { } sigstore && policy.OidcBindings.ToArray() is [_, ..] bindings)
        {
            Keyless = KeylessSigners.Of(sigstore.Evidence, [.. bindings.Select(binding => binding.ToCertificateIdentity())]);
            version = new(() => VersionOf(Keys, [sigstore.Digest.ToString(), sigstore.Logs.ToString(), .. bindings.Select(Line).Order(StringComparer.Ordinal)]));
        }
        else
        {
            version = new(() => VersionOf(Keys, []));
        }
    }

    private TrustedSigners(IReadOnlyCollection<PublicKey> keys)
    {
        Keys = [.. keys];
        version = new(() => VersionOf(Keys, []));
    }

    /// <summary>The keys.</summary>
    public ImmutableArray<PublicKey> Keys { get; }

    /// <summary>Who may sign with a certificate; null: nobody.</summary>
    public KeylessSigners? Keyless { get; }

    /// <summary>The same for the same keys, identities and trusted root only.</summary>
    public Digest Version => version.Value;

    /// <summary>These keys and nobody else.</summary>
    public static TrustedSigners OfKeys(params IReadOnlyCollection<PublicKey> keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        return new(keys);
    }

    /// <summary>What a verifier is told of an artifact.</summary>
    /// <param name="sha256">SHA-256 of the artifact: 32 bytes.</param>
    public VerificationPolicy PolicyFor(ReadOnlyMemory<byte> sha256) => VerificationPolicy.For(sha256, Keys) with { Keyless = Keyless };

    /// <summary>What a verifier is told of a statement whose subject is no artifact: the caller holds it against what it describes.</summary>
    /// <param name="predicateType">The predicate type that it must have.</param>
    public VerificationPolicy PolicyForStatement(string predicateType) => VerificationPolicy.ForStatement(predicateType, Keys) with { Keyless = Keyless };

    /// <summary>Who signed what was verified.</summary>
    public static ImmutableArray<Identity> SignersOf(VerificationOutcome.Verified verified)
    {
        ArgumentNullException.ThrowIfNull(verified);
        return verified.Certificate is { } certificate
            ? [new Identity.OidcSubject(certificate.Issuer!, certificate.Name.Value) { Run = RunOf(certificate.Extensions) }]
            : [.. verified.Signers.Select(key => new Identity.Key(Digest.FromHash(key.SpkiSha256.Span)))];
    }

    private static WorkflowRun RunOf(IReadOnlyDictionary<FulcioExtension, string> certified) => new(
        certified.GetValueOrDefault(FulcioExtension.SourceRepositoryIdentifier),
        certified.GetValueOrDefault(FulcioExtension.SourceRepositoryOwnerIdentifier),
        certified.GetValueOrDefault(FulcioExtension.RunnerEnvironment),
        certified.GetValueOrDefault(FulcioExtension.SourceRepositoryUri),
        certified.GetValueOrDefault(FulcioExtension.SourceRepositoryRef),
        certified.GetValueOrDefault(FulcioExtension.SourceRepositoryDigest));

    private static Digest VersionOf(ImmutableArray<PublicKey> keys, ImmutableArray<string> more) => Digest.Of(
    [
        .. keys.Select(key => Convert.ToHexStringLower(key.SpkiSha256.Span)).Order(StringComparer.Ordinal).SelectMany(Convert.FromHexString),
        .. Encoding.UTF8.GetBytes(string.Join('\n', more)),
    ]);

    // No text of a binding holds a line feed or a tab.
    private static string Line(OidcBinding binding) => string.Join(
        '\t',
        binding.Issuer,
        binding.Subject.IsPattern ? "like" : "is",
        binding.Subject.Text,
        binding.RepositoryId?.ToString(CultureInfo.InvariantCulture),
        binding.OwnerId?.ToString(CultureInfo.InvariantCulture),
        binding.Runner);
}
