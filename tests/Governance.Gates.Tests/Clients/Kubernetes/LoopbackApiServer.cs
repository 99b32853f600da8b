using System.Security.Cryptography.X509Certificates;
using System.Text;
using Governance.Gates.Clients.Kubernetes;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace Governance.Gates.Tests.Clients.Kubernetes;

/// <summary>The part of the Kubernetes API that lists, over https on loopback. What a test sets under a path is answered; other lists are empty.</summary>
internal sealed class LoopbackApiServer : IAsyncDisposable
{
    private readonly Dictionary<string, Func<HttpContext, Task>> answers = new(StringComparer.Ordinal);
    private readonly TemporaryFolder folder = new();
    private readonly ThrowAwayCa authority = new();
    private readonly WebApplication app;

    private LoopbackApiServer(string host)
    {
        var pem = authority.IssueServerCertificate(host);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.UseHttps(https =>
        {
            https.ServerCertificate = X509Certificate2.CreateFromPem(pem.Certificate, pem.Key);
            https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
            https.ClientCertificateValidation = (_, _, _) => true;
        })));
        app = builder.Build();
        app.Run(AnswerAsync);
    }

    /// <summary>Every path and query that was asked, in order.</summary>
    public List<string> Asked { get; } = [];

    /// <summary>Starts a server whose certificate names <paramref name="host"/>.</summary>
    public static async Task<LoopbackApiServer> StartAsync(string host = "127.0.0.1")
    {
        var server = new LoopbackApiServer(host);
        await server.app.StartAsync();
        return server;
    }

    /// <summary>What this path answers.</summary>
    public LoopbackApiServer On(string path, Func<HttpContext, Task> answer)
    {
        answers[path] = answer;
        return this;
    }

    /// <summary>What this path answers, with a status.</summary>
    public LoopbackApiServer On(string path, string body, int status = 200) => On(path, context => Json(context, body, status));

    /// <summary>An access as a kubeconfig with this user gives it.</summary>
    public ClusterAccess Access(string user = "", ThrowAwayCa? trusted = null) => KubeConfig.Find(new(folder.Write("kubeconfig", $$$"""
        clusters: [{name: c, cluster: {server: "{{{app.Urls.Single()}}}", certificate-authority-data: {{{Base64((trusted ?? authority).CertificatePem)}}} }}]
        users: [{name: u, user: { {{{user}}} }}]
        contexts: [{name: x, context: {cluster: c, user: u}}]
        current-context: x
        """), null, null));

    public static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    public static Task Json(HttpContext context, string body, int status = 200)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(body);
    }

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        authority.Dispose();
        folder.Dispose();
    }

    private Task AnswerAsync(HttpContext context)
    {
        Asked.Add(context.Request.Path + context.Request.QueryString);
        return answers.TryGetValue(context.Request.Path, out var answer) ? answer(context) : context.Request.Path.Value switch
        {
            "/apis/batch" => Json(context, """{"kind":"APIGroup","versions":[{"version":"v1"}],"preferredVersion":{"version":"v1"}}"""),
            "/apis/batch/v1" => Json(context, """{"kind":"APIResourceList","resources":[{"name":"jobs","kind":"Job"},{"name":"cronjobs","kind":"CronJob"},{"name":"cronjobs/status","kind":"CronJob"}]}"""),
            var path when path!.Count(c => c == '/') is 2 => Json(context, """{"kind":"Status","message":"the server could not find the requested resource"}""", 404),
            _ => Json(context, """{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[]}"""),
        };
    }
}
