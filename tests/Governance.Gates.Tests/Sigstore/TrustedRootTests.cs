using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Sigstore;

public sealed class TrustedRootTests
{
    private static readonly ThrowAwaySigstore Instance = ThrowAwaySigstore.Shared;

    /// <summary>Changes of a good root, and what the refusal names.</summary>
    public static TheoryData<string, Action<JsonObject>, string> Malformed => new()
    {
        { "no media type", root => root.Remove("mediaType"), "mediaType" },
        { "version 0.9", root => root["mediaType"] = "application/vnd.dev.sigstore.trustedroot+json;version=0.9", "mediaType" },
        { "a log without a start, which is not 'always'", root => Log(root)["publicKey"]!["validFor"] = new JsonObject(), "validFor.start" },
        { "an authority without a window", root => Authority(root).Remove("validFor"), "validFor.start" },
        { "a window that ends before it starts", root => Authority(root)["validFor"]!["end"] = "2001-01-01T00:00:00Z", "ends before" },
        { "a time without a zone", root => Authority(root)["validFor"]!["start"] = "2001-01-01", "RFC 3339" },
        { "a hash that is not SHA-256", root => Log(root)["hashAlgorithm"] = "SHA2_512", "hashAlgorithm" },
        { "an id of 31 bytes", root => Log(root)["logId"]!["keyId"] = Convert.ToBase64String(new byte[31]), "keyId" },
        { "a key that is none", root => Log(root)["publicKey"]!["rawBytes"] = "MAA=", "publicKey" },
        { "a key of another kind than it says", root => Log(root)["publicKey"]!["keyDetails"] = "PKIX_ED25519", "keyDetails" },
        { "a kind of key that is not known", root => Log(root)["publicKey"]!["keyDetails"] = "ML_DSA_65", "keyDetails" },
        { "a key in PEM", root => Log(root)["publicKey"]!["rawBytes"] = Convert.ToBase64String(Encoding.ASCII.GetBytes(TestSigners.Trusted.PublicKey.ToPem())), "publicKey" },
        { "a PKCS #1 key that is none", root => (Log(root)["publicKey"]!["keyDetails"], Log(root)["publicKey"]!["rawBytes"]) = ("PKCS1_RSA_PKCS1V5", "MAA="), "publicKey" },
        { "a checkpoint's key id of 3 bytes", root => Log(root)["checkpointKeyId"] = new JsonObject { ["keyId"] = "AAAA" }, "checkpointKeyId" },
        { "one log twice", root => root["tlogs"]!.AsArray().Add(Log(root).DeepClone()), "two logs" },
        { "no certificates", root => Authority(root)["certChain"]!["certificates"] = new JsonArray(), "certificates" },
        { "no root", root => Authority(root)["certChain"]!["certificates"]!.AsArray().RemoveAt(1), "self-signed" },
        { "a chain in the wrong order", root => Swap(Authority(root)["certChain"]!["certificates"]!.AsArray()), "order" },
        { "what is no certificate", root => Authority(root)["certChain"]!["certificates"]![0]!["rawBytes"] = "MAA=", "no certificate" },
        { "a signing certificate among the authorities", root => Authority(root)["certChain"] = root["timestampAuthorities"]![0]!["certChain"]!.DeepClone(), "may issue" },
        { "not an array", root => root["ctlogs"] = "none", "ctlogs" },
        { "too many", root => root["ctlogs"] = new JsonArray([.. Enumerable.Range(0, 65).Select(_ => new JsonObject())]), "at most" },
    };

    [Fact]
    public void A_root_is_read_with_every_window_key_and_digest()
    {
        var json = Encoding.UTF8.GetBytes(Instance.RootJson().ToJsonString());
        var root = TrustedRoot.Parse(json);
        Assert.Equal(SHA256.HashData(json), root.Sha256.ToArray());
        Assert.Equal(["https://rekor.example.test", "https://log2026.rekor.example.test"], root.TransparencyLogs.Select(log => log.BaseUrl));
        Assert.Equal(Instance.Rekor.LogId, root.TransparencyLogs[0].LogId.ToArray());
        Assert.Equal(2, Assert.Single(root.CertificateAuthorities).Chain.Length);
        Assert.Equal(Instance.Timestamps.Certificate, Assert.Single(root.TimestampAuthorities).Chain[0].ToArray());
        var window = Assert.Single(root.CertificateLogs).Window;
        Assert.Equal(new(ThrowAwaySigstore.Now.AddYears(-1), null), window);
    }

    [Theory]
    [InlineData(MediaTypes.TrustedRoot)]
    [InlineData(MediaTypes.TrustedRootV02)]
    [InlineData(MediaTypes.TrustedRootOldSpelling)]
    [InlineData(MediaTypes.TrustedRootV02OldSpelling)]
    public void Both_versions_in_both_spellings_are_read(string mediaType) => Assert.NotNull(Instance.RootWith(root => root["mediaType"] = mediaType));

    [Fact]
    public void Nanoseconds_and_a_root_that_trusts_nobody_are_read()
    {
        var root = Instance.RootWith(root =>
        {
            root.Remove("tlogs");
            root["ctlogs"] = null;
            Authority(root)["validFor"]!["end"] = "2030-12-31T23:59:59.123456789Z";
        });
        Assert.Empty(root.TransparencyLogs);
        Assert.Empty(root.CertificateLogs);
        Assert.Equal(new DateTimeOffset(2030, 12, 31, 23, 59, 59, TimeSpan.Zero).AddTicks(1234567), root.CertificateAuthorities[0].Window.Until);
    }

    [Fact]
    public void What_a_newer_root_says_beside_is_passed_over()
    {
        var root = Instance.RootWith(root =>
        {
            Log(root)["operator"] = "sigstore.dev";
            Authority(root)["operator"] = "sigstore.dev";
            root["tomorrow"] = new JsonObject { ["any"] = "thing" };
        });
        Signed.AssertVerified(SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(Instance.Sign()), ThrowAwaySigstore.PolicyOf(new(root))));
    }

    [Fact]
    public void An_RSA_key_may_be_written_as_PKCS_1_has_it()
    {
        using var rsa = RSA.Create(2048);
        var root = Instance.RootWith(root =>
        {
            var key = root["ctlogs"]![0]!["publicKey"]!;
            (key["keyDetails"], key["rawBytes"]) = ("PKCS1_RSA_PKCS1V5", Convert.ToBase64String(rsa.ExportRSAPublicKey()));
        });
        Assert.Equal(rsa.ExportSubjectPublicKeyInfo(), Assert.Single(root.CertificateLogs).Key.Spki.ToArray());
    }

    [Fact]
    public void A_logs_checkpoints_name_its_key_by_the_id_that_the_root_gives()
    {
        byte[] id = [1, 2, 3, 4];
        var renamed = Instance.RootWith(root => root["tlogs"]![1]!["checkpointKeyId"] = new JsonObject { ["keyId"] = Convert.ToBase64String(id) });
        var bundle = Instance.Sign(new() { Kind = "dsse 0.0.2" });
        VerificationOutcome Verify() => SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(bundle), ThrowAwaySigstore.PolicyOf(new(renamed)));
        Signed.AssertRejected(RejectionCode.CheckpointInvalid, Verify());
        var checkpoint = bundle["verificationMaterial"]!["tlogEntries"]![0]!["inclusionProof"]!["checkpoint"]!;
        var note = checkpoint["envelope"]!.GetValue<string>();
        var signature = note[(note.LastIndexOf(' ') + 1)..^1];
        checkpoint["envelope"] = note.Replace(signature, Convert.ToBase64String([.. id, .. Convert.FromBase64String(signature)[4..]]), StringComparison.Ordinal);
        Signed.AssertVerified(Verify());
    }

    [Theory, MemberData(nameof(Malformed))]
    public void What_is_malformed_refuses_the_whole_root_and_is_named(string name, Action<JsonObject> change, string named)
    {
        var json = Instance.RootJson();
        change(json);
        Assert.True(TrustedRoot.TryParse(Encoding.UTF8.GetBytes(json.ToJsonString()), out var mistake) is null, name);
        Assert.Contains(named, mistake, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', mistake);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{\"mediaType\":\"a\",\"mediaType\":\"b\"}")]
    public void What_is_no_root_at_all_is_refused(string json)
    {
        Assert.Null(TrustedRoot.TryParse(Encoding.UTF8.GetBytes(json), out var mistake));
        Assert.NotEmpty(mistake);
        Assert.Throws<FormatException>(() => TrustedRoot.Parse(Encoding.UTF8.GetBytes(json)));
        Assert.Null(TrustedRoot.TryParse(new byte[TrustedRoot.MaxSize + 1], out mistake));
        Assert.Contains("at most", mistake, StringComparison.Ordinal);
    }

    [Fact]
    public void A_window_includes_both_of_its_ends()
    {
        var window = new TimeWindow(ThrowAwaySigstore.Now, ThrowAwaySigstore.Now.AddHours(1));
        Assert.True(window.Contains(window.From));
        Assert.True(window.Contains(window.Until!.Value));
        Assert.False(window.Contains(window.From.AddTicks(-1)));
        Assert.False(window.Contains(window.Until.Value.AddTicks(1)));
        Assert.True(new TimeWindow(window.From, null).Contains(DateTimeOffset.MaxValue));
    }

    private static JsonObject Log(JsonObject root) => root["tlogs"]![0]!.AsObject();

    private static JsonObject Authority(JsonObject root) => root["certificateAuthorities"]![0]!.AsObject();

    private static void Swap(JsonArray array)
    {
        var first = array[0]!;
        array.RemoveAt(0);
        array.Add(first);
    }
}
