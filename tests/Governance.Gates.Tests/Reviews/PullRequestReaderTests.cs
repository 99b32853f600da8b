using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Reviews;
using Governance.Gates.Tests.Cli;

namespace Governance.Gates.Tests.Reviews;

public sealed class PullRequestReaderTests
{
    private static readonly string Sound = new PullRequests("risk/a").Change("b", "renamed", "c").Commit("bob", null, "carol", null).Reviewed("bob").Reviewed(null, "COMMENTED", null)
        .Team("example/risk", "dave", "erin?").UnreadTeam("example/hidden", "no right").Content("head", "x", "y").With("unread", new JsonArray(PullRequests.Unread("rules"))).Json();

    public static TheoryData<string, string> Mistaken => new()
    {
        { "$.v", "2" }, { "$.v", "\"1\"" }, { "$.critical", "[\"x\"]" }, { "$.stranger", "1" }, { "$.files[0].stranger", "1" }, { "$.number", "0" }, { "$.number", "1.5" }, { "$.head.sha", "\"main\"" },
        { "$.head.sha", "\"ABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCD\"" }, { "$.headAfter", "null" }, { "$.draft", "\"no\"" }, { "$.files", "{}" }, { "$.files[0].path", "\"\"" }, { "$.files[0].path", "\"/etc\"" },
        { "$.files[0].path", "\"a/../b\"" }, { "$.files[0].path", "\"a\\u0000\"" }, { "$.files[0].status", "\"gone\"" }, { "$.files[1].previousPath", "null" }, { "$.reviews[0].user", "7" }, { "$.reviews[0].user.id", "-1" },
        { "$.reviews[0].user.id", "\"2\"" }, { "$.reviews[0].user.login", "\"a\\nb\"" }, { "$.reviews[0].commit", "\"\"" }, { "$.permissions[0].permission", "\"maintain\"" }, { "$.permissions[0].account", "null" },
        { "$.teams[0].members", "null" }, { "$.contents[0].data", "\"!\"" }, { "$.contents[0].side", "\"merge\"" }, { "$.contents[0].data", "7" }, { "$.unread[0]", "\"x\"" }, { "$.commits[0].coAuthors", "null" },
        { "$.changedFiles", "-1" }, { "$.author", "\"ann\"" }, { "$.base", "null" }, { "$.repository", "\"\\ud800\"" },
    };

    [Theory, MemberData(nameof(Mistaken))]
    public void A_snapshot_with_one_thing_wrong_is_unread(string path, string value)
    {
        Assert.IsType<Reading<PullRequest>.Found>(Read(Sound));
        Assert.IsType<Reading<PullRequest>.Unread>(Read(Changed(path, value)));
    }

    [Fact]
    public void Every_field_of_a_snapshot_is_needed()
    {
        foreach (var field in JsonNode.Parse(Sound)!.AsObject().Select(field => field.Key))
        {
            var root = JsonNode.Parse(Sound)!.AsObject();
            root.Remove(field);
            Assert.True(Read(root.ToJsonString()) is Reading<PullRequest>.Unread, field);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{\"v\":1,\"v\":1}")]
    [InlineData("{\"v\":1} x")]
    public void What_is_no_snapshot_is_unread(string json) => Assert.IsType<Reading<PullRequest>.Unread>(Read(json));

    [Fact]
    public void Bytes_that_are_changed_anywhere_never_throw()
    {
        var random = new Random(4);
        var bytes = Encoding.UTF8.GetBytes(Sound);
        for (var i = 0; i < 3_000; i++)
        {
            var changed = (byte[])bytes.Clone();
            for (var j = 0; j < 3; j++)
            {
                changed[random.Next(changed.Length)] = (byte)random.Next(256);
            }

            PullRequestReader.Read(changed);
        }
    }

    [Fact]
    public void The_published_schema_describes_what_is_read() =>
        PublishedSchema.Of("https://governance.gates/schemas/v1alpha1/pull-request.schema.json").Check(System.Text.Json.JsonDocument.Parse(Sound).RootElement);

    private static Reading<PullRequest> Read(string json) => PullRequestReader.Read(Encoding.UTF8.GetBytes(json));

    // "$.files[0].path": a field of an object, or of a member of a list. The value is put in as it is spelled.
    private static string Changed(string path, string value)
    {
        JsonNode root = JsonNode.Parse(Sound)!, at = root;
        var steps = path[2..].Split('.');
        foreach (var step in steps[..^1])
        {
            at = Step(at, step);
        }

        var (name, index) = Split(steps[^1]);
        if (index is { } number)
        {
            at[name]![number] = "PLACE";
        }
        else
        {
            at[name] = "PLACE";
        }

        return root.ToJsonString().Replace("\"PLACE\"", value, StringComparison.Ordinal);
    }

    private static JsonNode Step(JsonNode at, string step) => Split(step) is (var name, { } index) ? at[name]![index]! : at[step]!;

    private static (string Name, int? Index) Split(string step) => step.EndsWith(']') ? (step[..step.IndexOf('[', StringComparison.Ordinal)], step[^2] - '0') : (step, null);
}
