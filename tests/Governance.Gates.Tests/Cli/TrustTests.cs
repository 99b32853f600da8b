using System.Text;
using Governance.Gates.Images;
using Governance.Gates.Sigstore;
using Governance.Gates.Tests.Admission;

namespace Governance.Gates.Tests.Cli;

/// <summary>What <c>gates trust</c> tells of trusted roots, and writes.</summary>
public sealed class TrustTests : IDisposable
{
    private readonly Workbench bench = new();

    [Fact]
    public async Task The_copy_of_an_instance_is_told_with_its_date_source_digest_and_all_who_count()
    {
        var text = await bench.GatesAsync("trust", "show");
        Assert.Equal(0, text.ExitCode);
        Assert.StartsWith("public-good: trusted root sha256:6494e21ea73fa7ee769f85f57d5a3e6a08725eae1e38c755fc3517c9e6bc0b66\n", text.Output, StringComparison.Ordinal);
        Assert.Contains("copy: taken 2026-11-27 from trusted_root.json of https://tuf-repo-cdn.sigstore.dev", text.Output, StringComparison.Ordinal);
        Assert.Contains("log of signatures: https://log2025-1.rekor.sigstore.dev, Ed25519", text.Output, StringComparison.Ordinal);
        var json = (await bench.GatesAsync("trust", "show", "public-good", "--output", "json")).Json();
        Assert.Equal(
            [("certificate authority", 2), ("log of certificates", 2), ("log of signatures", 2), ("timestamp authority", 1)],
            json.GetProperty("parties").EnumerateArray().CountBy(party => party.GetProperty("kind").GetString()!).Select(pair => (pair.Key, pair.Value)).Order());
    }

    [Fact]
    public async Task A_root_is_written_byte_for_byte_and_read_by_the_policy_that_names_it_as_told()
    {
        var file = bench.Folder.PathOf("root.json");
        var text = await bench.GatesAsync("trust", "write", "public-good", file);
        Assert.Equal(0, text.ExitCode);
        Assert.Equal(SigstoreInstance.PublicGood.Json.ToArray(), File.ReadAllBytes(file));
        Assert.Contains($"in the policy: sigstore: {{ file: {file}, sha256: \"{Digest.Of(SigstoreInstance.PublicGood.Json.Span)}\" }}", text.Output, StringComparison.Ordinal);

        // The policy in force may name what stands there.
        var again = await bench.GatesAsync("trust", "write", "public-good", file);
        Assert.Equal(2, again.ExitCode);
        Assert.Contains("is there already", again.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_several_roots_in_one_file_one_is_named_by_its_authority()
    {
        var lines = bench.Folder.Write("roots.jsonl", $"{Line(SigstoreInstance.PublicGood.Json.Span)}\n{Line(KeylessWorld.RootWithoutLogs)}\n");
        var file = bench.Folder.PathOf("root.json");
        var unclear = await bench.GatesAsync("trust", "write", lines, file);
        Assert.Equal(2, unclear.ExitCode);
        Assert.Contains("--authority: https://fulcio.sigstore.dev, https://fulcio.example.test", unclear.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(file));
        var text = await bench.GatesAsync("trust", "write", lines, file, "--authority", "https://fulcio.example.test");
        Assert.Contains(", logs: none }", text.Output, StringComparison.Ordinal);
        Assert.Equal(Line(KeylessWorld.RootWithoutLogs), File.ReadAllText(file));
        Assert.Equal(2, (await bench.GatesAsync("trust", "write", lines, bench.Folder.PathOf("other.json"), "--authority", "https://nobody.example.test")).ExitCode);
    }

    [Fact]
    public async Task Two_roots_are_told_by_what_comes_and_goes()
    {
        var (older, newer) = (bench.Folder.Write("older.json", Encoding.UTF8.GetString(KeylessWorld.Root)), bench.Folder.Write("newer.json", Encoding.UTF8.GetString(KeylessWorld.RootWithoutLogs)));
        var text = await bench.GatesAsync("trust", "show", newer, "--against", older);
        Assert.Contains("gone: log of signatures: https://rekor.example.test", text.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("timestamp authority", text.Output, StringComparison.Ordinal);
        var json = (await bench.GatesAsync("trust", "show", older, "--against", newer, "--output", "json")).Json();
        Assert.Equal((3, 0), (json.GetProperty("more").GetArrayLength(), json.GetProperty("gone").GetArrayLength()));
        Assert.Contains("difference: none", (await bench.GatesAsync("trust", "show", older, "--against", older)).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("")]
    [InlineData("\n\n")]
    [InlineData("{\"mediaType\":\"application/vnd.dev.sigstore.trustedroot+json;version=0.1\",\"tlogs\":7}")]
    [InlineData("no json")]
    public async Task What_is_no_trusted_root_is_said_to_be_none(string content)
    {
        var ended = await bench.GatesAsync("trust", "show", bench.Folder.Write("root.json", content));
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains("trusted root", ended.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", ended.Error, StringComparison.Ordinal);
    }

    public void Dispose() => bench.Dispose();

    private static string Line(ReadOnlySpan<byte> root) => System.Text.Json.Nodes.JsonNode.Parse(root)!.ToJsonString();
}
