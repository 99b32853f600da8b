using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Governance.Gates.Admission;

/// <summary>Writes the AdmissionReview that answers a request, within what the API server accepts.</summary>
/// <remarks>
/// A refusal is HTTP 200 with <c>allowed: false</c>: anything else is a failed call, which a webhook configured to ignore failures would admit.
/// A warning that holds a control character is dropped by the API server, and all of them are cut when they pass 4096 runes together.
/// </remarks>
public static class AdmissionAnswer
{
    private const int LongestMessage = 2_000;
    private const int LongestWarning = 256;
    private const int MostWarnings = 12;
    private const int LongestAnnotation = 1_000;

    /// <summary>The answer to a request that was decided.</summary>
    public static void Write(IBufferWriter<byte> output, AdmissionCase @case, AdmissionOutcome outcome)
    {
        ArgumentNullException.ThrowIfNull(@case);
        ArgumentNullException.ThrowIfNull(outcome);
        Write(output, @case.Request.Uid, outcome, @case.Policy);
    }

    /// <summary>A refusal of a request of which only the uid could be read, or that met an error of the gate itself.</summary>
    public static void WriteRefusal(IBufferWriter<byte> output, string uid, Reason reason) => Write(output, uid, new AdmissionOutcome([Decision.Unknown(reason).Answer(Mode.Enforce)]), null);

    private static void Write(IBufferWriter<byte> output, string uid, AdmissionOutcome outcome, Policies.Policy? policy)
    {
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        json.WriteString("kind"u8, "AdmissionReview"u8);
        json.WriteString("apiVersion"u8, "admission.k8s.io/v1"u8);
        json.WriteStartObject("response"u8);
        json.WriteString("uid"u8, uid);
        var admitted = outcome.Admitted;
        json.WriteBoolean("allowed"u8, admitted);
        if (!admitted)
        {
            json.WriteStartObject("status"u8);
            json.WriteNumber("code"u8, 403);
            json.WriteString("reason"u8, "Forbidden"u8);
            json.WriteString("message"u8, OneLine(outcome.Refusals, LongestMessage));
            json.WriteEndObject();
        }

        var warnings = outcome.Warnings.Take(MostWarnings).ToList();
        if (warnings.Count > 0)
        {
            json.WriteStartArray("warnings"u8);
            foreach (var warning in warnings)
            {
                json.WriteStringValue(OneLine([warning], LongestWarning));
            }

            json.WriteEndArray();
        }

        // Keys become <webhook name>/<key> in the audit log, so none holds a slash.
        json.WriteStartObject("auditAnnotations"u8);
        json.WriteString("verdict"u8, Name(outcome.Decision.Verdict));
        if (policy is not null)
        {
            json.WriteString("policy-digest"u8, policy.Digest.ToString());
        }

        if (!outcome.Decision.Reasons.IsEmpty)
        {
            json.WriteString("reasons"u8, OneLine(outcome.Decision.Reasons, LongestAnnotation));
        }

        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>The verdict's name in answers, logs and metrics.</summary>
    public static string Name(Verdict verdict) => verdict switch
    {
        Verdict.Allow => "allow",
        Verdict.Warn => "warn",
        Verdict.Unknown => "unknown",
        _ => "deny",
    };

    // Besides what breaks a header: what makes a terminal or a log viewer show the text in another order, or on two lines.
    private static bool IsUnfit(char c) => CharUnicodeInfo.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Surrogate or UnicodeCategory.Format
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;

    private static string OneLine(IEnumerable<Reason> reasons, int longest)
    {
        var text = new StringBuilder();
        foreach (var rune in reasons.SelectMany((reason, index) => (index == 0 ? "" : " | ") + reason).Take(longest * 2))
        {
            text.Append(IsUnfit(rune) ? '?' : rune);
        }

        return text.Length <= longest ? text.ToString() : text.ToString(0, longest - 1) + "…";
    }
}
