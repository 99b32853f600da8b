using FsCheck;
using FsCheck.Fluent;
using Governance.Gates.Approvals;
using Governance.Gates.Clients.GateState;
using Governance.Gates.Testing;
using Governance.Gates.Tests.Approvals;
using Governance.Gates.Tests.Revocations;

namespace Governance.Gates.Tests.Clients.GateState;

public sealed class AdmittedRecordsTests : IDisposable
{
    private static readonly GateStateLimits Small = new() { CompactFrom = 4 };
    private readonly TemporaryFolder folder = new();
    private readonly ForwardClock clock = new();

    private string Lines => folder.PathOf("state", "admitted.jsonl");

    private DateTimeOffset Now => clock.GetUtcNow();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task What_was_admitted_is_known_after_a_restart()
    {
        var record = Admitted.Record("uid-1", Now.AddDays(1), "template", "request-1", "request-2");
        using (var state = Open())
        {
            Admitted.Found(await AppendAsync(state, record));
        }

        using var again = Open();
        var found = Assert.Single(await FindAsync(again, record));
        Assert.Equal(Admitted.Json(record), Admitted.Json(found));
        Assert.Equal((1, 1, 0), (await UsesAsync(again, "request-1"), await UsesAsync(again, "request-2"), await UsesAsync(again, "request-3")));
        Assert.Empty(again.Findings);
    }

    public static TheoryData<string, AdmittedPlace> OtherPlaces
    {
        get
        {
            var place = Admitted.Record("uid-1").Place;
            return new()
            {
                { "another environment", place with { Environment = "staging" } },
                { "another namespace", place with { Namespace = "risk" } },
                { "another service account", place with { ServiceAccount = "default" } },
                { "another template", place with { Template = Admitted.DigestOf("other") } },
            };
        }
    }

    [Theory, MemberData(nameof(OtherPlaces))]
    public async Task A_record_is_found_in_its_own_place_only(string because, AdmittedPlace place)
    {
        using var state = Open();
        await AppendAsync(state, Admitted.Record("uid-1"));
        Assert.True((await state.AdmittedRecords.FindAsync(place, CancellationToken.None)).IsEmpty, because);
    }

    public static TheoryData<string> Stores => ["file", "memory"];

    [Theory, MemberData(nameof(Stores))]
    public async Task A_review_that_is_sent_again_gets_its_first_record_and_counts_once(string store)
    {
        using var state = Open();
        var records = Records(store, state);
        var first = Admitted.Record("uid-1", Now.AddDays(1), "template", "request-1");
        Admitted.Found(await records.AppendAsync(first, 1, CancellationToken.None));
        var again = await records.AppendAsync(first with { BegunAt = first.BegunAt.AddSeconds(5), RunUntil = null }, 1, CancellationToken.None);
        Assert.Equal(Admitted.Json(first), Admitted.Json(Admitted.Found(again)));
        Assert.Equal(1, await records.UsesAsync("request-1", CancellationToken.None));
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task The_id_of_one_review_does_not_admit_another(string store)
    {
        using var state = Open();
        var records = Records(store, state);
        var first = Admitted.Record("uid-1", null, "template", "request-1");
        Admitted.Found(await records.AppendAsync(first, null, CancellationToken.None));
        foreach (var other in new[] { first with { Namespace = "risk" }, first with { Template = Admitted.DigestOf("other") }, first with { Artifacts = [Admitted.DigestOf("other")] } })
        {
            Assert.Contains("uid-1", Admitted.Unread(await records.AppendAsync(other, null, CancellationToken.None)).Message, StringComparison.Ordinal);
        }
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task A_request_is_not_used_more_often_than_it_may_be(string store)
    {
        using var state = Open();
        var records = Records(store, state);
        Admitted.Found(await records.AppendAsync(Admitted.Record("uid-1", null, "a", "request-1"), 2, CancellationToken.None));
        Admitted.Found(await records.AppendAsync(Admitted.Record("uid-2", null, "b", "request-1"), 2, CancellationToken.None));
        Assert.Contains("request-1", Admitted.Unread(await records.AppendAsync(Admitted.Record("uid-3", null, "c", "other", "request-1"), 2, CancellationToken.None)).Message, StringComparison.Ordinal);
        Assert.Equal(2, await records.UsesAsync("request-1", CancellationToken.None));
        Assert.Equal(0, await records.UsesAsync("other", CancellationToken.None));
        Assert.Empty(await records.FindAsync(Admitted.Record("uid-3", null, "c").Place, CancellationToken.None));
        Admitted.Found(await records.AppendAsync(Admitted.Record("uid-4", null, "d", "request-1"), null, CancellationToken.None));
    }

    [Theory]
    [InlineData("file", 1)]
    [InlineData("file", 5)]
    [InlineData("memory", 1)]
    [InlineData("memory", 5)]
    public async Task Of_many_that_ask_at_once_exactly_as_many_as_may_get_a_use(string store, int mostUses)
    {
        using var state = Open();
        var records = Records(store, state);
        var asked = Enumerable.Range(0, 32).Select(i => Task.Run(async () =>
            await records.AppendAsync(Admitted.Record($"uid-{i}", null, $"template {i}", "request-1"), mostUses, CancellationToken.None)));
        var answers = await Task.WhenAll(asked);
        Assert.Equal(mostUses, answers.Count(answer => answer is Reading<AdmittedRecord>.Found));
        Assert.Equal(mostUses, await records.UsesAsync("request-1", CancellationToken.None));
        if (store == "file")
        {
            state.Dispose();
            using var again = Open();
            Assert.Equal(mostUses, await UsesAsync(again, "request-1"));
        }
    }

    [Theory, MemberData(nameof(Stores))]
    public async Task What_cannot_be_recorded_is_not_admitted(string store)
    {
        using var state = Open();
        var hostile = Admitted.Record("uid-1") with { ServiceAccount = "a\nb" };
        Assert.Contains("cannot be recorded", Admitted.Unread(await Records(store, state).AppendAsync(hostile, null, CancellationToken.None)).Message, StringComparison.Ordinal);
    }

    // What a write leaves behind that a crash interrupts: a part of the line, the line without its end, or a length whose bytes never came.
    public static TheoryData<string, Func<string, byte[]>> TornTails => new()
    {
        { "one byte", line => Bytes(line[..1]) },
        { "half a line", line => Bytes(line[..(line.Length / 2)]) },
        { "all but the line feed", line => Bytes(line[..^1]) },
        { "only zeros", line => new byte[line.Length] },
        { "zeros and the end of the line", line => [.. new byte[line.Length / 2], .. Bytes(line[(line.Length / 2)..])] },
        { "the line and zeros in it", line => [.. Bytes(line[..20]), .. new byte[line.Length - 20]] },
    };

    [Theory, MemberData(nameof(TornTails))]
    public async Task A_write_that_was_not_finished_is_cut_and_told(string because, Func<string, byte[]> tear)
    {
        await FillAsync(3);
        var lines = await File.ReadAllLinesAsync(Lines);
        var whole = new FileInfo(Lines).Length - lines[2].Length - 1;
        using (var file = new FileStream(Lines, FileMode.Open))
        {
            file.SetLength(whole);
            file.Seek(0, SeekOrigin.End);
            file.Write(tear(lines[2] + "\n"));
        }

        using (var state = Open())
        {
            Assert.Contains("line 2", Assert.Single(state.Findings).Message, StringComparison.Ordinal);
            Assert.Equal(whole, new FileInfo(Lines).Length);
            Assert.Equal(2, await UsesAsync(state, "request"));
            Admitted.Found(await AppendAsync(state, Admitted.Record("uid-after", null, "template", "request")));
        }

        using var again = Open();
        Assert.True(again.Findings.IsEmpty, because);
        Assert.Equal(3, await UsesAsync(again, "request"));
    }

    public static TheoryData<int, string, Func<string[], string[]>> Corruptions => new()
    {
        { 2, "a changed digit", lines => [lines[0], lines[1].Replace("uid-1", "uid-9", StringComparison.Ordinal), lines[2]] },
        { 1, "a changed first line", lines => [lines[0].Replace("request", "tseuqer", StringComparison.Ordinal), lines[1], lines[2]] },
        { 3, "a changed last line: it was answered", lines => [lines[0], lines[1], lines[2].Replace("uid-2", "uid-9", StringComparison.Ordinal)] },
        { 2, "a line that is gone", lines => [lines[0], lines[2]] },
        { 1, "the first line gone", lines => [lines[1], lines[2]] },
        { 2, "two lines that changed places", lines => [lines[0], lines[2], lines[1]] },
        { 3, "a line twice", lines => [lines[0], lines[1], lines[1], lines[2]] },
        { 2, "an empty line", lines => [lines[0], "", lines[1], lines[2]] },
        { 2, "zeros before the end", lines => [lines[0], new('\0', 100), lines[2]] },
        { 2, "another program's line", lines => [lines[0], "{}", lines[1], lines[2]] },
        { 1, "a line that never ends", lines => [new('x', 600 * 1024), .. lines] },
    };

    [Theory, MemberData(nameof(Corruptions))]
    public async Task A_line_that_is_not_as_it_was_written_is_refused_by_its_number(int line, string because, Func<string[], string[]> change)
    {
        await FillAsync(3);
        await File.WriteAllTextAsync(Lines, string.Concat(change(await File.ReadAllLinesAsync(Lines)).Select(one => one + "\n")));
        var before = await File.ReadAllBytesAsync(Lines);
        var refused = Assert.Throws<GateException>(() => Open());
        Assert.True(refused.Message.Contains($"line {line} ", StringComparison.Ordinal), $"{because}: {refused.Message}");
        Assert.Contains("backup", refused.Remedy, StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllBytesAsync(Lines));
    }

    [Theory]
    [InlineData("record", """{"v":1,"critical":["later"],"id":"uid-1"}""")]
    [InlineData("record", """{"v":2}""")]
    [InlineData("used", """{"v":1,"critical":["later"],"request":"r","count":1}""")]
    [InlineData("used", """{"v":1,"critical":[],"request":"r"}""")]
    [InlineData("later", "{}")]
    public async Task A_line_of_a_later_version_is_refused_and_not_skipped(string kind, string value)
    {
        await FillAsync(0);
        await File.WriteAllBytesAsync(Lines, SealedLine.Write(SealedLine.NoSum, kind, Bytes(value), out _));
        var refused = Assert.Throws<GateException>(() => Open());
        Assert.Contains("line 1 ", refused.Message, StringComparison.Ordinal);
        Assert.Contains("later", refused.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Appends_that_the_disk_has_no_space_for_are_not_answered_yes_until_a_restart()
    {
        await FillAsync(1);
        var kept = folder.PathOf("kept");
        File.Move(Lines, kept);
        File.CreateSymbolicLink(Lines, "/dev/full");
        using (var state = Open())
        {
            var record = Admitted.Record("uid-full", null, "template", "request");
            Assert.Contains("state folder could not be written", Admitted.Unread(await AppendAsync(state, record)).Message, StringComparison.Ordinal);
            Assert.Empty(await FindAsync(state, record));
            Assert.Equal(0, await UsesAsync(state, "request"));

            // Space that comes back does not make the store trust the disk again.
            File.Delete(Lines);
            File.Copy(kept, Lines);
            Admitted.Unread(await AppendAsync(state, record));
            Admitted.Unread(await state.RememberRevocationsAsync("list", new("list"u8.ToArray(), Lists.List()), CancellationToken.None));
        }

        using var again = Open();
        Admitted.Found(await AppendAsync(again, Admitted.Record("uid-full", null, "template", "request")));
        Assert.Equal(2, await UsesAsync(again, "request"));
    }

    [Fact]
    public async Task A_failed_write_of_one_file_ends_the_writing_of_all()
    {
        using var state = Open();
        Directory.CreateDirectory(folder.PathOf("state", "revocations.json"));
        Assert.Contains("could not be written", Admitted.Unread(await state.RememberRevocationsAsync("list", new("list"u8.ToArray(), Lists.List()), CancellationToken.None)).Message, StringComparison.Ordinal);
        Assert.Null(state.LastRevocations("list"));
        Admitted.Unread(await AppendAsync(state, Admitted.Record("uid-1")));
    }

    [Fact]
    public async Task Records_that_cannot_be_written_anew_end_the_writing_and_lose_nothing()
    {
        using (var state = Open(Small))
        {
            for (var i = 0; i < 4; i++)
            {
                Admitted.Found(await AppendAsync(state, Admitted.Record($"uid-{i}", Now.AddHours(1), $"t{i}", "request")));
            }

            Directory.CreateDirectory(Lines + ".new");
            clock.Advance(TimeSpan.FromDays(3));
            Admitted.Unread(await AppendAsync(state, Admitted.Record("uid-4", null, "t4", "request")));
            Admitted.Unread(await AppendAsync(state, Admitted.Record("uid-5", null, "t5", "request")));
        }

        Assert.Throws<GateException>(() => Open(Small));
        Directory.Delete(Lines + ".new");
        using var again = Open(Small);
        Assert.Equal(4, await UsesAsync(again, "request"));
    }

    [Fact]
    public async Task What_has_ended_is_forgotten_and_what_it_used_is_not()
    {
        var live = Admitted.Record("uid-live", Now.AddDays(30), "live", "request-1");
        var endless = Admitted.Record("uid-endless", null, "endless", "request-2");
        using (var state = Open(Small))
        {
            Admitted.Found(await AppendAsync(state, live));
            Admitted.Found(await AppendAsync(state, endless));
            for (var i = 0; i < 6; i++)
            {
                Admitted.Found(await AppendAsync(state, Admitted.Record($"uid-{i}", Now.AddHours(1), $"t{i}", "one-off " + i, "request-1")));
            }

            clock.Advance(TimeSpan.FromHours(20));
            Admitted.Found(await AppendAsync(state, Admitted.Record("uid-0", Now, "t0")));
            Assert.Equal(8, File.ReadLines(Lines).Count());

            clock.Advance(TimeSpan.FromDays(2));
            Admitted.Unread(await AppendAsync(state, Admitted.Record("uid-again", null, "t0", "one-off 0"), 1));
            Assert.Equal(["uid-endless", "uid-live"], RecordsIn(Lines));
            await CheckAsync(state);
            Admitted.Found(await AppendAsync(state, Admitted.Record("uid-new", null, "new", "request-2")));
        }

        using var again = Open(Small);
        await CheckAsync(again);
        Assert.Equal(2, await UsesAsync(again, "request-2"));

        async Task CheckAsync(GateStateFolder state)
        {
            Assert.Equal(Admitted.Json(live), Admitted.Json(Assert.Single(await FindAsync(state, live))));
            Assert.Equal(Admitted.Json(endless), Admitted.Json(Assert.Single(await FindAsync(state, endless))));
            Assert.Empty(await FindAsync(state, Admitted.Record("uid-0", null, "t0")));
            Assert.Equal((7, 1), (await UsesAsync(state, "request-1"), await UsesAsync(state, "one-off 5")));
        }
    }

    [Fact]
    public async Task Fields_that_only_a_later_version_knows_survive()
    {
        await FillAsync(0);
        var later = Admitted.Json(Admitted.Record("uid-later", null, "later")).Replace("\"critical\"", "\"later\":[1],\"critical\"", StringComparison.Ordinal);
        await File.WriteAllBytesAsync(Lines, SealedLine.Write(SealedLine.NoSum, "record", Bytes(later), out _));
        using (var state = Open(Small))
        {
            for (var i = 0; i < 4; i++)
            {
                Admitted.Found(await AppendAsync(state, Admitted.Record($"uid-{i}", Now.AddHours(1), $"t{i}")));
            }
        }

        clock.Advance(TimeSpan.FromDays(2));
        Open(Small).Dispose();
        Assert.Contains(later, Assert.Single(await File.ReadAllLinesAsync(Lines)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_full_store_refuses_and_takes_again_once_records_have_ended()
    {
        using var state = Open(new() { MostRecords = 2, MostRequests = 3 });
        Admitted.Found(await AppendAsync(state, Admitted.Record("uid-1", Now.AddHours(1), "a", "request-1")));
        Admitted.Found(await AppendAsync(state, Admitted.Record("uid-2", null, "b", "request-2")));
        Assert.Contains("full", Admitted.Unread(await AppendAsync(state, Admitted.Record("uid-3", null, "c"))).Message, StringComparison.Ordinal);
        clock.Advance(TimeSpan.FromDays(2));
        Admitted.Found(await AppendAsync(state, Admitted.Record("uid-3", Now.AddHours(1), "c", "request-3")));
        clock.Advance(TimeSpan.FromDays(2));
        Assert.Contains("full", Admitted.Unread(await AppendAsync(state, Admitted.Record("uid-4", null, "d", "request-4"))).Message, StringComparison.Ordinal);
        Admitted.Found(await AppendAsync(state, Admitted.Record("uid-5", null, "d", "request-1")));
    }

    [Fact]
    public void Any_run_of_appends_restarts_and_ends_leaves_what_a_dictionary_holds()
    {
        var step = from kind in Gen.Frequency((7, Gen.Constant(0)), (1, Gen.Constant(1)), (1, Gen.Constant(2)), (2, Gen.Constant(3)))
                   from template in Gen.Choose(0, 2)
                   from request in Gen.Choose(0, 3)
                   from hours in Gen.Elements(0, 1, 30, 60)
                   from most in Gen.Elements(0, 1, 2, 5)
                   select (kind, template, request, hours, most);
        Prop.ForAll(Arb.From(step.ListOf(40)), steps => RunAsync([.. steps]).GetAwaiter().GetResult()).Check(Config.QuickThrowOnFailure.WithMaxTest(40));
    }

    // Kinds of steps: 0 append, 1 restart, 2 time passes, 3 send a review again.
    private async Task RunAsync((int Kind, int Template, int Request, int Hours, int Most)[] steps)
    {
        var place = $"run-{Guid.NewGuid():n}";
        var own = new ForwardClock();
        var model = new Dictionary<string, AdmittedRecord>(StringComparer.Ordinal);
        var uses = new Dictionary<string, int>(StringComparer.Ordinal);
        var state = GateStateFolder.Open(folder.PathOf(place), own, Small);
        try
        {
            foreach (var (step, number) in steps.Select((step, number) => (step, number)))
            {
                var live = model.Values.Where(record => record.IsLiveAt(own.GetUtcNow())).ToList();
                switch (step.Kind)
                {
                    case 0:
                        var request = $"request-{step.Request}";
                        var record = Admitted.Record($"uid-{number}", step.Hours == 0 ? null : own.GetUtcNow().AddHours(step.Hours), $"t{step.Template}", request);
                        int? most = step.Most == 0 ? null : step.Most;
                        var expected = most is null || uses.GetValueOrDefault(request) < most;
                        Assert.Equal(expected, await AppendAsync(state, record, most) is Reading<AdmittedRecord>.Found);
                        if (expected)
                        {
                            model[record.Id] = record;
                            uses[request] = uses.GetValueOrDefault(request) + 1;
                        }

                        break;
                    case 1:
                        state.Dispose();
                        state = GateStateFolder.Open(folder.PathOf(place), own, Small);
                        break;
                    case 2:
                        own.Advance(TimeSpan.FromHours(20));
                        break;
                    default:
                        if (live.Count > 0)
                        {
                            Admitted.Found(await AppendAsync(state, live[step.Request % live.Count], 1));
                        }

                        break;
                }

                for (var i = 0; i < 4; i++)
                {
                    Assert.Equal(uses.GetValueOrDefault($"request-{i}"), await UsesAsync(state, $"request-{i}"));
                    var now = own.GetUtcNow();
                    var found = (await FindAsync(state, Admitted.Record("any", null, $"t{i}"))).Where(one => one.IsLiveAt(now)).Select(Admitted.Json).Order(StringComparer.Ordinal);
                    Assert.Equal(model.Values.Where(one => one.Template == Admitted.DigestOf($"t{i}") && one.IsLiveAt(now)).Select(Admitted.Json).Order(StringComparer.Ordinal), found);
                }
            }
        }
        finally
        {
            state.Dispose();
        }
    }

    private GateStateFolder Open(GateStateLimits? limits = null) => GateStateFolder.Open(folder.PathOf("state"), clock, limits ?? GateStateLimits.Default);

    private static IAdmittedRecords Records(string store, GateStateFolder state) => store == "file" ? state.AdmittedRecords : new MemoryAdmittedRecords();

    private async Task FillAsync(int count)
    {
        using var state = Open();
        for (var i = 0; i < count; i++)
        {
            Admitted.Found(await AppendAsync(state, Admitted.Record($"uid-{i}", null, $"template {i}", "request")));
        }
    }

    private static IEnumerable<string> RecordsIn(string path) => File.ReadLines(path)
        .Where(line => line.Contains("\"record\"", StringComparison.Ordinal))
        .Select(line => line.Split("\"id\":\"")[1].Split('"')[0])
        .Order(StringComparer.Ordinal);

    private static byte[] Bytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    private static async Task<Reading<AdmittedRecord>> AppendAsync(GateStateFolder state, AdmittedRecord record, int? mostUses = null) =>
        await state.AdmittedRecords.AppendAsync(record, mostUses, CancellationToken.None);

    private static async Task<IReadOnlyList<AdmittedRecord>> FindAsync(GateStateFolder state, AdmittedRecord record) => await state.AdmittedRecords.FindAsync(record.Place, CancellationToken.None);

    private static async Task<int> UsesAsync(GateStateFolder state, string request) => await state.AdmittedRecords.UsesAsync(request, CancellationToken.None);
}
