using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Ledgers;
using Governance.Gates.Tests.Clients.Registries;
using Governance.Gates.Tests.Sigstore;

namespace Governance.Gates.Tests.Ledgers;

/// <summary>Signed notes, verifier keys, checkpoints and proof files, against published examples and against whoever writes them badly.</summary>
public sealed class NoteTests
{
    // C2SP signed-note, "Example"; and golang.org/x/mod/sumdb/note, package documentation.
    private const string ExampleKey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    private const string ExampleNote = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
    private const string GoKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    private const string GoNote = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    private static readonly NoteSigner Log = LogKeys.Ed25519("ledger.example/audit", 7);
    private static readonly NoteSigner Other = LogKeys.Ed25519("ledger.example/audit", 8);

    [Theory]
    [InlineData(ExampleKey, ExampleNote)]
    [InlineData(GoKey, GoNote)]
    public void A_published_note_verifies_with_its_published_key_and_with_no_byte_changed(string vkey, string note)
    {
        var key = NoteKey.TryParse(vkey)!;
        Assert.Equal(vkey, key.ToString());
        var bytes = Encoding.UTF8.GetBytes(note);
        Assert.True(SignedNote.TryRead(bytes, out _)!.IsSignedBy(key));
        for (var at = 0; at < bytes.Length; at++)
        {
            var changed = bytes.ToArray();
            changed[at] ^= 1;
            Assert.False(SignedNote.TryRead(changed, out _)?.IsSignedBy(key) ?? false, $"byte {at}");
        }
    }

    // Made once with OpenSSL from the seed of 32 bytes 0x07.
    [Fact]
    public void A_key_spells_the_same_vkey_everywhere() => Assert.Equal("ledger.example/audit+5838a642+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs", Log.Key.ToString());

    [Theory]
    [InlineData("PeterNeumann+c74f20a3", "no key")]
    [InlineData("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "another id")]
    [InlineData("PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "an id in capitals")]
    [InlineData("Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "a space in the name")]
    [InlineData("+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "no name")]
    [InlineData("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T", "base64 without its end")]
    [InlineData("PeterNeumann+c74f20a3+ ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "a space in base64")]
    [InlineData("PeterNeumann+c74f20a3+BBpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "a type that is not known here")]
    [InlineData("x+00000000+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "a key of small order")]
    [InlineData("", "nothing")]
    public void What_is_no_vkey_is_none(string vkey, string because) => Assert.True(NoteKey.TryParse(vkey) is null, because);

    [Fact]
    public async Task An_ecdsa_key_signs_and_verifies_under_the_id_of_its_spki()
    {
        using var signer = TestSigners.NewEcdsa(ECCurve.NamedCurves.nistP256);
        var key = NoteKey.TryCreate("ledger.example/audit", signer.PublicKey)!;
        Assert.Equal(key, NoteKey.TryParse(key.ToString()));
        Assert.StartsWith(Convert.ToHexStringLower(signer.PublicKey.SpkiSha256.Span[..4]), key.ToString().Split('+')[1], StringComparison.Ordinal);
        var note = await Checkpoint.SignAsync(5, TreeHash.OfEmptyTree, [new(key, signer)], CancellationToken.None);
        Assert.Equal(5, Checkpoint.Open(note, key).Found().Size);
        Assert.Contains("not signed by", Checkpoint.Open(note, Log.Key).Why(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("a+b")]
    [InlineData("a\nb")]
    [InlineData("a\u200bb")]
    public void A_log_is_not_named_by_what_an_entry_or_a_signature_line_cannot_hold(string name) => Assert.Null(NoteKey.TryCreate(name, Log.Key.PublicKey));

    [Theory]
    [InlineData("a\n\n— a AAAAAAA=\r\n", "a carriage return")]
    [InlineData("a\tb\n\n— a AAAAAAA=\n", "a tab")]
    [InlineData("a\n— a AAAAAAA=\n", "no empty line")]
    [InlineData("a\n\n", "no signature")]
    [InlineData("a\n\n— a AAAAAAA=", "no newline at the end")]
    [InlineData("a\n\n- a AAAAAAA=\n", "a hyphen for a dash")]
    [InlineData("a\n\n—  a AAAAAAA=\n", "two spaces")]
    [InlineData("a\n\n— a+b AAAAAAA=\n", "a plus in the name")]
    [InlineData("a\n\n— a\u00a0b AAAAAAA=\n", "a Unicode space in the name")]
    [InlineData("a\n\n— a AAAAAA==\n", "no more than an id")]
    [InlineData("a\n\n— a AAAAAAB=\n", "base64 in a second spelling")]
    [InlineData("a\n\n— a AAAA AAA=\n", "a space in base64")]
    [InlineData("a\n\n— a AAAAAAA= x\n", "something after the signature")]
    [InlineData("a\n\n— a AAAAAAA=\n\n", "an empty line at the end")]
    [InlineData("", "nothing")]
    public void A_note_that_is_not_of_the_format_is_refused(string note, string because)
    {
        Assert.True(SignedNote.TryRead(Encoding.UTF8.GetBytes(note), out var mistake) is null, because);
        Assert.NotEmpty(mistake);
    }

    [Fact]
    public void A_note_that_is_too_large_or_no_utf8_is_refused_and_sixteen_signatures_are_not()
    {
        var lines = string.Concat(Enumerable.Repeat("— a AAAAAAA=\n", 64));
        Assert.Equal(64, SignedNote.TryRead(Encoding.UTF8.GetBytes($"a\n\n{lines}"), out _)!.Signatures.Length);
        Assert.Null(SignedNote.TryRead(Encoding.UTF8.GetBytes($"a\n\n{lines}— a AAAAAAA=\n"), out _));
        Assert.Null(SignedNote.TryRead((byte[])[0xc3, 0x28, .. "\n\n— a AAAAAAA=\n"u8], out _));
        Assert.Null(SignedNote.TryRead(Encoding.UTF8.GetBytes(new string('a', SignedNote.MostBytes) + "\n\n— a AAAAAAA=\n"), out _));
    }

    [Fact]
    public async Task A_checkpoint_is_the_three_lines_of_the_specification_under_a_signature()
    {
        var note = await Signed(12, Log);
        Assert.StartsWith("ledger.example/audit\n12\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— ledger.example/audit WDimQ", Encoding.UTF8.GetString(note), StringComparison.Ordinal);
        var checkpoint = Checkpoint.Open(note, Log.Key).Found();
        Assert.Equal(("ledger.example/audit", 12, TreeHash.OfEmptyTree), (checkpoint.Origin, checkpoint.Size, checkpoint.Root));
        Assert.Equal(note, checkpoint.Note.ToArray());
    }

    [Fact]
    public async Task A_checkpoint_with_two_keys_is_opened_by_either_and_signatures_of_strangers_change_nothing()
    {
        var note = await Signed(12, Log, Other);
        Assert.Equal(12, Checkpoint.Open(note, Log.Key).Found().Size);
        Assert.Equal(12, Checkpoint.Open(note, Other.Key).Found().Size);
        byte[] cosigned = [.. note, .. "— witness.example AAAAAAA=\n"u8, .. Encoding.UTF8.GetBytes($"— ledger.example/audit {Convert.ToBase64String(new byte[68])}\n")];
        Assert.Equal(12, Checkpoint.Open(cosigned, Log.Key).Found().Size);

        // A name that no key of ours could have is a stranger's too.
        cosigned = [.. note, .. Encoding.UTF8.GetBytes($"— {new string('w', 2_000)}\u200b AAAAAAA=\n")];
        Assert.Equal(12, Checkpoint.Open(cosigned, Log.Key).Found().Size);
    }

    [Fact]
    public async Task A_second_signature_under_the_same_name_and_id_must_hold_too()
    {
        var note = await Signed(12, Log);
        var line = Encoding.UTF8.GetString(note).Split('\n')[^2];
        var signature = Convert.FromBase64String(line.Split(' ')[2]);
        signature[^1] ^= 1;
        Assert.Contains("not signed by", Checkpoint.Open((byte[])[.. note, .. Encoding.UTF8.GetBytes($"— ledger.example/audit {Convert.ToBase64String(signature)}\n")], Log.Key).Why(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ledger.example/audit\n12\n", "two lines")]
    [InlineData("ledger.example/audit\n012\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", "a zero before the size")]
    [InlineData("ledger.example/audit\n+12\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", "a sign")]
    [InlineData("ledger.example/audit\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", "a negative size")]
    [InlineData("ledger.example/audit\n9223372036854775808\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", "a size beyond 63 bits")]
    [InlineData("ledger.example/audit\n12\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFX=\n", "a root in a second spelling")]
    [InlineData("ledger.example/audit\n12\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuA==\n", "a root of 31 bytes")]
    [InlineData("ledger.example/audit\n12\n\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", "an empty line")]
    [InlineData("ledger.example/other\n12\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", "another origin")]
    public async Task A_signed_text_that_is_no_checkpoint_of_the_log_is_refused(string text, string because)
    {
        var note = await SignedNote.SignAsync(Encoding.UTF8.GetBytes(text), [Log], CancellationToken.None);
        Assert.True(Checkpoint.Open(note, Log.Key) is Reading<Checkpoint>.Unread, because);
    }

    [Fact]
    public async Task Extension_lines_are_signed_and_otherwise_not_understood()
    {
        var note = await SignedNote.SignAsync("ledger.example/audit\n12\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\nmore\n"u8.ToArray(), [Log], CancellationToken.None);
        Assert.Equal(12, Checkpoint.Open(note, Log.Key).Found().Size);
    }

    [Fact]
    public async Task A_proof_file_proves_its_entry_alone_and_is_read_back_as_it_was_written()
    {
        var tree = new TestTree(300);
        var checkpoint = Checkpoint.Open(await Checkpoint.SignAsync(300, tree.Root, [Log], CancellationToken.None), Log.Key).Found();
        var proof = LedgerProof.Make(259, tree.Leaves[259], checkpoint, tree.Source).Found();
        var file = proof.Write();
        Assert.StartsWith("c2sp.org/tlog-proof@v1\nindex 259\n", Encoding.UTF8.GetString(file), StringComparison.Ordinal);
        Assert.EndsWith("\n\n" + Encoding.UTF8.GetString(checkpoint.Note.Span), Encoding.UTF8.GetString(file), StringComparison.Ordinal);
        var read = LedgerProof.Read(file).Found();
        Assert.Equal(300, read.Verify(tree.Leaves[259], Log.Key).Found().Size);
        Assert.Equal(file, read.Write());
        Assert.Contains("is not entry 259", read.Verify(tree.Leaves[258], Log.Key).Why(), StringComparison.Ordinal);
        Assert.Contains("not signed by", read.Verify(tree.Leaves[259], Other.Key).Why(), StringComparison.Ordinal);
        Assert.Contains("do not belong together", LedgerProof.Make(259, tree.Leaves[258], checkpoint, tree.Source).Why(), StringComparison.Ordinal);

        var extra = LedgerProof.Read((proof with { Extra = "about this"u8.ToArray() }).Write()).Found();
        Assert.Equal("about this"u8.ToArray(), extra.Extra!.Value.ToArray());
        for (var at = 0; at < file.Length; at++)
        {
            var changed = file.ToArray();
            changed[at] ^= 1;
            Assert.False(LedgerProof.Read(changed).Try(out var other, out _) && other.Verify(tree.Leaves[259], Log.Key).Try(out _, out _), $"byte {at}");
        }
    }

    [Theory]
    [InlineData("c2sp.org/tlog-proof@v2\nindex 0\n\nx")]
    [InlineData("c2sp.org/tlog-proof@v1\n\nx")]
    [InlineData("c2sp.org/tlog-proof@v1\nindex 00\n\nx")]
    [InlineData("c2sp.org/tlog-proof@v1\nindex -1\n\nx")]
    [InlineData("c2sp.org/tlog-proof@v1\nindex 0\nextra AAAA\n\nx")]
    [InlineData("c2sp.org/tlog-proof@v1\nextra A\nindex 0\n\nx")]
    [InlineData("c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nx")]
    [InlineData("c2sp.org/tlog-proof@v1\nindex 0\n")]
    [InlineData("")]
    public void A_file_that_is_no_proof_is_refused(string file) => Assert.Contains("cannot be read", LedgerProof.Read(Encoding.UTF8.GetBytes(file)).Why(), StringComparison.Ordinal);

    [Fact]
    public void A_proof_file_with_more_hashes_than_a_tree_is_high_or_too_many_bytes_is_refused()
    {
        var hashes = string.Concat(Enumerable.Repeat(TreeHash.OfEmptyTree.ToBase64() + "\n", 64));
        Assert.Contains("has 64 hashes", LedgerProof.Read(Encoding.UTF8.GetBytes($"c2sp.org/tlog-proof@v1\nindex 0\n{hashes}\nx")).Why(), StringComparison.Ordinal);
        Assert.Contains("more than", LedgerProof.Read(new byte[LedgerProof.MostBytes + 1]).Why(), StringComparison.Ordinal);
    }

    private static ValueTask<byte[]> Signed(long size, params NoteSigner[] signers) => Checkpoint.SignAsync(size, TreeHash.OfEmptyTree, signers, CancellationToken.None);
}
