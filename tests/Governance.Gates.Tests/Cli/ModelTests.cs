using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Governance.Gates.Testing.Processes;
using Governance.Gates.Tests.Sigstore;

namespace Governance.Gates.Tests.Cli;

/// <summary><c>gates model sign</c> and <c>gates model verify</c> on real files.</summary>
public sealed class ModelTests : IDisposable
{
    private readonly Workbench bench = new();
    private readonly string model;
    private readonly string signature;
    private readonly string secret;
    private readonly string key;

    public ModelTests()
    {
        model = bench.Folder.Folder("vol");
        signature = Path.Combine(model, "model.sig");
        (secret, key) = bench.Key("team");
        Put("config.json", "{}");
        Put("weights.bin", "0123456789abcdef0");
        Put("tokens/en.txt", "buy");
        Put("tokens/de.txt", "kauf");
    }

    public void Dispose() => bench.Dispose();

    public static TheoryData<string, string> Changes => new()
    {
        { "rename", "'tokens/fr.txt' is there and was not signed" },
        { "rename", "'tokens/en.txt' was signed and is not there" },
        { "swap", "'tokens/de.txt' has other bytes than were signed" },
        { "add", "'extra.bin' is there and was not signed" },
        { "add hidden", "'.hidden' is there and was not signed" },
        { "add empty", "'tokens/__init__.py' is" },
        { "add .git below", "'tokens/.git/config' is there and was not signed" },
        { "remove", "'config.json' was signed and is not there" },
        { "truncate", "'weights.bin' has other bytes than were signed" },
        { "append", "'weights.bin' has other bytes than were signed" },
        { "flip", "'weights.bin' has other bytes than were signed" },
        { "link", "'link.bin' is a symbolic link" },
        { "link in place", "'weights.bin' is a symbolic link" },
        { "link folder", "'more' is a symbolic link" },
        { "link cycle", "'tokens/up' is a symbolic link" },
        { "link to nothing", "'dangling' is a symbolic link" },
        { "twin", "'CONFIG.json' is there and was not signed" },
        { "pipe", "'pipe' is" },
        { "pipe in place", "'config.json'" },
        { "folder in place", "'config.json/x' is there and was not signed" },
        { "empty", "'config.json' was signed and is not there" },
        { "root link", "is a symbolic link" },
    };

    [Theory, MemberData(nameof(Changes))]
    public async Task A_model_that_is_not_exactly_what_was_signed_is_denied(string change, string says)
    {
        foreach (var method in (string[])["files", "shards"])
        {
            var file = bench.Folder.PathOf($"{method}.sig");
            Assert.Equal(0, (await bench.GatesAsync(["model", "sign", model, "--key", secret, "--signature", file, .. Method(method)])).ExitCode);
        }

        var named = await ChangeAsync(change);
        foreach (var method in (string[])["files", "shards"])
        {
            var ended = await bench.GatesAsync("model", "verify", named, "--key", key, "--signature", bench.Folder.PathOf($"{method}.sig"), "--output", "json");
            Assert.True(ended.ExitCode == 1, ended.Output);
            Assert.Contains(ended.Json().GetProperty("reasons").EnumerateArray(), reason => reason.GetProperty("message").GetString()!.Contains(says, StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("files")]
    [InlineData("shards")]
    public async Task A_signed_model_is_allowed_and_told_who_signed_what(string method)
    {
        var signed = await SignAsync([.. Method(method), "--output", "json"]);
        Assert.Equal(4, signed.Json().GetProperty("manifest").GetProperty("files").GetInt32());
        var verified = (await VerifyAsync("--output", "json")).Json();
        Assert.Equal("allow", verified.GetProperty("verdict").GetString());
        Assert.Equal("key", verified.GetProperty("signer").GetProperty("method").GetString());
        Assert.Equal(signed.Json().GetProperty("key").GetString(), verified.GetProperty("signer").GetProperty("key").GetString());
        Assert.Equal(signed.Json().GetProperty("manifest").GetRawText(), verified.GetProperty("manifest").GetRawText());
        Assert.Equal([".git", ".gitattributes", ".github", ".gitignore", "model.sig"], verified.GetProperty("manifest").GetProperty("ignorePaths").EnumerateArray().Select(path => path.GetString()));
        Assert.Empty(verified.GetProperty("notCovered").EnumerateArray());
        Assert.Contains("signed: 4 files", (await VerifyAsync()).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("files")]
    [InlineData("shards")]
    public async Task Names_with_colons_line_feeds_and_other_scripts_are_signed_as_they_are(string method)
    {
        string[] names = ["a:b", "a:0:8", "new\nline", "größe/模型.bin", "\U0001F600", "blank at end ", "*"];
        foreach (var name in names)
        {
            Put(name, $"the bytes of {name}");
        }

        Assert.Equal(0, (await SignAsync(Method(method))).ExitCode);
        var verified = await VerifyAsync();
        Assert.True(verified.ExitCode == 0, verified.Output);
        foreach (var name in names)
        {
            Put(name, $"other bytes of {name}");
        }

        Assert.Equal(names.Length, (await VerifyAsync("--output", "json")).Json().GetProperty("differences").GetArrayLength());
    }

    [Fact]
    public async Task Another_key_and_a_damaged_signature_are_denied()
    {
        await SignAsync();
        var (_, other) = bench.Key("other");
        var ended = await bench.GatesAsync("model", "verify", model, "--signature", signature, "--key", other);
        Assert.Equal(1, ended.ExitCode);
        Assert.Contains("UnknownKey", ended.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await bench.GatesAsync("model", "verify", model, "--signature", signature, "--key", other, "--key", key)).ExitCode);
        var damaged = bench.Folder.Write("damaged.sig", File.ReadAllText(signature).Replace("\"payload\":\"ey", "\"payload\":\"fy", StringComparison.Ordinal));
        Assert.Equal(1, (await bench.GatesAsync("model", "verify", model, "--signature", damaged, "--key", key, "--ignore-path", "model.sig")).ExitCode);
    }

    [Fact]
    public async Task What_the_signature_leaves_out_is_told_and_may_be_refused()
    {
        Put(".git/config", "anything");
        Put("cache/x", "anything");
        await SignAsync(["--ignore-path", "cache"]);
        Put(".git/hooks/post-checkout", "changed since");
        Put("cache/y", "changed since");
        var verified = await VerifyAsync("--output", "json");
        Assert.Equal(0, verified.ExitCode);
        Assert.Equal([".git", "cache"], verified.Json().GetProperty("notCovered").EnumerateArray().Select(path => path.GetString()));
        var refused = await VerifyAsync("--left-out", "deny");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("'.git' is there, and the signature does not cover it", refused.Output, StringComparison.Ordinal);
        Assert.Contains("'cache' is there, and the signature does not cover it", refused.Output, StringComparison.Ordinal);
        Directory.Delete(Path.Combine(model, ".git"), recursive: true);
        Directory.Delete(Path.Combine(model, "cache"), recursive: true);
        Assert.Equal(0, (await VerifyAsync("--left-out", "deny")).ExitCode);
    }

    [Fact]
    public async Task A_user_may_leave_out_what_the_signature_does_not_but_nothing_that_it_covers()
    {
        await SignAsync();
        Put("notes.txt", "mine");
        Assert.Equal(1, (await VerifyAsync()).ExitCode);
        Assert.Equal(0, (await VerifyAsync("--ignore-path", "notes.txt")).ExitCode);
        Assert.Equal(1, (await VerifyAsync("--ignore-path", "notes.txt", "--ignore-path", "config.json")).ExitCode);
        Assert.Equal(1, (await VerifyAsync("--ignore-path", "notes")).ExitCode);
    }

    [Fact]
    public async Task A_model_of_one_file_is_signed_with_its_name()
    {
        var (file, sig) = (Path.Combine(model, "weights.bin"), bench.Folder.PathOf("weights.sig"));
        Assert.Equal(0, (await bench.GatesAsync("model", "sign", file, "--key", secret, "--signature", sig)).ExitCode);
        Assert.Equal(0, (await bench.GatesAsync("model", "verify", file, "--key", key, "--signature", sig)).ExitCode);
        File.Move(file, Path.Combine(model, "renamed.bin"));
        var renamed = await bench.GatesAsync("model", "verify", Path.Combine(model, "renamed.bin"), "--key", key, "--signature", sig);
        Assert.Equal(1, renamed.ExitCode);
        Assert.Contains("'weights.bin' was signed and is not there", renamed.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_whose_one_file_has_no_signed_name_is_told_as_such()
    {
        var weights = Path.Combine(model, "weights.bin");
        var digest = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(weights)));
        using var signer = Governance.Gates.Sigstore.EcdsaSigner.FromPem(File.ReadAllText(secret), "");
        var nameless = bench.Folder.PathOf("nameless.sig");
        await File.WriteAllBytesAsync(nameless, SignedModels.Sign(SignedModels.Statement(SignedModels.Predicate(SignedModels.Resources(".").Replace(SignedModels.Digest(0), digest, StringComparison.Ordinal))), signer).Json, TestContext.Current.CancellationToken);
        var verified = await bench.GatesAsync("model", "verify", weights, "--key", key, "--signature", nameless);
        Assert.Equal(0, verified.ExitCode);
        Assert.Contains("does not cover the file's name", verified.Output, StringComparison.Ordinal);
        var folder = await bench.GatesAsync("model", "verify", model, "--key", key, "--signature", nameless);
        Assert.Equal(1, folder.ExitCode);
        Assert.Contains("over a model of one file", folder.Output, StringComparison.Ordinal);
        Assert.Equal(1, (await bench.GatesAsync("model", "verify", Path.Combine(model, "config.json"), "--key", key, "--signature", nameless)).ExitCode);
    }

    [Fact]
    public async Task A_certificate_of_one_s_own_authority_signs_and_verifies()
    {
        var now = bench.Clock.GetUtcNow();
        var authority = new TestAuthority("models", now.AddYears(-1), now.AddYears(1));
        using var pair = ECDsa.Create();
        pair.ImportFromPem(File.ReadAllText(secret));
        var leaf = authority.Issue(new PublicKey(pair), now.AddDays(-1), now.AddDays(1), TestAuthority.NewSerial(), "CN=quant team", TestAuthority.Signing, TestAuthority.Usage(TestAuthority.CodeSigning));
        string Pem(string name, params byte[][] certificates) => bench.Folder.Write(name, string.Join('\n', certificates.Select(der => PemEncoding.WriteString("CERTIFICATE", der))));
        var chain = Pem("chain.pem", leaf, Convert.FromBase64String((string)authority.Chain[0]!["rawBytes"]!));
        var root = Pem("root.pem", authority.RootCertificate);

        Assert.Equal(0, (await SignAsync(["--certificate", chain])).ExitCode);
        string[] verify = ["model", "verify", model, "--signature", signature, "--certificate-authority", root];
        var verified = await bench.GatesAsync([.. verify, "--output", "json"]);
        Assert.Equal(0, verified.ExitCode);
        var signer = verified.Json().GetProperty("signer");
        Assert.Equal(("certificate", "CN=quant team"), (signer.GetProperty("method").GetString(), signer.GetProperty("name").GetString()));
        Assert.Equal(1, (await VerifyAsync()).ExitCode);
        Assert.Equal(1, (await bench.GatesAsync([.. verify[..^1], Pem("other.pem", new TestAuthority("models", now.AddYears(-1), now.AddYears(1)).RootCertificate)])).ExitCode);
        bench.Clock.Advance(TimeSpan.FromDays(2));
        var expired = await bench.GatesAsync(verify);
        Assert.Equal(1, expired.ExitCode);
        Assert.Contains("CertificateOutsideValidity", expired.Output, StringComparison.Ordinal);

        var (other, _) = bench.Key("other");
        var mismatched = await bench.GatesAsync("model", "sign", model, "--key", other, "--certificate", chain, "--signature", bench.Folder.PathOf("o.sig"));
        Assert.Equal(2, mismatched.ExitCode);
        Assert.Contains("of another key", mismatched.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_read_is_unknown_and_what_is_no_signature_is_denied()
    {
        await SignAsync();
        var absent = await bench.GatesAsync("model", "verify", bench.Folder.PathOf("absent"), "--key", key, "--signature", signature, "--output", "json");
        Assert.Equal(2, absent.ExitCode);
        Assert.Equal("unknown", absent.Json().GetProperty("verdict").GetString());
        Assert.Equal(2, (await bench.GatesAsync("model", "verify", model, "--key", key, "--signature", bench.Folder.PathOf("absent.sig"))).ExitCode);
        Assert.Equal(2, (await bench.GatesAsync("model", "verify", model, "--key", bench.Folder.PathOf("absent.pub"), "--signature", signature)).ExitCode);
        Assert.Equal(2, (await bench.GatesAsync("model", "verify", model, "--certificate-authority", key, "--signature", signature)).ExitCode);
        var nothing = await bench.GatesAsync("model", "verify", model, "--key", key, "--signature", Path.Combine(model, "config.json"), "--output", "json");
        Assert.Equal(1, nothing.ExitCode);
        Assert.Equal(JsonValueKind.Null, nothing.Json().GetProperty("signer").ValueKind);
    }

    public static TheoryData<string, string> Unsignable => new()
    {
        { "link", "is a symbolic link" },
        { "pipe", "is no regular file" },
        { "twin", "differ from it by nothing but case" },
        { "backslash", "has a backslash" },
        { "empty", "there is no file to sign" },
        { "deep", "deeper than 64 folders" },
    };

    [Theory, MemberData(nameof(Unsignable))]
    public async Task A_model_that_nobody_could_verify_is_not_signed(string change, string says)
    {
        await ChangeAsync(change);
        var ended = await SignAsync();
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains(says, ended.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(signature));
    }

    [Fact]
    public async Task Nothing_is_written_over_and_shards_cover_no_empty_file()
    {
        var written = bench.Folder.Write("there.sig", "mine");
        Assert.Equal(2, (await bench.GatesAsync("model", "sign", model, "--key", secret, "--signature", written)).ExitCode);
        Assert.Equal("mine", File.ReadAllText(written));
        Put("empty.txt", "");
        var sharded = await SignAsync(["--method", "shards"]);
        Assert.Equal(2, sharded.ExitCode);
        Assert.Contains("shards cover no empty file", sharded.Error, StringComparison.Ordinal);
        Assert.Equal(2, (await SignAsync(["--method", "shards", "--shard-size", "0"])).ExitCode);
        Assert.Equal(2, (await SignAsync(["--ignore-path", "../elsewhere"])).ExitCode);
        Assert.Equal(0, (await SignAsync()).ExitCode);
        Assert.Equal(0, (await VerifyAsync()).ExitCode);
    }

    [Fact]
    public async Task A_hostile_name_shows_as_one_line_that_moves_no_cursor()
    {
        await SignAsync();
        Put("a\n::warning::\u001b[31m\u202egnp.bin", "x");
        foreach (var form in (string[])["text", "markdown", "json"])
        {
            var ended = await VerifyAsync("--output", form);
            Assert.Equal(1, ended.ExitCode);
            Assert.DoesNotContain('\u001b', ended.Output);
            Assert.DoesNotContain('\u202e', ended.Output);
            Assert.DoesNotContain("\n::warning", ended.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Many_differences_are_summed_up_for_people_and_listed_for_machines()
    {
        await SignAsync();
        foreach (var number in Enumerable.Range(0, 30))
        {
            Put($"extra-{number}", "x");
        }

        var ended = (await VerifyAsync("--output", "json")).Json();
        Assert.Equal(30, ended.GetProperty("differences").GetArrayLength());
        Assert.Contains("and 10 more", ended.GetProperty("reasons")[20].GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    private static string[] Method(string method) => method == "shards" ? ["--method", method, "--shard-size", "8"] : ["--method", method];

    private Task<Ended> SignAsync(params string[] more) => bench.GatesAsync(["model", "sign", model, "--key", secret, "--signature", signature, .. more]);

    private Task<Ended> VerifyAsync(params string[] more) => bench.GatesAsync(["model", "verify", model, "--signature", signature, "--key", key, .. more]);

    private void Put(string path, string content)
    {
        var full = Path.Combine(model, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, content);
    }

    /// <summary>Changes the model and gives the path by which it is named then.</summary>
    private async Task<string> ChangeAsync(string change)
    {
        string Of(string path) => Path.Combine(model, path);
        var named = model;
        switch (change)
        {
            case "rename": File.Move(Of("tokens/en.txt"), Of("tokens/fr.txt")); break;
            case "swap":
                File.Move(Of("tokens/en.txt"), Of("tokens/x"));
                File.Move(Of("tokens/de.txt"), Of("tokens/en.txt"));
                File.Move(Of("tokens/x"), Of("tokens/de.txt"));
                break;
            case "add": Put("extra.bin", "x"); break;
            case "add hidden": Put(".hidden", "x"); break;
            case "add empty": Put("tokens/__init__.py", ""); break;
            case "add .git below": Put("tokens/.git/config", "x"); break;
            case "remove": File.Delete(Of("config.json")); break;
            case "truncate": File.WriteAllText(Of("weights.bin"), "0123456789abcdef"); break;
            case "append": File.AppendAllText(Of("weights.bin"), "1"); break;
            case "flip": File.WriteAllText(Of("weights.bin"), "0123456789abcdef1"); break;
            case "link": File.CreateSymbolicLink(Of("link.bin"), Of("weights.bin")); break;
            case "link in place":
                File.Move(Of("weights.bin"), bench.Folder.PathOf("weights.bin"));
                File.CreateSymbolicLink(Of("weights.bin"), bench.Folder.PathOf("weights.bin"));
                break;
            case "link folder": Directory.CreateSymbolicLink(Of("more"), bench.Folder.Folder("elsewhere")); break;
            case "link cycle": Directory.CreateSymbolicLink(Of("tokens/up"), ".."); break;
            case "link to nothing": File.CreateSymbolicLink(Of("dangling"), "nowhere"); break;
            case "twin": Put("CONFIG.json", "{}"); break;
            case "pipe": (await Command.RunAsync("mkfifo", [Of("pipe")])).Succeeded(); break;
            case "pipe in place":
                File.Delete(Of("config.json"));
                (await Command.RunAsync("mkfifo", [Of("config.json")])).Succeeded();
                break;
            case "folder in place":
                File.Delete(Of("config.json"));
                Put("config.json/x", "{}");
                break;
            case "backslash": Put("a\\b", "x"); break;
            case "deep": Put(string.Join('/', Enumerable.Repeat("d", 65)) + "/x", "x"); break;
            case "empty":
                Directory.Delete(model, recursive: true);
                Directory.CreateDirectory(model);
                break;
            case "root link":
                named = bench.Folder.PathOf("named");
                Directory.CreateSymbolicLink(named, model);
                break;
            default: throw new ArgumentException(change, nameof(change));
        }

        return named;
    }
}
