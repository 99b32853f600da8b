using System.Collections.Immutable;

namespace Governance.Gates.Policies;

/// <summary>What reading a policy file gave: the policy, or every mistake in it.</summary>
public abstract record PolicyReading
{
    private PolicyReading()
    {
    }

    /// <summary>The policy holds together.</summary>
    /// <param name="Policy">What it says.</param>
    /// <param name="Warnings">What its author should look at, in the order of the file.</param>
    public sealed record Accepted(Policy Policy, ImmutableArray<PolicyMistake> Warnings) : PolicyReading;

    /// <summary>The file is no policy, and nothing of it may be used.</summary>
    /// <param name="Mistakes">Every mistake in the order of the file; at least one. Past <see cref="PolicyReader.MostMistakes"/> the last one counts the rest.</param>
    public sealed record Refused(ImmutableArray<PolicyMistake> Mistakes) : PolicyReading;
}

/// <summary>Something wrong, or worth a look, in a policy file.</summary>
/// <param name="Line">Line in the file, from 1.</param>
/// <param name="Column">Column in UTF-16 units, from 1.</param>
/// <param name="Path">Where it stands in the document, such as <c>spec.people.alice.keys[0]</c>; empty for the file as a whole.</param>
/// <param name="Message">What is wrong, on one line, with the offending value.</param>
/// <param name="Remedy">What to do about it; null where the message says it.</param>
public sealed record PolicyMistake(int Line, int Column, string Path, string Message, string? Remedy = null)
{
    /// <summary><c>12:5 spec.people.alice.keys: message; remedy</c>, to be written after the file's name and a colon.</summary>
    public override string ToString() => $"{Line}:{Column}{(Path.Length == 0 ? "" : " " + Path)}: {Message}{(Remedy is null ? "" : "; " + Remedy)}";
}
