using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Reviews;

namespace Governance.Gates.Tests.Reviews;

/// <summary>Whether a branch holds after a merge what was reviewed.</summary>
public sealed class MergedTreeTests
{
    private const string Plain = "100644";
    private static readonly string[] Paths = ["a", "a/b", "a/b/c", "a/d", "b", "b/a", "c/d/e", "c/d/f", "c/g", "z"];
    private readonly Dictionary<GitObjectId, Dictionary<string, TreeEntry>> trees = [];

    public static TheoryData<string, string, string, string, string, Verdict> Merges => new()
    {
        { "nobody changed it", "1", "1", "1", "1", Verdict.Allow },
        { "the pull request changed it", "1", "2", "1", "2", Verdict.Allow },
        { "the branch changed it", "1", "1", "2", "2", Verdict.Allow },
        { "the pull request added it", "", "1", "", "1", Verdict.Allow },
        { "the pull request removed it", "1", "", "1", "", Verdict.Allow },
        { "the branch removed it", "1", "1", "", "", Verdict.Allow },
        { "both changed it alike", "1", "2", "2", "2", Verdict.Allow },
        { "both removed it", "1", "", "", "", Verdict.Allow },
        { "the merge changed it", "1", "1", "1", "2", Verdict.Deny },
        { "the merge added it", "", "", "", "1", Verdict.Deny },
        { "the merge removed it", "1", "1", "1", "", Verdict.Deny },
        { "the merge changed what the pull request changed", "1", "2", "1", "3", Verdict.Deny },
        { "the merge took the change back", "1", "2", "1", "1", Verdict.Deny },
        { "the merge brought back what the branch had before", "1", "1", "2", "1", Verdict.Deny },
        { "the merge changed what both changed alike", "1", "2", "2", "3", Verdict.Deny },
        { "both changed it", "1", "2", "3", "2", Verdict.Unknown },
        { "both changed it, and the merge made something of both", "1", "2", "3", "4", Verdict.Unknown },
        { "one changed it and the other removed it", "1", "2", "", "2", Verdict.Unknown },
        { "both added it", "", "1", "2", "1", Verdict.Unknown },
    };

    [Theory, MemberData(nameof(Merges))]
    public void A_path_is_as_it_was_reviewed_or_not(string because, string @base, string head, string parent, string merged, Verdict verdict)
    {
        foreach (var path in (string[])["file", "in/a/folder/file"])
        {
            var found = Walk(new(Of(@base), Of(head), Of(parent), Of(merged)));
            Assert.True(Decision.All(found.Select(one => one.Decision)).Verdict == verdict, because);
            Assert.Equal(verdict == Verdict.Allow ? [] : [path], found.Select(one => one.Path));

            Dictionary<string, TreeEntry> Of(string content) => content.Length == 0 ? [] : new() { [path] = Blob(content) };
        }
    }

    [Theory]
    [InlineData("100755")]
    [InlineData("120000")]
    [InlineData("160000")]
    public void A_file_that_became_something_else_at_the_merge_is_not_what_was_reviewed(string mode)
    {
        Dictionary<string, TreeEntry> before = new() { ["file"] = Blob("1") }, after = new() { ["file"] = Blob("1") with { Mode = mode } };
        Assert.Equal(["file"], Walk(new(before, before, before, after)).Select(one => one.Path));
        Assert.Empty(Walk(new(before, after, before, after)));
    }

    [Fact]
    public void A_file_in_the_place_of_a_folder_takes_all_that_lay_in_it_away()
    {
        Dictionary<string, TreeEntry> folder = new() { ["a/b"] = Blob("1"), ["a/c"] = Blob("2") }, file = new() { ["a"] = Blob("3") };
        Assert.Empty(Walk(new(folder, file, folder, file)));
        Assert.Equal(["a", "a/b", "a/c"], Walk(new(folder, folder, folder, file)).Select(one => one.Path).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Folders_that_neither_the_pull_request_nor_the_merge_changed_are_not_looked_into()
    {
        Dictionary<string, TreeEntry> before = new() { ["a/b"] = Blob("1"), ["c/d"] = Blob("2") }, after = new(before) { ["a/b"] = Blob("3") };
        var looked = new List<string>();
        Assert.Empty(Walk(new(before, before, after, after), looked));
        Assert.Empty(looked);
        Assert.Empty(Walk(new(before, after, before, after), looked));
        Walk(new(before, before, before, after), looked);
        Assert.Equal(["", "a/", "", "a/"], looked);
    }

    [Fact]
    public void A_change_that_the_forge_does_not_list_was_reviewed_by_nobody()
    {
        Dictionary<string, TreeEntry> before = new() { ["a/b"] = Blob("1"), ["a/c"] = Blob("2"), ["d"] = Blob("3") }, after = new(before) { ["a/b"] = Blob("4"), ["d"] = Blob("5") };
        var found = Assert.Single(Walk(new(before, after, before, after), listed: ["a/b"]));
        Assert.Equal(("d", Verdict.Unknown), (found.Path, found.Decision.Verdict));
        Assert.Equal(["a/b", "d"], Walk(new(before, after, before, after), listed: ["a/c", "a"]).Select(one => one.Path).Order(StringComparer.Ordinal));

        // What goes is a change too, and so is what only becomes something else.
        Assert.Equal(["a/b", "a/c", "d"], Walk(new(before, [], before, []), listed: []).Select(one => one.Path).Order(StringComparer.Ordinal));
        Assert.Equal(["d"], Walk(new(before, new(before) { ["d"] = Blob("3") with { Mode = "120000" } }, before, new(before) { ["d"] = Blob("3") with { Mode = "120000" } }), listed: []).Select(one => one.Path));
    }

    [Fact]
    public void Walking_trees_says_the_same_as_comparing_every_path()
    {
        var random = new Random(7);
        var verdicts = new HashSet<Verdict>();
        for (var i = 0; i < 5_000; i++)
        {
            var @base = Some(random, []);
            var sides = new MergeSides<Dictionary<string, TreeEntry>>(@base, Some(random, @base), Some(random, @base), Some(random, @base));
            if (random.Next(2) == 0)
            {
                sides = sides with { Merged = Merge(sides) };
            }

            string[] listed = [.. Paths.Where(_ => random.Next(3) > 0)];
            var expected = Paths.Select(path => (Path: path, Verdict: Judge(sides.Select(side => side.GetValueOrDefault(path)), listed.Contains(path)))).Where(one => one.Verdict != Verdict.Allow).ToList();
            Assert.Equal(expected, Walk(sides, listed: listed).Select(one => (one.Path, one.Decision.Verdict)).OrderBy(one => one.Path, StringComparer.Ordinal));
            verdicts.UnionWith(expected.Count == 0 ? [Verdict.Allow] : expected.Select(one => one.Verdict));
        }

        Assert.Equal(3, verdicts.Count);
    }

    private static Verdict Judge(MergeSides<TreeEntry?> sides, bool isListed)
    {
        var (byRequest, byBranch) = (sides.Head != sides.Base, sides.Parent != sides.Base);
        return byRequest && byBranch && sides.Head != sides.Parent ? Verdict.Unknown
            : sides.Merged == (byRequest ? sides.Head : sides.Parent) ? (byRequest && !isListed ? Verdict.Unknown : Verdict.Allow)
            : Verdict.Deny;
    }

    private static Dictionary<string, TreeEntry> Merge(MergeSides<Dictionary<string, TreeEntry>> sides)
    {
        var merged = new Dictionary<string, TreeEntry>();
        foreach (var path in Paths)
        {
            if ((sides.Head.GetValueOrDefault(path) != sides.Base.GetValueOrDefault(path) ? sides.Head : sides.Parent).TryGetValue(path, out var entry))
            {
                Put(merged, path, entry);
            }
        }

        return merged;
    }

    private static Dictionary<string, TreeEntry> Some(Random random, Dictionary<string, TreeEntry> from)
    {
        var files = new Dictionary<string, TreeEntry>(from);
        for (var i = random.Next(from.Count == 0 ? 6 : 3); i >= 0; i--)
        {
            var path = Paths[random.Next(Paths.Length)];
            if (random.Next(4) == 0)
            {
                files.Remove(path);
            }
            else
            {
                Put(files, path, Blob($"{random.Next(3)}") with { Mode = random.Next(5) == 0 ? "100755" : Plain });
            }
        }

        return files;
    }

    // Where a file is no folder can be.
    private static void Put(Dictionary<string, TreeEntry> files, string path, TreeEntry entry)
    {
        foreach (var other in files.Keys.Where(other => other.StartsWith($"{path}/", StringComparison.Ordinal) || path.StartsWith($"{other}/", StringComparison.Ordinal)).ToList())
        {
            files.Remove(other);
        }

        files[path] = entry;
    }

    private List<(string Path, Decision Decision)> Walk(MergeSides<Dictionary<string, TreeEntry>> sides, List<string>? looked = null, string[]? listed = null)
    {
        var changed = (listed ?? sides.Base.Keys.Concat(sides.Head.Keys)).ToHashSet(StringComparer.Ordinal);
        var found = new List<(string, Decision)>();
        var open = new Stack<UnsettledFolder>(MergedTree.Begin(sides.Select(Tree)) is { } root ? [root] : []);
        while (open.TryPop(out var folder))
        {
            looked?.Add(folder.Path);
            var (findings, below) = MergedTree.Look(folder, folder.Trees.Select<IReadOnlyDictionary<string, TreeEntry>>(tree => tree is null ? new Dictionary<string, TreeEntry>() : trees[tree]), changed);
            found.AddRange(findings.Select(finding => (Assert.Single(finding.Reasons).At!.File, finding)));
            foreach (var next in below)
            {
                open.Push(next);
            }
        }

        return found;
    }

    private GitObjectId Tree(Dictionary<string, TreeEntry> files)
    {
        var entries = files.GroupBy(file => file.Key.Split('/')[0]).ToDictionary(
            group => group.Key,
            group => group.First().Key == group.Key ? group.Single().Value : new TreeEntry("040000", Tree(group.ToDictionary(file => file.Key[(group.Key.Length + 1)..], file => file.Value))));
        var name = Id(string.Join('\n', entries.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => $"{entry.Value.Mode} {entry.Value.Id} {entry.Key}")));
        trees[name] = entries;
        return name;
    }

    private static TreeEntry Blob(string content) => new(Plain, Id($"blob {content}"));

    private static GitObjectId Id(string text) => GitObjectId.TryParse(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..40])!;
}
