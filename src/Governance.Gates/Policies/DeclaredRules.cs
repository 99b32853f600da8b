using System.Collections.Immutable;
using Governance.Gates.Images;

namespace Governance.Gates.Policies;

/// <summary>What the policy says about declared objects and sessions, and where approvals of them wait.</summary>
internal sealed class DeclaredRules(PolicyNode admission, PartyRules parties, ApprovalRules approvals, ReviewSettings? review, PolicyMistakes mistakes)
{
    // What images and templates decide: approved as a whole, a change of replicas would need an approval too.
    private static readonly ImmutableArray<string> Workloads =
        ["pods", "podtemplates", "replicationcontrollers", "daemonsets.apps", "deployments.apps", "replicasets.apps", "statefulsets.apps", "controllerrevisions.apps", "cronjobs.batch", "jobs.batch"];

    // The API server asks no webhook about these (Kubernetes documentation, "Dynamic Admission Control"); namespaces have a guard of their own.
    private static readonly ImmutableArray<string> NeverAsked =
    [
        "validatingwebhookconfigurations.admissionregistration.k8s.io", "mutatingwebhookconfigurations.admissionregistration.k8s.io",
        "validatingadmissionpolicies.admissionregistration.k8s.io", "validatingadmissionpolicybindings.admissionregistration.k8s.io",
        "mutatingadmissionpolicies.admissionregistration.k8s.io", "mutatingadmissionpolicybindings.admissionregistration.k8s.io",
        "tokenreviews.authentication.k8s.io", "subjectaccessreviews.authorization.k8s.io", "namespaces",
    ];

    private static readonly ImmutableArray<string> WithoutNamespace = ["clusterroles.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io", "persistentvolumes", "nodes"];

    public Repository? ReadStatements() => ReadRepository(admission["statements"], mistakes);

    /// <summary>The repository that a value names; null where there is none.</summary>
    public static Repository? ReadRepository(PolicyNode? node, PolicyMistakes mistakes)
    {
        if (node is null)
        {
            return null;
        }

        if (ImageReference.Read(node.Text) is Reading<ImageReference>.Found({ Digest: null, Tag: null } reference))
        {
            return reference.Repository;
        }

        mistakes.Add(node, $"{PolicyNode.Shown(node.Text)} names no repository", "write registry and repository, without tag and digest");
        return null;
    }

    public SessionSettings ReadSessions() => new()
    {
        Exec = ReadSession("exec", SessionSettings.ExecAction),
        Attach = ReadSession("attach", SessionSettings.AttachAction),
        PortForward = ReadSession("portForward", SessionSettings.PortForwardAction),
    };

    public ImmutableArray<DeclaredObject> ReadObjects()
    {
        var objects = ImmutableArray.CreateBuilder<DeclaredObject>();
        foreach (var node in admission["objects"]?.Sound ?? [])
        {
            if (node["resource"] is not { } resource)
            {
                continue;
            }

            if (Workloads.Contains(resource.Text))
            {
                mistakes.Add(resource, $"'{resource.Text}' is judged by its images and its pod template", "write require: { approved: … } for its images under artifacts.images");
            }
            else if (NeverAsked.Contains(resource.Text))
            {
                mistakes.Add(resource, $"the API server does not ask about '{resource.Text}', so no approval could be demanded", "remove it");
            }

            if (WithoutNamespace.Contains(resource.Text) && node["in"]?["namespaces"] is { } namespaces)
            {
                mistakes.Add(namespaces, $"'{resource.Text}' stand in no namespace, so the rule would never hold", "name environments, or remove 'in'");
            }

            foreach (var environment in node["in"]?["environments"]?.Sound ?? [])
            {
                parties.Check(environment, "environment", "environments");
            }

            NeedStatements(node);
            var scope = node["in"] is { } place ? new Scope(place.Words("namespaces"), place.Words("environments")) : null;
            var approved = node["require"]?["approved"] is { } required ? approvals.ReadRequirement(required, null) : new("", [], CoversTemplate: false);
            if (node["values"] is { } values)
            {
                CheckValues(values, resource.Text, approved);
            }

            objects.Add(new(node.Path["spec.".Length..], resource.Text, scope, node.Words("names"), approved) { ValuesAsInReviews = node["values"] is not null });
        }

        return objects.ToImmutable();
    }

    // Only a ConfigMap holds files. What stands in an object of another kind stands in no file, so that no rule of review.values means it.
    private void CheckValues(PolicyNode values, string resource, ApprovedRequirement approved)
    {
        if (resource != "configmaps")
        {
            mistakes.Add(values, $"'{resource}' hold no files, and review.values speaks of values in files", "remove values: the whole object is approved");
            return;
        }

        if (review is not { Values.IsEmpty: false })
        {
            mistakes.Add(values, "no rule of review.values could hold", "add review.values, or remove values");
            return;
        }

        foreach (var same in review.Values.Select(rule => (rule.FileName, rule.File)).Distinct().GroupBy(rule => rule.FileName, rule => rule.File).Where(same => same.Count() > 1))
        {
            mistakes.Add(values, $"{string.Join(" and ", same.Select(PolicyNode.Shown))} would be the same file in a ConfigMap", "give the files in review.values names of their own");
        }

        // One change may move all of them.
        if (approvals.Rules.GetValueOrDefault(approved.Action) is { } rule)
        {
            approvals.CheckReachable(values, rule.With(review.MovedValues));
            if (rule.MaxUses is not 1)
            {
                mistakes.Warn(values, $"an approval by {PolicyNode.Shown(approved.Action)} may be used again while it lasts, from a lower value than the one that was seen", "add maxUses: 1 to the action");
            }
        }
    }

    private SessionRule ReadSession(string name, string action)
    {
        if (admission["sessions"]?[name] is not { } node)
        {
            return SessionRule.Allow;
        }

        if (node.Kind == NodeKind.Mapping)
        {
            NeedStatements(node);
            return new SessionRule.Require(approvals.ReadRule(action, node, SessionSettings.UseBy));
        }

        return node.Text switch
        {
            "deny" => new SessionRule.Fixed(Verdict.Deny),
            "warn" => new SessionRule.Fixed(Verdict.Warn),
            _ => SessionRule.Allow,
        };
    }

    private void NeedStatements(PolicyNode rule)
    {
        if (admission.Find("statements") is null)
        {
            mistakes.Add(rule, "an approval is asked for, and nothing says where it waits", "add admission.statements: a repository");
        }
    }
}
