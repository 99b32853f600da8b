using System.Globalization;

namespace Governance.Gates.Clients.Kubernetes;

/// <summary>What an unquoted YAML scalar means to Kubernetes: YAML 1.1 as sigs.k8s.io/yaml reads it.</summary>
internal abstract record PlainScalar
{
    private PlainScalar()
    {
    }

    internal sealed record Null : PlainScalar;

    internal sealed record Truth(bool Value) : PlainScalar;

    /// <summary>An integer: its sign, and its magnitude of at most 64 bits.</summary>
    internal sealed record Whole(bool Negative, ulong Magnitude) : PlainScalar
    {
        public override string ToString() => (Negative && Magnitude != 0 ? "-" : "") + Magnitude.ToString(CultureInfo.InvariantCulture);
    }

    internal sealed record Real(double Value) : PlainScalar;

    internal sealed record Text : PlainScalar;

    /// <summary>What <paramref name="text"/> means, written without quotes and without a tag.</summary>
    public static PlainScalar Of(string text) => text switch
    {
        "" or "~" or "null" or "Null" or "NULL" => new Null(),
        "y" or "Y" or "yes" or "Yes" or "YES" or "true" or "True" or "TRUE" or "on" or "On" or "ON" => new Truth(true),
        "n" or "N" or "no" or "No" or "NO" or "false" or "False" or "FALSE" or "off" or "Off" or "OFF" => new Truth(false),
        ".nan" or ".NaN" or ".NAN" => new Real(double.NaN),
        ".inf" or ".Inf" or ".INF" or "+.inf" or "+.Inf" or "+.INF" => new Real(double.PositiveInfinity),
        "-.inf" or "-.Inf" or "-.INF" => new Real(double.NegativeInfinity),
        _ when text[0] == '.' => Float(text) ?? (PlainScalar)new Text(),
        _ when text[0] is '+' or '-' || char.IsAsciiDigit(text[0]) => Number(text.Replace("_", "", StringComparison.Ordinal)) ?? new Text(),
        _ => new Text(),
    };

    private static PlainScalar? Number(string text) => Integer(text) is { } whole ? whole : Float(text);

    // Go's strconv.ParseInt with base 0: 0x, 0o, 0b, and a bare 0 in front for octal.
    private static Whole? Integer(string text)
    {
        var negative = text[0] == '-';
        var digits = text.AsSpan(text[0] is '+' or '-' ? 1 : 0);
        var radix = 10u;
        if (digits is ['0', _, ..])
        {
            (radix, var prefix) = digits[1] switch
            {
                'x' or 'X' => (16u, 2),
                'o' or 'O' => (8u, 2),
                'b' or 'B' => (2u, 2),
                _ => (8u, 1),
            };
            digits = digits[prefix..];
        }

        UInt128 value = 0;
        foreach (var c in digits)
        {
            if (!char.IsAsciiHexDigit(c) || Convert.ToUInt32(c.ToString(), 16) is var digit && digit >= radix)
            {
                return null;
            }

            value = value * radix + digit;
            if (value > ulong.MaxValue)
            {
                return null;
            }
        }

        return digits.IsEmpty || (negative && value > (UInt128)long.MaxValue + 1) ? null : new(negative, (ulong)value);
    }

    // ^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$, and text where it is out of range, as go-yaml has it.
    private static Real? Float(string text)
    {
        var rest = text.AsSpan(text.Length > 0 && text[0] is '+' or '-' ? 1 : 0);
        var whole = Digits(ref rest);
        var fraction = 0;
        if (rest is ['.', ..])
        {
            rest = rest[1..];
            fraction = Digits(ref rest);
        }

        if (whole + fraction == 0)
        {
            return null;
        }

        if (rest is ['e' or 'E', ..])
        {
            rest = rest[(rest.Length > 1 && rest[1] is '+' or '-' ? 2 : 1)..];
            if (Digits(ref rest) == 0)
            {
                return null;
            }
        }

        return rest.IsEmpty && double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture) is var value && double.IsFinite(value) ? new(value) : null;
    }

    private static int Digits(ref ReadOnlySpan<char> rest)
    {
        var end = rest.IndexOfAnyExceptInRange('0', '9');
        var count = end < 0 ? rest.Length : end;
        rest = rest[count..];
        return count;
    }
}
