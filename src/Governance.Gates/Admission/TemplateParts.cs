using System.Text.Json;

namespace Governance.Gates.Admission;

/// <summary>What an object with a pod template is.</summary>
internal enum TemplateOwner
{
    /// <summary>Anything that gives its pods the template and no more.</summary>
    Workload,

    /// <summary>A pod.</summary>
    Pod,

    /// <summary>A StatefulSet, whose claim templates become volumes.</summary>
    StatefulSet,

    /// <summary>A ReplicaSet, whose template a Deployment may have labelled.</summary>
    ReplicaSet,

    /// <summary>A Job, whose template the API server labels.</summary>
    Job,
}

/// <summary>All that a projection is made of. Nothing else of an object is read for it.</summary>
/// <param name="Owner">What the object is.</param>
/// <param name="Name">Name of a pod or Job, where something in the pod may bear it; else null.</param>
/// <param name="Labels">Labels of the template, where its pod may read its own metadata; else undefined.</param>
/// <param name="Annotations">Annotations of the template; undefined where there are none.</param>
/// <param name="Spec">Its spec.</param>
/// <param name="Claims">Claim templates of a StatefulSet; undefined where there are none.</param>
internal readonly record struct TemplateParts(TemplateOwner Owner, string? Name, JsonElement Labels, JsonElement Annotations, JsonElement Spec, JsonElement Claims);
