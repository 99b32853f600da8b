using System.Buffers;
using System.Net.Http.Headers;

namespace Governance.Gates.Clients.Registries;

/// <summary>What a registry asks for in <c>WWW-Authenticate</c>.</summary>
/// <param name="Realm">Where tokens are made; null for Basic.</param>
/// <param name="ServiceName">The name under which the token server knows the registry.</param>
internal sealed record AuthenticationChallenge(Uri? Realm, string? ServiceName)
{
    private const int Longest = 4096;
    private static readonly SearchValues<char> TokenCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~");

    /// <summary>The strongest challenge that we can meet: Bearer before Basic; null where there is none.</summary>
    public static AuthenticationChallenge? Choose(IEnumerable<AuthenticationHeaderValue> challenges)
    {
        AuthenticationChallenge? basic = null;
        foreach (var challenge in challenges.Take(8))
        {
            if (challenge.Scheme.Equals("Bearer", StringComparison.OrdinalIgnoreCase)
                && Parameters(challenge.Parameter) is { } parameters
                && parameters.TryGetValue("realm", out var realm)
                && Uri.TryCreate(realm, UriKind.Absolute, out var uri)
                && uri is { UserInfo: "", Fragment: "" })
            {
                return new(uri, parameters.GetValueOrDefault("service"));
            }

            if (challenge.Scheme.Equals("Basic", StringComparison.OrdinalIgnoreCase))
            {
                basic = new(null, null);
            }
        }

        return basic;
    }

    /// <summary>auth-param list of RFC 9110, section 11.2; null for whatever strays from it.</summary>
    internal static Dictionary<string, string>? Parameters(string? text)
    {
        if (text is null or { Length: > Longest })
        {
            return null;
        }

        var parameters = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var rest = text.AsSpan().Trim(' ');
        while (true)
        {
            var equals = rest.IndexOf('=');
            if (equals <= 0 || rest[..equals].ContainsAnyExcept(TokenCharacters))
            {
                return null;
            }

            var name = rest[..equals].ToString();
            rest = rest[(equals + 1)..];
            string value;
            if (rest is ['"', ..])
            {
                var unquoted = new System.Text.StringBuilder();
                var i = 1;
                for (; i < rest.Length && rest[i] != '"'; i++)
                {
                    i += rest[i] == '\\' ? 1 : 0;
                    if (i >= rest.Length || rest[i] is < ' ' or > '~')
                    {
                        return null;
                    }

                    unquoted.Append(rest[i]);
                }

                if (i >= rest.Length)
                {
                    return null;
                }

                value = unquoted.ToString();
                rest = rest[(i + 1)..].TrimStart(' ');
            }
            else
            {
                var end = rest.IndexOfAny(',', ' ') is >= 0 and var at ? at : rest.Length;
                value = rest[..end].ToString();
                if (value.Length == 0 || value.AsSpan().ContainsAnyExcept(TokenCharacters))
                {
                    return null;
                }

                rest = rest[end..].TrimStart(' ');
            }

            if (!parameters.TryAdd(name, value))
            {
                return null;
            }

            if (rest.IsEmpty)
            {
                return parameters;
            }

            if (rest[0] != ',')
            {
                return null;
            }

            rest = rest[1..].TrimStart(' ');
        }
    }
}
