using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Governance.Gates.Testing;

namespace Governance.Gates.Tests.Webhook;

public sealed class CertificateCommandTests
{
    [Fact]
    public async Task A_client_that_trusts_the_authority_accepts_the_gate_and_no_other_name()
    {
        using var folder = new TemporaryFolder();
        var (code, _, error) = await Commands.RunAsync("certificate", folder.PathOf("tls"), "--name", "127.0.0.1", "--name", "governance-gates.governance-gates.svc");
        Assert.True(code == ExitCode.Allowed, error);
        await using var gate = await RunningGate.StartAsync(options: options => options with { Certificate = folder.PathOf("tls", "tls.crt"), Key = folder.PathOf("tls", "tls.key") });
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.Add(X509CertificateLoader.LoadCertificateFromFile(folder.PathOf("tls", "ca.crt")));
        using var http = new HttpClient(new SocketsHttpHandler { SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = trust } });

        using var answer = await http.GetAsync(new Uri(gate.Address, "/health/live"));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        using var served = X509CertificateLoader.LoadCertificateFromFile(folder.PathOf("tls", "tls.crt"));
        Assert.True(served.MatchesHostname("governance-gates.governance-gates.svc"));
        Assert.False(served.MatchesHostname("governance-gates.default.svc"));
    }

    [Fact]
    public async Task The_key_is_readable_by_its_owner_only_also_where_a_readable_one_stood()
    {
        using var folder = new TemporaryFolder();
        folder.Write("tls.key", "old");
        Assert.Equal(ExitCode.Allowed, (await Commands.RunAsync("certificate", folder.Path, "--name", "a.example")).Code);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(folder.PathOf("tls.key")));
        }

        Assert.Equal(["ca.crt", "tls.crt", "tls.key"], Directory.EnumerateFiles(folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Theory, InlineData(""), InlineData("two words"), InlineData("https://a.example"), InlineData("a.example:8443"), InlineData("a..example")]
    public async Task What_is_no_name_of_a_host_is_wrong_usage(string name)
    {
        using var folder = new TemporaryFolder();
        var (code, _, error) = await Commands.RunAsync("certificate", folder.PathOf("tls"), "--name", name);
        Assert.Equal(ExitCode.Usage, code);
        Assert.Contains("--name", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.PathOf("tls")));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_made_is_told_and_ends_with_2()
    {
        using var folder = new TemporaryFolder();
        var (code, _, error) = await Commands.RunAsync("certificate", folder.Write("file", "") + "/tls", "--name", "a.example");
        Assert.Equal(ExitCode.Unknown, code);
        Assert.Contains("cannot be written", error, StringComparison.Ordinal);
    }
}
