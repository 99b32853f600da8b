using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck.Fluent;
using Governance.Gates.Admission;

namespace Governance.Gates.Tests.Webhook;

/// <summary>Random and mutated AdmissionReviews of every kind, over TLS.</summary>
public sealed class HostileReviewTests(SharedGate shared) : IClassFixture<SharedGate>
{
    private const int Reviews = 200;

    public static TheoryData<string, string, string, string> Kinds => new()
    {
        { "", "Pod", "pods", "spec" },
        { "", "ReplicationController", "replicationcontrollers", "spec/template/spec" },
        { "apps", "ReplicaSet", "replicasets", "spec/template/spec" },
        { "apps", "Deployment", "deployments", "spec/template/spec" },
        { "apps", "StatefulSet", "statefulsets", "spec/template/spec" },
        { "apps", "DaemonSet", "daemonsets", "spec/template/spec" },
        { "batch", "Job", "jobs", "spec/template/spec" },
        { "batch", "CronJob", "cronjobs", "spec/jobTemplate/spec/template/spec" },
        { "", "PodTemplate", "podtemplates", "template/spec" },
        { "apps", "ControllerRevision", "controllerrevisions", "data/spec/template/spec" },
        { "", "Namespace", "namespaces", "spec" },
        { "example.com", "Widget", "widgets", "spec/template/spec" },
    };

    [Theory, MemberData(nameof(Kinds))]
    public async Task Every_review_is_answered_with_its_uid_or_400_and_what_cannot_be_read_is_never_allowed(string group, string kind, string resource, string path)
    {
        var gate = shared.Gate;
        var failures = await gate.MetricAsync("gates_admission_failures_total");
        var open = gate.UnsignedImage("open/app");
        var seeds = Gen.Sample(Gen.Choose(0, int.MaxValue), Reviews).ToArray();
        foreach (var seed in seeds)
        {
            var body = Mutated(new Random(seed), group, kind, resource, path.Split('/'), open, out var isBroken);
            using var response = await gate.PostAsync(body, "?timeout=5s");
            var text = await response.Content.ReadAsStringAsync();
            var says = $"seed {seed}: {response.StatusCode} {text} for {Encoding.UTF8.GetString(body)}";
            if (AdmissionReview.FindUid(body) is not { } uid)
            {
                Assert.True(response.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.OK, says);
                if (response.StatusCode == HttpStatusCode.BadRequest)
                {
                    continue;
                }

                uid = JsonNode.Parse(body)!["request"]!["uid"]!.GetValue<string>();
            }

            Assert.True(response.StatusCode == HttpStatusCode.OK, says);
            var answer = JsonNode.Parse(text)!["response"]!;
            Assert.True(answer["uid"]!.GetValue<string>() == uid, says);
            Assert.False(isBroken && answer["allowed"]!.GetValue<bool>(), says);
        }

        Assert.Equal(failures, await gate.MetricAsync("gates_admission_failures_total"));
    }

    // isBroken: what is asked about cannot be read for certain, whatever else holds.
    private static byte[] Mutated(Random random, string group, string kind, string resource, string[] path, string image, out bool isBroken)
    {
        var review = Review(random, group, kind, resource, path, image);
        isBroken = false;
        switch (random.Next(6))
        {
            case 0:
                // Bytes changed, cut out, doubled.
                var bytes = Encoding.UTF8.GetBytes(review.ToJsonString()).ToList();
                for (var i = random.Next(1, 6); i > 0; i--)
                {
                    var at = random.Next(bytes.Count);
                    switch (random.Next(3))
                    {
                        case 0:
                            bytes[at] = (byte)random.Next(256);
                            break;
                        case 1:
                            bytes.RemoveRange(at, Math.Min(bytes.Count - at - 1, random.Next(1, 30)));
                            break;
                        default:
                            bytes.InsertRange(at, bytes.GetRange(at, Math.Min(bytes.Count - at, random.Next(1, 30))));
                            break;
                    }
                }

                isBroken = !IsStrict([.. bytes]);
                return [.. bytes];
            case 1:
                // A value of the object replaced by another type.
                Replace(random, review["request"]!["object"]!);
                return Encoding.UTF8.GetBytes(review.ToJsonString());
            case 2:
                // Something on the way to the containers is no object.
                var (parent, step) = Parent(review["request"]!["object"]!, path[..random.Next(1, path.Length + 1)]);
                parent[step] = Value(random, scalar: true);
                isBroken = HasSchema(group, kind);
                return Encoding.UTF8.GetBytes(review.ToJsonString());
            case 3:
                // A key twice.
                var twice = review.ToJsonString();
                isBroken = true;
                return Encoding.UTF8.GetBytes(twice.Replace("\"object\":{", "\"object\":{\"spec\":{},\"spec\":{},", StringComparison.Ordinal));
            case 4:
                // The end is missing.
                var whole = Encoding.UTF8.GetBytes(review.ToJsonString());
                isBroken = true;
                return whole[..random.Next(whole.Length)];
            default:
                // No object at all.
                review["request"]!["object"] = random.Next(2) == 0 ? null : Value(random, scalar: true);
                isBroken = true;
                return Encoding.UTF8.GetBytes(review.ToJsonString());
        }
    }

    private static JsonObject Review(Random random, string group, string kind, string resource, string[] path, string image)
    {
        var template = new JsonObject
        {
            ["containers"] = new JsonArray(new JsonObject { ["name"] = "a", ["image"] = image }),
            ["initContainers"] = random.Next(2) == 0 ? null : new JsonArray(new JsonObject { ["name"] = "b", ["image"] = image }),
            ["volumes"] = random.Next(2) == 0 ? null : new JsonArray(new JsonObject { ["name"] = "v", ["image"] = new JsonObject { ["reference"] = image } }),
        };
        var (whole, step) = (new JsonObject { ["kind"] = kind, ["metadata"] = new JsonObject { ["name"] = "x" } }, path.Length - 1);
        JsonNode inner = template;
        for (; step > 0; step--)
        {
            inner = new JsonObject { [path[step]] = inner };
        }

        whole[path[0]] = inner;
        var review = RunningGate.Review();
        var request = review["request"]!;
        request["kind"] = new JsonObject { ["group"] = group, ["version"] = "v1", ["kind"] = kind };
        request["resource"] = new JsonObject { ["group"] = group, ["version"] = "v1", ["resource"] = resource };
        request["object"] = whole;
        return review;
    }

    private static bool HasSchema(string group, string kind) => (group, kind) is not (("", "Namespace") or ("example.com", "Widget") or ("apps", "ControllerRevision"));

    private static (JsonNode Parent, string Step) Parent(JsonNode node, string[] path) => (path[..^1].Aggregate(node, (inner, step) => inner[step]!), path[^1]);

    private static void Replace(Random random, JsonNode node)
    {
        while (true)
        {
            switch (node)
            {
                case JsonObject { Count: > 0 } one:
                    var name = one.ElementAt(random.Next(one.Count)).Key;
                    if (random.Next(3) == 0 || one[name] is not (JsonObject or JsonArray))
                    {
                        one[name] = Value(random, scalar: false);
                        return;
                    }

                    node = one[name]!;
                    break;
                case JsonArray { Count: > 0 } list:
                    if (random.Next(3) == 0)
                    {
                        list[0] = Value(random, scalar: false);
                        return;
                    }

                    node = list[0]!;
                    break;
                default:
                    return;
            }
        }
    }

    private static JsonNode? Value(Random random, bool scalar) => random.Next(scalar ? 6 : 9) switch
    {
        0 => JsonValue.Create(random.Next()),
        1 => JsonValue.Create(""),
        2 => JsonValue.Create(true),
        3 => JsonValue.Create("\0\u2028\"\\{}\u00e9"),
        4 => JsonValue.Create(1e300),
        5 => new JsonArray(1, "x"),
        6 => null,
        7 => new JsonObject(),
        _ => new JsonObject { ["image"] = "evil.example/x:1", ["Image"] = 7 },
    };

    private static bool IsStrict(byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body, new() { AllowDuplicateProperties = false, MaxDepth = 128 });
            return true;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return false;
        }
    }
}
