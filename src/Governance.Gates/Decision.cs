using System.Collections.Immutable;

namespace Governance.Gates;

/// <summary>The one word of an answer, from mildest to strictest.</summary>
public enum Verdict
{
    /// <summary>Every rule that looked holds.</summary>
    Allow,

    /// <summary>Allowed, with something to tell.</summary>
    Warn,

    /// <summary>Could not tell. Counts as <see cref="Deny"/> wherever the mode is <see cref="Mode.Enforce"/>.</summary>
    Unknown,

    /// <summary>A rule was broken.</summary>
    Deny,
}

/// <summary>What a gate does with a verdict, from mildest to strictest. A mode never changes a <see cref="Decision"/>.</summary>
public enum Mode
{
    /// <summary>Record only.</summary>
    Audit,

    /// <summary>Admit, and tell the user what would have been refused.</summary>
    Warn,

    /// <summary>Refuse <see cref="Verdict.Deny"/> and <see cref="Verdict.Unknown"/>.</summary>
    Enforce,
}

/// <summary>Why a verdict is what it is.</summary>
/// <param name="Rule">The rule that speaks, as the policy names it, such as <c>artifacts.images[2].signed</c>.</param>
/// <param name="Message">What was found, on one line, with the offending value.</param>
/// <param name="Remedy">What the user can do about it; null only where nothing is to be done.</param>
public sealed record Reason(string Rule, string Message, string? Remedy = null)
{
    /// <summary>The place in the judged change that it is about; null where it is about none, or about many alike.</summary>
    public SourcePlace? At { get; init; }

    /// <summary>Message and remedy on one line.</summary>
    public override string ToString() => Remedy is null ? Message : $"{Message}; {Remedy}";
}

/// <summary>A place in a repository.</summary>
/// <param name="File">The path from the repository's root, with slashes; may hold anything that a path may.</param>
/// <param name="Line">From 1; null where the whole file is meant.</param>
/// <param name="Column">From 1, in characters; null where the whole line is meant.</param>
public sealed record SourcePlace(string File, int? Line = null, int? Column = null);

/// <summary>The answer of a gate: its verdict, every reason, and notes that carry no weight.</summary>
/// <param name="Verdict">The strictest verdict of all rules.</param>
/// <param name="Reasons">Why; empty for a plain allow.</param>
/// <param name="Notes">What an alternative that was not needed had to say.</param>
public sealed record Decision(Verdict Verdict, ImmutableArray<Reason> Reasons, ImmutableArray<Reason> Notes)
{
    /// <summary>A plain allow.</summary>
    public static Decision Allow { get; } = new(Verdict.Allow, [], []);

    /// <summary>A refusal.</summary>
    public static Decision Deny(params ReadOnlySpan<Reason> reasons) => new(Verdict.Deny, [.. reasons], []);

    /// <summary>Could not tell: each reason names what could not be read and what to do.</summary>
    public static Decision Unknown(params ReadOnlySpan<Reason> reasons) => new(Verdict.Unknown, [.. reasons], []);

    /// <summary>Allowed, with something to tell.</summary>
    public static Decision Warn(params ReadOnlySpan<Reason> reasons) => new(Verdict.Warn, [.. reasons], []);

    /// <summary>Allowed because of what the reasons say.</summary>
    public static Decision AllowBecause(params ReadOnlySpan<Reason> reasons) => new(Verdict.Allow, [], [.. reasons]);

    /// <summary>Every part must hold: the strictest verdict, and no reason is lost.</summary>
    /// <remarks>Nothing to look at is <see cref="Allow"/>; a caller for whom silence is not health asks before.</remarks>
    public static Decision All(params IEnumerable<Decision> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        var verdict = Verdict.Allow;
        var reasons = ImmutableArray.CreateBuilder<Reason>();
        var notes = ImmutableArray.CreateBuilder<Reason>();
        foreach (var part in parts)
        {
            verdict = part.Verdict > verdict ? part.Verdict : verdict;
            reasons.AddRange(part.Reasons);
            notes.AddRange(part.Notes);
        }

        return new(verdict, reasons.ToImmutable(), notes.ToImmutable());
    }

    /// <summary>One alternative of evidence is enough: the mildest verdict, and the others become notes. Never used across rules.</summary>
    public static Decision AnyOf(Decision first, params IEnumerable<Decision> others)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(others);
        var all = others.Prepend(first).ToList();
        var best = all.MinBy(part => part.Verdict)!;
        return best with { Notes = [.. best.Notes, .. all.Where(part => !ReferenceEquals(part, best)).SelectMany(part => (IEnumerable<Reason>)[.. part.Reasons, .. part.Notes])] };
    }

    /// <summary>What a gate in <paramref name="mode"/> does with this decision.</summary>
    public Answer Answer(Mode mode) => new(this, mode);

    /// <summary>The exit code of a command that ends with this decision; see <see cref="ExitCode"/>.</summary>
    public int ExitCode => Verdict switch
    {
        Verdict.Allow or Verdict.Warn => Gates.ExitCode.Allowed,
        Verdict.Deny => Gates.ExitCode.Denied,
        _ => Gates.ExitCode.Unknown,
    };
}

/// <summary>A decision together with the mode that it meets; what is admitted follows from both.</summary>
/// <param name="Decision">What was decided; the same in every mode.</param>
/// <param name="Mode">What the gate does with it.</param>
public sealed record Answer(Decision Decision, Mode Mode)
{
    /// <summary>Whether the change goes on: anything does but a deny, or a "could not tell", in <see cref="Mode.Enforce"/>.</summary>
    public bool Admitted => Mode != Mode.Enforce || Decision.Verdict <= Verdict.Warn;
}

/// <summary>The exit codes of <c>gates</c> and <c>gates-webhook</c>. They follow the decision, not the mode.</summary>
public static class ExitCode
{
    /// <summary>Allowed, possibly with warnings.</summary>
    public const int Allowed = 0;

    /// <summary>Denied.</summary>
    public const int Denied = 1;

    /// <summary>Could not tell, or the command could not run.</summary>
    public const int Unknown = 2;

    /// <summary>The command line is wrong (sysexits.h, EX_USAGE).</summary>
    public const int Usage = 64;

    /// <summary>Ended by Ctrl-C (128 + SIGINT).</summary>
    public const int Interrupted = 130;
}
