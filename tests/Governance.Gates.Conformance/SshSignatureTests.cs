using Governance.Gates.Sigstore;
using Governance.Gates.Sigstore.Ssh;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Conformance;

/// <summary>What real ssh-keygen and git sign is verified, and refused where they refuse it.</summary>
public sealed class SshSignatureTests : IDisposable
{
    private static readonly Dictionary<string, string?> Alone = new() { ["GIT_CONFIG_GLOBAL"] = "/dev/null", ["GIT_CONFIG_SYSTEM"] = "/dev/null", ["SSH_AUTH_SOCK"] = null };
    private readonly TemporaryFolder folder = new();

    public static TheoryData<string, string> Keys => new() { { "ed25519", "" }, { "ecdsa", "256" }, { "ecdsa", "384" }, { "ecdsa", "521" }, { "rsa", "2048" }, { "rsa", "3072" } };

    [Theory, MemberData(nameof(Keys))]
    public async Task A_signature_of_ssh_keygen_holds_for_its_file_and_its_key_alone(string kind, string bits)
    {
        SkipWhereMissing();
        var key = await KeyAsync("ann", kind, bits);
        foreach (var hash in (string[])["sha256", "sha512"])
        {
            var file = folder.Write($"{hash}.txt", "the model's weights");
            (await Command.RunAsync(Peers.SshKeygen.Require(), ["-Y", "sign", "-q", "-f", folder.PathOf("ann"), "-n", "file", "-O", $"hashalg={hash}", file], Alone)).Succeeded();
            var signature = SshSignature.TryParse(await File.ReadAllBytesAsync(file + ".sig", TestContext.Current.CancellationToken), out var mistake);
            Assert.True(signature is not null, mistake);
            Assert.Equal((key, "file"), (signature.Key, signature.Namespace));
            Assert.True(signature.Holds("the model's weights"u8));
            Assert.False(signature.Holds("the model's weightz"u8));
        }
    }

    [Theory, MemberData(nameof(Keys))]
    public async Task A_tag_that_git_signed_is_verified_and_one_that_was_changed_is_refused_by_git_too(string kind, string bits)
    {
        SkipWhereMissing();
        var (ann, bob) = (await KeyAsync("ann", kind, bits), await KeyAsync("bob", "ed25519", ""));
        var repository = folder.Folder("repository");
        await GitAsync(repository, "init", "-q");
        await GitAsync(repository, "commit", "-q", "--allow-empty", "-m", "first");
        await GitAsync(repository, "tag", "-s", "-m", "release 1\n\nwith two paragraphs", "v1");
        var commit = (await GitAsync(repository, "rev-parse", "HEAD")).Output.Trim();
        var content = await ContentAsync(repository, "v1");

        var verified = Assert.IsType<VerificationOutcome.Verified>(GitTag.Verify(content, "v1", [bob, ann]));
        Assert.Equal([ann], verified.Signers);
        Assert.Equal(commit, Assert.IsType<SignedContent.Tag>(verified.Content).GitTag.Commit);
        Assert.Equal(RejectionCode.UnknownKey, Assert.IsType<VerificationOutcome.Rejected>(GitTag.Verify(content, "v1", [bob])).Code);
        Assert.Equal(RejectionCode.SubjectMismatch, Assert.IsType<VerificationOutcome.Rejected>(GitTag.Verify(content, "v2", [ann])).Code);
        Assert.Equal(0, (await VerifyWithGitAsync(repository, "v1")).ExitCode);

        // Another message under the same signature, stored as git stores it.
        var changed = System.Text.Encoding.UTF8.GetString(content).Replace("release 1", "release 2", StringComparison.Ordinal);
        var stored = (await Command.RunAsync(Peers.Git.Require(), ["-C", repository, "hash-object", "-t", "tag", "-w", "--stdin"], Alone, changed)).Succeeded().Output.Trim();
        await GitAsync(repository, "update-ref", "refs/tags/v1", stored);
        Assert.Equal(RejectionCode.SignatureMismatch, Assert.IsType<VerificationOutcome.Rejected>(GitTag.Verify(await ContentAsync(repository, "v1"), "v1", [ann])).Code);
        Assert.NotEqual(0, (await VerifyWithGitAsync(repository, "v1")).ExitCode);
    }

    [Fact]
    public async Task A_tag_that_nobody_signed_or_whose_signature_is_a_files_is_refused()
    {
        SkipWhereMissing();
        var ann = await KeyAsync("ann", "ed25519", "");
        var repository = folder.Folder("repository");
        await GitAsync(repository, "init", "-q");
        await GitAsync(repository, "commit", "-q", "--allow-empty", "-m", "first");
        await GitAsync(repository, "tag", "-a", "--no-sign", "-m", "release 1", "v1");
        var content = await ContentAsync(repository, "v1");
        Assert.Equal(RejectionCode.NoSignature, Assert.IsType<VerificationOutcome.Rejected>(GitTag.Verify(content, "v1", [ann])).Code);

        var file = folder.PathOf("tag");
        await File.WriteAllBytesAsync(file, content, TestContext.Current.CancellationToken);
        (await Command.RunAsync(Peers.SshKeygen.Require(), ["-Y", "sign", "-q", "-f", folder.PathOf("ann"), "-n", "file", file], Alone)).Succeeded();
        byte[] signed = [.. content, .. await File.ReadAllBytesAsync(file + ".sig", TestContext.Current.CancellationToken)];
        Assert.Equal(RejectionCode.WrongNamespace, Assert.IsType<VerificationOutcome.Rejected>(GitTag.Verify(signed, "v1", [ann])).Code);
    }

    public void Dispose() => folder.Dispose();

    private static void SkipWhereMissing() => Assert.SkipWhen(Peers.WhyNot(Peers.Git, Peers.SshKeygen) is not null, Peers.WhyNot(Peers.Git, Peers.SshKeygen) ?? "");

    private async Task<PublicKey> KeyAsync(string name, string kind, string bits)
    {
        (await Command.RunAsync(Peers.SshKeygen.Require(), ["-q", "-t", kind, .. bits.Length == 0 ? (string[])[] : ["-b", bits], "-N", "", "-C", $"{name}@example.com", "-f", folder.PathOf(name)], Alone)).Succeeded();
        var line = await File.ReadAllTextAsync(folder.PathOf(name + ".pub"), TestContext.Current.CancellationToken);
        return SshKey.TryParse(line, out var mistake) ?? throw new InvalidOperationException(mistake);
    }

    private async Task<Command> GitAsync(string repository, params string[] arguments) => (await Command.RunAsync(Peers.Git.Require(),
    [
        "-C", repository, "-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "gpg.format=ssh", "-c", $"user.signingkey={folder.PathOf("ann.pub")}", "-c", "core.fsync=none", .. arguments,
    ], Alone)).Succeeded();

    private async Task<byte[]> ContentAsync(string repository, string tag) => System.Text.Encoding.UTF8.GetBytes((await GitAsync(repository, "cat-file", "tag", tag)).Output);

    private async Task<Command> VerifyWithGitAsync(string repository, string tag)
    {
        var allowed = folder.Write("allowed", $"ann@example.com {await File.ReadAllTextAsync(folder.PathOf("ann.pub"), TestContext.Current.CancellationToken)}");
        return await Command.RunAsync(Peers.Git.Require(), ["-C", repository, "-c", "gpg.format=ssh", "-c", $"gpg.ssh.allowedSignersFile={allowed}", "tag", "-v", tag], Alone);
    }
}
