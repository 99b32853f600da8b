namespace Governance.Gates.Tests.Cli;

/// <summary>Manifests as users write them.</summary>
internal static class Manifests
{
    public static string Pod(string image, string name = "web", string? inside = null) => $$"""
        apiVersion: v1
        kind: Pod
        metadata: { name: {{name}}{{(inside is null ? "" : $", namespace: {inside}")}} }
        spec: { containers: [{ name: main, image: "{{image}}" }] }

        """;

    public static string Of(string apiVersion, string kind, string image) => $$"""
        apiVersion: {{apiVersion}}
        kind: {{kind}}
        metadata: { name: web }
        spec: { replicas: 1, selector: { matchLabels: { app: web } }, template: { metadata: { labels: { app: web } }, spec: { containers: [{ name: main, image: "{{image}}" }] } } }

        """;
}
