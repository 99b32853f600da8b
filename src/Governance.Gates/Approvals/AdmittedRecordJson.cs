using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Governance.Gates.Images;

namespace Governance.Gates.Approvals;

/// <summary>The JSON of an <see cref="AdmittedRecord"/>, version 1.</summary>
internal sealed class AdmittedRecordJson
{
    private const int Version = 1;
    private const int MaxDepth = 16;

    // RFC 3339 in UTC, without zeros that say nothing: one way to write an instant.
    private const string Instant = "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'";
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = MaxDepth };

    private static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        "v", "critical", "id", "environment", "cluster", "namespace", "workload", "serviceAccount", "template", "artifacts", "policy", "uses", "begunAt", "runUntil",
    };

    private string? mistake;

    private AdmittedRecordJson()
    {
    }

    public static byte[] Write(AdmittedRecord record)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Compact))
        {
            json.WriteStartObject();
            json.WriteNumber("v"u8, Version);
            json.WriteStartArray("critical"u8);
            json.WriteEndArray();
            json.WriteString("id"u8, record.Id);
            json.WriteString("environment"u8, record.Environment);
            if (record.Cluster is { } cluster)
            {
                json.WriteString("cluster"u8, cluster);
            }

            json.WriteString("namespace"u8, record.Namespace);
            if (record.Workload is { } workload)
            {
                json.WriteString("workload"u8, workload);
            }

            json.WriteString("serviceAccount"u8, record.ServiceAccount);
            json.WriteString("template"u8, record.Template.ToString());
            WriteList(json, "artifacts", record.Artifacts.Select(artifact => artifact.ToString()));
            json.WriteString("policy"u8, record.Policy.ToString());
            json.WriteStartArray("uses"u8);
            foreach (var use in record.Uses)
            {
                json.WriteStartObject();
                json.WriteString("action"u8, use.Action);
                json.WriteStartObject("request"u8);
                json.WriteString("id"u8, use.RequestId);
                json.WriteString("digest"u8, use.RequestDigest.ToString());
                json.WriteEndObject();
                WriteList(json, "approvals", use.Approvals);
                if (!use.Signers.IsEmpty)
                {
                    json.WriteStartArray("signers"u8);
                    foreach (var signer in use.Signers)
                    {
                        json.WriteStartObject();
                        json.WriteString("person"u8, signer.Person);
                        if (signer.Key is { } spki)
                        {
                            json.WriteString("key"u8, spki.ToString());
                        }

                        json.WriteEndObject();
                    }

                    json.WriteEndArray();
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteString("begunAt"u8, Text(record.BegunAt));
            if (record.RunUntil is { } end)
            {
                json.WriteString("runUntil"u8, Text(end));
            }

            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    public static Reading<AdmittedRecord> Read(ReadOnlyMemory<byte> json)
    {
        var reader = new AdmittedRecordJson();
        var record = reader.Parse(json);
        return record is null
            ? new Reading<AdmittedRecord>.Unread(new Reason("admission", $"the admitted record cannot be read: {reader.mistake}", "read it with the version of the gate that wrote it, or a later one"))
            : new Reading<AdmittedRecord>.Found(record);
    }

    private static void WriteList(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }

    private static string Text(DateTimeOffset instant) => instant.ToUniversalTime().ToString(Instant, CultureInfo.InvariantCulture);

    private AdmittedRecord? Parse(ReadOnlyMemory<byte> json)
    {
        if (json.Length > AdmittedRecord.MostBytes || !Utf8.IsValid(json.Span))
        {
            return Wrong<AdmittedRecord>(json.Length > AdmittedRecord.MostBytes ? $"it has {json.Length} bytes, more than {AdmittedRecord.MostBytes}" : "it is not UTF-8");
        }

        try
        {
            using var document = JsonDocument.Parse(json, Strict);
            return Parse(document.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: an escaped lone surrogate, which JSON's grammar allows and no text can be.
            return Wrong<AdmittedRecord>("it is not strict JSON");
        }
    }

    private AdmittedRecord? Parse(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            return Wrong<AdmittedRecord>("it is no object");
        }

        if (!root.TryGetProperty("v"u8, out var v) || v.ValueKind != JsonValueKind.Number || !v.TryGetInt32(out var version) || version != Version)
        {
            return Wrong<AdmittedRecord>($"its version is not {Version}");
        }

        if (List(root, "critical", 64, TextOf).FirstOrDefault(name => name is not null && !Known.Contains(name)) is not null)
        {
            return Wrong<AdmittedRecord>("it holds a field that its reader must know, and this one does not");
        }

        var id = TextOf(Member(root, "id"), "id");
        var environment = TextOf(Member(root, "environment"), "environment");
        var cluster = root.TryGetProperty("cluster"u8, out _) ? TextOf(Member(root, "cluster"), "cluster") : null;
        var @namespace = TextOf(Member(root, "namespace"), "namespace");
        var workload = root.TryGetProperty("workload"u8, out _) ? TextOf(Member(root, "workload"), "workload") : null;
        var account = TextOf(Member(root, "serviceAccount"), "serviceAccount");
        var template = DigestOf(Member(root, "template"), "template");
        var artifacts = List(root, "artifacts", AdmittedRecord.MostArtifacts, DigestOf);
        var policy = DigestOf(Member(root, "policy"), "policy");
        var uses = List(root, "uses", AdmittedRecord.MostUses, Use);
        var begun = Time(Member(root, "begunAt"), "begunAt");
        var end = root.TryGetProperty("runUntil"u8, out _) ? Time(Member(root, "runUntil"), "runUntil") : null;
        if (mistake is not null)
        {
            return null;
        }

        var record = new AdmittedRecord
        {
            Id = id!,
            Environment = environment!,
            Cluster = cluster,
            Namespace = @namespace!,
            Workload = workload,
            ServiceAccount = account!,
            Template = template!,
            Artifacts = [.. artifacts.Select(artifact => artifact!)],
            Policy = policy!,
            Uses = [.. uses.Select(use => use!)],
            BegunAt = begun!.Value,
            RunUntil = end,
        };
        return record.Mistake is { } found ? Wrong<AdmittedRecord>(found) : record;
    }

    private ApprovedUse? Use(JsonElement element, string path)
    {
        if (element.ValueKind != JsonValueKind.Object || Member(element, "request") is not { ValueKind: JsonValueKind.Object } request)
        {
            return Wrong<ApprovedUse>($"an entry of '{path}' is no object with a request");
        }

        var action = TextOf(Member(element, "action"), "action");
        var id = TextOf(Member(request, "id"), "id");
        var digest = DigestOf(Member(request, "digest"), "digest");
        var approvals = List(element, "approvals", AdmittedRecord.MostApprovals, TextOf);
        var signers = element.TryGetProperty("signers"u8, out _) ? List(element, "signers", AdmittedRecord.MostApprovals + 1, Signer) : [];
        return mistake is null ? new(action!, id!, digest!, [.. approvals.Select(approval => approval!)]) { Signers = [.. signers.Select(signer => signer!)] } : null;
    }

    private RecordedSigner? Signer(JsonElement element, string path)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            return Wrong<RecordedSigner>($"an entry of '{path}' is no object");
        }

        var person = TextOf(Member(element, "person"), "person");
        var key = element.TryGetProperty("key"u8, out var named) ? DigestOf(named, "key") : null;
        return mistake is null ? new(person!, key) : null;
    }

    private ImmutableArray<T?> List<T>(JsonElement parent, string name, int most, Func<JsonElement, string, T?> read) where T : class
    {
        var list = Member(parent, name);
        if (list.ValueKind != JsonValueKind.Array || list.GetArrayLength() > most)
        {
            Wrong<T>($"'{name}' is no array of at most {most}");
            return [];
        }

        return [.. list.EnumerateArray().Select(element => read(element, name))];
    }

    private string? TextOf(JsonElement element, string name) => element.ValueKind == JsonValueKind.String ? element.GetString() : Wrong<string>($"'{name}' is missing or no text");

    private Digest? DigestOf(JsonElement element, string name) =>
        Digest.TryParse(TextOf(element, name)) ?? Wrong<Digest>($"'{name}' is no digest");

    private DateTimeOffset? Time(JsonElement element, string name)
    {
        if (DateTimeOffset.TryParseExact(TextOf(element, name), Instant, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var instant))
        {
            return instant;
        }

        Wrong<string>($"'{name}' is no instant in UTC (RFC 3339)");
        return null;
    }

    private static JsonElement Member(JsonElement parent, string name) => parent.TryGetProperty(name, out var member) ? member : default;

    // The first mistake is the one that is told: what follows from it would only hide it.
    private T? Wrong<T>(string what) where T : class
    {
        mistake ??= what;
        return null;
    }
}
