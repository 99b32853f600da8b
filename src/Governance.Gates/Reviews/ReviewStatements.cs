using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Reviews;

/// <summary>Reads and writes review statements: in-toto statements about a git commit and its tree, with an order of fields that never changes.</summary>
/// <remarks>
/// The predicate is SLSA's verification summary, so that others read what they know of it. What is ours stands below one field whose name is a URI, as in-toto asks of extensions,
/// and there <c>critical</c> names what a reader must know.
/// </remarks>
public static class ReviewStatements
{
    /// <summary>The field of the summary below which everything of ours stands.</summary>
    public const string Extension = "https://governance.gates/review/v1";

    private const string StatementType = "https://in-toto.io/Statement/v1";
    private const string Verifier = "https://governance.gates/review";
    private const string Git = "git+";
    private const string CommitAlgorithm = "gitCommit";
    private const string TreeAlgorithm = "gitTree";
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 64 };
    private static readonly ImmutableArray<string> Known = ["v", "critical", "id", "change_id", "ref", "pullRequest", "author", "contributors", "reviewers", "continuity", "policy", "snapshot"];

    /// <summary>Reads a statement whose signature holds. Never throws for what it is given.</summary>
    /// <returns>Null where it is no statement of this kind.</returns>
    public static Reading<ReviewStatement>? Read(SignedContent.Statement statement)
    {
        ArgumentNullException.ThrowIfNull(statement);
        if (statement.PredicateType != ReviewStatement.PredicateType)
        {
            return null;
        }

        var fields = new JsonFields();
        try
        {
            using var document = JsonDocument.Parse(statement.Predicate, Strict);
            if (fields.Find(document.RootElement, Extension) is null)
            {
                return null;
            }

            var read = Read(document.RootElement, statement.Subjects, fields);
            return fields.Fault is null ? new Reading<ReviewStatement>.Found(read) : Unread(fields.Fault);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: an escaped lone surrogate.
            return Unread("the predicate is no strict JSON");
        }
    }

    /// <summary>The whole in-toto statement: what is signed.</summary>
    public static byte[] Write(ReviewStatement statement)
    {
        ArgumentNullException.ThrowIfNull(statement);
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Compact))
        {
            json.WriteStartObject();
            json.WriteString("_type", StatementType);
            json.WriteStartArray("subject");
            WriteSubject(json, CommitAlgorithm, statement.Commit, statement.Ref);
            WriteSubject(json, TreeAlgorithm, statement.Tree, null);
            json.WriteEndArray();
            json.WriteString("predicateType", ReviewStatement.PredicateType);
            json.WritePropertyName("predicate");
            WritePredicate(json, statement);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static ReviewStatement Read(JsonElement root, ImmutableArray<Subject> subjects, JsonFields fields)
    {
        var own = fields.RequiredObject(root, Extension);
        if (fields.OptionalCount(own, "v") != 1)
        {
            fields.Fail("'v' is not 1");
        }

        foreach (var name in fields.Texts(own, "critical").Where(name => !Known.Contains(name)))
        {
            fields.Fail($"it must not be read without knowing '{new string([.. name.Take(64)])}'");
        }

        var pullRequest = fields.RequiredObject(own, "pullRequest");
        var policy = fields.RequiredObject(own, "policy");
        var result = fields.RequiredText(root, "verificationResult");
        if (result is not ("PASSED" or "FAILED"))
        {
            fields.Fail("'verificationResult' is neither PASSED nor FAILED");
        }

        return new()
        {
            Id = fields.RequiredText(own, "id"),
            ChangeId = fields.OptionalText(own, "change_id"),
            Repository = AddressOf(fields.RequiredText(root, "resourceUri"), fields),
            Ref = fields.RequiredText(own, "ref"),
            Commit = SubjectOf(subjects, CommitAlgorithm, fields),
            Tree = SubjectOf(subjects, TreeAlgorithm, fields),
            Passed = result == "PASSED",
            Properties = fields.Texts(root, "verifiedLevels"),
            PullRequest = new(fields.RequiredCount(pullRequest, "number"), OptionalId(pullRequest, "base", fields), OptionalId(pullRequest, "head", fields)),
            Author = fields.OptionalText(own, "author"),
            Contributors = fields.Texts(own, "contributors"),
            Reviewers = fields.Texts(own, "reviewers"),
            Previous = fields.Object(own, "continuity") is { } continuity ? OptionalId(continuity, "previous", fields) : null,
            Since = fields.Object(own, "continuity") is { } begun ? OptionalId(begun, "since", fields) : null,
            Policy = new(fields.RequiredText(policy, "name"), fields.RequiredCount(policy, "version"), fields.RequiredDigest(policy, "digest")),
            Snapshot = fields.OptionalDigest(own, "snapshot"),
            TimeVerified = fields.RequiredTime(root, "timeVerified"),
        };
    }

    // One commit and its tree, and nothing that could be taken for another.
    private static GitObjectId SubjectOf(ImmutableArray<Subject> subjects, string algorithm, JsonFields fields)
    {
        if (subjects.Length == 2 && subjects.Where(subject => subject.Digests.ContainsKey(algorithm)).ToArray() is [{ Digests.Count: 1 } found] && GitObjectId.TryParse(found.Digests[algorithm]) is { } id)
        {
            return id;
        }

        fields.Fail("its subjects are not one gitCommit and one gitTree");
        return null!;
    }

    private static GitObjectId? OptionalId(JsonElement element, string name, JsonFields fields)
    {
        if (fields.OptionalText(element, name) is not { } text)
        {
            return null;
        }

        if (GitObjectId.TryParse(text) is { } id)
        {
            return id;
        }

        fields.Fail($"'{name}' is no name of a git object");
        return null;
    }

    private static string AddressOf(string uri, JsonFields fields)
    {
        if (uri.StartsWith(Git, StringComparison.Ordinal) && uri.Length > Git.Length)
        {
            return uri[Git.Length..];
        }

        fields.Fail("'resourceUri' is not git+ and the address of a repository");
        return "";
    }

    private static void WriteSubject(Utf8JsonWriter json, string algorithm, GitObjectId id, string? reference)
    {
        json.WriteStartObject();
        json.WriteStartObject("digest");
        json.WriteString(algorithm, id.Hex);
        json.WriteEndObject();
        if (reference is not null)
        {
            // SLSA 1.2, "Source verification summary": the branches that the revision is vouched for.
            json.WriteStartObject("annotations");
            WriteTexts(json, "sourceRefs", [reference]);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void WritePredicate(Utf8JsonWriter json, ReviewStatement statement)
    {
        json.WriteStartObject();
        json.WriteStartObject("verifier");
        json.WriteString("id", Verifier);
        json.WriteEndObject();
        json.WriteString("timeVerified", statement.TimeVerified.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        json.WriteString("resourceUri", Git + statement.Repository);
        json.WriteStartObject("policy");
        json.WriteStartObject("digest");
        json.WriteString("sha256", statement.Policy.Digest.Hex);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteString("verificationResult", statement.Passed ? "PASSED" : "FAILED");
        WriteTexts(json, "verifiedLevels", statement.Properties);
        json.WriteStartObject(Extension);
        json.WriteNumber("v", 1);
        json.WriteStartArray("critical");
        json.WriteEndArray();
        json.WriteString("id", statement.Id);
        WriteOptional(json, "change_id", statement.ChangeId);
        json.WriteString("ref", statement.Ref);
        json.WriteStartObject("pullRequest");
        json.WriteNumber("number", statement.PullRequest.Number);
        WriteOptional(json, "base", statement.PullRequest.Base?.Hex);
        WriteOptional(json, "head", statement.PullRequest.Head?.Hex);
        json.WriteEndObject();
        WriteOptional(json, "author", statement.Author);
        WriteTexts(json, "contributors", statement.Contributors);
        WriteTexts(json, "reviewers", statement.Reviewers);
        if ((statement.Previous ?? statement.Since) is not null)
        {
            json.WriteStartObject("continuity");
            WriteOptional(json, "previous", statement.Previous?.Hex);
            WriteOptional(json, "since", statement.Since?.Hex);
            json.WriteEndObject();
        }

        json.WriteStartObject("policy");
        json.WriteString("name", statement.Policy.Name);
        json.WriteNumber("version", statement.Policy.Version);
        json.WriteString("digest", statement.Policy.Digest.ToString());
        json.WriteEndObject();
        WriteOptional(json, "snapshot", statement.Snapshot?.ToString());
        json.WriteEndObject();
        json.WriteEndObject();
    }

    // What is not given is absent, never null or empty.
    private static void WriteOptional(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, ImmutableArray<string> texts)
    {
        if (texts.IsEmpty)
        {
            return;
        }

        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }

    private static Reading<ReviewStatement>.Unread Unread(string fault) =>
        new(new("statement", $"a review statement cannot be read: {fault}", "have it signed again by this version of gates, or bring the gate up to date"));
}
