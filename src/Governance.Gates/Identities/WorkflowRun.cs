namespace Governance.Gates.Identities;

/// <summary>What a certificate's authority knew of the run of a workflow that signed (Fulcio, oid-info.md); null is what it did not say.</summary>
/// <param name="RepositoryId">Id of the repository that was built, which no other repository of that name will have.</param>
/// <param name="OwnerId">Id of its owner.</param>
/// <param name="Runner"><c>github-hosted</c> or <c>self-hosted</c>.</param>
/// <param name="Repository">Address of the repository that was built.</param>
/// <param name="Ref">The ref that was built, such as <c>refs/tags/v1</c>.</param>
/// <param name="Commit">The commit that was built.</param>
public sealed record WorkflowRun(string? RepositoryId, string? OwnerId, string? Runner, string? Repository, string? Ref, string? Commit);
