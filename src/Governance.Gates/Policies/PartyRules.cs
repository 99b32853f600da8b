using System.Collections.Immutable;
using System.Globalization;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Policies;

/// <summary>Who and where: environments, keys, people, robots and roles, and that they fit together.</summary>
internal sealed class PartyRules
{
    private readonly PolicyNode? spec;
    private readonly PolicyMistakes mistakes;
    private readonly OidcRules oidc;

    /// <summary>Who was given a key first, by the key's name.</summary>
    private readonly Dictionary<string, string> holders = new(StringComparer.Ordinal);

    private PartyRules(PolicyNode? spec, PolicyMistakes mistakes)
    {
        this.spec = spec;
        this.mistakes = mistakes;
        oidc = new(mistakes);
    }

    public ImmutableDictionary<string, DeploymentEnvironment> Environments { get; private set; } = ImmutableDictionary<string, DeploymentEnvironment>.Empty;

    public ImmutableDictionary<string, TrustedKey> Keys { get; private set; } = ImmutableDictionary<string, TrustedKey>.Empty;

    public ImmutableDictionary<string, Person> People { get; private set; } = ImmutableDictionary<string, Person>.Empty;

    public ImmutableDictionary<string, Robot> Robots { get; private set; } = ImmutableDictionary<string, Robot>.Empty;

    public ImmutableDictionary<string, Role> Roles { get; private set; } = ImmutableDictionary<string, Role>.Empty;

    public SigstoreTrust? Sigstore { get; private set; }

    public static PartyRules Read(PolicyNode? spec, Func<string, ReadOnlyMemory<byte>?> file, Func<string, ReadOnlyMemory<byte>?> instance, PolicyMistakes mistakes)
    {
        var rules = new PartyRules(spec, mistakes) { Sigstore = RootRules.Read(spec?["trust"]?["roots"]?["sigstore"], file, instance, mistakes) };
        rules.ReadEnvironments();
        rules.ReadKeys(file);
        rules.ReadPeople(new(file, mistakes));
        rules.ReadRobots();
        rules.ReadRoles();
        foreach (var key in Entries(rules.spec?["trust"]?["keys"]).Where(key => !rules.holders.ContainsKey(key.Name)))
        {
            mistakes.Warn(key.Node, $"the key '{key.Name}' is given to nobody, so it counts for nobody", "name it under a person's or robot's keys, or remove it");
        }

        rules.CheckRoot();
        return rules;
    }

    // Subjects sign with certificates, which somebody must vouch for.
    private void CheckRoot()
    {
        var roots = spec?.Find("trust")?.Find("roots");
        var subjects = Entries(spec?.Find("people")).Concat(Entries(spec?.Find("robots"))).Select(entry => entry.Node.Kind == NodeKind.Mapping ? entry.Node.Find("oidc") : null).OfType<PolicyNode>().ToList();
        if (roots is null && subjects is [var first, ..])
        {
            mistakes.AddAtKey(first, "nothing says by whose word the subjects of 'oidc' count", "add trust.roots: { sigstore: public-good }, or a trusted_root.json with its sha256");
        }
        else if (roots is not null && subjects is [])
        {
            mistakes.Warn(roots, "the trusted root counts for nobody: no person or robot has 'oidc'", "name a subject, or remove the root");
        }
    }

    /// <summary>Whether a name stands in a section, however wrong what stands under it is.</summary>
    public bool IsNamed(string section, string name) => spec?.Find(section)?.Find(name) is not null;

    /// <summary>Whether a person or robot has a way to sign: a key or a subject.</summary>
    public bool CanSign(string name)
    {
        var party = spec?.Find("people")?.Find(name) ?? spec?.Find("robots")?.Find(name);
        return party is { Kind: NodeKind.Mapping } && (party.Find("keys") is not null || party.Find("oidc") is not null);
    }

    /// <summary>Whether a person or robot signs with certificates too.</summary>
    public bool HasSubject(string name) => (spec?.Find("people")?.Find(name) ?? spec?.Find("robots")?.Find(name)) is { Kind: NodeKind.Mapping } party && party.Find("oidc") is not null;

    /// <summary>Whose signature a rule accepts, each of whom can sign.</summary>
    public Signers ReadSigners(PolicyNode? by)
    {
        if (by is { Kind: NodeKind.Mapping })
        {
            return by["role"] is { } role ? ReadRoleSigners(role) : new([], null);
        }

        foreach (var name in by?.Sound ?? [])
        {
            if (IsNamed("roles", name.Text) && !IsNamed("people", name.Text) && !IsNamed("robots", name.Text))
            {
                mistakes.Add(name, $"'{name.Text}' is a role, and the list names people and robots", $"write by: {{ role: {name.Text} }}");
            }
            else if (Check(name, "person or robot", "people", "robots") && !CanSign(name.Text))
            {
                mistakes.Add(name, $"'{name.Text}' has neither keys nor oidc and can sign nothing", "give them a key under trust.keys, or name another");
            }
        }

        return new(by is null ? [] : [.. by.Sound.Select(name => name.Text)], null);
    }

    private Signers ReadRoleSigners(PolicyNode role)
    {
        if (!Check(role, "role", "roles"))
        {
            return new([], role.Text);
        }

        var people = Roles.GetValueOrDefault(role.Text)?.People ?? [];
        if (people.Length > 0 && !people.Any(CanSign))
        {
            mistakes.Add(role, $"nobody in the role '{role.Text}' has keys or oidc, so nothing can satisfy this", "give one of its people a key");
        }

        return new(people, role.Text);
    }

    /// <summary>Reports a name that stands in none of the sections.</summary>
    public bool Check(PolicyNode name, string what, params ReadOnlySpan<string> sections)
    {
        var known = new List<string>();
        foreach (var section in sections)
        {
            if (IsNamed(section, name.Text))
            {
                return true;
            }

            known.AddRange(Entries(spec?.Find(section)).Select(entry => entry.Name));
        }

        mistakes.Add(
            name,
            $"{PolicyNode.Shown(name.Text)} is no {what} of this policy",
            StructureCheck.Nearest(name.Text, known) is { } near ? $"did you mean '{near}'?" : $"add it under spec.{string.Join(" or spec.", sections)}");
        return false;
    }

    public static IEnumerable<(string Name, PolicyNode Node)> Entries(PolicyNode? mapping) =>
        mapping is { Kind: NodeKind.Mapping } ? mapping.Items.Select(value => (value.Key!.Text, value)) : [];

    private static IEnumerable<(string Name, PolicyNode Node)> SoundEntries(PolicyNode? mapping) => Entries(mapping).Where(entry => !entry.Node.Refused);

    private void ReadEnvironments()
    {
        var environments = ImmutableDictionary.CreateBuilder<string, DeploymentEnvironment>();
        var taken = new Dictionary<string, Dictionary<string, string>>(StringComparer.Ordinal);
        foreach (var (name, node) in SoundEntries(spec?["environments"]))
        {
            var namespaces = node.Words("namespaces");
            if (namespaces.Length > 1 && namespaces.Contains("*"))
            {
                mistakes.Add(node["namespaces"]!, "'*' stands beside other namespaces", "write [\"*\"] alone for all, or only the names");
            }

            foreach (var cluster in node["clusters"]?.Sound ?? [])
            {
                if (!taken.TryGetValue(cluster.Text, out var there))
                {
                    taken.Add(cluster.Text, there = new(StringComparer.Ordinal));
                }

                var all = namespaces.Contains("*");
                var clash = there.FirstOrDefault(other => all || other.Key == "*" || namespaces.Contains(other.Key));
                if (clash.Key is not null)
                {
                    mistakes.Add(cluster, $"namespace '{(clash.Key == "*" ? namespaces.FirstOrDefault() : clash.Key)}' of cluster {cluster.Text} is in the environment '{clash.Value}' too", "give each namespace of a cluster to one environment");
                }

                foreach (var @namespace in namespaces)
                {
                    there.TryAdd(@namespace, name);
                }
            }

            environments[name] = new(name, node.Words("clusters"), namespaces);
        }

        Environments = environments.ToImmutable();
    }

    private void ReadKeys(Func<string, ReadOnlyMemory<byte>?> file)
    {
        var keys = ImmutableDictionary.CreateBuilder<string, TrustedKey>();
        var spkis = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, node) in SoundEntries(spec?["trust"]?["keys"]))
        {
            var (from, until) = ReadDays(node, "validFrom", "validUntil");
            if (node["spki"] is { } spki && !spkis.TryAdd(spki.Text, name))
            {
                mistakes.Add(spki, $"the key '{spkis[spki.Text]}' has the same SPKI", "one key has one name: remove one");
            }

            if (ReadKey(node, file) is { } key)
            {
                keys[name] = new(name, key, from, until, node["file"]!.Text);
            }
        }

        Keys = keys.ToImmutable();
    }

    private PublicKey? ReadKey(PolicyNode node, Func<string, ReadOnlyMemory<byte>?> file)
    {
        if (node["file"] is not { } path)
        {
            return null;
        }

        if (NamedFile.Read(path, file, PolicyReader.MostKeyBytes, "one public key", mistakes) is not { } bytes)
        {
            return null;
        }

        if (PublicKey.TryParse(bytes.Span, out var mistake) is not { } key)
        {
            mistakes.Add(path, $"{PolicyNode.Shown(path.Text)} is not a usable public key: {mistake}", "put one public key there, in PEM or DER");
            return null;
        }

        var found = Digest.FromHash(key.SpkiSha256.Span);
        if (node["spki"] is { } spki && spki.Text != found.ToString())
        {
            mistakes.Add(spki, $"the key in {PolicyNode.Shown(path.Text)} is {found}, not {spki.Text}", "find out which of the two is wrong before you correct one");
            return null;
        }

        return key;
    }

    private void ReadPeople(OpenPgpRules openPgp)
    {
        var people = ImmutableDictionary.CreateBuilder<string, Person>();
        var ids = new Dictionary<string, string>(StringComparer.Ordinal);
        var accounts = new Dictionary<long, string>();
        foreach (var (name, node) in SoundEntries(spec?["people"]))
        {
            if (node["id"] is { } id && !ids.TryAdd(id.Text, name))
            {
                mistakes.Add(id, $"the id '{id.Text}' belongs to '{ids[id.Text]}'", "give everybody an id of their own, and never one that somebody had");
            }

            var (from, until) = ReadDays(node, "from", "until");
            var identities = ReadGivenKeys(name, node);
            if (node["github"]?["id"] is { } account)
            {
                if (!accounts.TryAdd(account.Number(), name))
                {
                    mistakes.Add(account, $"the GitHub account {account.Text} belongs to '{accounts[account.Number()]}'", "one account is one person");
                }

                identities = identities.Insert(0, new Identity.GitHubAccount(account.Number()));
            }

            identities = identities.AddRange(oidc.ReadPerson(name, node));
            people[name] = new(name, node["id"]?.Text ?? "", from, until, identities) { OpenPgp = openPgp.Read(name, node) };
        }

        People = people.ToImmutable();
    }

    private void ReadRobots()
    {
        var robots = ImmutableDictionary.CreateBuilder<string, Robot>();
        foreach (var (name, node) in SoundEntries(spec?["robots"]))
        {
            if (IsNamed("people", name))
            {
                mistakes.AddAtKey(node, $"'{name}' is a person too, so that 'by: [{name}]' could mean either", "give the robot another name");
            }

            robots[name] = new(name, ReadGivenKeys(name, node), node["why"]?.Text) { Oidc = oidc.ReadRobot(name, node) };
        }

        Robots = robots.ToImmutable();
    }

    private ImmutableArray<Identity> ReadGivenKeys(string holder, PolicyNode node)
    {
        var identities = ImmutableArray.CreateBuilder<Identity>();
        foreach (var key in node["keys"]?.Sound ?? [])
        {
            if (!IsKey(key))
            {
                continue;
            }

            if (!holders.TryAdd(key.Text, holder))
            {
                mistakes.Add(key, $"the key '{key.Text}' is given to '{holders[key.Text]}' too", "a key acts for one: make another key");
            }

            if (Keys.GetValueOrDefault(key.Text) is { } trusted)
            {
                identities.Add(trusted.Identity);
            }
        }

        return identities.ToImmutable();
    }

    private bool IsKey(PolicyNode key)
    {
        var keys = spec?.Find("trust")?.Find("keys");
        if (keys?.Find(key.Text) is not null)
        {
            return true;
        }

        mistakes.Add(key, $"{PolicyNode.Shown(key.Text)} is no key of this policy", StructureCheck.Nearest(key.Text, Entries(keys).Select(entry => entry.Name)) is { } near ? $"did you mean '{near}'?" : "add it under spec.trust.keys");
        return false;
    }

    private void ReadRoles()
    {
        var roles = ImmutableDictionary.CreateBuilder<string, Role>();
        foreach (var (name, node) in SoundEntries(spec?["roles"]))
        {
            foreach (var person in node["people"]?.Sound ?? [])
            {
                Check(person, "person", "people");
            }

            foreach (var other in node["conflictsWith"]?.Sound ?? [])
            {
                if (Check(other, "role", "roles") && other.Text == name)
                {
                    mistakes.Add(other, "the role conflicts with itself", "name another role");
                }
            }

            var people = node.Words("people");
            if (people.Length == 1)
            {
                mistakes.Warn(node, $"the role '{name}' has one person, '{people[0]}': nothing works while they are away, and nobody checks them", "add a second person");
            }

            roles[name] = new(name, people, node.Words("githubTeams"), node.Words("conflictsWith"));
        }

        Roles = roles.ToImmutable();
    }

    private (DateOnly? From, DateOnly? Until) ReadDays(PolicyNode node, string fromName, string untilName)
    {
        var from = ReadDay(node[fromName]);
        var until = ReadDay(node[untilName]);
        if (from > until)
        {
            mistakes.Add(node[untilName]!, $"{untilName} {node[untilName]!.Text} lies before {fromName} {node[fromName]!.Text}", "exchange them");
        }

        return (from, until);
    }

    private DateOnly? ReadDay(PolicyNode? node)
    {
        if (node is null)
        {
            return null;
        }

        if (DateOnly.TryParseExact(node.Text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) && day < DateOnly.MaxValue)
        {
            return day;
        }

        mistakes.Add(node, $"{PolicyNode.Shown(node.Text)} is no day of the calendar", "write it as in 2026-01-31");
        return null;
    }
}
