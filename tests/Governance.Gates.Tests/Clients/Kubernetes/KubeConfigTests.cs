using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Governance.Gates.Clients.Kubernetes;

namespace Governance.Gates.Tests.Clients.Kubernetes;

public sealed class KubeConfigTests : IDisposable
{
    private static readonly X509Certificate2 Certificate = SelfSigned(out Key);
    private static readonly string Key;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory();

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public void The_flag_goes_before_KUBECONFIG_and_that_before_the_home_folder_and_that_before_the_pod()
    {
        var (flag, variable) = (Write("flag", Config("token: t", server: "https://flag")), Write("variable", Config("token: t", server: "https://variable")));
        Write("home/.kube/config", Config("token: t", server: "https://home"));
        var home = Path.Combine(folder.FullName, "home");
        Write("pod/token", "secret\n");
        Write("pod/ca.crt", Certificate.ExportCertificatePem());
        var pod = new InCluster("fd00::1", "443", Path.Combine(folder.FullName, "pod"));

        Assert.Equal("https://flag/", KubeConfig.Find(new(flag, variable, home, null, pod)).Server.AbsoluteUri);
        Assert.Equal("https://variable/", KubeConfig.Find(new(null, variable, home, null, pod)).Server.AbsoluteUri);
        Assert.Equal("https://home/", KubeConfig.Find(new(null, "", home, null, pod)).Server.AbsoluteUri);
        Assert.Equal("https://[fd00::1]/", KubeConfig.Find(new(null, null, folder.FullName, null, pod)).Server.AbsoluteUri);
        Assert.Contains("--kubeconfig", Assert.Throws<GateException>(() => KubeConfig.Find(new(null, null, folder.FullName))).Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_several_files_in_KUBECONFIG_the_first_that_exists_is_read_and_that_is_said()
    {
        var second = Write("second", Config("token: t"));

        var access = KubeConfig.Find(new(null, $"{folder.FullName}/none{Path.PathSeparator}{second}", null));

        Assert.Contains("names 2 files", access.Note, StringComparison.Ordinal);
        Assert.Contains("no file is", Assert.Throws<GateException>(() => KubeConfig.Find(new(null, $"{folder.FullName}/none", null))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_context_can_be_chosen_by_name()
    {
        var path = Write("config", """
            {"current-context": "a",
             "clusters": [{"name": "one", "cluster": {"server": "https://one"}}, {"name": "two", "cluster": {"server": "https://two/k8s/c-1/"}}],
             "contexts": [{"name": "a", "context": {"cluster": "one"}}, {"name": "b", "context": {"cluster": "two"}}]}
            """);

        Assert.Equal("https://one/", KubeConfig.Find(new(path, null, null)).Server.AbsoluteUri);
        Assert.Equal("https://two/k8s/c-1/", KubeConfig.Find(new(path, null, null, "b")).Server.AbsoluteUri);
        Assert.Contains("no context named 'c'", Assert.Throws<GateException>(() => KubeConfig.Find(new(path, null, null, "c"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Certificates_are_read_from_data_or_from_files_beside_the_kubeconfig()
    {
        Write("ca.pem", Certificate.ExportCertificatePem());
        Write("key.pem", Key);
        var path = Write("config", Config($"client-certificate-data: {Base64(Certificate.ExportCertificatePem())}, client-key: key.pem", "certificate-authority: ca.pem"));

        var access = KubeConfig.Find(new(path, null, null));

        Assert.Equal(Certificate.Thumbprint, Assert.Single(access.Authorities).Thumbprint);
        Assert.True(access.ClientCertificate!.Leaf.HasPrivateKey);
    }

    [Fact]
    public void A_token_is_never_shown()
    {
        var path = Write("config", Config("token: very-secret"));

        Assert.DoesNotContain("very-secret", KubeConfig.Find(new(path, null, null)).ToString(), StringComparison.Ordinal);
    }

    public static TheoryData<string, string, string> Refused => new()
    {
        { "token: t", "insecure-skip-tls-verify: true", "insecure-skip-tls-verify switches off the check" },
        { "token: t", "tls-server-name: x", "tls-server-name is not supported" },
        { "token: t", "proxy-url: http://x", "HTTPS_PROXY" },
        { "token: t", "certificate-authority: none.pem", "cannot be read" },
        { "token: t", "certificate-authority-data: '%'", "certificate-authority-data is not base64" },
        { "token: t", "certificate-authority-data: eA==", "holds no certificate" },
        { "exec: {command: aws, args: [very-secret]}", "", "exec asks to run a program" },
        { "auth-provider: {name: gcp}", "", "auth-provider asks for a plug-in" },
        { "username: a, password: very-secret", "", "basic authentication" },
        { "token: t, as: admin", "", "impersonation" },
        { "token: \"very-secret\\nX: y\"", "", "characters that no token has" },
        { "token: 5", "", "token is not text" },
        { "token: very-secret, token: t", "", "twice" },
        { "client-key-data: eA==", "", "client-certificate is missing" },
        { $"client-certificate-data: {Base64(Certificate.ExportCertificatePem())}", "", "client-key is missing" },
        { $"client-certificate-data: {Base64(Certificate.ExportCertificatePem())}, client-key-data: {Base64(OtherKey())}", "", "is not the private key" },
        { $"client-certificate-data: {Base64(Certificate.ExportCertificatePem())}, client-key-data: {Base64("very-secret")}", "", "is not the private key" },
    };

    [Theory, MemberData(nameof(Refused))]
    public void What_cannot_be_honoured_is_refused_with_its_place_and_without_secrets(string user, string cluster, string told)
    {
        var path = Write("config", Config(user, cluster));

        var refusal = Assert.Throws<GateException>(() => KubeConfig.Find(new(path, null, null)));

        Assert.Contains(told, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(path, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("very-secret", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://plain")]
    [InlineData("https://user:very-secret@host")]
    [InlineData("host:6443")]
    [InlineData("''")]
    public void A_server_that_is_not_https_is_refused(string server)
    {
        var path = Write("config", Config("token: t", server: server));

        Assert.DoesNotContain("very-secret", Assert.Throws<GateException>(() => KubeConfig.Find(new(path, null, null))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "holds nothing")]
    [InlineData("a\n---\nb", "several documents")]
    [InlineData("[]", "is not a mapping")]
    [InlineData("{}", "has no current-context")]
    [InlineData("{current-context: x, contexts: 5}", "no context named 'x'")]
    [InlineData("{current-context: x, contexts: [{name: x}]}", "context x is empty")]
    [InlineData("{current-context: x, contexts: [{name: x, context: {cluster: c}}]}", "no cluster named 'c'")]
    [InlineData("{current-context: x, contexts: [5]}", "contexts is not a mapping")]
    [InlineData("{", "is not YAML")]
    public void A_file_that_is_no_kubeconfig_is_a_told_mistake(string text, string told) =>
        Assert.Contains(told, Assert.Throws<GateException>(() => KubeConfig.Find(new(Write("config", text), null, null))).Message, StringComparison.Ordinal);

    private static string Config(string user, string cluster = "", string server = "https://127.0.0.1:6443") => $$$"""
        apiVersion: v1
        kind: Config
        clusters: [{name: c, cluster: {server: {{{(server.StartsWith('\'') ? server : $"'{server}'")}}}, {{{cluster}}} }}]
        users: [{name: u, user: { {{{user}}} }}]
        contexts: [{name: x, context: {cluster: c, user: u}}]
        current-context: x
        """;

    private string Write(string name, string text)
    {
        var path = Path.Combine(folder.FullName, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static string OtherKey()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return key.ExportPkcs8PrivateKeyPem();
    }

    private static X509Certificate2 SelfSigned(out string pem)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        pem = key.ExportECPrivateKeyPem();
        return new CertificateRequest("CN=test", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
