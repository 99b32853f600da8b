namespace Governance.Gates.Policies;

/// <summary>A file that the policy names by its path.</summary>
internal static class NamedFile
{
    /// <summary>Its bytes; null where a mistake was reported.</summary>
    /// <param name="path">The path as the policy writes it.</param>
    /// <param name="file">The files below the policy's folder.</param>
    /// <param name="most">The most bytes that it may have.</param>
    /// <param name="what">What belongs there.</param>
    /// <param name="mistakes">Where mistakes go.</param>
    public static ReadOnlyMemory<byte>? Read(PolicyNode path, Func<string, ReadOnlyMemory<byte>?> file, int most, string what, PolicyMistakes mistakes)
    {
        // The path goes to a file system: it stays below the policy's own folder under the rules of every one of them.
        if (path.Text[0] == '/' || path.Text.AsSpan().ContainsAny('\\', ':') || path.Text.Split('/').Any(part => part is "" or "." or ".."))
        {
            mistakes.Add(path, $"{PolicyNode.Shown(path.Text)} is not a path below the policy's folder", "write it relative and with /, without '..', '.', '\\' or ':', as in keys/alice.pub");
            return null;
        }

        if (file(path.Text) is not { Length: > 0 } bytes)
        {
            mistakes.Add(path, $"there is no file {PolicyNode.Shown(path.Text)}, or it is empty", $"put {what} there, beside the policy");
            return null;
        }

        if (bytes.Length > most)
        {
            mistakes.Add(path, $"{PolicyNode.Shown(path.Text)} has {bytes.Length} bytes, more than {most}", $"put {what} there");
            return null;
        }

        return bytes;
    }
}
