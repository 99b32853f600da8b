using System.Collections.Immutable;
using System.CommandLine;
using System.Text.Json;
using Governance.Gates.Admission;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Clients.Kubernetes;
using Governance.Gates.Policies;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates template</c>: what of a workload would an approval of its template cover?</summary>
internal static class TemplateCommand
{
    public static Command Create(Terminal terminal)
    {
        var file = new Argument<string>("FILE") { Description = "Manifests: a file, a folder, or - for standard input.", HelpName = "FILE|DIR|-" };
        var sidecars = new Option<string[]>("--sidecar") { Description = "A container that admission injects, as the policy names it; it is left out. May be given again.", HelpName = "NAME" };
        var form = Report.OutputOption();
        var command = new Command("template", "Prints the digest of each workload's pod template projection; with --output json also the projection. Examples: gates template deploy.yaml; kubectl get deployment web -o yaml | gates template - --sidecar istio-proxy --output json")
        {
            file, sidecars, form,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var path = parsed.GetRequiredValue(file);
            ImmutableArray<string> named = [.. parsed.GetValue(sidecars) ?? []];
            var manifests = await terminal.WhileAsync($"reading {path}", Manifests.ReadAsync(path, terminal.Input, cancellation));
            ImmutableArray<ProjectedObject> objects = [.. manifests.Select(manifest => ProjectedObject.Of(manifest, named)).OfType<ProjectedObject>()];
            return objects.IsEmpty
                ? throw new GateException($"{path} holds no workload", "name manifests of Pods or of what makes them: Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, CronJob, PodTemplate")
                : await ReportOn(objects, named).WriteAsync(terminal, parsed.GetRequiredValue(form));
        });
        return command;
    }

    private static Report ReportOn(ImmutableArray<ProjectedObject> objects, ImmutableArray<string> sidecars)
    {
        var unread = objects.Count(one => one.Projection is Reading<TemplateProjection>.Unread);
        return new(
            "template.schema.json",
            unread == 0 ? ExitCode.Allowed : ExitCode.Unknown,
            $"{objects.Length} pod {(objects.Length == 1 ? "template" : "templates")}{(unread == 0 ? "" : $", {unread} of them unreadable")}",
            [new("projection", TemplateProjection.Type), .. sidecars.Select(name => new Fact("left out", $"container {name}"))],
            json => Write(json, objects, sidecars))
        {
            Table = new(["digest", "object", "source"], [.. objects.Select(Row)]),
        };
    }

    private static ImmutableArray<string> Row(ProjectedObject one) => one.Projection switch
    {
        Reading<TemplateProjection>.Found(var projection) => [projection.Digest.ToString(), one.Label, one.Source],
        Reading<TemplateProjection>.Unread(var reason) => ["-", one.Label, $"{one.Source}: {reason}"],
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private static void Write(Utf8JsonWriter json, ImmutableArray<ProjectedObject> objects, ImmutableArray<string> sidecars)
    {
        json.WriteStartArray("sidecars");
        foreach (var name in sidecars)
        {
            json.WriteStringValue(name);
        }

        json.WriteEndArray();
        json.WriteStartArray("templates");
        foreach (var one in objects)
        {
            var projection = (one.Projection as Reading<TemplateProjection>.Found)?.Value;
            json.WriteStartObject();
            json.WriteString("source", one.Source);
            json.WriteString("group", one.Group);
            json.WriteString("kind", one.Kind);
            json.WriteString("name", one.Name);
            json.WriteString("digest", projection?.Digest.ToString());
            json.WritePropertyName("projection");
            if (projection is null)
            {
                json.WriteNullValue();
            }
            else
            {
                // Written anew, in the escapes that every output of ours has: the digest is that of the canonical spelling.
                using var document = JsonDocument.Parse(projection.Json, new() { MaxDepth = 128 });
                document.RootElement.WriteTo(json);
            }

            json.WriteReasons("unread", one.Projection is Reading<TemplateProjection>.Unread(var reason) ? [reason] : []);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>One workload and what became of its template.</summary>
    private sealed record ProjectedObject(string Source, string Group, string Kind, string Name, Reading<TemplateProjection> Projection)
    {
        public string Label => $"{Kind} {Name}";

        /// <summary>null: an object that has no pod template.</summary>
        public static ProjectedObject? Of(Manifest manifest, ImmutableArray<string> sidecars)
        {
            var request = AdmissionRequests.ForManifest(manifest, "default", new AdmissionSettings());
            return TemplateProjection.OfObject(request.Group, request.Kind, request.Object, sidecars) is { } projection
                ? new(manifest.Source, request.Group, request.Kind, request.Name, projection)
                : null;
        }
    }
}
