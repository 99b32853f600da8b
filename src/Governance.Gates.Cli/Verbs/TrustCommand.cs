using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Trust;
using Governance.Gates.Images;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates trust</c>: whose word counts for signatures without keys. Nothing is fetched.</summary>
internal static class TrustCommand
{
    public static Command Create(Terminal terminal) => new("trust", "Shows trusted roots of Sigstore instances, and writes them beside a policy. Nothing is fetched. Example: gates trust show public-good")
    {
        Show(terminal),
        Write(terminal),
    };

    private static Command Show(Terminal terminal)
    {
        var source = new Argument<string>("SOURCE") { Description = $"An instance whose copy comes with this program ({Instances}), or a trusted_root.json. Left out: public-good.", DefaultValueFactory = _ => SigstoreInstance.PublicGood.Name };
        var against = new Option<string?>("--against") { Description = "Another root: only what differs from it is told.", HelpName = "SOURCE" };
        var authority = Authority();
        var form = Report.OutputOption();
        var command = new Command("show", "Tells who is in a trusted root and when they count, and its digest. Example: gates trust show roots/new.json --against public-good") { source, against, authority, form };
        command.SetAction((parsed, _) =>
        {
            var root = RootSource.Read(parsed.GetRequiredValue(source), parsed.GetValue(authority));
            var other = parsed.GetValue(against) is { } named ? RootSource.Read(named, null) : null;
            return ToReport(root, other, null).WriteAsync(terminal, parsed.GetRequiredValue(form));
        });
        return command;
    }

    private static Command Write(Terminal terminal)
    {
        var source = new Argument<string>("SOURCE") { Description = $"An instance whose copy comes with this program ({Instances}), a trusted_root.json, or what gh attestation trusted-root prints." };
        var file = new Argument<string>("FILE") { Description = "The file to write, beside or below the policy. What stands there is not written over: the policy in force may name it." };
        var authority = Authority();
        var form = Report.OutputOption();
        var command = new Command("write", "Writes a trusted root for a policy to name by its digest. Example: gates trust write roots.jsonl roots/github.json --authority fulcio.githubapp.com") { source, file, authority, form };
        command.SetAction((parsed, _) =>
        {
            var root = RootSource.Read(parsed.GetRequiredValue(source), parsed.GetValue(authority));
            var path = parsed.GetRequiredValue(file);
            OutputFile.Write(path, root.Json.Span);
            return ToReport(root, null, path).WriteAsync(terminal, parsed.GetRequiredValue(form));
        });
        return command;
    }

    private static string Instances => string.Join(", ", SigstoreInstance.All.Select(instance => instance.Name));

    private static Option<string?> Authority() => new("--authority") { Description = "Where a file holds several roots: the address of a certificate authority of the one that is meant.", HelpName = "ADDRESS" };

    private static Report ToReport(RootSource source, RootSource? against, string? written)
    {
        var digest = Digest.FromHash(source.Root.Sha256.Span);
        var (parties, others) = (RootParty.Of(source.Root), against is null ? [] : RootParty.Of(against.Root));
        var (gone, shown) = against is null ? ([], parties) : (others.Except(parties).ToImmutableArray(), parties.Except(others).ToImmutableArray());
        var file = written ?? (source.Instance is null ? source.Name : null);
        var logs = source.Root.TransparencyLogs.IsEmpty ? ", logs: none" : "";
        return new(
            "trusted-root.schema.json",
            ExitCode.Allowed,
            $"{(written is null ? source.Name : $"wrote {written}")}: trusted root {digest}",
            [
                .. source.Instance is { } copy ? [new Fact("copy", $"taken {Day(copy)} from {copy.Source}")] : (Fact[])[],
                .. against is null ? [] : (Fact[])[new("against", $"{against.Name}, {Digest.FromHash(against.Root.Sha256.Span)}")],
                .. shown.Select(party => new Fact(against is null ? party.Kind : $"more: {party.Kind}", party.ToString())),
                .. gone.Select(party => new Fact($"gone: {party.Kind}", party.ToString())),
                .. against is not null && shown.IsEmpty && gone.IsEmpty ? [new Fact("difference", "none in who counts and when")] : (Fact[])[],
                .. file is not null ? [new Fact("in the policy", $"sigstore: {{ file: {file}, sha256: \"{digest}\"{logs} }}")] : (Fact[])[],
            ],
            json =>
            {
                json.WriteString("source", source.Name);
                json.WriteString("digest", digest.ToString());
                json.WriteString("takenOn", source.Instance is { } instance ? Day(instance) : null);
                json.WriteString("takenFrom", source.Instance?.Source);
                json.WriteString("written", written);
                WriteParties(json, "parties", parties);
                WriteParties(json, "more", against is null ? [] : shown);
                WriteParties(json, "gone", gone);
            });
    }

    private static string Day(SigstoreInstance instance) => instance.TakenOn.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static void WriteParties(Utf8JsonWriter json, string name, ImmutableArray<RootParty> parties)
    {
        json.WriteStartArray(name);
        foreach (var party in parties)
        {
            json.WriteStartObject();
            json.WriteString("kind", party.Kind);
            json.WriteString("address", party.Address);
            json.WriteString("name", party.Name);
            json.WriteString("id", party.Id.ToString());
            json.WriteString("from", party.Window.From.UtcDateTime);
            if (party.Window.Until is { } until)
            {
                json.WriteString("until", until.UtcDateTime);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
