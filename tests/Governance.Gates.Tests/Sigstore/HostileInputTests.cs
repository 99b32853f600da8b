using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Sigstore;

public sealed class HostileInputTests
{
    private static readonly string[] Fragments =
    [
        "{", "}", "[", "]", ",", ":", "null", "true", "1e999", "-0", "\"", "\"sig\":", "\"payload\":", "\"payloadType\":", "\"signatures\":[", "\"mediaType\":",
        "\"verificationMaterial\":{", "\"publicKey\":{\"hint\":", "\"certificate\":", "\"messageSignature\":{", "\"messageDigest\":", "\"dsseEnvelope\":", "\"critical\":",
        "\\ud800", "\\u0000", "\"e30=\"", "\"MEQ=\"", "application/vnd.in-toto+json", "\u00e9", "\r\n", " ",
    ];

    private static readonly Config Thorough = Config.QuickThrowOnFailure.WithMaxTest(1500);

    private static readonly SignedEntity[] Good = [Signed.Image(), Signed.Envelope(Signed.Statement()), Signed.Bundle(), Signed.MessageBundle()];

    [Fact]
    public void A_good_thing_with_one_byte_changed_is_never_verified_as_saying_something_else()
    {
        var change = from entity in Gen.Elements(Good)
                     from place in Gen.Choose(0, int.MaxValue)
                     from value in Gen.Choose(0, 255)
                     select (entity, place, (byte)value);
        Check.One(Thorough, Prop.ForAll(change.ToArbitrary(), change =>
        {
            var (entity, place, value) = change;
            var changed = Map(entity, bytes =>
            {
                bytes[place % bytes.Length] = value;
                return bytes;
            });
            return SaysNothingElse(entity, changed);
        }));
    }

    [Fact]
    public void A_good_thing_with_pieces_cut_out_and_put_in_is_never_verified_as_saying_something_else()
    {
        var edit = from place in Gen.Choose(0, int.MaxValue)
                   from cut in Gen.Choose(0, 20)
                   from put in Gen.Elements(Fragments)
                   select (place, cut, put);
        var change = from entity in Gen.Elements(Good)
                     from edits in Gen.ListOf(edit, 3)
                     select (entity, edits);
        Check.One(Thorough, Prop.ForAll(change.ToArbitrary(), change => SaysNothingElse(change.entity, Map(change.entity, bytes =>
        {
            foreach (var (place, cut, put) in change.edits)
            {
                var at = place % (bytes.Length + 1);
                bytes = [.. bytes[..at], .. Encoding.UTF8.GetBytes(put), .. bytes[Math.Min(bytes.Length, at + cut)..]];
            }

            return bytes;
        }))));
    }

    [Fact]
    public void Random_JSON_that_a_trusted_key_signed_is_refused_and_never_throws()
    {
        var text = Gen.ListOf(Gen.Elements(Fragments), 12).Select(string.Concat);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(text.ToArbitrary(), payload =>
            SigstoreVerifier.Verify(Signed.Envelope(Encoding.UTF8.GetBytes(payload)), Signed.Policy()) is VerificationOutcome.Rejected
            && SigstoreVerifier.Verify(Signed.Image(Encoding.UTF8.GetBytes(payload)), Signed.Policy()) is VerificationOutcome.Rejected
            && SigstoreVerifier.Verify(new SignedEntity.Bundle(Encoding.UTF8.GetBytes(payload)), Signed.Policy()) is VerificationOutcome.Rejected));
    }

    [Fact]
    public void Random_bytes_are_never_a_key_and_never_throw()
    {
        var der = Convert.FromBase64String(string.Concat(TestSigners.Trusted.PublicKey.ToPem().Split('\n')[1..^1]));
        var change = from place in Gen.Choose(0, der.Length - 1)
                     from value in Gen.Choose(0, 255)
                     select (place, (byte)value);
        Check.One(Thorough, Prop.ForAll(change.ToArbitrary(), change =>
        {
            byte[] changed = [.. der];
            changed[change.place] = change.Item2;
            var key = PublicKey.TryParse(changed, out var mistake);
            return changed.AsSpan().SequenceEqual(der) ? key is not null : key is null && mistake.Length > 0 && !mistake.Contains('\n', StringComparison.Ordinal);
        }));
    }

    /// <summary>The change is refused, or left what is signed as it was, as a change of white space does.</summary>
    private static bool SaysNothingElse(SignedEntity good, SignedEntity changed) => SigstoreVerifier.Verify(changed, Signed.Policy()) switch
    {
        VerificationOutcome.Rejected => true,
        VerificationOutcome.Verified verified => verified.Signers is [var signer] && signer.Equals(TestSigners.Trusted.PublicKey)
            && Bytes(verified.Content).AsSpan().SequenceEqual(Bytes(Signed.AssertVerified(SigstoreVerifier.Verify(good, Signed.Policy())).Content)),
        _ => false,
    };

    private static byte[] Bytes(SignedContent content) => content switch
    {
        SignedContent.ImageSignature image => image.Payload.ToArray(),
        SignedContent.Statement statement => statement.Payload.ToArray(),
        SignedContent.Message message => message.ArtifactSha256.ToArray(),
        _ => throw new ArgumentException("a kind of content that the tests do not know", nameof(content)),
    };

    private static SignedEntity Map(SignedEntity entity, Func<byte[], byte[]> change) => entity switch
    {
        SignedEntity.CosignSignature image => new SignedEntity.CosignSignature(image.Payload, Encoding.Latin1.GetString(change(Encoding.Latin1.GetBytes(image.Signature!)))),
        SignedEntity.Envelope envelope => new SignedEntity.Envelope(change(envelope.Json.ToArray())),
        SignedEntity.Bundle bundle => new SignedEntity.Bundle(change(bundle.Json.ToArray())),
        _ => throw new ArgumentException("a kind of entity that the tests do not know", nameof(entity)),
    };
}
