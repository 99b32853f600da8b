using System.Collections.Immutable;
using System.Globalization;

namespace Governance.Gates.Reviews;

/// <summary>One line of a CODEOWNERS file that names owners for paths, or takes them away.</summary>
public sealed record CodeownersRule
{
    internal CodeownersRule(int line, string pattern, ImmutableArray<CodeOwner> owners, OwnersPattern meaning) =>
        (Line, Pattern, Owners, Meaning) = (line, pattern, owners, meaning);

    /// <summary>Its line in the file, from 1.</summary>
    public int Line { get; }

    /// <summary>The pattern as written.</summary>
    public string Pattern { get; }

    /// <summary>Any one of whom satisfies GitHub's own rule; empty: what matches has no owner.</summary>
    public ImmutableArray<CodeOwner> Owners { get; }

    /// <summary>What the pattern means.</summary>
    internal OwnersPattern Meaning { get; }

    /// <inheritdoc/>
    public override string ToString() => string.Join(' ', [$"{Line.ToString(CultureInfo.InvariantCulture)}:", Pattern, .. Owners.Select(owner => owner.Text)]);
}

/// <summary>What is wrong with a CODEOWNERS file. GitHub drops what it cannot use without a word, and protection with it.</summary>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1, in characters.</param>
/// <param name="Kind">Which sort of mistake.</param>
/// <param name="Message">What was found, on one line.</param>
/// <param name="Remedy">What to do about it.</param>
public sealed record CodeownersMistake(int Line, int Column, CodeownersMistakeKind Kind, string Message, string Remedy)
{
    /// <summary>Line, column, message and remedy on one line.</summary>
    public override string ToString() => $"{Line.ToString(CultureInfo.InvariantCulture)}:{Column.ToString(CultureInfo.InvariantCulture)}: {Message}; {Remedy}";
}

/// <summary>Sorts of mistakes in a CODEOWNERS file.</summary>
public enum CodeownersMistakeKind
{
    /// <summary>The file is so large that GitHub does not load it: nothing in it counts.</summary>
    TooLarge,

    /// <summary>The file is no text that can be trusted to say what it shows; the line is skipped.</summary>
    NotText,

    /// <summary>A part of the pattern syntax of gitignore that CODEOWNERS does not have, or of another forge.</summary>
    UnsupportedSyntax,

    /// <summary>The pattern can match no path; the line is skipped.</summary>
    InvalidPattern,

    /// <summary>An owner is neither <c>@login</c>, <c>@organisation/team</c> nor an address; the line is skipped.</summary>
    InvalidOwner,

    /// <summary>An owner who does not exist, cannot be seen or cannot write.</summary>
    UnknownOwner,

    /// <summary>The line takes the owners away from paths that are critical to risk.</summary>
    Unowned,

    /// <summary>The pattern, and so the line, does what its author probably did not mean.</summary>
    Doubtful,
}
