using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Sigstore;
using Governance.Gates.Sigstore.Models;
using static Governance.Gates.Tests.Sigstore.SignedModels;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>The predicate of OpenSSF Model Signing 1.0, read from what is signed well and means ill.</summary>
public sealed class ModelManifestTests
{
    private const string Ignoring = """{"method":"files","hash_type":"sha256","allow_symlinks":false,"ignore_paths":["%"]}""";

    public static TheoryData<string, string> UnsafeNames => new()
    {
        { "../weights", "leaves the model" },
        { "a/../../weights", "leaves the model further down" },
        { "a/..", "ends outside its folder" },
        { "..", "is the folder above" },
        { "/etc/passwd", "is absolute" },
        { "a\\..\\b", "is a path of its own on Windows" },
        { "./a", "has a second spelling" },
        { "a/./b", "has a second spelling" },
        { "a//b", "has a second spelling" },
        { "a/", "is a folder's name" },
        { "", "names nothing" },
        { "a\0b", "ends early for who reads C strings" },
        { "a\uFFFDb", "may stand for any bytes" },
        { new string('a', 4097), "is too long" },
        { string.Join('/', Enumerable.Repeat("a", 65)), "is too deep" },
    };

    [Theory, MemberData(nameof(UnsafeNames))]
    public void A_name_that_is_not_a_plain_path_below_the_model_is_refused(string name, string because)
    {
        AssertRejected(RejectionCode.UnsafeName, Sign(Statement(Predicate(Resources("good", name)))), because: because);
        AssertRejected(RejectionCode.UnsafeName, Sign(Statement(Predicate(Resources("good:0:1", $"{name}:0:1"), Shards()))), because: because);
        Assert.Null(ModelManifest.TryCreate(Plain(), [Hashed("good", 1), Hashed(name, 2)], out var mistake));
        Assert.Contains("the name", mistake, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a", "a")]
    [InlineData("Model.bin", "model.bin")]
    [InlineData("Tokens/x", "tokens/X")]
    [InlineData("Über", "über")]
    public void A_file_that_is_listed_twice_or_as_a_case_folded_twin_is_refused(string one, string other)
    {
        AssertRejected(RejectionCode.DuplicateName, Sign(Statement(Predicate(Resources(one, other)))));
        Assert.Null(ModelManifest.TryCreate(Plain(), [Hashed(one, 1), Hashed(other, 2)], out var mistake));
        Assert.Contains("two files", mistake, StringComparison.Ordinal);
    }

    [Fact]
    public void The_name_of_a_model_that_is_one_file_stands_alone_or_not_at_all()
    {
        Assert.True(AssertVerified(Sign(Statement(Predicate(Resources("."))))).Manifest.IsNameless);
        AssertRejected(RejectionCode.UnsafeName, Sign(Statement(Predicate(Resources(".", "a")))));
    }

    [Fact]
    public void An_empty_model_is_refused()
    {
        AssertRejected(RejectionCode.EmptyModel, Sign(Statement(Predicate("[]"))));
        AssertRejected(RejectionCode.EmptyModel, Sign(Statement(Predicate("[]", Shards()))));
        Assert.Null(ModelManifest.TryCreate(Plain(), [], out var mistake));
        Assert.Contains("no file", mistake, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("../other")]
    [InlineData("/etc")]
    [InlineData("")]
    [InlineData("*")]
    [InlineData("*.bin")]
    [InlineData("weights?")]
    [InlineData("a[1]")]
    [InlineData("a/../b")]
    [InlineData("cache/")]
    public void A_path_to_ignore_that_is_a_pattern_or_more_than_one_path_is_refused(string path) =>
        AssertRejected(RejectionCode.UnsafeName, Sign(Statement(Predicate(Resources("a"), Ignoring.Replace("%", path, StringComparison.Ordinal)))));

    public static TheoryData<RejectionCode, string, string, string> Malformed => new()
    {
        { RejectionCode.SymbolicLinksAllowed, Resources("a"), Files.Replace("false", "true", StringComparison.Ordinal), "hashed through links" },
        { RejectionCode.MissingField, Resources("a"), """{"method":"files","hash_type":"sha256"}""", "says nothing of links" },
        { RejectionCode.MissingField, Resources("a"), Files.Replace("false", "\"no\"", StringComparison.Ordinal), "a word for a boolean" },
        { RejectionCode.UnsupportedDigestAlgorithm, Resources("a"), Files.Replace("sha256", "blake2b", StringComparison.Ordinal), "BLAKE2b" },
        { RejectionCode.UnsupportedDigestAlgorithm, Resources("a"), Files.Replace("sha256", "blake3", StringComparison.Ordinal), "BLAKE3" },
        { RejectionCode.UnsupportedDigestAlgorithm, $"[{Resource("a", algorithm: "md5")}]", Files, "one file by another hash" },
        { RejectionCode.UnsupportedDigestAlgorithm, $"[{Resource("a", algorithm: "sha256-sharded-8")}]", Files, "a shard's hash of a whole file" },
        { RejectionCode.UnsupportedDigestAlgorithm, $"[{Resource("a:0:8", algorithm: "sha256-sharded-9")}]", Shards(), "shards of another size" },
        { RejectionCode.UnsupportedModelFormat, Resources("a"), Files.Replace("\"files\"", "\"chunks\"", StringComparison.Ordinal), "an unknown method" },
        { RejectionCode.UnsupportedModelFormat, Resources("a"), Files.Replace("{", "{\"follow\":1,", StringComparison.Ordinal), "an unknown field" },
        { RejectionCode.WrongShape, Resources("a"), Files.Replace("{", "{\"shard_size\":8,", StringComparison.Ordinal), "a shard size of whole files" },
        { RejectionCode.WrongShape, Resources("a:0:8"), Files.Replace("\"files\"", "\"shards\"", StringComparison.Ordinal), "shards without a size" },
        { RejectionCode.UnsafeName, Resources("a:0:8"), Shards("0"), "shards of nothing" },
        { RejectionCode.UnsafeName, Resources("a:0:8"), Shards("-8"), "shards of less" },
        { RejectionCode.UnsafeName, Resources("a:0:8"), Shards("8.5"), "shards of half bytes" },
        { RejectionCode.UnsafeName, Resources("a:0:8"), Shards("1e300"), "shards beyond any file" },
        { RejectionCode.WrongShape, Resources("a"), Files.Replace("}", ",\"ignore_paths\":\"a\"}", StringComparison.Ordinal), "paths to ignore that are none" },
        { RejectionCode.ShardMismatch, Resources("a:0:8", "a:16:24"), Shards(), "a gap" },
        { RejectionCode.ShardMismatch, Resources("a:8:16"), Shards(), "no beginning" },
        { RejectionCode.ShardMismatch, Resources("a:0:8", "a:4:12"), Shards(), "an overlap" },
        { RejectionCode.ShardMismatch, Resources("a:0:8", "a:0:8"), Shards(), "a shard twice" },
        { RejectionCode.ShardMismatch, Resources("a:0:9"), Shards(), "a shard too large" },
        { RejectionCode.ShardMismatch, Resources("a:0:4", "a:4:8"), Shards(), "shards too small" },
        { RejectionCode.ShardMismatch, Resources("a:0:0"), Shards(), "an empty shard" },
        { RejectionCode.ShardMismatch, Resources("a"), Shards(), "no range" },
        { RejectionCode.ShardMismatch, Resources("a:8"), Shards(), "half a range" },
        { RejectionCode.ShardMismatch, Resources("a:00:8"), Shards(), "a second spelling of a range" },
        { RejectionCode.ShardMismatch, Resources("a: 0:8"), Shards(), "a blank in a range" },
        { RejectionCode.ShardMismatch, Resources("a:-8:0"), Shards(), "a range before the file" },
        { RejectionCode.ShardMismatch, Resources("a:0:99999999999999999999"), Shards(), "a range beyond numbers" },
        { RejectionCode.UnsafeName, Resources(":0:8"), Shards(), "a range of nothing" },
        { RejectionCode.DuplicateName, Resources("a:0:8", "A:0:8"), Shards(), "twins in shards" },
        { RejectionCode.WrongShape, Resources("a").Replace("\"digest\":\"aa", "\"digest\":\"AA", StringComparison.Ordinal), Files, "a second spelling of a digest" },
        { RejectionCode.WrongShape, Resources("a").Replace("aaaa", "", StringComparison.Ordinal), Files, "a digest that is none" },
        { RejectionCode.MissingField, """[{"name":"a","digest":"aa"}]""", Files, "no algorithm" },
        { RejectionCode.WrongShape, "[1]", Files, "a number for a file" },
        { RejectionCode.MissingField, "null", Files, "no list" },
        { RejectionCode.WrongShape, "{}", Files, "an object for the list" },
        { RejectionCode.MissingField, Resources("a"), "null", "no serialization" },
    };

    [Theory, MemberData(nameof(Malformed))]
    public void A_manifest_that_could_mean_two_things_is_refused(RejectionCode code, string resources, string serialization, string because) =>
        AssertRejected(code, Sign(Statement(Predicate(resources, serialization))), because: because);

    [Fact]
    public void A_statement_that_is_not_about_exactly_these_files_is_refused()
    {
        var predicate = Predicate(Resources("a", "b"));
        var good = Statement(predicate);
        AssertVerified(Sign(good));
        AssertRejected(RejectionCode.SubjectMismatch, Sign(Statement(predicate, """[{"name":"m","digest":{"sha256":"00"}}]""")));
        AssertRejected(RejectionCode.SubjectMismatch, Sign(Statement(predicate, """[{"name":"m","digest":{"sha512":"00"}}]""")));
        AssertRejected(RejectionCode.SubjectMismatch, Sign(Statement(predicate, "[]")));
        var subject = JsonNode.Parse(good)!["subject"]![0]!.ToJsonString();
        AssertRejected(RejectionCode.SubjectMismatch, Sign(Statement(predicate, $"[{subject},{subject}]")));
        AssertRejected(RejectionCode.UnsupportedStatementType, Sign(good.Replace("Statement/v1", "Statement/v0.1", StringComparison.Ordinal)));
        AssertRejected(RejectionCode.PredicateTypeMismatch, Sign(good.Replace("signature/v1.0", "signature/v2.0", StringComparison.Ordinal)));
        AssertRejected(RejectionCode.UnsupportedModelFormat, Sign(Statement(predicate.Replace("{\"serialization\"", "{\"more\":1,\"serialization\"", StringComparison.Ordinal))));
        AssertRejected(RejectionCode.DuplicateKey, Sign(Statement(predicate.Replace("{\"serialization\"", "{\"resources\":[],\"serialization\"", StringComparison.Ordinal))));
    }

    [Fact]
    public void Only_trusted_keys_count_and_only_statements()
    {
        var bundle = Sign(Statement(Predicate(Resources("a"))));
        AssertRejected(RejectionCode.UnknownKey, Sign(Statement(Predicate(Resources("a"))), TestSigners.Stranger));
        AssertRejected(RejectionCode.NoTrustedKeys, bundle, new());
        AssertRejected(RejectionCode.SubjectMismatch, Signed.MessageBundle());
        AssertRejected(RejectionCode.PredicateTypeMismatch, Signed.Bundle());
        AssertRejected(RejectionCode.MalformedJson, new("not json"u8.ToArray()));
    }

    [Fact]
    public void The_old_form_is_refused_by_its_name_whoever_signed_it()
    {
        var old = Statement("{}").Replace("signature/v1.0", "Digests/v0.1", StringComparison.Ordinal);
        foreach (var signer in (Signer[])[TestSigners.Trusted, TestSigners.Stranger])
        {
            Assert.Contains("version 0.2", AssertRejected(RejectionCode.UnsupportedModelFormat, Sign(old, signer)).Detail, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void More_files_than_are_read_are_refused()
    {
        AssertRejected(RejectionCode.TooManyResources, Sign(Statement(Predicate($"[{string.Join(',', Enumerable.Repeat("{\"digest\":\"00\"}", ModelManifest.MostResources + 1))}]"))));
        Assert.Null(ModelManifest.TryCreate(ModelSerialization.TryCreate(1, [], out _)!, [new("a", ModelManifest.MostResources + 1, [.. Enumerable.Repeat((ReadOnlyMemory<byte>)new byte[32], ModelManifest.MostResources + 1)])], out var mistake));
        Assert.Contains("larger shards", mistake, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_specification_leaves_to_signers_is_accepted()
    {
        // Fields of resource descriptors, a double for the shard size, the hash's older name, colons in names, any order, other people's ignored paths.
        var shards = $"[{Resource("b:c:8:9", 1)},{Resource("b:c:0:8", 0, "sha256-sharded-8").Replace("{", "{\"uri\":\"x\",", StringComparison.Ordinal)},{Resource("a:0:3", 2)}]";
        var read = AssertVerified(Sign(Statement(Predicate(shards, """{"shard_size":8.0,"method":"shards","hash_type":"sha256","allow_symlinks":false,"ignore_paths":["cache","model.sig"]}""")))).Manifest;
        Assert.Equal(["a", "b:c"], read.Files.Select(file => file.Path));
        Assert.Equal([3, 9], read.Files.Select(file => file.Length!.Value));
        Assert.Equal((8, 2), (read.Serialization.ShardSize!.Value, read.Files[1].Digests.Length));
        Assert.True(read.Serialization.Ignores("cache") && read.Serialization.Ignores(".git") && !read.Serialization.Ignores("sub/.git") && !read.Serialization.Ignores("cached"));
    }

    [Fact]
    public void Swapping_two_names_keeps_the_root_and_is_told_all_the_same()
    {
        var signed = AssertVerified(Sign(Statement(Predicate($"[{Resource("a", 0)},{Resource("b", 1)}]")))).Manifest;
        var swapped = AssertVerified(Sign(Statement(Predicate($"[{Resource("b", 0)},{Resource("a", 1)}]")))).Manifest;
        Assert.Equal(signed.RootSha256.ToArray(), swapped.RootSha256.ToArray());
        Assert.Equal([new(ModelDifferenceKind.Changed, "a"), new(ModelDifferenceKind.Changed, "b")], signed.Differences(swapped.Files));
        Assert.Empty(signed.Differences(signed.Files));
    }

    [Fact]
    public void Every_difference_is_told_with_its_kind()
    {
        var signed = ModelManifest.TryCreate(Plain(), [Hashed("kept", 1), Hashed("changed", 2), Hashed("gone", 3)], out _)!;
        Assert.Equal(
            [new(ModelDifferenceKind.Changed, "changed"), new(ModelDifferenceKind.Missing, "gone"), new(ModelDifferenceKind.Unsigned, "new")],
            signed.Differences([Hashed("new", 9), Hashed("kept", 1), Hashed("changed", 4)]));
        Assert.Equal(ModelDifferenceKind.Changed, Assert.Single(signed.Differences([Hashed("gone", 3), Hashed("kept", 1), new("changed", 1, [])])).Kind);
        var sharded = ModelManifest.TryCreate(ModelSerialization.TryCreate(8, [], out _)!, [Hashed("a", 1)], out _)!;
        Assert.Equal([new(ModelDifferenceKind.Uncovered, "empty")], sharded.Differences([Hashed("a", 1), new("empty", 0, [])]));
    }

    [Fact]
    public void Files_are_listed_by_code_points_and_shards_by_their_names()
    {
        // U+E000 comes before U+1F600 by code point, and after its surrogates by UTF-16. '-' comes before '/', and "16" before "8".
        string[] names = ["a-b", "a/b", "a0", "\uE000", "\U0001F600"];
        Assert.Equal(names, ListedNames(ModelManifest.TryCreate(Plain(), [.. names.Reverse().Select((name, place) => Hashed(name, place))], out _)!));
        var sharded = new ModelFile("w", 17, [Content(1), Content(2), Content(3)]);
        var manifest = ModelManifest.TryCreate(ModelSerialization.TryCreate(8, [], out _)!, [sharded], out _)!;
        Assert.Equal(["w:0:8", "w:16:17", "w:8:16"], ListedNames(manifest));
        var read = AssertVerified(Sign(Encoding.UTF8.GetString(manifest.ToStatement("m")))).Manifest;
        Assert.Empty(read.Differences([sharded]));
        Assert.Equal(manifest.RootSha256.ToArray(), read.RootSha256.ToArray());
    }

    [Fact]
    public void What_is_written_is_what_the_specification_shows()
    {
        var serialization = ModelSerialization.TryCreate(null, [".gitignore", "model.sig", ".git"], out _)!;
        var statement = JsonNode.Parse(ModelManifest.TryCreate(serialization, [Hashed("b", 1), Hashed("a", 2)], out _)!.ToStatement("vol"))!;
        Assert.Equal("vol", (string?)statement["subject"]![0]!["name"]);
        Assert.Equal("https://model_signing/signature/v1.0", (string?)statement["predicateType"]);
        Assert.Equal("""{"method":"files","hash_type":"sha256","allow_symlinks":false,"ignore_paths":[".git",".gitignore","model.sig"]}""", statement["predicate"]!["serialization"]!.ToJsonString());
        var bundle = JsonNode.Parse(Sign(statement.ToJsonString()).Json.Span)!;
        var pem = TestSigners.Trusted.PublicKey.ToPem() + "\n";
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(pem))), (string?)bundle["verificationMaterial"]!["publicKey"]!["hint"]);
        Assert.Equal(MediaTypes.Bundle, (string?)bundle["mediaType"]);
    }

    [Fact]
    public void No_changed_byte_is_verified_as_another_manifest_and_none_throws()
    {
        var good = Sign(Statement(Predicate(Resources("a", "b/c"))));
        var signed = AssertVerified(good).Manifest;
        for (var place = 0; place < good.Json.Length; place++)
        {
            var changed = good.Json.ToArray();
            changed[place] ^= 1;
            if (ModelSignature.TryVerify(changed, Trusted, out var model, out _))
            {
                Assert.Equal(signed.RootSha256.ToArray(), model.Manifest.RootSha256.ToArray());
                Assert.Empty(signed.Differences(model.Manifest.Files));
            }
        }
    }

    private static ModelSerialization Plain() => ModelSerialization.TryCreate(null, [], out _)!;

    private static ReadOnlyMemory<byte> Content(int content) => SHA256.HashData([(byte)content]);

    private static ModelFile Hashed(string path, int content) => new(path, 1, [Content(content)]);

    private static ImmutableArray<string> ListedNames(ModelManifest manifest)
    {
        using var json = JsonDocument.Parse(manifest.ToStatement("m"));
        return [.. json.RootElement.GetProperty("predicate").GetProperty("resources").EnumerateArray().Select(resource => resource.GetProperty("name").GetString()!)];
    }
}
