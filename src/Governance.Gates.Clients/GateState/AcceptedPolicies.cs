using System.Collections.Immutable;
using System.Text.Json;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Clients.GateState;

/// <summary>The policies that were accepted last, and the files that they name, each under its digest: keys under that of their SPKI, trusted roots under that of their bytes.</summary>
internal sealed class AcceptedPolicies
{
    public const string Name = "accepted-policy.json";

    private const string Kind = "policies";
    private const string PolicyFolder = "policies";
    private const string KeyFolder = "keys";
    private const string RootFolder = "roots";
    private const int MostPolicies = 16;
    private const int MostFiles = 1_000;
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

        if (policy.Files.Length > MostFiles)
        {
            return Refused($"it names {policy.Files.Length} files, more than {MostFiles}", "name fewer");
        }

        var files = ImmutableArray.CreateBuilder<ListedFile>();
        foreach (var file in policy.Files)
        {
            if (file.Name.Length is 0 or > LongestName || files.Any(other => other.Name == file.Name) || ListedOf(file) is not { } named)
            {
                return Refused("a file has no name, a name that is too long or that another has, or holds neither a public key nor a trusted root", "name files that hold one public key each, or a trusted root");
            }

            files.Add(named);
        }

        Write(policy, new Listed(policy.Version, policy.Digest, files.ToImmutable()));
        return new Reading<AcceptedPolicy>.Found(policy);
    }

    // What the list names stands on the disk before the list does, and what it no longer names goes after it.
    private void Write(AcceptedPolicy policy, Listed added)
    {
        disk.CreateFolder(PolicyFolder);
        disk.CreateFolder(KeyFolder);
        disk.CreateFolder(RootFolder);
        StateDisk.Replace(PathOf(added.Digest), policy.Yaml);
        foreach (var (file, named) in policy.Files.Zip(added.Files))
        {
            StateDisk.Replace(PathOf(named), file.Bytes);
        }

        ImmutableArray<Listed> now = [added, .. listed.Take(MostPolicies - 1)];
        StateDisk.Replace(disk.PathOf(Name), StateFile.Write(Kind, json => Write(json, now)));
        (listed, Last) = (now, policy);
        disk.Sweep(PolicyFolder, now.Select(one => PathOf(one.Digest)));
        disk.Sweep(KeyFolder, now.SelectMany(one => one.Files).Where(file => !file.IsRoot).Select(PathOf));
        disk.Sweep(RootFolder, now.SelectMany(one => one.Files).Where(file => file.IsRoot).Select(PathOf));
    }

    private static void Write(Utf8JsonWriter json, ImmutableArray<Listed> policies)
    {
        json.WriteStartArray(Kind);
        foreach (var policy in policies)
        {
            json.WriteStartObject();
            json.WriteNumber("version"u8, policy.Version);
            json.WriteString("digest"u8, policy.Digest.ToString());
            Write(json, "keys", "spki", policy.Files.Where(file => !file.IsRoot));
            if (policy.Files.Any(file => file.IsRoot))
            {
                Write(json, "roots", "sha256", policy.Files.Where(file => file.IsRoot));
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, string list, string digest, IEnumerable<ListedFile> files)
    {
        json.WriteStartArray(list);
        foreach (var file in files)
        {
            json.WriteStartObject();
            json.WriteString("name"u8, file.Name);
            json.WriteString(digest, file.Digest.ToString());
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static Listed Read(JsonElement policy) => new(
        policy.GetProperty("version").GetInt64(),
        Digest.Parse(policy.GetProperty("digest").GetString()!),
        [
            .. policy.GetProperty("keys").EnumerateArray().Select(key => new ListedFile(key.GetProperty("name").GetString()!, Digest.Parse(key.GetProperty("spki").GetString()!), IsRoot: false)),
            .. policy.TryGetProperty("roots", out var roots) ? roots.EnumerateArray().Select(root => new ListedFile(root.GetProperty("name").GetString()!, Digest.Parse(root.GetProperty("sha256").GetString()!), IsRoot: true)) : [],
        ]);

    private AcceptedPolicy Load(Listed policy)
    {
        var yaml = StateDisk.Read(PathOf(policy.Digest), PolicyReader.MostBytes);
        if (yaml is null || Digest.Of(yaml) != policy.Digest)
        {
            throw new FormatException($"{PolicyFolder}/{policy.Digest.Hex}.yaml is missing or holds other bytes than its name says");
        }

        var files = policy.Files.Select(file => StateDisk.Read(PathOf(file), file.IsRoot ? TrustedRoot.MaxSize : PublicKey.MaxSize) is { } bytes && (file.IsRoot ? Digest.Of(bytes) : SpkiOf(bytes)) == file.Digest
            ? new NamedPolicyFile(file.Name, bytes)
            : throw new FormatException($"{file.Folder}/{file.FileName} is missing or holds something else than its name says"));
        return new(policy.Version, policy.Digest, yaml, [.. files]);
    }

    private static ListedFile? ListedOf(NamedPolicyFile file) =>
        SpkiOf(file.Bytes) is { } spki ? new(file.Name, spki, IsRoot: false)
        : TrustedRoot.TryParse(file.Bytes, out _) is not null ? new(file.Name, Digest.Of(file.Bytes.Span), IsRoot: true)
        : null;

    private static Digest? SpkiOf(ReadOnlyMemory<byte> key) =>
        key.Length <= PublicKey.MaxSize && PublicKey.TryParse(key.Span, out _) is { } parsed ? Digest.FromHash(parsed.SpkiSha256.Span) : null;

    private string PathOf(Digest policy) => disk.PathOf(PolicyFolder, policy.Hex + ".yaml");

    private string PathOf(ListedFile file) => disk.PathOf(file.Folder, file.FileName);

    private static Reading<AcceptedPolicy>.Unread Refused(string what, string remedy) => new(new Reason("policy", $"the policy cannot be remembered: {what}", remedy));

    private sealed record Listed(long Version, Digest Digest, ImmutableArray<ListedFile> Files);

    private sealed record ListedFile(string Name, Digest Digest, bool IsRoot)
    {
        public string Folder => IsRoot ? RootFolder : KeyFolder;

        public string FileName => Digest.Hex + (IsRoot ? ".json" : ".pub");
    }
}
