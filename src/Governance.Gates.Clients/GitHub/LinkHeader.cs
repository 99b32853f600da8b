namespace Governance.Gates.Clients.GitHub;

/// <summary>Reads the <c>Link</c> header that pages have (RFC 8288).</summary>
internal static class LinkHeader
{
    /// <summary>The target of the first link whose relation is <c>next</c>; null where there is none.</summary>
    public static string? Next(string? header)
    {
        for (var rest = header.AsSpan(); rest.IndexOf('<') is >= 0 and var from;)
        {
            rest = rest[(from + 1)..];
            if (rest.IndexOf('>') is not (>= 0 and var to))
            {
                return null;
            }

            var target = rest[..to];
            rest = rest[(to + 1)..];
            // Parameters end where the next target begins; GitHub's hold no '<'.
            var parameters = rest.IndexOf('<') is >= 0 and var end ? rest[..end] : rest;
            foreach (var parameter in parameters.ToString().Split([';', ','], StringSplitOptions.TrimEntries))
            {
                if (parameter.Replace("\"", "", StringComparison.Ordinal).Equals("rel=next", StringComparison.OrdinalIgnoreCase))
                {
                    return target.ToString();
                }
            }
        }

        return null;
    }
}
