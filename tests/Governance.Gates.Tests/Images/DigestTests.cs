using Governance.Gates.Images;

namespace Governance.Gates.Tests.Images;

public sealed class DigestTests
{
    public static TheoryData<string?, string> Malformed => new()
    {
        { null, "nothing" }, { "", "empty" }, { "sha256:", "no digits" }, { "sha256:abc", "too short" }, { "sha256:" + new string('a', 65), "too long" },
        { "sha512:" + new string('a', 64), "another algorithm" }, { "sha512:" + new string('a', 128), "another algorithm" }, { new string('a', 64), "no algorithm" },
        { "sha256:" + new string('A', 64), "upper case is not canonical" }, { "SHA256:" + new string('a', 64), "upper case in the algorithm" },
        { "sha256:" + new string('g', 64), "not hex" }, { " sha256:" + new string('a', 63), "a space" }, { "sha256:" + new string('a', 63) + "\n", "a newline" },
        { "sha256-" + new string('a', 64), "the form of a tag" }, { "sha256:" + new string('\uff11', 64), "digits that are not ASCII" },
    };

    [Theory, MemberData(nameof(Malformed))]
    public void A_malformed_digest_is_refused(string? text, string because)
    {
        Assert.True(Digest.TryParse(text) is null, because);
        Assert.Contains("64 lower-case hex digits", Assert.Throws<GateException>(() => Digest.Parse(text ?? "")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_digest_of_bytes_is_their_sha256()
    {
        var empty = Digest.Of([]);
        Assert.Equal("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", empty.ToString());
        Assert.Equal(empty, Digest.Parse(empty.ToString()));
        Assert.Equal(empty, Digest.FromHash(Convert.FromHexString(empty.Hex)));
        Assert.Throws<ArgumentException>(() => Digest.FromHash(new byte[31]));
    }
}
