using System.Text.Json;

namespace Governance.Gates.Clients.GateState;

/// <summary>A small file of a state folder: one sealed line, replaced whole.</summary>
internal static class StateFile
{
    public static byte[] Write(string kind, Action<Utf8JsonWriter> fields) => SealedLine.Write(SealedLine.NoSum, kind, SealedLine.Object(fields), out _);

    /// <exception cref="FormatException">The file is not as it was written.</exception>
    public static T Read<T>(ReadOnlyMemory<byte> file, string kind, Func<JsonElement, T> fields) =>
        file.Length > 0 && file.Span[^1] == '\n' && SealedLine.TryRead(SealedLine.NoSum, file[..^1]) is { } line && line.Kind == kind
            ? SealedLine.Read(line.Value, fields)
            : throw new FormatException($"the file of {kind} is not as it was written");
}
