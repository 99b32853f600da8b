using System.Text.RegularExpressions;

namespace Governance.Gates.Demo;

/// <summary>One AdmissionReview, and the verdict that it must get.</summary>
internal sealed record DemoCase(string Name, string Expected, string Kind, string Group, string Resource, string Object, string Operation = "CREATE", string OldObject = "null", string Subresource = "")
{
    public static IEnumerable<DemoCase> All(DemoWorld world)
    {
        yield return Pod("signed", "allow", Containers(world.Signed));
        yield return Pod("unsigned", "deny", Containers(world.Unsigned));
        yield return Pod("signed with a key that nobody named", "deny", Containers(world.WrongKey));
        yield return Pod("signature moved from another repository", "deny", Containers(world.Moved));
        yield return Pod("tag instead of digest", "deny", Containers("registry.example.com/trading/strategy:v1"));
        yield return Pod("unsigned image in an ephemeral container only", "deny", $"{Containers(world.Signed)},{Containers(world.Unsigned, "ephemeralContainers")}") with
        {
            Operation = "UPDATE",
            Subresource = "ephemeralcontainers",
            OldObject = PodOf(Containers(world.Signed)),
        };
        yield return Pod("unsigned image in an init container only", "deny", $"{Containers(world.Signed)},{Containers(world.Unsigned, "initContainers")}");
        yield return new("unknown kind that looks like a pod template", "unknown", "Workflow", "argoproj.io", "workflows",
            $$$"""{"apiVersion":"argoproj.io/v1alpha1","kind":"Workflow","metadata":{"name":"demo"},"spec":{"templates":[{"name":"main","container":{"image":"{{{world.Signed}}}","command":["run"]}}]}}""");
        yield return new("unsigned Deployment that only scales down", "allow", "Deployment", "apps", "deployments", Deployment(world.Unsigned, 1), "UPDATE", Deployment(world.Unsigned, 3));
        yield return Live("approved by two others than who asked", "allow", DemoWorld.Manifest(world.Approved));
        yield return Pod("a Pod of it", "allow", $$"""
            "containers":[{"name":"main","image":"{{world.Approved}}","command":["trade"]}]
            """.Trim());
        yield return Live("the approved image with another command", "deny", DemoWorld.Manifest(world.Approved, "sh"));
        yield return Live("approved by one person twice", "deny", DemoWorld.Manifest(world.ApprovedTwice));
        yield return Live("approved for staging, used in production", "deny", DemoWorld.Manifest(world.ForStaging));
        yield return Live("approved, and one approval withdrawn", "deny", DemoWorld.Manifest(world.Withdrawn));
    }

    private static DemoCase Live(string name, string expected, string manifest) => new(name, expected, "Deployment", "apps", "deployments", manifest);

    public string Review() => $$$"""
        {"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"{{{Guid.NewGuid()}}}",
        "kind":{"group":"{{{Group}}}","version":"v1","kind":"{{{Kind}}}"},"resource":{"group":"{{{Group}}}","version":"v1","resource":"{{{Resource}}}"},"subResource":"{{{Subresource}}}",
        "name":"demo","namespace":"trading","operation":"{{{Operation}}}","userInfo":{"username":"demo"},"object":{{{Object}}},"oldObject":{{{OldObject}}},"dryRun":false}}
        """;

    private static DemoCase Pod(string name, string expected, string spec) => new(name, expected, "Pod", "", "pods", PodOf(spec));

    private static string PodOf(string spec) => """{"apiVersion":"v1","kind":"Pod","metadata":{"name":"demo","namespace":"trading"},"spec":{""" + spec + "}}";

    private static string Containers(string image, string list = "containers") => $$"""
        "{{list}}":[{"name":"{{list}}","image":"{{image}}"}]
        """.Trim();

    private static string Deployment(string image, int replicas) =>
        $$$"""{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"demo","namespace":"trading"},"spec":{"replicas":{{{replicas}}},"template":{"spec":{""" + Containers(image) + "}}}}";
}

/// <summary>What the webhook answered.</summary>
internal sealed partial record DemoAnswer(bool Allowed, string Verdict, string Message)
{
    private const int Indent = 57;
    private const int Width = 100;

    public void Print(string name, string expected)
    {
        var words = (Allowed ? "admitted" : $"refused: {HexTail().Replace(Message, "…")}").Split(' ');
        var line = $"{name,-47} {Verdict,-8}";
        foreach (var word in words)
        {
            if (line.Length + 1 + word.Length > Indent + Width)
            {
                Console.WriteLine(line);
                line = new string(' ', Indent - 1);
            }

            line += " " + word;
        }

        Console.WriteLine(Verdict == expected ? line : $"{line} (expected {expected})");
    }

    [GeneratedRegex("(?<=sha256[:-][0-9a-f]{12})[0-9a-f]{52}")]
    private static partial Regex HexTail();
}
