using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Clients.GateState;
using Governance.Gates.Clients.Revocations;
using Governance.Gates.Images;
using Governance.Gates.Revocations;
using Governance.Gates.Sigstore;
using Governance.Gates.Testing;
using Governance.Gates.Tests.Approvals;
using Governance.Gates.Tests.Revocations;

namespace Governance.Gates.Tests.Clients.GateState;

public sealed class GateStateFolderTests : IDisposable
{
    private static readonly NamedPolicyFile Release = Key("keys/release.pub");
    private static readonly NamedPolicyFile Security = Key("keys/security.pub");
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task A_folder_has_one_owner_at_a_time()
    {
        using (var first = Open())
        {
            var refused = Assert.Throws<GateException>(() => Open());
            Assert.Contains("in use", refused.Message, StringComparison.Ordinal);
            Assert.Contains("one gate", refused.Remedy, StringComparison.Ordinal);
            Admitted.Found(await first.AdmittedRecords.AppendAsync(Admitted.Record("uid-1"), null, CancellationToken.None));
        }

        using var second = Open();
        Assert.Single(await second.AdmittedRecords.FindAsync(Admitted.Record("uid-1").Place, CancellationToken.None));
    }

    [Fact]
    public async Task A_folder_that_was_given_back_takes_nothing_more()
    {
        var state = Open();
        state.Dispose();
        Assert.Contains("closed", Admitted.Unread(await state.AdmittedRecords.AppendAsync(Admitted.Record("uid-1"), null, CancellationToken.None)).Message, StringComparison.Ordinal);
        Admitted.Unread(await RememberAsync(state, 1, "one"));
        state.Dispose();
    }

    [Fact]
    public void A_file_where_the_folder_should_be_is_refused()
    {
        folder.Write("state", "");
        Assert.Contains("cannot be used", Assert.Throws<GateException>(() => Open()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_last_policy_is_known_after_a_restart_with_its_keys()
    {
        using (var state = Open())
        {
            Assert.Null(state.LastPolicy);
            await AcceptAsync(state, 1, "one", Release);
            await AcceptAsync(state, 2, "two", Release, Security);
        }

        using var again = Open();
        var last = again.LastPolicy!;
        Assert.Equal((2, Admitted.DigestOf("two"), "two"), (last.Version, last.Digest, Encoding.UTF8.GetString(last.Yaml.Span)));
        Assert.Equal(Release.Bytes.ToArray(), last.File("keys/release.pub")!.Value.ToArray());
        Assert.Equal(Security.Bytes.ToArray(), last.File("keys/security.pub")!.Value.ToArray());
        Assert.Null(last.File("keys/other.pub"));
    }

    [Fact]
    public async Task A_policy_is_remembered_once_and_never_goes_back()
    {
        using var state = Open();
        await AcceptAsync(state, 2, "two");
        await AcceptAsync(state, 2, "two");
        Assert.Contains("does not follow", Admitted.Unread(await RememberAsync(state, 1, "one")).Message, StringComparison.Ordinal);
        Assert.Contains("does not follow", Admitted.Unread(await RememberAsync(state, 2, "another two")).Message, StringComparison.Ordinal);
        await AcceptAsync(state, 3, "three");
        Assert.Equal(3, state.LastPolicy!.Version);
    }

    [Fact]
    public async Task What_is_no_policy_of_its_digest_is_not_remembered()
    {
        using var state = Open();
        Admitted.Unread(await state.RememberPolicyAsync(1, Admitted.DigestOf("one"), Bytes("two"), [], CancellationToken.None));
        Admitted.Unread(await RememberAsync(state, 1, "one", new NamedPolicyFile("keys/none.pub", Bytes("no key"))));
        Admitted.Unread(await RememberAsync(state, 1, "one", Release, Release));
        Assert.Null(state.LastPolicy);
    }

    [Fact]
    public async Task Old_policies_make_room_with_the_keys_that_only_they_name()
    {
        using var state = Open();
        await AcceptAsync(state, 1, "policy 1", Release);
        for (var version = 2; version <= 20; version++)
        {
            await AcceptAsync(state, version, $"policy {version}", Security);
        }

        Assert.Equal(16, Directory.GetFiles(folder.PathOf("state", "policies")).Length);
        Assert.Single(Directory.GetFiles(folder.PathOf("state", "keys")));
        state.Dispose();
        using var again = Open();
        Assert.Equal(20, again.LastPolicy!.Version);
    }

    [Fact]
    public async Task Revocation_numbers_only_rise_and_survive()
    {
        using (var state = Open())
        {
            Assert.Null(state.LastRevocations("file"));
            Assert.Equal(7, Assert.IsType<Reading<long>.Found>(await SeeAsync(state, "file", 7, "seven")).Value);
            Assert.IsType<Reading<long>.Found>(await SeeAsync(state, "registry.example/revocations", 3, "three"));
            Assert.IsType<Reading<long>.Found>(await SeeAsync(state, "file", 7, "seven"));
            Assert.Contains("does not follow", Admitted.Unread(await SeeAsync(state, "file", 6, "six")).Message, StringComparison.Ordinal);
            Assert.Contains("does not follow", Admitted.Unread(await SeeAsync(state, "file", 7, "another seven")).Message, StringComparison.Ordinal);
        }

        using var again = Open();
        Assert.Equal((7L, 3L), (again.LastRevocations("file")!.List.Number, again.LastRevocations("registry.example/revocations")!.List.Number));
        Admitted.Unread(await SeeAsync(again, "file", 6, "six"));
        Admitted.Unread(await SeeAsync(again, "file", 7, "another seven"));
        Assert.IsType<Reading<long>.Found>(await SeeAsync(again, "file", 8, "eight"));
    }

    [Fact]
    public async Task The_last_list_of_a_source_is_kept_whole_and_no_other()
    {
        using (var state = Open())
        {
            await SeeAsync(state, "file", 7, "seven");
            await SeeAsync(state, "file", 8, "eight");
        }

        using var again = Open();
        var kept = again.LastRevocations("file")!;
        Assert.Equal(Bytes("8: eight"), kept.Signed.ToArray());
        Assert.Equal(RevocationStatement.Predicate(Lists.List(8)), RevocationStatement.Predicate(kept.List));
        Assert.Single(Directory.GetFiles(folder.PathOf("state", "revocations")));
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData("file", 0)]
    [InlineData("file", -1)]
    public async Task A_list_without_a_source_or_a_number_is_refused(string source, long number)
    {
        using var state = Open();
        Admitted.Unread(await SeeAsync(state, source, number, "list"));
    }

    [Fact]
    public async Task There_is_an_end_to_the_sources()
    {
        using var state = Open();
        for (var i = 0; i < 256; i++)
        {
            Assert.IsType<Reading<long>.Found>(await SeeAsync(state, $"source {i}", 1, "list"));
        }

        Admitted.Unread(await SeeAsync(state, "one more", 1, "list"));
        Assert.IsType<Reading<long>.Found>(await SeeAsync(state, "source 0", 2, "list"));
    }

    public static TheoryData<string, Action<string>> Tampered => new()
    {
        { "the policy's bytes", state => Change(state, "policies/*.yaml", "one", "two") },
        { "the policy is gone", state => File.Delete(One(state, "policies/*.yaml")) },
        { "another key under its name", state => File.WriteAllBytes(One(state, "keys/*.pub"), Security.Bytes.ToArray()) },
        { "the key is gone", state => File.Delete(One(state, "keys/*.pub")) },
        { "a lower version", state => Change(state, "accepted-policy.json", "\"version\":5", "\"version\":4") },
        { "a lower revocation number", state => Change(state, "revocations.json", "\"number\":7", "\"number\":6") },
        { "another source", state => Change(state, "revocations.json", "\"file\"", "\"elif\"") },
        { "the list is gone", state => File.Delete(One(state, "revocations/*.json")) },
        { "whom the list revokes", state => Change(state, "revocations/*.json", "p-9", "p-8") },
        { "another list under its name", PutAnotherList },
        { "an empty list of policies", state => File.WriteAllText(Path.Combine(state, "accepted-policy.json"), "") },
        { "an empty list of revocations", state => File.WriteAllText(Path.Combine(state, "revocations.json"), "") },
        { "one file's line in the other", state => File.Copy(Path.Combine(state, "accepted-policy.json"), Path.Combine(state, "revocations.json"), overwrite: true) },
        { "the counts are gone", state => File.Delete(Path.Combine(state, "admitted.jsonl")) },
        { "a later version", state => File.WriteAllBytes(Path.Combine(state, "revocations.json"), SealedLine.Write(SealedLine.NoSum, "revocations", """{"v":1,"critical":["later"],"sources":[]}"""u8, out _)) },
        { "a number twice", state => File.WriteAllBytes(Path.Combine(state, "revocations.json"), SealedLine.Write(SealedLine.NoSum, "revocations", """{"v":1,"critical":[],"sources":[],"sources":[]}"""u8, out _)) },
    };

    [Theory, MemberData(nameof(Tampered))]
    public async Task What_was_changed_by_hand_is_refused(string because, Action<string> change)
    {
        using (var state = Open())
        {
            await AcceptAsync(state, 5, "one", Release);
            await SeeAsync(state, "file", 7, "seven");
        }

        Open().Dispose();
        change(folder.PathOf("state"));
        var refused = Record.Exception(() => Open().Dispose());
        Assert.True(refused is GateException { Remedy: var remedy } && remedy.Contains("backup", StringComparison.Ordinal), $"{because}: {refused}");
    }

    [Fact]
    public async Task What_a_crash_left_half_written_beside_a_file_is_not_read()
    {
        using (var state = Open())
        {
            await AcceptAsync(state, 1, "one", Release);
            await SeeAsync(state, "file", 7, "seven");
        }

        foreach (var name in new[] { "accepted-policy.json.new", "revocations.json.new", "admitted.jsonl.new" })
        {
            await File.WriteAllTextAsync(folder.PathOf("state", name), "{\"sum\":\"half");
        }

        using var again = Open();
        await AcceptAsync(again, 2, "two", Release);
        Assert.IsType<Reading<long>.Found>(await SeeAsync(again, "file", 8, "eight"));
    }

    [Fact]
    public async Task A_policy_that_cannot_be_written_is_not_remembered()
    {
        using (var state = Open())
        {
            await AcceptAsync(state, 1, "one");
            Directory.Delete(folder.PathOf("state", "keys"));
            folder.Write("state/keys", "a file where a folder belongs");
            Assert.Contains("could not be written", Admitted.Unread(await RememberAsync(state, 2, "two", Release)).Message, StringComparison.Ordinal);
            Assert.Equal(1, state.LastPolicy!.Version);
        }

        using var again = Open();
        Assert.Equal(1, again.LastPolicy!.Version);
    }

    [Fact]
    public async Task A_trusted_root_is_known_after_a_restart_with_its_policy_and_one_that_was_changed_keeps_the_gate_from_starting()
    {
        var root = new NamedPolicyFile("roots/2026.json", SigstoreInstance.PublicGood.Json);
        using (var state = Open())
        {
            await AcceptAsync(state, 1, "one", Release, root);
            Admitted.Unread(await RememberAsync(state, 2, "two", new NamedPolicyFile("roots/none.json", Bytes("{}"))));
        }

        using (var state = Open())
        {
            Assert.Equal(SigstoreInstance.PublicGood.Json.ToArray(), state.LastPolicy!.File("roots/2026.json")!.Value.ToArray());
            Assert.Equal(Release.Bytes.ToArray(), state.LastPolicy.File(Release.Name)!.Value.ToArray());
        }

        var kept = Path.Combine(folder.PathOf("state"), "roots", Digest.Of(SigstoreInstance.PublicGood.Json.Span).Hex + ".json");
        await File.AppendAllTextAsync(kept, " ", TestContext.Current.CancellationToken);
        Assert.Contains("holds something else than its name says", Assert.Throws<GateException>(() => Open()).Message, StringComparison.Ordinal);
    }

    private GateStateFolder Open() => GateStateFolder.Open(folder.PathOf("state"), TimeProvider.System);

    private static async Task AcceptAsync(GateStateFolder state, long version, string yaml, params NamedPolicyFile[] keys) =>
        Assert.Equal(version, Assert.IsType<Reading<AcceptedPolicy>.Found>(await RememberAsync(state, version, yaml, keys)).Value.Version);

    private static async Task<Reading<AcceptedPolicy>> RememberAsync(GateStateFolder state, long version, string yaml, params NamedPolicyFile[] keys) =>
        await state.RememberPolicyAsync(version, Digest.Of(Bytes(yaml)), Bytes(yaml), [.. keys], CancellationToken.None);

    private static async Task<Reading<long>> SeeAsync(GateStateFolder state, string source, long number, string list) =>
        await state.RememberRevocationsAsync(source, Accepted(number, list), CancellationToken.None);

    private static AcceptedRevocations Accepted(long number, string list) => new(Bytes($"{number}: {list}"), Lists.List(number));

    private static NamedPolicyFile Key(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new(name, Bytes(key.ExportSubjectPublicKeyInfoPem()));
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static void PutAnotherList(string state)
    {
        using var place = new TemporaryFolder();
        using (var other = GateStateFolder.Open(place.PathOf("state"), TimeProvider.System))
        {
            Assert.IsType<Reading<long>.Found>(SeeAsync(other, "file", 7, "other").GetAwaiter().GetResult());
        }

        File.Copy(One(place.PathOf("state"), "revocations/*.json"), One(state, "revocations/*.json"), overwrite: true);
    }

    private static string One(string state, string pattern) =>
        Assert.Single(Directory.GetFiles(Path.Combine(state, Path.GetDirectoryName(pattern)!), Path.GetFileName(pattern)));

    private static void Change(string state, string pattern, string written, string instead)
    {
        var path = One(state, pattern);
        var text = File.ReadAllText(path);
        Assert.Contains(written, text, StringComparison.Ordinal);
        File.WriteAllText(path, text.Replace(written, instead, StringComparison.Ordinal));
    }
}
