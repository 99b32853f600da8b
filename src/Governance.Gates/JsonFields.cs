using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Governance.Gates.Images;

namespace Governance.Gates;

/// <summary>Reads the fields of a document under limits, and remembers the first that is wrong; what follows it is empty.</summary>
internal class JsonFields
{
    /// <summary>The longest text that is read, in UTF-16 code units.</summary>
    public const int LongestText = 1_024;

    /// <summary>The most members of a list, or of an object with free names.</summary>
    public const int MostInList = 256;

    /// <summary>What is wrong; null while nothing is.</summary>
    public string? Fault { get; private set; }

    public void Fail(string fault) => Fault ??= fault;

    public JsonElement? Find(JsonElement element, string name) =>
        Fault is null && element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : null;

    public JsonElement? Object(JsonElement element, string name)
    {
        if (Find(element, name) is not { } value)
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Object)
        {
            Fail($"'{name}' is no object");
            return null;
        }

        return value;
    }

    public JsonElement RequiredObject(JsonElement element, string name)
    {
        if (Object(element, name) is { } value)
        {
            return value;
        }

        Fail($"'{name}' is missing");
        return default;
    }

    public ImmutableArray<T> List<T>(JsonElement element, string name, Func<JsonElement, T> read)
    {
        if (Find(element, name) is not { } value)
        {
            return [];
        }

        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > MostInList)
        {
            Fail($"'{name}' is no list of at most {MostInList} members");
            return [];
        }

        var items = ImmutableArray.CreateBuilder<T>(value.GetArrayLength());
        foreach (var item in value.EnumerateArray())
        {
            items.Add(read(item));
            if (Fault is not null)
            {
                return [];
            }
        }

        return items.ToImmutable();
    }

    /// <summary>What stands in an object under names that are not fixed, in its order.</summary>
    public ImmutableArray<T> Members<T>(JsonElement element, string name, Func<string, JsonElement, T> read)
    {
        if (Object(element, name) is not { } value)
        {
            return [];
        }

        if (value.GetPropertyCount() > MostInList)
        {
            Fail($"'{name}' has more than {MostInList} members");
            return [];
        }

        var items = ImmutableArray.CreateBuilder<T>();
        foreach (var member in value.EnumerateObject())
        {
            if (!IsText(member.Name, LongestText))
            {
                Fail($"'{name}' has a member whose name is no text of 1 to {LongestText} characters on one line");
                return [];
            }

            items.Add(read(member.Name, member.Value));
        }

        return Fault is null ? items.ToImmutable() : [];
    }

    public ImmutableArray<string> Texts(JsonElement element, string name) => List(element, name, item => Text(item, name) ?? "");

    public string? OptionalText(JsonElement element, string name) => Find(element, name) is { } value ? Text(value, name) : null;

    public string RequiredText(JsonElement element, string name)
    {
        if (OptionalText(element, name) is { } text)
        {
            return text;
        }

        Fail($"'{name}' is missing");
        return "";
    }

    public Digest? OptionalDigest(JsonElement element, string name)
    {
        if (OptionalText(element, name) is not { } text)
        {
            return null;
        }

        if (Digest.TryParse(text) is { } digest)
        {
            return digest;
        }

        Fail($"'{name}' is no digest");
        return null;
    }

    public Digest RequiredDigest(JsonElement element, string name)
    {
        if (OptionalDigest(element, name) is { } digest)
        {
            return digest;
        }

        Fail($"'{name}' is missing");
        return Digest.Of([]);
    }

    // RFC 3339 in UTC, to the second: the one form that is written.
    public DateTimeOffset? OptionalTime(JsonElement element, string name)
    {
        if (OptionalText(element, name) is not { } text)
        {
            return null;
        }

        if (DateTimeOffset.TryParseExact(text, "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time))
        {
            return time;
        }

        Fail($"'{name}' is no time such as 2026-01-31T10:00:00Z");
        return null;
    }

    public DateTimeOffset RequiredTime(JsonElement element, string name)
    {
        if (OptionalTime(element, name) is { } time)
        {
            return time;
        }

        Fail($"'{name}' is missing");
        return default;
    }

    public long? OptionalCount(JsonElement element, string name)
    {
        if (Find(element, name) is not { } value)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var count) && count > 0)
        {
            return count;
        }

        Fail($"'{name}' is no whole number from 1");
        return null;
    }

    public long RequiredCount(JsonElement element, string name)
    {
        if (OptionalCount(element, name) is { } count)
        {
            return count;
        }

        Fail($"'{name}' is missing");
        return 0;
    }

    /// <summary>The bytes of an object as they stand there; empty where there is none.</summary>
    public ReadOnlyMemory<byte> Raw(JsonElement element, string name) => Object(element, name) is { } value ? JsonMarshal.GetRawUtf8Value(value).ToArray() : default;

    /// <summary>Whether a text is accepted, of up to <paramref name="longest"/> UTF-16 code units.</summary>
    /// <remarks>Here: one that no terminal or log line can be broken with, and that is one text for every reader.</remarks>
    protected virtual bool IsText(string text, int longest) =>
        text.Length > 0 && text.Length <= longest && !text.Any(c => char.IsControl(c) || char.IsSurrogate(c) || char.GetUnicodeCategory(c) is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);

    /// <summary>A value that must be text.</summary>
    protected string? Text(JsonElement value, string name, int longest = LongestText)
    {
        if (value.ValueKind == JsonValueKind.String && value.GetString() is { } text && IsText(text, longest))
        {
            return text;
        }

        Fail($"'{name}' is no text of 1 to {longest} characters on one line");
        return null;
    }
}
