using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace Governance.Gates.Tests.Webhook;

/// <summary>What the API server gets back.</summary>
public sealed class AnswerTests(SharedGate shared) : IClassFixture<SharedGate>
{
    private const int Mebibyte = 1024 * 1024;

    [Fact]
    public async Task A_signed_image_is_allowed_and_an_unsigned_one_is_a_403_that_says_what_to_do()
    {
        var gate = shared.Gate;

        var signed = await gate.AskAsync(await gate.SignedImageAsync());
        Assert.True(signed.Allowed, signed.Message);
        Assert.Null(signed.Code);

        var image = gate.UnsignedImage();
        var unsigned = await gate.AskAsync(image);
        Assert.False(unsigned.Allowed);
        Assert.Equal(403, unsigned.Code);
        Assert.Contains($"{image} has no signature", unsigned.Message, StringComparison.Ordinal);
        Assert.Contains("have it signed by release-workflow", unsigned.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', unsigned.Message);
    }

    [Fact]
    public async Task One_bad_image_among_good_ones_refuses_the_Pod()
    {
        var gate = shared.Gate;
        var (good, bad) = (await gate.SignedImageAsync(), gate.UnsignedImage());

        var answer = await gate.AskAsync(good, good, bad);

        Assert.False(answer.Allowed);
        Assert.Contains($"/spec/containers/2: {bad}", answer.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(good, answer.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dry_run_is_decided_the_same()
    {
        var gate = shared.Gate;
        foreach (var (image, allowed) in new[] { (gate.UnsignedImage(), false), (await gate.SignedImageAsync(), true) })
        {
            var dry = RunningGate.Review(image);
            dry["request"]!["dryRun"] = true;
            var (first, second) = (await gate.AskAsync(dry), await gate.AskAsync(image));
            Assert.Equal((allowed, allowed), (first.Allowed, second.Allowed));
            Assert.Equal(second.Message, first.Message);
        }
    }

    [Fact]
    public async Task The_same_uid_asked_again_is_judged_again()
    {
        var gate = shared.Gate;
        var review = RunningGate.Review(await gate.SignedImageAsync());
        Assert.True((await gate.AskAsync(review)).Allowed);

        review["request"]!["object"]!["spec"]!["containers"]![0]!["image"] = gate.UnsignedImage();

        Assert.False((await gate.AskAsync(review)).Allowed);
    }

    [Fact]
    public async Task A_review_of_5_MiB_is_judged()
    {
        var gate = shared.Gate;
        foreach (var (image, allowed) in new[] { (gate.UnsignedImage(), false), (await gate.SignedImageAsync(), true) })
        {
            var review = RunningGate.Review(image);
            review["request"]!["object"]!["metadata"]!["annotations"] = new JsonObject { ["padding"] = new string('x', 5 * Mebibyte) };
            Assert.Equal(allowed, (await gate.AskAsync(review)).Allowed);
        }
    }

    [Theory, InlineData(0), InlineData(1), InlineData(8 * Mebibyte)]
    public async Task A_body_of_more_than_10_MiB_is_refused_with_the_uid_of_its_beginning(int beyond)
    {
        var gate = shared.Gate;
        var review = RunningGate.Review(await gate.SignedImageAsync());
        var body = Encoding.UTF8.GetBytes(review.ToJsonString());
        Array.Resize(ref body, (10 * Mebibyte) + beyond);
        body.AsSpan(review.ToJsonString().Length).Fill((byte)' ');

        using var response = await gate.PostAsync(body);
        var answer = await GateAnswer.ReadAsync(response, review["request"]!["uid"]!.GetValue<string>());

        Assert.Equal(beyond == 0, answer.Allowed);
        Assert.True(beyond == 0 || answer.Message.Contains("more than 10485760 bytes", StringComparison.Ordinal), answer.Message);
        Assert.True((await gate.AskAsync(review)).Allowed);
    }

    public static TheoryData<string, string> BrokenWithUid => new()
    {
        { """{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u-1","operation":"CREATE","object":{""", "cut off" },
        { """{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u-1"}}""", "no operation" },
        { """{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1","request":{"uid":"u-1","operation":"CREATE"}}""", "another version" },
        { """{"request":{"uid":"u-1"}}""", "nothing else" },
        { """{"request":{"uid":"u-1","uid":"u-1"}}""", "a key twice" },
        { """{"request":{"uid":"u-1","object":{"a":1,"a":2}}}""", "a key twice below" },
        { """{"request":{"uid":"u-1","object":{"\ud800":1,"\ud800":2}}}""", "names that are no text" },
        { """{"request":{"uid":"u-1","\ud800":{}}}""", "a name that is no text beside the uid" },
        { """{"request":{"uid":"u-1","operation":"\ud800"}}""", "an operation that is no text" },
        { $$"""{"request":{"uid":"u-1","object":{{string.Concat(Enumerable.Repeat("[", 100_000))}}""", "nested without end" },
        { """{"request":{"uid":"u-1","object":""" + string.Concat(Enumerable.Repeat("""{"a":""", 3_000)) + "1" + new string('}', 3_002), "nested deep" },
        { """{"request":{"uid":"u-1"}} {}""", "two documents" },
        { """{"request":{"uid":"u-1"},}""", "a trailing comma" },
    };

    [Theory, MemberData(nameof(BrokenWithUid))]
    public async Task What_is_broken_after_the_uid_is_refused_with_it(string body, string because)
    {
        var gate = shared.Gate;
        var unreadable = await gate.MetricAsync("gates_admission_unreadable_requests_total");
        using var response = await gate.PostAsync(Encoding.UTF8.GetBytes(body));
        var answer = await GateAnswer.ReadAsync(response, "u-1");
        Assert.True(!answer.Allowed && answer.Code == 403 && answer.Message.Length > 0, because);
        Assert.Equal(unreadable + 1, await gate.MetricAsync("gates_admission_unreadable_requests_total"));
        Assert.Equal(0, await gate.MetricAsync("gates_admission_failures_total"));
    }

    public static TheoryData<string, string> WithoutUid => new()
    {
        { "", "empty" },
        { "null", "null" },
        { "[]", "a list" },
        { "\"x\"", "text" },
        { "{}", "no request" },
        { """{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":null}""", "a null request" },
        { """{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{}}""", "no uid" },
        { """{"request":{"uid":""}}""", "an empty uid" },
        { """{"request":{"uid":7}}""", "a uid that is no text" },
        { """{"request":{"uid":"\ud800"}}""", "a uid that is no Unicode" },
        { """{"uid":"u-1","request":{"object":{"metadata":{"uid":"u-2"}}}}""", "uids of something else" },
        { "apiVersion: admission.k8s.io/v1", "YAML" },
        { """{"\ud800":1}""", "a name that is no text" },
    };

    [Theory, MemberData(nameof(WithoutUid))]
    public async Task What_has_no_uid_is_a_bad_request(string body, string because)
    {
        var gate = shared.Gate;
        using var response = await gate.PostAsync(Encoding.UTF8.GetBytes(body));
        Assert.True(response.StatusCode == HttpStatusCode.BadRequest, $"{because}: {response.StatusCode}");
        Assert.NotEmpty(await response.Content.ReadAsStringAsync());
    }

    [Theory, InlineData("text/plain"), InlineData("application/x-www-form-urlencoded"), InlineData(null)]
    public async Task The_content_type_changes_nothing(string? contentType)
    {
        var gate = shared.Gate;
        var review = RunningGate.Review(gate.UnsignedImage());
        using var response = await gate.PostAsync(Encoding.UTF8.GetBytes(review.ToJsonString()), contentType: contentType);
        Assert.False((await GateAnswer.ReadAsync(response, review["request"]!["uid"]!.GetValue<string>())).Allowed);
    }

    [Fact]
    public async Task A_body_whose_transfer_breaks_is_a_bad_request_and_no_failure_of_the_gate()
    {
        var gate = shared.Gate;
        await using var stream = await gate.ConnectAsync();

        await stream.WriteAsync(Encoding.ASCII.GetBytes("POST /validate HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n"));

        using var reader = new StreamReader(stream);
        var answer = await reader.ReadToEndAsync();
        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
        Assert.Equal(0, await gate.MetricAsync("gates_admission_failures_total"));
    }

    [Fact]
    public async Task A_denial_is_logged_once_with_the_uid_of_its_request()
    {
        var gate = shared.Gate;
        var review = RunningGate.Review(gate.UnsignedImage());

        await gate.AskAsync(review);

        var entry = Assert.Single(gate.Log, entry => entry.Message.Contains(review["request"]!["uid"]!.GetValue<string>(), StringComparison.Ordinal));
        Assert.Contains("has no signature", entry.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', entry.Message);
        Assert.Contains("CREATE Pod shop/web is Deny, admitted False", entry.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_Pod_with_a_thousand_bad_images_is_one_short_line_in_the_log()
    {
        var gate = shared.Gate;
        var review = RunningGate.Review([.. Enumerable.Range(0, 1_000).Select(index => $"evil.example/{index}:latest")]);

        Assert.False((await gate.AskAsync(review)).Allowed);

        var entry = Assert.Single(gate.Log, entry => entry.Message.Contains(review["request"]!["uid"]!.GetValue<string>(), StringComparison.Ordinal));
        Assert.InRange(entry.Message.Length, 100, 8_000);
        Assert.EndsWith("and 984 more", entry.Message, StringComparison.Ordinal);
    }
}
