using System.Text.RegularExpressions;
using Governance.Gates.Testing;

namespace Governance.Gates.Tests.Architecture;

/// <summary>docs/threat-model.md says which test holds which sentence of the trust model; here it is held against the tests that there are.</summary>
public sealed partial class ThreatModelTests
{
    private static readonly MatchCollection Named = TestName().Matches(File.ReadAllText(Path.Combine(ProjectTree.Root, "docs/threat-model.md")));

    [Fact]
    public void Every_test_that_the_threat_model_names_is_there()
    {
        Assert.True(Named.Count > 50, $"{Named.Count} names were found");
        Assert.All(Named, name =>
        {
            var (folder, file, method) = (name.Groups["folder"].Value, name.Groups["file"].Value, name.Groups["method"].Value);
            var path = Path.Combine(ProjectTree.Root, "tests", folder == "Cluster" ? "Governance.Gates.Cluster" : $"Governance.Gates.Tests/{folder}", $"{file}.cs");
            Assert.True(File.Exists(path), $"{folder}/{file} is no file of tests");
            Assert.True(Regex.IsMatch(File.ReadAllText(path), $@"public (async Task|void|Task) {method}\("), $"{folder}/{file} has no test {method}");
        });
    }

    [GeneratedRegex("`(?<folder>[A-Z][A-Za-z/]*)/(?<file>[A-Z][A-Za-z]*Tests)\\.(?<method>[A-Z][A-Za-z0-9_]*)`")]
    private static partial Regex TestName();
}
