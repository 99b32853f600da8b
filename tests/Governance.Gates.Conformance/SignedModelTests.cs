using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Cli;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Sigstore;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Conformance;

/// <summary>Models that OpenSSF's reference implementation signed in five releases, its golden digests, and cosign as verifier of ours.</summary>
public sealed class SignedModelTests : IDisposable
{
    private static readonly string Reference = Path.Combine(ProjectTree.Cases, "sigstore", "model-signing", "reference");
    private static readonly string Scripts = Path.Combine(Reference, "scripts", "tests");
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>The signed models, or one row that is skipped where they are not there.</summary>
    public static TheoryData<string> Models => ProjectTree.WhyNoCases("sigstore/model-signing") is null
        ? [.. Directory.GetDirectories(Scripts, "v*").Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)]
        : ["(none)"];

    [Theory, MemberData(nameof(Models))]
    public async Task A_model_of_an_earlier_release_is_verified_and_that_of_the_first_is_refused_by_name(string name)
    {
        Skip();
        var (exitCode, output) = await GatesAsync(["model", "verify", Target(name), "--signature", Path.Combine(Scripts, name, "model.sig"), .. Signer(name), .. Ignoring(name)]);
        var isOld = name.StartsWith("v0.2", StringComparison.Ordinal);
        Assert.True(exitCode == (isOld ? 1 : 0), output);
        Assert.Contains(isOld ? "version 0.2 of the reference implementation" : "allow: ", output, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Models))]
    public async Task The_same_with_one_byte_changed_or_for_another_signer_is_denied(string name)
    {
        Skip();
        var copy = folder.Folder(name);
        foreach (var file in Directory.GetFiles(Path.Combine(Scripts, name)))
        {
            File.WriteAllBytes(Path.Combine(copy, Path.GetFileName(file)), File.ReadAllBytes(file));
        }

        var (target, signature) = (Target(name).Replace(Scripts, folder.Path, StringComparison.Ordinal), Path.Combine(copy, "model.sig"));
        Assert.Equal(1, (await GatesAsync(["model", "verify", target, "--signature", signature, .. Stranger(name), .. Ignoring(name)])).ExitCode);
        var changed = await File.ReadAllBytesAsync(Path.Combine(copy, "signme-1"), TestContext.Current.CancellationToken);
        changed[0] ^= 1;
        await File.WriteAllBytesAsync(Path.Combine(copy, "signme-1"), changed, TestContext.Current.CancellationToken);
        var (exitCode, output) = await GatesAsync(["model", "verify", target, "--signature", signature, .. Signer(name), .. Ignoring(name)]);
        Assert.True(exitCode == 1, output);
    }

    /// <summary>The vectors of the specification. The valid ones are signed with the reference implementation's keys, over its models and not over this one.</summary>
    [Theory]
    [InlineData("invalid/empty", "key", "MalformedJson")]
    [InlineData("invalid/missing-envelope", "key", "MissingField")]
    [InlineData("invalid/missing-verification-material", "key", "MissingField")]
    [InlineData("invalid/missing-tlog-entries", "sigstore", "LogEntryMissing")]
    [InlineData("invalid-payload/wrong-predicate", "key", "SignatureMismatch")]
    [InlineData("valid/key", "key", "'signme-1' was signed and is not there")]
    [InlineData("valid/certificate", "certificate", "'signme-1' was signed and is not there")]
    [InlineData("valid/sigstore", "sigstore", "'signme-1' was signed and is not there")]
    public async Task A_vector_of_the_specification_is_refused_for_what_is_wrong_with_it(string vector, string method, string says)
    {
        Skip();
        var bundle = Path.Combine(ProjectTree.Cases, "sigstore", "model-signing", "specification", "test-vectors", "v1.0", $"{vector}.bundle.json");
        var (exitCode, output) = await GatesAsync(["model", "verify", Make("sample_model_folder"), "--signature", bundle, .. Signer($"v1-{(method == "key" ? "elliptic-key" : method)}")]);
        Assert.True(exitCode == 1, output);
        Assert.Contains(says, output, StringComparison.Ordinal);
    }

    public static TheoryData<string, string, string> Goldens
    {
        get
        {
            var rows = new TheoryData<string, string, string>();
            foreach (var model in (string[])["sample_model_folder", "deep_model_folder", "sample_model_file", "model_folder_with_empty_file"])
            {
                rows.Add(model, "", "files");
                rows.Add(model, "_shard", "1000000000");
                rows.Add(model, "_small_shards", "8");
            }

            return rows;
        }
    }

    [Theory, MemberData(nameof(Goldens))]
    public async Task The_digests_are_those_of_the_reference_implementation(string model, string suffix, string size)
    {
        Skip();
        var golden = JsonNode.Parse(await File.ReadAllBytesAsync(Path.Combine(Reference, "tests", "_signing", "testdata", "signing", "TestPayload", model + suffix), TestContext.Current.CancellationToken))!;
        var (path, key, signature) = (Make(model), Key("team"), folder.PathOf("model.sig"));
        string[] method = size == "files" ? [] : ["--method", "shards", "--shard-size", size];
        var (exitCode, output) = await GatesAsync(["model", "sign", path, "--key", key.Private, "--signature", signature, .. method]);
        if (golden["predicate"]!["resources"]!.AsArray().Count == 0)
        {
            // A model without a signed byte, which the reference implementation of that time let pass.
            Assert.True(exitCode == 2, output);
            return;
        }

        Assert.True(exitCode == 0, output);
        var ours = Payload(signature);
        var single = File.Exists(path);
        Assert.Equal(Listed(golden, name => name), Listed(ours, name => single ? "." + name["file".Length..] : name));
        if (size != "8")
        {
            // Shards of one file stand here by name, there by number; of fewer than ten digits each, it is the same.
            Assert.Equal((string?)golden["subject"]![0]!["digest"]!["sha256"], (string?)ours["subject"]![0]!["digest"]!["sha256"]);
        }

        // What the reference implementation would have signed, without its links, is verified as ours is.
        golden["predicate"]!["serialization"]!["allow_symlinks"] = false;
        using var signer = EcdsaSigner.FromPem(await File.ReadAllTextAsync(key.Private, TestContext.Current.CancellationToken), "");
        var theirs = folder.PathOf("theirs.sig");
        await File.WriteAllBytesAsync(theirs, (await SigstoreBundle.SignStatementAsync(JsonSerializer.SerializeToUtf8Bytes(golden), signer, TestContext.Current.CancellationToken)).Json, TestContext.Current.CancellationToken);
        foreach (var bundle in (string[])[signature, theirs])
        {
            var verified = await GatesAsync("model", "verify", path, "--key", key.Public, "--signature", bundle);
            Assert.True(verified.ExitCode == 0, verified.Output);
        }
    }

    [Theory]
    [InlineData("files")]
    [InlineData("shards")]
    public async Task Cosign_verifies_the_signature_over_the_root_digest(string method)
    {
        Assert.SkipWhen(Peers.WhyNot(Peers.Cosign) is not null, Peers.WhyNot(Peers.Cosign) ?? "");
        var (path, key, signature) = (Make("sample_model_folder"), Key("team"), folder.PathOf("model.sig"));
        var (exitCode, output) = await GatesAsync("model", "sign", path, "--key", key.Private, "--signature", signature, "--method", method);
        Assert.True(exitCode == 0, output);

        // The subject is the SHA-256 of the digests, one after the other: to cosign, a file that holds them.
        var digests = folder.PathOf("digests");
        await File.WriteAllBytesAsync(digests, [.. Payload(signature)["predicate"]!["resources"]!.AsArray().SelectMany(item => Convert.FromHexString((string)item!["digest"]!))], TestContext.Current.CancellationToken);
        using var cosign = new Cosign();
        const string Type = "https://model_signing/signature/v1.0";
        var verified = await cosign.VerifyBlobAttestationAsync(key.Public, signature, digests, Type, TestContext.Current.CancellationToken);
        Assert.True(verified.ExitCode == 0, verified.Error);
        Assert.NotEqual(0, (await cosign.VerifyBlobAttestationAsync(Key("other").Public, signature, digests, Type, TestContext.Current.CancellationToken)).ExitCode);
        await File.AppendAllTextAsync(digests, "x", TestContext.Current.CancellationToken);
        Assert.NotEqual(0, (await cosign.VerifyBlobAttestationAsync(key.Public, signature, digests, Type, TestContext.Current.CancellationToken)).ExitCode);
    }

    [Theory]
    [InlineData("files")]
    [InlineData("shards")]
    public async Task Sigstore_s_own_library_verifies_the_bundle(string method)
    {
        Assert.SkipWhen(Peers.WhyNot(Peers.SigstoreJs) is not null, Peers.WhyNot(Peers.SigstoreJs) ?? "");
        var (key, signature) = (Key("team"), folder.PathOf("model.sig"));
        var (exitCode, output) = await GatesAsync("model", "sign", Make("sample_model_folder"), "--key", key.Private, "--signature", signature, "--method", method);
        Assert.True(exitCode == 0, output);
        Task<Command> VerifyAsync(string publicKey) => Command.RunAsync("node", [Path.Combine(ProjectTree.Root, "tests/peers/sigstore-js/bundle.mjs"), Peers.SigstoreJs.Require(), signature, publicKey], cancellation: TestContext.Current.CancellationToken);
        var verified = await VerifyAsync(key.Public);
        Assert.True(verified.ExitCode == 0, verified.Error);
        Assert.NotEqual(0, (await VerifyAsync(Key("other").Public)).ExitCode);
    }

    private static void Skip() => Assert.SkipWhen(ProjectTree.WhyNoCases("sigstore/model-signing") is not null, ProjectTree.WhyNoCases("sigstore/model-signing") ?? "");

    /// <summary>Before 1.0.1 those signed with a key are models of one file without a name.</summary>
    private static string Target(string name) => name is "v0.3.1-elliptic-key" or "v1.0.0-elliptic-key" ? Path.Combine(Scripts, name, "signme-1") : Path.Combine(Scripts, name);

    /// <summary>The release scripts leave this file out on the command line; from 1.1.0 on the signature says so itself.</summary>
    private static string[] Ignoring(string name) => name.StartsWith("v1.0.1", StringComparison.Ordinal) ? ["--ignore-path", "ignore-me"] : [];

    private static string[] Signer(string name) => name.Split('-', 2)[1] switch
    {
        "certificate" => ["--certificate-authority", Path.Combine(Scripts, "keys", "certificate", "ca-cert.pem")],
        "sigstore" => Keyless("stefanb@us.ibm.com"),
        _ => ["--key", Path.Combine(Scripts, "keys", "certificate", "signing-key-pub.pem")],
    };

    private string[] Stranger(string name) => name.Split('-', 2)[1] switch
    {
        "sigstore" => Keyless("someone@us.ibm.com"),
        _ => ["--key", Key($"stranger-{name}").Public],
    };

    private static string[] Keyless(string identity) =>
    [
        "--certificate-identity", identity, "--certificate-oidc-issuer", "https://sigstore.verify.ibm.com/oauth2",
        "--trusted-root", Path.Combine(ProjectTree.Cases, "sigstore", "trusted-roots", "public-good.json"),
    ];

    private (string Private, string Public) Key(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return (folder.Write($"{name}.pem", key.ExportPkcs8PrivateKeyPem()), folder.Write($"{name}.pub", key.ExportSubjectPublicKeyInfoPem()));
    }

    /// <summary>The models of the reference implementation's own tests (its <c>conftest.py</c>).</summary>
    private string Make(string model)
    {
        switch (model)
        {
            case "sample_model_file":
                folder.Folder("model");
                return folder.Write("model/file", "This is a simple model");
            case "model_folder_with_empty_file":
                folder.Folder("root");
                folder.Write("root/empty_file", "");
                break;
            case "deep_model_folder":
                folder.Folder("root/d0/d1/d2/d3/d4");
                foreach (var i in Enumerable.Range(0, 4))
                {
                    folder.Write($"root/d0/d1/d2/d3/d4/f{i}", string.Create(CultureInfo.InvariantCulture, $"This is file f{i}."));
                }

                break;
            default:
                foreach (var (i, j) in Enumerable.Range(0, 6).Select(number => (number / 3, number % 3)))
                {
                    folder.Folder($"root/d{i}");
                    folder.Write($"root/d{i}/f{i}{j}", string.Create(CultureInfo.InvariantCulture, $"This is file f{i}{j} in d{i}."));
                }

                foreach (var i in Enumerable.Range(0, 4))
                {
                    folder.Write($"root/f{i}", string.Create(CultureInfo.InvariantCulture, $"This is file f{i} in root."));
                }

                break;
        }

        return folder.PathOf("root");
    }

    private static JsonNode Payload(string signature) =>
        JsonNode.Parse(Convert.FromBase64String((string)JsonNode.Parse(File.ReadAllBytes(signature))!["dsseEnvelope"]!["payload"]!))!;

    private static IEnumerable<string> Listed(JsonNode statement, Func<string, string> name) =>
        statement["predicate"]!["resources"]!.AsArray().Select(item => $"{name((string)item!["name"]!)} {(string)item["digest"]!}").Order(StringComparer.Ordinal);

    private static async Task<(int ExitCode, string Output)> GatesAsync(params string[] arguments)
    {
        using var text = new StringWriter();
        return (await GatesCommand.RunAsync(arguments, new Terminal(Stream.Null, text, text)), text.ToString());
    }
}
