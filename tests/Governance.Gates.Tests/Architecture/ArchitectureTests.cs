using System.Text.RegularExpressions;
using System.Xml.Linq;
using Governance.Gates.Testing;

namespace Governance.Gates.Tests.Architecture;

/// <summary>docs/ARCHITECTURE.md says which folder of the core may use which; here it is held against the code.</summary>
public sealed partial class ArchitectureTests
{
    private static readonly string Core = Path.Combine(ProjectTree.Root, "src/Governance.Gates");

    /// <summary>The table: a folder and the folders that it may use.</summary>
    private static readonly Dictionary<string, string[]> Allowed = File.ReadLines(Path.Combine(ProjectTree.Root, "docs/ARCHITECTURE.md"))
        .Select(line => Row().Match(line))
        .Where(match => match.Success)
        .ToDictionary(match => match.Groups["folder"].Value, match => Name().Matches(match.Groups["uses"].Value).Select(name => name.Groups["name"].Value).ToArray());

    public static TheoryData<string> Folders => [.. Directory.GetDirectories(Core).Select(folder => Path.GetFileName(folder)).Where(name => name is not ("bin" or "obj")).Order(StringComparer.Ordinal)];

    [Fact]
    public void The_table_names_the_folders_that_there_are() => Assert.Equal(Folders.Select(row => row.Data), Allowed.Keys.Order(StringComparer.Ordinal));

    [Theory, MemberData(nameof(Folders))]
    public void A_folder_of_the_core_uses_only_what_the_table_allows(string folder)
    {
        foreach (var file in Directory.GetFiles(Path.Combine(Core, folder), "*.cs", SearchOption.AllDirectories))
        {
            // Qualified names are an arrow too, so every mention counts, not only using lines.
            var used = Used().Matches(File.ReadAllText(file)).Select(match => match.Groups["folder"].Value).Where(name => name != folder && Folders.Any(row => row.Data == name) | name == "Sigstore").Distinct();
            Assert.All(used, name => Assert.True(Allowed[folder].Contains(name), $"{Path.GetRelativePath(ProjectTree.Root, file)} uses {name}, and docs/ARCHITECTURE.md does not allow {folder} to"));
        }
    }

    [Fact]
    public void The_arrows_run_one_way()
    {
        var left = Allowed.ToDictionary(row => row.Key, row => row.Value.Where(Allowed.ContainsKey).ToHashSet(StringComparer.Ordinal));
        while (left.FirstOrDefault(row => row.Value.Count == 0).Key is { } free)
        {
            left.Remove(free);
            foreach (var uses in left.Values)
            {
                uses.Remove(free);
            }
        }

        Assert.True(left.Count == 0, "these folders use each other in a circle: " + string.Join(", ", left.Keys));
    }

    [Theory]
    [InlineData("src/Governance.Gates/Governance.Gates.csproj", "../Governance.Gates.Sigstore/Governance.Gates.Sigstore.csproj")]
    [InlineData("src/Governance.Gates.Sigstore/Governance.Gates.Sigstore.csproj", "")]
    public void The_core_refers_to_sigstore_alone_and_sigstore_to_nothing(string project, string reference) =>
        Assert.Equal(reference.Length == 0 ? [] : new[] { reference }, Read(project).Descendants("ProjectReference").Select(element => element.Attribute("Include")!.Value));

    [Theory]
    [InlineData("src/Governance.Gates/Governance.Gates.csproj")]
    [InlineData("src/Governance.Gates.Sigstore/Governance.Gates.Sigstore.csproj")]
    public void The_list_of_banned_symbols_is_in_force(string project)
    {
        var read = Read(project);
        Assert.Contains("../BannedSymbols.txt", read.Descendants("AdditionalFiles").Select(element => element.Attribute("Include")!.Value));
        Assert.Contains("Microsoft.CodeAnalysis.BannedApiAnalyzers", read.Descendants("PackageReference").Select(element => element.Attribute("Include")!.Value));
        Assert.DoesNotContain(read.Descendants("NoWarn"), element => element.Value.Contains("RS0030", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("T:System.Net.Http.HttpClient")]
    [InlineData("T:System.Net.Sockets.Socket")]
    [InlineData("T:System.IO.File")]
    [InlineData("T:System.IO.Directory")]
    [InlineData("T:System.Diagnostics.Process")]
    [InlineData("T:System.Diagnostics.Stopwatch")]
    [InlineData("T:System.Environment")]
    [InlineData("P:System.DateTime.Now")]
    [InlineData("P:System.DateTime.UtcNow")]
    [InlineData("P:System.DateTimeOffset.UtcNow")]
    [InlineData("P:System.TimeProvider.System")]
    public void The_core_may_touch_neither_network_disk_process_nor_clock(string symbol)
    {
        Assert.Contains(File.ReadLines(Path.Combine(ProjectTree.Root, "src/BannedSymbols.txt")), line => line.Split(';')[0] == symbol);
        Assert.Equal("true", Read("Directory.Build.props").Descendants("TreatWarningsAsErrors").Single().Value);
    }

    private static XDocument Read(string path) => XDocument.Load(Path.Combine(ProjectTree.Root, path));

    [GeneratedRegex(@"^\| `(?<folder>[A-Za-z]+)/` \|(?<uses>[^|]*)\|", RegexOptions.NonBacktracking)]
    private static partial Regex Row();

    [GeneratedRegex(@"`(?<name>[A-Za-z]+)(/|`)", RegexOptions.NonBacktracking)]
    private static partial Regex Name();

    [GeneratedRegex(@"\b(Governance\.Gates|Gates)\.(?<folder>[A-Z][A-Za-z]+)", RegexOptions.NonBacktracking)]
    private static partial Regex Used();
}
