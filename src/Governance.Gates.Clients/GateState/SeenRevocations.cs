using System.Collections.Immutable;
using Governance.Gates.Images;

namespace Governance.Gates.Clients.GateState;

/// <summary>The highest number of a revocation list that was seen from each source.</summary>
internal sealed class SeenRevocations
{
    public const string Name = "revocations.json";

    private const string Kind = "revocations";
    private const int MostSources = 256;
    private const int LongestSource = 1_024;
    private const int MostBytes = 4 << 20;

    private readonly StateDisk disk;
    private volatile ImmutableSortedDictionary<string, Seen> seen = ImmutableSortedDictionary.Create<string, Seen>(StringComparer.Ordinal);

    private SeenRevocations(StateDisk disk) => this.disk = disk;

    /// <summary>Reads what is remembered.</summary>
    /// <exception cref="FormatException">The file is not as it was written.</exception>
    public static SeenRevocations Open(StateDisk disk)
    {
        var revocations = new SeenRevocations(disk);
        if (StateDisk.Read(disk.PathOf(Name), MostBytes) is { } bytes)
        {
            try
            {
                revocations.seen = StateFile.Read(bytes, Kind, fields => fields.GetProperty("sources").EnumerateArray().ToImmutableSortedDictionary(
                    source => source.GetProperty("source").GetString()!,
                    source => new Seen(source.GetProperty("number").GetInt64(), Digest.Parse(source.GetProperty("digest").GetString()!)),
                    StringComparer.Ordinal));
            }
            catch (ArgumentException exception)
            {
                throw new FormatException($"{Name} names a source twice", exception);
            }
        }

        return revocations;
    }

    public long? Highest(string source) => seen.GetValueOrDefault(source)?.Number;

    /// <summary>Remembers a list; called with the right to write.</summary>
    public Reading<long> Remember(string source, long number, Digest digest)
    {
        if (source.Length is 0 or > LongestSource || number < 0)
        {
            return Refused($"number {number} of a source whose name has {source.Length} characters", $"number lists from 0, and name sources in at most {LongestSource} characters");
        }

        if (seen.GetValueOrDefault(source) is { } last && number <= last.Number)
        {
            return number == last.Number && digest == last.Digest
                ? new Reading<long>.Found(number)
                : Refused(
                    $"number {number} ({digest}) does not follow number {last.Number} ({last.Digest}), which was seen before",
                    "put the newest list back where the gate reads it; a list that changes gets a higher number");
        }

        var now = seen.SetItem(source, new(number, digest));
        if (now.Count > MostSources)
        {
            return Refused($"there are more than {MostSources} sources", "read fewer lists");
        }

        StateDisk.Replace(disk.PathOf(Name), StateFile.Write(Kind, json =>
        {
            json.WriteStartArray("sources"u8);
            foreach (var (name, one) in now)
            {
                json.WriteStartObject();
                json.WriteString("source"u8, name);
                json.WriteNumber("number"u8, one.Number);
                json.WriteString("digest"u8, one.Digest.ToString());
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }));
        seen = now;
        return new Reading<long>.Found(number);
    }

    private static Reading<long>.Unread Refused(string what, string remedy) => new(new Reason("revocations", $"the revocation list is refused: {what}", remedy));

    private sealed record Seen(long Number, Digest Digest);
}
