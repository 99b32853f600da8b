namespace Governance.Gates.Evidence;

/// <summary>How something was built, as its builder tells it.</summary>
/// <param name="Builder">The builder's id.</param>
/// <param name="Source">Address of the repository that was built, without <c>git+</c>, ref and <c>.git</c>; null where it is not told.</param>
/// <param name="Ref">The ref that was built; null where it is not told.</param>
/// <param name="Commit">The commit that was built, in hex; null where it is not told.</param>
public sealed record Provenance(string Builder, string? Source, string? Ref, string? Commit);
