using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using Governance.Gates.Approvals;
using Governance.Gates.Evidence;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Admission;

/// <summary>What a decision of the admission gate rested on besides what its entry says already: with the bytes that are kept, <see cref="DecisionReplay"/> decides again.</summary>
/// <remarks>Written into the entry's <c>details</c> (<c>docs/formats/ledger.md</c>, "Decisions"). It holds no object: what was decided from the object alone stands there as the answer that it was.</remarks>
public static class DecisionBasis
{
    private const int MostNamed = JsonFields.MostInList;
    private static readonly ConditionalWeakTable<AdmittedRecord, KeptBytes> Records = [];
    private static readonly JsonWriterOptions AsIs = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The details of a decision's entry.</summary>
    /// <param name="case">What was asked.</param>
    /// <param name="outcome">What was decided.</param>
    public static ReadOnlyMemory<byte> Write(AdmissionCase @case, AdmissionOutcome outcome)
    {
        ArgumentNullException.ThrowIfNull(@case);
        ArgumentNullException.ThrowIfNull(outcome);
        var circumstances = outcome.Circumstances;
        var buffer = new ArrayBufferWriter<byte>(4_096);
        using (var json = new Utf8JsonWriter(buffer, AsIs))
        {
            json.WriteStartObject();
            Items(json, "admitted"u8, circumstances.Admitted, (json, record) => json.WriteStringValue(Kept(record).Digest.ToString()));
            Text(json, "began"u8, outcome.Began is { } began ? Kept(began).Digest.ToString() : null);
            Items(json, "documents"u8, @case.Documents, Document);
            Items(json, "images"u8, @case.Images, Image);
            if (IsTooMuch(@case, outcome))
            {
                json.WriteBoolean("incomplete"u8, true);
            }

            Items(json, "later"u8, outcome.Answers.Skip(@case.Settled.Length + @case.Images.Length + @case.Documents.Length), Answer);
            Unread(json, "revocations"u8, circumstances.Revocations);
            Items(json, "settled"u8, outcome.Answers.Take(@case.Settled.Length), Answer);
            Items(json, "subjects"u8, outcome.Known, Subject);
            Unread(json, "template"u8, @case.Template);
            if (circumstances.Uses is Reading<IReadOnlyDictionary<string, long>>.Found(var uses))
            {
                Items(json, "uses"u8, uses.Where(use => use.Value > 0), (json, use) =>
                {
                    json.WriteStartObject();
                    json.WriteNumber("count"u8, use.Value);
                    Text(json, "request"u8, use.Key);
                    json.WriteEndObject();
                });
            }

            Unread(json, "uses_unread"u8, circumstances.Uses);
            Text(json, "workload"u8, @case.Workload);
            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    /// <summary>What has to be kept beside the log for it, besides statements and the policy.</summary>
    /// <param name="case">What was asked.</param>
    /// <param name="outcome">What was decided.</param>
    public static IEnumerable<KeptBytes> Kept(AdmissionCase @case, AdmissionOutcome outcome)
    {
        ArgumentNullException.ThrowIfNull(@case);
        ArgumentNullException.ThrowIfNull(outcome);
        if (@case.Template is Reading<TemplateProjection>.Found(var template))
        {
            yield return new(template.Digest, template.Json);
        }

        foreach (var covered in @case.Documents.SelectMany(document => document.Need.Covers).Where(covered => !covered.Projection.IsEmpty))
        {
            yield return new(covered.Digest, covered.Projection);
        }

        foreach (var record in outcome.Began is { } began ? outcome.Circumstances.Admitted.Add(began) : outcome.Circumstances.Admitted)
        {
            yield return Kept(record);
        }

        if (outcome.Circumstances.Revocations is Reading<Revocations.RevocationList>.Found({ Signed: { } signed }))
        {
            yield return signed;
        }
    }

    /// <summary>The image as an entry can hold it; null where the object names none, or one that no entry can hold.</summary>
    internal static string? Written(ImageQuestion image) => image.Text is { } text && LedgerText.IsLine(text, LedgerText.Longest) ? text : null;

    // Each record lets many Pods go on, and its bytes stay what they are.
    internal static KeptBytes Kept(AdmittedRecord record) => Records.GetValue(record, record => KeptBytes.Of(record.ToJson()));

    private static bool IsTooMuch(AdmissionCase @case, AdmissionOutcome outcome) =>
        outcome.Answers.Length > MostNamed || outcome.Circumstances.Admitted.Length > MostNamed || outcome.Known.Count > MostNamed
        || outcome.Known.Values.Any(claims => claims.Proven.Length > MostNamed || claims.Refused.Length > MostNamed || claims.Unread.Length > MostNamed)
        || outcome.Answers.Any(answer => answer.Decision.Reasons.Length > MostNamed || answer.Decision.Notes.Length > MostNamed)
        || (outcome.Circumstances.Uses is Reading<IReadOnlyDictionary<string, long>>.Found(var uses) && uses.Count > MostNamed) || @case.Documents.Any(document => document.Need.Covers.Length > MostNamed || document.Values.Length > MostNamed);

    // An image whose text no entry can hold was refused for it: the answer stands for it.
    private static void Image(Utf8JsonWriter json, ImageQuestion image)
    {
        json.WriteStartObject();
        if (image.Text is null || Written(image) is not null)
        {
            Text(json, "image"u8, image.Text);
        }
        else if (image.Ruling is ImageRuling.Settled settled)
        {
            json.WritePropertyName("answer"u8);
            Answer(json, settled.Decision.Answer(settled.Mode));
        }

        Text(json, "path"u8, image.Path);
        json.WriteEndObject();
    }

    private static void Document(Utf8JsonWriter json, DocumentQuestion document)
    {
        var (subject, need) = document;
        json.WriteStartObject();
        Text(json, "action"u8, need.Rule.Action);
        Text(json, "cluster"u8, need.Cluster);
        Items(json, "covers"u8, need.Covers, (json, covered) =>
        {
            json.WriteStartObject();
            Text(json, "digest"u8, covered.Digest.ToString());
            Text(json, "kind"u8, covered.Kind.ToString());
            Text(json, "name"u8, covered.Name);
            json.WriteEndObject();
        });
        Text(json, "environment"u8, need.Environment);
        Text(json, "namespace"u8, need.Namespace);
        Text(json, "path"u8, need.Path);
        Text(json, "subject"u8, subject.ToString());
        Items(json, "values"u8, document.Values, (json, rule) => json.WriteStringValue(rule));
        Text(json, "what"u8, need.What);
        Text(json, "workload"u8, need.Workload);
        json.WriteEndObject();
    }

    private static void Subject(Utf8JsonWriter json, KeyValuePair<Subject, Claims> known)
    {
        var (subject, claims) = known;
        json.WriteStartObject();
        Items(json, "proven"u8, claims.Proven, (json, claim) =>
        {
            json.WriteStartObject();
            Text(json, "annotations"u8, claim.Annotations?.Digest.ToString());
            Text(json, "evidence"u8, claim.Evidence.ToString());
            Text(json, "signature"u8, claim.Signature?.Digest.ToString());
            Text(json, "where"u8, claim.Where);
            json.WriteEndObject();
        });
        Items(json, "refused"u8, claims.Refused, (json, refused) =>
        {
            json.WriteStartObject();
            Text(json, "code"u8, refused.Code.ToString());
            Message(json, "detail"u8, refused.Detail);
            Text(json, "where"u8, refused.Where);
            json.WriteEndObject();
        });
        Text(json, "subject"u8, subject.ToString());
        Items(json, "unread"u8, claims.Unread, Reason);
        json.WriteEndObject();
    }

    private static void Answer(Utf8JsonWriter json, Answer answer)
    {
        json.WriteStartObject();
        Text(json, "mode"u8, answer.Mode.ToString());
        Items(json, "notes"u8, answer.Decision.Notes, Reason);
        Items(json, "reasons"u8, answer.Decision.Reasons, Reason);
        Text(json, "verdict"u8, answer.Decision.Verdict.ToString());
        json.WriteEndObject();
    }

    private static void Unread<T>(Utf8JsonWriter json, ReadOnlySpan<byte> name, Reading<T>? reading)
    {
        if (reading is Reading<T>.Unread(var reason))
        {
            json.WritePropertyName(name);
            Reason(json, reason);
        }
    }

    private static void Reason(Utf8JsonWriter json, Reason reason)
    {
        json.WriteStartObject();
        Message(json, "message"u8, reason.Message);
        Message(json, "remedy"u8, reason.Remedy);
        Text(json, "rule"u8, reason.Rule);
        json.WriteEndObject();
    }

    private static void Items<T>(Utf8JsonWriter json, ReadOnlySpan<byte> name, IEnumerable<T> items, Action<Utf8JsonWriter, T> write)
    {
        var began = false;
        foreach (var item in items.Take(MostNamed))
        {
            if (!began)
            {
                json.WriteStartArray(name);
                began = true;
            }

            write(json, item);
        }

        if (began)
        {
            json.WriteEndArray();
        }
    }

    private static void Message(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? text) => Write(json, name, LedgerText.Of(text, LedgerText.LongestMessage));

    private static void Text(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? text) => Write(json, name, LedgerText.Of(text));

    private static void Write(Utf8JsonWriter json, ReadOnlySpan<byte> name, string? text)
    {
        if (text is not null)
        {
            json.WriteString(name, text);
        }
    }
}
