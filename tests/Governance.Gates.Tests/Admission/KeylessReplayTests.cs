using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Admission;
using Governance.Gates.Evidence;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;
using Governance.Gates.Policies;
using Governance.Gates.Sigstore;
using Governance.Gates.Tests.Sigstore;
using static Governance.Gates.Tests.Admission.KeylessWorld;

namespace Governance.Gates.Tests.Admission;

/// <summary>Decisions about images that are signed without keys, made again from their entries: the trusted root is one of the inputs.</summary>
public sealed class KeylessReplayTests
{
    private static readonly Policy Promise = StandardWith(Root, "promise");

    /// <summary>What is attached, and whether it is let in.</summary>
    public static TheoryData<string, SignedEntity[], Verdict> Attached => new()
    {
        { "a bundle", [Bundle()], Verdict.Allow },
        { "annotations beside a payload", [Layer()], Verdict.Allow },
        { "an envelope that annotations sign", [Bundle(), EnvelopeLayer()], Verdict.Allow },
        { "a stranger's", [Bundle(new() { RepositoryId = "999" })], Verdict.Deny },
        { "a key's", [TestPolicy.SignatureOf(TestPolicy.Good, TestPolicy.Builder)], Verdict.Deny },
    };

    [Theory, MemberData(nameof(Attached))]
    public void A_decision_by_certificate_is_made_again_byte_for_byte(string what, SignedEntity[] entities, Verdict verdict)
    {
        var (entry, kept) = Recorded(Promise, entities);
        Assert.True(entry.Verdict == verdict, what);
        Assert.Equal([], Replayed(entry, kept).Differences);
    }

    [Fact]
    public void The_entry_names_who_signed_when_and_by_which_root()
    {
        var (entry, kept) = Recorded(Promise, Layer());
        var evidence = EvidenceIn(entry);
        Assert.Equal(3, evidence.Length);
        Assert.All(evidence, one => Assert.Equal(ThrowAwaySigstore.Now.AddSeconds(2), one.VerifiedTime));
        Assert.Contains(evidence, one => one.Type == LayerAnnotations.Type && kept.ContainsKey(one.Digest));
        var trust = entry.Inputs.Single(input => input.Kind == EntryInputKind.Trust);
        Assert.Equal(Digest.Of(Root), PolicyFiles.Read(kept[trust.Digest])!["root.json"]);
    }

    [Theory]
    [InlineData("the root")]
    [InlineData("the annotations")]
    [InlineData("the signature")]
    public void Without_any_part_of_what_it_rested_on_it_is_not_made_again(string what)
    {
        var (entry, kept) = Recorded(Promise, Layer());
        var gone = what switch
        {
            "the root" => Digest.Of(Root),
            "the annotations" => EvidenceIn(entry).Single(one => one.Type == LayerAnnotations.Type).Digest,
            _ => EvidenceIn(entry).Single(one => one.Type == "dev.cosignproject.cosign/signature").Digest,
        };
        kept.Remove(gone);
        Assert.False(Replay(entry, kept).Try(out _, out var why));
        Assert.Contains(gone.ToString(), why!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_copy_of_an_instance_is_replayed_as_it_was_and_not_as_the_program_carries_it_now()
    {
        // As a policy that was read by a program whose copy of the instance is the root of these tests.
        var yaml = Encoding.UTF8.GetBytes(Yaml("  artifacts:\n    images:\n      - match: [registry.example.com/shop/**]\n        require: { signed: { by: [flow] } }\n").Replace($"{{ file: root.json, sha256: \"{Digest.Of(Root)}\", logs: inclusion }}", "public-good", StringComparison.Ordinal));
        var policy = Assert.IsType<PolicyReading.Accepted>(PolicyReader.Read(yaml, name => File(name), name => name == "public-good" ? Root : null)).Policy;
        var (entry, kept) = Recorded(policy, yaml, Bundle());
        Assert.Equal(Verdict.Allow, entry.Verdict);
        Assert.Equal([], Replayed(entry, kept).Differences);
        kept.Remove(Digest.Of(Root));
        Assert.False(Replay(entry, kept).Try(out _, out _));
    }

    [Fact]
    public void A_root_that_was_exchanged_beside_the_log_is_no_root_of_that_policy()
    {
        var (entry, kept) = Recorded(Promise, Layer());
        var trust = entry.Inputs.Single(input => input.Kind == EntryInputKind.Trust);
        var forged = PolicyFiles.Write([("root.json", RootWithoutLogs), ("keyed.pub", File("keyed.pub")!.Value)]);
        kept[Digest.Of(forged.Span)] = forged;
        kept[Digest.Of(RootWithoutLogs)] = RootWithoutLogs;
        Assert.False(Replay(entry with { Inputs = [trust with { Digest = Digest.Of(forged.Span) }] }, kept).Try(out _, out _));
    }

    private static ImmutableArray<EntryEvidence> EvidenceIn(LedgerEntry entry) => Assert.IsType<EntryPart<ImmutableArray<EntryEvidence>>.Inline>(entry.Evidence).Value;

    private static SignedEntity.Envelope EnvelopeLayer()
    {
        var bundle = Sign(new());
        var material = bundle["verificationMaterial"]!;
        var pem = PemEncoding.WriteString("CERTIFICATE", Convert.FromBase64String(material["certificate"]!["rawBytes"]!.GetValue<string>())) + "\n";
        return new(Bytes(bundle["dsseEnvelope"]!)) { Annotations = new(pem, Instance.CosignBundle(material["tlogEntries"]![0]!.AsObject()), null) };
    }

    private static (LedgerEntry Entry, Dictionary<Digest, ReadOnlyMemory<byte>> Kept) Recorded(Policy policy, params SignedEntity[] entities) =>
        Recorded(policy, Encoding.UTF8.GetBytes(Yaml("  artifacts:\n    images:\n      - match: [registry.example.com/shop/**]\n        require: { signed: { by: [flow] } }\n", logs: policy.Sigstore!.Logs.ToString().ToLowerInvariant())), entities);

    private static (LedgerEntry Entry, Dictionary<Digest, ReadOnlyMemory<byte>> Kept) Recorded(Policy policy, byte[] yaml, params SignedEntity[] entities)
    {
        Assert.Equal(policy.Digest, Digest.Of(yaml));
        var names = PolicyFiles.Write([(policy.Sigstore!.FileName, policy.Sigstore.Json), ("keyed.pub", File("keyed.pub")!.Value)]);
        var review = Workloads.Review("Pod", TestPolicy.Good);
        var @case = review.Open(policy);
        var claims = TestPolicy.Verify(Image, policy, entities);
        var outcome = @case.Decide(@case.Subjects.ToDictionary(subject => subject, _ => claims), TestPolicy.Now);
        var entry = DecisionEntry.Of(@case, outcome, new("gates-webhook", "1.0.0", null), null, new(EntryInputKind.Trust, "policy-files", Digest.Of(names.Span), TestPolicy.Now))!;
        var stored = (entry with { Origin = "test", Epoch = 1 }).Fit(out var away).Write();
        Assert.True(stored.Try(out var bytes, out var why), why?.Message);
        Assert.True(LedgerEntry.Read(bytes).Try(out var read, out why), why?.Message);

        // As the gate keeps them: what was proven, and what stands beside it.
        var items = entities.Select(entity => TestPolicy.Item(entity, ""));
        IEnumerable<ReadOnlyMemory<byte>> parts = [yaml, names, policy.Sigstore.Json, File("keyed.pub")!.Value, .. items.SelectMany(item => (ReadOnlyMemory<byte>[])[item.Bytes, item.Signature, item.Annotations]), .. away, .. DecisionBasis.Kept(@case, outcome).Select(part => part.Bytes)];
        return (read, parts.DistinctBy(part => Digest.Of(part.Span)).ToDictionary(part => Digest.Of(part.Span)));
    }

    private static Reading<ReplayedDecision> Replay(LedgerEntry entry, Dictionary<Digest, ReadOnlyMemory<byte>> kept) =>
        DecisionReplay.Of(entry, digest => kept.TryGetValue(digest, out var found) ? new Reading<ReadOnlyMemory<byte>>.Found(found) : new Reading<ReadOnlyMemory<byte>>.Unread(new("ledger", $"{digest} is not kept", "keep it")));

    private static ReplayedDecision Replayed(LedgerEntry entry, Dictionary<Digest, ReadOnlyMemory<byte>> kept)
    {
        Assert.True(Replay(entry, kept).Try(out var again, out var why), why?.Message);
        return again;
    }
}
