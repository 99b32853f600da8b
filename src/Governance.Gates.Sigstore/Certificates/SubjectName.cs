using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace Governance.Gates.Sigstore;

/// <summary>What a certificate says its owner is: the one GeneralName of its subject alternative name (RFC 5280, section 4.2.1.6; Fulcio certificate specification).</summary>
/// <param name="Kind">The kind of name.</param>
/// <param name="Value">The name.</param>
public sealed record SubjectName(SubjectNameKind Kind, string Value)
{
    internal const string Oid = "2.5.29.17";
    private const string FulcioUserName = "1.3.6.1.4.1.57264.1.7";

    /// <summary>Reads the extension's value; null where it is not exactly one name of a kind that is read.</summary>
    internal static SubjectName? TryRead(ReadOnlyMemory<byte> extension)
    {
        try
        {
            var outer = new AsnReader(extension, AsnEncodingRules.DER);
            var names = outer.ReadSequence();
            outer.ThrowIfNotEmpty();
            var name = ReadName(names);
            names.ThrowIfNotEmpty();
            // A control character, such as NUL, is no part of any name: two readers would see two names.
            return name is { Value.Length: > 0 } && !name.Value.Any(char.IsControl) ? name : null;
        }
        catch (Exception malformed) when (malformed is AsnContentException or ArgumentException or System.Security.Cryptography.CryptographicException)
        {
            return null;
        }
    }

    private static SubjectName? ReadName(AsnReader names)
    {
        var tag = names.PeekTag();
        if (tag.TagClass != TagClass.ContextSpecific)
        {
            return null;
        }

        switch (tag.TagValue)
        {
            case 0:
                return ReadOther(names.ReadSequence(tag));
            case 1:
                return new(SubjectNameKind.Email, Ascii(names, tag));
            case 2:
                return new(SubjectNameKind.Dns, Ascii(names, tag));
            case 4:
                var directory = names.ReadSequence(tag);
                var written = new X500DistinguishedName(directory.ReadEncodedValue().Span).Name;
                directory.ThrowIfNotEmpty();
                return new(SubjectNameKind.DirectoryName, written);
            case 6:
                return new(SubjectNameKind.Uri, Ascii(names, tag));
            case 7:
                return new(SubjectNameKind.IpAddress, new IPAddress(names.ReadOctetString(tag)).ToString());
            case 8:
                return new(SubjectNameKind.RegisteredId, names.ReadObjectIdentifier(tag));
            default:
                return null;
        }
    }

    private static SubjectName? ReadOther(AsnReader other)
    {
        var type = other.ReadObjectIdentifier();
        var wrapper = other.ReadSequence(new Asn1Tag(TagClass.ContextSpecific, 0));
        other.ThrowIfNotEmpty();
        // Fulcio writes user names that are no e-mail addresses so; other types name nothing that a policy could ask for.
        var value = wrapper.ReadCharacterString(UniversalTagNumber.UTF8String);
        wrapper.ThrowIfNotEmpty();
        return type == FulcioUserName ? new(SubjectNameKind.UserName, value) : null;
    }

    private static string Ascii(AsnReader names, Asn1Tag tag) => names.ReadCharacterString(UniversalTagNumber.IA5String, tag);

    /// <summary>The name.</summary>
    public override string ToString() => Value;
}

/// <summary>The kinds of name that a certificate can carry (RFC 5280, GeneralName).</summary>
public enum SubjectNameKind
{
    /// <summary>A URI: a workflow, a SPIFFE id.</summary>
    Uri,

    /// <summary>An e-mail address.</summary>
    Email,

    /// <summary>A user name of Fulcio's (otherName 1.3.6.1.4.1.57264.1.7).</summary>
    UserName,

    /// <summary>A host name.</summary>
    Dns,

    /// <summary>An IP address.</summary>
    IpAddress,

    /// <summary>A distinguished name.</summary>
    DirectoryName,

    /// <summary>An object identifier.</summary>
    RegisteredId,
}
