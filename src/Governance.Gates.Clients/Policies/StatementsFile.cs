using System.Collections.Immutable;
using System.Text.Json;
using Governance.Gates.Approvals;
using Governance.Gates.Evidence;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Clients.Policies;

/// <summary>Requests and approvals that are kept as a file beside what they are about: one signed bundle or envelope a line.</summary>
public static class StatementsFile
{
    /// <summary>What is added to the name of the file that the statements are about.</summary>
    public const string Suffix = ".approvals.jsonl";

    private const int MostBytes = 16 * 1024 * 1024;
    private const int MostLines = 4_096;

    /// <summary>The verified statements about a digest; none where there is no such file.</summary>
    /// <param name="path">The file that they are about.</param>
    /// <param name="subject">Its digest.</param>
    /// <param name="signers">Whose signatures count.</param>
    public static Reading<ImmutableArray<SignedStatement>> Read(string path, Digest subject, TrustedSigners signers)
    {
        ArgumentNullException.ThrowIfNull(signers);
        return ReadItems(path + Suffix).Try(out var items, out var unread)
            ? new Reading<ImmutableArray<SignedStatement>>.Found(Claims.Verify(subject, new AttachedEvidence(items, []), signers).Approvals)
            : new Reading<ImmutableArray<SignedStatement>>.Unread(unread);
    }

    /// <summary>What stands in a file of statements, not yet verified; nothing where there is no such file.</summary>
    /// <param name="file">The file itself.</param>
    public static Reading<ImmutableArray<EvidenceItem>> ReadItems(string file)
    {
        if (!File.Exists(file))
        {
            return new Reading<ImmutableArray<EvidenceItem>>.Found([]);
        }

        if (BoundedFile.Read(file, MostBytes) is not { } bytes)
        {
            return Unread($"{file} cannot be read, or has more than {MostBytes} bytes", "make it readable, and remove what is about other files");
        }

        var items = ImmutableArray.CreateBuilder<EvidenceItem>();
        var line = 0;
        for (var rest = bytes; !rest.IsEmpty;)
        {
            var end = rest.Span.IndexOf((byte)'\n');
            var json = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
            if (++line > MostLines)
            {
                return Unread($"{file} has more than {MostLines} lines", "remove what is about other files");
            }

            if (!json.Span.Trim(" \t\r"u8).IsEmpty)
            {
                items.Add(new(Entity(json), Digest.Of(json.Span), $"{Path.GetFileName(file)}, line {line}"));
            }
        }

        return new Reading<ImmutableArray<EvidenceItem>>.Found(items.ToImmutable());
    }

    // What it is only says which reader verifies it: a wrong guess is refused there.
    private static SignedEntity Entity(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("payloadType"u8, out _) ? new SignedEntity.Envelope(json) : new SignedEntity.Bundle(json);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // The second: a name with an escaped lone surrogate, which JSON's grammar allows, and which can be compared with no name.
            return new SignedEntity.Bundle(json);
        }
    }

    private static Reading<ImmutableArray<EvidenceItem>>.Unread Unread(string message, string remedy) => new(new("statements", message, remedy));
}
