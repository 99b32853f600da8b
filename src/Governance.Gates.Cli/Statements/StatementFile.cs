using System.Collections.Immutable;
using System.Diagnostics;
using System.Text;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Evidence;

namespace Governance.Gates.Cli.Statements;

/// <summary>Requests and approvals that are kept in a file: a signed bundle a line, in the order in which they came.</summary>
internal static class StatementFile
{
    /// <summary>How the name of such a file ends.</summary>
    public const string Suffix = StatementsFile.Suffix;

    private const int Tries = 50;

    /// <summary>What is kept, as the gate reads it; nothing where there is no such file.</summary>
    /// <exception cref="GateException">It cannot be read.</exception>
    public static ImmutableArray<EvidenceItem> Read(string path)
    {
        return StatementsFile.ReadItems(path) switch
        {
            Reading<ImmutableArray<EvidenceItem>>.Found(var items) => items,
            Reading<ImmutableArray<EvidenceItem>>.Unread(var reason) => throw new GateException(reason.Message, reason.Remedy ?? "check the file"),
            _ => throw new UnreachableException(),
        };
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
