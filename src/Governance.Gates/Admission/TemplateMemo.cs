using System.Buffers;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Governance.Gates.Admission;

/// <summary>Remembers projections by the bytes of all that they are made of, so that the Pods of one workload are projected once.</summary>
/// <remarks>
/// <para>
/// Bytes are compared whole: no two templates that differ ever share a projection. One difference is looked through, because the API server makes it in each Pod: the five letters at
/// the end of the name of the volume with the token (<c>kube-api-access-7x2kd</c>), where they are the same everywhere and the projection names no such volume.
/// </para>
/// <para>Bounded in bytes; any number of threads may ask. <c>docs/decisions/0021-template-memo.md</c> says why.</para>
/// </remarks>
public sealed class TemplateMemo
{
    private const int MostBytes = 16 << 20;
    private const int LongestInput = 64 << 10;
    private readonly ConcurrentDictionary<int, Entry> entries = new();
    private int held;

    /// <summary>How many projections are remembered now.</summary>
    public int Count => entries.Count;

    internal Reading<TemplateProjection> Get(TemplateReader reader, TemplateParts parts, ImmutableArray<string> sidecars)
    {
        var labels = Raw(parts.Labels);
        var annotations = Raw(parts.Annotations);
        var spec = Raw(parts.Spec);
        var claims = Raw(parts.Claims);
        var name = parts.Name ?? "";
        var most = labels.Length + annotations.Length + spec.Length + claims.Length + Encoding.UTF8.GetMaxByteCount(name.Length) + 1 + (6 * sizeof(int));
        if (most > LongestInput)
        {
            return TemplateProjection.Read(reader, parts);
        }

        var buffer = ArrayPool<byte>.Shared.Rent(most);
        try
        {
            var length = 0;
            Append([(byte)parts.Owner]);
            Append(labels);
            Append(annotations);
            Append(spec);
            Append(claims);
            Span<byte> utf8 = stackalloc byte[1024];
            if (!Encoding.UTF8.TryGetBytes(name, utf8, out var size))
            {
                return TemplateProjection.Read(reader, parts);
            }

            Append(utf8[..size]);
            if (TokenSuffixes.Normalise(buffer.AsSpan(0, length)) is not { } isNormalised)
            {
                return TemplateProjection.Read(reader, parts);
            }

            ReadOnlySpan<byte> input = buffer.AsSpan(0, length);
            var hash = Hash(input);
            if (entries.TryGetValue(hash, out var known) && input.SequenceEqual(known.Input) && known.Sidecars.AsSpan().SequenceEqual(sidecars.AsSpan()))
            {
                return known.Projection;
            }

            var projected = TemplateProjection.Read(reader, parts);
            if (projected is Reading<TemplateProjection>.Found({ } projection) found && !(isNormalised && TokenSuffixes.StandIn(projection.Json.Span)))
            {
                Keep(hash, new(input.ToArray(), sidecars, found));
            }

            return projected;

            void Append(ReadOnlySpan<byte> part)
            {
                // With its length, so that no end of one part can be the beginning of the next.
                MemoryMarshal.Write(buffer.AsSpan(length), part.Length);
                part.CopyTo(buffer.AsSpan(length + sizeof(int)));
                length += sizeof(int) + part.Length;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static ReadOnlySpan<byte> Raw(JsonElement value) => value.ValueKind == JsonValueKind.Undefined ? [] : JsonMarshal.GetRawUtf8Value(value);

    // Seeded anew in each process: nobody outside can aim at one entry.
    private static int Hash(ReadOnlySpan<byte> input)
    {
        var hash = default(HashCode);
        hash.AddBytes(input);
        return hash.ToHashCode();
    }

    private void Keep(int hash, Entry entry)
    {
        var size = entry.Input.Length + entry.Projection.Value.Json.Length;
        if (Interlocked.Add(ref held, size) > MostBytes)
        {
            entries.Clear();
            Interlocked.Exchange(ref held, size);
        }

        entries[hash] = entry;
    }

    private sealed record Entry(byte[] Input, ImmutableArray<string> Sidecars, Reading<TemplateProjection>.Found Projection);
}

/// <summary>The ends of the names that the API server gives to the volume with a Pod's token.</summary>
internal static class TokenSuffixes
{
    private static readonly SearchValues<byte> Letters = SearchValues.Create(Encoding.ASCII.GetBytes(TemplateInjections.SuffixLetters));

    private static ReadOnlySpan<byte> Prefix => "kube-api-access-"u8;

    /// <summary>Whether a name of such a volume stands in a text.</summary>
    public static bool StandIn(ReadOnlySpan<byte> json) => json.IndexOf(Prefix) >= 0;

    /// <summary>Writes zeros, which no such name ends in, over the end of every such name.</summary>
    /// <returns>Whether there was one; null where they are not all the same, or one may be spelled in another way: then nothing may be looked through.</returns>
    public static bool? Normalise(Span<byte> json)
    {
        Span<byte> first = stackalloc byte[TemplateInjections.SuffixLength];
        var isFirst = true;
        for (int from = 0, at; (at = json[from..].IndexOf(Prefix)) >= 0;)
        {
            from += at + Prefix.Length;
            if (json.Length - from <= TemplateInjections.SuffixLength || json[from + TemplateInjections.SuffixLength] != '"')
            {
                return null;
            }

            var suffix = json.Slice(from, TemplateInjections.SuffixLength);
            if (isFirst)
            {
                suffix.CopyTo(first);
            }

            if (suffix.ContainsAnyExcept(Letters) || !suffix.SequenceEqual(first))
            {
                return null;
            }

            suffix.Fill((byte)'0');
            isFirst = false;
        }

        // Only this escape spells letters.
        return isFirst ? false : json.IndexOf("\\u"u8) < 0 ? true : null;
    }
}
