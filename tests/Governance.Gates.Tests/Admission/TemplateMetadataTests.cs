using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Admission;

namespace Governance.Gates.Tests.Admission;

/// <summary>Labels and annotations: those that a pod reads of itself are part of what is approved, and what controllers write into each pod is not.</summary>
public sealed class TemplateMetadataTests
{
    private const string Uid = "0d9f7c1e-6c7b-4c5e-9d0b-2a1f4a6f7b11";
    private const string Index = "batch.kubernetes.io/job-completion-index";

    /// <summary>What reads, and what is read.</summary>
    public static TheoryData<string, string, string> Readers => new()
    {
        { "containers/0/env", Variable("metadata.annotations['app/mode']"), "annotations" },
        { "containers/0/env", Variable("metadata.labels['app/mode']"), "labels" },
        { "initContainers/0/env", Variable("metadata.labels['app/mode']"), "labels" },
        { "ephemeralContainers", """[{"name":"debug","image":"i","env":[{"name":"X","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['app/mode']"}}}]}]""", "labels" },
        { "volumes/+", Files("metadata.annotations['app/mode']"), "annotations" },
        { "volumes/+", Files("metadata.annotations"), "annotations" },
        { "volumes/+", Files("metadata.labels"), "labels" },
        { "volumes/+", """{"name":"own","projected":{"sources":[{"downwardAPI":{"items":[{"path":"p","fieldRef":{"fieldPath":"metadata.annotations['app/mode']"}}]}}]}}""", "annotations" },
        { "volumes/+", """{"name":"own","projected":{"sources":[{"downwardAPI":{"items":[{"path":"p","fieldRef":{"fieldPath":"metadata.labels"}}]}}]}}""", "labels" },
        // What the API server refuses stands for all of them.
        { "containers/0/env", Variable("metadata.labels['app/mode'"), "labels" },
        { "containers/0/env", Variable("metadata.labels[app/mode]"), "labels" },
        { "containers/0/env", Variable("metadata.labels['']"), "labels" },
        { "containers/0/env", Variable("metadata.annotations[\\\"app/mode\\\"]"), "annotations" },
        // A field of a later version.
        { "inventedLater", """{"anything":[{"fieldPath":"metadata.labels['app/mode']"}]}""", "labels" },
    };

    /// <summary>Where a pod reads the whole of both, and single ones that controllers write: kind, what was added in the template, and what in the pod.</summary>
    public static TheoryData<string, string, string> Written => new()
    {
        { "ReplicaSet", """{"pod-template-hash":"6cbc96d6b5"}""", """{"pod-template-hash":"6cbc96d6b5"}""" },
        { "Deployment", "{}", """{"pod-template-hash":"6cbc96d6b5"}""" },
        { "DaemonSet", "{}", """{"controller-revision-hash":"5fbcb58857","pod-template-generation":"12"}""" },
        { "StatefulSet", "{}", """{"controller-revision-hash":"book-5fbcb58857","statefulset.kubernetes.io/pod-name":"book-0","apps.kubernetes.io/pod-index":"0"}""" },
        { "Job", $$"""{"controller-uid":"{{Uid}}","job-name":"book"}""", $$"""{"controller-uid":"{{Uid}}","job-name":"book"}""" },
        { "Job", "{}", $$"""{"controller-uid":"{{Uid}}","job-name":"book","batch.kubernetes.io/controller-uid":"{{Uid}}","batch.kubernetes.io/job-name":"book","{{Index}}":"3"}""" },
    };

    /// <summary>A label or annotation of a pod, and why no controller wrote it.</summary>
    public static TheoryData<string, string, string, string> NotWritten => new()
    {
        { "labels", "pod-template-hash", "production", "no hash" },
        { "labels", "pod-template-hash", "6cbc96d6b5b", "longer than a hash" },
        { "labels", "pod-template-generation", "v2", "no number" },
        { "labels", "controller-revision-hash", "ledger-5fbcb58857", "the hash of another StatefulSet" },
        { "labels", "statefulset.kubernetes.io/pod-name", "book-1", "the name of another pod" },
        { "labels", "apps.kubernetes.io/pod-index", "1", "the index of another pod" },
        { "labels", "job-name", "book", "the pod bears no name that a Job gives" },
        { "labels", "batch.kubernetes.io/controller-uid", Uid, "no Job" },
        { "labels", Index, "3", "no Job" },
        { "annotations", Index, "3", "no Job" },
        { "annotations", "kubernetes.io/psp", "--debug true", "no name of a policy" },
        { "annotations", "openshift.io/scc", "$(id)", "no name of a constraint" },
        { "annotations", "kubernetes.io/limit-ranger", "LimitRanger plugin set: `id`", "not what it says" },
        { "annotations", "kubectl.kubernetes.io/restartedAt", "2026-11-24T15:24:16Z", "kubectl writes it into the template" },
        { "annotations", "kubernetes.io/config.source", "file", "only the mirror of a static pod has it, which has no template" },
    };

    [Theory, MemberData(nameof(Readers))]
    public void An_annotation_or_label_that_the_pod_reads_is_part_of_what_is_approved(string path, string reader, string of)
    {
        JsonNode With(string? value)
        {
            var pod = Plain().With("spec/initContainers", """[{"name":"first","image":"i"}]""").With($"spec/{path}", reader);
            pod["metadata"]![of] = value is null ? new JsonObject() : new JsonObject { ["app/mode"] = value };
            return pod;
        }

        var approved = Templates.Projection(With("paper"));
        Assert.Equal([$"{of}[app/mode]: \"paper\" -> \"live\""], TemplateProjection.Difference(approved.Json, Templates.Projection(With("live")).Json));
        Assert.Equal([$"{of}[app/mode]: removed \"paper\""], TemplateProjection.Difference(approved.Json, Templates.Projection(With(null)).Json));
        Assert.Equal(approved.Digest, TemplateProjection.TryParse(JsonDocument.Parse(approved.Json).RootElement)?.Digest);

        var note = With("paper");
        note["metadata"]![of == "labels" ? "annotations" : "labels"] = new JsonObject { ["app/mode"] = "x" };
        Assert.Equal(approved.Digest, Templates.Projection(note).Digest);
    }

    [Fact]
    public void What_the_pod_does_not_read_stays_out()
    {
        var pod = Plain().With("spec/containers/0/env", Variable("metadata.labels['a']")).With("metadata/labels", """{"a":"1","b":"2"}""").With("metadata/annotations", """{"a":"1"}""");
        Assert.Equal("""{"a":"1"}""", JsonNode.Parse(Templates.Projection(pod).Json.Span)!["labels"]!.ToJsonString());
        Assert.Equal(Templates.Digest(pod), Templates.Digest(pod.With("metadata/labels/b", "\"3\"").With("metadata/annotations/a", "\"2\"")));
        Assert.Equal(Templates.Digest(Plain()), Templates.Digest(Plain().With("metadata/labels", """{"a":"1"}""")));
    }

    [Theory, MemberData(nameof(Written))]
    public void What_a_template_says_and_what_its_controller_makes_of_it_have_one_digest_though_the_pod_reads_it_all(string kind, string stored, string made)
    {
        var name = kind switch { "StatefulSet" => "book-0", "Job" when made.Contains(Index, StringComparison.Ordinal) => "book-3-7xk2q", "Job" => "book-7xk2q", _ => "book-6cbc96d6b5-7xk2q" };
        var labels = JsonNode.Parse(made)!.AsObject();
        var spec = Plain()["spec"]!;
        var readers = new JsonArray([.. labels.Select(label => Reader($"metadata.labels['{label.Key}']")), Reader($"metadata.annotations['{Index}']")]);
        spec["containers"]![0]!["env"] = readers;
        spec["volumes"] = new JsonArray(JsonNode.Parse(Files("metadata.labels")), JsonNode.Parse(Files("metadata.annotations").Replace("own", "notes", StringComparison.Ordinal)));

        JsonObject Metadata(string more) => new() { ["labels"] = Merged("""{"app":"book"}""", more), ["annotations"] = JsonNode.Parse("""{"prometheus.io/scrape":"true"}""") };
        JsonNode Workload(string more) => new JsonObject
        {
            ["apiVersion"] = kind == "Job" ? "batch/v1" : "apps/v1",
            ["kind"] = kind,
            ["metadata"] = new JsonObject { ["name"] = "book" },
            ["spec"] = new JsonObject { ["template"] = new JsonObject { ["metadata"] = Metadata(more), ["spec"] = spec.DeepClone() } },
        };

        var pod = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Pod", ["metadata"] = Metadata(made), ["spec"] = spec.DeepClone() }.With("metadata/name", $"\"{name}\"");
        var notes = pod["metadata"]!["annotations"]!;
        notes["kubernetes.io/psp"] = "restricted";
        notes["openshift.io/scc"] = "restricted-v2";
        notes["kubernetes.io/limit-ranger"] = "LimitRanger plugin set: cpu, memory request for container main; ephemeral-storage limit for init container first";
        if (labels.ContainsKey(Index))
        {
            notes[Index] = "3";
            notes["batch.kubernetes.io/job-index-failure-count"] = "1";
            pod["spec"]!["containers"]![0]!["env"]!.AsArray().Add(JsonNode.Parse($$$$"""{"name":"JOB_COMPLETION_INDEX","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['{{{{Index}}}}']"}}}"""));
        }

        var written = Templates.Digest(Workload("{}"));
        Assert.Equal(written, Templates.Digest(Workload(stored)));
        Assert.Equal(written, Templates.Digest(pod));
        Assert.NotEqual(written, Templates.Digest(pod.With("metadata/labels/app", "\"ledger\"")));
    }

    [Theory, MemberData(nameof(NotWritten))]
    public void What_has_the_name_of_what_controllers_write_and_is_not_theirs_counts(string of, string key, string value, string because)
    {
        var pod = Plain().With("metadata/name", "\"book-0\"").With("spec/volumes", $"[{Files($"metadata.{of}")}]");
        var approved = Templates.Digest(pod);
        pod["metadata"]![of] = new JsonObject { [key] = value };
        Assert.True(approved != Templates.Digest(pod), because);
    }

    [Theory]
    [InlineData("Deployment", "pod-template-hash", "6cbc96d6b5")]
    [InlineData("StatefulSet", "controller-revision-hash", "book-5fbcb58857")]
    [InlineData("StatefulSet", "statefulset.kubernetes.io/pod-name", "book-0")]
    [InlineData("CronJob", "job-name", "book")]
    [InlineData("Job", "job-name", "ledger")]
    [InlineData("ReplicaSet", "job-name", "book")]
    public void What_a_user_wrote_in_the_place_of_a_controller_counts(string kind, string label, string value)
    {
        var template = new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject { [label] = value } }, ["spec"] = Plain().With("spec/containers/0/env", Variable($"metadata.labels['{label}']"))["spec"]!.DeepClone() };
        var workload = new JsonObject { ["apiVersion"] = kind.EndsWith("Job", StringComparison.Ordinal) ? "batch/v1" : "apps/v1", ["kind"] = kind, ["metadata"] = new JsonObject { ["name"] = "book" } };
        workload["spec"] = kind == "CronJob" ? new JsonObject { ["jobTemplate"] = new JsonObject { ["spec"] = new JsonObject { ["template"] = template } } } : new JsonObject { ["template"] = template };
        Assert.Contains(value, Templates.Told(Templates.Read(workload)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("metadata.annotations['kubernetes.io/psp']", "kubernetes.io/psp", "restricted")]
    [InlineData("metadata.annotations['openshift.io/scc']", "openshift.io/scc", "restricted")]
    public void Who_asks_for_what_admission_writes_gets_what_was_approved(string path, string annotation, string value)
    {
        var pod = Plain().With("spec/containers/0/env", Variable(path));
        var approved = Templates.Digest(pod);
        pod["metadata"]!["annotations"] = new JsonObject { [annotation] = value };
        Assert.NotEqual(approved, Templates.Digest(pod));
    }

    [Theory]
    [InlineData("load-7xk2q", "load", true)]
    [InlineData("load-12-7xk2q", "load", true)]
    [InlineData("load-7xk2q", "load-7xk2q", false)]
    [InlineData("load-aeiou", "load", false)]
    [InlineData("load-x-7xk2q", "load", false)]
    [InlineData("load", "load", false)]
    [InlineData("7xk2q", "", false)]
    [InlineData("other-7xk2q", "load", false)]
    [InlineData("aaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffe7xk2q", "aaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffe", false)]
    [InlineData("aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffff7xk2q", "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff", true)]
    [InlineData("aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeefffff-7-7xk2q", "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff", true)]
    public void A_pod_is_a_Jobs_by_the_name_that_its_controller_makes(string pod, string job, bool itsOwn)
    {
        var reading = Plain().With("metadata/name", $"\"{pod}\"").With("spec/containers/0/env", Variable("metadata.labels['job-name']"));
        var approved = Templates.Digest(reading);
        Assert.Equal(itsOwn, approved == Templates.Digest(reading.With("metadata/labels", $$"""{"job-name":"{{job}}"}""")));
    }

    // The variable is left out by its name: what it reads is not.
    [Fact]
    public void A_completion_index_that_no_Job_gave_counts()
    {
        var variable = $$$$"""[{"name":"JOB_COMPLETION_INDEX","valueFrom":{"fieldRef":{"fieldPath":"metadata.annotations['{{{{Index}}}}']"}}}]""";
        var pod = Plain().With("metadata/name", "\"load-0-7xk2q\"").With("metadata/labels", """{"job-name":"load"}""").With("spec/containers/0/env", variable);
        pod["metadata"]!["annotations"] = new JsonObject { [Index] = "0" };
        Assert.Equal(Templates.Digest(Plain()), Templates.Digest(pod));
        pod["metadata"]!["annotations"]![Index] = "0; rm -rf /";
        Assert.NotEqual(Templates.Digest(Plain()), Templates.Digest(pod));
    }

    private static JsonNode Plain() => JsonNode.Parse("""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"main"},"spec":{"containers":[{"name":"main","image":"i"}],"volumes":[{"name":"scratch"}]}}""")!;

    private static JsonObject Reader(string path) => new() { ["name"] = "V" + path.Length, ["valueFrom"] = new JsonObject { ["fieldRef"] = new JsonObject { ["apiVersion"] = "v1", ["fieldPath"] = path } } };

    private static string Variable(string path) => $$$$"""[{"name":"X","valueFrom":{"fieldRef":{"fieldPath":"{{{{path}}}}"}}}]""";

    private static string Files(string path) => $$$$"""{"name":"own","downwardAPI":{"items":[{"path":"p","fieldRef":{"fieldPath":"{{{{path}}}}"}}]}}""";

    private static JsonObject Merged(string one, string more)
    {
        var merged = JsonNode.Parse(one)!.AsObject();
        foreach (var (name, value) in JsonNode.Parse(more)!.AsObject())
        {
            merged[name] = value!.DeepClone();
        }

        return merged;
    }
}
