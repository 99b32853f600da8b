using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Governance.Gates.Ledgers;

/// <summary>The fields of an entry: beside what all documents have, personal values, and parts that may be kept elsewhere.</summary>
internal sealed class EntryFields : JsonFields
{
    public T Required<T>(T? value, string name)
        where T : struct
    {
        if (value is null)
        {
            Fail($"'{name}' is missing");
        }

        return value.GetValueOrDefault();
    }

    public long? Whole(JsonElement element, string name, long least)
    {
        if (Find(element, name) is not { } value)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number >= least && number <= CanonicalWriter.LargestNumber)
        {
            return number;
        }

        Fail($"'{name}' is no whole number from {least}");
        return null;
    }

    /// <summary>True where it is there: what is not so is absent.</summary>
    public bool IsTrue(JsonElement element, string name)
    {
        if (Find(element, name) is { ValueKind: not JsonValueKind.True })
        {
            Fail($"'{name}' is neither true nor absent");
        }

        return Find(element, name) is not null;
    }

    public int? Choice(JsonElement element, string name, ImmutableArray<string> choices)
    {
        if (OptionalText(element, name) is not { } text)
        {
            return null;
        }

        var index = choices.IndexOf(text);
        if (index < 0)
        {
            Fail($"'{name}' is none of {string.Join(", ", choices)}");
        }

        return index < 0 ? null : index;
    }

    public DateTimeOffset? Instant(JsonElement element, string name)
    {
        if (OptionalText(element, name) is not { } text)
        {
            return null;
        }

        // The round trip refuses zeros at the end, which would be a second spelling.
        if (DateTimeOffset.TryParseExact(text, CanonicalWriter.Instant, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            && time.ToString(CanonicalWriter.Instant, CultureInfo.InvariantCulture) == text)
        {
            return time;
        }

        Fail($"'{name}' is no time such as 2026-01-31T10:00:00.123Z");
        return null;
    }

    public TreeHash? Hash(JsonElement element, string name)
    {
        if (OptionalText(element, name) is not { } text)
        {
            return null;
        }

        if (TreeHash.TryParseHex(text) is { } hash)
        {
            return hash;
        }

        Fail($"'{name}' is no 64 lower-case hex digits");
        return null;
    }

    public PersonalText? Personal(JsonElement element, string name) => Find(element, name) is { } value ? Personal(value, name, LongestText) : null;

    public PersonalText RequiredPersonal(JsonElement element, string name, int longest = LongestText)
    {
        if (Find(element, name) is { } value)
        {
            return Personal(value, name, longest) ?? new PersonalText.Plain("");
        }

        Fail($"'{name}' is missing");
        return new PersonalText.Plain("");
    }

    public PersonalText? Personal(JsonElement value, string name, int longest)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            return Text(value, name, longest) is { } text ? new PersonalText.Plain(text) : null;
        }

        var kid = RequiredText(value, "kid");
        if (Base64(value, "nonce") is { } nonce && Base64(value, "ct") is { } ciphertext && EntryReader.IsEncrypted(nonce, ciphertext))
        {
            return new PersonalText.Encrypted(kid, nonce, ciphertext);
        }

        Fail($"'{name}' is neither text nor an encrypted value");
        return null;
    }

    /// <summary>A list that is absent where it is empty.</summary>
    public ImmutableArray<T> Some<T>(JsonElement element, string name, Func<JsonElement, T> read)
    {
        if (Find(element, name) is { ValueKind: JsonValueKind.Array } value && value.GetArrayLength() == 0)
        {
            Fail($"'{name}' is empty and not absent");
        }

        return List(element, name, read);
    }

    public ImmutableArray<string> SomeTexts(JsonElement element, string name) => Some(element, name, item => Text(item, name) ?? "");

    public EntryPart<ImmutableArray<T>>? ListPart<T>(JsonElement element, string name, Func<JsonElement, T> read) => Part(element, name, _ => List(element, name, read));

    public EntryPart<ReadOnlyMemory<byte>>? DocumentPart(JsonElement element, string name) => Part(element, name, value =>
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            Fail($"'{name}' is no object");
        }

        return new ReadOnlyMemory<byte>(JsonMarshal.GetRawUtf8Value(value).ToArray());
    });

    public EntryPart<T>? Part<T>(JsonElement element, string name, Func<JsonElement, T> read)
    {
        if (Find(element, name) is not { } value)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Object && EntryReader.IsKept(value)
            ? new EntryPart<T>.Kept(RequiredDigest(value, "digest"), Required(Whole(value, "size", 0), "size"))
            : new EntryPart<T>.Inline(read(value));
    }

    protected override bool IsText(string text, int longest) => LedgerText.IsLine(text, longest);

    // Longer than any text: what is encrypted may be a message.
    private string? Base64(JsonElement element, string name) => Find(element, name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;
}
