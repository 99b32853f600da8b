using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Images;
using Governance.Gates.Testing.Registries;
using static Governance.Gates.Tests.Clients.Registries.RegistryReadings;

namespace Governance.Gates.Tests.Clients.Registries;

public sealed class RegistryAccessTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("gates-access-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static DockerCredentials Credentials(LoopbackRegistry registry, string? password = null)
    {
        var auth = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{LoopbackRegistry.User}:{password ?? registry.Password}"));
        return DockerCredentials.Parse(Encoding.UTF8.GetBytes("{\"auths\":{\"http://" + registry.Host + "/v1/\":{\"auth\":\"" + auth + "\"}}}"), "test");
    }

    [Theory, InlineData(RegistryAuthentication.Basic), InlineData(RegistryAuthentication.Bearer)]
    public async Task Credentials_open_a_registry_for_reading_and_signing(RegistryAuthentication authentication)
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        var image = await TestImage.PushAsync(registry.Repository("app"));
        registry.Authentication = authentication;
        using var client = Client(credentials: Credentials(registry));
        (await client.AttachToTagAsync(registry.Repository("app"), image, CosignTag.Signatures, Signature("one", "a"), CancellationToken.None)).Found();
        Assert.Single((await client.EvidenceAsync(registry.Repository("app"), image)).Items);
    }

    [Fact]
    public async Task One_token_serves_parallel_and_later_requests_and_is_renewed_once_it_is_refused()
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        registry.Authentication = RegistryAuthentication.Bearer;
        using var client = Client(credentials: Credentials(registry));
        for (var i = 0; i < 3; i++)
        {
            Assert.Empty((await client.EvidenceAsync(registry.Repository("app"), Digest.Of("x"u8))).Unread);
        }

        Assert.Equal(1, registry.TokensMade);
        registry.RevokeTokens();
        Assert.Empty((await client.EvidenceAsync(registry.Repository("app"), Digest.Of("x"u8))).Unread);
        Assert.Equal(2, registry.TokensMade);
    }

    [Theory, InlineData(RegistryAuthentication.Basic), InlineData(RegistryAuthentication.Bearer)]
    public async Task A_refused_credential_is_named_as_such_and_never_shown(RegistryAuthentication authentication)
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        registry.Authentication = authentication;
        var wrong = Guid.NewGuid().ToString("n");
        using var client = Client(credentials: Credentials(registry, wrong));
        var why = (await client.FindEvidenceAsync(registry.Repository("app"), Digest.Of("x"u8), CancellationToken.None)).Unread();
        Assert.Contains("with the credentials of the Docker configuration", why.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(wrong, why.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_credential_helper_that_was_not_asked_is_named()
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        registry.Authentication = RegistryAuthentication.Basic;
        using var client = Client(credentials: DockerCredentials.Parse("{\"credsStore\":\"desktop\"}"u8.ToArray(), "test"));
        Assert.Contains("'desktop', which is not executed", (await client.FindEvidenceAsync(registry.Repository("app"), Digest.Of("x"u8), CancellationToken.None)).Unread().Remedy!, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Bearer realm=\"http://registry.example/token\"", "is not https")]
    [InlineData("Bearer realm=\"https://169.254.169.254/token\"", "link-local")]
    [InlineData("Bearer realm=https://unquoted/token", "without credentials")]
    [InlineData("Bearer realm=\"https://a/\",realm=\"https://b/\"", "without credentials")]
    [InlineData("Digest realm=\"x\"", "without credentials")]
    public async Task A_challenge_that_cannot_be_met_safely_is_refused(string challenge, string because)
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        registry.Override = context =>
        {
            context.Response.StatusCode = 401;
            context.Response.Headers.WWWAuthenticate = challenge;
            return Task.FromResult(true);
        };
        using var client = Client();
        Assert.Contains(because, (await client.FindEvidenceAsync(registry.Repository("app"), Digest.Of("x"u8), CancellationToken.None)).Unread().Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_redirect_to_another_host_is_followed_without_credentials()
    {
        await using var storage = await LoopbackRegistry.StartAsync();
        await using var registry = await LoopbackRegistry.StartAsync();
        registry.Authentication = RegistryAuthentication.Basic;
        var image = new TestImage();
        var basic = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{LoopbackRegistry.User}:{registry.Password}")));
        await image.PushToAsync(registry.Repository("app"), "latest", basic);
        await image.PushToAsync(storage.Repository("app"), "latest");
        registry.Override = context =>
        {
            context.Response.StatusCode = 307;
            context.Response.Headers.Location = $"http://{storage.Host}{context.Request.Path}";
            return Task.FromResult(context.Request.Headers.Authorization.Count > 0);
        };
        storage.Authorizations.Clear();
        using var client = Client(credentials: Credentials(registry));
        (await client.ReadManifestAsync(registry.Repository("app"), image.Digest, CancellationToken.None)).Found();
        Assert.NotEmpty(registry.Authorizations);
        Assert.Empty(storage.Authorizations);
    }

    [Fact]
    public async Task A_registry_that_is_busy_is_asked_again()
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        var image = await TestImage.PushAsync(registry.Repository("app"));
        var asked = 0;
        registry.Override = context =>
        {
            context.Response.StatusCode = ++asked switch { 1 => 429, 2 => 503, _ => 200 };
            context.Response.Headers.RetryAfter = "0";
            return Task.FromResult(asked <= 2);
        };
        using var client = Client();
        (await client.ReadManifestAsync(registry.Repository("app"), image, CancellationToken.None)).Found();
        Assert.Equal(3, asked);
    }

    [Theory, InlineData("30"), InlineData("0"), InlineData("soon")]
    public async Task A_registry_that_keeps_refusing_is_left_alone_until_the_time_it_named(string retryAfter)
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        var image = await TestImage.PushAsync(registry.Repository("app"));
        registry.Override = context =>
        {
            context.Response.StatusCode = 429;
            context.Response.Headers.RetryAfter = retryAfter;
            return Task.FromResult(true);
        };
        var clock = new SettableClock();
        using var client = Client(time: clock);
        var first = (await client.ReadManifestAsync(registry.Repository("app"), image, CancellationToken.None)).Unread();
        Assert.Contains("answered 429", first.Message, StringComparison.Ordinal);
        var sent = registry.Log.Count;
        var second = (await client.ReadManifestAsync(registry.Repository("app"), image, CancellationToken.None)).Unread();
        Assert.Contains("asked to wait until", second.Message, StringComparison.Ordinal);
        Assert.Equal(sent, registry.Log.Count);

        registry.Override = null;
        clock.Ahead += TimeSpan.FromSeconds(31);
        (await client.ReadManifestAsync(registry.Repository("app"), image, CancellationToken.None)).Found();
    }

    // Its timers are the system's; only what it calls now moves.
    private sealed class SettableClock : TimeProvider
    {
        public TimeSpan Ahead { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;
    }

    [Fact]
    public async Task Plain_http_is_spoken_to_loopback_and_named_hosts_only()
    {
        var own = (await Dns.GetHostAddressesAsync(Dns.GetHostName())).FirstOrDefault(one => one.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(one));
        Assert.SkipWhen(own is null, "this machine has no address besides loopback");
        await using var registry = await LoopbackRegistry.StartAsync(address: own);
        var image = await TestImage.PushAsync(registry.Repository("app"));
        var elsewhere = registry.Repository("app");
        var sent = registry.Log.Count;
        using var strict = Client();
        Assert.Contains("TLS", (await strict.ReadManifestAsync(elsewhere, image, CancellationToken.None)).Unread().Message, StringComparison.Ordinal);
        Assert.Equal(sent, registry.Log.Count);
        using var named = new OciRegistry(new() { PlainHttpHosts = [elsewhere.Host] }, DockerCredentials.Anonymous, TimeProvider.System);
        (await named.ReadManifestAsync(elsewhere, image, CancellationToken.None)).Found();
    }

    [Fact]
    public async Task A_private_authority_is_trusted_only_where_it_is_given_and_for_its_own_names()
    {
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var rootRequest = new CertificateRequest("CN=throw-away root", rootKey, HashAlgorithmName.SHA256);
        rootRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var root = rootRequest.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(2));
        using var leafKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var leafRequest = new CertificateRequest("CN=registry", leafKey, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        leafRequest.CertificateExtensions.Add(names.Build());
        leafRequest.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new("1.3.6.1.5.5.7.3.1")], true));
        using var issued = leafRequest.Create(root, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), [1, 2, 3]);
        using var leaf = issued.CopyWithPrivateKey(leafKey);
        await using var registry = await LoopbackRegistry.StartAsync(leaf, IPAddress.Any);
        var image = new TestImage();
        registry.AddManifest("app", image.Manifest, TestImage.ManifestType);
        var file = Path.Combine(folder, "ca.pem");
        await File.WriteAllTextAsync(file, root.ExportCertificatePem());
        var port = registry.Host[(registry.Host.LastIndexOf(':') + 1)..];
        var (ownName, otherName) = (new Repository($"127.0.0.1:{port}", "app"), new Repository($"127.0.0.2:{port}", "app"));
        RegistryOptions https = new() { HttpsHosts = [ownName.Host, otherName.Host] };

        using var trusting = new OciRegistry(https with { CaFile = file }, DockerCredentials.Anonymous, TimeProvider.System);
        (await trusting.ReadManifestAsync(ownName, image.Digest, CancellationToken.None)).Found();
        Assert.Contains("certificate is not trusted", (await trusting.ReadManifestAsync(otherName, image.Digest, CancellationToken.None)).Unread().Message, StringComparison.Ordinal);
        using var other = new OciRegistry(https, DockerCredentials.Anonymous, TimeProvider.System);
        Assert.Contains("certificate is not trusted", (await other.ReadManifestAsync(ownName, image.Digest, CancellationToken.None)).Unread().Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_without_certificates_is_refused_at_the_start()
    {
        var file = Path.Combine(folder, "empty.pem");
        File.WriteAllText(file, "nothing");
        Assert.Contains("holds no certificate", Assert.Throws<GateException>(() => new OciRegistry(new() { CaFile = file }, DockerCredentials.Anonymous, TimeProvider.System)).Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, string, string, string?> Redirects => new()
    {
        { "https://registry.example/", "https://registry.example/", "https://storage.example/x", null },
        { "https://registry.example/", "https://registry.example/", "http://storage.example/x", "from https to plain http" },
        { "https://registry.example/", "https://registry.example/", "https://127.0.0.1/x", "to a loopback address" },
        { "https://registry.example/", "https://registry.example/", "https://localhost/x", "to a loopback address" },
        { "https://registry.example/", "https://registry.example/", "https://[::ffff:169.254.169.254]/x", "to a link-local address" },
        { "https://registry.example/", "https://registry.example/", "https://[fe80::1]/x", "to a link-local address" },
        { "https://registry.example/", "https://registry.example/", "https://2852039166/x", "to a link-local address" },
        { "https://registry.example/", "https://registry.example/", "https://user@storage.example/x", "to an address with a user name" },
        { "https://registry.example/", "https://registry.example/", "ftp://storage.example/x", "to something that is not https" },
        { "http://127.0.0.1:5000/", "http://127.0.0.1:5000/", "http://127.0.0.1:6000/x", null },
        { "http://127.0.0.1:5000/", "http://127.0.0.1:5000/", "http://storage.example/x", "from https to plain http" },
    };

    [Theory, MemberData(nameof(Redirects))]
    public void A_redirect_is_judged_by_where_it_leads(string registry, string from, string to, string? mistake) =>
        Assert.Equal(mistake, new RegistryAddress(new()).RedirectMistake(new(registry), new(from), new(to)));

    [Theory]
    [InlineData("docker.io", "https://registry-1.docker.io/")]
    [InlineData("ghcr.io", "https://ghcr.io/")]
    [InlineData("127.0.0.1:5000", "http://127.0.0.1:5000/")]
    [InlineData("localhost:5000", "http://localhost:5000/")]
    [InlineData("127.0.0.1.example.com", "https://127.0.0.1.example.com/")]
    [InlineData("plain.example:5000", "http://plain.example:5000/")]
    public void A_registry_is_reached_over_https_unless_it_is_loopback_or_named(string host, string address) =>
        Assert.Equal(new Uri(address), new RegistryAddress(new() { PlainHttpHosts = ["plain.example:5000"] }).For(new(host, "app")));
}
