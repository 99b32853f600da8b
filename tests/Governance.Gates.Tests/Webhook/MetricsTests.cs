using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using Governance.Gates.Testing;
using Governance.Gates.Webhook;

namespace Governance.Gates.Tests.Webhook;

/// <summary>What <c>/metrics</c> says.</summary>
public sealed partial class MetricsTests
{
    public static TheoryData<string> Names =>
        [.. typeof(GateMetrics).GetFields(BindingFlags.Public | BindingFlags.Static).Where(one => one.IsLiteral).Select(one => (string)one.GetRawConstantValue()!)];

    [Fact]
    public async Task Requests_are_counted_by_verdict_and_reasons_by_rule()
    {
        await using var gate = await RunningGate.StartAsync();
        await gate.AskAsync(await gate.SignedImageAsync());
        await gate.AskAsync(gate.UnsignedImage());
        await gate.AskAsync(gate.UnsignedImage("warned/app"), gate.UnsignedImage("warned/app"));
        await gate.AskAsync("evil.example/x:1");

        Assert.Equal(1, await gate.MetricAsync("""gates_admission_requests_total{verdict="allow",admitted="true"}"""));
        Assert.Equal(2, await gate.MetricAsync("""gates_admission_requests_total{verdict="deny",admitted="false"}"""));
        Assert.Equal(1, await gate.MetricAsync("""gates_admission_requests_total{verdict="deny",admitted="true"}"""));
        Assert.Equal(1, await gate.MetricAsync("""gates_admission_decisions_total{rule="artifacts.images[0].signed",verdict="deny"}"""));
        Assert.Equal(2, await gate.MetricAsync("""gates_admission_decisions_total{rule="artifacts.images[1].signed",verdict="deny"}"""));
        Assert.Equal(1, await gate.MetricAsync("""gates_admission_decisions_total{rule="artifacts.images[4]",verdict="deny"}"""));
        Assert.Equal(4, await gate.MetricAsync("gates_admission_duration_seconds_count"));
        Assert.Equal(4, await gate.MetricAsync("gates_claims_kept"));
    }

    [Fact]
    public async Task The_buckets_are_those_of_the_API_server()
    {
        await using var gate = await RunningGate.StartAsync();
        await gate.AskAsync(gate.UnsignedImage());
        var (_, text) = await gate.GetAsync("/metrics");
        Assert.Equal(
            ["0.005", "0.025", "0.1", "0.5", "1", "2.5", "10", "25", "+Inf"],
            Bucket.Matches(text).Select(match => match.Groups["le"].Value));
    }

    [Fact]
    public async Task Every_line_is_in_the_text_format_of_Prometheus_whatever_images_are_called()
    {
        await using var gate = await RunningGate.StartAsync(options: options => options with { Ledger = Path.Combine(Path.GetDirectoryName(options.Policy)!, "ledger"), LedgerOrigin = "test" });
        await RunningGate.UntilAsync(async () => await gate.MetricAsync(GateMetrics.LedgerVerified) == 1);
        await gate.AskAsync("evil\"} 1\n# x", "a\\b", "");
        using var unreadable = await gate.PostAsync(Encoding.UTF8.GetBytes("{"));
        var (_, text) = await gate.GetAsync("/metrics");
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        var typed = new HashSet<string>();
        foreach (var line in text.TrimEnd('\n').Split('\n'))
        {
            Assert.Matches(Line, line);
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                Assert.True(typed.Add(line.Split(' ')[2]), $"{line} stands twice");
            }
            else if (line[0] != '#')
            {
                Assert.True(double.TryParse(line[(line.LastIndexOf(' ') + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out _), line);
            }
        }

        Assert.Equal(Names.Select(name => name.Data).Order(StringComparer.Ordinal), typed.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_end_of_the_certificate_is_told_in_seconds()
    {
        await using var gate = await RunningGate.StartAsync();
        var end = DateTimeOffset.FromUnixTimeSeconds((long)(await gate.MetricAsync("gates_certificate_not_after_seconds"))!.Value);
        Assert.InRange(end, DateTimeOffset.UtcNow.AddMinutes(50), DateTimeOffset.UtcNow.AddMinutes(61));
    }

    [Theory, MemberData(nameof(Names))]
    public void Every_metric_is_in_the_operators_page(string name)
    {
        var page = File.ReadAllText(Path.Combine(ProjectTree.Root, "docs", "operating.md"));
        Assert.Contains($"| `{name}` |", page, StringComparison.Ordinal);
    }

    [GeneratedRegex("""_bucket\{le="(?<le>[^"]+)"\}""", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Bucket { get; }

    [GeneratedRegex("""^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z_]+="([^"\\\n]|\\[\\"n])*"(,[a-z_]+="([^"\\\n]|\\[\\"n])*")*\})? [0-9.eE+-]+)$""", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Line { get; }
}
