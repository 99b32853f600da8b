using System.Net;
using System.Security.Cryptography.X509Certificates;
using Governance.Gates.Images;
using Microsoft.Extensions.Logging;

namespace Governance.Gates.Tests.Webhook;

/// <summary>Policy, keys and certificate that change while the gate runs.</summary>
public sealed class ReloadTests
{
    [Fact]
    public async Task A_changed_policy_comes_into_force_and_is_the_only_one_that_the_metrics_name()
    {
        await using var gate = await RunningGate.StartAsync();
        var image = gate.UnsignedImage();
        Assert.False((await gate.AskAsync(image)).Allowed);

        gate.WritePolicy(policy => policy.Replace("    mode: enforce", "    mode: warn", StringComparison.Ordinal), version: 2);
        await UntilInForceAsync(gate);

        Assert.True((await gate.AskAsync(image)).Allowed);
        var (_, metrics) = await gate.GetAsync("/metrics");
        Assert.Single(metrics.Split('\n'), line => line.StartsWith("gates_policy_info{", StringComparison.Ordinal));
        Assert.Equal((HttpStatusCode.OK, "ready\n"), await gate.GetAsync("/health/ready"));
    }

    [Fact]
    public async Task A_broken_policy_is_reported_and_counted_once_and_the_old_one_stays_until_it_is_mended()
    {
        await using var gate = await RunningGate.StartAsync();
        var image = await gate.SignedImageAsync();
        gate.WritePolicy(policy => policy.Replace("mode: warn", "mode: perhaps", StringComparison.Ordinal).Replace("kind: GovernancePolicy", "kind: Other", StringComparison.Ordinal), version: 2);

        await RunningGate.UntilAsync(async () => await gate.MetricAsync("gates_policy_refusals_total") == 1);

        var (status, text) = await gate.GetAsync("/health/ready");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.StartsWith("degraded: ", text, StringComparison.Ordinal);
        Assert.Contains("perhaps", text, StringComparison.Ordinal);
        Assert.Contains("Other", text, StringComparison.Ordinal);
        Assert.Equal(LogLevel.Error, Assert.Single(gate.Log, entry => entry.Id == 1002).Level);
        Assert.True((await gate.AskAsync(image)).Allowed);
        Assert.False((await gate.AskAsync(gate.UnsignedImage())).Allowed);

        gate.WritePolicy(version: 3);
        await UntilInForceAsync(gate);
        Assert.Equal((HttpStatusCode.OK, "ready\n"), await gate.GetAsync("/health/ready"));
        Assert.Equal(1, await gate.MetricAsync("gates_policy_refusals_total"));
    }

    [Fact]
    public async Task A_policy_that_disappears_is_reported_and_the_old_one_stays()
    {
        await using var gate = await RunningGate.StartAsync();
        File.Delete(gate.PolicyFile);
        await RunningGate.UntilAsync(async () => await gate.MetricAsync("gates_policy_refusals_total") == 1);
        Assert.StartsWith("degraded: ", (await gate.GetAsync("/health/ready")).Text, StringComparison.Ordinal);
        Assert.False((await gate.AskAsync(gate.UnsignedImage())).Allowed);
    }

    [Fact]
    public async Task A_key_file_that_changes_alone_is_refused_since_the_policy_names_the_digest_of_its_key()
    {
        await using var gate = await RunningGate.StartAsync();
        var image = await gate.SignedImageAsync();
        gate.WriteKey("release");
        await RunningGate.UntilAsync(async () => await gate.MetricAsync("gates_policy_refusals_total") == 1);
        Assert.Contains("spki", (await gate.GetAsync("/health/ready")).Text, StringComparison.Ordinal);
        Assert.True((await gate.AskAsync(image)).Allowed);
    }

    [Fact]
    public async Task A_key_that_leaves_the_policy_counts_no_more_although_its_claims_were_kept()
    {
        await using var gate = await RunningGate.StartAsync();
        var image = await gate.SignedImageAsync();
        Assert.True((await gate.AskAsync(image)).Allowed);
        var other = gate.WriteKey("other");

        gate.WritePolicy(
            policy => string.Join('\n', policy.Split('\n').Select(line => line.Contains("release: { spki", StringComparison.Ordinal) ? $$"""      other: { spki: "{{other}}", file: other.pub }""" : line))
                .Replace("keys: [release]", "keys: [other]", StringComparison.Ordinal),
            version: 2);
        await UntilInForceAsync(gate);

        Assert.False((await gate.AskAsync(image)).Allowed);
    }

    [Fact]
    public async Task What_is_worth_a_warning_in_a_changed_policy_is_logged_as_at_the_start()
    {
        await using var gate = await RunningGate.StartAsync();
        Assert.DoesNotContain(gate.Log, entry => entry.Id == 1003);
        var spare = gate.WriteKey("spare");

        gate.WritePolicy(policy => policy.Replace("    keys:\n", $$"""    keys:{{"\n"}}      spare: { spki: "{{spare}}", file: spare.pub }{{"\n"}}""", StringComparison.Ordinal), version: 2);
        await UntilInForceAsync(gate);

        Assert.Contains(gate.Log, entry => entry.Id == 1003 && entry.Message.Contains("spare", StringComparison.Ordinal));
    }

    [Fact]
    public async Task New_connections_are_served_with_the_new_certificate_and_a_broken_pair_keeps_the_old()
    {
        await using var gate = await RunningGate.StartAsync();
        var first = await ServedAsync(gate);

        gate.Authority.IssueServerCertificate("127.0.0.1").WriteTo(gate.Folder.Path);
        await RunningGate.UntilAsync(async () => await ServedAsync(gate) != first);
        var second = await ServedAsync(gate);

        foreach (var broken in new[] { "", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", gate.Authority.IssueServerCertificate("127.0.0.1").Certificate, gate.Authority.CertificatePem })
        {
            var reported = gate.Log.Count(entry => entry.Id == 1012);
            RunningGate.Replace(gate.Folder.PathOf("tls.crt"), broken);
            await RunningGate.UntilAsync(() => Task.FromResult(gate.Log.Count(entry => entry.Id == 1012) > reported));
            Assert.Equal(second, await ServedAsync(gate));
        }

        gate.Authority.IssueServerCertificate("127.0.0.1").WriteTo(gate.Folder.Path);
        await RunningGate.UntilAsync(async () => await ServedAsync(gate) != second);
    }

    [Fact]
    public async Task A_certificate_file_that_is_gone_is_reported_once_and_the_old_certificate_stays()
    {
        await using var gate = await RunningGate.StartAsync();
        var served = await ServedAsync(gate);
        File.Delete(gate.Folder.PathOf("tls.key"));
        await RunningGate.UntilAsync(() => Task.FromResult(gate.Log.Any(entry => entry.Id == 1012)));

        // Several looks later.
        gate.WritePolicy(version: 2);
        await UntilInForceAsync(gate);
        gate.WritePolicy(version: 3);
        await UntilInForceAsync(gate);

        Assert.Single(gate.Log, entry => entry.Id == 1012);
        Assert.Equal(served, await ServedAsync(gate));
    }

    private static Task UntilInForceAsync(RunningGate gate)
    {
        var digest = $"digest=\"{Digest.Of(File.ReadAllBytes(gate.PolicyFile))}\"";
        return RunningGate.UntilAsync(async () => (await gate.GetAsync("/metrics")).Text.Split('\n')
            .Any(line => line.StartsWith("gates_policy_info{", StringComparison.Ordinal) && line.Contains(digest, StringComparison.Ordinal) && line.EndsWith(" 1", StringComparison.Ordinal)));
    }

    private static async Task<string> ServedAsync(RunningGate gate)
    {
        await using var stream = await gate.ConnectAsync();
        using var certificate = X509CertificateLoader.LoadCertificate(stream.RemoteCertificate!.Export(X509ContentType.Cert));
        return certificate.Thumbprint;
    }
}
