using System.Formats.Asn1;
using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>Evidence that was taken away, bent or borrowed: each way to do it has once passed some verifier.</summary>
public sealed class KeylessEvidenceTests
{
    private const string Second = "hashedrekord 0.0.2";
    private static readonly ThrowAwaySigstore Instance = ThrowAwaySigstore.Shared;

    /// <summary>Changes of a good bundle in the first log.</summary>
    public static TheoryData<string, Action<JsonObject>, RejectionCode> TamperedEntry => new()
    {
        { "a shifted integrated time", entry => entry["integratedTime"] = Shifted(entry["integratedTime"], 1), RejectionCode.InclusionPromiseInvalid },
        { "a shifted index", entry => entry["logIndex"] = Shifted(entry["logIndex"], 1), RejectionCode.InclusionPromiseInvalid },
        { "a shifted index in the proof", entry => Proof(entry)["logIndex"] = Shifted(Proof(entry)["logIndex"], 1), RejectionCode.InclusionProofInvalid },
        { "both indices shifted", entry => (entry["logIndex"], Proof(entry)["logIndex"]) = (Shifted(entry["logIndex"], -1), Shifted(Proof(entry)["logIndex"], -1)), RejectionCode.InclusionProofInvalid },
        { "a promise of another key", entry => entry["inclusionPromise"]!["signedEntryTimestamp"] = "MEQ=", RejectionCode.InclusionPromiseInvalid },
        { "no promise and no timestamp", entry => entry.Remove("inclusionPromise"), RejectionCode.NoVerifiedTime },
        { "a promise without a time", entry => entry.Remove("integratedTime"), RejectionCode.InclusionPromiseInvalid },
        { "a time beyond all calendars", entry => entry["integratedTime"] = "9223372036854775807", RejectionCode.InclusionPromiseInvalid },
        { "a negative index", entry => entry["logIndex"] = "-1", RejectionCode.WrongShape },
        { "no proof", entry => entry.Remove("inclusionProof"), RejectionCode.InclusionProofMissing },
        { "no checkpoint", entry => Proof(entry).Remove("checkpoint"), RejectionCode.CheckpointMissing },
        { "a checkpoint that is none", entry => Proof(entry)["checkpoint"]!["envelope"] = "hello", RejectionCode.CheckpointMalformed },
        { "a checkpoint that the log did not sign", entry => Note(entry, note => note.Replace("\n7\n", "\n8\n", StringComparison.Ordinal)), RejectionCode.CheckpointInvalid },
        { "a checkpoint with an empty line", entry => Note(entry, note => "\n" + note), RejectionCode.CheckpointMalformed },
        { "another root than the signed one", entry => Proof(entry)["rootHash"] = Convert.ToBase64String(new byte[32]), RejectionCode.CheckpointMismatch },
        { "another size than the signed one", entry => Proof(entry)["treeSize"] = "9", RejectionCode.CheckpointMismatch },
        { "a sibling too many", entry => Proof(entry)["hashes"]!.AsArray().Add(Convert.ToBase64String(new byte[32])), RejectionCode.InclusionProofInvalid },
        { "a sibling too few", entry => Proof(entry)["hashes"]!.AsArray().RemoveAt(0), RejectionCode.InclusionProofInvalid },
        { "65 siblings", entry => Proof(entry)["hashes"] = new JsonArray([.. Enumerable.Range(0, 65).Select(_ => JsonValue.Create("AAAA"))]), RejectionCode.InclusionProofInvalid },
        { "a changed body", entry => entry["canonicalizedBody"] = Convert.ToBase64String([.. Convert.FromBase64String(entry["canonicalizedBody"]!.GetValue<string>()), (byte)' ']), RejectionCode.InclusionProofInvalid },
        { "a body that is no JSON", entry => entry["canonicalizedBody"] = "AAAA", RejectionCode.MalformedJson },
        { "another kind than the body's", entry => entry["kindVersion"]!["kind"] = "intoto", RejectionCode.LogEntryMismatch },
        { "a log that nobody trusts", entry => entry["logId"]!["keyId"] = Convert.ToBase64String(new byte[32]), RejectionCode.UnknownLog },
        { "an id that is no id", entry => entry["logId"]!["keyId"] = "AAAA", RejectionCode.UnknownLog },
    };

    [Theory, MemberData(nameof(TamperedEntry))]
    public void A_tampered_log_entry_is_refused(string name, Action<JsonObject> change, RejectionCode expected)
    {
        var bundle = Instance.Sign();
        change(Entry(bundle));
        Signed.AssertRejected(expected, Verify(bundle), name);
    }

    [Fact]
    public void A_trusted_authoritys_timestamp_with_a_changed_signature_is_refused()
    {
        var bundle = Instance.Sign(new() { Kind = Second });
        Signed.AssertVerified(Verify(bundle));
        Restamp(bundle, response => response[^1] ^= 1);
        Signed.AssertRejected(RejectionCode.TimestampSignatureInvalid, Verify(bundle));
    }

    [Fact]
    public void A_trusted_authoritys_timestamp_with_a_changed_time_is_refused()
    {
        var bundle = Instance.Sign(new() { Kind = Second });
        Restamp(bundle, response => response[response.AsSpan().IndexOf("20260301120001Z"u8) + 13] = (byte)'2');
        Signed.AssertRejected(RejectionCode.TimestampContentChanged, Verify(bundle));
    }

    [Fact]
    public void An_entry_without_promise_and_timestamp_says_nothing_of_time()
    {
        var bundle = Instance.Sign(new() { Kind = Second });
        bundle["verificationMaterial"]!.AsObject().Remove("timestampVerificationData");
        Signed.AssertRejected(RejectionCode.NoVerifiedTime, Verify(bundle));
        // A time that the second version's log never signs for, as the bundle's own word.
        Entry(bundle)["integratedTime"] = "1772366402";
        Signed.AssertRejected(RejectionCode.NoVerifiedTime, Verify(bundle));
    }

    [Fact]
    public void The_second_logs_entry_has_one_index()
    {
        var bundle = Instance.Sign(new() { Kind = Second });
        Entry(bundle)["logIndex"] = "4";
        Signed.AssertRejected(RejectionCode.LogIndexMismatch, Verify(bundle));
    }

    // CVE-2022-23649, CVE-2022-36056, CVE-2026-22703: an entry's proof held, and nobody asked what the entry was about.
    [Fact]
    public void A_valid_entry_of_another_signature_lends_it_nothing()
    {
        foreach (var kind in (string[])["dsse 0.0.1", "intoto 0.0.2", "hashedrekord 0.0.1", Second, "dsse 0.0.2"])
        {
            var bundle = Instance.Sign(new() { Kind = kind });
            var other = Instance.Sign(new() { Kind = kind });
            bundle["verificationMaterial"]!["tlogEntries"] = other["verificationMaterial"]!["tlogEntries"]!.DeepClone();
            Signed.AssertRejected(RejectionCode.LogEntryMismatch, Verify(bundle), kind);
        }
    }

    [Theory]
    [InlineData("payloadHash")]
    [InlineData("signature")]
    [InlineData("verifier")]
    public void Each_field_of_an_entry_must_be_the_bundles(string field)
    {
        var bundle = Instance.Sign();
        var body = JsonNode.Parse(Convert.FromBase64String(Entry(bundle)["canonicalizedBody"]!.GetValue<string>()))!.AsObject();
        var spec = body["spec"]!.AsObject();
        var other = JsonNode.Parse(Convert.FromBase64String(Entry(Instance.Sign(new() { Payload = Signed.Statement("https://example.test/other") }))["canonicalizedBody"]!.GetValue<string>()))!["spec"]!;
        (field == "payloadHash" ? spec : spec["signatures"]![0]!.AsObject())[field] = (field == "payloadHash" ? other : other["signatures"]![0]!)[field]!.DeepClone();
        bundle["verificationMaterial"]!["tlogEntries"] = new JsonArray(Instance.Rekor.Entry(body, ThrowAwaySigstore.Now));
        Signed.AssertRejected(RejectionCode.LogEntryMismatch, Verify(bundle), field);
    }

    [Fact]
    public void A_second_signature_by_the_same_key_is_not_the_logged_one()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var signer = EcdsaSigner.FromPem(key.ExportPkcs8PrivateKeyPem(), "");
        var (logged, again) = (Parse(Signed.Bundle(signer)), Parse(Signed.Bundle(signer)));
        var body = LogBodies.Dsse(Signed.Statement(), ThrowAwaySigstore.SignatureOf(logged), signer.PublicKey.ToPem());
        again["verificationMaterial"]!["tlogEntries"] = new JsonArray(Instance.Rekor.Entry(body, ThrowAwaySigstore.Now));
        var policy = Signed.Policy(signer.PublicKey) with { KeyEvidence = new EvidenceRequirement(Instance.Root) };
        Signed.AssertRejected(RejectionCode.LogEntryMismatch, SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(again), policy));
    }

    /// <summary>Of each ECDSA signature there is a second one, (r, n - s), that anybody can make and that verifies as well: no signature is an id.</summary>
    [Fact]
    public void A_signature_bent_into_its_other_form_is_not_the_logged_one()
    {
        var bundle = Instance.Sign();
        var read = new AsnReader(ThrowAwaySigstore.SignatureOf(bundle), AsnEncodingRules.DER).ReadSequence();
        var (r, s) = (read.ReadInteger(), read.ReadInteger());
        var written = new AsnWriter(AsnEncodingRules.DER);
        using (written.PushSequence())
        {
            written.WriteInteger(r);
            written.WriteInteger(BigInteger.Parse("0FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551", NumberStyles.HexNumber, null) - s);
        }

        bundle["dsseEnvelope"]!["signatures"]![0]!["sig"] = Convert.ToBase64String(written.Encode());
        Signed.AssertRejected(RejectionCode.LogEntryMismatch, Verify(bundle));
    }

    [Fact]
    public void An_entry_of_a_kind_that_is_not_read_is_refused()
    {
        var bundle = Instance.Sign(new() { Kind = "", Body = new() { ["apiVersion"] = "0.0.1", ["kind"] = "rpm", ["spec"] = new JsonObject() } });
        Signed.AssertRejected(RejectionCode.UnsupportedLogEntry, Verify(bundle));
    }

    [Fact]
    public void A_promise_alone_counts_only_where_the_policy_says_so_and_the_form_has_nothing_else()
    {
        var accepting = ThrowAwaySigstore.PolicyOf(new EvidenceRequirement(Instance.Root) { Proof = LogProof.Promise });
        foreach (var strip in (Action<JsonObject>[])[entry => entry.Remove("inclusionProof"), entry => Proof(entry).Remove("checkpoint")])
        {
            var bundle = Instance.Sign();
            strip(Entry(bundle));
            Assert.IsType<VerificationOutcome.Rejected>(SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(bundle), accepting));
            // Whoever strips a proof can also write an older version over it: that alone must not suffice.
            ThrowAwaySigstore.Older(bundle, MediaTypes.BundleV01);
            Assert.IsType<VerificationOutcome.Rejected>(Verify(bundle));
            var verified = Signed.AssertVerified(SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(bundle), accepting));
            Assert.Equal(LogProof.Promise, Assert.Single(verified.Logs).Proof);
        }
    }

    [Fact]
    public void An_index_that_nobody_signed_for_is_not_told_and_makes_no_second_entry()
    {
        var bundle = Instance.Sign(new() { IsStamped = true });
        Entry(bundle).Remove("inclusionPromise");
        Entry(bundle)["logIndex"] = "5000";
        Assert.Equal(3, Assert.Single(Signed.AssertVerified(Verify(bundle)).Logs).Index);
        bundle["verificationMaterial"]!["tlogEntries"]!.AsArray().Add(Entry(bundle).DeepClone());
        Entry(bundle, 1)["logIndex"] = "5001";
        Signed.AssertRejected(RejectionCode.DuplicateLogEntry, Verify(bundle));
    }

    [Fact]
    public void A_log_whose_key_was_renewed_at_its_address_lends_its_time_to_no_other()
    {
        var renewed = Instance.RootWith(root =>
        {
            var second = root["tlogs"]![1]!;
            second["baseUrl"] = "https://log2026.rekor.example.test";
            root["tlogs"]![0]!["baseUrl"] = "https://log2026.rekor.example.test";
            second["publicKey"]!["validFor"]!["end"] = ThrowAwaySigstore.Rfc3339(ThrowAwaySigstore.Now);
        });
        var bundle = ThrowAwaySigstore.Entity(Instance.Sign(new() { Kind = Second }));
        Signed.AssertRejected(RejectionCode.OutsideLogValidity, SigstoreVerifier.Verify(bundle, ThrowAwaySigstore.PolicyOf(new(renewed))));
    }

    [Theory]
    [InlineData("not JSON", RejectionCode.MalformedJson)]
    [InlineData("{\"_type\":\"https://in-toto.io/Statement/v1\",\"_type\":\"https://in-toto.io/Statement/v1\"}", RejectionCode.DuplicateKey)]
    [InlineData("{\"_type\":\"https://example.test/Statement\",\"subject\":[],\"predicateType\":\"t\"}", RejectionCode.UnsupportedStatementType)]
    public void What_the_right_identity_signed_is_refused_where_it_is_no_statement(string payload, RejectionCode expected) =>
        Signed.AssertRejected(expected, Verify(Instance.Sign(new() { Payload = System.Text.Encoding.UTF8.GetBytes(payload) })), payload);

    [Fact]
    public void A_body_that_names_a_field_twice_is_refused()
    {
        var bundle = Instance.Sign();
        var body = System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(Entry(bundle)["canonicalizedBody"]!.GetValue<string>()));
        Entry(bundle)["canonicalizedBody"] = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(body.Insert(1, "\"kind\":\"dsse\",")));
        Signed.AssertRejected(RejectionCode.DuplicateKey, Verify(bundle));
    }

    [Fact]
    public void The_first_version_of_the_bundle_must_have_its_promise()
    {
        var bundle = ThrowAwaySigstore.Older(Instance.Sign(new() { IsStamped = true }), MediaTypes.BundleV01);
        Entry(bundle).Remove("inclusionPromise");
        Signed.AssertRejected(RejectionCode.InclusionPromiseMissing, Verify(bundle));
    }

    [Fact]
    public void Signatures_of_others_under_a_checkpoint_do_no_harm_and_prove_nothing()
    {
        var stranger = $"— witness.example.test {Convert.ToBase64String(RandomNumberGenerator.GetBytes(68))}\n";
        var bundle = Instance.Sign(new() { Kind = Second });
        Note(Entry(bundle), note => note.Insert(note.IndexOf("\n\n", StringComparison.Ordinal) + 2, stranger) + stranger);
        Signed.AssertVerified(Verify(bundle));
        Note(Entry(bundle), note => note[..(note.IndexOf("\n\n", StringComparison.Ordinal) + 2)] + stranger);
        Signed.AssertRejected(RejectionCode.CheckpointInvalid, Verify(bundle));
    }

    [Fact]
    public void The_second_logs_checkpoint_carries_the_logs_own_name()
    {
        var impostor = TestLog.Second("other.example.test", TestSigners.Of("P-256"));
        var instance = new ThrowAwaySigstore { Rekor2 = impostor };
        var renamed = instance.RootWith(root => root["tlogs"]![1]!["baseUrl"] = "https://log2026.rekor.example.test");
        var bundle = ThrowAwaySigstore.Entity(instance.Sign(new() { Kind = Second }));
        Signed.AssertRejected(RejectionCode.CheckpointInvalid, SigstoreVerifier.Verify(bundle, ThrowAwaySigstore.PolicyOf(new(renamed))));
        Signed.AssertVerified(SigstoreVerifier.Verify(bundle, instance.Policy()));
    }

    [Fact]
    public void A_logs_key_counts_in_its_window_only_and_both_ends_are_in_it()
    {
        foreach (var (kind, place, end) in ((string, int, int)[])[("dsse 0.0.1", 0, 2), (Second, 1, 1)])
        {
            var bundle = ThrowAwaySigstore.Entity(Instance.Sign(new() { Kind = kind }));
            TrustedRoot Until(int seconds) => Instance.RootWith(root => root["tlogs"]![place]!["publicKey"]!["validFor"]!["end"] = ThrowAwaySigstore.Rfc3339(ThrowAwaySigstore.Now.AddSeconds(seconds)));
            Signed.AssertVerified(SigstoreVerifier.Verify(bundle, ThrowAwaySigstore.PolicyOf(new(Until(end)))));
            Signed.AssertRejected(RejectionCode.OutsideLogValidity, SigstoreVerifier.Verify(bundle, ThrowAwaySigstore.PolicyOf(new(Until(end - 1)))), kind);
        }
    }

    [Fact]
    public void Evidence_stands_once_and_in_bounds()
    {
        var bundle = Instance.Sign(new() { IsStamped = true });
        var entries = bundle["verificationMaterial"]!["tlogEntries"]!.AsArray();
        var stamps = bundle["verificationMaterial"]!["timestampVerificationData"]!["rfc3161Timestamps"]!.AsArray();
        stamps.Add(stamps[0]!.DeepClone());
        Signed.AssertRejected(RejectionCode.DuplicateTimestamp, Verify(bundle));
        while (stamps.Count <= 32)
        {
            stamps.Add(stamps[0]!.DeepClone());
        }

        Signed.AssertRejected(RejectionCode.TooManyTimestamps, Verify(bundle));
        entries.Add(entries[0]!.DeepClone());
        while (stamps.Count > 1)
        {
            stamps.RemoveAt(1);
        }

        Signed.AssertRejected(RejectionCode.DuplicateLogEntry, Verify(bundle));
        while (entries.Count <= 32)
        {
            entries.Add(entries[0]!.DeepClone());
        }

        Signed.AssertRejected(RejectionCode.TooManyLogEntries, Verify(bundle));
    }

    [Fact]
    public void A_good_entry_does_not_excuse_a_bad_one_beside_it()
    {
        var bundle = Instance.Sign(new() { Kind = Second });
        var other = Instance.Sign();
        bundle["verificationMaterial"]!["tlogEntries"]!.AsArray().Add(Entry(other).DeepClone());
        Signed.AssertRejected(RejectionCode.LogEntryMismatch, Verify(bundle));
        // An entry of a log that is not trusted is no evidence, and nothing more.
        Entry(bundle, 1)["logId"]!["keyId"] = Convert.ToBase64String(new byte[32]);
        Assert.Single(Signed.AssertVerified(Verify(bundle)).Logs);
    }

    private static VerificationOutcome Verify(JsonObject bundle) => SigstoreVerifier.Verify(ThrowAwaySigstore.Entity(bundle), Instance.Policy());

    private static JsonObject Parse(SignedEntity.Bundle bundle) => JsonNode.Parse(bundle.Json.Span)!.AsObject();

    private static JsonObject Entry(JsonObject bundle, int place = 0) => bundle["verificationMaterial"]!["tlogEntries"]![place]!.AsObject();

    private static JsonObject Proof(JsonObject entry) => entry["inclusionProof"]!.AsObject();

    private static void Note(JsonObject entry, Func<string, string> change)
    {
        var checkpoint = Proof(entry)["checkpoint"]!.AsObject();
        checkpoint["envelope"] = change(checkpoint["envelope"]!.GetValue<string>());
    }

    private static string Shifted(JsonNode? number, long by) => (long.Parse(number!.GetValue<string>(), null) + by).ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static void Restamp(JsonObject bundle, Action<byte[]> change)
    {
        var stamp = bundle["verificationMaterial"]!["timestampVerificationData"]!["rfc3161Timestamps"]![0]!.AsObject();
        var response = Convert.FromBase64String(stamp["signedTimestamp"]!.GetValue<string>());
        change(response);
        stamp["signedTimestamp"] = Convert.ToBase64String(response);
    }
}
