using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Unicode;
using static Governance.Gates.Sigstore.VerificationOutcome;

namespace Governance.Gates.Sigstore.Formats;

/// <summary>JSON that two readers cannot read differently: valid UTF-8, no duplicate fields, no lone surrogates, no comments.</summary>
internal static class StrictJson
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = Limits.JsonDepth };
    private static readonly JsonDocumentOptions Lenient = new() { AllowDuplicateProperties = true, MaxDepth = Limits.JsonDepth };

    public static bool TryParse(ReadOnlyMemory<byte> json, string step, [NotNullWhen(true)] out JsonDocument? document, [NotNullWhen(false)] out Rejected? rejected)
    {
        document = null;
        if (!Utf8.IsValid(json.Span))
        {
            rejected = new(RejectionCode.MalformedJson, step, $"the {step} is not UTF-8");
            return false;
        }

        try
        {
            RefuseLoneSurrogates(json.Span);
            document = JsonDocument.Parse(json, Strict);
            rejected = null;
            return true;
        }
        catch (JsonException mistake)
        {
            rejected = IsJson(json)
                ? new(RejectionCode.DuplicateKey, step, $"the {step} has an object that names a field twice")
                : new(RejectionCode.MalformedJson, step, $"the {step} is not JSON: {Place(mistake)}");
            return false;
        }
        catch (InvalidOperationException)
        {
            rejected = new(RejectionCode.MalformedJson, step, $"the {step} has an escape (\\u) that spells no character");
            return false;
        }
    }

    /// <summary>Reading such a string throws later, wherever that is: so every string with an escape is read here once.</summary>
    /// <exception cref="InvalidOperationException">There is one.</exception>
    private static void RefuseLoneSurrogates(ReadOnlySpan<byte> json)
    {
        if (json.IndexOf("\\u"u8) < 0)
        {
            return;
        }

        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = Limits.JsonDepth });
        while (reader.Read())
        {
            if (reader.ValueIsEscaped)
            {
                reader.GetString();
            }
        }
    }

    /// <summary>Only to say which of two things is wrong; nothing is taken from it.</summary>
    private static bool IsJson(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, Lenient);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static string Place(JsonException mistake) =>
        mistake is { LineNumber: { } line, BytePositionInLine: { } column } ? $"line {line + 1}, byte {column + 1}" : "it ends too early or is nested too deeply";
}
