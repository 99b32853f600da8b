using System.Collections.Immutable;
using Governance.Gates.Policies;

namespace Governance.Gates.Clients.Policies;

/// <summary>Reads a policy file, and the key files that it names, from disk.</summary>
public static class PolicyFile
{
    /// <summary>Reads a policy. The files that it names lie beside or below it.</summary>
    /// <param name="path">The policy file.</param>
    /// <exception cref="GateException">The file itself cannot be read.</exception>
    public static PolicyReading Read(string path)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        return PolicyReader.Read(
            ReadBounded(path, PolicyReader.MostBytes) ?? throw new GateException($"the policy {path} cannot be read", "name a readable file of at most 1 MiB"),
            name => ReadBounded(Path.Combine(folder, name), PolicyReader.MostKeyBytes));
    }

    /// <summary>Reads a policy that must hold together.</summary>
    /// <param name="path">The policy file.</param>
    /// <exception cref="GateException">It does not; the message lists every mistake.</exception>
    public static (Policy Policy, ImmutableArray<PolicyMistake> Warnings) Load(string path) => Read(path) switch
    {
        PolicyReading.Accepted(var policy, var warnings) => (policy, warnings),
        PolicyReading.Refused(var mistakes) => throw new GateException(
            $"{string.Concat(mistakes.Select(mistake => $"\n  {path}:{mistake}"))}\nthe policy is refused",
            $"mend {(mistakes.Length == 1 ? "this mistake" : $"these {mistakes.Length} mistakes")} and try again"),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    // null: absent, not readable, no regular file, or larger than the cap.
    private static ReadOnlyMemory<byte>? ReadBounded(string path, int most)
    {
        try
        {
            // A mounted ConfigMap is a link into a folder that is swapped whole: following links is how it is read.
            using var file = File.OpenRead(path);
            var bytes = new byte[most + 1];
            var length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            return length > most ? null : bytes.AsMemory(0, length);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            return null;
        }
    }
}
