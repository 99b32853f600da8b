using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Revocations;

/// <summary>The in-toto statement that is a list of revocations: its names, and its canonical bytes. <c>docs/formats/revocations.md</c> describes it.</summary>
public static class RevocationStatement
{
    /// <summary>The predicate type.</summary>
    public const string PredicateType = "https://governance.gates/revocations/v1";

    /// <summary>The most entries of one kind that a list has.</summary>
    public const int MostEntries = 100_000;

    /// <summary>The longest id, in characters.</summary>
    public const int LongestId = 256;

    /// <summary>The highest number: the largest whole number that every reader of JSON reads alike (RFC 8259, section 6).</summary>
    public const long HighestNumber = (1L << 53) - 1;

    internal const int Version = 1;

    // A day is written once: UTC, with no more digits than the time has.
    internal const string TimeFormat = "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'";

    /// <summary>The name of a policy's list. Its SHA-256 is the subject of the statement, so that no list stands in for that of another policy.</summary>
    /// <param name="policyName">The policy's <c>metadata.name</c>.</param>
    public static string NameOf(string policyName) => $"https://governance.gates/revocations/{policyName}";

    /// <summary>The statement to sign: the same list always comes to the same bytes.</summary>
    /// <param name="list">The list.</param>
    /// <param name="policyName">The policy whose list it is.</param>
    public static byte[] Write(RevocationList list, string policyName) =>
        InTotoStatement.Write([Subject.OfSha256(NameOf(policyName), SubjectOf(policyName))], PredicateType, Predicate(list));

    /// <summary>The predicate: fields in a fixed order, no blanks, each kind of entry sorted by its code units.</summary>
    /// <exception cref="ArgumentException">A reader would refuse the list.</exception>
    public static byte[] Predicate(RevocationList list)
    {
        ArgumentNullException.ThrowIfNull(list);
        if (list.Number is < 1 or > HighestNumber || Kinds(list).Any(kind => kind.Entries.Count > MostEntries || kind.Entries.Any(entry => !IsId(entry))))
        {
            throw new ArgumentException($"a list is numbered from 1 and has at most {MostEntries} entries of a kind, each of 1 to {LongestId} characters", nameof(list));
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("v", Version);
            json.WriteStartArray("critical");
            json.WriteEndArray();
            json.WriteNumber("number", list.Number);
            json.WriteString("issuedAt", list.IssuedAt.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture));
            json.WriteStartObject("revoked");
            foreach (var (name, entries) in Kinds(list))
            {
                json.WriteStartArray(name);
                foreach (var entry in entries.Order(StringComparer.Ordinal))
                {
                    json.WriteStringValue(entry);
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Whether a text can be the id of a person, a request or an approval here: 1 to 256 characters, none of them a control character.</summary>
    public static bool IsId(string? text) => text is { Length: > 0 and <= LongestId } && !text.Any(c => char.IsControl(c) || char.IsSurrogate(c));

    internal static byte[] SubjectOf(string policyName) => SHA256.HashData(Encoding.UTF8.GetBytes(NameOf(policyName)));

    private static (string Name, IReadOnlyCollection<string> Entries)[] Kinds(RevocationList list) =>
    [
        ("people", list.People),
        ("keys", [.. list.Keys.Select(key => key.ToString())]),
        ("artifacts", [.. list.Artifacts.Select(artifact => artifact.ToString())]),
        ("approvals", list.Approvals),
    ];
}
