using System.Collections.Immutable;

namespace Governance.Gates.Reviews;

/// <summary>What git has at one name of a folder.</summary>
/// <param name="Mode">Git's mode, such as <c>100644</c>; <c>040000</c> for a folder.</param>
/// <param name="Id">The object: a blob, a tree, or the commit of a submodule.</param>
public sealed record TreeEntry(string Mode, GitObjectId Id)
{
    /// <summary>Whether it is a folder, whose entries are a tree of their own.</summary>
    public bool IsFolder => Mode == "040000";
}

/// <summary>One thing of each of the four commits by which a merge is judged.</summary>
/// <param name="Base">Of the merge base: the pull request is the change from there to its head.</param>
/// <param name="Head">Of the head commit that was reviewed.</param>
/// <param name="Parent">Of the commit of the branch before the merge.</param>
/// <param name="Merged">Of the commit of the branch after it.</param>
public sealed record MergeSides<T>(T Base, T Head, T Parent, T Merged)
{
    /// <summary>The same of something else.</summary>
    public MergeSides<TResult> Select<TResult>(Func<T, TResult> selector)
    {
        ArgumentNullException.ThrowIfNull(selector);
        return new(selector(Base), selector(Head), selector(Parent), selector(Merged));
    }
}

/// <summary>A folder of which it is not known yet whether it holds what was reviewed.</summary>
/// <param name="Path">From the repository's root, with a slash at its end; empty for the root itself.</param>
/// <param name="Trees">Its trees; null where a commit has no such folder.</param>
public sealed record UnsettledFolder(string Path, MergeSides<GitObjectId?> Trees);

/// <summary>Whether a branch holds after a merge what was reviewed: at each path what the pull request left there where it changed it, and what the branch had everywhere else.</summary>
/// <remarks>
/// What the pull request changed is told by the trees, and whose review it needs by the list of files that the forge tells: a change that the list does not have was reviewed by nobody. That list is
/// as old as the last push, and the branch may have been moved to and fro since.
/// The rest holds for a merge commit, a squash and a rebase alike, and needs no merge to be made again. Where both sides changed a path, the result is a text that no reviewer saw: could not tell.
/// Trees are compared by their names, so that only folders that differ are looked into, one step at a time: whoever walks them reads what a step asks for.
/// </remarks>
public static class MergedTree
{
    private const string Rule = "review.merged";

    /// <summary>The root of the four commits; null where neither the pull request nor the merge changed anything.</summary>
    public static UnsettledFolder? Begin(MergeSides<GitObjectId> trees)
    {
        ArgumentNullException.ThrowIfNull(trees);
        var roots = trees.Select<GitObjectId?>(tree => tree);
        return IsSettled(roots) ? null : new("", roots);
    }

    /// <summary>Looks into a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="entries">Its entries by name; none where a commit has no such folder.</param>
    /// <param name="listed">Every path that the forge says the pull request changes.</param>
    /// <returns>What is wrong with what lies directly in it, and the folders in it that are not known yet; both in the order of their names.</returns>
    public static (ImmutableArray<Decision> Findings, ImmutableArray<UnsettledFolder> Below) Look(UnsettledFolder folder, MergeSides<IReadOnlyDictionary<string, TreeEntry>> entries, IReadOnlySet<string> listed)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(entries);
        ArgumentNullException.ThrowIfNull(listed);
        var findings = ImmutableArray.CreateBuilder<Decision>();
        var below = ImmutableArray.CreateBuilder<UnsettledFolder>();
        foreach (var name in new[] { entries.Base, entries.Head, entries.Parent, entries.Merged }.SelectMany(side => side.Keys).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            var sides = entries.Select(side => side.GetValueOrDefault(name));
            if (Finding($"{folder.Path}{name}", sides.Select(entry => entry is { IsFolder: false } ? entry : null), listed) is { } finding)
            {
                findings.Add(finding);
            }

            var trees = sides.Select(entry => entry is { IsFolder: true } ? entry.Id : null);
            if (!IsSettled(trees))
            {
                below.Add(new($"{folder.Path}{name}/", trees));
            }
        }

        return (findings.ToImmutable(), below.ToImmutable());
    }

    private static bool IsSettled(MergeSides<GitObjectId?> trees) => trees.Base == trees.Head && trees.Merged == trees.Parent;

    private static Verdict Judge(MergeSides<TreeEntry?> sides) =>
        sides.Base == sides.Head ? When(sides.Merged == sides.Parent)
        // Changed by the pull request alone, or by both to the same.
        : sides.Base == sides.Parent || sides.Head == sides.Parent ? When(sides.Merged == sides.Head)
        : Verdict.Unknown;

    private static Verdict When(bool holds) => holds ? Verdict.Allow : Verdict.Deny;

    private static Decision? Finding(string path, MergeSides<TreeEntry?> sides, IReadOnlySet<string> listed) => Judge(sides) switch
    {
        Verdict.Allow or Verdict.Unknown when sides.Base != sides.Head && !listed.Contains(path) => Decision.Unknown(new Reason(Rule, $"{path} is changed by the pull request's commits and is not among the files that the forge lists for it, so that nobody had to review it", "find out how it came there, such as by a branch that was moved to and fro, and have it reviewed in a pull request of its own, or taken back") { At = new(path) }),
        Verdict.Allow => null,
        Verdict.Unknown => Decision.Unknown(new Reason(Rule, $"{path} was changed by the pull request and on the branch meanwhile, so that nobody reviewed what the merge made of it", "update the branch of a pull request before it is merged; this merge needs somebody to look at it") { At = new(path) }),
        _ when sides.Base == sides.Head => Decision.Deny(new Reason(Rule, $"{path} was changed at the merge, and the pull request does not change it", "find out who changed it, and have it reviewed in a pull request of its own, or taken back") { At = new(path) }),
        _ => Decision.Deny(new Reason(Rule, $"{path} is not what was reviewed", "find out what was changed at the merge, and have it reviewed in a pull request of its own, or taken back") { At = new(path) }),
    };
}
