using System.Collections.Immutable;

namespace Governance.Gates.Testing.Workflows;

/// <summary>A line of a step's log that a GitHub runner takes for a command.</summary>
/// <remarks>After actions/runner, ActionCommand.cs and ActionCommandManager.cs: <c>::name properties::data</c> at the beginning of a line behind blanks, and the older <c>##[name properties]data</c> anywhere in one.</remarks>
/// <param name="Name">The command, as written.</param>
/// <param name="Properties">Its properties; the names in any case.</param>
/// <param name="Data">The rest of the line.</param>
public sealed record WorkflowCommand(string Name, ImmutableDictionary<string, string> Properties, string Data)
{
    private static readonly ImmutableHashSet<string> Registered =
    [
        "add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group", "notice", "remove-matcher", "save-state", "set-env", "set-output", "stop-commands", "warning",
    ];

    /// <summary>The command that a line is; null where it is none.</summary>
    public static WorkflowCommand? Read(string line)
    {
        ArgumentNullException.ThrowIfNull(line);
        var text = line.TrimStart();
        if (text.StartsWith("::", StringComparison.Ordinal) && text.IndexOf("::", 2, StringComparison.Ordinal) is > 0 and var end && Make(text[2..end], ',', text[(end + 2)..], ["\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C", "%", "%25"], ["\r", "%0D", "\n", "%0A", "%", "%25"]) is { } found)
        {
            return found;
        }

        string[] old = [";", "%3B", "\r", "%0D", "\n", "%0A", "]", "%5D", "%", "%25"];
        return line.IndexOf("##[", StringComparison.Ordinal) is >= 0 and var start && line.IndexOf(']', start) is > 0 and var close ? Make(line[(start + 3)..close], ';', line[(close + 1)..], old, old) : null;
    }

    private static WorkflowCommand? Make(string head, char separator, string data, string[] escapes, string[] dataEscapes)
    {
        var (name, rest) = head.Split(' ', 2) is [var first, var second] ? (first, second) : (head, "");
        return Registered.Contains(name.ToLowerInvariant())
            ? new(name, PropertiesIn(rest, separator, escapes), Unescaped(data, dataEscapes))
            : null;
    }

    private static ImmutableDictionary<string, string> PropertiesIn(string text, char separator, string[] escapes)
    {
        var properties = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var property in text.Trim().Split(separator, StringSplitOptions.RemoveEmptyEntries))
        {
            if (property.Split('=', 2, StringSplitOptions.RemoveEmptyEntries) is [var name, var value])
            {
                properties[name] = Unescaped(value, escapes);
            }
        }

        return properties.ToImmutable();
    }

    // Pairs of a character and what stands for it; the percent sign last.
    private static string Unescaped(string text, string[] escapes) => escapes.Chunk(2).Aggregate(text, (read, pair) => read.Replace(pair[1], pair[0], StringComparison.Ordinal));
}
