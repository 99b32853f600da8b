using System.Collections.Immutable;
using System.Text.Json;
using Governance.Gates.Approvals;
using Governance.Gates.Policies;

namespace Governance.Gates.Admission;

/// <summary>What a request comes down to besides its images: declared objects, and sessions into running Pods.</summary>
internal sealed record DeclaredGate(ImmutableArray<Decision> Settled, ImmutableArray<DocumentQuestion> Documents)
{
    private const string Sessions = "admission.sessions";
    private const string NameCluster = "name the cluster by the UID of its kube-system namespace (--cluster-uid)";

    /// <summary>No rule speaks.</summary>
    public static DeclaredGate Nothing { get; } = new([], []);

    public static DeclaredGate Open(AdmissionRequest request, Policy policy, string? cluster) => request.Operation switch
    {
        "CONNECT" => OpenSession(request, policy, cluster),
        _ when policy.Admission.Objects.IsEmpty || request.Subresource is not ("" or "status") => Nothing,
        _ => OpenObject(request, policy, cluster),
    };

    private static DeclaredGate OpenSession(AdmissionRequest request, Policy policy, string? cluster)
    {
        var sessions = policy.Admission.Sessions;
        switch (request)
        {
            case { ResourceGroup: "", Resource: "pods", Subresource: "exec" }:
                return OpenSession(request, SessionVerb.Exec, sessions.Exec, "exec", policy, cluster);
            case { ResourceGroup: "", Resource: "pods", Subresource: "attach" }:
                return OpenSession(request, SessionVerb.Attach, sessions.Attach, "attach", policy, cluster);
            case { ResourceGroup: "", Resource: "pods", Subresource: "portforward" }:
                return OpenSession(request, SessionVerb.PortForward, sessions.PortForward, "portForward", policy, cluster);

            // The API server's proxies reach the same ports, one request at a time: nobody can agree to a session of them.
            case { ResourceGroup: "", Resource: "pods" or "services", Subresource: "proxy" }:
                return Proxy(request, [("portForward", sessions.PortForward)]);

            // The kubelet behind this one runs commands in every container of its node.
            case { ResourceGroup: "", Resource: "nodes", Subresource: "proxy" } when !IsMetrics(request.Object):
                return Proxy(request, [("exec", sessions.Exec), ("attach", sessions.Attach), ("portForward", sessions.PortForward)]);
            default:
                return Nothing;
        }
    }

    private static DeclaredGate OpenSession(AdmissionRequest request, SessionVerb verb, SessionRule rule, string name, Policy policy, string? cluster)
    {
        var path = $"{Sessions}.{name}";
        var pod = $"{request.Namespace}/{request.Name}";
        switch (rule)
        {
            case SessionRule.Fixed(Verdict.Allow):
                return Nothing;
            case SessionRule.Fixed(var verdict):
                return Settle(new(verdict, [new(path, $"{name} into {pod}: the policy answers {verdict} for it", verdict == Verdict.Deny ? "look at logs and metrics, or have the policy changed" : null)], []));
            case SessionRule.Require(var approval):
                if (request.Namespace is not { } inside || request.Name.Length == 0)
                {
                    return Settle(Decision.Unknown(new Reason(path, $"the {name} names no Pod", "send the request as the API server does")));
                }

                if (string.IsNullOrWhiteSpace(cluster))
                {
                    return Settle(Decision.Unknown(new Reason(path, $"{name} into {pod} must be approved for its environment, and which cluster this is was not said", NameCluster)));
                }

                if (policy.EnvironmentOf(cluster, inside) is not { } environment)
                {
                    return Settle(Decision.Deny(new Reason(path, $"{name} into {pod} must be approved for its environment, and the policy names none in namespace {inside} of this cluster", "name the namespace under environments")));
                }

                if (!SessionDocument.Of(verb, inside, request.Name, request.Object).Try(out var document, out var unread))
                {
                    return Settle(Decision.Unknown(unread with { Rule = path }));
                }

                var need = new ApprovalNeed(approval, path, $"{name} into {pod} (session {document.Digest})", [document.ToCovered()], environment.Name, cluster, inside, $"Pod/{request.Name}") { Difference = (approved, actual) => ObjectProjection.Difference(approved, actual) };
                return new([], [new(new(policy.Admission.Statements!, document.Digest), need)]);
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    private static DeclaredGate Proxy(AdmissionRequest request, ImmutableArray<(string Name, SessionRule Rule)> rules)
    {
        var (name, verdict) = rules.Select(rule => (rule.Name, Verdict: rule.Rule is SessionRule.Fixed(var @fixed) ? @fixed : Verdict.Deny)).MaxBy(rule => rule.Verdict);
        return verdict == Verdict.Allow ? Nothing : Settle(new(
            verdict,
            [new($"{Sessions}.{name}", $"the proxy to {request.Resource} {(request.Namespace is { } inside ? inside + "/" : "")}{request.Name} reaches what {name} does, and the policy does not let everybody", verdict == Verdict.Deny ? "use kubectl port-forward or exec, which can be approved" : null)],
            []));
    }

    // The very texts: a path that a server would tidy up first is none of them.
    private static bool IsMetrics(JsonElement options) =>
        options.ValueKind == JsonValueKind.Object && options.TryGetProperty("path", out var path)
        && path.Text() is "metrics" or "metrics/cadvisor" or "metrics/resource" or "metrics/probes" or "stats/summary" or "healthz"
            or "/metrics" or "/metrics/cadvisor" or "/metrics/resource" or "/metrics/probes" or "/stats/summary" or "/healthz";

    private static DeclaredGate OpenObject(AdmissionRequest request, Policy policy, string? cluster)
    {
        var resource = request.ResourceGroup.Length == 0 ? request.Resource : $"{request.Resource}.{request.ResourceGroup}";
        var about = request.Operation == "DELETE" ? request.OldObject : request.Object;
        var name = NameIn(about);
        var settled = ImmutableArray.CreateBuilder<Decision>();
        var documents = ImmutableArray.CreateBuilder<DocumentQuestion>();
        Reading<Covered>? covered = null;
        foreach (var rule in policy.Admission.Objects.Where(rule => rule.Resource == resource))
        {
            var path = rule.Path + ".approved";
            if (name is null)
            {
                settled.Add(Decision.Unknown(new Reason(path, $"the {request.Operation} of a {request.Kind} carries no object with a name", "send the object as the API server does, with a name")));
                continue;
            }

            if (!rule.Matches(name))
            {
                continue;
            }

            if (rule.In is { Namespaces.IsEmpty: false } inside && !(request.Namespace is { } there && inside.Namespaces.Contains(there)))
            {
                continue;
            }

            if (string.IsNullOrWhiteSpace(cluster))
            {
                settled.Add(Decision.Unknown(new Reason(path, $"{request.Kind} {name} must be approved for its environment, and which cluster this is was not said", NameCluster)));
                continue;
            }

            // What stands in no namespace acts in every environment of its cluster, and must be approved for each.
            var all = request.Namespace is null
                ? policy.Environments.Values.Where(environment => environment.Clusters.Contains(cluster, StringComparer.OrdinalIgnoreCase)).Select(environment => environment.Name).Order(StringComparer.Ordinal).ToImmutableArray()
                : policy.EnvironmentOf(cluster, request.Namespace) is { } one ? [one.Name] : ImmutableArray<string>.Empty;
            if (rule.In is { Environments: { IsEmpty: false } only } && !all.Any(only.Contains))
            {
                continue;
            }

            if (all.IsEmpty && rule.Approved.Environments.IsEmpty)
            {
                settled.Add(Decision.Deny(new Reason(path, $"{request.Kind} {name} must be approved for its environment, and the policy names none for it in this cluster", "name the namespace under environments")));
                continue;
            }

            ImmutableArray<string> needed = rule.Approved.Environments.IsEmpty ? all : [.. all.Where(rule.Approved.Environments.Contains)];
            if (needed.IsEmpty && !rule.ValuesAsInReviews)
            {
                continue;
            }

            covered ??= Cover(request);
            if (covered is Reading<Covered>.Unread(var unread))
            {
                settled.Add(Decision.Unknown(unread with { Rule = path }));
            }
            else if (covered is Reading<Covered>.Found({ } document) && !document.Projection.IsEmpty)
            {
                var values = rule.ValuesAsInReviews ? DeclaredValues.Of(request, policy.Review!, rule) : DeclaredValues.None;
                settled.AddRange(values.Decisions);
                documents.AddRange(needed.Select(environment => new DocumentQuestion(
                    new(policy.Admission.Statements!, document.Digest),
                    new(values.Raise(policy.Approvals[rule.Approved.Action]), path, values.Tell($"{document.Name} ({document.Digest})"), [document], environment, cluster, request.Namespace, $"{request.Kind}/{name}") { Difference = (approved, actual) => ObjectProjection.Difference(approved, actual) })
                {
                    Values = [.. values.Moved.Select(moved => moved.Rule.Path)],
                }));
            }
        }

        return settled.Count == 0 && documents.Count == 0 ? Nothing : new(settled.ToImmutable(), documents.ToImmutable());
    }

    // Without a projection where nothing changes that an approval could name: finalizers and status go their way. What cannot be compared has changed.
    private static Reading<Covered> Cover(AdmissionRequest request)
    {
        var before = request.Operation is "UPDATE" or "DELETE" ? ObjectProjection.Of(request.Group, request.Kind, request.OldObject, request.Namespace) : null;
        var now = request.Operation == "DELETE" ? before! : ObjectProjection.Of(request.Group, request.Kind, request.Object, request.Namespace);
        if (!now.Try(out var projection, out var unread))
        {
            return new Reading<Covered>.Unread(unread);
        }

        if (request.Operation == "DELETE")
        {
            return new Reading<Covered>.Found(projection.ToDeletion());
        }

        var covered = projection.ToCovered();
        return new Reading<Covered>.Found(before is not null && before.Try(out var stored, out _) && stored.Digest == projection.Digest ? covered with { Projection = default } : covered);
    }

    private static DeclaredGate Settle(Decision decision) => new([decision], []);

    private static string? NameIn(JsonElement value) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty("metadata", out var metadata) && metadata.ValueKind == JsonValueKind.Object && metadata.TryGetProperty("name", out var name) && name.Text() is { Length: > 0 } text ? text : null;
}
