using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Admission;

namespace Governance.Gates.Tests.Admission;

/// <summary>Only <c>metadata.managedFields</c> of the review's objects is left out; whatever else bears that name is read and judged.</summary>
public sealed class LeanReviewTests
{
    private const string Fields = """[{"manager":"kubectl \"]\" \\","fieldsV1":{"f:spec":{"k:{\"name\":\"main\"}":{".":{}}}}}]""";

    // A quote in a text is \" and no number.
    private static readonly JsonSerializerOptions AsGoWrites = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public void A_review_that_is_given_back_twice_gives_its_memory_back_once()
    {
        var body = Encoding.UTF8.GetBytes((Workloads.Review("Deployment", TestPolicy.Good) with { Object = With(Workloads.Object("Deployment", TestPolicy.Good), Fields).AsObject() }).Json());
        var review = Assert.IsType<ReviewReading.Request>(AdmissionReview.Read(body));
        review.Dispose();
        review.Dispose();
        Assert.NotSame(ArrayPool<byte>.Shared.Rent(body.Length), ArrayPool<byte>.Shared.Rent(body.Length));
    }

    [Fact]
    public void Who_changed_which_field_is_left_out_of_both_objects_and_nothing_else_is()
    {
        var request = Open(With(Workloads.Object("Deployment", TestPolicy.Good), Fields), With(Workloads.Object("Deployment", TestPolicy.Bad), Fields));
        foreach (var (read, image) in ((JsonElement, string)[])[(request.Object, TestPolicy.Good), (request.OldObject, TestPolicy.Bad)])
        {
            Assert.Equal("0", read.GetProperty("metadata").GetProperty("managedFields").GetRawText());
            var expected = With(Workloads.Object("Deployment", image), "0");
            Assert.True(JsonNode.DeepEquals(expected, JsonNode.Parse(read.GetRawText())), read.GetRawText());
        }
    }

    public static TheoryData<string, string> Elsewhere => new()
    {
        { "/spec", "in a spec" },
        { "/spec/template/metadata", "in the metadata of a template" },
        { "", "beside the metadata" },
        { "/metadata/annotations", "among annotations" },
    };

    [Theory, MemberData(nameof(Elsewhere))]
    public void What_bears_the_name_elsewhere_is_read(string path, string because)
    {
        var written = Workloads.Object("Deployment", TestPolicy.Good);
        written["metadata"]!["annotations"] = new JsonObject();
        JsonNode place = path.Split('/', StringSplitOptions.RemoveEmptyEntries).Aggregate((JsonNode)written, (node, name) => node[name] ??= new JsonObject());
        place["managedFields"] = JsonNode.Parse(Fields);
        foreach (var old in (JsonNode?[])[null, With(Workloads.Object("Deployment", TestPolicy.Good), Fields)])
        {
            Assert.True(JsonNode.DeepEquals(written, JsonNode.Parse(Open(written, old).Object.GetRawText())), because);
        }
    }

    [Fact]
    public void An_image_that_hides_under_that_name_is_found()
    {
        // A shape that this gate knows as containers, in a resource that nobody declared.
        var hidden = new JsonObject { ["metadata"] = new JsonObject { ["name"] = "api" }, ["spec"] = new JsonObject { ["managedFields"] = JsonNode.Parse($$$$"""[{"template":{"spec":{"containers":[{"name":"main","image":"{{{{TestPolicy.Bad}}}}"}]}}}]""") } };
        HiddenImageTests.AssertRefused(new Review("example.com", "Widget", "widgets", hidden).Decide());
        HiddenImageTests.AssertRefused(new Review("example.com", "Widget", "widgets", hidden).From(With(Workloads.Object("Pod", TestPolicy.Good), Fields)).Decide());
    }

    [Theory]
    [InlineData("""{"a\"managedFields":[1]}""")]
    [InlineData("""{"a":"\"managedFields\":[","b":"]"}""")]
    [InlineData("""{"managedFields":[1],"x":{"managedFields":[2],"y":{"managedFields":[3]}}}""")]
    [InlineData("""{"managedFields" : [1]}""")]
    public void Text_that_looks_like_the_name_moves_nothing(string annotations)
    {
        var body = Review.Pod(Workloads.Object("Pod", TestPolicy.Good)).Json().Replace("\"metadata\":{", $"\"metadata\":{{\"more\":{annotations},", StringComparison.Ordinal);
        var request = ((ReviewReading.Request)AdmissionReview.Read(Encoding.UTF8.GetBytes(body))).Value;
        Assert.Equal(annotations, request.Object.GetProperty("metadata").GetProperty("more").GetRawText());
    }

    [Theory]
    [InlineData("[")]
    [InlineData("[\"")]
    [InlineData("[\"\\")]
    [InlineData("[\"\\\"")]
    [InlineData("[{\"a\":[")]
    public void A_list_that_does_not_end_is_refused(string rest)
    {
        var json = Review.Pod(With(Workloads.Object("Pod", TestPolicy.Good), "[]")).Json();
        var body = json[..(json.IndexOf("\"managedFields\":", StringComparison.Ordinal) + "\"managedFields\":".Length)] + rest;
        Assert.IsNotType<ReviewReading.Request>(AdmissionReview.Read(Encoding.UTF8.GetBytes(body)));
    }

    [Fact]
    public void Twice_the_same_name_is_refused()
    {
        var body = Review.Pod(With(Workloads.Object("Pod", TestPolicy.Good), "[]")).Json().Replace("\"managedFields\":[]", "\"managedFields\":[1],\"managedFields\":[2]", StringComparison.Ordinal);
        Assert.IsType<ReviewReading.Unreadable>(AdmissionReview.Read(Encoding.UTF8.GetBytes(body)));
    }

    [Fact]
    public void Whatever_stands_in_the_list_it_ends_where_it_ends()
    {
        var random = new Random(20_261_127);
        for (var round = 0; round < 2_000; round++)
        {
            var fields = new JsonArray([.. Enumerable.Range(0, random.Next(4)).Select(_ => Value(4))]).ToJsonString(AsGoWrites);
            var expected = With(Workloads.Object("Pod", TestPolicy.Good), "0");
            var body = Review.Pod(With(Workloads.Object("Pod", TestPolicy.Good), "[]")).Json().Replace("\"managedFields\":[]", $"\"managedFields\":{fields}", StringComparison.Ordinal);
            var read = ((ReviewReading.Request)AdmissionReview.Read(Encoding.UTF8.GetBytes(body))).Value.Object;
            Assert.True(JsonNode.DeepEquals(expected, JsonNode.Parse(read.GetRawText())), fields);
        }

        JsonNode? Value(int depth) => random.Next(depth > 0 ? 5 : 3) switch
        {
            0 => random.Next(),
            1 => Text(),
            2 => random.Next(2) == 0 ? null : new JsonObject(),
            3 => new JsonArray([.. Enumerable.Range(0, random.Next(5)).Select(_ => Value(depth - 1))]),
            _ => new JsonObject(Enumerable.Range(0, random.Next(5)).Select(i => KeyValuePair.Create($"{i}{Text()}", Value(depth - 1)))),
        };

        string Text() => string.Concat(Enumerable.Range(0, random.Next(60)).Select(_ => "[]{}\"\\,:abc f"[random.Next(13)]));
    }

    private static JsonObject With(JsonObject written, string fields)
    {
        written["metadata"]!["managedFields"] = JsonNode.Parse(fields);
        return written;
    }

    private static AdmissionRequest Open(JsonNode written, JsonNode? old) =>
        ((ReviewReading.Request)AdmissionReview.Read(Encoding.UTF8.GetBytes((old is null ? Review.Deployment(written) : Review.Deployment(written).From(old)).Json()))).Value;
}
