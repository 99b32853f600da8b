using System.CommandLine;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Images;
using Governance.Gates.Policies;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates policy explain</c>: what does this policy ask of an image?</summary>
internal static class PolicyExplainCommand
{
    public static Command Create(Terminal terminal)
    {
        var file = new Argument<string>("FILE") { Description = "The policy." };
        var image = new Argument<string>("IMAGE") { Description = "An image as a workload names it; nothing is fetched." };
        var @namespace = new Option<string?>("--namespace") { Description = "Where the image is to run." };
        var form = Report.OutputOption();
        image.Validators.Add(result =>
        {
            if (ImageReference.Read(result.Tokens[0].Value) is Reading<ImageReference>.Unread(var reason))
            {
                result.AddError(reason.ToString());
            }
        });
        var command = new Command("explain", "Tells which rule decides about an image, and what it asks. Example: gates policy explain governance.yaml registry.example.com/app --namespace trading") { file, image, @namespace, form };
        command.SetAction((parsed, _) =>
        {
            var (policy, _) = PolicyFile.Load(parsed.GetRequiredValue(file));
            var reference = ImageReference.Parse(parsed.GetRequiredValue(image));
            var lines = PolicyExplanation.Explain(policy, reference, parsed.GetValue(@namespace));
            return new Report("policy-explanation.schema.json", ExitCode.Allowed, lines[0], [.. lines.Skip(1).Select(line => new Fact("", line))], json =>
            {
                json.WritePolicy(parsed.GetRequiredValue(file), policy);
                json.WriteString("image", reference.ToString());
                json.WriteString("namespace", parsed.GetValue(@namespace));
                json.WriteStartArray("lines");
                foreach (var line in lines)
                {
                    json.WriteStringValue(line);
                }

                json.WriteEndArray();
            }).WriteAsync(terminal, parsed.GetRequiredValue(form));
        });
        return command;
    }
}
