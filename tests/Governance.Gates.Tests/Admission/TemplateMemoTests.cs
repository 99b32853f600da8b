using System.Collections.Immutable;
using System.Text.Json;
using Governance.Gates.Admission;

namespace Governance.Gates.Tests.Admission;

/// <summary>What is remembered of pod templates; every other test of projections asks a memo beside.</summary>
public sealed class TemplateMemoTests
{
    private const string Plain = """{"metadata":{"name":"a"},"spec":{"containers":[{"name":"main","image":"i"}]}}""";
    private readonly TemplateMemo memo = new();

    [Fact]
    public void The_Pods_of_one_workload_are_projected_once()
    {
        foreach (var suffix in (string[])["7xk2q", "bcdfg", "99999"])
        {
            Ask(Templates.Text("pod-1.30.json").Replace("kube-api-access-7xk2q", $"kube-api-access-{suffix}", StringComparison.Ordinal).Replace("\"resourceVersion\": \"", $"\"resourceVersion\": \"{suffix}", StringComparison.Ordinal));
        }

        Assert.Equal(1, memo.Count);
    }

    [Theory]
    [InlineData(Plain, """{"metadata":{"name":"b"},"spec":{"containers":[{"name":"main","image":"j"}]}}""")]
    [InlineData(Plain, """{"metadata":{"name":"a","annotations":{"io.kubernetes.cri.x":"y"}},"spec":{"containers":[{"name":"main","image":"i"}]}}""")]
    [InlineData("""{"metadata":{"annotations":{"io.kubernetes.cri.x":"y"}},"spec":{"containers":[{"name":"main","image":"i"}]}}""", """{"metadata":{"annotations":{"io.kubernetes.cri.x":"z"}},"spec":{"containers":[{"name":"main","image":"i"}]}}""")]
    // Only a label differs, and the Pod reads it: by name, with all others, in a file, and under another spelling of its path.
    [InlineData("""{"metadata":{"labels":{"a":"x"}},"spec":{"containers":[{"name":"main","image":"i","env":[{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['a']"}}}]}]}}""", """{"metadata":{"labels":{"a":"y"}},"spec":{"containers":[{"name":"main","image":"i","env":[{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['a']"}}}]}]}}""")]
    [InlineData("""{"metadata":{"labels":{"a":"x"}},"spec":{"containers":[{"name":"main","image":"i","env":[{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"metadata.l\u0061bels['a']"}}}]}]}}""", """{"metadata":{"labels":{"a":"y"}},"spec":{"containers":[{"name":"main","image":"i","env":[{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"metadata.l\u0061bels['a']"}}}]}]}}""")]
    [InlineData("""{"metadata":{"labels":{"a":"x"}},"spec":{"containers":[{"name":"main","image":"i"}],"volumes":[{"name":"v","downwardAPI":{"items":[{"path":"p","fieldRef":{"fieldPath":"metadata.labels"}}]}}]}}""", """{"metadata":{"labels":{"b":"x"}},"spec":{"containers":[{"name":"main","image":"i"}],"volumes":[{"name":"v","downwardAPI":{"items":[{"path":"p","fieldRef":{"fieldPath":"metadata.labels"}}]}}]}}""")]
    // Only the name of the Pod says whether its Job gave it the label.
    [InlineData("""{"metadata":{"name":"load-bcdfg","labels":{"job-name":"load"}},"spec":{"containers":[{"name":"main","image":"i","env":[{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['job-name']"}}}]}]}}""", """{"metadata":{"name":"other-bcdfg","labels":{"job-name":"load"}},"spec":{"containers":[{"name":"main","image":"i","env":[{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['job-name']"}}}]}]}}""")]
    [InlineData("""{"metadata":{"name":"load-bcdfg","labels":{"\u006aob-name":"load"}},"spec":{"containers":[{"name":"main","image":"i","env":[{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['job-name']"}}}]}]}}""", """{"metadata":{"name":"other-bcdfg","labels":{"\u006aob-name":"load"}},"spec":{"containers":[{"name":"main","image":"i","env":[{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['job-name']"}}}]}]}}""")]
    // Only the name of the Pod says whose claim it is.
    [InlineData("""{"metadata":{"name":"db-0"},"spec":{"containers":[{"name":"main","image":"i"}],"volumes":[{"name":"data","persistentVolumeClaim":{"claimName":"data-db-0"}}]}}""", """{"metadata":{"name":"db-1"},"spec":{"containers":[{"name":"main","image":"i"}],"volumes":[{"name":"data","persistentVolumeClaim":{"claimName":"data-db-0"}}]}}""")]
    // What looks like the volume of the token, and what stands in its place here.
    [InlineData("""{"spec":{"containers":[{"name":"main","image":"i","args":["kube-api-access-00000"]}]}}""", """{"spec":{"containers":[{"name":"main","image":"i","args":["kube-api-access-7x2kd"]}]}}""")]
    [InlineData("""{"spec":{"containers":[{"name":"main","image":"i","args":["kube-api-access-bcdfg"]}]}}""", """{"spec":{"containers":[{"name":"main","image":"i","args":["kube-api-access-7x2kd"]}]}}""")]
    [InlineData("""{"spec":{"containers":[{"name":"main","image":"i","args":["kube-api-access-bcdfg","kube-api-access-7x2kd"]}]}}""", """{"spec":{"containers":[{"name":"main","image":"i","args":["kube-api-access-7x2kd","kube-api-access-bcdfg"]}]}}""")]
    [InlineData("""{"spec":{"containers":[{"name":"main","image":"i","args":["kube-api-access-bcdfg","kube\\u002dapi-access-bcdfg"]}]}}""", """{"spec":{"containers":[{"name":"main","image":"i","args":["kube-api-access-7x2kd","kube\\u002dapi-access-bcdfg"]}]}}""")]
    public void What_differs_is_never_taken_for_what_was_seen(string one, string other)
    {
        foreach (var pod in (string[])[one, other, one, other])
        {
            Ask(pod);
        }

        Assert.NotEqual(Ask(one), Ask(other));
    }

    [Fact]
    public void Labels_that_no_Pod_reads_are_no_other_question()
    {
        Assert.Equal(Ask(Plain.Replace("{\"name\":\"a\"}", """{"labels":{"a":"x"}}""", StringComparison.Ordinal)), Ask(Plain.Replace("{\"name\":\"a\"}", """{"labels":{"a":"y"}}""", StringComparison.Ordinal)));
        Assert.Equal(1, memo.Count);
    }

    // The same bytes in both: into the one its Deployment wrote the label, into the other a user did.
    [Fact]
    public void A_ReplicaSet_and_a_Deployment_are_two_questions()
    {
        using var json = JsonDocument.Parse("""{"spec":{"template":{"metadata":{"labels":{"pod-template-hash":"9b4d"}},"spec":{"containers":[{"name":"main","image":"i","env":[{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels"}}}]}]}}}}""");
        foreach (var kind in (string[])["Deployment", "ReplicaSet", "Deployment", "ReplicaSet"])
        {
            var told = Templates.Told(TemplateProjection.OfObject("apps", kind, json.RootElement, [], memo)!);
            Assert.Equal(kind == "Deployment", told.Contains("9b4d", StringComparison.Ordinal));
            Assert.Equal(Templates.Told(TemplateProjection.OfObject("apps", kind, json.RootElement, [])!), told);
        }
    }

    [Fact]
    public void A_mount_of_the_token_under_another_spelling_of_its_name_is_not_looked_through()
    {
        const string token = """{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},{"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}},{"downwardAPI":{"items":[{"path":"namespace","fieldRef":{"apiVersion":"v1","fieldPath":"metadata.namespace"}}]}}]}""";
        string Pod(string volume, string mount) =>
            """{"spec":{"containers":[{"name":"main","image":"i","volumeMounts":[{"name":"MOUNT","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}]}],"volumes":[{"name":"VOLUME","projected":TOKEN}]}}"""
                .Replace("MOUNT", mount, StringComparison.Ordinal).Replace("VOLUME", volume, StringComparison.Ordinal).Replace("TOKEN", token, StringComparison.Ordinal);

        var usual = Ask(Pod("kube-api-access-bcdfg", "kube-api-access-bcdfg"));
        Assert.Equal(usual, Ask(Pod("kube-api-access-7x2kd", "kube-api-access-7x2kd")));
        Assert.Equal(1, memo.Count);
        Assert.Equal(usual, Ask(Pod("kube-api-access-bcdfg", "kube\\u002dapi-access-bcdfg")));
        Assert.NotEqual(usual, Ask(Pod("kube-api-access-7x2kd", "kube\\u002dapi-access-bcdfg")));
        Assert.NotEqual(usual, Ask(Pod("kube-api-access-7x2kd", "kube-api-access-bcdfg")));
    }

    [Fact]
    public void Another_list_of_sidecars_is_another_question()
    {
        const string pod = """{"spec":{"containers":[{"name":"main","image":"i"},{"name":"proxy","image":"p"}]}}""";
        Assert.NotEqual(Ask(pod), Ask(pod, ["proxy"]));
        Assert.NotEqual(Ask(pod), Ask(pod, ["proxy"]));
    }

    [Fact]
    public void However_many_templates_come_no_more_than_sixteen_mebibytes_are_held()
    {
        var padding = new string('x', 30_000);
        for (var i = 0; i < 600; i++)
        {
            Ask("""{"spec":{"containers":[{"name":"main","image":"i","args":["ARGS"]}]}}""".Replace("ARGS", $"{i} {padding}", StringComparison.Ordinal));
        }

        Assert.InRange(memo.Count, 1, (16 << 20) / 60_000);
    }

    // Asks the memo, and holds it against an answer of its own.
    private string Ask(string pod, ImmutableArray<string> sidecars = default)
    {
        using var json = JsonDocument.Parse(pod);
        var told = Templates.Told(TemplateProjection.OfObject("", "Pod", json.RootElement, sidecars, memo)!);
        Assert.Equal(Templates.Told(TemplateProjection.OfPod(json.RootElement, sidecars)), told);
        return told;
    }
}
