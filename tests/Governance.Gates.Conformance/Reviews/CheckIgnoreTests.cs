using System.Text;
using System.Text.RegularExpressions;
using Governance.Gates.Reviews;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Conformance.Reviews;

/// <summary>Patterns of CODEOWNERS are those of gitignore but for what GitHub documents: real git says the same about random ones.</summary>
public sealed partial class CheckIgnoreTests
{
    private const int Patterns = 20_000;
    private static readonly string[] Pieces = ["a", "b", "ab", "a.b", "*", "*", "**", "**", "?", "a*", "*b", "*.b", "a*b", "a?", "?b", "**b", "a**", @"\*", @"a\?", @"\a", @"b\ a", "-", "{a}", "$b", "(", "^a", "A", "a*?*b", ".a"];
    private static readonly string[] Names = ["a", "b", "ab", "aab", "a.b", "c", "abb", "*", "a?", "b a", "-", "{a}", "$b", "(", "^a", "A", ".a"];

    [Fact]
    public async Task Twenty_thousand_random_patterns_mean_what_git_check_ignore_says()
    {
        Assert.SkipWhen(Peers.WhyNot(Peers.Git) is not null, Peers.Git.WhyNot);
        using var folder = new TemporaryFolder();
        var seed = Environment.TickCount;
        var random = new Random(seed);
        var cases = new List<(string Pattern, string Path)>();
        (await Command.RunAsync(Peers.Git.Require(), ["init", "-q", folder.Path])).Succeeded();
        for (var i = 0; i < Patterns; i++)
        {
            // Each pattern is alone in the folder from whose root it counts.
            var pattern = Pattern(random);
            Directory.CreateDirectory(folder.PathOf($"{i}"));
            await File.WriteAllTextAsync(folder.PathOf($"{i}", ".gitignore"), $"{pattern}\n", TestContext.Current.CancellationToken);
            cases.Add((pattern, string.Join('/', Enumerable.Range(0, random.Next(1, 6)).Select(_ => Names[random.Next(Names.Length)]))));
        }

        var input = string.Concat(cases.Select((one, i) => $"{i}/{one.Path}\0"));
        var said = await Command.RunAsync(Peers.Git.Require(), ["-C", folder.Path, "-c", "core.excludesFile=/dev/null", "check-ignore", "--no-index", "--verbose", "--non-matching", "-z", "--stdin"], input: input);
        Assert.True(said.ExitCode is 0 or 1, said.Error);

        // Four fields each: source, line, pattern, path; the first three are empty where nothing matched.
        var fields = said.Output.Split('\0')[..^1];
        Assert.Equal(4 * Patterns, fields.Length);
        var (matched, masked, differences) = (0, 0, new List<string>());
        foreach (var (i, (pattern, path)) in cases.Index())
        {
            Assert.Equal($"{i}/{path}", fields[(4 * i) + 3]);
            var (git, owners) = (fields[4 * i].Length > 0, Codeowners.Read("CODEOWNERS", Encoding.UTF8.GetBytes($"{pattern} @a\n")));
            Assert.True(owners.Mistakes.IsEmpty, $"{pattern}: {owners.Mistakes.FirstOrDefault()}");
            var ours = owners.Decide(path) is not null;
            matched += ours ? 1 : 0;

            // GitHub documents: docs/* is what lies directly in docs, and nothing further down.
            if (pattern.EndsWith("/*", StringComparison.Ordinal))
            {
                masked++;
                Assert.True(git || !ours, $"{pattern} on {path}");
            }

            // gitignore(5): "Other consecutive asterisks are considered regular asterisks". git itself drops the beginning without wildcards before it looks, and so takes a**/b for a and **/b.
            else if (GluedStars().IsMatch(pattern))
            {
                masked++;
                Assert.True(git || !ours, $"{pattern} on {path}");
            }
            else if (git != ours)
            {
                differences.Add($"{pattern} on {path}: git {git}, ours {ours}");
            }
        }

        Assert.True(differences.Count == 0, $"seed {seed}: {string.Join("; ", differences.Take(20))}");
        Assert.True(matched > Patterns / 20 && masked < Patterns / 5, $"{matched} matched, {masked} are documented to differ");
    }

    [GeneratedRegex(@"^([^*?\\]|\\[^*?])*[^*?/]\*{2,}(/|$)", RegexOptions.NonBacktracking)]
    private static partial Regex GluedStars();

    private static string Pattern(Random random)
    {
        while (true)
        {
            var segments = Enumerable.Range(0, random.Next(1, 5)).Select(_ => Pieces[random.Next(Pieces.Length)] + (random.Next(6) == 0 ? Pieces[random.Next(Pieces.Length)] : ""));
            var pattern = $"{(random.Next(3) == 0 ? "/" : "")}{string.Join('/', segments)}{(random.Next(4) == 0 ? "/" : "")}";

            // Three stars and more are a mistake in CODEOWNERS and '**' in git.
            if (!pattern.Split('/').Any(segment => segment.Length > 2 && segment.All(c => c == '*')))
            {
                return pattern;
            }
        }
    }
}
