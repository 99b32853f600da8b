using System.Text;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Images;
using Governance.Gates.Testing.Registries;
using static Governance.Gates.Tests.Clients.Registries.RegistryReadings;

namespace Governance.Gates.Tests.Clients.Registries;

public sealed class OciLayoutTests : IDisposable
{
    private static readonly Repository Name = new("oci-layout.invalid", "l");
    private readonly string folder = Path.Combine(Directory.CreateTempSubdirectory("gates-layout-").FullName, "l");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(folder)!, recursive: true);

    [Fact]
    public async Task A_tag_the_only_image_and_a_digest_are_resolved()
    {
        var layout = OciLayout.Create(folder);
        var (index, _, _) = await TestImage.AddIndexToAsync(layout, tag: null);
        (await layout.AttachToTagAsync(Name, index, CosignTag.Signatures, Signature("p", "s"), CancellationToken.None)).Found();
        (await layout.AttachReferrerAsync(Name, index, Bundle, Layer(Bundle, "{}"), CancellationToken.None)).Found();
        Assert.Equal(index, (await layout.ResolveAsync(ImageLocation.Parse($"oci:{folder}").Reference, CancellationToken.None)).Found());

        var second = await TestImage.AddToAsync(layout, "v2");
        Assert.Equal(second, (await layout.ResolveAsync(ImageLocation.Parse($"oci:{folder}:v2").Reference, CancellationToken.None)).Found());
        Assert.Contains("more than one image", (await layout.ResolveAsync(ImageLocation.Parse($"oci:{folder}").Reference, CancellationToken.None)).Unread().Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tag_moves_to_the_manifest_added_last()
    {
        var layout = OciLayout.Create(folder);
        await TestImage.AddToAsync(layout, "v1");
        var second = await TestImage.AddToAsync(layout, "v1");
        Assert.Equal(second, (await layout.ResolveAsync(ImageLocation.Parse($"oci:{folder}:v1").Reference, CancellationToken.None)).Found());
    }

    public static TheoryData<string, string> Damage => new()
    {
        { "changed", "other bytes than sha256:" },
        { "missing", "has no file for sha256:" },
        { "link", "has no file for sha256:" },
        { "longer", "more than the" },
    };

    [Theory, MemberData(nameof(Damage))]
    public async Task A_damaged_blob_is_unread_and_the_rest_is_kept(string damage, string because)
    {
        var layout = OciLayout.Create(folder);
        var image = await TestImage.AddToAsync(layout);
        (await layout.AttachToTagAsync(Name, image, CosignTag.Signatures, Signature("honest", "s"), CancellationToken.None)).Found();
        (await layout.AttachToTagAsync(Name, image, CosignTag.Attestations, Layer(DsseType, "{\"a\":1}"), CancellationToken.None)).Found();
        var blob = Path.Combine(folder, "blobs", "sha256", Digest.Of("{\"a\":1}"u8).Hex);
        File.Delete(blob);
        switch (damage)
        {
            case "changed":
                await File.WriteAllTextAsync(blob, "{\"a\":2}");
                break;
            case "link":
                await File.WriteAllTextAsync(blob + ".x", "{\"a\":1}");
                File.CreateSymbolicLink(blob, blob + ".x");
                break;
            case "longer":
                await File.WriteAllTextAsync(blob, "{\"a\":1}   ");
                break;
        }

        var evidence = await layout.EvidenceAsync(Name, image);
        Assert.Equal(Digest.Of("honest"u8), Assert.Single(evidence.Items).Digest);
        Assert.Contains(because, Assert.Single(evidence.Unread).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("index.json", "{\"manifests\":", "is not JSON")]
    [InlineData("index.json", "{\"manifests\":[{\"digest\":\"../../etc/passwd\",\"size\":1,\"annotations\":{\"org.opencontainers.image.ref.name\":\"latest\"}}]}", "without a SHA-256 digest")]
    public async Task A_malformed_index_is_unread(string file, string text, string because)
    {
        var layout = OciLayout.Create(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, file), text.Replace("\"latest\"", $"\"sha256-{Digest.Of("x"u8).Hex}.sig\"", StringComparison.Ordinal));
        var reading = await layout.FindEvidenceAsync(Name, Digest.Of("x"u8), CancellationToken.None);
        var reasons = reading is Reading<Governance.Gates.Evidence.AttachedEvidence>.Found(var evidence) ? evidence.Unread : [reading.Unread()];
        Assert.Contains(reasons, why => why.Message.Contains(because, StringComparison.Ordinal));
    }

    [Fact]
    public void A_folder_that_is_no_layout_is_refused_at_the_start()
    {
        Directory.CreateDirectory(folder);
        Assert.Contains("oci-layout is missing", Assert.Throws<GateException>(() => OciLayout.Open(folder)).Message, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(folder, "oci-layout"), "{\"imageLayoutVersion\":\"9\"}", Encoding.UTF8);
        Assert.Contains("is not empty", Assert.Throws<GateException>(() => OciLayout.Create(folder)).Message, StringComparison.Ordinal);
    }
}
