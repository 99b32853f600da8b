using System.Collections.Immutable;
using System.Text.Json;
using Governance.Gates.Clients.Revocations;
using Governance.Gates.Images;
using Governance.Gates.Revocations;

namespace Governance.Gates.Clients.GateState;

/// <summary>The last list of revocations that was accepted from each source.</summary>
internal sealed class SeenRevocations
{
    public const string Name = "revocations.json";

    private const string Kind = "revocations";
    private const string ListKind = "revocation-list";
    private const string ListFolder = "revocations";
    private const int MostSources = 256;
    private const int LongestSource = 1_024;
    private const int MostBytes = 4 << 20;

    // At most 16 MiB of signed bytes in base64, and what they say, of which JSON may write each character as six.
    private const int MostListBytes = 128 << 20;

    private readonly StateDisk disk;
    private volatile ImmutableSortedDictionary<string, Seen> seen = ImmutableSortedDictionary.Create<string, Seen>(StringComparer.Ordinal);

    private SeenRevocations(StateDisk disk) => this.disk = disk;

    /// <summary>Reads what is remembered.</summary>
    /// <exception cref="FormatException">A file is not as it was written.</exception>
    public static SeenRevocations Open(StateDisk disk)
    {
        var revocations = new SeenRevocations(disk);
        if (StateDisk.Read(disk.PathOf(Name), MostBytes) is { } bytes)
        {
            try
            {
                var listed = StateFile.Read(bytes, Kind, fields => fields.GetProperty("sources").EnumerateArray().ToImmutableSortedDictionary(
                    source => source.GetProperty("source").GetString()!,
                    source => (Number: source.GetProperty("number").GetInt64(), Digest: Digest.Parse(source.GetProperty("digest").GetString()!)),
                    StringComparer.Ordinal));
                revocations.seen = listed.ToImmutableSortedDictionary(one => one.Key, one => new Seen(one.Value.Digest, revocations.Load(one.Value.Number, one.Value.Digest)), StringComparer.Ordinal);
            }
            catch (ArgumentException exception)
            {
                throw new FormatException($"{Name} names a source twice", exception);
            }
        }

        return revocations;
    }

    public AcceptedRevocations? Last(string source) => seen.GetValueOrDefault(source)?.Accepted;

    /// <summary>Remembers a list; called with the right to write.</summary>
    public Reading<long> Remember(string source, AcceptedRevocations accepted)
    {
        var (number, digest) = (accepted.List.Number, Digest.Of(accepted.Signed.Span));
        if (source.Length is 0 or > LongestSource || number < 1 || accepted.Signed.Length > RevocationListReader.MostBytes)
        {
            return Refused(
                $"number {number}, {accepted.Signed.Length} bytes, of a source whose name has {source.Length} characters",
                $"number lists from 1, of at most {RevocationListReader.MostBytes} bytes, and name sources in at most {LongestSource} characters");
        }

        if (seen.GetValueOrDefault(source) is { } last && number <= last.Accepted.List.Number)
        {
            return number == last.Accepted.List.Number && digest == last.Digest
                ? new Reading<long>.Found(number)
                : Refused(
                    $"number {number} ({digest}) does not follow number {last.Accepted.List.Number} ({last.Digest}), which was seen before",
                    "put the newest list back where the gate reads it; a list that changes gets a higher number");
        }

        var now = seen.SetItem(source, new(digest, accepted));
        if (now.Count > MostSources)
        {
            return Refused($"there are more than {MostSources} sources", "read fewer lists");
        }

        Write(digest, accepted, now);
        seen = now;
        return new Reading<long>.Found(number);
    }

    // The list stands on the disk before it is named, and what is no longer named goes after it.
    private void Write(Digest digest, AcceptedRevocations accepted, ImmutableSortedDictionary<string, Seen> now)
    {
        disk.CreateFolder(ListFolder);
        StateDisk.Replace(PathOf(digest), StateFile.Write(ListKind, json =>
        {
            json.WriteBase64String("signed"u8, accepted.Signed.Span);
            json.WritePropertyName("list"u8);
            json.WriteRawValue(RevocationStatement.Predicate(accepted.List));
        }));
        StateDisk.Replace(disk.PathOf(Name), StateFile.Write(Kind, json =>
        {
            json.WriteStartArray("sources"u8);
            foreach (var (name, one) in now)
            {
                json.WriteStartObject();
                json.WriteString("source"u8, name);
                json.WriteNumber("number"u8, one.Accepted.List.Number);
                json.WriteString("digest"u8, one.Digest.ToString());
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }));
        disk.Sweep(ListFolder, now.Values.Select(one => PathOf(one.Digest)));
    }

    // What the list says is kept beside its bytes, since it must be known also when its signer no longer counts and nothing verifies it.
    private AcceptedRevocations Load(long number, Digest digest) =>
        StateDisk.Read(PathOf(digest), MostListBytes) is { } bytes
        && StateFile.Read(bytes, ListKind, fields => Accepted(fields.GetProperty("signed").GetBytesFromBase64(), ReadList(fields.GetProperty("list")))) is var accepted
        && Digest.Of(accepted.Signed.Span) == digest && accepted.List.Number == number
            ? accepted
            : throw new FormatException($"{ListFolder}/{digest.Hex}.json is missing or holds another list than its name says");

    private static AcceptedRevocations Accepted(byte[] signed, RevocationList list) => new(signed, list with { Signed = KeptBytes.Of(signed) });

    private static RevocationList ReadList(JsonElement list)
    {
        var revoked = list.GetProperty("revoked");
        return new(
            list.GetProperty("number").GetInt64(),
            list.GetProperty("issuedAt").GetDateTimeOffset(),
            [.. Texts("people")],
            [.. Texts("keys").Select(Digest.Parse)],
            [.. Texts("artifacts").Select(Digest.Parse)],
            [.. Texts("approvals")]);

        IEnumerable<string> Texts(string name) => revoked.GetProperty(name).EnumerateArray().Select(entry => entry.GetString()!);
    }

    private string PathOf(Digest list) => disk.PathOf(ListFolder, list.Hex + ".json");

    private static Reading<long>.Unread Refused(string what, string remedy) => new(new Reason("revocations", $"the revocation list is refused: {what}", remedy));

    private sealed record Seen(Digest Digest, AcceptedRevocations Accepted);
}
