using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Governance.Gates.Clients.Kubernetes;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Certificates;
using Microsoft.AspNetCore.Http;
using static Governance.Gates.Tests.Clients.Kubernetes.LoopbackApiServer;

namespace Governance.Gates.Tests.Clients.Kubernetes;

public sealed class ClusterReaderTests
{
    private const string Pods = "/api/v1/pods";
    private const string Uid = "/api/v1/namespaces/kube-system";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_cluster_is_named_by_the_uid_of_kube_system()
    {
        await using var server = await StartAsync();
        server.On(Uid, """{"kind":"Namespace","metadata":{"name":"kube-system","uid":"1234"}}""");
        using var reader = new ClusterReader(server.Access());

        Assert.Equal(new Reading<string>.Found("1234"), await reader.ReadClusterUidAsync(Cancellation));
    }

    [Fact]
    public async Task Objects_come_page_by_page_with_their_type_and_without_managed_fields()
    {
        await using var server = await StartAsync();
        server.On(Pods, context => Json(context, context.Request.Query["continue"] == "a/b+c=" ? Page("b") : Page("a", "a/b+c=")));
        using var reader = new ClusterReader(server.Access());

        var objects = Found(await reader.ReadAsync([], Cancellation), "pods");

        Assert.Equal(["a", "b"], objects.Select(found => found.Name));
        Assert.Equal("""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"ns"},"spec":{"containers":[{"image":"x"}]}}""", Encoding.UTF8.GetString(objects[0].Json.Span));
        Assert.Equal($"{Pods}?limit=500", server.Asked[0]);
    }

    [Fact]
    public async Task Every_workload_is_read()
    {
        await using var server = await StartAsync();
        using var reader = new ClusterReader(server.Access());

        var readings = await reader.ReadAsync([], Cancellation);

        Assert.All(readings, reading => Assert.IsType<Reading<ImmutableArray<ClusterObject>>.Found>(reading.Objects));
        Assert.Equal(
            ["pods", "replicationcontrollers", "replicasets.apps", "deployments.apps", "statefulsets.apps", "daemonsets.apps", "jobs.batch", "podtemplates", "controllerrevisions.apps", "cronjobs.batch"],
            readings.Select(reading => reading.Resource));
    }

    [Fact]
    public async Task A_missing_permission_is_named_and_loses_nothing_else()
    {
        await using var server = await StartAsync();
        server.On(Pods, Page("a")).On("/apis/apps/v1/deployments", """{"kind":"Status","message":"User \"bob\" cannot\nlist"}""", 403);
        using var reader = new ClusterReader(server.Access("token: very-secret"));

        var readings = await reader.ReadAsync([], Cancellation);

        var reason = Unread(readings, "deployments.apps");
        Assert.Contains("User \"bob\" cannot\uFFFDlist", reason.Message, StringComparison.Ordinal);
        Assert.Equal("grant it a ClusterRole with apiGroups [\"apps\"], resources [\"deployments\"], verbs [\"list\"]", reason.Remedy);
        Assert.DoesNotContain("very-secret", reason.ToString(), StringComparison.Ordinal);
        Assert.Single(Found(readings, "pods"));
        Assert.Single(readings, reading => reading.Objects is Reading<ImmutableArray<ClusterObject>>.Unread);
    }

    [Fact]
    public async Task Cron_jobs_are_read_where_only_v1beta1_serves_them()
    {
        await using var server = await StartAsync();
        server.On("/apis/batch", """{"versions":[{"version":"v1"},{"version":"v1beta1"}],"preferredVersion":{"version":"v1"}}""")
            .On("/apis/batch/v1", """{"resources":[{"name":"jobs","kind":"Job"}]}""")
            .On("/apis/batch/v1beta1", """{"resources":[{"name":"cronjobs","kind":"CronJob"}]}""")
            .On("/apis/batch/v1beta1/cronjobs", Page("nightly"));
        using var reader = new ClusterReader(server.Access());

        var found = Assert.Single(Found(await reader.ReadAsync([], Cancellation), "cronjobs.batch"));

        Assert.StartsWith("""{"apiVersion":"batch/v1beta1","kind":"CronJob",""", Encoding.UTF8.GetString(found.Json.Span), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Custom_resources_are_read_where_they_are_served_and_told_apart_where_not()
    {
        await using var server = await StartAsync();
        server.On("/apis/argoproj.io", """{"versions":[{"version":"v1"},{"version":"v1alpha1"}],"preferredVersion":{"version":"v1"}}""")
            .On("/apis/argoproj.io/v1", """{"resources":[{"name":"workflows","kind":"Workflow"}]}""")
            .On("/apis/argoproj.io/v1alpha1", """{"resources":[{"name":"rollouts","kind":"Rollout"}]}""")
            .On("/apis/argoproj.io/v1alpha1/rollouts", Page("r"))
            .On("/apis/secret.io", "{}", 403)
            .On("/apis/odd.io", """{"versions":[{"version":"../../../x"}]}""");
        using var reader = new ClusterReader(server.Access());

        var readings = await reader.ReadAsync(["rollouts.argoproj.io", "nothing.argoproj.io", "x.absent.io", "x.secret.io", "x.odd.io", "Bad/../x", "pods", "deployments.apps"], Cancellation);

        Assert.Contains("\"kind\":\"Rollout\"", Encoding.UTF8.GetString(Assert.Single(Found(readings, "rollouts.argoproj.io")).Json.Span), StringComparison.Ordinal);
        foreach (var absent in (string[])["nothing.argoproj.io", "x.absent.io"])
        {
            Assert.Null(readings.Single(reading => reading.Resource == absent).ApiVersion);
            Assert.Empty(Found(readings, absent));
        }

        Assert.Contains("system:discovery", Unread(readings, "x.secret.io").Remedy, StringComparison.Ordinal);
        Assert.Contains("answered something else", Unread(readings, "x.odd.io").Message, StringComparison.Ordinal);
        Assert.Contains("plural name and group", Unread(readings, "Bad/../x").Remedy, StringComparison.Ordinal);
        Assert.Equal(16, readings.Length);
    }

    [Fact]
    public async Task An_expired_continue_token_starts_the_list_anew_and_keeps_no_half()
    {
        var expired = 0;
        await using var server = await StartAsync();
        server.On(Pods, context => context.Request.Query["continue"].Count == 0 ? Json(context, Page("a", "t"))
            : expired++ == 0 ? Json(context, """{"kind":"Status","code":410}""", 410) : Json(context, Page("b")));
        using var reader = new ClusterReader(server.Access());

        Assert.Equal(["a", "b"], Found(await reader.ReadAsync([], Cancellation), "pods").Select(found => found.Name));
    }

    // Each is what a broken, or a hostile, server could do; none may end in anything but "could not tell".
    public static TheoryData<string, string> Broken => new()
    {
        { "always gone", "lost its place 3 times" }, { "endless pages", "more than 20 pages" }, { "endless objects", "more than a reading takes" }, { "same token", "leads nowhere" },
        { "long token", "leads nowhere" }, { "large page", "more than 1 MiB" }, { "heavy objects", "more than a reading takes" }, { "silence", "did not answer within" },
        { "half a body", "cannot be reached" }, { "not JSON", "not JSON" }, { "duplicate keys", "not JSON" }, { "deep", "not JSON" }, { "no list", "no list" }, { "text items", "no name" },
        { "redirect", "answered 302" }, { "500", "answered 500" }, { "401", "does not accept the credentials" },
    };

    [Theory, MemberData(nameof(Broken))]
    public async Task A_broken_server_is_a_reason_and_never_half_a_list(string how, string told)
    {
        var count = 0;
        await using var server = await StartAsync();
        server.On(Pods, context => how switch
        {
            "always gone" => Json(context, "{}", 410),
            "endless pages" => Json(context, $$$"""{"metadata":{"continue":"{{{count++}}}"},"items":[]}"""),
            "endless objects" => Json(context, Page("a", $"{count++}")),
            "same token" => Json(context, Page("a", "t")),
            "long token" => Json(context, Page("a", new string('t', 20_000))),
            "large page" => Json(context, Page(new string('a', 2 << 20))),
            "heavy objects" => Json(context, Page(new string('a', 100_000), $"{count++}")),
            "silence" => Task.Delay(Timeout.Infinite, context.RequestAborted),
            "half a body" => HalfAsync(context),
            "not JSON" => Json(context, "<html>"),
            "duplicate keys" => Json(context, """{"items":[],"items":null}"""),
            "deep" => Json(context, new string('[', 500) + new string(']', 500)),
            "no list" => Json(context, """{"kind":"Pod"}"""),
            "text items" => Json(context, """{"items":["a"]}"""),
            "redirect" => RedirectAsync(context),
            "500" => Json(context, "oops", 500),
            _ => Json(context, "{}", 401),
        });
        var limits = new ClusterLimits { MaxPageBytes = 1 << 20, MaxPages = 20, MaxObjects = 10, MaxBytes = 500_000, RequestTimeout = how == "silence" ? TimeSpan.FromMilliseconds(200) : TimeSpan.FromSeconds(30) };
        using var reader = new ClusterReader(server.Access(), limits);

        var readings = await reader.ReadAsync([], Cancellation);

        var reason = Unread(readings, "pods");
        Assert.Contains(told, reason.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', reason.ToString());
        Assert.NotNull(reason.Remedy);
        Assert.Empty(Found(readings, "jobs.batch"));
    }

    [Fact]
    public async Task A_server_of_another_authority_or_another_name_is_not_trusted_and_sees_no_request()
    {
        using var other = new ThrowAwayCa();
        await using var foreign = await StartAsync();
        await using var misnamed = await StartAsync("elsewhere.example");
        using var first = new ClusterReader(foreign.Access("token: very-secret", other));
        using var second = new ClusterReader(misnamed.Access("token: very-secret"));

        foreach (var reader in (ClusterReader[])[first, second])
        {
            var reason = Assert.IsType<Reading<string>.Unread>(await reader.ReadClusterUidAsync(Cancellation)).Reason;
            Assert.Contains("could not be trusted", reason.Message, StringComparison.Ordinal);
        }

        Assert.Empty(foreign.Asked.Concat(misnamed.Asked));
    }

    [Theory]
    [InlineData("ECDSA")]
    [InlineData("RSA")]
    public async Task A_client_certificate_is_shown(string algorithm)
    {
        var (certificate, key, thumbprint) = ClientCertificate(algorithm);
        string? shown = null;
        await using var server = await StartAsync();
        server.On(Uid, async context =>
        {
            shown = (await context.Connection.GetClientCertificateAsync())?.Thumbprint;
            await Json(context, """{"metadata":{"uid":"1"}}""");
        });
        using var reader = new ClusterReader(server.Access($"client-certificate-data: {Base64(certificate)}, client-key-data: {Base64(key)}"));

        Assert.IsType<Reading<string>.Found>(await reader.ReadClusterUidAsync(Cancellation));
        Assert.Equal(thumbprint, shown);
    }

    [Fact]
    public async Task A_renewed_token_file_is_read_again()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("token", "first\n");
        var sent = new List<string>();
        await using var server = await StartAsync();
        server.On(Uid, context =>
        {
            sent.Add(context.Request.Headers.Authorization.ToString());
            return Json(context, """{"metadata":{"uid":"1"}}""");
        });
        using var reader = new ClusterReader(server.Access($"tokenFile: '{file}', token: fixed"));

        await reader.ReadClusterUidAsync(Cancellation);
        folder.Write("token", "second");
        await reader.ReadClusterUidAsync(Cancellation);
        folder.Write("token", "very secret\r\nX: y");
        var reason = Assert.IsType<Reading<string>.Unread>(await reader.ReadClusterUidAsync(Cancellation)).Reason;

        Assert.Equal(["Bearer first", "Bearer second"], sent);
        Assert.Contains(file, reason.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("very secret", reason.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancellation_ends_the_reading()
    {
        await using var server = await StartAsync();
        using var reader = new ClusterReader(server.Access());

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reader.ReadAsync([], new CancellationToken(canceled: true)));
    }

    private static string Page(string name, string next = "") => $$$"""
        {"kind":"PodList","apiVersion":"v1","metadata":{"continue":"{{{next}}}"},
         "items":[{"metadata":{"name":"{{{name}}}","namespace":"ns","managedFields":[{"manager":"kubectl"}]},"spec":{"containers":[{"image":"x"}]}}]}
        """;

    private static async Task HalfAsync(HttpContext context)
    {
        context.Response.ContentLength = 1000;
        await context.Response.WriteAsync("{");
        await context.Response.Body.FlushAsync();
        context.Abort();
    }

    private static Task RedirectAsync(HttpContext context)
    {
        context.Response.Redirect("/api/v1/elsewhere");
        return Task.CompletedTask;
    }

    private static ImmutableArray<ClusterObject> Found(ImmutableArray<ResourceReading> readings, string resource) =>
        Assert.IsType<Reading<ImmutableArray<ClusterObject>>.Found>(readings.Single(reading => reading.Resource == resource).Objects).Value;

    private static Reason Unread(ImmutableArray<ResourceReading> readings, string resource) =>
        Assert.IsType<Reading<ImmutableArray<ClusterObject>>.Unread>(readings.Single(reading => reading.Resource == resource).Objects).Reason;

    private static (string Certificate, string Key, string Thumbprint) ClientCertificate(string algorithm)
    {
        using AsymmetricAlgorithm key = algorithm == "RSA" ? RSA.Create(2048) : ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var name = new X500DistinguishedName("CN=admin");
        var request = key is RSA rsa ? new CertificateRequest(name, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1) : new(name, (ECDsa)key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        // The old forms, "RSA PRIVATE KEY" and "EC PRIVATE KEY", are what cluster tools write.
        return (certificate.ExportCertificatePem(), key is RSA old ? old.ExportRSAPrivateKeyPem() : ((ECDsa)key).ExportECPrivateKeyPem(), certificate.Thumbprint);
    }
}
