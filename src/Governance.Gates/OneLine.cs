namespace Governance.Gates;

/// <summary>Text of others in a message of ours: it may neither break a line nor hide a part of it.</summary>
internal static class OneLine
{
    private const int Longest = 255;

    /// <summary>At most 255 characters of it, each printable ASCII or '?'.</summary>
    public static string Show(string text) => string.Concat(text.Take(Longest).Select(c => c is >= ' ' and <= '~' ? c : '?'));
}
