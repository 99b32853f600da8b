using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Sigstore;
using Governance.Gates.Sigstore.Models;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>Signed models, good ones and ones that only a careless or hostile signer would make. No files are involved.</summary>
internal static class SignedModels
{
    public const string Files = """{"method":"files","hash_type":"sha256","allow_symlinks":false}""";

    public static string Shards(string size = "8") => $$"""{"method":"shards","hash_type":"sha256","shard_size":{{size}},"allow_symlinks":false}""";

    public static ModelSigners Trusted { get; } = new() { Keys = [TestSigners.Trusted.PublicKey] };

    /// <summary>A digest that stands for some content.</summary>
    public static string Digest(int content) => new((char)('a' + content), 64);

    /// <summary>A resource descriptor.</summary>
    public static string Resource(string name, int content = 0, string algorithm = "sha256") =>
        $$"""{"name":{{JsonSerializer.Serialize(name)}},"algorithm":"{{algorithm}}","digest":"{{Digest(content)}}"}""";

    public static string Resources(params IEnumerable<string> names) => $"[{string.Join(',', names.Select((name, place) => Resource(name, place % 6)))}]";

    public static string Predicate(string resources, string serialization = Files) => $$"""{"serialization":{{serialization}},"resources":{{resources}}}""";

    /// <summary>A statement over a predicate, with the subject that belongs to its resources.</summary>
    public static string Statement(string predicate, string? subject = null) =>
        $$$"""{"_type":"https://in-toto.io/Statement/v1","subject":{{{subject ?? Subject(Root(predicate))}}},"predicateType":"https://model_signing/signature/v1.0","predicate":{{{predicate}}}}""";

    private static string Subject(string sha256) => $$$"""[{"name":"m","digest":{"sha256":"{{{sha256}}}"}}]""";

    public static SignedEntity.Bundle Sign(string statement, Signer? signer = null, CertificateChain? chain = null) =>
        Signed.Wait(ModelSignature.SignAsync(Encoding.UTF8.GetBytes(statement), signer ?? TestSigners.Trusted, chain, CancellationToken.None));

    public static SignedModel AssertVerified(SignedEntity.Bundle bundle, ModelSigners? signers = null)
    {
        Assert.True(ModelSignature.TryVerify(bundle.Json, signers ?? Trusted, out var model, out var rejected), rejected?.ToString());
        return model;
    }

    public static VerificationOutcome.Rejected AssertRejected(RejectionCode code, SignedEntity.Bundle bundle, ModelSigners? signers = null, string? because = null)
    {
        Assert.False(ModelSignature.TryVerify(bundle.Json, signers ?? Trusted, out var model, out var rejected), because);
        Assert.Null(model);
        Assert.True(rejected.Code == code, $"{because}: {rejected}");
        Assert.DoesNotContain('\n', rejected.Detail);
        return rejected;
    }

    private static string Root(string predicate)
    {
        try
        {
            var digests = JsonNode.Parse(predicate)!["resources"]!.AsArray().SelectMany(item => Convert.FromHexString(item!["digest"]!.GetValue<string>()));
            return Convert.ToHexStringLower(SHA256.HashData([.. digests]));
        }
        catch (Exception mistake) when (mistake is NullReferenceException or InvalidOperationException or FormatException or ArgumentException)
        {
            return Digest(0);
        }
    }
}
