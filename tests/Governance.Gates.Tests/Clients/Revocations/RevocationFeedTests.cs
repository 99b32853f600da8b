using Governance.Gates.Clients.Registries;
using Governance.Gates.Clients.Revocations;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Registries;
using Governance.Gates.Tests.Clients.Registries;
using static Governance.Gates.Tests.Revocations.Lists;

namespace Governance.Gates.Tests.Clients.Revocations;

public sealed class RevocationFeedTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly OciRegistry client = RegistryReadings.Client();
    private readonly List<long> risen = [];

    [Fact]
    public async Task A_policy_that_names_no_list_revokes_nothing()
    {
        using var feed = Feed();
        Assert.Same(RevocationList.Empty, (await feed.CurrentAsync(Policy() with { Revocations = null }, Now, TestContext.Current.CancellationToken)).Found());
        Assert.Null(feed.HighestSeen);
    }

    [Fact]
    public async Task A_file_is_read_from_the_policys_folder_and_again_when_it_changes()
    {
        using var feed = Feed();
        var policy = Policy(from: "trust/revocations.json");
        Assert.Contains("there is no list", (await AtAsync(feed, policy, 0)).Unread().Message, StringComparison.Ordinal);
        folder.Folder("trust");
        Put(Sign(List(1)), "trust/revocations.json");
        Assert.Contains("there is no list", (await AtAsync(feed, policy, 1)).Unread().Message, StringComparison.Ordinal);
        Assert.Equal(1, (await AtAsync(feed, policy, 3)).Found().Number);
        Put(Sign(List(22)), "trust/revocations.json");
        Assert.Equal(1, (await AtAsync(feed, policy, 4)).Found().Number);
        Assert.Equal(22, (await AtAsync(feed, policy, 5)).Found().Number);
        Assert.Equal([1, 22], risen);
        Assert.Equal(22, feed.HighestSeen);
    }

    public static TheoryData<string> Worse => ["an older list", "another list of the same number", "a list that nobody signed", "no list", "a list by whom the last one revoked"];

    [Theory, MemberData(nameof(Worse))]
    public async Task The_last_good_list_goes_on_counting_until_it_is_too_old(string worse)
    {
        using var feed = Feed();
        var policy = Policy();
        Put(Sign(List(5) with { People = ["p-2"] }));
        Assert.Equal(5, (await AtAsync(feed, policy, 0)).Found().Number);
        switch (worse)
        {
            case "an older list":
                Put(Sign(List(4)));
                break;
            case "another list of the same number":
                Put(Sign(List(5)));
                break;
            case "a list by whom the last one revoked":
                Put(Sign(List(6), Ben));
                break;
            case "no list":
                File.Delete(folder.PathOf("revocations.json"));
                break;
            default:
                Put("{}"u8.ToArray());
                break;
        }

        Assert.Contains("p-2", (await AtAsync(feed, policy, 3)).Found().People);
        Assert.Contains("p-2", (await AtAsync(feed, policy, 3600)).Found().People);
        var stale = (await AtAsync(feed, policy, 3700)).Unread();
        Assert.Contains("older than the policy allows", stale.Message, StringComparison.Ordinal);
        Assert.False(string.IsNullOrEmpty(stale.Remedy));
        Assert.Equal([5], risen);

        Put(Sign(List(6, Now.AddSeconds(3700))));
        Assert.Equal(6, (await AtAsync(feed, policy, 3703)).Found().Number);
    }

    [Fact]
    public async Task What_was_accepted_before_the_start_counts_and_is_followed_by_no_lower_number_and_no_other_list_of_its_number()
    {
        using var feed = Feed(new(Sign(List(9)), List(9)));
        Assert.Equal(9, feed.HighestSeen);
        foreach (var (worse, why) in new[] { (Sign(List(8)), "9 was seen before"), (Sign(List(9) with { People = [] }), "which say different things") })
        {
            Put(worse);
            Assert.Contains("p-9", (await AtAsync(feed, Policy(), 0)).Found().People);
            Assert.Contains(why, (await AtAsync(feed, Policy(), 3700)).Unread().Message, StringComparison.Ordinal);
        }

        Assert.Empty(risen);
        Put(Sign(List(10, Now.AddSeconds(3700))));
        Assert.Equal(10, (await AtAsync(feed, Policy(), 3703)).Found().Number);
        Assert.Equal([10], risen);
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Whom_the_last_list_revokes_signs_none_also_when_its_signer_no_longer_counts(bool started)
    {
        var last = List(5) with { People = ["p-1"] };
        using var feed = Feed(started ? new(Sign(last, Ben), last) : null);
        Put(Sign(last, Ben));
        Assert.Equal(5, (await AtAsync(feed, Policy(), 0)).Found().Number);

        // Ben may sign no lists any more, and so his last one counts no longer; Ann, whom it revokes, takes nothing back.
        var next = Policy(by: "[ann]");
        Put(Sign(List(6)));
        Assert.Contains("revoked by list 5", (await AtAsync(feed, next, 3)).Unread().Message, StringComparison.Ordinal);
        Put(Sign(List(5), Ann));
        Assert.Contains("revoked by list 5", (await AtAsync(feed, next, 6)).Unread().Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_that_cannot_be_kept_does_not_count()
    {
        Put(Sign(List()));
        using (var feed = new RevocationFeed(folder.Path, client, keep: (_, _) => throw new IOException("No space left on device")))
        {
            Assert.Contains("could not be taken over", (await AtAsync(feed, Policy(), 0)).Unread().Message, StringComparison.Ordinal);
            Assert.Null(feed.HighestSeen);
        }

        using var refused = new RevocationFeed(folder.Path, client, keep: (_, _) => ValueTask.FromResult<Reason?>(new("revocations", "the disk is full", "free space")));
        Assert.Contains("the disk is full", (await AtAsync(refused, Policy(), 0)).Unread().Message, StringComparison.Ordinal);
        Assert.Null(refused.HighestSeen);
    }

    [Fact]
    public async Task A_new_policy_reads_the_list_anew()
    {
        using var feed = Feed();
        Put(Sign(List(3), Ben));
        Assert.Equal(3, (await AtAsync(feed, Policy(), 0)).Found().Number);
        Assert.Contains("whom the rule does not name", (await AtAsync(feed, Policy(by: "[ann]"), 0)).Unread().Message, StringComparison.Ordinal);
        Assert.Equal(3, feed.HighestSeen);
        Assert.Equal(3, (await AtAsync(feed, Policy(), 0)).Found().Number);
    }

    [Fact]
    public async Task A_list_whose_signer_has_left_meanwhile_counts_no_longer()
    {
        using var feed = Feed();
        var policy = Policy(maxAge: "90d");
        Put(Sign(List(3), Ben));
        Assert.Equal(3, (await AtAsync(feed, policy, 0)).Found().Number);
        Assert.Contains("not in office", (await feed.CurrentAsync(policy, new(2026, 5, 2, 0, 0, 0, TimeSpan.Zero), TestContext.Current.CancellationToken)).Unread().Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_in_a_registry_is_asked_for_once_by_all_and_again_in_time()
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        var policy = Policy(from: $"oci://{registry.Host}/trust/revoked");
        using var feed = Feed();
        Assert.Contains("there is no list", (await AtAsync(feed, policy, 0)).Unread().Message, StringComparison.Ordinal);
        await PushAsync(registry, Sign(List(1)));
        registry.Log.Clear();
        var all = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => AtAsync(feed, policy, 10)));
        Assert.All(all, one => Assert.Equal(1, one.Found().Number));
        Assert.Equal(1, Asked(registry));

        await PushAsync(registry, Sign(List(2)));
        Assert.Equal(1, (await AtAsync(feed, policy, 69)).Found().Number);
        await feed.Settled;
        Assert.Equal(1, (await AtAsync(feed, policy, 69)).Found().Number);
        Assert.Equal(1, (await AtAsync(feed, policy, 70)).Found().Number);
        await feed.Settled;
        Assert.Equal(2, (await AtAsync(feed, policy, 71)).Found().Number);
    }

    [Fact]
    public async Task A_registry_that_hides_the_list_changes_nothing_until_it_is_too_old()
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        var policy = Policy(from: $"oci://{registry.Host}/trust/revoked");
        using var feed = Feed();
        await PushAsync(registry, Sign(List(1)));
        Assert.Equal(1, (await AtAsync(feed, policy, 0)).Found().Number);
        registry.Override = context =>
        {
            context.Response.StatusCode = 404;
            return Task.FromResult(true);
        };
        Assert.Contains("p-9", (await AtAsync(feed, policy, 3000)).Found().People);
        await feed.Settled;
        Assert.Contains("p-9", (await AtAsync(feed, policy, 3001)).Found().People);
        Assert.Contains("there is no list", (await AtAsync(feed, policy, 3700)).Unread().Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, string> Lies => new()
    {
        { "two layers", "does not hold one layer" },
        { "an index", "does not hold one layer" },
        { "no manifest", "is not JSON" },
        { "another blob", "returned other bytes" },
        { "a huge layer", "more than the" },
    };

    [Theory, MemberData(nameof(Lies))]
    public async Task A_registry_that_lies_is_unread(string lie, string message)
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        var blob = registry.AddBlob("trust/revoked", Sign(List()));
        var layer = $$"""{"mediaType":"application/json","digest":"{{blob}}","size":{{(lie == "a huge layer" ? int.MaxValue : Sign(List()).Length)}}}""";
        var manifest = lie switch
        {
            "two layers" => $$"""{"schemaVersion":2,"layers":[{{layer}},{{layer}}]}""",
            "an index" => """{"schemaVersion":2,"manifests":[]}""",
            "no manifest" => "<html>",
            _ => $$"""{"schemaVersion":2,"layers":[{{layer}}]}""",
        };
        registry.AddManifest("trust/revoked", System.Text.Encoding.UTF8.GetBytes(manifest), "application/vnd.oci.image.manifest.v1+json", RevocationStore.Tag);
        if (lie == "another blob")
        {
            registry.Override = async context =>
            {
                var isBlob = context.Request.Path.Value!.Contains("/blobs/", StringComparison.Ordinal);
                if (isBlob)
                {
                    await context.Response.Body.WriteAsync(new byte[8]);
                }

                return isBlob;
            };
        }

        using var feed = Feed();
        Assert.Contains(message, (await AtAsync(feed, Policy(from: $"oci://{registry.Host}/trust/revoked"), 0)).Unread().Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_two_who_publish_at_a_time_the_second_is_told()
    {
        await using var registry = await LoopbackRegistry.StartAsync();
        var layout = OciLayout.Create(folder.PathOf("layout"));
        (string From, IRegistry Registry)[] places = [("revocations.json", client), ($"oci://{registry.Host}/trust/revoked", client), ("oci://registry.example.com/trust/revoked", layout)];
        foreach (var (from, at) in places)
        {
            var store = new RevocationStore(folder.Path, at);
            Assert.Null((await store.ReadAsync(from, CancellationToken.None)).Found());
            (await store.WriteAsync(from, Sign(List(1)), null, CancellationToken.None)).Found();
            Assert.Contains("at the same time", (await store.WriteAsync(from, Sign(List(1)), null, CancellationToken.None)).Unread().Message, StringComparison.Ordinal);
            var standing = (await store.ReadAsync(from, CancellationToken.None)).Found();
            var second = Sign(List(2));
            (await store.WriteAsync(from, second, standing, CancellationToken.None)).Found();
            Assert.Equal(second, (await store.ReadAsync(from, CancellationToken.None)).Found()!.Value.ToArray());
        }

        Assert.Equal(["layout", "revocations.json"], Directory.EnumerateFileSystemEntries(folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    public void Dispose()
    {
        client.Dispose();
        folder.Dispose();
    }

    private static int Asked(LoopbackRegistry registry) => registry.Log.Count(line => line.Contains("/manifests/revocations", StringComparison.Ordinal));

    private RevocationFeed Feed(AcceptedRevocations? last = null) => new(folder.Path, client, last, (list, _) =>
    {
        risen.Add(list.List.Number);
        return ValueTask.FromResult<Reason?>(null);
    });

    private static Task<Reading<RevocationList>> AtAsync(RevocationFeed feed, Policy policy, int seconds) => feed.CurrentAsync(policy, Now.AddSeconds(seconds), TestContext.Current.CancellationToken).AsTask();

    private void Put(byte[] list, string name = "revocations.json") => File.WriteAllBytes(folder.PathOf(name), list);

    private async Task PushAsync(LoopbackRegistry registry, byte[] list) =>
        (await client.PushTaggedAsync(registry.Repository("trust/revoked"), RevocationStore.Tag, RevocationStatement.PredicateType, new("application/json", list, new Dictionary<string, string>()), CancellationToken.None)).Found();
}
