using System.Collections.Immutable;
using System.Text.Json;
using Governance.Gates.Reviews;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Evidence;

/// <summary>A person's word that a release was tagged: which tag of which repository names which commit. Whoever signed it is the claim's signer.</summary>
/// <param name="Id">Its own id: target of a revocation.</param>
/// <param name="Repository">Address of the repository, such as <c>https://github.com/example/trading</c>.</param>
/// <param name="Ref">The tag, such as <c>refs/tags/v1.2.0</c>.</param>
/// <param name="Commit">The commit that it names.</param>
public sealed record SignedTag(string Id, string Repository, string Ref, GitObjectId Commit)
{
    /// <summary>The predicate type of the statement about an image that says so.</summary>
    public const string PredicateType = "https://governance.gates/tag/v1";

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 64 };
    private static readonly ImmutableArray<string> Known = ["v", "critical", "id", "repository", "ref", "commit"];

    /// <summary>Reads a statement whose signature holds. Never throws for what it is given.</summary>
    /// <returns>Null where it is no statement of this kind.</returns>
    internal static Reading<SignedTag>? Read(SignedContent.Statement statement)
    {
        if (statement.PredicateType != PredicateType)
        {
            return null;
        }

        var fields = new JsonFields();
        try
        {
            using var document = JsonDocument.Parse(statement.Predicate, Strict);
            var root = document.RootElement;
            if (fields.OptionalCount(root, "v") != 1)
            {
                fields.Fail("'v' is not 1");
            }

            foreach (var name in fields.Texts(root, "critical").Where(name => !Known.Contains(name)))
            {
                fields.Fail($"it must not be read without knowing '{new string([.. name.Take(64)])}'");
            }

            var (id, repository, reference, commit) = (fields.RequiredText(root, "id"), fields.RequiredText(root, "repository"), fields.RequiredText(root, "ref"), GitObjectId.TryParse(fields.RequiredText(root, "commit")));
            if (commit is null)
            {
                fields.Fail("'commit' is no name of a git object");
            }

            return fields.Fault is null ? new Reading<SignedTag>.Found(new(id, repository, reference, commit!)) : Unread(fields.Fault);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: an escaped lone surrogate.
            return Unread("the predicate is no strict JSON");
        }
    }

    private static Reading<SignedTag>.Unread Unread(string fault) => new(new("statement", $"a signed tag cannot be read: {fault}", "have it signed again by this version of gates, or bring the gate up to date"));
}
