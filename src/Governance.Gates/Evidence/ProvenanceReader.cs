using System.Text.Json;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Evidence;

/// <summary>Reads SLSA provenance, v0.2 and v1: builder, source, ref and commit. Where two places tell a source, they must tell the same.</summary>
/// <remarks>
/// In v1 a source stands where its build type puts it: GitHub's and slsa-github-generator's in <c>externalParameters.workflow</c>
/// (actions.github.io/buildtypes/workflow/v1) or <c>externalParameters.source</c>, its commit in <c>resolvedDependencies</c>. In v0.2 it is <c>invocation.configSource</c>.
/// </remarks>
internal sealed class ProvenanceReader : JsonFields
{
    private const string Git = "git+";
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 64 };

    private ProvenanceReader()
    {
    }

    /// <summary>What a statement tells; null where it is of another type.</summary>
    public static Reading<Provenance>? Read(SignedContent.Statement statement)
    {
        if (statement.PredicateType is not (PredicateTypes.SlsaProvenance or PredicateTypes.SlsaProvenanceV02))
        {
            return null;
        }

        var reader = new ProvenanceReader();
        Provenance? provenance = null;
        try
        {
            using var json = JsonDocument.Parse(statement.Predicate, Strict);
            provenance = statement.PredicateType == PredicateTypes.SlsaProvenance ? reader.Read1(json.RootElement) : reader.Read02(json.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: an escaped lone surrogate.
            reader.Fail("it has no predicate that is strict JSON");
        }

        return reader.Fault is { } fault
            ? new Reading<Provenance>.Unread(new("provenance", $"the provenance cannot be read: {fault}", "have it made by a builder that writes SLSA provenance v0.2 or v1"))
            : new Reading<Provenance>.Found(provenance!);
    }

    private Provenance Read1(JsonElement predicate)
    {
        var definition = RequiredObject(predicate, "buildDefinition");
        var parameters = Object(definition, "externalParameters") ?? default;
        var builder = RequiredText(RequiredObject(RequiredObject(predicate, "runDetails"), "builder"), "id");
        var (source, reference) = Object(parameters, "workflow") is { } workflow ? (Address(OptionalText(workflow, "repository")), OptionalText(workflow, "ref")) : (null, null);
        if (Find(parameters, "source") is { } told)
        {
            var (other, at) = Split(told.ValueKind == JsonValueKind.Object ? OptionalText(told, "uri") : Text(told, "source"));
            (source, reference) = (Same("source", source, other), Same("ref", reference, at));
        }

        var dependencies = List(definition, "resolvedDependencies", item => (Uri: OptionalText(item, "uri"), Commit: CommitOf(item)));
        var commits = dependencies.Where(item => source is not null && Split(item.Uri) is var (uri, at) && uri == source && (at is null || reference is null || at == reference)).Select(item => item.Commit).OfType<string>().Distinct(StringComparer.Ordinal).ToArray();
        if (commits.Length > 1)
        {
            Fail("it tells two commits of its source");
        }

        return new(builder, source, reference, commits.FirstOrDefault());
    }

    private Provenance Read02(JsonElement predicate)
    {
        var builder = RequiredText(RequiredObject(predicate, "builder"), "id");
        if (Object(Object(predicate, "invocation") ?? default, "configSource") is not { } source)
        {
            return new(builder, null, null, null);
        }

        var (uri, reference) = Split(OptionalText(source, "uri"));
        return new(builder, uri, reference, CommitOf(source));
    }

    private string? Same(string what, string? one, string? other)
    {
        if (one is not null && other is not null && one != other)
        {
            Fail($"it tells two of its {what}");
        }

        return one ?? other;
    }

    private string? CommitOf(JsonElement item)
    {
        var digest = Object(item, "digest") ?? default;
        return OptionalText(digest, "gitCommit") ?? OptionalText(digest, "sha1");
    }

    // SPDX download location, as SLSA has it: git+https://host/path@ref.
    private static (string? Address, string? Ref) Split(string? uri)
    {
        if (uri is null)
        {
            return (null, null);
        }

        var path = uri.IndexOf("://", StringComparison.Ordinal) is >= 0 and var scheme ? uri.IndexOf('/', scheme + "://".Length) : 0;
        var at = path >= 0 ? uri.IndexOf('@', path) : -1;
        return at < 0 ? (Address(uri), null) : (Address(uri[..at]), uri[(at + 1)..]);
    }

    private static string? Address(string? uri)
    {
        if (uri is null)
        {
            return null;
        }

        uri = uri.StartsWith(Git, StringComparison.Ordinal) ? uri[Git.Length..] : uri;
        return uri.EndsWith(".git", StringComparison.Ordinal) ? uri[..^".git".Length] : uri.TrimEnd('/');
    }
}
