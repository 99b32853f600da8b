using System.Text;

namespace Governance.Gates.Sigstore.Models;

/// <summary>Names of files in a model: relative, with <c>/</c>, in their one spelling (OMS 1.0, section 6.1.2).</summary>
internal static class ModelPath
{
    // PATH_MAX of Linux; no system that a model is loaded on takes more.
    private const int MostBytes = 4096;

    /// <summary>What is wrong with a name, to go after "the name"; null where nothing is.</summary>
    public static string? Fault(string name)
    {
        if (name.Length == 0 || Encoding.UTF8.GetByteCount(name) > MostBytes)
        {
            return name.Length == 0 ? "is empty" : $"has more than {MostBytes} bytes";
        }

        // A backslash separates folders on one system and is a letter on another. U+FFFD stands for bytes that are not UTF-8, and so for any of them.
        if (name.AsSpan().IndexOfAny('\\', '\0', '\uFFFD') is >= 0 and var place)
        {
            return name[place] switch { '\\' => "has a backslash", '\0' => "has a NUL", _ => "is not UTF-8, or has the character that stands for what is not" };
        }

        var parts = name.Split('/');
        return parts.Length > ModelManifest.MostDepth ? $"has more than {ModelManifest.MostDepth} parts"
            : parts.Any(part => part is "" or "." or "..") ? "is not relative in its shortest spelling: it begins or ends with '/', or has '//', '.' or '..'"
            : null;
    }

    /// <summary>What is wrong with an entry of <c>ignore_paths</c> (section 6.2.1).</summary>
    public static string? IgnoreFault(string path) =>
        Fault(path) ?? (path.AsSpan().IndexOfAny('*', '?', '[') >= 0 ? "has '*', '?' or '[', and paths are no patterns" : null);

    /// <summary>Order by code points, which is that of UTF-8 bytes and not that of UTF-16.</summary>
    public static int Compare(string left, string right)
    {
        var length = Math.Min(left.Length, right.Length);
        var same = left.AsSpan(0, length).CommonPrefixLength(right.AsSpan(0, length));
        if (same == length)
        {
            return left.Length.CompareTo(right.Length);
        }

        // Surrogates stand for code points above all others, and below U+E000 in UTF-16.
        var (one, other) = (left[same], right[same]);
        return char.IsSurrogate(one) != char.IsSurrogate(other) ? char.IsSurrogate(one).CompareTo(char.IsSurrogate(other)) : one.CompareTo(other);
    }
}
