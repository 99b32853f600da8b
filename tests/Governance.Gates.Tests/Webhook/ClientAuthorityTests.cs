using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Certificates;
using Governance.Gates.Tests.Admission;
using static Governance.Gates.Tests.Webhook.FirmGate;

namespace Governance.Gates.Tests.Webhook;

/// <summary>A gate that takes reviews from the API server alone, over real TLS.</summary>
[Trait("attack", "approvals")]
public sealed class ClientAuthorityTests : IDisposable
{
    private static readonly string Once = AskingPolicy.Replace("maxUses: 3", "maxUses: 1", StringComparison.Ordinal);

    private readonly TemporaryFolder folder = new();
    private readonly ThrowAwayCa clients = new("clients");
    private readonly ThrowAwayCa others = new("clients");

    public void Dispose()
    {
        others.Dispose();
        clients.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task Who_is_not_the_API_server_leaves_no_record_and_spends_no_use()
    {
        await using var gate = await StartAsync();
        var image = gate.UnsignedImage();
        var deployment = Workload("Deployment", image);
        await ApproveAsync(gate, deployment, image);
        var records = new FileInfo(folder.PathOf("state", "admitted.jsonl"));
        var before = records.Length;
        (string Who, PemCertificate? Certificate)[] strangers =
        [
            ("nobody", null),
            ("of another authority of the same name", others.IssueClientCertificate("api-server")),
            ("for servers only", clients.IssueServerCertificate("127.0.0.1")),
            ("for no named usage", clients.IssueCertificateWithoutUsage("api-server")),
            ("ended", clients.IssueExpiredClientCertificate("api-server")),
        ];
        foreach (var (who, certificate) in strangers)
        {
            using var http = gate.Authority.CreateHttpClient(certificate);
            foreach (var body in (string[])[Body(deployment), "no review at all"])
            {
                using var answer = await PostAsync(gate, http, body);
                Assert.True(answer.StatusCode == HttpStatusCode.Forbidden, $"{who}: {answer.StatusCode}");
            }

            // Kubelets and scrapers have no certificate.
            foreach (var path in (string[])["/health/live", "/health/ready", "/metrics"])
            {
                Assert.Equal(HttpStatusCode.OK, (await http.GetAsync(new Uri(gate.Address, path), TestContext.Current.CancellationToken)).StatusCode);
            }
        }

        records.Refresh();
        Assert.Equal(before, records.Length);
        Assert.Contains(gate.Log, entry => entry.Id == 1105);

        using var server = gate.Authority.CreateHttpClient(clients.IssueClientCertificate("api-server"));
        Assert.True(await AdmittedAsync(gate, server, deployment));
        records.Refresh();
        Assert.True(records.Length > before);
        Assert.False(await AdmittedAsync(gate, server, deployment with { Name = "another" }));
    }

    [Fact]
    public async Task Changed_authorities_count_for_new_connections_and_a_broken_file_changes_nothing()
    {
        await using var gate = await StartAsync();
        var deployment = Workload("Deployment", gate.UnsignedImage());
        var other = others.IssueClientCertificate("api-server");
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(other));

        RunningGate.Replace(folder.PathOf("clients.crt"), others.CertificatePem);
        await RunningGate.UntilAsync(async () => await StatusAsync(other) == HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(clients.IssueClientCertificate("api-server")));

        RunningGate.Replace(folder.PathOf("clients.crt"), "");
        await RunningGate.UntilAsync(() => Task.FromResult(gate.Log.Any(entry => entry.Id == 1022)));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(other));
        Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(null));

        async Task<HttpStatusCode> StatusAsync(PemCertificate? certificate)
        {
            using var http = gate.Authority.CreateHttpClient(certificate);
            using var answer = await PostAsync(gate, http, Body(deployment));
            return answer.StatusCode;
        }
    }

    [Theory]
    [InlineData(""), InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), InlineData(null)]
    public async Task A_file_without_authorities_is_told_at_start(string? content)
    {
        if (content is not null)
        {
            folder.Write("broken.crt", content);
        }

        var exception = await Assert.ThrowsAsync<GateException>(() => FirmGate.StartAsync(Once, folder.PathOf("state"), options => options with { ClientCa = folder.PathOf("broken.crt") }));
        Assert.Contains("broken.crt", exception.Message, StringComparison.Ordinal);
    }

    private static string Body(Review review) => (review with { Uid = $"review-of-{review.Name}" }).Json();

    private static async Task<bool> AdmittedAsync(RunningGate gate, HttpClient http, Review review)
    {
        using var answer = await PostAsync(gate, http, Body(review));
        return (await GateAnswer.ReadAsync(answer, JsonNode.Parse(Body(review))!["request"]!["uid"]!.GetValue<string>())).Allowed;
    }

    private static async Task<HttpResponseMessage> PostAsync(RunningGate gate, HttpClient http, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        return await http.PostAsync(new Uri(gate.Address, "/validate?timeout=10s"), content, TestContext.Current.CancellationToken);
    }

    private Task<RunningGate> StartAsync()
    {
        folder.Write("clients.crt", clients.CertificatePem);
        return FirmGate.StartAsync(Once, folder.PathOf("state"), options => options with { ClientCa = folder.PathOf("clients.crt") });
    }
}
