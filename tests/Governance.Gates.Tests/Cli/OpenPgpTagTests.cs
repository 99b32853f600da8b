using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Images;
using Governance.Gates.Testing.GitHub;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Tests.Cli;

/// <summary><c>gates tag</c> with tags that GnuPG signed, verified by its own gpgv. Numbers are those of the list of facts about GitHub's API.</summary>
public sealed class OpenPgpTagTests : IAsyncLifetime, IAsyncDisposable
{
    private static readonly string Commit = new('1', 40);
    private static readonly string Text = $"object {Commit}\ntype commit\ntag v1\ntagger Ann <ann@example.com> 1772366400 +0000\n\nfirst\n";
    private readonly Workbench bench = new();
    private readonly GpgHome gpg = new();
    private LoopbackGitHub? server;
    private string ann = "";

    public async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(Peers.WhyNot(Peers.Gpg, Peers.Gpgv) is not null, Peers.WhyNot(Peers.Gpg, Peers.Gpgv) ?? "");
        server = await LoopbackGitHub.StartAsync();
        ann = await gpg.MakeAsync("Ann");
        bench.Set("GITHUB_API_URL", server.Api.AbsoluteUri.TrimEnd('/'));
        bench.Set("GITHUB_TOKEN", "secret-token");
        bench.Set("GITHUB_REPOSITORY", "example/trading");
        bench.Set("PATH", Environment.GetEnvironmentVariable("PATH")!);
    }

    public async ValueTask DisposeAsync()
    {
        await (server?.DisposeAsync() ?? default);
        await gpg.DisposeAsync();
        bench.Dispose();
    }

    [Fact]
    public async Task C33_a_tag_that_a_person_of_the_policy_signed_with_openpgp_is_allowed_whatever_GitHub_thinks_of_the_key()
    {
        Told(Text, await gpg.SignAsync(ann, Text), "unknown_key");
        var json = (await TagAsync(0, "--output", "json")).Json();
        Assert.Equal(("allow", Commit, "ann"), (json.GetProperty("verdict").GetString(), json.GetProperty("commit").GetString(), json.GetProperty("person").GetString()));
        Assert.Contains($"because: tag: the tag v1 names {Commit}, signed with OpenPGP by ann", (await TagAsync(0)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task C33_a_valid_signature_by_a_key_that_the_policy_does_not_bind_to_a_person_is_denied()
    {
        var mallory = await gpg.MakeAsync("Mallory");
        Told(Text, await gpg.SignAsync(mallory, Text), "valid");
        Assert.Contains("its OpenPGP signature is by none of the policy's keys", (await TagAsync(1)).Output, StringComparison.Ordinal);

        // Also where her key lies in the file that the policy names for ann.
        var both = await gpg.ExportAsync(ann) + await gpg.ExportAsync(mallory);
        Assert.Contains("is no OpenPGP public key", (await TagWithAsync(2, Encoding.UTF8.GetBytes(both))).Error, StringComparison.Ordinal);
        var packets = Packets(await gpg.ExportAsync(ann)).Concat(Packets(await gpg.ExportAsync(mallory)));
        Assert.Contains($"is signed with the OpenPGP key {mallory}, which is nobody's in the policy", (await TagWithAsync(1, packets)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_signed_otherwise_is_denied()
    {
        var signature = await gpg.SignAsync(ann, Text);
        Told(Text.Replace("first", "other", StringComparison.Ordinal), signature, "valid");
        Assert.Contains("its OpenPGP signature does not fit the tag", (await TagAsync(1)).Output, StringComparison.Ordinal);
        Told(Text, signature + signature, "valid");
        await TagAsync(1);
        Told(Text, await gpg.SignAsync(ann, Text, "--digest-algo", "SHA1"), "valid");
        Assert.Contains("is over a digest that can be forged", (await TagAsync(1)).Output, StringComparison.Ordinal);
        Told(Text, await gpg.SignAsync(ann, Text, "--textmode"), "valid");
        Assert.Contains("is over text", (await TagAsync(1)).Output, StringComparison.Ordinal);
        Told(Text, await gpg.SignAsync(ann, Text, "--sig-notation", "a@example.com=[GNUPG:] VALIDSIG"), "valid");
        Assert.Contains("has notations", (await TagAsync(1)).Output, StringComparison.Ordinal);
        foreach (var whole in (string[])["--clear-sign", "--sign"])
        {
            var message = await gpg.SignAsync(ann, Text, whole);
            Told(Text, message, "valid");
            await TagAsync(2);
            Told(Text, message[Math.Max(0, message.IndexOf("-----BEGIN PGP SIGNATURE-----", StringComparison.Ordinal))..], "valid");
            Assert.NotEqual(0, (await TagAsync(null)).ExitCode);
        }
    }

    [Fact]
    public async Task Two_people_who_signed_are_not_one()
    {
        var ben = await gpg.MakeAsync("Ben");
        var two = await gpg.SignAsync(ann, Text, "--local-user", ben);
        Told(Text, two, "valid");
        Assert.Contains("is more than one", (await TagWithAsync(1, Packets(await gpg.ExportAsync(ann)).Concat(Packets(await gpg.ExportAsync(ben))))).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_or_signature_that_has_expired_or_was_revoked_signs_nothing()
    {
        var signature = await gpg.SignAsync(ann, Text);
        await gpg.RevokeAsync(ann);
        Told(Text, signature, "valid");
        Assert.Contains("is by a key that was revoked", (await TagAsync(1)).Output, StringComparison.Ordinal);

        ann = await gpg.MakeAsync("Older", "20200101T000000");
        Told(Text, await gpg.SignAsync(ann, Text, "--faked-system-time", "20200201T000000", "--default-sig-expire", "1d"), "valid");
        Assert.Contains("has expired", (await TagAsync(1)).Output, StringComparison.Ordinal);

        ann = await gpg.MakeAsync("Old", "20200101T000000", "1y");
        Told(Text, await gpg.SignAsync(ann, Text, "--faked-system-time", "20200201T000000"), "valid");
        Assert.Contains("is by a key that has expired", (await TagAsync(1)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tag_of_another_name_or_commit_and_a_person_out_of_office_are_denied()
    {
        var signature = await gpg.SignAsync(ann, Text);
        Told(Text, signature, "valid", target: new('2', 40));
        Assert.Contains($"was signed by ann for {Commit}, and GitHub says that it names 2222", (await TagAsync(1)).Output, StringComparison.Ordinal);
        Told(Text, signature, "valid");
        Assert.Contains("signed by ann, who is not in office now", (await RunAsync(1, ", until: 2020-01-01", null, [])).Output, StringComparison.Ordinal);
        foreach (var (changed, told) in ((string, string)[])[(Text.Replace("tag v1", "tag v2", StringComparison.Ordinal), "as 'v2', and stands under 'v1'"), (Text.Replace("tagger", "gpgsig x\ntagger", StringComparison.Ordinal), "is no tag of git"), ($"{Text}-----BEGIN SSH SIGNATURE-----\n", "is no tag of git")])
        {
            Told(changed, await gpg.SignAsync(ann, changed), "valid");
            Assert.Contains(told, (await TagAsync(1)).Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Without_gpgv_nobody_can_tell_and_one_that_lies_in_the_working_folder_is_not_run()
    {
        Told(Text, await gpg.SignAsync(ann, Text), "valid");
        foreach (var path in (string[])["", ".", bench.Folder.Path])
        {
            bench.Set("PATH", path);
            var ended = await TagAsync(2);
            Assert.Contains("verified with gpgv, which is not installed here: GitHub says that the signature of the tag v1 is valid, and not by whose key; install GnuPG", ended.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_gpgv_that_says_too_much_is_ended_and_believed_in_nothing()
    {
        Told(Text, await gpg.SignAsync(ann, Text), "valid");
        var script = bench.Folder.Write("gpgv", "#!/bin/sh\nexec yes '[GNUPG:] NEWSIG'\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        bench.Set("PATH", bench.Folder.Path);
        Assert.Contains("gpgv said more than", (await TagAsync(2)).Output, StringComparison.Ordinal);
    }

    private static byte[] Packets(string armored) => Convert.FromBase64String(string.Concat(armored.Split('\n').Where(line => line.Length > 0 && !line.StartsWith('-') && !line.StartsWith('='))));

    private void Told(string payload, string signature, string reason, string? target = null) => server!.World.Tags["v1"] = ("tag", new('a', 40), new JsonObject
    {
        ["node_id"] = "TA_1",
        ["tag"] = "v1",
        ["sha"] = new string('a', 40),
        ["message"] = "first",
        ["tagger"] = new JsonObject { ["name"] = "Ann", ["email"] = "ann@example.com", ["date"] = "2026-03-01T12:00:00Z" },
        ["object"] = new JsonObject { ["type"] = "commit", ["sha"] = target ?? Commit, ["url"] = "https://api.github.com/x" },
        ["verification"] = new JsonObject { ["verified"] = reason == "valid", ["reason"] = reason, ["payload"] = payload, ["signature"] = signature, ["verified_at"] = null },
    });

    private Task<Ended> TagAsync(int? exit, params string[] options) => RunAsync(exit, "", null, options);

    private Task<Ended> TagWithAsync(int exit, IEnumerable<byte> file) => RunAsync(exit, "", [.. file], []);

    private async Task<Ended> RunAsync(int? exit, string until, byte[]? file, string[] options)
    {
        file ??= Encoding.UTF8.GetBytes(await gpg.ExportAsync(ann));
        await File.WriteAllBytesAsync(bench.Folder.PathOf("ann.asc"), file);
        var policy = bench.Folder.Write("p.yaml", $$"""
            apiVersion: governance.gates/v1alpha1
            kind: GovernancePolicy
            metadata: { name: firm, version: 1 }
            spec:
              people:
                ann: { id: p-1, openpgp: [{ fingerprint: "{{ann}}", file: ann.asc, sha256: "{{Digest.Of(file)}}" }]{{until}} }
            """);
        var ended = await bench.GatesAsync(["tag", "v1", "--policy", policy, .. options]);
        Assert.True(exit is null || ended.ExitCode == exit, $"{ended.ExitCode}: {ended.Error}{ended.Output}");
        return ended;
    }
}
