using System.Buffers.Text;
using System.Text.Json;
using Governance.Gates.Sigstore.Formats;

namespace Governance.Gates.Sigstore;

/// <summary>An OpenID Connect ID token (a JWT), with which a certificate is asked for. Its signature is the authority's to check; here it only says whom to expect in the certificate.</summary>
public sealed class IdentityToken
{
    /// <summary>The most characters that are read.</summary>
    public const int MaxSize = 64 * 1024;

    private const string GitHub = "https://token.actions.githubusercontent.com";

    private IdentityToken(string text, string issuer, string name, string challenge, DateTimeOffset expires)
    {
        Text = text;
        Issuer = issuer;
        Name = name;
        Challenge = challenge;
        Expires = expires;
    }

    /// <summary>Who vouches for the name: the issuer, or the one behind it where it federates.</summary>
    public string Issuer { get; }

    /// <summary>What the certificate's subject alternative name must be.</summary>
    public string Name { get; }

    /// <summary>When it ends.</summary>
    public DateTimeOffset Expires { get; }

    /// <summary>The token itself: whoever has it can sign in its owner's name.</summary>
    internal string Text { get; }

    /// <summary>The claim that is signed to show that the key is held.</summary>
    internal string Challenge { get; }

    /// <summary>Reads a token.</summary>
    /// <param name="text">The JWT in its compact form; white space around it does not count.</param>
    /// <param name="name">What the certificate's name must be, for issuers that do not have the address certified though their tokens hold one, or subjects under another name; null: the e-mail address, the workflow of GitHub, or else the subject.</param>
    /// <param name="mistake">What is wrong, on one line and without anything of the token; empty where one is returned.</param>
    /// <returns>The token, or null.</returns>
    public static IdentityToken? TryParse(string text, string? name, out string mistake)
    {
        ArgumentNullException.ThrowIfNull(text);
        var token = text.Trim();
        if (token.Length > MaxSize || token.Split('.') is not [{ Length: > 0 }, { Length: > 0 } claims, { Length: > 0 }] || !token.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') || !Base64Url.IsValid(claims))
        {
            mistake = "it is no JWT of three parts in base64url";
            return null;
        }

        if (!StrictJson.TryParse(Base64Url.DecodeFromChars(claims), "token", out var document, out var rejected))
        {
            mistake = rejected.Detail;
            return null;
        }

        using (document)
        {
            return Read(token, name, document.RootElement, out mistake);
        }
    }

    private static IdentityToken? Read(string token, string? name, JsonElement claims, out string mistake)
    {
        var shape = new JsonShape("token");
        var issuer = shape.Text(claims, "iss");
        var subject = shape.Text(claims, "sub");
        var expires = shape.Count(claims, "exp");
        var connector = Optional(shape, claims, "federated_claims", "connector_id");
        var email = Optional(shape, claims, "email");
        var workflow = Optional(shape, claims, "job_workflow_ref");

        // Fulcio has the key shown over the address where it certifies addresses, and over the subject for issuers of every other kind
        // (sigstore/fulcio, pkg/identity/*/principal.go). Of which kind an issuer is, is Fulcio's configuration: the name to expect tells.
        if (name is not null && name != email)
        {
            (email, connector) = (null, null);
        }

        mistake = shape.Fault?.Detail
            ?? (email is not null && !(claims.TryGetProperty("email_verified", out var verified) && verified.ValueKind == JsonValueKind.True) ? "its issuer has not verified the e-mail address"
            : expires is 0 or > 253402300799 ? "it does not say when it ends"
            : "");
        return mistake.Length > 0
            ? null
            : new(token, connector ?? issuer, name ?? email ?? (workflow is not null && issuer == GitHub ? $"https://github.com/{workflow}" : subject), email ?? subject, DateTimeOffset.FromUnixTimeSeconds(expires));
    }

    private static string? Optional(JsonShape shape, JsonElement claims, params ReadOnlySpan<string> path) =>
        shape.Optional(claims, JsonValueKind.String, path) is { ValueKind: JsonValueKind.String } found ? found.GetString() : null;

    /// <summary>Whose it is; nothing of the token itself.</summary>
    public override string ToString() => $"{OneLine.Show(Name)} by {OneLine.Show(Issuer)}";
}
