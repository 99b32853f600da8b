using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Governance.Gates.Admission;

/// <summary>
/// Which labels and annotations a pod reads of itself, through the downward API: in variables, and in files of <c>downwardAPI</c> and <c>projected</c> volumes.
/// What is read is part of the projection, but for what controllers write into each pod.
/// </summary>
/// <remarks>A path is <c>metadata.labels['KEY']</c> or, for all of them, <c>metadata.labels</c> (Kubernetes, pkg/fieldpath); so are those of annotations.</remarks>
internal sealed class TemplateMetadata
{
    private const string LabelsPath = "metadata.labels";
    private const string AnnotationsPath = "metadata.annotations";
    private const string JobName = "batch.kubernetes.io/job-name";
    private const string OldJobName = "job-name";

    // names.SimpleNameGenerator: what stands before the letters is cut to this.
    private const int LongestBase = 58;

    // rand.SafeEncodeString of a number of 32 bits: what these letters make of its digits.
    private const int LongestHash = 10;
    private static readonly SearchValues<char> HashLetters = SearchValues.Create("456789bcdf");
    private static readonly SearchValues<char> NameLetters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-.");
    private static readonly SearchValues<char> LimitLetters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-./,; ");

    private static readonly TemplateMetadata Nothing = new();

    private readonly HashSet<string> labels = new(StringComparer.Ordinal);
    private readonly HashSet<string> annotations = new(StringComparer.Ordinal);
    private bool allLabels;
    private bool allAnnotations;

    private TemplateMetadata()
    {
    }

    /// <summary>Whether anything is read.</summary>
    public bool IsAny => allLabels || allAnnotations || labels.Count > 0 || annotations.Count > 0;

    /// <summary>Whether a spec may name such a path: true also where none does. Asked of the bytes, since hardly any spec does.</summary>
    public static bool MayBeRead(JsonElement spec)
    {
        var json = JsonMarshal.GetRawUtf8Value(spec);
        var rest = json;
        while (rest.IndexOf("metadata."u8) is >= 0 and var at)
        {
            rest = rest[(at + "metadata."u8.Length)..];
            if (rest.StartsWith("labels"u8) || rest.StartsWith("annotations"u8))
            {
                return true;
            }
        }

        // Only this escape spells letters.
        return json.IndexOf("\\u"u8) >= 0;
    }

    /// <summary>Whether these labels may name a Job: true also where they do not.</summary>
    public static bool MayNameJob(JsonElement labels)
    {
        var json = labels.ValueKind == JsonValueKind.Undefined ? [] : JsonMarshal.GetRawUtf8Value(labels);
        return json.IndexOf("job-name"u8) >= 0 || json.IndexOf("\\u"u8) >= 0;
    }

    /// <summary>What a pod reads.</summary>
    /// <param name="spec">Its spec, without what is left out.</param>
    /// <param name="mayBeRead">Whether <see cref="MayBeRead"/> said so.</param>
    public static TemplateMetadata Of(CanonicalNode.Members spec, bool mayBeRead)
    {
        if (!mayBeRead)
        {
            return Nothing;
        }

        var reads = new TemplateMetadata();
        reads.Find(spec);
        return reads;
    }

    /// <summary>Whether an annotation of this name is read.</summary>
    public bool ReadsAnnotation(string name) => allAnnotations || annotations.Contains(name);

    /// <summary>Leaves those labels that are read, and takes away what controllers wrote.</summary>
    /// <param name="all">All labels.</param>
    /// <param name="kept">Annotations that are read or have a meaning.</param>
    /// <param name="parts">What they stand in.</param>
    public void LeaveOut(CanonicalNode.Members all, CanonicalNode.Members kept, TemplateParts parts)
    {
        var job = all.TextOf(JobName) ?? all.TextOf(OldJobName);
        if (job is null || parts.Name is not { } name || !(parts.Owner == TemplateOwner.Job ? job == name : parts.Owner == TemplateOwner.Pod && IsOfJob(name, job)))
        {
            job = null;
        }

        foreach (var (label, value) in all.All.ToArray())
        {
            if (!(allLabels || labels.Contains(label)) || IsWritten(label, ((CanonicalNode.Text)value).Value, parts, job))
            {
                all.All.Remove(label);
            }
        }

        if (parts.Owner != TemplateOwner.Pod)
        {
            return;
        }

        foreach (var (annotation, value) in kept.All.ToArray())
        {
            if (IsWrittenNote(annotation, ((CanonicalNode.Text)value).Value, job))
            {
                kept.All.Remove(annotation);
            }
        }
    }

    // In a template only who really writes there may: what a user wrote in any other counts, and is missing from its pods, which are refused.
    private static bool IsWritten(string label, string value, TemplateParts parts, string? job) => (label, parts.Owner) switch
    {
        // The Deployment controller, into its ReplicaSets.
        ("pod-template-hash", TemplateOwner.Pod or TemplateOwner.ReplicaSet) => IsHash(value),

        // The DaemonSet controller; and that of StatefulSets, with its own name before it.
        ("pod-template-generation", TemplateOwner.Pod) => IsNumber(value),
        ("controller-revision-hash", TemplateOwner.Pod) => IsHash(Ordinal(parts.Name) is { } at && value.StartsWith(parts.Name![..at], StringComparison.Ordinal) ? value.AsSpan(at) : value),
        ("statefulset.kubernetes.io/pod-name", TemplateOwner.Pod) => Ordinal(parts.Name) is not null && value == parts.Name,
        ("apps.kubernetes.io/pod-index", TemplateOwner.Pod) => Ordinal(parts.Name) is { } at && parts.Name.AsSpan(at).SequenceEqual(value),

        // The API server, into the template of a Job (registry/batch/job, generateSelector), and the Job controller.
        (OldJobName or JobName, _) => value == job,
        ("controller-uid" or "batch.kubernetes.io/controller-uid", _) => job is not null && Guid.TryParseExact(value, "D", out var uid) && uid.ToString("D") == value,
        ("batch.kubernetes.io/job-completion-index", TemplateOwner.Pod) => job is not null && IsNumber(value),
        _ => false,
    };

    private bool IsWrittenNote(string annotation, string value, string? job) => annotation switch
    {
        "batch.kubernetes.io/job-completion-index" or "batch.kubernetes.io/job-index-failure-count" or "batch.kubernetes.io/job-index-ignored-failure-count" => job is not null && IsNumber(value),

        // Admission, while the pod is made. Who asks for one of these alone means it, and then it counts.
        "kubernetes.io/psp" or "openshift.io/scc" => !annotations.Contains(annotation) && value.Length > 0 && !value.AsSpan().ContainsAnyExcept(NameLetters),
        "kubernetes.io/limit-ranger" => !annotations.Contains(annotation) && value.StartsWith("LimitRanger plugin set: ", StringComparison.Ordinal) && !value.AsSpan("LimitRanger plugin set: ".Length).ContainsAnyExcept(LimitLetters),
        _ => false,
    };

    private static bool IsHash(ReadOnlySpan<char> value) => value.Length is > 0 and <= LongestHash && !value.ContainsAnyExcept(HashLetters);

    private static bool IsNumber(ReadOnlySpan<char> value) => value.Length is > 0 and <= LongestHash && !value.ContainsAnyExceptInRange('0', '9');

    // Where the number begins that a StatefulSet gave a pod of this name.
    private static int? Ordinal(string? pod) => pod is not null && TemplateInjections.MayOwnClaims(pod) ? pod.LastIndexOf('-') + 1 : null;

    // <job>-<letters>, or <job>-<index>-<letters> (pkg/controller/job, podGenerateNameWithIndex). Whoever makes a Job chooses its name as freely.
    private static bool IsOfJob(string pod, string job)
    {
        if (pod.Length <= TemplateInjections.SuffixLength || !TemplateInjections.IsSuffix(pod.AsSpan(^TemplateInjections.SuffixLength..)))
        {
            return false;
        }

        var made = pod.AsSpan(..^TemplateInjections.SuffixLength);
        if (made.Length > LongestBase || made.SequenceEqual(Cut($"{job}-", LongestBase)))
        {
            return made.Length <= LongestBase;
        }

        var dash = made[..^1].LastIndexOf('-');
        return made[^1] == '-' && dash > 0 && IsNumber(made[(dash + 1)..^1]) && made[..dash].SequenceEqual(Cut(job, LongestBase - (made.Length - dash)));
    }

    private static ReadOnlySpan<char> Cut(string text, int most) => text.AsSpan(0, Math.Min(text.Length, most));

    private void Find(CanonicalNode node)
    {
        switch (node)
        {
            case CanonicalNode.Members members:
                foreach (var (name, value) in members.All)
                {
                    if (name == "fieldPath" && value is CanonicalNode.Text(var path))
                    {
                        Add(path, LabelsPath, labels, ref allLabels);
                        Add(path, AnnotationsPath, annotations, ref allAnnotations);
                    }

                    Find(value);
                }

                break;
            case CanonicalNode.Items list:
                list.All.ForEach(Find);
                break;
        }
    }

    // SplitMaybeSubscriptedPath. What begins like such a path and is none, which the API server refuses, stands for all of them.
    private static void Add(string path, string of, HashSet<string> named, ref bool all)
    {
        if (!path.StartsWith(of, StringComparison.Ordinal))
        {
            return;
        }

        var key = path.AsSpan(of.Length);
        if (key.Length > 4 && key.StartsWith("['") && key.EndsWith("']"))
        {
            named.Add(key[2..^2].ToString());
        }
        else
        {
            all = true;
        }
    }
}
