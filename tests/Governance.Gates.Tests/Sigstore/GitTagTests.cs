using System.Buffers.Binary;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Governance.Gates.Sigstore;
using Governance.Gates.Sigstore.Ssh;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>Tags of git that are signed with SSH. What the real programs make is in the conformance tests.</summary>
public sealed class GitTagTests
{
    private const string Commit = "0123456789012345678901234567890123456789";
    private const string Good = $"object {Commit}\ntype commit\ntag v1\ntagger Ann <ann@example.com> 1772366400 +0000\n\nfirst\n";
    private const string Kind = "ecdsa-sha2-nistp256";
    private static readonly ECDsa Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly PublicKey[] Trusted = [PublicKey.Parse(Key.ExportSubjectPublicKeyInfo())];

    [Fact]
    public void A_tag_that_a_trusted_key_signed_says_what_it_names()
    {
        var verified = Signed.AssertVerified(Verify(Tag()));
        Assert.Equal(Trusted, verified.Signers);
        var tag = Assert.IsType<SignedContent.Tag>(verified.Content).GitTag;
        Assert.Equal(("v1", Commit, "Ann <ann@example.com> 1772366400 +0000"), (tag.Name, tag.Commit, tag.Tagger));
    }

    public static TheoryData<string, string, RejectionCode> WrongTags => new()
    {
        { "no message", Good[..^7], RejectionCode.MalformedTag },
        { "a tree", Good.Replace("type commit", "type tree", StringComparison.Ordinal), RejectionCode.MalformedTag },
        { "a tag of a tag", Good.Replace("type commit", "type tag", StringComparison.Ordinal), RejectionCode.MalformedTag },
        { "a short id", Good.Replace(Commit, Commit[1..], StringComparison.Ordinal), RejectionCode.MalformedTag },
        { "an id in capitals", Good.Replace(Commit, new string('A', 40), StringComparison.Ordinal), RejectionCode.MalformedTag },
        { "two objects", $"object {Commit}\n{Good}", RejectionCode.MalformedTag },
        { "a signature over another hash of it", Good.Replace("\n\n", "\ngpgsig-sha256 x\n\n", StringComparison.Ordinal), RejectionCode.MalformedTag },
        { "no tagger", Good.Replace("tagger Ann <ann@example.com> 1772366400 +0000\n", "", StringComparison.Ordinal), RejectionCode.MalformedTag },
        { "line ends of Windows", Good.Replace("\n", "\r\n", StringComparison.Ordinal), RejectionCode.MalformedTag },
        { "a NUL in a header", Good.Replace("tag v1", "tag v1\0", StringComparison.Ordinal), RejectionCode.MalformedTag },
        { "another name", Good.Replace("tag v1", "tag v2", StringComparison.Ordinal), RejectionCode.SubjectMismatch },
        { "the name in other capitals", Good.Replace("tag v1", "tag V1", StringComparison.Ordinal), RejectionCode.SubjectMismatch },
        { "a signature of PGP in the message", Good + "-----BEGIN PGP SIGNATURE-----\n", RejectionCode.TooManySignatures },
        { "a signature of SSH in the message", Good + "-----BEGIN SSH SIGNATURE-----\n", RejectionCode.TooManySignatures },
    };

    /// <summary>Each is well signed, and refused for what it says.</summary>
    [Theory, MemberData(nameof(WrongTags))]
    public void A_signed_tag_that_could_mean_something_else_is_refused(string name, string tag, RejectionCode expected) =>
        Signed.AssertRejected(expected, Verify(Tag(tag)), name);

    public static TheoryData<string, Func<byte[], byte[]>, RejectionCode> WrongSignatures => new()
    {
        { "made for files", _ => Blob(Good, space: "file"), RejectionCode.WrongNamespace },
        { "no namespace", _ => Blob(Good, space: ""), RejectionCode.MalformedSignature },
        { "something where nothing is yet", _ => Blob(Good, reserved: "x"), RejectionCode.MalformedSignature },
        { "a hash that is weak", _ => Blob(Good, hash: "sha1"), RejectionCode.MalformedSignature },
        { "version 2", blob => [.. blob[..9], 2, .. blob[10..]], RejectionCode.MalformedSignature },
        { "another magic", blob => [.. "SSHSIH"u8, .. blob[6..]], RejectionCode.MalformedSignature },
        { "a byte too many", blob => [.. blob, 0], RejectionCode.MalformedSignature },
        { "a byte too few", blob => blob[..^1], RejectionCode.MalformedSignature },
        { "a length beyond all", blob => [.. blob[..10], 255, 255, 255, 255, .. blob[14..]], RejectionCode.MalformedSignature },
        { "nothing", _ => [], RejectionCode.MalformedSignature },
        { "a key of a FIDO token", _ => Blob(Good, kind: "sk-ecdsa-sha2-nistp256@openssh.com"), RejectionCode.MalformedSignature },
        { "a certificate of SSH", _ => Blob(Good, kind: "ecdsa-sha2-nistp256-cert-v01@openssh.com"), RejectionCode.MalformedSignature },
        { "another curve's name", _ => Blob(Good, curve: "nistp384"), RejectionCode.MalformedSignature },
        { "by another algorithm than the key's", _ => Blob(Good, algorithm: "ssh-ed25519"), RejectionCode.MalformedSignature },
        { "by RSA with SHA-1", _ => Blob(Good, algorithm: "ssh-rsa"), RejectionCode.MalformedSignature },
        { "a number that begins with zeros", _ => Blob(Good, pad: [0, 0]), RejectionCode.MalformedSignature },
        { "by a stranger", _ => Blob(Good, ECDsa.Create(ECCurve.NamedCurves.nistP256)), RejectionCode.UnknownKey },
        { "over another tag", _ => Blob(Good.Replace("v1", "v2", StringComparison.Ordinal)), RejectionCode.SignatureMismatch },
    };

    [Theory, MemberData(nameof(WrongSignatures))]
    public void A_signature_that_is_not_over_this_tag_by_a_trusted_key_is_refused(string name, Func<byte[], byte[]> change, RejectionCode expected) =>
        Signed.AssertRejected(expected, Verify([.. Encoding.UTF8.GetBytes(Good), .. Armored(change(Blob(Good)))]), name);

    [Fact]
    public void What_is_unsigned_signed_by_other_means_or_followed_by_more_is_refused()
    {
        Signed.AssertRejected(RejectionCode.NoSignature, Verify(Encoding.UTF8.GetBytes(Good)));
        Signed.AssertRejected(RejectionCode.NoSignature, Verify(Encoding.UTF8.GetBytes(Good + "-----BEGIN PGP SIGNATURE-----\n\nwsB\n-----END PGP SIGNATURE-----\n")));
        Signed.AssertRejected(RejectionCode.MalformedSignature, Verify([.. Tag(), .. "more\n"u8]));
        Signed.AssertRejected(RejectionCode.MalformedSignature, Verify([.. Tag(), (byte)'\n']));
        Signed.AssertRejected(RejectionCode.TooLarge, Verify(new byte[GitTag.MaxSize + 1]));
        Signed.AssertRejected(RejectionCode.NoTrustedKeys, GitTag.Verify(Tag(), "v1", []));
        Signed.AssertRejected(RejectionCode.MalformedTag, Verify([0xff, .. Tag()]));
    }

    [Fact]
    public void No_changed_byte_verifies_and_none_throws()
    {
        var tag = Tag();
        var change = from place in Gen.Choose(0, tag.Length - 1)
                     from value in Gen.Choose(0, 255)
                     where tag[place] != value
                     select (place, (byte)value);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(3_000), Prop.ForAll(change.ToArbitrary(), change =>
        {
            byte[] changed = [.. tag];
            changed[change.place] = change.Item2;
            return Verify(changed) is VerificationOutcome.Rejected;
        }));
    }

    [Fact]
    public void No_changed_byte_inside_of_the_signature_verifies_and_none_throws()
    {
        var blob = Blob(Good);
        var change = from place in Gen.Choose(0, blob.Length - 1)
                     from value in Gen.Choose(0, 255)
                     from cut in Gen.Choose(0, 8)
                     where blob[place] != value
                     select (place, (byte)value, cut);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(3_000), Prop.ForAll(change.ToArbitrary(), change =>
        {
            byte[] changed = [.. blob[..change.place], change.Item2, .. blob[Math.Min(blob.Length, change.place + change.cut)..]];
            return changed.AsSpan().SequenceEqual(blob) || Verify([.. Encoding.UTF8.GetBytes(Good), .. Armored(changed)]) is VerificationOutcome.Rejected;
        }));
    }

    [Theory]
    [InlineData("")]
    [InlineData("ssh-ed25519")]
    [InlineData("ssh-ed25519 AAAA")]
    [InlineData("ssh-ed25519 no-base64 ann")]
    [InlineData("-----BEGIN PUBLIC KEY-----")]
    public void What_is_no_key_of_SSH_is_refused(string line)
    {
        Assert.Null(SshKey.TryParse(line, out var mistake));
        Assert.NotEmpty(mistake);
        Assert.DoesNotContain('\n', mistake);
    }

    [Fact]
    public void A_line_whose_first_word_is_not_the_keys_own_kind_is_refused()
    {
        var blob = Convert.ToBase64String(KeyBlob(Key, Kind, "nistp256"));
        Assert.Equal(Trusted[0], SshKey.TryParse($"{Kind} {blob} ann@example.com\n", out _));
        Assert.Null(SshKey.TryParse($"ssh-ed25519 {blob}", out var mistake));
        Assert.Contains("of the kind 'ecdsa-sha2-nistp256'", mistake, StringComparison.Ordinal);
    }

    private static VerificationOutcome Verify(byte[] tag) => GitTag.Verify(tag, "v1", Trusted);

    /// <summary>The key that signs.</summary>
    internal static byte[] KeySpki => Key.ExportSubjectPublicKeyInfo();

    /// <summary>A signature of a tag by that key, or by another.</summary>
    internal static string SignatureOf(string signed, ECDsa? by = null) => Encoding.ASCII.GetString(Armored(Blob(signed, by)));

    private static byte[] Tag(string signed = Good) => [.. Encoding.UTF8.GetBytes(signed), .. Armored(Blob(signed))];

    private static byte[] Armored(byte[] blob)
    {
        var lines = Convert.ToBase64String(blob).Chunk(70).Select(line => new string(line));
        return Encoding.ASCII.GetBytes($"-----BEGIN SSH SIGNATURE-----\n{string.Join('\n', lines)}\n-----END SSH SIGNATURE-----\n");
    }

    /// <summary>PROTOCOL.sshsig, sections 2 and 3.</summary>
    private static byte[] Blob(string signed, ECDsa? by = null, string space = "git", string reserved = "", string hash = "sha512", string kind = Kind, string curve = "nistp256", string algorithm = Kind, byte[]? pad = null)
    {
        var digest = hash == "sha512" ? SHA512.HashData(Encoding.UTF8.GetBytes(signed)) : SHA256.HashData(Encoding.UTF8.GetBytes(signed));
        var der = new AsnReader((by ?? Key).SignData([.. "SSHSIG"u8, .. Sized(space), .. Sized(reserved), .. Sized(hash), .. Sized(digest)], HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence), AsnEncodingRules.DER).ReadSequence();
        byte[] made = [.. Sized([.. pad ?? [], .. der.ReadIntegerBytes().Span]), .. Sized(der.ReadIntegerBytes().ToArray())];
        return [.. "SSHSIG\0\0\0\x01"u8, .. Sized(KeyBlob(by ?? Key, kind, curve)), .. Sized(space), .. Sized(reserved), .. Sized(hash), .. Sized([.. Sized(algorithm), .. Sized(made)])];
    }

    private static byte[] KeyBlob(ECDsa key, string kind, string curve)
    {
        var point = key.ExportParameters(false).Q;
        return [.. Sized(kind), .. Sized(curve), .. Sized([4, .. point.X!, .. point.Y!])];
    }

    private static byte[] Sized(string value) => Sized(Encoding.ASCII.GetBytes(value));

    private static byte[] Sized(byte[] value)
    {
        var length = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, value.Length);
        return [.. length, .. value];
    }
}
