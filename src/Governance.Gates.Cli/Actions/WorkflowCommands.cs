using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Governance.Gates.Cli.Consoles;

namespace Governance.Gates.Cli.Actions;

/// <summary>What a GitHub runner reads: lines of a log that it takes for commands, and the files that it hands to a step.</summary>
internal static class WorkflowCommands
{
    // GitHub shows ten errors and ten warnings of a step, and drops the others without a word.
    private const int MostAnnotations = 10;

    /// <summary>The commands that put an answer's reasons on files and lines; none for a plain allow.</summary>
    public static ImmutableArray<string> Annotations(ActionAnswer answer)
    {
        var level = answer.Verdict is "allow" or "warn" ? "warning" : "error";
        var shown = answer.Reasons.Length <= MostAnnotations ? answer.Reasons.Length : MostAnnotations - 1;
        ImmutableArray<string> lines = [.. answer.Reasons.Take(shown).Select(reason => Annotation(level, $"gates {answer.Action.Name}: {reason.Rule}", reason.ToString(), reason.At))];
        return shown == answer.Reasons.Length ? lines : lines.Add(Annotation(level, $"gates {answer.Action.Name}", string.Create(CultureInfo.InvariantCulture, $"{answer.Reasons.Length - shown} more reasons are in the summary of the job"), null));
    }

    /// <summary>One annotation, as a command on one line.</summary>
    /// <param name="level">error or warning.</param>
    /// <param name="title">Its title.</param>
    /// <param name="message">Its text.</param>
    /// <param name="at">Where it belongs; a path that cannot be shown as it is belongs nowhere.</param>
    public static string Annotation(string level, string title, string message, SourcePlace? at)
    {
        var command = new StringBuilder("::").Append(level).Append(' ');

        // Of file==a the runner reads the file a.
        if (at is not null && CanBeShown(at) && !at.File.StartsWith('='))
        {
            command.Append("file=").Append(Property(at.File)).Append(',');
            if (at.Line is { } line)
            {
                command.Append(CultureInfo.InvariantCulture, $"line={line},");
                if (at.Column is { } column)
                {
                    command.Append(CultureInfo.InvariantCulture, $"col={column},");
                }
            }
        }

        // Last, because blanks at the end of the properties are lost.
        return command.Append("title=").Append(Property(SafeText.Line(title))).Append("::").Append(Data(SafeText.Line(message))).ToString();
    }

    /// <summary>Whether a path can be written as it is.</summary>
    public static bool CanBeShown(SourcePlace at) => SafeText.Line(at.File) == at.File;

    /// <summary>An output, as GITHUB_OUTPUT takes it. The delimiter is random, so that no value can end before its end.</summary>
    /// <param name="name">A name of ours.</param>
    /// <param name="value">The value; may hold anything.</param>
    public static string Output(string name, string value)
    {
        string delimiter;
        do
        {
            delimiter = $"gates_{RandomNumberGenerator.GetHexString(32, lowercase: true)}";
        }
        while (value.Contains(delimiter, StringComparison.Ordinal));

        return $"{name}<<{delimiter}\n{value}\n{delimiter}\n";
    }

    /// <summary>Appends to a file of the runner: UTF-8 without a byte order mark.</summary>
    /// <exception cref="GateException">It cannot be written.</exception>
    public static void Append(string path, string text)
    {
        try
        {
            File.AppendAllText(path, text, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        }
        catch (Exception exception) when (OutputFile.IsOfDisk(exception))
        {
            throw OutputFile.Failed(path, exception);
        }
    }

    private static string Data(string text) => text.Replace("%", "%25", StringComparison.Ordinal).Replace("\r", "%0D", StringComparison.Ordinal).Replace("\n", "%0A", StringComparison.Ordinal);

    private static string Property(string text) => Data(text).Replace(":", "%3A", StringComparison.Ordinal).Replace(",", "%2C", StringComparison.Ordinal);
}
