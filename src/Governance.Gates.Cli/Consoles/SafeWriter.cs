using System.Text;

namespace Governance.Gates.Cli.Consoles;

/// <summary>Passes whole lines on, without anything that moves a cursor or that a workflow runner takes for a command.</summary>
/// <remarks>The last guard: who writes a fact makes it one line beforehand. A line that has not ended is passed on by a flush.</remarks>
internal sealed class SafeWriter(TextWriter inner) : TextWriter
{
    private readonly StringBuilder line = new();

    /// <inheritdoc/>
    public override Encoding Encoding => inner.Encoding;

    /// <inheritdoc/>
    public override void Write(char value)
    {
        if (value == '\n')
        {
            inner.Write(Safe(line.ToString()) + '\n');
            line.Clear();
        }
        else
        {
            line.Append(value);
        }
    }

    /// <inheritdoc/>
    public override void Flush()
    {
        if (line.Length > 0)
        {
            inner.Write(Safe(line.ToString()));
            line.Clear();
        }

        inner.Flush();
    }

    // No bound here: a line of JSON may be as long as it is.
    private static string Safe(string text)
    {
        var safe = new StringBuilder(text.Length);
        foreach (var rune in text.AsSpan().TrimEnd('\r').EnumerateRunes())
        {
            safe.Append(SafeText.IsPlain(rune) ? rune.ToString() : "\uFFFD");
        }

        return SafeText.WithoutCommands(safe.ToString());
    }
}
