using System.Text.Json;
using System.Text.Unicode;

namespace Governance.Gates.Admission;

/// <summary>What the API server asks: one change of one object (<c>admission.k8s.io/v1</c>, AdmissionRequest).</summary>
public sealed record AdmissionRequest
{
    /// <summary>The request's id; the answer repeats it, and it is the correlation id of logs.</summary>
    public required string Uid { get; init; }

    /// <summary>API group of the object's kind; empty for the core group.</summary>
    public required string Group { get; init; }

    /// <summary>The object's kind, as the webhook's rules matched it.</summary>
    public required string Kind { get; init; }

    /// <summary>Plural resource name, such as <c>pods</c>.</summary>
    public required string Resource { get; init; }

    /// <summary>API group of the resource; it differs from the kind's for some subresources.</summary>
    public required string ResourceGroup { get; init; }

    /// <summary>The subresource, such as <c>ephemeralcontainers</c>; empty for the object itself.</summary>
    public string Subresource { get; init; } = "";

    /// <summary><c>CREATE</c>, <c>UPDATE</c>, <c>DELETE</c> or <c>CONNECT</c>.</summary>
    public required string Operation { get; init; }

    /// <summary>The namespace; null for objects without one.</summary>
    public string? Namespace { get; init; }

    /// <summary>The object's name, or its <c>generateName</c>; empty where the server will make one.</summary>
    public string Name { get; init; } = "";

    /// <summary>Who asks, as the API server authenticated them; empty where it does not say.</summary>
    public string User { get; init; } = "";

    /// <summary>Nothing will be stored: decide the same and leave no record.</summary>
    public bool DryRun { get; init; }

    /// <summary>The object as it would be stored.</summary>
    public JsonElement Object { get; init; }

    /// <summary>The object as it is stored now.</summary>
    public JsonElement OldObject { get; init; }
}

/// <summary>What could be made of a body that claims to be an AdmissionReview.</summary>
public abstract record ReviewReading
{
    private ReviewReading()
    {
    }

    /// <summary>A request.</summary>
    /// <param name="Value">The request.</param>
    public sealed record Request(AdmissionRequest Value) : ReviewReading, IDisposable
    {
        internal LeanReview? Review { get; init; }

        /// <summary>Gives the memory of the request's elements back; they must not be used after it.</summary>
        public void Dispose() => Review?.Dispose();
    }

    /// <summary>Only the uid could be read: the answer is a refusal with this uid.</summary>
    /// <param name="Uid">The uid.</param>
    /// <param name="Reason">What is wrong with the rest.</param>
    public sealed record Unreadable(string Uid, Reason Reason) : ReviewReading;

    /// <summary>Not even the uid could be read: the answer is HTTP 400.</summary>
    /// <param name="Reason">What is wrong.</param>
    public sealed record WithoutUid(Reason Reason) : ReviewReading;
}

/// <summary>Reads AdmissionReviews of <c>admission.k8s.io/v1</c>.</summary>
public static class AdmissionReview
{
    /// <summary>The most bytes that a review may have. The API server takes bodies of 3 MiB, and a review can hold the object twice.</summary>
    public const int MaxBytes = 10 * 1024 * 1024;

    private const int MaxDepth = 128;
    private const int MaxUidLength = 256;
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = MaxDepth };

    /// <summary>Reads a review.</summary>
    /// <param name="body">The bytes; the request's elements may point into them.</param>
    /// <remarks>Never throws for what a client sends. A duplicate key is refused: two readers could take different values.</remarks>
    public static ReviewReading Read(ReadOnlyMemory<byte> body)
    {
        // RFC 8259, section 8.1. The JSON reader looks at the bytes of a text only where somebody asks for it.
        if (!Utf8.IsValid(body.Span))
        {
            return Refused(FindUid(body.Span), "the body is not UTF-8");
        }

        LeanReview review;
        try
        {
            review = LeanReview.Parse(body, Strict);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a member's name holds an escaped lone surrogate, which JSON's grammar allows and no text can be.
            return Refused(FindUid(body.Span), $"the body is not strict JSON: {OneLine(exception.Message)}");
        }

        var reading = Read(review);
        if (reading is not ReviewReading.Request)
        {
            review.Dispose();
        }

        return reading;
    }

    private static ReviewReading Read(LeanReview lean)
    {
        var review = lean.Document.RootElement;
        if (review.ValueKind != JsonValueKind.Object || !review.TryGetProperty("request", out var request) || request.ValueKind != JsonValueKind.Object)
        {
            return Refused(null, "the body is no AdmissionReview with a request");
        }

        var uid = Text(request, "uid");
        if (uid is null or { Length: 0 or > MaxUidLength })
        {
            return Refused(null, "the request has no uid");
        }

        if (Text(review, "kind") != "AdmissionReview" || Text(review, "apiVersion") != "admission.k8s.io/v1")
        {
            return Refused(uid, "the body is not an AdmissionReview of admission.k8s.io/v1");
        }

        if (Text(request, "operation") is not { } operation || operation is not ("CREATE" or "UPDATE" or "DELETE" or "CONNECT"))
        {
            return Refused(uid, "the request names no operation that this gate knows");
        }

        if (Text(request, "kind", "kind") is not { Length: > 0 } kind || Text(request, "resource", "resource") is not { Length: > 0 } resource)
        {
            return Refused(uid, "the request names no kind or no resource");
        }

        if (request.TryGetProperty("dryRun", out var dryRun) && dryRun.ValueKind is not (JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null))
        {
            return Refused(uid, "dryRun is neither true nor false");
        }

        // Read as absent, each of these would choose a milder rule: a namespace without rules, another kind.
        if (!IsTextOrAbsent(request, "namespace") || !IsTextOrAbsent(request, "name") || !IsTextOrAbsent(request, "subResource")
            || !IsTextOrAbsent(request.GetProperty("kind"), "group") || !IsTextOrAbsent(request.GetProperty("resource"), "group"))
        {
            return Refused(uid, "the request's namespace, name, subResource or a group is no text");
        }

        var @object = request.TryGetProperty("object", out var written) ? written : default;
        var value = new AdmissionRequest
        {
            Uid = uid,
            Group = Text(request, "kind", "group") ?? "",
            Kind = kind,
            Resource = resource,
            ResourceGroup = Text(request, "resource", "group") ?? "",
            Subresource = Text(request, "subResource") ?? "",
            Operation = operation,
            Namespace = Text(request, "namespace") is { Length: > 0 } name ? name : null,
            Name = Text(request, "name") is { Length: > 0 } given ? given : NameIn(@object),
            User = Text(request, "userInfo", "username") ?? "",
            DryRun = dryRun.ValueKind == JsonValueKind.True,
            Object = @object,
            OldObject = request.TryGetProperty("oldObject", out var old) ? old : default,
        };
        return new ReviewReading.Request(value) { Review = lean };
    }

    /// <summary>The uid of a review of which only a prefix was read, or whose rest is broken; null where it cannot be told.</summary>
    /// <param name="prefix">The first bytes of the body.</param>
    public static string? FindUid(ReadOnlySpan<byte> prefix)
    {
        var reader = new Utf8JsonReader(prefix, isFinalBlock: false, new JsonReaderState(new() { MaxDepth = MaxDepth }));
        try
        {
            var inRequest = false;
            while (reader.Read())
            {
                if (reader.TokenType != JsonTokenType.PropertyName)
                {
                    continue;
                }

                if (reader.CurrentDepth == 1)
                {
                    inRequest = reader.ValueTextEquals("request"u8);
                }
                else if (inRequest && reader.CurrentDepth == 2 && reader.ValueTextEquals("uid"u8))
                {
                    return reader.Read() && reader.TokenType == JsonTokenType.String && reader.GetString() is { Length: > 0 and <= MaxUidLength } uid ? uid : null;
                }
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Broken before the uid: there is none to answer with. InvalidOperationException: the string is not valid UTF-16.
        }

        return null;
    }

    private static ReviewReading Refused(string? uid, string message)
    {
        var reason = new Reason("admission", message, "send an AdmissionReview as the API server does");
        return uid is null ? new ReviewReading.WithoutUid(reason) : new ReviewReading.Unreadable(uid, reason);
    }

    private static string NameIn(JsonElement value) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty("metadata", out var metadata) && metadata.ValueKind == JsonValueKind.Object
            ? Text(metadata, "name") ?? Text(metadata, "generateName") ?? ""
            : "";

    private static string? Text(JsonElement value, string outer, string inner) =>
        value.TryGetProperty(outer, out var found) && found.ValueKind == JsonValueKind.Object ? Text(found, inner) : null;

    private static string? Text(JsonElement value, string name) => value.TryGetProperty(name, out var found) ? found.Text() : null;

    private static bool IsTextOrAbsent(JsonElement value, string name) =>
        !value.TryGetProperty(name, out var found) || found.ValueKind == JsonValueKind.Null || found.Text() is not null;

    private static string OneLine(string text) => string.Concat(text.Select(c => c is >= ' ' and <= '~' ? c : ' '));
}
