using System.Collections.Immutable;
using System.Text.Json;

namespace Governance.Gates.Reviews;

/// <summary>Fields as a snapshot has them: long lists, and file names that hold anything.</summary>
internal sealed class SnapshotFields : JsonFields
{
    private const int MostItems = 10_000;
    private const int LongestPath = 16_384;

    public void Only(JsonElement element, params ReadOnlySpan<string> known)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            Fail("something that is no object stands where one belongs");
            return;
        }

        foreach (var member in element.EnumerateObject())
        {
            if (!known.Contains(member.Name))
            {
                Fail("it has a field that is not known");
            }
        }
    }

    /// <summary>A list that must be there.</summary>
    public ImmutableArray<T> Many<T>(JsonElement element, string name, Func<JsonElement, T> read)
    {
        if (Find(element, name) is not { ValueKind: JsonValueKind.Array } list || list.GetArrayLength() > MostItems)
        {
            Fail($"'{name}' is no list of at most {MostItems} members");
            return [];
        }

        var items = ImmutableArray.CreateBuilder<T>(list.GetArrayLength());
        foreach (var item in list.EnumerateArray())
        {
            items.Add(read(item));
            if (Fault is not null)
            {
                return [];
            }
        }

        return items.ToImmutable();
    }

    /// <summary>A name that people chose on the forge, whatever characters it has: it is compared, and shown only as <see cref="OneLine"/> shows it.</summary>
    public string Name(JsonElement element, string name)
    {
        if (Find(element, name) is { } value)
        {
            return NameOf(value, name);
        }

        Fail($"'{name}' is missing");
        return "";
    }

    /// <summary>A list of such names; none where it is missing.</summary>
    public ImmutableArray<string> Names(JsonElement element, string name) => List(element, name, item => NameOf(item, name));

    private string NameOf(JsonElement value, string name)
    {
        if (value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 and <= LongestText } text)
        {
            return text;
        }

        Fail($"'{name}' is no text of 1 to {LongestText} characters");
        return "";
    }

    /// <summary>A path from the repository's root.</summary>
    public string Path(JsonElement element, string name)
    {
        if (Find(element, name) is { ValueKind: JsonValueKind.String } value && value.GetString() is { Length: > 0 and <= LongestPath } path && !path.Contains('\0', StringComparison.Ordinal) && !path.Split('/').Any(part => part is "" or "." or ".."))
        {
            return path;
        }

        Fail($"'{name}' is no path of a file");
        return "";
    }

    public string? Sha(JsonElement element, string name)
    {
        if (OptionalText(element, name) is { Length: 40 or 64 } sha && sha.All(char.IsAsciiHexDigitLower))
        {
            return sha;
        }

        Fail($"'{name}' is no name of a commit");
        return null;
    }

    public bool Flag(JsonElement element, string name)
    {
        if (Find(element, name) is { ValueKind: JsonValueKind.True or JsonValueKind.False } value)
        {
            return value.GetBoolean();
        }

        Fail($"'{name}' is neither true nor false");
        return false;
    }

    public long Whole(JsonElement element, string name)
    {
        if (Find(element, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number) && number >= 0)
        {
            return number;
        }

        Fail($"'{name}' is no whole number from 0");
        return 0;
    }

    /// <summary>An account, or null that is written out.</summary>
    public Account? Account(JsonElement element, string name)
    {
        if (Find(element, name) is { } value)
        {
            return AccountOf(value);
        }

        Fail($"'{name}' is missing");
        return null;
    }

    public Account RequiredAccount(JsonElement element, string name)
    {
        if (Account(element, name) is { } account)
        {
            return account;
        }

        Fail($"'{name}' is no account");
        return new(0, "", "");
    }

    public Account? AccountOf(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        Only(value, "id", "login", "type");
        return new(RequiredCount(value, "id"), RequiredText(value, "login"), RequiredText(value, "type"));
    }

    public Reason Reason(JsonElement value)
    {
        Only(value, "rule", "message", "remedy");
        return new(RequiredText(value, "rule"), RequiredText(value, "message"), RequiredText(value, "remedy"));
    }
}
