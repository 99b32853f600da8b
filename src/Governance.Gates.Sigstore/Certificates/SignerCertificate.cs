using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Unicode;
using Governance.Gates.Sigstore.Certificates;
using static Governance.Gates.Sigstore.VerificationOutcome;

namespace Governance.Gates.Sigstore;

/// <summary>The certificate behind a verified signature: who signed, by whose word, and what the authority knew of it.</summary>
public sealed class SignerCertificate
{
    private const string Step = "certificate";
    private const string Arc = "1.3.6.1.4.1.57264.1.";

    private SignerCertificate(CertificateFields fields, PublicKey key, SubjectName name, string? issuer, IReadOnlyDictionary<FulcioExtension, string> extensions)
    {
        Fields = fields;
        Key = key;
        Name = name;
        Issuer = issuer;
        Extensions = extensions;
    }

    /// <summary>The certificate in DER.</summary>
    public ReadOnlyMemory<byte> Der => Fields.Der;

    /// <summary>The key that it certifies.</summary>
    public PublicKey Key { get; }

    /// <summary>Who signed.</summary>
    public SubjectName Name { get; }

    /// <summary>Who said so: the OIDC issuer (extensions 1.3.6.1.4.1.57264.1.1 and .8, which agree); null where the certificate names none.</summary>
    public string? Issuer { get; }

    /// <summary>What else the authority knew, such as the repository's id.</summary>
    public IReadOnlyDictionary<FulcioExtension, string> Extensions { get; }

    /// <summary>From when to when it is valid.</summary>
    public TimeWindow Validity => new(Fields.NotBefore, Fields.NotAfter);

    internal CertificateFields Fields { get; }

    /// <summary>Reads a certificate. Nothing of it is trusted yet.</summary>
    internal static SignerCertificate? TryRead(ReadOnlyMemory<byte> der, out Rejected? rejected)
    {
        if (CertificateFields.TryRead(der) is not { } fields)
        {
            return Refuse(RejectionCode.MalformedCertificate, "the certificate is none of version 3 in DER", out rejected);
        }

        if (PublicKey.TryParseDer(fields.Spki, out var mistake) is not { } key)
        {
            return Refuse(RejectionCode.MalformedCertificate, $"the certificate's key is not accepted here: {mistake}", out rejected);
        }

        if (fields.Extension(SubjectName.Oid) is not { } names || SubjectName.TryRead(names.Value) is not { } name)
        {
            return Refuse(RejectionCode.IdentityMissing, "the certificate does not name its owner by exactly one subject alternative name", out rejected);
        }

        var extensions = new Dictionary<FulcioExtension, string>();
        foreach (var kind in Enum.GetValues<FulcioExtension>())
        {
            if (fields.Extension(Arc + (int)kind) is { } extension)
            {
                if (ReadText(extension.Value) is not { } text)
                {
                    return Refuse(RejectionCode.MalformedCertificate, $"the certificate's extension {kind} is no UTF-8 string in DER", out rejected);
                }

                extensions[kind] = text;
            }
        }

        // .1 holds the bytes of the text itself, .8 the same as a UTF8String (Fulcio, oid-info.md).
        var raw = fields.Extension(Arc + "1")?.Value;
        var older = raw is { } bytes && Utf8.IsValid(bytes.Span) ? Encoding.UTF8.GetString(bytes.Span) : null;
        var newer = fields.Extension(Arc + "8") is { } issuer ? ReadText(issuer.Value) : null;
        if ((raw is not null && older is null) || (fields.Extension(Arc + "8") is not null && newer is null) || (older is not null && newer is not null && older != newer))
        {
            return Refuse(RejectionCode.MalformedCertificate, "the certificate names its issuer twice and differently, or not as text", out rejected);
        }

        rejected = null;
        return new(fields, key, name, newer ?? older, extensions);
    }

    /// <summary>Reads a certificate of an authority of one's own: its owner is its subject, and no OIDC issuer vouched for it.</summary>
    internal static SignerCertificate? TryReadNamedBySubject(CertificateFields fields, out Rejected? rejected)
    {
        if (PublicKey.TryParseDer(fields.Spki, out var mistake) is not { } key)
        {
            return Refuse(RejectionCode.MalformedCertificate, $"the certificate's key is not accepted here: {mistake}", out rejected);
        }

        try
        {
            var name = new X500DistinguishedName(fields.Subject.Span).Name;
            rejected = null;
            return new(fields, key, new(SubjectNameKind.DirectoryName, name), null, new Dictionary<FulcioExtension, string>());
        }
        catch (CryptographicException)
        {
            return Refuse(RejectionCode.MalformedCertificate, "the certificate's subject is no name", out rejected);
        }
    }

    private static string? ReadText(ReadOnlyMemory<byte> der)
    {
        try
        {
            var reader = new AsnReader(der, AsnEncodingRules.DER);
            var text = reader.ReadCharacterString(UniversalTagNumber.UTF8String);
            reader.ThrowIfNotEmpty();
            return text;
        }
        catch (AsnContentException)
        {
            return null;
        }
    }

    private static SignerCertificate? Refuse(RejectionCode code, string detail, out Rejected? rejected)
    {
        rejected = new(code, Step, detail);
        return null;
    }

    /// <summary>Who signed, and by whose word.</summary>
    public override string ToString() => Issuer is null && Name.Kind == SubjectNameKind.DirectoryName ? Name.Value : $"{Name} by {Issuer ?? "nobody"}";
}

/// <summary>What Fulcio certifies beside a name: the last number of the extension's object identifier under 1.3.6.1.4.1.57264.1 (Fulcio, oid-info.md).</summary>
public enum FulcioExtension
{
    /// <summary>The workflow, with its ref, that signed.</summary>
    BuildSignerUri = 9,

    /// <summary>The commit of that workflow.</summary>
    BuildSignerDigest = 10,

    /// <summary><c>github-hosted</c> or <c>self-hosted</c>.</summary>
    RunnerEnvironment = 11,

    /// <summary>The repository that was built.</summary>
    SourceRepositoryUri = 12,

    /// <summary>The commit that was built.</summary>
    SourceRepositoryDigest = 13,

    /// <summary>The ref that was built.</summary>
    SourceRepositoryRef = 14,

    /// <summary>The repository's id, which no other repository of that name will have.</summary>
    SourceRepositoryIdentifier = 15,

    /// <summary>The repository's owner.</summary>
    SourceRepositoryOwnerUri = 16,

    /// <summary>The owner's id.</summary>
    SourceRepositoryOwnerIdentifier = 17,

    /// <summary>The workflow that the build began with.</summary>
    BuildConfigUri = 18,

    /// <summary>The commit of that workflow.</summary>
    BuildConfigDigest = 19,

    /// <summary>What began the build, such as <c>push</c>.</summary>
    BuildTrigger = 20,

    /// <summary>The run.</summary>
    RunInvocationUri = 21,

    /// <summary>Whether the repository was public when this was signed.</summary>
    SourceRepositoryVisibility = 22,
}
