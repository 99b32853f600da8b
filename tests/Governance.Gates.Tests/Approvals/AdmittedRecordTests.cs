using System.Text;
using Governance.Gates.Approvals;

namespace Governance.Gates.Tests.Approvals;

public sealed class AdmittedRecordTests
{
    private static readonly string Sound = Admitted.Json(Admitted.Record("uid-1", Admitted.Begun.AddDays(30), "template", "request-1"));

    // Written by version 1. It stays as it is: what was recorded then must be readable ever after.
    private const string Golden = """
        {"v":1,"critical":[],"id":"uid-1","environment":"production","cluster":"9f1c7e9e-0000-4000-8000-000000000001","namespace":"trading","serviceAccount":"orders","template":"sha256:TEMPLATE","artifacts":["sha256:FIRST","sha256:SECOND"],"policy":"sha256:POLICY","uses":[{"action":"deploy","request":{"id":"request-1","digest":"sha256:REQUEST"},"approvals":["approval-1","approval-2"]}],"begunAt":"2026-03-02T09:30:00Z","runUntil":"2026-04-01T09:30:00Z"}
        """;

    [Fact]
    public void A_record_has_one_canonical_form()
    {
        var artifacts = new[] { Admitted.DigestOf("image a").Hex, Admitted.DigestOf("image b").Hex }.Order(StringComparer.Ordinal).ToArray();
        var golden = Golden.Trim()
            .Replace("TEMPLATE", Admitted.DigestOf("template").Hex, StringComparison.Ordinal)
            .Replace("FIRST", artifacts[0], StringComparison.Ordinal)
            .Replace("SECOND", artifacts[1], StringComparison.Ordinal)
            .Replace("POLICY", Admitted.DigestOf("policy").Hex, StringComparison.Ordinal)
            .Replace("REQUEST", Admitted.DigestOf("request-1").Hex, StringComparison.Ordinal);
        Assert.Equal(golden, Sound);
        Assert.Equal(golden, Admitted.Json(Admitted.Found(Read(golden))));
    }

    [Fact]
    public void Who_signed_is_kept_with_their_keys()
    {
        var record = Admitted.Record("uid-1", requests: "request-1");
        record = record with { Uses = [record.Uses[0] with { Signers = [new("p-1", Admitted.DigestOf("key 1")), new("p-2", Admitted.DigestOf("key 2"))] }] };
        var json = Admitted.Json(record);
        Assert.Contains($"\"approvals\":[\"approval-1\",\"approval-2\"],\"signers\":[{{\"person\":\"p-1\",\"key\":\"{Admitted.DigestOf("key 1")}\"}},{{\"person\":\"p-2\",\"key\":\"{Admitted.DigestOf("key 2")}\"}}]}}]", json, StringComparison.Ordinal);
        Assert.Equal(record.Uses[0].Signers, Admitted.Found(Read(json)).Uses[0].Signers);
        Assert.Equal(json, Admitted.Json(Admitted.Found(Read(json))));
        Admitted.Unread(Read(json.Replace("\"person\":\"p-1\"", "\"person\":\"\"", StringComparison.Ordinal)));
        Admitted.Unread(Read(json.Replace("\"signers\":[", "\"signers\":[7,", StringComparison.Ordinal)));
        var many = record with { Uses = [record.Uses[0] with { Signers = [.. Enumerable.Range(0, 34).Select(i => new RecordedSigner($"p-{i}", Admitted.DigestOf("key")))] }] };
        Assert.Contains("more than 33 signers", many.Mistake, StringComparison.Ordinal);
    }

    [Fact]
    public void What_has_no_end_and_no_cluster_says_nothing_about_them()
    {
        var json = Admitted.Json(Admitted.Record("uid-1") with { Cluster = null });
        Assert.DoesNotContain("runUntil", json, StringComparison.Ordinal);
        Assert.DoesNotContain("cluster", json, StringComparison.Ordinal);
        var read = Admitted.Found(Read(json));
        Assert.Null(read.RunUntil);
        Assert.Null(read.Cluster);
        Assert.True(read.IsLiveAt(DateTimeOffset.MaxValue));
    }

    [Theory]
    [InlineData(-1, true)]
    [InlineData(0, false)]
    [InlineData(1, false)]
    public void A_record_lives_until_its_end(int ticks, bool isLive) =>
        Assert.Equal(isLive, Admitted.Record("uid-1", Admitted.Begun).IsLiveAt(Admitted.Begun.AddTicks(ticks)));

    [Fact]
    public void An_instant_is_kept_to_the_tick_and_in_utc()
    {
        var end = new DateTimeOffset(2026, 3, 2, 9, 30, 0, TimeSpan.FromHours(2)).AddTicks(1);
        var read = Admitted.Found(Read(Admitted.Json(Admitted.Record("uid-1", end))));
        Assert.Equal(end, read.RunUntil);
        Assert.Equal(TimeSpan.Zero, read.RunUntil!.Value.Offset);
    }

    [Fact]
    public void An_unknown_field_is_ignored() =>
        Assert.Equal(Sound, Admitted.Json(Admitted.Found(Read(Sound.Replace("\"v\":1", "\"v\":1,\"later\":{\"a\":[1]}", StringComparison.Ordinal)))));

    [Fact]
    public void A_known_field_that_must_be_known_is_no_hindrance() =>
        Assert.Equal(Sound, Admitted.Json(Admitted.Found(Read(Sound.Replace("\"critical\":[]", "\"critical\":[\"runUntil\"]", StringComparison.Ordinal)))));

    public static TheoryData<string, string, string> Refused => new()
    {
        { "\"critical\":[]", "\"critical\":[\"later\"]", "must know" },
        { "\"critical\":[]", "\"critical\":[1]", "critical" },
        { "\"critical\":[],", "", "critical" },
        { "\"v\":1", "\"v\":2", "version" },
        { "\"v\":1", "\"v\":\"1\"", "version" },
        { "\"v\":1", "\"v\":1.5", "version" },
        { "\"v\":1", "\"v\":1,\"v\":1", "strict JSON" },
        { "\"id\":\"uid-1\"", "\"id\":\"\"", "id" },
        { "\"id\":\"uid-1\"", "\"id\":null", "id" },
        { "\"id\":\"uid-1\"", "\"id\":\"\\ud800\"", "strict JSON" },
        { "\"id\":\"uid-1\"", "\"id\":\"two\\nlines\"", "id" },
        { "\"cluster\":\"9f1c7e9e-0000-4000-8000-000000000001\"", "\"cluster\":null", "cluster" },
        { "\"environment\":\"production\",", "", "environment" },
        { "\"template\":\"sha256:", "\"template\":\"sha512:", "template" },
        { "\"artifacts\":[", "\"artifacts\":[null,", "artifacts" },
        { "\"uses\":[", "\"uses\":[{},", "uses" },
        { "\"approvals\":[", "\"approvals\":[{},", "approvals" },
        { "2026-04-01T09:30:00Z", "2026-04-01T09:30:00+02:00", "runUntil" },
        { "\"2026-04-01T09:30:00Z\"", "null", "runUntil" },
        { "2026-03-02T09:30:00Z", "yesterday", "begunAt" },
    };

    [Theory, MemberData(nameof(Refused))]
    public void A_record_that_is_not_understood_is_refused(string written, string instead, string because)
    {
        Assert.Contains(written, Sound, StringComparison.Ordinal);
        Assert.Contains(because, Admitted.Unread(Read(Sound.Replace(written, instead, StringComparison.Ordinal))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void No_bytes_make_reading_throw()
    {
        var sound = Encoding.UTF8.GetBytes(Sound);
        for (var at = 0; at < sound.Length; at++)
        {
            Admitted.Unread(AdmittedRecord.Read(sound.AsMemory(0, at)));
            foreach (var wrong in "\0\"\\{}[],:9\u00ff")
            {
                byte[] changed = [.. sound];
                changed[at] = (byte)wrong;
                Assert.NotNull(AdmittedRecord.Read(changed));
            }
        }
    }

    public static TheoryData<string, Func<AdmittedRecord, AdmittedRecord>> TooMuch => new()
    {
        { "long id", record => record with { Id = new('x', 257) } },
        { "control character", record => record with { Namespace = "a\u001b[2J" } },
        { "empty environment", record => record with { Environment = "" } },
        { "artifacts", record => record with { Artifacts = [.. Enumerable.Range(0, AdmittedRecord.MostArtifacts + 1).Select(i => Admitted.DigestOf($"{i}"))] } },
        { "uses", record => record with { Uses = [.. Enumerable.Repeat(Use(1), AdmittedRecord.MostUses + 1)] } },
        { "approvals", record => record with { Uses = [Use(AdmittedRecord.MostApprovals + 1)] } },
    };

    [Theory, MemberData(nameof(TooMuch))]
    public void What_is_too_much_to_record_says_so_and_has_no_json(string because, Func<AdmittedRecord, AdmittedRecord> change)
    {
        var record = change(Admitted.Record("uid-1"));
        Assert.True(record.Mistake is not null, because);
        Assert.Throws<InvalidOperationException>(record.ToJson);
    }

    [Fact]
    public void The_largest_record_fits_into_its_bound()
    {
        var text = new string('"', 256);
        var record = Admitted.Record(text) with
        {
            Artifacts = [.. Enumerable.Range(0, AdmittedRecord.MostArtifacts).Select(i => Admitted.DigestOf($"{i}"))],
            Uses = [.. Enumerable.Repeat(new ApprovedUse(text, text, Admitted.DigestOf("r"), [.. Enumerable.Repeat(text, AdmittedRecord.MostApprovals)]), AdmittedRecord.MostUses)],
        };
        Assert.InRange(record.ToJson().Length, 200_000, AdmittedRecord.MostBytes);
        Assert.Equal(Admitted.Json(record), Admitted.Json(Admitted.Found(AdmittedRecord.Read(record.ToJson()))));
    }

    private static ApprovedUse Use(int approvals) => new("deploy", "request", Admitted.DigestOf("r"), [.. Enumerable.Repeat("a", approvals)]);

    private static Reading<AdmittedRecord> Read(string json) => AdmittedRecord.Read(Encoding.UTF8.GetBytes(json));
}
