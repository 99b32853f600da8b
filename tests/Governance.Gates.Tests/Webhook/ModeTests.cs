namespace Governance.Gates.Tests.Webhook;

/// <summary>What the modes of gate, rule and namespace do with a refusal.</summary>
public sealed class ModeTests
{
    [Theory, InlineData("warn", 1), InlineData("audit", 0)]
    public async Task A_gate_that_does_not_enforce_admits_what_it_would_refuse(string mode, int warnings)
    {
        await using var gate = await RunningGate.StartAsync(policy => policy.Replace("    mode: enforce", $"    mode: {mode}", StringComparison.Ordinal));
        var answer = await gate.AskAsync(gate.UnsignedImage());
        Assert.True(answer.Allowed);
        Assert.Equal("deny", answer.Verdict);
        Assert.Equal(warnings, answer.Warnings.Count);
        Assert.Contains("has no signature", answer.Response["auditAnnotations"]!["reasons"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Theory, InlineData("warned/app", 1), InlineData("audited/app", 0)]
    public async Task A_rule_that_does_not_enforce_admits_what_it_would_refuse(string path, int warnings)
    {
        await using var gate = await RunningGate.StartAsync();
        var answer = await gate.AskAsync(gate.UnsignedImage(path));
        Assert.True(answer.Allowed);
        Assert.Equal("deny", answer.Verdict);
        Assert.Equal(warnings, answer.Warnings.Count);
    }

    [Fact]
    public async Task A_warning_rule_does_not_soften_an_enforcing_one_beside_it_in_either_order()
    {
        await using var gate = await RunningGate.StartAsync();
        var (warned, enforced) = (gate.UnsignedImage("warned/app"), gate.UnsignedImage());
        foreach (var images in new[] { new[] { warned, enforced }, [enforced, warned] })
        {
            var answer = await gate.AskAsync(images);
            Assert.False(answer.Allowed);
            Assert.Contains(enforced, answer.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(warned, answer.Message, StringComparison.Ordinal);
            Assert.Contains(warned, Assert.Single(answer.Warnings), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task An_audited_namespace_is_only_watched()
    {
        await using var gate = await RunningGate.StartAsync();
        var review = RunningGate.Review(gate.UnsignedImage());
        review["request"]!["namespace"] = "sandbox";
        var answer = await gate.AskAsync(review);
        Assert.True(answer.Allowed);
        Assert.Equal("deny", answer.Verdict);
        Assert.Empty(answer.Warnings);
    }

    [Fact]
    public async Task Warnings_stay_within_what_the_API_server_passes_on()
    {
        await using var gate = await RunningGate.StartAsync();
        var images = Enumerable.Range(0, 40).Select(index => gate.UnsignedImage($"warned/{new string('x', 100)}/{index}")).ToArray();
        var answer = await gate.AskAsync(images);
        Assert.True(answer.Allowed);
        Assert.NotEmpty(answer.Warnings);
        Assert.All(answer.Warnings, warning => Assert.True(warning.Length <= 256 && !warning.Any(char.IsControl), warning));
        Assert.True(answer.Warnings.Sum(warning => warning.EnumerateRunes().Count()) <= 4096);
    }
}
