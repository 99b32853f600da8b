using Governance.Gates.Clients.Registries;

namespace Governance.Gates.Tests.Clients.Registries;

public sealed class ImageLocationTests
{
    private static readonly string Sha = "sha256:" + new string('a', 64);

    public static TheoryData<string, string, string?, string?> Layouts => new()
    {
        { "oci:./image", "./image", null, null },
        { "oci:/tmp/image:v1.2", "/tmp/image", "v1.2", null },
        { $"oci:/tmp/image@{Sha}", "/tmp/image", null, Sha },
        { $"oci:image:v1@{Sha}", "image", "v1", Sha },
        { "oci:/with:colon/image", "/with:colon/image", null, null },
        { "oci:/with@sign/image", "/with@sign/image", null, null },
    };

    [Theory, MemberData(nameof(Layouts))]
    public void A_folder_is_named_with_tag_or_digest(string text, string folder, string? tag, string? digest)
    {
        var layout = Assert.IsType<ImageLocation.Layout>(ImageLocation.Parse(text));
        Assert.Equal((folder, tag, digest), (layout.Directory, layout.Tag, layout.Digest?.ToString()));
        Assert.Equal(text, layout.ToString());
        Assert.StartsWith("oci-layout.invalid/image", layout.Reference.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Anything_else_is_a_registrys() =>
        Assert.Equal("docker.io/library/nginx:1", Assert.IsType<ImageLocation.Registry>(ImageLocation.Parse("nginx:1")).Reference.ToString());

    [Theory, InlineData("oci:", "names no folder"), InlineData("oci::v1", "names no folder"), InlineData("oci:a@sha256:12", "where a digest belongs"), InlineData("oci:a:-x", "where a tag belongs")]
    public void A_malformed_location_is_refused(string text, string because) =>
        Assert.Contains(because, Assert.Throws<GateException>(() => ImageLocation.Parse(text)).Message, StringComparison.Ordinal);
}
