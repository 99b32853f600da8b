using System.Collections.Immutable;

namespace Governance.Gates.Policies;

/// <summary>The admission gate's settings.</summary>
internal static class AdmissionRules
{
    // What the gate reads by itself; a declared path could only make it read less.
    private static readonly ImmutableArray<string> BuiltIn =
        ["daemonsets.apps", "deployments.apps", "replicasets.apps", "statefulsets.apps", "cronjobs.batch", "jobs.batch"];

    public static AdmissionSettings Read(PolicyNode? admission, PartyRules parties, ApprovalRules approvals, ReviewSettings? review, PolicyMistakes mistakes)
    {
        if (admission is null)
        {
            return new();
        }

        var audited = admission["namespaces"]?.Words("audit") ?? [];
        var own = admission["namespaces"]?["own"];
        if (own is not null && audited.Contains(own.Text))
        {
            mistakes.Add(own, $"the gate's own namespace '{own.Text}' is among those that are only audited", "remove it from admission.namespaces.audit: whoever may write there could replace the gate");
        }

        var declared = new DeclaredRules(admission, parties, approvals, review, mistakes);
        return new()
        {
            Statements = declared.ReadStatements(),
            Sessions = declared.ReadSessions(),
            Objects = declared.ReadObjects(),
            Mode = ImageRules.ReadMode(admission["mode"]),
            AuditedNamespaces = audited,
            OwnNamespace = own?.Text,
            UnknownKinds = admission["unknownKinds"]?.Text switch
            {
                "deny" => Verdict.Deny,
                "warn" => Verdict.Warn,
                _ => Verdict.Unknown,
            },
            Sidecars = admission.Words("sidecars"),
            CustomResources = ReadCustomResources(admission["customResources"], mistakes),
        };
    }

    private static ImmutableArray<CustomResource> ReadCustomResources(PolicyNode? list, PolicyMistakes mistakes)
    {
        var resources = ImmutableArray.CreateBuilder<CustomResource>();
        var seen = new Dictionary<string, PolicyNode>(StringComparer.Ordinal);
        foreach (var node in list?.Sound ?? [])
        {
            if (node["resource"] is not { } resource)
            {
                continue;
            }

            if (BuiltIn.Contains(resource.Text) || !resource.Text.Contains('.', StringComparison.Ordinal))
            {
                mistakes.Add(resource, $"'{resource.Text}' is not a custom resource: Kubernetes' own kinds are judged without being declared", "remove it, or write plural and group as in rollouts.argoproj.io");
            }
            else if (!seen.TryAdd(resource.Text, resource))
            {
                mistakes.Add(resource, $"'{resource.Text}' is declared in line {seen[resource.Text].Line} already", "put all paths into one");
            }

            resources.Add(new(resource.Text, node.Words("images")));
        }

        return resources.ToImmutable();
    }
}
