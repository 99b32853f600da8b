using Governance.Gates.Admission;
using Governance.Gates.Approvals;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;
using Governance.Gates.Revocations;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Ledgers;
using Governance.Gates.Tests.Admission;
using Governance.Gates.Tests.Approvals;
using Governance.Gates.Tests.Revocations;
using static Governance.Gates.Tests.Webhook.FirmGate;

namespace Governance.Gates.Tests.Webhook;

/// <summary>The signed list of revocations under a running webhook: it counts when it is read again, it never goes backwards, and it grows old.</summary>
[Trait("attack", "approvals")]
public sealed class RevocationTests : IDisposable
{
    private static readonly string Policy = AskingPolicy.Replace("  trust:\n", "  trust:\n    revocations: { from: revocations.json, maxAge: 1h, by: [dan] }\n", StringComparison.Ordinal);

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("person", "p-2"), InlineData("key", "cem"), InlineData("requester", "p-1"), InlineData("artifact", ""), InlineData("approval", "ben as operator"), InlineData("request", "request-deploy")]
    public async Task What_is_revoked_starts_no_more_as_soon_as_the_list_is_read_again(string kind, string what)
    {
        await using var gate = await StartAsync();
        var image = gate.UnsignedImage();
        var deployment = Workload("Deployment", image);
        var pod = Workload("Pod", image) with { Name = "api-7f9c-x2" };
        await ApproveAsync(gate, deployment, image);
        await AllowedAsync(gate, deployment);
        await AllowedAsync(gate, pod);

        Publish(gate, 2, list => kind switch
        {
            "person" or "requester" => list with { People = [what] },
            "key" => list with { Keys = [Firm.Key(what).Spki] },
            "artifact" => list with { Artifacts = [ImageReference.Parse(image).Digest!] },
            _ => list with { Approvals = [what] },
        });
        await RefusedAsync(gate, deployment with { Name = "another" }, "revoked");
        await RefusedAsync(gate, pod, "revoked");

        // Every list is whole: what is not in the latest one is not revoked.
        Publish(gate, 3);
        await AllowedAsync(gate, pod);
    }

    [Fact]
    public async Task A_no_that_is_published_where_the_image_lies_stops_what_began_within_fifteen_seconds()
    {
        await using var gate = await StartAsync();
        var image = gate.UnsignedImage();
        var deployment = Workload("Deployment", image);
        var pod = Workload("Pod", image) with { Name = "api-7f9c-x2" };
        var asked = await ApproveAsync(gate, deployment, image);
        await AllowedAsync(gate, deployment);

        await AttachAsync(Firm.Approval(asked, "dan") with { Id = "no", Decision = ApprovalDecision.Reject, IssuedAt = gate.Clock.GetUtcNow() }, "dan", image);
        gate.Clock.Advance(TimeSpan.FromSeconds(15));
        await RefusedAsync(gate, pod, "dan rejected");
        await RefusedAsync(gate, deployment with { Name = "another" }, "dan rejected");
    }

    [Fact]
    public async Task A_list_that_goes_backwards_is_refused_and_after_a_restart_too()
    {
        await using var gate = await StartAsync();
        var image = gate.UnsignedImage();
        var deployment = Workload("Deployment", image);
        await ApproveAsync(gate, deployment, image);
        Publish(gate, 7, list => list with { People = ["p-2"] });
        await RefusedAsync(gate, deployment, "revoked");

        // The last good list goes on counting.
        Publish(gate, 6);
        await RefusedAsync(gate, deployment, "revoked");

        await gate.RestartAsync();
        await RefusedAsync(gate, deployment, "revoked");
        Publish(gate, 8);
        await AllowedAsync(gate, deployment);
    }

    [Fact]
    public async Task Who_is_revoked_takes_nothing_back_by_a_restart_and_another_list_of_the_same_number_is_refused_after_one()
    {
        await using var gate = await FirmGate.StartAsync(Policy.Replace("by: [dan]", "by: [dan, cem]", StringComparison.Ordinal), folder.PathOf("state"));
        var image = gate.UnsignedImage();
        var deployment = Workload("Deployment", image);
        Publish(gate, 1, list => list with { People = ["p-3"] });
        await ApproveAsync(gate, deployment, image);
        await RefusedAsync(gate, deployment, "revoked");

        // Cem is p-3; a restart and a later list under his key change nothing.
        Put(gate, Signed(gate, 2, "cem"));
        await RefusedAsync(gate, deployment, "revoked");
        foreach (var list in (byte[][])[Signed(gate, 2, "cem"), Signed(gate, 1, "dan")])
        {
            await gate.RestartAsync();
            Put(gate, list);
            await RefusedAsync(gate, deployment, "revoked");
        }

        Publish(gate, 2);
        await AllowedAsync(gate, deployment);
    }

    [Fact]
    public async Task The_last_list_is_kept_in_the_state_folder_and_grows_old_there()
    {
        await using var gate = await StartAsync();
        var image = gate.UnsignedImage();
        var deployment = Workload("Deployment", image);
        await ApproveAsync(gate, deployment, image);
        Publish(gate, 7, list => list with { People = ["p-2"] });
        await RefusedAsync(gate, deployment, "revoked");
        Publish(gate, 6);

        await gate.RestartAsync(options => options with { State = folder.PathOf("empty") });
        await AllowedAsync(gate, deployment);
        await gate.RestartAsync(options => options with { State = folder.PathOf("state") });
        await RefusedAsync(gate, deployment, "revoked");
        gate.Clock.Advance(TimeSpan.FromMinutes(62));
        await RefusedAsync(gate, deployment, "7 was seen before", "unknown");
    }

    [Fact]
    public async Task A_list_older_than_the_policy_allows_is_could_not_tell_for_what_begins_and_for_what_began()
    {
        await using var gate = await StartAsync();
        var image = gate.UnsignedImage();
        var deployment = Workload("Deployment", image);
        var pod = Workload("Pod", image) with { Name = "api-7f9c-x2" };
        await ApproveAsync(gate, deployment, image);
        await AllowedAsync(gate, deployment);

        gate.Clock.Advance(TimeSpan.FromMinutes(62));
        foreach (var review in (Review[])[deployment with { Name = "another" }, pod])
        {
            await RefusedAsync(gate, review, "older than the policy allows", "unknown");
        }

        Publish(gate, 2);
        await AllowedAsync(gate, pod);
    }

    [Fact]
    public async Task Without_a_list_or_with_one_of_somebody_else_nothing_starts()
    {
        await using var gate = await StartAsync();
        var image = gate.UnsignedImage();
        var deployment = Workload("Deployment", image);
        await ApproveAsync(gate, deployment, image);
        foreach (var change in (Action<string>[])[File.Delete, file => File.WriteAllBytes(file, Signed(gate, 9, "ben")), file => File.WriteAllText(file, "{}")])
        {
            // A gate that saw no good list yet.
            await gate.RestartAsync(options => options with { State = folder.PathOf(Guid.NewGuid().ToString("n")) });
            change(gate.Folder.PathOf("revocations.json"));
            gate.Clock.Advance(TimeSpan.FromSeconds(3));
            await RefusedAsync(gate, deployment, "list of revocations", "unknown");
        }

        Publish(gate, 1);
        await AllowedAsync(gate, deployment);
    }

    [Fact]
    public async Task Before_and_after_a_restart_the_list_that_counts_stands_in_each_decision_and_it_can_be_made_again()
    {
        await using var gate = await FirmGate.StartAsync(Policy, folder.PathOf("state"), options => options with { Ledger = Path.Combine(Path.GetDirectoryName(options.Policy)!, "ledger"), LedgerOrigin = "test/production/c1/gate-0" });
        var image = gate.UnsignedImage();
        var deployment = Workload("Deployment", image);
        Publish(gate, 1, list => list with { People = ["p-2"] });
        await ApproveAsync(gate, deployment, image);
        await RefusedAsync(gate, deployment, "revoked");
        await gate.RestartAsync(options => options);
        await RefusedAsync(gate, deployment, "revoked");
        await gate.StopAsync();

        var log = gate.Folder.PathOf("ledger");
        var decisions = VerifiedLog.Read(log).Where(entry => entry.EventType == LedgerEvents.Decision).ToList();
        Assert.Equal(2, decisions.Count);
        Assert.All(decisions, decision =>
        {
            Assert.Equal("1", Assert.Single(decision.Inputs, input => input.Kind == EntryInputKind.Revocations).Name);
            Assert.True(DecisionReplay.Of(decision, new EvidenceStore(log).Read).Try(out var again, out var why), why?.ToString());
            Assert.Equal([], again.Differences);
        });
    }

    private static void Publish(RunningGate gate, long number, Func<RevocationList, RevocationList>? change = null) => Put(gate, Signed(gate, number, "dan", change));

    private static void Put(RunningGate gate, byte[] list)
    {
        var file = gate.Folder.PathOf("revocations.json");
        File.WriteAllBytes(file + ".new", list);
        File.Move(file + ".new", file, overwrite: true);

        // A file is looked at again after two seconds.
        gate.Clock.Advance(TimeSpan.FromSeconds(3));
    }

    private static byte[] Signed(RunningGate gate, long number, string by, Func<RevocationList, RevocationList>? change = null)
    {
        var list = RevocationList.Empty with { Number = number, IssuedAt = gate.Clock.GetUtcNow() };
        return Lists.Bundle(RevocationStatement.Write(change?.Invoke(list) ?? list, "firm"), Firm.Signer(by));
    }

    private async Task<RunningGate> StartAsync()
    {
        var gate = await FirmGate.StartAsync(Policy, folder.PathOf("state"));
        Publish(gate, 1);
        return gate;
    }
}
