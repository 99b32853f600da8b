using System.Collections.Immutable;
using System.Text.Json;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Clients.GateState;

/// <summary>The policies that were accepted last, and their key files, each under its digest.</summary>
internal sealed class AcceptedPolicies
{
    public const string Name = "accepted-policy.json";

    private const string Kind = "policies";
    private const string PolicyFolder = "policies";
    private const string KeyFolder = "keys";
    private const int MostPolicies = 16;
    private const int MostKeys = 1_000;
    private const int LongestName = 1_024;
    private const int MostBytes = 32 << 20;

    private readonly StateDisk disk;

    // Newest first. Those before the last are kept for whoever asks what an admitted record's policy said.
    private ImmutableArray<Listed> listed = [];

    private AcceptedPolicies(StateDisk disk) => this.disk = disk;

    public AcceptedPolicy? Last { get; private set; }

    /// <summary>Reads what is remembered.</summary>
    /// <exception cref="FormatException">A file is not as it was written.</exception>
    public static AcceptedPolicies Open(StateDisk disk)
    {
        var policies = new AcceptedPolicies(disk);
        if (StateDisk.Read(disk.PathOf(Name), MostBytes) is not { } bytes)
        {
            return policies;
        }

        policies.listed = StateFile.Read(bytes, Kind, fields => fields.GetProperty(Kind).EnumerateArray().Select(Read).ToImmutableArray());
        policies.Last = policies.listed is [var last, ..] ? policies.Load(last) : throw new FormatException($"{Name} names no policy");
        return policies;
    }

    /// <summary>Remembers a policy; called with the right to write.</summary>
    public Reading<AcceptedPolicy> Remember(AcceptedPolicy policy)
    {
        if (Last is { } last && policy.Version <= last.Version)
        {
            return policy.Version == last.Version && policy.Digest == last.Digest
                ? new Reading<AcceptedPolicy>.Found(last)
                : Refused($"version {policy.Version} ({policy.Digest}) does not follow version {last.Version} ({last.Digest}), which was accepted before", "raise metadata.version and have the change approved");
        }

        if (policy.Version < 1 || Digest.Of(policy.Yaml.Span) != policy.Digest || policy.Yaml.Length > PolicyReader.MostBytes)
        {
            return Refused($"version {policy.Version} is no policy of digest {policy.Digest}", "hand over the bytes that were read");
        }

        if (policy.Keys.Length > MostKeys)
        {
            return Refused($"it names {policy.Keys.Length} key files, more than {MostKeys}", "name fewer");
        }

        var keys = ImmutableArray.CreateBuilder<ListedKey>();
        foreach (var key in policy.Keys)
        {
            if (key.Name.Length is 0 or > LongestName || keys.Any(other => other.Name == key.Name) || SpkiOf(key.Bytes) is not { } spki)
            {
                return Refused("a key file has no name, a name that is too long or that another has, or holds no public key", "name files that hold one public key each");
            }

            keys.Add(new(key.Name, spki));
        }

        Write(policy, new Listed(policy.Version, policy.Digest, keys.ToImmutable()));
        return new Reading<AcceptedPolicy>.Found(policy);
    }

    // What the list names stands on the disk before the list does, and what it no longer names goes after it.
    private void Write(AcceptedPolicy policy, Listed added)
    {
        disk.CreateFolder(PolicyFolder);
        disk.CreateFolder(KeyFolder);
        StateDisk.Replace(PathOf(added.Digest), policy.Yaml);
        foreach (var (key, named) in policy.Keys.Zip(added.Keys))
        {
            StateDisk.Replace(PathOf(named), key.Bytes);
        }

        ImmutableArray<Listed> now = [added, .. listed.Take(MostPolicies - 1)];
        StateDisk.Replace(disk.PathOf(Name), StateFile.Write(Kind, json => Write(json, now)));
        (listed, Last) = (now, policy);
        disk.Sweep(PolicyFolder, now.Select(one => PathOf(one.Digest)));
        disk.Sweep(KeyFolder, now.SelectMany(one => one.Keys).Select(PathOf));
    }

    private static void Write(Utf8JsonWriter json, ImmutableArray<Listed> policies)
    {
        json.WriteStartArray(Kind);
        foreach (var policy in policies)
        {
            json.WriteStartObject();
            json.WriteNumber("version"u8, policy.Version);
            json.WriteString("digest"u8, policy.Digest.ToString());
            json.WriteStartArray("keys"u8);
            foreach (var key in policy.Keys)
            {
                json.WriteStartObject();
                json.WriteString("name"u8, key.Name);
                json.WriteString("spki"u8, key.Spki.ToString());
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static Listed Read(JsonElement policy) => new(
        policy.GetProperty("version").GetInt64(),
        Digest.Parse(policy.GetProperty("digest").GetString()!),
        [.. policy.GetProperty("keys").EnumerateArray().Select(key => new ListedKey(key.GetProperty("name").GetString()!, Digest.Parse(key.GetProperty("spki").GetString()!)))]);

    private AcceptedPolicy Load(Listed policy)
    {
        var yaml = StateDisk.Read(PathOf(policy.Digest), PolicyReader.MostBytes);
        if (yaml is null || Digest.Of(yaml) != policy.Digest)
        {
            throw new FormatException($"{PolicyFolder}/{policy.Digest.Hex}.yaml is missing or holds other bytes than its name says");
        }

        var keys = policy.Keys.Select(key => StateDisk.Read(PathOf(key), PublicKey.MaxSize) is { } bytes && SpkiOf(bytes) == key.Spki
            ? new PolicyKeyFile(key.Name, bytes)
            : throw new FormatException($"{KeyFolder}/{key.Spki.Hex}.pub is missing or holds another key than its name says"));
        return new(policy.Version, policy.Digest, yaml, [.. keys]);
    }

    private static Digest? SpkiOf(ReadOnlyMemory<byte> key) =>
        key.Length <= PublicKey.MaxSize && PublicKey.TryParse(key.Span, out _) is { } parsed ? Digest.FromHash(parsed.SpkiSha256.Span) : null;

    private string PathOf(Digest policy) => disk.PathOf(PolicyFolder, policy.Hex + ".yaml");

    private string PathOf(ListedKey key) => disk.PathOf(KeyFolder, key.Spki.Hex + ".pub");

    private static Reading<AcceptedPolicy>.Unread Refused(string what, string remedy) => new(new Reason("policy", $"the policy cannot be remembered: {what}", remedy));

    private sealed record Listed(long Version, Digest Digest, ImmutableArray<ListedKey> Keys);

    private sealed record ListedKey(string Name, Digest Spki);
}
