using System.Globalization;
using System.Text.RegularExpressions;
using Governance.Gates.Testing;

namespace Governance.Gates.Tests.Architecture;

/// <summary>docs/threat-model.md says which test holds which sentence of the trust model, and docs/decisions/0003 and 0030 which keeps us from a flaw that another verifier or gate had; here all are held against the tests that there are.</summary>
public sealed partial class ThreatModelTests
{
    private const string Flaws = "docs/decisions/0003-own-sigstore-verifier.md";

    private const string Counts = "docs/decisions/0030-reviews-from-a-snapshot.md";

    [Theory]
    [InlineData("docs/threat-model.md", 50)]
    [InlineData(Flaws, 50)]
    [InlineData(Counts, 60)]
    public void Every_test_that_the_threat_model_names_is_there(string page, int least)
    {
        var named = TestName().Matches(Read(page));
        Assert.True(named.Count > least, $"{named.Count} names were found");
        Assert.All(named, name =>
        {
            var (folder, file, method) = (name.Groups["folder"].Value, name.Groups["file"].Value, name.Groups["method"].Value);
            var path = Path.Combine(ProjectTree.Root, "tests", folder == "Cluster" ? "Governance.Gates.Cluster" : $"Governance.Gates.Tests/{folder}", $"{file}.cs");
            Assert.True(File.Exists(path), $"{folder}/{file} is no file of tests");
            Assert.True(Regex.IsMatch(File.ReadAllText(path), $@"public (async Task|void|Task) {method}\("), $"{folder}/{file} has no test {method}");
        });
    }

    [Theory]
    [InlineData(Flaws, 31)]
    [InlineData(Counts, 40)]
    public void Every_flaw_that_others_had_has_a_test(string page, int count)
    {
        var rows = Read(page).Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(1).ToList();
        Assert.Equal(count, rows.Count);
        Assert.All(rows, row => Assert.True(TestName().IsMatch(row), row));
    }

    [Fact]
    public void Every_test_of_a_way_in_which_a_count_goes_wrong_has_its_number_in_the_table()
    {
        var numbers = CountNumber().Matches(Read(Counts)).Select(match => int.Parse(match.ValueSpan[1..3], CultureInfo.InvariantCulture)).ToHashSet();
        Assert.Empty(Enumerable.Range(1, 34).Except(numbers));
    }

    private static string Read(string page) => File.ReadAllText(Path.Combine(ProjectTree.Root, page));

    [GeneratedRegex("C[0-9]{2}_")]
    private static partial Regex CountNumber();

    [GeneratedRegex("`(?<folder>[A-Z][A-Za-z/]*)/(?<file>[A-Z][A-Za-z]*Tests)\\.(?<method>[A-Z][A-Za-z0-9_]*)`")]
    private static partial Regex TestName();
}
