using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Governance.Gates.Admission;
using Governance.Gates.Evidence;
using Governance.Gates.Testing;
using Subject = Governance.Gates.Evidence.Subject;

namespace Governance.Gates.Tests.Admission;

/// <summary>Reviews that were broken on purpose: each is answered, and none is admitted because it could not be read.</summary>
public sealed class HostileReviewTests
{
    // Not the image that is asked about: put into the old object by a mutation, that one would rightly be no news.
    private static readonly string Another = $"registry.example.com/shop/another@{TestPolicy.UnsignedDigest}";

    private static readonly JsonNode?[] Values =
        [null, true, 7, -1.5e300, "", "x", "docker.io/library/nginx", Another, new JsonArray(), new JsonObject(), new JsonArray(1, "a", null), new JsonObject { ["image"] = Another, ["name"] = "x" }];

    public static TheoryData<string> Kinds => [.. Workloads.Names.Select(row => row.Data), "EphemeralContainers", .. HiddenImageTests.CustomResources.Select(row => row.Data.Item1)];

    public static TheoryData<string> Cases => ProjectTree.WhyNoCases("admission") is null
        ? [.. Directory.GetFiles(Path.Combine(ProjectTree.Cases, "admission"), "*.json").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)]
        : ["(none)"];

    [Theory, MemberData(nameof(Kinds))]
    public void A_mutated_review_is_answered_and_never_admitted_for_being_broken(string kind)
    {
        var original = Of(kind).Json();
        var mutations = from seed in Gen.Choose(0, int.MaxValue - 1) from rounds in Gen.Choose(1, 4) from flips in Gen.Choose(0, 3) select (seed, rounds, flips);
        Prop.ForAll(Arb.From(mutations), mutation =>
        {
            var random = new Random(mutation.seed);
            AssertAnswered(Broken(original, random, mutation.rounds, mutation.flips));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));
    }

    [Theory]
    [InlineData("huge array")]
    [InlineData("deep array")]
    [InlineData("deep object")]
    [InlineData("many names")]
    public void A_review_of_a_hostile_shape_is_answered(string shape)
    {
        var value = shape switch
        {
            "huge array" => "[" + string.Join(',', Enumerable.Repeat("{\"image\":\"x\"}", 100_000)) + "]",
            "deep array" => new string('[', 100) + new string(']', 100),
            "deep object" => string.Concat(Enumerable.Repeat("{\"image\":", 100)) + "1" + new string('}', 100),
            _ => "{" + string.Join(',', Enumerable.Range(0, 100_000).Select(i => $"\"k{i}\":1")) + "}",
        };
        foreach (var kind in Kinds.Select(row => row.Data))
        {
            var json = Of(kind).Json();
            AssertAnswered(Encoding.UTF8.GetBytes(json.Replace("\"metadata\":", $"\"containers\":{value},\"metadata\":", StringComparison.Ordinal)));
            AssertAnswered(Encoding.UTF8.GetBytes(json.Replace("\"name\":\"api\"", $"\"name\":{value}", StringComparison.Ordinal)));
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void A_public_case_is_answered_as_its_content_asks(string file)
    {
        Assert.SkipWhen(ProjectTree.WhyNoCases("admission") is not null, ProjectTree.WhyNoCases("admission") ?? "");
        var body = File.ReadAllBytes(Path.Combine(ProjectTree.Cases, "admission", file));
        AssertAnswered(body);

        // Several are recorded from clusters that still sent v1beta1, which is gone; their content is asked in the version of today.
        var admitted = AdmissionReview.Read(Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(body).Replace("admission.k8s.io/v1beta1", "admission.k8s.io/v1", StringComparison.Ordinal))) switch
        {
            ReviewReading.Request(var request) => AdmissionGate.Open(request, TestPolicy.Standard, null).Decide(new Dictionary<Subject, Claims>(), TestPolicy.Now).Admitted,
            _ => false,
        };

        // A Role holds no image; an update that only repeats an image brings nothing in; nginx on Docker Hub is what the standard policy allows.
        Assert.Equal(file is "05_replication_controller.json" or "11_role.json" or "28_deleted_deployment_updated.json", admitted);
    }

    private static Review Of(string kind) => kind switch
    {
        "EphemeralContainers" => new Review("", "Pod", "pods", Workloads.Object("Pod", TestPolicy.Bad)) { Operation = "UPDATE", Subresource = "ephemeralcontainers", Old = Workloads.Object("Pod", TestPolicy.Good) },
        _ when kind.EndsWith(".json", StringComparison.Ordinal) => Recorded(HiddenImageTests.CustomResources.Select(row => row.Data).First(row => row.Item1 == kind)),
        _ => Workloads.Review(kind, TestPolicy.Bad),
    };

    private static Review Recorded((string File, string Group, string Kind, string Resource) row) => new(row.Group, row.Kind, row.Resource, HiddenImageTests.Recorded(row.File, TestPolicy.Bad));

    private static byte[] Broken(string original, Random random, int rounds, int flips)
    {
        var review = JsonNode.Parse(original)!;
        for (var i = 0; i < rounds; i++)
        {
            Mutate(review, random);
        }

        var text = review.ToJsonString();
        if (random.Next(6) == 0)
        {
            text = Spoil(text, random);
        }

        var bytes = Encoding.UTF8.GetBytes(text);
        for (var i = 0; i < flips && random.Next(3) == 0; i++)
        {
            bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
        }

        return random.Next(20) == 0 ? bytes[..random.Next(bytes.Length)] : bytes;
    }

    // What a JSON tree cannot hold: a name twice, a lone surrogate, a number beyond every range.
    private static string Spoil(string text, Random random)
    {
        string[] names = ["image", "containers", "spec", "uid", "name", "object", "metadata", "template"];
        var name = names[random.Next(names.Length)];
        return random.Next(3) switch
        {
            0 => text.Replace($"\"{name}\":", $"\"{name}\":1,\"{name}\":", StringComparison.Ordinal),
            1 => text.Replace($"\"{name}\":", $"\"\\ud800{name}\":\"\\udc00\",\"{name}\":", StringComparison.Ordinal),
            _ => text.Replace($"\"{name}\":", $"\"n\":1e99999999999,\"{name}\":", StringComparison.Ordinal),
        };
    }

    private static void Mutate(JsonNode root, Random random)
    {
        var node = root;
        while (true)
        {
            var children = node switch
            {
                JsonObject @object => [.. @object.Select(member => member.Value)],
                JsonArray array => array.ToArray(),
                _ => [],
            };
            var inner = children.Where(child => child is JsonObject { Count: > 0 } or JsonArray { Count: > 0 }).ToArray();
            if (inner.Length == 0 || random.Next(7) == 0)
            {
                break;
            }

            // The object rather than the request around it, three times of four.
            node = node is JsonObject request && request["object"] is JsonObject { Count: > 0 } subject && random.Next(4) > 0 ? subject : inner[random.Next(inner.Length)]!;
        }

        var value = Values[random.Next(Values.Length)]?.DeepClone();
        switch (node)
        {
            case JsonObject { Count: > 0 } @object:
                var name = @object.ElementAt(random.Next(@object.Count)).Key;
                switch (random.Next(4))
                {
                    case 0:
                        @object.Remove(name);
                        break;
                    case 1:
                        @object[name] = value;
                        break;
                    case 2:
                        @object[char.ToUpperInvariant(name[0]) + name[1..]] = value;
                        break;
                    default:
                        var moved = @object[name];
                        @object.Remove(name);
                        @object[name + "x"] = moved;
                        break;
                }

                break;
            case JsonArray { Count: > 0 } array:
                array[random.Next(array.Count)] = value;
                break;
        }
    }

    /// <summary>Answers a body as the webhook does, with no evidence at all, and holds the answer against the protocol.</summary>
    private static void AssertAnswered(byte[] body)
    {
        var buffer = new ArrayBufferWriter<byte>();
        switch (AdmissionReview.Read(body))
        {
            case ReviewReading.Request(var request):
                var @case = AdmissionGate.Open(request, TestPolicy.Standard, null);
                var outcome = @case.Decide(new Dictionary<Subject, Claims>(), TestPolicy.Now);
                AdmissionAnswer.Write(buffer, @case, outcome);
                Assert.Equal(outcome.Admitted, AdmissionAnswerTests.Checked(buffer.WrittenMemory, request.Uid).GetProperty("allowed").GetBoolean());
                Assert.True(!outcome.Admitted || MayBeAdmitted(request), $"admitted: {Encoding.UTF8.GetString(body)}");
                break;
            case ReviewReading.Unreadable(var uid, var reason):
                Assert.NotNull(uid);
                AdmissionAnswer.WriteRefusal(buffer, uid, reason);
                Assert.False(AdmissionAnswerTests.Checked(buffer.WrittenMemory, uid).GetProperty("allowed").GetBoolean());
                break;
            case ReviewReading.WithoutUid(var reason):
                Assert.NotEmpty(reason.Message);
                Assert.True(Uid(body) is null or { Length: 0 or > 256 }, "the uid could have been told");
                break;
        }
    }

    // What a mutation can rightly turn a refusal into: a question without images, an image that the policy allows, or an audited place.
    private static bool MayBeAdmitted(AdmissionRequest request)
    {
        if (request.Operation is "DELETE" or "CONNECT" || request.Subresource is "status" or "scale" or "binding" or "eviction" or "finalize" or "approval" or "log" || request.Namespace == "kube-system")
        {
            return true;
        }

        var text = request.Object.ValueKind == JsonValueKind.Object ? request.Object.GetRawText() : "";
        var isBuiltIn = ImageScanner.TemplatePath(request.Group, request.Kind) is not null;
        var images = text.Contains(TestPolicy.Bad, StringComparison.Ordinal);
        return !images || (!isBuiltIn && request.Object.ValueKind == JsonValueKind.Object) || IsOnlyBesideContainers(request.Object);
    }

    // The image stands where no container's image is: as the value of a label, say.
    private static bool IsOnlyBesideContainers(JsonElement value) =>
        !Containers(value).Any(container => container.ValueKind == JsonValueKind.Object && container.TryGetProperty("image", out var image) && image.ValueKind == JsonValueKind.String && image.ValueEquals(TestPolicy.Bad));

    private static IEnumerable<JsonElement> Containers(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => value.EnumerateObject().SelectMany(member => member.Name is "containers" && member.Value.ValueKind == JsonValueKind.Array ? member.Value.EnumerateArray().ToArray() : Containers(member.Value)),
        JsonValueKind.Array => value.EnumerateArray().SelectMany(Containers),
        _ => [],
    };

    private static string? Uid(byte[] body)
    {
        try
        {
            return JsonNode.Parse(body) is JsonObject { } review && review["request"] is JsonObject request && request["uid"] is JsonValue uid && uid.TryGetValue<string>(out var text) ? text : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            return null;
        }
    }
}
