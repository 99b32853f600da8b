using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text.Json;
using static Governance.Gates.Sigstore.VerificationOutcome;

namespace Governance.Gates.Sigstore.Formats;

/// <summary>Reads an in-toto statement (v0.1, v1) from bytes whose signature holds.</summary>
internal static class StatementReader
{
    public const string TypeV1 = "https://in-toto.io/Statement/v1";
    private const string TypeV01 = "https://in-toto.io/Statement/v0.1";
    private const string Step = "statement";

    public static bool TryRead(byte[] payload, [NotNullWhen(true)] out SignedContent.Statement? statement, [NotNullWhen(false)] out Rejected? rejected)
    {
        statement = null;
        if (!StrictJson.TryParse(payload, Step, out var document, out rejected))
        {
            return false;
        }

        using (document)
        {
            var shape = new JsonShape(Step);
            var root = document.RootElement;
            var type = shape.Text(root, "_type");
            if (type is not (TypeV1 or TypeV01))
            {
                shape.Fail(RejectionCode.UnsupportedStatementType, $"_type is '{OneLine.Show(type)}' and must be '{TypeV1}' or '{TypeV01}'");
            }

            var predicateType = shape.Text(root, "predicateType");
            if (predicateType.Length == 0)
            {
                shape.Fail(RejectionCode.MissingField, "'predicateType' is empty");
            }

            var predicate = shape.Optional(root, JsonValueKind.Object, "predicate");
            var subjects = ReadSubjects(shape, root);
            if (shape.Fault is { } fault)
            {
                rejected = fault;
                return false;
            }

            var predicateJson = predicate.ValueKind == JsonValueKind.Object ? JsonMarshal.GetRawUtf8Value(predicate).ToArray() : [];
            statement = new(predicateType, subjects, payload, predicateJson) { IsV1 = type == TypeV1 };
            rejected = null;
            return true;
        }
    }

    private static ImmutableArray<Subject> ReadSubjects(JsonShape shape, JsonElement root)
    {
        var list = shape.Optional(root, JsonValueKind.Array, "subject");
        if (list.ValueKind != JsonValueKind.Array)
        {
            shape.Fail(RejectionCode.SubjectMissing, "the statement has no 'subject'");
            return [];
        }

        if (list.GetArrayLength() > Limits.Subjects)
        {
            shape.Fail(RejectionCode.TooManySubjects, $"the statement has {list.GetArrayLength()} subjects and at most {Limits.Subjects} are read");
            return [];
        }

        var subjects = ImmutableArray.CreateBuilder<Subject>(list.GetArrayLength());
        foreach (var item in list.EnumerateArray())
        {
            var name = shape.Optional(item, JsonValueKind.String, "name");
            var digest = shape.Optional(item, JsonValueKind.Object, "digest");
            if (shape.Fault is not null)
            {
                return [];
            }

            subjects.Add(new(name.ValueKind == JsonValueKind.String ? name.GetString() : null, ReadDigests(shape, digest)));
        }

        return subjects.ToImmutable();
    }

    private static Dictionary<string, string> ReadDigests(JsonShape shape, JsonElement digest)
    {
        var digests = new Dictionary<string, string>(StringComparer.Ordinal);
        if (digest.ValueKind != JsonValueKind.Object)
        {
            return digests;
        }

        if (digest.GetPropertyCount() > Limits.DigestsOfSubject)
        {
            shape.Fail(RejectionCode.TooManySubjects, $"a subject has {digest.GetPropertyCount()} digests and at most {Limits.DigestsOfSubject} are read");
            return digests;
        }

        foreach (var entry in digest.EnumerateObject())
        {
            digests[entry.Name] = shape.Text(entry.Value);
        }

        return digests;
    }
}
