using System.Text;
using System.Text.Json;
using Governance.Gates.Reviews;
using Governance.Gates.Testing;

namespace Governance.Gates.Tests.Reviews;

/// <summary>Facts about CODEOWNERS that others collected: GitHub's documentation, the tests of open implementations, reports of what GitHub did.</summary>
public sealed class CodeownersCasesTests
{
    private const string Patterns = "github/codeowners-cases.json";
    private const string Files = "github/codeowners-file-cases.json";

    // Its '*' stands last, where it decides for every path, and so the case holds for no reader of the documented rule; with its lines in the other order it shows what it is about.
    private const string LinesTheOtherWay = "rename out of a protected path still needs the old owners";

    public static TheoryData<int, string> PatternCases => Rows(Patterns, one => $"{one.GetProperty("pattern")} on {one.GetProperty("path")}");

    public static TheoryData<int, string> FileCases => Rows(Files, one => one.GetProperty("name").GetString()!);

    [Theory, MemberData(nameof(PatternCases))]
    public void A_pattern_matches_what_is_known_of_it(int row, string name)
    {
        var one = Case(Patterns, row);
        var path = one.GetProperty("path").GetString()!;
        var owners = Codeowners.Read("CODEOWNERS", Encoding.UTF8.GetBytes($"{one.GetProperty("pattern").GetString()} @a\n"));
        Assert.True(one.GetProperty("match").GetBoolean() == owners.Decide(path) is not null, $"{name}: {one.GetProperty("source")}");
        Assert.Equal(owners.Decide(path), owners.Hits(path).LastOrDefault());
    }

    [Theory, MemberData(nameof(FileCases))]
    public void A_file_names_the_owners_that_are_known_of_it(int row, string name)
    {
        var one = Case(Files, row);
        var owners = Read(one.GetProperty("files"), text => name == LinesTheOtherWay ? string.Join('\n', text.Split('\n').Reverse()) : text);
        var paths = one.GetProperty("path") is { ValueKind: JsonValueKind.Array } several ? several.EnumerateArray().Select(path => path.GetString()!) : [one.GetProperty("path").GetString()!];
        var found = paths.SelectMany(path => owners.Decide(path) is { } rule ? rule.Owners.Select(owner => owner.Text) : []);
        if (one.GetProperty("expectOwners").ValueKind == JsonValueKind.Array)
        {
            Assert.Equal(one.GetProperty("expectOwners").EnumerateArray().Select(owner => owner.GetString()), found);
        }

        // Who is unknown only the forge can tell.
        var mistakes = owners.Mistakes.AddRange(owners.UnknownOwners(owner => owner.Text != "@org/secret"));
        foreach (var expected in one.TryGetProperty("expectErrors", out var errors) ? errors.EnumerateArray() : default)
        {
            Assert.Contains(mistakes, mistake => (!expected.TryGetProperty("line", out var line) || mistake.Line == line.GetInt32())
                && (!expected.TryGetProperty("suggestion", out var suggestion) || mistake.Remedy == suggestion.GetString())
                && (!expected.TryGetProperty("kind", out var kind) || string.Equals(mistake.Kind.ToString(), kind.GetString()!.Replace("-", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase)));
        }

        Assert.True(one.TryGetProperty("expectErrors", out _) || mistakes.IsEmpty, $"{name}: {string.Join(", ", mistakes)}");
    }

    // What a client of a forge does: the first place that has a plain file.
    private static Codeowners Read(JsonElement files, Func<string, string> edit)
    {
        foreach (var location in Codeowners.Locations)
        {
            if (files.TryGetProperty(location, out var content) && content.GetString() is { } text && !text.StartsWith("-> ", StringComparison.Ordinal))
            {
                return Codeowners.Read(location, text == "<3145729 bytes>" ? Encoding.UTF8.GetBytes($"* @a\n{new string('#', 3_145_724)}") : Encoding.UTF8.GetBytes(edit(text)));
            }
        }

        return Codeowners.None;
    }

    private static TheoryData<int, string> Rows(string file, Func<JsonElement, string> name)
    {
        if (ProjectTree.WhyNoCases(file) is { } why)
        {
            return new() { { -1, why } };
        }

        var rows = new TheoryData<int, string>();
        foreach (var (row, one) in Document(file).EnumerateArray().Index())
        {
            rows.Add(row, name(one));
        }

        return rows;
    }

    private static JsonElement Case(string file, int row)
    {
        Assert.SkipWhen(row < 0, ProjectTree.WhyNoCases(file) ?? "");
        return Document(file)[row];
    }

    private static JsonElement Document(string file) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(ProjectTree.Cases, file))).RootElement;
}
