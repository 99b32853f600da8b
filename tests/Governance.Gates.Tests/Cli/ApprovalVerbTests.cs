using System.Text;
using Governance.Gates.Images;
using Governance.Gates.Sigstore;
using Microsoft.AspNetCore.Http;

namespace Governance.Gates.Tests.Cli;

/// <summary><c>gates request</c>, <c>gates approve</c> and <c>gates approvals</c>, from the first question to the quorum.</summary>
public sealed class ApprovalVerbTests : IAsyncLifetime
{
    private ApprovalBench firm = null!;

    public async ValueTask InitializeAsync() => firm = await ApprovalBench.StartAsync();

    public ValueTask DisposeAsync() => firm.DisposeAsync();

    [Fact]
    public async Task What_two_people_approved_stands()
    {
        var none = await firm.StandingAsync();
        Assert.Equal(1, none.ExitCode);
        Assert.StartsWith($"nobody asked: {firm.Image}\n", none.Output, StringComparison.Ordinal);

        var id = await firm.RequestAsync("--ticket", "jira=PAY-7", "--change-id", "c-7");
        var first = await firm.ApproveAsync("ben");
        var one = await firm.RequestNowAsync(1);
        Assert.Equal(("releaser", 1), (one.GetProperty("stillNeeded")[0].GetProperty("role").GetString(), one.GetProperty("stillNeeded")[0].GetProperty("count").GetInt32()));
        Assert.Contains("still needed: 1 releaser: cem\n", (await firm.StandingAsync()).Output, StringComparison.Ordinal);

        var second = await firm.ApproveAsync("cem");
        var request = await firm.RequestNowAsync(0);
        Assert.Equal(id, request.GetProperty("id").GetString());
        Assert.True(request.GetProperty("stands").GetBoolean());
        Assert.Equal([("ben", first), ("cem", second)], request.GetProperty("counted").EnumerateArray().Select(counted => (counted.GetProperty("name").GetString()!, counted.GetProperty("approval").GetString()!)));
        Assert.Empty(request.GetProperty("stillNeeded").EnumerateArray());

        var text = await firm.StandingAsync();
        Assert.StartsWith($"approved: {firm.Image}\n", text.Output, StringComparison.Ordinal);
        Assert.Contains($"  request: {id}: deploy in production, asked by ann on ", text.Output, StringComparison.Ordinal);
        Assert.Contains($"  counted: ben as releaser ({first})\n", text.Output, StringComparison.Ordinal);
        Assert.Contains("  stands: to begin by ", text.Output, StringComparison.Ordinal);
        var markdown = await firm.StandingAsync("--output", "markdown");
        Assert.Equal(0, markdown.ExitCode);
        Assert.StartsWith("### approved: ", markdown.Output, StringComparison.Ordinal);
        Assert.Contains("- **counted**: cem as releaser ", markdown.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_signed_is_shown_before_and_told_after()
    {
        firm.Policy(covers: "[artifact, template]");
        var asked = await firm.GatesAsync("request", firm.Image, "--action", "deploy", "--environment", "production", "--namespace", "pay", "--category", "emergency", "--not-after", "2d", "--policy", firm.PolicyFile, "--key", firm.Key("ann"), "--yes");
        Assert.Equal(0, asked.ExitCode);
        Assert.Contains($"a request by ann (p-1) with the key ann, about {firm.Image}:", asked.Error, StringComparison.Ordinal);
        foreach (var said in (string[])["action: deploy (emergency)", "asks: ann (p-1)", "where: production, namespace pay", $"covers: artifact {firm.Registry.Host}/shop/app {firm.Digest}", "not covered: the pod template", "window: now to ", "needs: 2 releaser", "policy: firm version 1, sha256:"])
        {
            Assert.Contains($"  {said}", asked.Error, StringComparison.Ordinal);
        }

        Assert.StartsWith("signed: request r-", asked.Output, StringComparison.Ordinal);
        Assert.Contains("pushed: sha256:", asked.Output, StringComparison.Ordinal);
        var answered = await firm.AnswerAsync("ben");
        Assert.Contains("an approval by ben (p-2) with the key ben as releaser, to request r-", answered.Error, StringComparison.Ordinal);
        foreach (var said in (string[])["evidence: none that the policy's keys or subjects signed", "not covered: the pod template", "still needed: 2 releaser", "use by: "])
        {
            Assert.Contains($"  {said}", answered.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_request_covers_the_pod_template_that_is_named()
    {
        firm.Policy(covers: "[artifact, template]");
        var manifest = firm.Bench.Folder.Write("deploy.yaml", Manifests.Of("apps/v1", "Deployment", firm.Image));
        await firm.RequestAsync("--template", manifest);
        await firm.ApproveAsync("ben");
        await firm.ApproveAsync("cem");
        var covers = (await firm.RequestNowAsync(0)).GetProperty("covers");
        Assert.Equal(["artifact", "template"], covers.EnumerateArray().Select(covered => covered.GetProperty("kind").GetString()!));
        Assert.Equal("Deployment/web", covers[1].GetProperty("name").GetString());
        Assert.Equal((await firm.GatesAsync("template", manifest, "--output", "json")).Json().GetProperty("templates")[0].GetProperty("digest").GetString(), covers[1].GetProperty("digest").GetString());
        Assert.Equal(0, (await AdmitAsync(manifest, "pay")).ExitCode);

        var changed = firm.Bench.Folder.Write("changed.yaml", Manifests.Of("apps/v1", "Deployment", firm.Image).Replace("name: main,", "name: main, command: [sh],", StringComparison.Ordinal));
        var refused = await AdmitAsync(changed, "pay");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("it does not cover the pod template", refused.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_person_with_two_keys_counts_once_and_is_named()
    {
        await firm.RequestAsync();
        var (first, second) = (await firm.ApproveAsync("ben"), await firm.ApproveAsync("ben-2"));
        var request = await firm.RequestNowAsync(1);
        Assert.Equal("ben", Assert.Single(request.GetProperty("counted").EnumerateArray()).GetProperty("name").GetString());
        Assert.Equal(2, request.GetProperty("answers").GetArrayLength());
        var text = (await firm.StandingAsync()).Output;
        foreach (var id in (string[])[first, second])
        {
            Assert.Contains($" ben: yes as releaser ({id})", text, StringComparison.Ordinal);
        }

        Assert.Contains("not counted: ben, who counts once", text, StringComparison.Ordinal);
        Assert.Contains("still needed: 1 releaser: cem", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_deputy_and_the_principal_count_once_together()
    {
        await firm.RequestAsync();
        await firm.ApproveAsync("ben");
        firm.Bench.Clock.Advance(TimeSpan.FromMinutes(1));
        var second = await firm.ApproveAsync("cem", "--on-behalf-of", "ben");
        var request = await firm.RequestNowAsync(1);
        Assert.Equal([$"ben, who counts once together with cem by {second}"], request.GetProperty("notCounted").EnumerateArray().Select(who => who.GetString()!));
        Assert.Equal("cem", Assert.Single(request.GetProperty("counted").EnumerateArray()).GetProperty("name").GetString());
    }

    [Fact]
    public async Task An_image_layout_carries_the_same()
    {
        await firm.Bench.AddImageAsync();
        string[] about = [$"oci:{firm.Bench.Layout}:v1", "--as", Workbench.Repository, "--policy", firm.PolicyFile];
        Assert.Equal(0, (await firm.GatesAsync(["request", .. about, "--action", "deploy", "--environment", "production", "--key", firm.Key("ann"), "--yes"])).ExitCode);
        foreach (var key in (string[])["ben", "cem"])
        {
            Assert.Equal(1, (await firm.GatesAsync(["approvals", .. about, "--environment", "production"])).ExitCode);
            Assert.Equal(0, (await firm.GatesAsync(["approve", .. about, "--key", firm.Key(key), "--yes"])).ExitCode);
        }

        Assert.Equal(0, (await firm.GatesAsync(["approvals", .. about, "--environment", "production"])).ExitCode);
    }

    public static TheoryData<string, string> CannotCount => new()
    {
        { "ann", "ann, who is the requester" },
        { "dan", "dan is in none of the roles that deploy needs" },
        { "robby", "acts for the robot robby" },
        { "stranger", "acts for nobody in the policy" },
    };

    [Theory, MemberData(nameof(CannotCount))]
    public async Task Whose_approval_could_not_count_is_told_so_and_signs_nothing(string key, string why)
    {
        firm.Bench.Key("stranger");
        await firm.RequestAsync();
        var refused = await firm.AnswerAsync(key);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains(why, refused.Error, StringComparison.Ordinal);
        Assert.Empty(refused.Output);
        Assert.Empty((await firm.RequestNowAsync(1)).GetProperty("answers").EnumerateArray());
    }

    [Fact]
    public async Task A_contributor_cannot_approve()
    {
        await firm.RequestAsync("--contributor", "ben");
        var refused = await firm.AnswerAsync("ben");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("ben, who contributed to it", refused.Error, StringComparison.Ordinal);
        Assert.Contains("'bem' is nobody in the policy", (await firm.GatesAsync("request", firm.Image, "--action", "deploy", "--environment", "production", "--contributor", "bem", "--policy", firm.PolicyFile, "--key", firm.Key("ann"), "--yes")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rejection_stops_what_others_approved_until_it_is_withdrawn()
    {
        var id = await firm.RequestAsync();
        await firm.ApproveAsync("ben");
        var no = await firm.ApproveAsync("cem", "--reject");
        var request = await firm.RequestNowAsync(1);
        Assert.Contains("cem rejected it", request.GetProperty("inTheWay")[0].GetString(), StringComparison.Ordinal);

        var late = await firm.AnswerAsync("cem", "--request", id);
        Assert.Equal(2, late.ExitCode);
        Assert.Contains("cannot be used, whoever approves it: cem rejected it", late.Error, StringComparison.Ordinal);

        await firm.ApproveAsync("cem", "--withdraw", no);
        await firm.ApproveAsync("cem");
        await firm.RequestNowAsync(0);
    }

    [Fact]
    public async Task A_withdrawn_approval_no_longer_counts_and_only_its_giver_withdraws_it()
    {
        var id = await firm.RequestAsync();
        var (first, _) = (await firm.ApproveAsync("ben"), await firm.ApproveAsync("cem"));
        var refused = await firm.AnswerAsync("cem", "--withdraw", first);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains($"'{first}' is no statement of cem", refused.Error, StringComparison.Ordinal);
        await firm.RequestNowAsync(0);

        await firm.ApproveAsync("ben", "--withdraw", first);
        Assert.Contains("ben, who withdrew it", (await firm.RequestNowAsync(1)).GetProperty("notCounted")[0].GetString(), StringComparison.Ordinal);
        await firm.ApproveAsync("ann", "--withdraw", id);
        Assert.Contains("its requester withdrew it", (await firm.RequestNowAsync(1)).GetProperty("inTheWay").EnumerateArray().Select(fault => fault.GetString()));
    }

    [Fact]
    public async Task What_somebody_takes_back_is_their_own_whoever_else_used_its_id()
    {
        var next = firm.Bench.Folder.Write("next.yaml", "the next version\n");
        foreach (var (request, cem, ben) in ((string, string, string)[])[("first", "same", "other"), ("second", "more", "same")])
        {
            Assert.Equal(0, (await firm.GatesAsync("request", next, "--action", "deploy", "--id", request, "--policy", firm.PolicyFile, "--key", firm.Key("ann"), "--yes")).ExitCode);
            Assert.Equal(0, (await firm.AnswerAsync(next, "cem", ["--request", request, "--id", cem])).ExitCode);
            Assert.Equal(0, (await firm.AnswerAsync(next, "ben", ["--request", request, "--id", ben])).ExitCode);
        }

        Assert.Equal(0, (await firm.AnswerAsync(next, "ben", ["--withdraw", "same"])).ExitCode);
        var requests = (await firm.GatesAsync("approvals", next, "--policy", firm.PolicyFile, "--output", "json")).Json().GetProperty("requests").EnumerateArray();
        Assert.Equal([("first", true), ("second", false)], requests.Select(request => (request.GetProperty("id").GetString()!, request.GetProperty("stands").GetBoolean())).Order());
        await firm.AnswerAsync(next, "cem", ["--request", "second", "--id", "same"]);
        var refused = await firm.AnswerAsync(next, "cem", ["--withdraw", "same"]);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("cem has said 'same' of 2 requests", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_acknowledgement_approves_nothing()
    {
        await firm.RequestAsync();
        await firm.ApproveAsync("ben");
        await firm.ApproveAsync("cem", "--acknowledge");
        var request = await firm.RequestNowAsync(1);
        Assert.Contains("acknowledge", request.GetProperty("answers").EnumerateArray().Select(answer => answer.GetProperty("decision").GetString()));
        Assert.Equal("ben", Assert.Single(request.GetProperty("counted").EnumerateArray()).GetProperty("name").GetString());
    }

    [Fact]
    public async Task What_is_approved_for_staging_does_not_count_in_production()
    {
        Assert.Equal(0, (await firm.GatesAsync("request", firm.Image, "--action", "deploy", "--environment", "staging", "--policy", firm.PolicyFile, "--key", firm.Key("ann"), "--yes")).ExitCode);
        await firm.ApproveAsync("ben");
        await firm.ApproveAsync("cem");
        Assert.Contains("it is for staging, not for production", (await firm.RequestNowAsync(1)).GetProperty("inTheWay").EnumerateArray().Select(fault => fault.GetString()));
        Assert.Equal(0, (await firm.GatesAsync("approvals", firm.Image, "--environment", "staging", "--policy", firm.PolicyFile)).ExitCode);
    }

    public static TheoryData<string> Attachments => ["der", "base64", "envelope", "bundle", "statement"];

    [Theory, MemberData(nameof(Attachments))]
    public async Task A_signature_that_was_made_elsewhere_is_attached_and_counts(string form)
    {
        await firm.RequestAsync();
        await firm.ApproveAsync("ben");
        var payload = firm.Bench.Folder.PathOf("payload");
        var printed = await firm.GatesAsync("approve", firm.Image, "--policy", firm.PolicyFile, "--signer", "cem", "--payload", payload, "--output", "json");
        Assert.Equal(0, printed.ExitCode);
        Assert.Equal(payload, printed.Json().GetProperty("payload").GetString());
        await firm.RequestNowAsync(1);

        var bytes = await File.ReadAllBytesAsync(payload, TestContext.Current.CancellationToken);
        var statement = await File.ReadAllBytesAsync(payload + ".json", TestContext.Current.CancellationToken);
        var signature = firm.Sign("cem", bytes);
        var (content, names) = form switch
        {
            "der" => (signature, payload),
            "base64" => (Encoding.ASCII.GetBytes(Convert.ToBase64String(signature) + "\n"), payload),
            "statement" => (signature, payload + ".json"),
            "envelope" => (Encoding.ASCII.GetBytes(Envelope(statement, signature)), null),
            _ => (SigstoreBundle.OfSignature(statement, signature, PublicKey.Parse(await File.ReadAllBytesAsync(firm.Bench.Folder.PathOf("cem.pub"), TestContext.Current.CancellationToken))).Json.ToArray(), (string?)null),
        };
        var file = firm.Bench.Folder.PathOf("signature");
        await File.WriteAllBytesAsync(file, content, TestContext.Current.CancellationToken);
        var attached = await firm.GatesAsync(["approve", firm.Image, "--policy", firm.PolicyFile, "--signature", file, "--yes", .. names is null ? (string[])[] : ["--payload", names]]);
        Assert.True(attached.ExitCode == 0, attached.Error);
        Assert.Contains("an approval by cem (p-3) with the key cem as releaser", attached.Error, StringComparison.Ordinal);
        await firm.RequestNowAsync(0);
    }

    [Fact]
    public async Task A_request_that_was_signed_elsewhere_is_attached_too()
    {
        var payload = firm.Bench.Folder.PathOf("payload");
        Assert.Equal(0, (await firm.GatesAsync("request", firm.Image, "--action", "deploy", "--environment", "production", "--policy", firm.PolicyFile, "--signer", "ann", "--payload", payload)).ExitCode);
        Assert.Equal(1, (await firm.StandingAsync()).ExitCode);
        await File.WriteAllBytesAsync(payload + ".sig", firm.Sign("ann", await File.ReadAllBytesAsync(payload, TestContext.Current.CancellationToken)), TestContext.Current.CancellationToken);
        var attached = await firm.GatesAsync("request", firm.Image, "--policy", firm.PolicyFile, "--payload", payload, "--signature", payload + ".sig", "--yes");
        Assert.True(attached.ExitCode == 0, attached.Error);
        await firm.ApproveAsync("ben");
        await firm.ApproveAsync("cem");
        await firm.RequestNowAsync(0);
    }

    [Fact]
    public async Task A_signature_that_does_not_fit_is_attached_nowhere()
    {
        await firm.RequestAsync();
        var payload = firm.Bench.Folder.PathOf("payload");
        await firm.GatesAsync("approve", firm.Image, "--policy", firm.PolicyFile, "--signer", "cem", "--payload", payload);
        var bytes = await File.ReadAllBytesAsync(payload, TestContext.Current.CancellationToken);
        foreach (var (signature, why) in ((byte[], string)[])
        [
            (firm.Sign("ben", bytes), "and ben (p-2) with the key ben signed it"),
            (firm.Sign("cem", [.. bytes, 0]), "is the signature of no key"),
            ("no signature"u8.ToArray(), "is no signature that is read here"),
        ])
        {
            var file = firm.Bench.Folder.PathOf("signature");
            await File.WriteAllBytesAsync(file, signature, TestContext.Current.CancellationToken);
            var refused = await firm.GatesAsync("approve", firm.Image, "--policy", firm.PolicyFile, "--payload", payload, "--signature", file, "--yes");
            Assert.Equal(2, refused.ExitCode);
            Assert.Contains(why, refused.Error, StringComparison.Ordinal);
        }

        Assert.Empty((await firm.RequestNowAsync(1)).GetProperty("answers").EnumerateArray());
    }

    [Fact]
    public async Task What_is_about_a_file_is_kept_beside_it()
    {
        var next = firm.Bench.Folder.Write("next.yaml", "the next version\n");
        Assert.Equal(0, (await firm.GatesAsync("request", next, "--action", "deploy", "--policy", firm.PolicyFile, "--key", firm.Key("ann"), "--yes")).ExitCode);
        Assert.Equal(0, (await firm.AnswerAsync(next, "ben", [])).ExitCode);
        Assert.Equal(1, (await firm.GatesAsync("approvals", next, "--policy", firm.PolicyFile)).ExitCode);
        Assert.Equal(0, (await firm.AnswerAsync(next, "cem", [])).ExitCode);
        Assert.Equal(3, (await File.ReadAllLinesAsync(next + ".approvals.jsonl", TestContext.Current.CancellationToken)).Length);
        foreach (var name in (string[])[next, next + ".approvals.jsonl"])
        {
            var told = await firm.GatesAsync("approvals", name, "--policy", firm.PolicyFile, "--output", "json");
            Assert.Equal(0, told.ExitCode);
            Assert.Equal(Digest.Of("the next version\n"u8).ToString(), told.Json().GetProperty("subject").GetString());
        }

        // The same statements say nothing of another file.
        firm.Bench.Folder.Write("next.yaml", "another version\n");
        var changed = await firm.GatesAsync("approvals", next, "--policy", firm.PolicyFile);
        Assert.Equal(1, changed.ExitCode);
        Assert.StartsWith("nobody asked: ", changed.Output, StringComparison.Ordinal);
        Assert.Contains("refused: ", changed.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hostile_line_among_the_statements_does_no_harm_and_hides_nothing()
    {
        var next = firm.Bench.Folder.Write("next.yaml", "the next version\n");
        var kept = next + ".approvals.jsonl";
        await firm.GatesAsync("request", next, "--action", "deploy", "--policy", firm.PolicyFile, "--key", firm.Key("ann"), "--yes");
        await File.AppendAllTextAsync(kept, "\u001b[2Jcut" /* no end of line */, TestContext.Current.CancellationToken);
        await firm.AnswerAsync(next, "ben", []);
        await File.AppendAllTextAsync(kept, $"{new string('[', 100_000)}\n{{\"mediaType\":\"a\",\"mediaType\":\"b\"}}\n\n\0\n", TestContext.Current.CancellationToken);
        await firm.AnswerAsync(next, "cem", []);
        var told = await firm.GatesAsync("approvals", next, "--policy", firm.PolicyFile);
        Assert.Equal(0, told.ExitCode);
        Assert.Equal(4, told.Output.Split('\n').Count(line => line.StartsWith("  refused: ", StringComparison.Ordinal)));
        Assert.DoesNotContain('\u001b', told.Output);
        Assert.Equal(4, (await firm.GatesAsync("approvals", next, "--policy", firm.PolicyFile, "--output", "json")).Json().GetProperty("refused").GetArrayLength());

        // Nor does a copy of what was said, or what a stranger says of it, count again.
        await File.AppendAllLinesAsync(kept, await File.ReadAllLinesAsync(kept, TestContext.Current.CancellationToken), TestContext.Current.CancellationToken);
        Assert.Single((await firm.GatesAsync("approvals", next, "--policy", firm.PolicyFile, "--output", "json")).Json().GetProperty("requests").EnumerateArray());
        Assert.Equal(0, (await firm.AnswerAsync(next, "cem", ["--reject"])).ExitCode);
        Assert.Equal(1, (await firm.GatesAsync("approvals", next, "--policy", firm.PolicyFile)).ExitCode);
    }

    [Fact]
    public async Task A_line_may_be_a_bare_envelope_as_other_tools_write_it()
    {
        var next = firm.Bench.Folder.Write("next.yaml", "the next version\n");
        var kept = next + ".approvals.jsonl";
        await firm.GatesAsync("request", next, "--action", "deploy", "--policy", firm.PolicyFile, "--key", firm.Key("ann"), "--yes");
        await firm.AnswerAsync(next, "ben", []);
        await firm.AnswerAsync(next, "cem", []);
        Assert.Equal(0, (await firm.GatesAsync("approvals", next, "--policy", firm.PolicyFile)).ExitCode);
        var payload = firm.Bench.Folder.PathOf("payload");
        await firm.GatesAsync("approve", next, "--reject", "--policy", firm.PolicyFile, "--signer", "ben", "--payload", payload);
        var signature = firm.Sign("ben", await File.ReadAllBytesAsync(payload, TestContext.Current.CancellationToken));
        await File.AppendAllTextAsync(kept, Envelope(await File.ReadAllBytesAsync(payload + ".json", TestContext.Current.CancellationToken), signature) + "\n", TestContext.Current.CancellationToken);
        var told = await firm.GatesAsync("approvals", next, "--policy", firm.PolicyFile);
        Assert.Equal(1, told.ExitCode);
        Assert.Contains("in the way: ben rejected it", told.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_change_of_the_policy_is_asked_for_under_the_action_that_the_gate_will_ask_for()
    {
        firm.Bench.Key("ben-3");
        var next = NextPolicy(("people: [ann, ben, cem]", "people: [ann, ben, cem, dan]"));
        var stronger = NextPolicy(("useBy: 7d, runUntil: 26w", "useBy: 6d, runUntil: 26w"));
        foreach (var (file, action, why) in ((string, string, string)[])
        [
            (next, "policy-change", "is weaker than the policy in force, which policy-weakening must approve"),
            (stronger, "policy-weakening", "is not weaker than the policy in force, which policy-change must approve"),
            (firm.PolicyFile, "policy-change", "version 1 does not follow version 1"),
            (firm.Bench.Folder.Write("text.yaml", "no policy"), "policy-change", "the policy is refused"),
        ])
        {
            var refused = await firm.GatesAsync("request", file, "--action", action, "--policy", firm.PolicyFile, "--key", firm.Key("ann"), "--yes");
            Assert.Equal(2, refused.ExitCode);
            Assert.Contains(why, refused.Error, StringComparison.Ordinal);
        }

        Assert.Equal(0, (await firm.GatesAsync("request", next, "--action", "policy-weakening", "--policy", firm.PolicyFile, "--key", firm.Key("ann"), "--yes")).ExitCode);
        Assert.Equal(0, (await firm.AnswerAsync(next, "ben", [])).ExitCode);
        Assert.Equal(0, (await firm.GatesAsync("approvals", next, "--policy", firm.PolicyFile)).ExitCode);
    }

    [Fact]
    public async Task Who_gains_by_a_change_of_the_policy_does_not_approve_it()
    {
        firm.Bench.Key("ben-3");
        var next = NextPolicy(("keys: [ben, ben-2]", "keys: [ben, ben-2, ben-3]"), ("    keys:\n", $"    keys:\n      ben-3: {{ spki: \"{firm.Spki("ben-3")}\", file: ben-3.pub }}\n"));
        Assert.Equal(0, (await firm.GatesAsync("request", next, "--action", "policy-weakening", "--policy", firm.PolicyFile, "--key", firm.Key("ann"), "--yes")).ExitCode);
        var refused = await firm.AnswerAsync(next, "ben", []);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("ben, who gains by the change", refused.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await firm.AnswerAsync(next, "cem", [])).ExitCode);
        Assert.Equal(0, (await firm.GatesAsync("approvals", next, "--policy", firm.PolicyFile)).ExitCode);
    }

    [Fact]
    public async Task An_act_is_asked_for_and_answered_in_a_file()
    {
        var parameters = firm.Bench.Folder.Write("change.json", """{ "new": "b", "old": "a", "size": 2 }""");
        var kept = firm.Bench.Folder.PathOf("key-rotation.approvals.jsonl");
        var asked = await firm.GatesAsync("request", "--act", "key-rotation", "--parameters", parameters, "--out", kept, "--policy", firm.PolicyFile, "--key", firm.Key("ann"), "--yes", "--output", "json");
        Assert.True(asked.ExitCode == 0, asked.Error);
        Assert.Contains("""covers: command key-rotation sha256:""", asked.Error, StringComparison.Ordinal);
        Assert.Contains("""{"action":"key-rotation","parameters":{"new":"b","old":"a","size":2},"type":"https://governance.gates/projections/act/v1"}""", ApprovalBench.OnOneLine(asked.Error), StringComparison.Ordinal);
        Assert.Equal(Digest.Of("""{"action":"key-rotation","parameters":{"new":"b","old":"a","size":2},"type":"https://governance.gates/projections/act/v1"}"""u8).ToString(), asked.Json().GetProperty("subject").GetString());
        Assert.Equal(1, (await firm.GatesAsync("approvals", kept, "--policy", firm.PolicyFile)).ExitCode);
        Assert.Equal(0, (await firm.AnswerAsync(kept, "ben", [])).ExitCode);
        var told = await firm.GatesAsync("approvals", kept, "--policy", firm.PolicyFile, "--output", "json");
        Assert.Equal(0, told.ExitCode);
        Assert.Equal("command", told.Json().GetProperty("requests")[0].GetProperty("covers")[0].GetProperty("kind").GetString());
    }

    [Fact]
    public async Task At_a_terminal_only_a_spelled_out_yes_signs()
    {
        firm.Bench.CanAsk = true;
        string[] ask = ["request", firm.Image, "--action", "deploy", "--environment", "production", "--policy", firm.PolicyFile, "--key", firm.Key("ann")];
        foreach (var answer in (string[])["", "y\n", "no\n", "yes please\n", "YES\n"])
        {
            var refused = await firm.Bench.GatesAsync(ask, answer, TestContext.Current.CancellationToken);
            Assert.Equal(2, refused.ExitCode);
            Assert.Contains("nothing was signed", refused.Error, StringComparison.Ordinal);
        }

        Assert.StartsWith("nobody asked: ", (await firm.StandingAsync()).Output, StringComparison.Ordinal);
        var signed = await firm.Bench.GatesAsync(ask, "yes\n", TestContext.Current.CancellationToken);
        Assert.Equal(0, signed.ExitCode);
        Assert.Contains("Sign this? (yes or no)", signed.Error, StringComparison.Ordinal);
        Assert.StartsWith("not approved: ", (await firm.StandingAsync()).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_terminal_and_without_yes_nothing_is_signed()
    {
        await firm.RequestAsync();
        foreach (var line in (string[][])[["request", firm.Image, "--action", "deploy", "--environment", "production"], ["approve", firm.Image]])
        {
            var refused = await firm.GatesAsync([.. line, "--policy", firm.PolicyFile, "--key", firm.Key("ben")]);
            Assert.Equal(64, refused.ExitCode);
            Assert.Contains("add --yes", refused.Error, StringComparison.Ordinal);
        }

        Assert.Empty((await firm.RequestNowAsync(1)).GetProperty("answers").EnumerateArray());
    }

    [Fact]
    public async Task Of_two_open_requests_one_has_to_be_named()
    {
        var (first, second) = (await firm.RequestAsync(), await firm.RequestAsync("--namespace", "pay"));
        var refused = await firm.AnswerAsync("ben");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("2 open requests", refused.Error, StringComparison.Ordinal);
        Assert.Contains(first, refused.Error, StringComparison.Ordinal);
        await firm.ApproveAsync("ben", "--request", second);
        await firm.ApproveAsync("cem", "--request", second);
        Assert.Equal(0, (await firm.StandingAsync()).ExitCode);

        // A quorum is over one request: what was said of the other does not help.
        var standing = (await firm.StandingAsync("--output", "json")).Json().GetProperty("requests");
        Assert.Equal([(first, false), (second, true)], standing.EnumerateArray().Select(request => (request.GetProperty("id").GetString()!, request.GetProperty("stands").GetBoolean())).OrderBy(request => request.Item2));
    }

    [Fact]
    public async Task What_could_never_be_used_is_not_asked_for()
    {
        foreach (var (arguments, why) in ((string, string)[])
        [
            ("--action deplay --environment production", "'deplay' is no action"),
            ("--action deploy --environment prodution", "'prodution' is no environment"),
            ("--action deploy --environment production --namespace try", "'try' is in none of the environments production"),
            ("--action deploy --environment production --cluster 00000000-0000-4000-8000-000000000009", "is in none of the environments production"),
            ("--action deploy --environment production --not-before 2d --not-after 1d", "is empty"),
        ])
        {
            var refused = await firm.GatesAsync(["request", firm.Image, .. arguments.Split(' '), "--policy", firm.PolicyFile, "--key", firm.Key("ann"), "--yes"]);
            Assert.Equal(2, refused.ExitCode);
            Assert.Contains(why, refused.Error, StringComparison.Ordinal);
            Assert.Single(refused.Error.TrimEnd('\n').Split('\n'));
        }
    }

    [Fact]
    public async Task A_registry_that_cannot_be_reached_leaves_every_verb_without_an_answer()
    {
        await firm.RequestAsync();
        await firm.ApproveAsync("ben");
        await firm.ApproveAsync("cem");
        firm.Registry.Override = context =>
        {
            context.Abort();
            return Task.FromResult(true);
        };
        foreach (var verb in (string[][])[["approvals", firm.Image, "--environment", "production"], ["approve", firm.Image, "--key", firm.Key("ben"), "--yes"], ["request", firm.Image, "--action", "deploy", "--environment", "production", "--key", firm.Key("ann"), "--yes"]])
        {
            var ended = await firm.GatesAsync([.. verb, "--policy", firm.PolicyFile]);
            Assert.Equal(2, ended.ExitCode);
            Assert.Contains(firm.Registry.Host, ended.Output + ended.Error, StringComparison.Ordinal);
            Assert.Contains("; ", ended.Output + ended.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("signed:", ended.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_is_partly_unread_may_hold_a_no_and_does_not_stand()
    {
        await firm.RequestAsync();
        await firm.ApproveAsync("ben");
        await firm.ApproveAsync("cem");
        firm.Registry.Override = async context =>
        {
            if (!context.Request.Path.Value!.EndsWith(".att", StringComparison.Ordinal))
            {
                return false;
            }

            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
            await context.Response.CompleteAsync();
            return true;
        };
        var told = await firm.StandingAsync("--output", "json");
        Assert.Equal(2, told.ExitCode);
        Assert.Equal("unknown", told.Json().GetProperty("verdict").GetString());
        Assert.NotEmpty(told.Json().GetProperty("unread").EnumerateArray());
    }

    [Fact]
    public async Task Without_the_revocation_list_that_the_policy_names_nothing_stands()
    {
        var policy = firm.Policy("revocations: { from: revocations.json, maxAge: 1h, by: [ann, ben] }");
        await firm.RequestAsync();
        var yes = await firm.ApproveAsync("ben");
        await firm.ApproveAsync("cem");
        var lacking = await firm.StandingAsync("--output", "json");
        Assert.Equal(2, lacking.ExitCode);
        Assert.Equal("unknown", lacking.Json().GetProperty("verdict").GetString());
        Assert.Contains("revocations.json", (await firm.StandingAsync()).Output, StringComparison.Ordinal);

        Assert.Equal(0, (await firm.GatesAsync("revoke", "--policy", policy, "--key", firm.Key("ann"))).ExitCode);
        await firm.RequestNowAsync(0);
        firm.Bench.Clock.Advance(TimeSpan.FromHours(2));
        Assert.Equal(2, (await firm.StandingAsync()).ExitCode);
        firm.Bench.Clock.Advance(TimeSpan.FromHours(-2));
        Assert.Equal(0, (await firm.GatesAsync("revoke", "--policy", policy, "--key", firm.Key("ann"), "--approval", yes)).ExitCode);
        Assert.Contains("ben, who was revoked", (await firm.RequestNowAsync(1)).GetProperty("notCounted")[0].GetString(), StringComparison.Ordinal);
        firm.Bench.Folder.Write("revocations.json", "{}");
        Assert.Equal(2, (await firm.StandingAsync()).ExitCode);
    }

    [Fact]
    public async Task What_is_approved_ends_with_its_use_by()
    {
        await firm.RequestAsync();
        await firm.ApproveAsync("ben", "--use-by", "1h");
        await firm.ApproveAsync("cem");
        await firm.RequestNowAsync(0);
        firm.Bench.Clock.Advance(TimeSpan.FromHours(2));
        Assert.Contains("ben, who approved it to be used by", (await firm.RequestNowAsync(1)).GetProperty("notCounted")[0].GetString(), StringComparison.Ordinal);
    }

    private string NextPolicy(params ReadOnlySpan<(string From, string To)> changes)
    {
        var text = File.ReadAllText(firm.PolicyFile);
        var next = text.Replace("version: 1 }", $"version: 2, previous: \"{Digest.Of(Encoding.UTF8.GetBytes(text))}\" }}", StringComparison.Ordinal);
        foreach (var (from, to) in changes)
        {
            Assert.Contains(from, next, StringComparison.Ordinal);
            next = next.Replace(from, to, StringComparison.Ordinal);
        }

        return firm.Bench.Folder.Write($"{Guid.NewGuid():N}.yaml", next);
    }

    private static string Envelope(byte[] statement, byte[] signature) => $$"""{"payloadType":"application/vnd.in-toto+json","payload":"{{Convert.ToBase64String(statement)}}","signatures":[{"sig":"{{Convert.ToBase64String(signature)}}"}]}""";

    private Task<Ended> AdmitAsync(string manifest, string inside) => firm.GatesAsync("admit", "-f", manifest, "--namespace", inside, "--cluster-uid", ApprovalBench.Cluster, "--policy", firm.PolicyFile);
}
