using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Admission;

namespace Governance.Gates.Tests.Admission;

/// <summary>The answer is one that the API server accepts: anything else would be a failed call, which a webhook may be told to ignore.</summary>
public sealed class AdmissionAnswerTests
{
    private const string Control = "\u001b[31m\r\n\u0000\u2028\u202e\ud83d\ude00";

    [Fact]
    public void An_admitted_request_gets_a_bare_yes()
    {
        var response = Answer(Workloads.Review("Pod", TestPolicy.Good));
        Assert.True(response.GetProperty("allowed").GetBoolean());
        Assert.False(response.TryGetProperty("status", out _));
        Assert.False(response.TryGetProperty("warnings", out _));
        Assert.Equal("allow", response.GetProperty("auditAnnotations").GetProperty("verdict").GetString());
        Assert.Equal(TestPolicy.Standard.Digest.ToString(), response.GetProperty("auditAnnotations").GetProperty("policy-digest").GetString());
    }

    [Fact]
    public void A_refusal_says_why_and_what_to_do_with_the_code_of_a_refusal()
    {
        var status = Answer(Workloads.Review("Pod", TestPolicy.Bad)).GetProperty("status");
        Assert.Equal(403, status.GetProperty("code").GetInt32());
        Assert.Equal("Forbidden", status.GetProperty("reason").GetString());
        Assert.Contains(TestPolicy.Bad, status.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Contains("have it signed by builder", status.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_rule_in_warn_mode_warns_and_in_audit_mode_only_the_audit_log_hears()
    {
        var warned = Answer(Workloads.Review("Pod", TestPolicy.Watched));
        Assert.True(warned.GetProperty("allowed").GetBoolean());
        Assert.NotEmpty(warned.GetProperty("warnings").EnumerateArray());
        var audited = Answer(Workloads.Review("Pod", TestPolicy.Bad) with { Namespace = "kube-system" });
        Assert.True(audited.GetProperty("allowed").GetBoolean());
        Assert.False(audited.TryGetProperty("warnings", out _));
        Assert.Equal("deny", audited.GetProperty("auditAnnotations").GetProperty("verdict").GetString());
    }

    [Fact]
    public void However_much_is_wrong_the_answer_stays_within_the_protocols_limits()
    {
        var many = Enumerable.Range(0, 500).Select(i => $"registry.example.com/watched/{new string('a', 200)}{i}@{TestPolicy.UnsignedDigest}").ToArray();
        var warned = Answer(Workloads.Review("Pod", many));
        Assert.True(warned.GetProperty("allowed").GetBoolean());
        Answer(Workloads.Review("Pod", [.. many, .. Enumerable.Range(0, 500).Select(i => $"evil.example.com/{i}{Control}")]));
    }

    [Theory]
    [InlineData("\"api\"", "\"a" + "\\u001b\\n\\u202e" + "\"")]
    [InlineData("\"metadata\"", "\"\\u202e\\r\\n\"")]
    public void Names_that_would_break_a_line_or_turn_it_around_do_not_reach_the_answer(string part, string instead)
    {
        var custom = new Review("example.com", "Thing", "things", new JsonObject { ["metadata"] = new JsonObject { ["name"] = "api" }, ["spec"] = new JsonObject { ["\u202e\n\u001b"] = new JsonObject { ["name"] = "x", ["image"] = Control } } });
        var json = custom.Json().Replace(part, instead, StringComparison.Ordinal);
        Checked(Write(Review.Open(json)), Review.UsualUid);
    }

    [Fact]
    public void A_refusal_without_a_policy_is_a_refusal()
    {
        var buffer = new ArrayBufferWriter<byte>();
        AdmissionAnswer.WriteRefusal(buffer, "some\"uid", new Reason("admission", "broken " + Control, "mend it"));
        Assert.False(Checked(buffer.WrittenMemory, "some\"uid").GetProperty("allowed").GetBoolean());
    }

    /// <summary>The response, held against what the API server asks of it (VerifyAdmissionResponse, checkKeyFormat, endpoints/filters/warning.go).</summary>
    internal static JsonElement Checked(ReadOnlyMemory<byte> json, string uid)
    {
        var review = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false }).RootElement;
        Assert.Equal("AdmissionReview", review.GetProperty("kind").GetString());
        Assert.Equal("admission.k8s.io/v1", review.GetProperty("apiVersion").GetString());
        var response = review.GetProperty("response");
        Assert.Equal(uid, response.GetProperty("uid").GetString());
        Assert.False(response.TryGetProperty("patch", out _) || response.TryGetProperty("patchType", out _));
        Assert.Equal(!response.GetProperty("allowed").GetBoolean(), response.TryGetProperty("status", out var status));
        if (status.ValueKind == JsonValueKind.Object)
        {
            Assert.Equal(403, status.GetProperty("code").GetInt32());
            AssertLine(status.GetProperty("message").GetString()!, 2_000);
        }

        if (response.TryGetProperty("warnings", out var warnings))
        {
            Assert.All(warnings.EnumerateArray(), warning => AssertLine(warning.GetString()!, 256));
            Assert.True(warnings.EnumerateArray().Sum(warning => warning.GetString()!.Length) <= 4_096);
        }

        foreach (var annotation in response.GetProperty("auditAnnotations").EnumerateObject())
        {
            Assert.True(annotation.Name.Length is > 0 and <= 63 && annotation.Name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'), annotation.Name);
            AssertLine(annotation.Value.GetString()!, 1_000);
        }

        return response;
    }

    private static void AssertLine(string text, int longest)
    {
        Assert.InRange(text.Length, 1, longest);
        Assert.DoesNotContain(text, c => char.IsControl(c) || char.IsSurrogate(c) || c is '\u2028' or '\u2029' or '\u202e');
    }

    private static JsonElement Answer(Review review) => Checked(Write(review.Open()), review.Uid);

    private static ReadOnlyMemory<byte> Write(AdmissionCase @case)
    {
        var buffer = new ArrayBufferWriter<byte>();
        AdmissionAnswer.Write(buffer, @case, Review.Decide(@case));
        return buffer.WrittenMemory;
    }
}
