using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Admission;
using Governance.Gates.Clients.Kubernetes;
using Governance.Gates.Testing;

namespace Governance.Gates.Tests.Admission;

/// <summary>
/// The recorded workloads of <c>testdata/template</c>: <c>deployment.yaml</c> and <c>statefulset.yaml</c> as a user wrote them, what a real API server 1.20
/// and its controllers made of them, and, rewritten by hand from that record, the pod as 1.30 has it, also with a mesh's sidecars.
/// </summary>
internal static class Templates
{
    public static readonly ImmutableArray<string> Sidecars = ["istio-proxy", "istio-init"];

    // One for all tests: whatever any of them reads, what is remembered must be what reading gives.
    private static readonly TemplateMemo Memo = new();
    private static readonly string Folder = Path.Combine(ProjectTree.Root, "tests/Governance.Gates.Tests/Admission/testdata/template");

    /// <summary>The object in a file.</summary>
    public static JsonNode Recorded(string file) => JsonNode.Parse(Manifests.Parse(File.ReadAllBytes(Path.Combine(Folder, file)), file).Single().Json.Span)!;

    /// <summary>A file as it is.</summary>
    public static string Text(string file) => File.ReadAllText(Path.Combine(Folder, file));

    /// <summary>The pod of 1.30, to be changed.</summary>
    public static JsonNode Pod() => Recorded("pod-1.30.json");

    public static Reading<TemplateProjection> Read(JsonNode @object, params string[] sidecars)
    {
        var kind = @object["kind"]!.GetValue<string>();
        var group = @object["apiVersion"]!.GetValue<string>() is var version && version.Contains('/', StringComparison.Ordinal) ? version.Split('/')[0] : "";
        var json = JsonSerializer.SerializeToElement(@object);
        var read = TemplateProjection.OfObject(group, kind, json, [.. sidecars])!;
        for (var round = 0; round < 2; round++)
        {
            Assert.Equal(Told(read), Told(TemplateProjection.OfObject(group, kind, json, [.. sidecars], Memo)!));
        }

        return read;
    }

    /// <summary>The projection, or why there is none.</summary>
    public static string Told(Reading<TemplateProjection> read) => read.Try(out var projection, out var why) ? System.Text.Encoding.UTF8.GetString(projection.Json.Span) : why.ToString();

    public static TemplateProjection Projection(JsonNode @object, params string[] sidecars) => Read(@object, sidecars) switch
    {
        Reading<TemplateProjection>.Found(var projection) => projection,
        Reading<TemplateProjection>.Unread(var reason) => throw new Xunit.Sdk.XunitException(reason.ToString()),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    public static string Digest(JsonNode @object, params string[] sidecars) => Projection(@object, sidecars).Digest.ToString();

    /// <summary>Sets what stands at a path such as <c>spec/containers/0/args</c>; a <c>+</c> at its end adds to a list.</summary>
    public static JsonNode With(this JsonNode root, string path, string json)
    {
        var steps = path.Split('/');
        var node = root;
        foreach (var step in steps[..^1])
        {
            node = node is JsonArray list ? list[int.Parse(step, System.Globalization.CultureInfo.InvariantCulture)]! : node[step] ?? (node[step] = new JsonObject());
        }

        var value = JsonNode.Parse(json);
        switch (node)
        {
            case JsonArray list when steps[^1] == "+":
                list.Add(value);
                break;
            case JsonArray list:
                list[int.Parse(steps[^1], System.Globalization.CultureInfo.InvariantCulture)] = value;
                break;
            default:
                node[steps[^1]] = value;
                break;
        }

        return root;
    }
}
