using System.Text.Json;
using Governance.Gates.Sigstore.Formats;

namespace Governance.Gates.Sigstore;

/// <summary>Writes in-toto statements.</summary>
public static class InTotoStatement
{
    /// <summary>The JSON of an in-toto Statement v1.</summary>
    /// <param name="subjects">What it is about: at least one, each with a <c>sha256</c> digest.</param>
    /// <param name="predicateType">The predicate's type, a URI.</param>
    /// <param name="predicate">The predicate: a JSON object without duplicate fields, taken over as it stands.</param>
    /// <exception cref="ArgumentException">What would be written could not be verified again.</exception>
    public static byte[] Write(IReadOnlyCollection<Subject> subjects, string predicateType, ReadOnlySpan<byte> predicate)
    {
        ArgumentException.ThrowIfNullOrEmpty(predicateType);
        if (subjects.Count is 0 or > Limits.Subjects)
        {
            throw new ArgumentException($"a statement is about 1 to {Limits.Subjects} subjects, not {subjects.Count}", nameof(subjects));
        }

        if (subjects.FirstOrDefault(subject => !subject.Digests.ContainsKey("sha256") || subject.Digests.Count > Limits.DigestsOfSubject) is { } wrong)
        {
            throw new ArgumentException($"the subject '{OneLine.Show(wrong.Name ?? "")}' needs a sha256 digest and at most {Limits.DigestsOfSubject} digests", nameof(subjects));
        }

        var json = predicate.ToArray();
        if (!StrictJson.TryParse(json, "predicate", out var document, out var rejected))
        {
            throw new ArgumentException(rejected.Detail, nameof(predicate));
        }

        using (document)
        {
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? CompactJson.Write(writer => Write(writer, subjects, predicateType, json))
                : throw new ArgumentException("the predicate is not a JSON object", nameof(predicate));
        }
    }

    private static void Write(Utf8JsonWriter json, IReadOnlyCollection<Subject> subjects, string predicateType, byte[] predicate)
    {
        json.WriteStartObject();
        json.WriteString("_type", StatementReader.TypeV1);
        json.WriteStartArray("subject");
        foreach (var subject in subjects)
        {
            json.WriteStartObject();
            if (subject.Name is { } name)
            {
                json.WriteString("name", name);
            }

            json.WriteStartObject("digest");
            foreach (var (algorithm, hex) in subject.Digests.OrderBy(digest => digest.Key, StringComparer.Ordinal))
            {
                json.WriteString(algorithm, hex);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("predicateType", predicateType);
        json.WritePropertyName("predicate");
        json.WriteRawValue(predicate, skipInputValidation: true);
        json.WriteEndObject();
    }
}
