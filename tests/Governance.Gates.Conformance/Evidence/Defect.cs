using System.Text;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Conformance.Evidence;

/// <summary>What may be wrong with something that cosign signed. Each that names a byte changes exactly one byte of what is stored.</summary>
public enum Defect
{
    /// <summary>A byte of what is signed.</summary>
    PayloadByte,

    /// <summary>A byte of the signature, which stays base64.</summary>
    SignatureByte,

    /// <summary>A byte of the signature, which is no base64 any more.</summary>
    SignatureAlphabet,

    /// <summary>A byte of the envelope's payload type.</summary>
    PayloadTypeByte,

    /// <summary>The first byte of an envelope or a bundle.</summary>
    FirstByte,

    /// <summary>A byte of the bundle's media type.</summary>
    MediaTypeByte,

    /// <summary>The layer's annotation with the signature is not there.</summary>
    NoSignature,

    /// <summary>A key is trusted that did not sign.</summary>
    WrongKey,

    /// <summary>Another digest is asked for.</summary>
    WrongDigest,

    /// <summary>Another predicate type is asked for.</summary>
    WrongPredicateType,
}

internal static class Defects
{
    // Far enough into any base64 field that the byte is neither padding nor the length of the DER.
    private const int Inside = 40;

    /// <summary>The entity with the defect in its bytes, or as it stands where the defect is in what is asked.</summary>
    public static SignedEntity In(this Defect defect, SignedEntity entity) => (defect, entity) switch
    {
        (Defect.WrongKey or Defect.WrongDigest or Defect.WrongPredicateType, _) => entity,
        (Defect.PayloadByte, SignedEntity.CosignSignature signature) => signature with { Payload = Flipped(signature.Payload, Inside) },
        (Defect.SignatureByte, SignedEntity.CosignSignature signature) => signature with { Signature = Encoding.ASCII.GetString(OtherDigit(Encoding.ASCII.GetBytes(signature.Signature!), Inside)) },
        (Defect.SignatureAlphabet, SignedEntity.CosignSignature signature) => signature with { Signature = signature.Signature![..Inside] + '!' + signature.Signature[(Inside + 1)..] },
        (Defect.NoSignature, SignedEntity.CosignSignature signature) => signature with { Signature = null },
        (_, SignedEntity.Envelope envelope) => new SignedEntity.Envelope(In(defect, envelope.Json)),
        (_, SignedEntity.Bundle bundle) => new SignedEntity.Bundle(In(defect, bundle.Json)),
        _ => throw new ArgumentException($"{entity.GetType().Name} has no {defect}", nameof(defect)),
    };

    /// <summary>The bytes with one bit of one byte turned.</summary>
    public static byte[] Flipped(ReadOnlyMemory<byte> bytes, int at, byte bit = 1)
    {
        var changed = bytes.ToArray();
        changed[at] ^= bit;
        return changed;
    }

    private static byte[] In(Defect defect, ReadOnlyMemory<byte> json) => defect switch
    {
        Defect.PayloadByte => OtherDigit(json, ValueOf(json, "payload") + Inside),
        Defect.SignatureByte => OtherDigit(json, ValueOf(json, "sig") + Inside),
        Defect.SignatureAlphabet => With(json, ValueOf(json, "sig") + Inside, (byte)'!'),
        Defect.PayloadTypeByte => Flipped(json, ValueOf(json, "payloadType")),
        Defect.MediaTypeByte => Flipped(json, ValueOf(json, "mediaType")),
        Defect.FirstByte => With(json, 0, (byte)'['),
        _ => throw new ArgumentException($"JSON has no {defect}", nameof(defect)),
    };

    private static int ValueOf(ReadOnlyMemory<byte> json, string field)
    {
        // cosign writes envelopes with a space after the colon, and without.
        var name = json.Span.IndexOf(Encoding.ASCII.GetBytes($"\"{field}\":"));
        Assert.True(name >= 0, $"no field '{field}' in {Encoding.UTF8.GetString(json.Span)}");
        var colon = name + field.Length + 3;
        return colon + json.Span[colon..].IndexOf((byte)'"') + 1;
    }

    private static byte[] OtherDigit(ReadOnlyMemory<byte> base64, int at) => With(base64, at, base64.Span[at] == 'A' ? (byte)'B' : (byte)'A');

    private static byte[] With(ReadOnlyMemory<byte> bytes, int at, byte value)
    {
        var changed = bytes.ToArray();
        changed[at] = value;
        return changed;
    }
}
