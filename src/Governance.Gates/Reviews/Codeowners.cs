using System.Collections.Immutable;

namespace Governance.Gates.Reviews;

/// <summary>A CODEOWNERS file: who owns which paths of a repository (GitHub documentation, "About code owners").</summary>
/// <remarks>The last line that matches a path decides alone. Paths and patterns are compared as they are spelled, case included.</remarks>
public sealed class Codeowners
{
    /// <summary>A file of this many bytes is not loaded. GitHub asks for "under 3 MB" and does not say which; the smaller counts.</summary>
    public const int MostBytes = 3_000_000;

    /// <summary>The most mistakes, and the most warnings, that are told one by one.</summary>
    public const int MostMistakes = 1_000;

    private readonly PatternTree tree;

    internal Codeowners(string file, ImmutableArray<CodeownersRule> rules, ImmutableArray<CodeownersMistake> mistakes, ImmutableArray<CodeownersMistake> warnings)
    {
        (File, Rules, Mistakes, Warnings) = (file, rules, mistakes, warnings);
        tree = new(rules.Select(rule => rule.Meaning));
    }

    /// <summary>Where the file may lie in a repository. The first that is there counts alone, whatever stands in the others.</summary>
    public static ImmutableArray<string> Locations { get; } = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"];

    /// <summary>Where the file lies; empty where a repository has none.</summary>
    public string File { get; }

    /// <summary>Its rules, in the order of the file.</summary>
    public ImmutableArray<CodeownersRule> Rules { get; }

    /// <summary>What is wrong with it, in the order of the file, as far as the file itself tells.</summary>
    public ImmutableArray<CodeownersMistake> Mistakes { get; }

    /// <summary>What its author probably did not mean, in the order of the file.</summary>
    public ImmutableArray<CodeownersMistake> Warnings { get; }

    /// <summary>What holds where a repository has no such file: nothing is owned.</summary>
    public static Codeowners None { get; } = new("", [], [], []);

    /// <summary>Reads a file. One that is wrong gives what GitHub makes of it, and every mistake.</summary>
    /// <param name="file">Where it lies, for people to read.</param>
    /// <param name="bytes">What stands in it; of a file that is too large, its first <see cref="MostBytes"/> bytes do.</param>
    public static Codeowners Read(string file, ReadOnlySpan<byte> bytes) => new CodeownersReader(file).Read(bytes);

    /// <summary>The line that decides who owns a path; null where none matches.</summary>
    /// <param name="path">From the repository's root, with slashes between and none in front.</param>
    /// <remarks>Safe to call from several threads at once.</remarks>
    public CodeownersRule? Decide(ReadOnlySpan<char> path) => tree.Last(path) is >= 0 and var last ? Rules[last] : null;

    /// <summary>Every line that matches a path, in the order of the file; the last one decides.</summary>
    /// <param name="path">From the repository's root, with slashes between and none in front.</param>
    public ImmutableArray<CodeownersRule> Hits(ReadOnlySpan<char> path) => [.. tree.All(path).Select(number => Rules[number])];

    /// <summary>A mistake for each owner whom <paramref name="isKnown"/> does not know: GitHub drops such an owner without a word.</summary>
    public ImmutableArray<CodeownersMistake> UnknownOwners(Func<CodeOwner, bool> isKnown) =>
    [
        .. (from rule in Rules
            from owner in rule.Owners
            where !isKnown(owner)
            select new CodeownersMistake(rule.Line, 1, CodeownersMistakeKind.UnknownOwner, $"{owner} does not exist, cannot be seen, or cannot write to the repository", "name an account or a visible team with write access")).Take(MostMistakes),
    ];
}
