using System.Buffers;
using System.Collections.Immutable;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Governance.Gates.Clients.Kubernetes;

/// <summary>How to reach a Kubernetes API server, and as whom. Its text shows no secret.</summary>
public sealed record ClusterAccess
{
    // RFC 6750, section 2.1: b64token.
    private static readonly SearchValues<char> TokenCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=");

    internal ClusterAccess(Uri server, string origin) => (Server, Origin) = (server, origin);

    /// <summary>The API server; always https.</summary>
    public Uri Server { get; }

    /// <summary>Where this was found, for people: <c>context prod of /home/me/.kube/config</c>.</summary>
    public string Origin { get; }

    /// <summary>What the user should know about the finding; null for nothing.</summary>
    public string? Note { get; internal init; }

    /// <summary>The only roots that the server's certificate may come from; empty means those of the system.</summary>
    internal ImmutableArray<X509Certificate2> Authorities { get; init; } = [];

    /// <summary>The client's certificate with its chain, or null.</summary>
    internal ClientCertificate? ClientCertificate { get; init; }

    /// <summary>A fixed bearer token, or null.</summary>
    internal string? Token { get; init; }

    /// <summary>The file of a bearer token that is renewed from outside, or null.</summary>
    internal string? TokenFile { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Server} ({Origin})";

    /// <summary>Whether the text can stand in an Authorization header as a bearer token.</summary>
    internal static bool IsToken(string text) => text.Length > 0 && !text.AsSpan().ContainsAnyExcept(TokenCharacters);

    /// <summary>The token to send now; null where there is none.</summary>
    /// <exception cref="IOException">The token's file cannot be read.</exception>
    internal async Task<string?> ReadTokenAsync(CancellationToken cancellation)
    {
        if (TokenFile is null)
        {
            return Token;
        }

        await using var file = new FileStream(TokenFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0, useAsync: true);
        var bytes = await Bounded.ReadAsync(file, 64 << 10, cancellation) ?? throw new IOException($"the token file '{OneLine.Of(TokenFile)}' has more than 64 KiB");
        var token = Encoding.ASCII.GetString(bytes.Span).Trim();
        return IsToken(token) ? token : throw new IOException($"the token file '{OneLine.Of(TokenFile)}' holds no token");
    }
}

/// <summary>A client's certificate with its private key, and the certificates between it and its root.</summary>
internal sealed record ClientCertificate(X509Certificate2 Leaf, X509Certificate2Collection Intermediates);
