using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Clients.Revocations;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates revoke</c>: adds to the signed list of what no longer counts, or renews it.</summary>
internal sealed class RevokeCommand
{
    private readonly Option<string> policyFile = new("--policy") { Description = "The policy whose list it is. Its trust.revocations says who may sign the list and where it lies.", HelpName = "FILE", Required = true };
    private readonly SigningKey key = new();
    private readonly Option<string[]> people = new("--person") { Arity = ArgumentArity.OneOrMore, Description = "A person of the policy, by name or id: nothing that they signed counts any more.", HelpName = "ID|NAME" };
    private readonly Option<string[]> keysOf = new("--key-of") { Arity = ArgumentArity.OneOrMore, Description = "Every key that the policy gives to this person or robot.", HelpName = "NAME" };
    private readonly Option<string[]> keys = new("--revoked-key") { Arity = ArgumentArity.OneOrMore, Description = "A key, by the SHA-256 of its DER SubjectPublicKeyInfo.", HelpName = "sha256:…" };
    private readonly Option<string[]> artifacts = new("--artifact") { Arity = ArgumentArity.OneOrMore, Description = "An artifact that never starts again, by digest.", HelpName = "sha256:…" };
    private readonly Option<string[]> approvals = new("--approval") { Arity = ArgumentArity.OneOrMore, Description = "A request or an approval, by its id.", HelpName = "ID" };
    private readonly Option<string?> file = new("--list") { Description = "The list's file, instead of the place that the policy names.", HelpName = "FILE" };
    private readonly Option<long?> number = new("--number") { Description = "The number of the new list, where it must be higher than one above the last: gates refuse a number below the highest that they saw." };
    private readonly RegistryArguments registries = new();
    private readonly Option<string> form = Report.OutputOption();

    private RevokeCommand()
    {
    }

    public static Command Create(Terminal terminal)
    {
        var verb = new RevokeCommand();
        var command = new Command("revoke", "Adds to the signed list of what no longer counts, and publishes it; with nothing to add it renews the list. Examples: gates revoke --policy governance.yaml --key ann.pem --person ben --artifact sha256:…; gates revoke --policy governance.yaml --key ann.pem")
        {
            verb.policyFile, verb.key.File, verb.key.PasswordFile, verb.people, verb.keysOf, verb.keys, verb.artifacts, verb.approvals, verb.file, verb.number,
        };
        foreach (var option in verb.registries.ForReading)
        {
            command.Add(option);
        }

        command.Add(verb.form);
        command.Validators.Add(verb.Validate);
        command.SetAction((parsed, cancellation) => verb.RunAsync(parsed, terminal, cancellation));
        return command;
    }

    private void Validate(CommandResult result)
    {
        foreach (var option in (Option<string[]>[])[keys, artifacts])
        {
            foreach (var token in (result.GetResult(option)?.Tokens ?? []).Where(token => Digest.TryParse(token.Value) is null))
            {
                result.AddError($"{option.Name} '{token.Value}' is no digest; write sha256: and 64 lower-case hex digits");
            }
        }

        foreach (var token in (result.GetResult(approvals)?.Tokens ?? []).Where(token => !RevocationStatement.IsId(token.Value)))
        {
            result.AddError($"--approval '{token.Value}' is no id: it has 1 to {RevocationStatement.LongestId} characters");
        }

        if (result.GetResult(number) is { Tokens: [var text] } && !(long.TryParse(text.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var wanted) && wanted is >= 1 and <= RevocationStatement.HighestNumber))
        {
            result.AddError($"--number '{text.Value}' is no whole number from 1 to {RevocationStatement.HighestNumber}");
        }
    }

    private async Task<int> RunAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        var written = parsed.GetRequiredValue(policyFile);
        var policy = PolicyFile.Load(written).Policy;
        var source = policy.Revocations ?? throw new GateException($"the policy {written} names no list of revocations", "add trust.revocations to it");
        using var signer = key.Read(parsed, terminal);
        var registry = registries.Open(parsed, null, terminal.Clock);
        using var connections = registry as IDisposable;
        var store = new RevocationStore(Path.GetDirectoryName(Path.GetFullPath(written))!, registry);
        var place = parsed.GetValue(file) is { } named ? Path.GetFullPath(named) : source.From;

        var standing = Value(await terminal.WhileAsync($"reading {place}", store.ReadAsync(place, cancellation)));
        var now = terminal.Clock.GetUtcNow();
        var before = standing is { } bytes ? Standing(RevocationListReader.Read(bytes, policy, now), place) : null;
        var after = Add(parsed, policy, before ?? RevocationList.Empty) with { Number = NextNumber(parsed, before), IssuedAt = DateTimeOffset.FromUnixTimeSeconds(now.ToUnixTimeSeconds()) };
        var bundle = (await SigstoreBundle.SignStatementAsync(RevocationStatement.Write(after, policy.Name), signer, cancellation)).Json;

        // Read as a gate reads it, before anybody else does: a list that does not count would end the one that does once that is too old.
        _ = Value(RevocationListReader.Read(bundle, policy, now, before));
        var published = Value(await terminal.WhileAsync($"publishing the list in {place}", store.WriteAsync(place, bundle, standing, cancellation)));
        return await ToReport(written, policy, source, before, after, published, signer.PublicKey).WriteAsync(terminal, parsed.GetRequiredValue(form));
    }

    private RevocationList Add(ParseResult parsed, Policy policy, RevocationList list)
    {
        var added = list with
        {
            People = list.People.Union((parsed.GetValue(people) ?? []).Select(name => PersonId(policy, name))),
            Keys = list.Keys.Union((parsed.GetValue(keysOf) ?? []).SelectMany(name => KeysOf(policy, name))).Union((parsed.GetValue(keys) ?? []).Select(Digest.Parse)),
            Artifacts = list.Artifacts.Union((parsed.GetValue(artifacts) ?? []).Select(Digest.Parse)),
            Approvals = list.Approvals.Union(parsed.GetValue(approvals) ?? []),
        };
        return new[] { added.People.Count, added.Keys.Count, added.Artifacts.Count, added.Approvals.Count }.Max() <= RevocationStatement.MostEntries
            ? added
            : throw new GateException($"the list would have more than {RevocationStatement.MostEntries} entries of a kind", "take a person or key out of the policy instead");
    }

    private long NextNumber(ParseResult parsed, RevocationList? before)
    {
        var next = (before?.Number ?? 0) + 1;
        var wanted = parsed.GetValue(number) ?? next;
        return wanted < next ? throw new GateException($"--number {wanted} is not above {before!.Number}, the number of the list that stands", "leave it out, or give a higher one")
            : wanted > RevocationStatement.HighestNumber ? throw new GateException($"no number is left above {before!.Number}", "give the policy another name, and with it another list")
            : wanted;
    }

    // Somebody whom the policy does not know counts for nobody anyway, so a name that it does not know is a mistake of writing.
    private static string PersonId(Policy policy, string name)
    {
        string[] meant = [.. policy.People.Values.Where(person => person.Name == name || person.Id == name).Select(person => person.Id)];
        return meant switch
        {
            [var id] => id,
            [] => throw new GateException($"'{name}' is no person of policy {policy.Name}", $"name one of {string.Join(", ", policy.People.Keys.Order(StringComparer.Ordinal))}"),
            _ => throw new GateException($"'{name}' is the name of one person and the id of another", "write the id of the first or the name of the second"),
        };
    }

    private static Digest[] KeysOf(Policy policy, string name)
    {
        var identities = policy.People.GetValueOrDefault(name)?.Identities ?? policy.Robots.GetValueOrDefault(name)?.Identities
            ?? throw new GateException($"'{name}' is neither a person nor a robot of policy {policy.Name}", "name one, or give the key's digest with --revoked-key");
        Digest[] found = [.. identities.OfType<Identity.Key>().Select(identity => identity.Spki)];
        return found is [] ? throw new GateException($"the policy gives '{name}' no key", "leave it out, or give the key's digest with --revoked-key") : found;
    }

    // What does not verify may be anybody's: to sign what it says would vouch for it.
    private static RevocationList Standing(Reading<RevocationList> reading, string place) => reading switch
    {
        Reading<RevocationList>.Unread(var reason) => throw new GateException(
            $"the list that stands in {place} cannot be continued: {reason.Message}",
            "put the last good one back; or remove it, and name all that it revoked again with --number above its number"),
        _ => Value(reading),
    };

    private static T Value<T>(Reading<T> reading) => reading switch
    {
        Reading<T>.Found(var value) => value,
        Reading<T>.Unread(var reason) => throw new GateException(reason.Message, reason.Remedy ?? "try again"),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private static Report ToReport(string file, Policy policy, RevocationSource source, RevocationList? before, RevocationList after, string published, PublicKey key)
    {
        var old = before ?? RevocationList.Empty;
        (string Name, string One, ImmutableArray<string> Added, int Count)[] kinds =
        [
            ("people", "person", [.. after.People.Except(old.People).Order(StringComparer.Ordinal)], after.People.Count),
            ("keys", "key", [.. after.Keys.Except(old.Keys).Select(one => one.ToString()).Order(StringComparer.Ordinal)], after.Keys.Count),
            ("artifacts", "artifact", [.. after.Artifacts.Except(old.Artifacts).Select(one => one.ToString()).Order(StringComparer.Ordinal)], after.Artifacts.Count),
            ("approvals", "approval", [.. after.Approvals.Except(old.Approvals).Order(StringComparer.Ordinal)], after.Approvals.Count),
        ];
        var until = DateTimeOffset.MaxValue - after.IssuedAt > source.MaxAge ? after.IssuedAt + source.MaxAge : DateTimeOffset.MaxValue;
        var adds = kinds.Sum(kind => kind.Added.Length);
        return new(
            "revocation.schema.json",
            ExitCode.Allowed,
            $"{(adds > 0 ? "revoked" : before is null ? "begun" : "renewed")}: list {after.Number} of policy {policy.Name}",
            [
                .. kinds.SelectMany(kind => kind.Added.Select(entry => new Fact(kind.One, entry))),
                new("revoked in all", string.Join(", ", kinds.Select(kind => $"{kind.Count} {kind.Name}"))),
                new("follows", before is null ? "nothing: this is the first list there" : $"list {before.Number}"),
                new("counts until", $"{Time(until)}, unless it is renewed before"),
                new("published", published),
                new("key", key.ToString()),
            ],
            json =>
            {
                json.WritePolicy(file, policy);
                json.WriteNumber("number", after.Number);
                if (before is null)
                {
                    json.WriteNull("follows");
                }
                else
                {
                    json.WriteNumber("follows", before.Number);
                }

                json.WriteString("issuedAt", Time(after.IssuedAt));
                json.WriteString("countsUntil", Time(until));
                json.WriteString("published", published);
                json.WriteString("key", $"sha256:{Convert.ToHexStringLower(key.SpkiSha256.Span)}");
                json.WriteStartObject("added");
                foreach (var kind in kinds)
                {
                    WriteEntries(json, kind.Name, kind.Added);
                }

                json.WriteEndObject();
                json.WriteStartObject("total");
                foreach (var kind in kinds)
                {
                    json.WriteNumber(kind.Name, kind.Count);
                }

                json.WriteEndObject();
            });
    }

    private static void WriteEntries(Utf8JsonWriter json, string name, ImmutableArray<string> entries)
    {
        json.WriteStartArray(name);
        foreach (var entry in entries)
        {
            json.WriteStringValue(entry);
        }

        json.WriteEndArray();
    }

    private static string Time(DateTimeOffset time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
