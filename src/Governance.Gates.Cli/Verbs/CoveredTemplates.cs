using System.Collections.Immutable;
using Governance.Gates.Admission;
using Governance.Gates.Approvals;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Clients.Kubernetes;
using Governance.Gates.Policies;

namespace Governance.Gates.Cli.Verbs;

/// <summary>Pod templates as requests cover them.</summary>
internal static class CoveredTemplates
{
    /// <summary>The pod template of each workload in a file of manifests.</summary>
    /// <exception cref="GateException">There is none, or one cannot be read.</exception>
    public static async Task<ImmutableArray<Covered>> ReadAsync(string path, Policy policy, Terminal terminal, CancellationToken cancellation)
    {
        var covered = ImmutableArray.CreateBuilder<Covered>();
        foreach (var manifest in await terminal.WhileAsync($"reading {path}", Manifests.ReadAsync(path, terminal.Input, cancellation)))
        {
            var workload = AdmissionRequests.ForManifest(manifest, "default", policy.Admission);
            switch (TemplateProjection.OfObject(workload.Group, workload.Kind, workload.Object, policy.Admission.Sidecars))
            {
                case Reading<TemplateProjection>.Found(var projection):
                    covered.Add(new(CoveredKind.Template, $"{workload.Kind}/{workload.Name}", projection.Digest, projection.Json));
                    break;
                case Reading<TemplateProjection>.Unread(var reason):
                    throw new GateException($"{manifest.Source}: {reason.Message}", reason.Remedy ?? "mend the manifest");
            }
        }

        return covered.Count > 0 ? covered.ToImmutable() : throw new GateException($"{path} holds no workload", "name the manifest of the workload that is to run");
    }
}
