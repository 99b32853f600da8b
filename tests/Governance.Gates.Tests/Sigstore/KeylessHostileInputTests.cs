using System.Text;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>Good bundles with a byte changed: in their JSON, and inside what their base64 holds.</summary>
public sealed class KeylessHostileInputTests
{
    private static readonly ThrowAwaySigstore Instance = ThrowAwaySigstore.Shared;
    private static readonly Config Thorough = Config.QuickThrowOnFailure.WithMaxTest(1500);

    private static readonly (JsonObject Json, VerificationOutcome.Verified Meant)[] Good = [.. new Signing[]
    {
        new(),
        new() { Kind = "hashedrekord 0.0.1", IsMessage = true, IsStamped = true },
        new() { Kind = "hashedrekord 0.0.2" },
        new() { Kind = "intoto 0.0.2" },
    }.Select(how => Instance.Sign(how)).Select(json => (json, Signed.AssertVerified(SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(json), Instance.Policy()))))];

    [Fact]
    public void A_good_bundle_with_one_byte_changed_is_never_verified_as_another_signer_time_or_payload()
    {
        var change = from which in Gen.Choose(0, Good.Length - 1)
                     from place in Gen.Choose(0, int.MaxValue)
                     from value in Gen.Choose(0, 255)
                     select (which, place, (byte)value);
        Check.One(Thorough, Prop.ForAll(change.ToArbitrary(), change =>
        {
            var (json, meant) = Good[change.which];
            var bytes = Encoding.UTF8.GetBytes(json.ToJsonString());
            bytes[change.place % bytes.Length] = change.Item3;
            return SaysNothingElse(meant, new(bytes));
        }));
    }

    [Fact]
    public void A_good_bundle_with_one_byte_changed_inside_its_base64_is_never_verified_as_another_signer_time_or_payload()
    {
        var change = from which in Gen.Choose(0, Good.Length - 1)
                     from field in Gen.Choose(0, int.MaxValue)
                     from place in Gen.Choose(0, int.MaxValue)
                     from value in Gen.Choose(1, 255)
                     select (which, field, place, (byte)value);
        Check.One(Thorough, Prop.ForAll(change.ToArbitrary(), change =>
        {
            var (json, meant) = Good[change.which];
            var changed = json.DeepClone().AsObject();
            var fields = Texts(changed).Where(text => text.GetValue<string>().Length > 40 && Convert.TryFromBase64String(text.GetValue<string>(), new byte[text.GetValue<string>().Length], out _)).ToList();
            var text = fields[change.field % fields.Count];
            var bytes = Convert.FromBase64String(text.GetValue<string>());
            bytes[change.place % bytes.Length] ^= change.Item4;
            text.ReplaceWith(Convert.ToBase64String(bytes));
            return SaysNothingElse(meant, ThrowAwaySigstore.Entity(changed));
        }));
    }

    [Fact]
    public void A_bundle_with_any_value_of_another_kind_is_refused_or_says_the_same_and_never_throws()
    {
        foreach (var (json, meant) in Good)
        {
            var count = Places(json).Count();
            for (var place = 0; place < count; place++)
            {
                foreach (var value in (string[])["null", "true", "1e999", "-1", "\"\"", "[]", "{}", "[[]]", "\"\u00e9\""])
                {
                    var changed = json.DeepClone().AsObject();
                    Places(changed).ElementAt(place).ReplaceWith(JsonNode.Parse(value));
                    Assert.True(SaysNothingElse(meant, ThrowAwaySigstore.Entity(changed)), $"{value} at {place}");
                }
            }
        }
    }

    [Fact]
    public void A_trusted_root_with_one_byte_changed_never_throws()
    {
        var root = Encoding.UTF8.GetBytes(Instance.RootJson().ToJsonString());
        var change = from place in Gen.Choose(0, root.Length - 1)
                     from value in Gen.Choose(0, 255)
                     select (place, (byte)value);
        Check.One(Thorough, Prop.ForAll(change.ToArbitrary(), change =>
        {
            byte[] changed = [.. root];
            changed[change.place] = change.Item2;
            return TrustedRoot.TryParse(changed, out var mistake) is null == (mistake.Length > 0);
        }));
    }

    private static bool SaysNothingElse(VerificationOutcome.Verified meant, SignedEntity.Bundle changed) => SigstoreVerifier.Verify(changed, Instance.Policy()) switch
    {
        VerificationOutcome.Rejected rejected => !rejected.Detail.Contains('\n', StringComparison.Ordinal),
        VerificationOutcome.Verified verified => verified.Certificate!.Der.Span.SequenceEqual(meant.Certificate!.Der.Span)
            && verified.Identity == meant.Identity
            && verified.Times.All(meant.Times.Contains)
            && verified.Logs.Select(entry => entry.Index).SequenceEqual(meant.Logs.Select(entry => entry.Index))
            && Bytes(verified.Content).Span.SequenceEqual(Bytes(meant.Content).Span),
        _ => false,
    };

    private static ReadOnlyMemory<byte> Bytes(SignedContent content) => content switch
    {
        SignedContent.Statement statement => statement.Payload,
        SignedContent.Message message => message.ArtifactSha256,
        _ => throw new ArgumentException("a kind of content that a bundle does not have", nameof(content)),
    };

    private static IEnumerable<JsonValue> Texts(JsonNode node) => Places(node).OfType<JsonValue>().Where(value => value.GetValueKind() == System.Text.Json.JsonValueKind.String);

    /// <summary>Every value inside a node, from the outside in.</summary>
    private static IEnumerable<JsonNode> Places(JsonNode node)
    {
        var children = node switch
        {
            JsonObject values => values.Select(value => value.Value),
            JsonArray values => values,
            _ => [],
        };
        return children.OfType<JsonNode>().SelectMany(child => (IEnumerable<JsonNode>)[child, .. Places(child)]);
    }
}
