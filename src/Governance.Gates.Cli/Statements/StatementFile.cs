using System.Collections.Immutable;
using System.Text;
using Governance.Gates.Evidence;
using Governance.Gates.Images;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Cli.Statements;

/// <summary>Requests and approvals that are kept in a file: a signed bundle a line, in the order in which they came.</summary>
internal static class StatementFile
{
    /// <summary>How the name of such a file ends.</summary>
    public const string Suffix = ".approvals.jsonl";

    private const int MostBytes = 64 * 1024 * 1024;
    private const int MostLines = 4_096;
    private const int Tries = 50;

    /// <summary>What is kept; nothing where there is no such file.</summary>
    /// <exception cref="GateException">It cannot be read.</exception>
    public static ImmutableArray<EvidenceItem> Read(string path)
    {
        if (!File.Exists(path))
        {
            return [];
        }

        ReadOnlyMemory<byte> rest = InputFile.Read(path, "file of statements", MostBytes);
        var items = ImmutableArray.CreateBuilder<EvidenceItem>();
        for (var line = 1; !rest.IsEmpty; line++)
        {
            var end = rest.Span.IndexOf((byte)'\n');
            var (bytes, after) = end < 0 ? (rest, default) : (rest[..end], rest[(end + 1)..]);
            rest = after;
            if (bytes.Span.Trim(" \t\r"u8).IsEmpty)
            {
                continue;
            }

            items.Add(items.Count < MostLines
                ? new(new SignedEntity.Bundle(bytes), Digest.Of(bytes.Span), $"{path}, line {line}")
                : throw new GateException($"'{path}' holds more than {MostLines} statements", "keep those that are still of use in a file of their own"));
        }

        return items.ToImmutable();
    }

    /// <summary>Adds a bundle as the last line: all of it or nothing, also beside others who add at the same time.</summary>
    /// <exception cref="GateException">It cannot be written.</exception>
    public static async Task AppendAsync(string path, ReadOnlyMemory<byte> bundle, CancellationToken cancellation)
    {
        try
        {
            await using var file = await OpenAsync(path, cancellation);
            var before = file.Length;
            try
            {
                // A line that another program left without its end must not swallow this one.
                file.Position = Math.Max(0, before - 1);
                var begin = before > 0 && file.ReadByte() != '\n' ? "\n" : "";
                await file.WriteAsync((byte[])[.. Encoding.ASCII.GetBytes(begin), .. bundle.Span, (byte)'\n'], CancellationToken.None);
                file.Flush(flushToDisk: true);
            }
            catch (IOException)
            {
                file.SetLength(before);
                throw;
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new GateException($"the statement could not be kept in '{path}' ({exception.GetType().Name})", "name a file that can be written with --out", exception);
        }
    }

    // Only one writer holds the file; another waits for the moment that a line takes.
    private static async Task<FileStream> OpenAsync(string path, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (attempt < Tries && File.Exists(path))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), cancellation);
            }
        }
    }
}
