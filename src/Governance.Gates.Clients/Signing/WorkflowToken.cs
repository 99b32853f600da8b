using System.Net.Http.Headers;
using System.Text.Json;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Clients.Signing;

/// <summary>Asks GitHub for the identity token of the workflow that this runs in (GitHub, "OpenID Connect reference").</summary>
public static class WorkflowToken
{
    private const string Address = "ACTIONS_ID_TOKEN_REQUEST_URL";
    private const string Bearer = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

    /// <summary>Whether a workflow with <c>permissions: { id-token: write }</c> surrounds this.</summary>
    /// <param name="variable">Reads the environment.</param>
    public static bool IsAvailable(Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        return variable(Address) is { Length: > 0 } && variable(Bearer) is { Length: > 0 };
    }

    /// <summary>The token.</summary>
    /// <param name="variable">Reads the environment.</param>
    /// <param name="audience">For whom it is: <c>sigstore</c>.</param>
    /// <param name="limits">How long the answer may take.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">Ends the work.</param>
    public static async Task<Reading<string>> RequestAsync(Func<string, string?> variable, string audience, RegistryLimits limits, TimeProvider time, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(variable);
        if (!Uri.TryCreate(variable(Address), UriKind.Absolute, out var address) || !(address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && address.IsLoopback))
            || !AuthenticationHeaderValue.TryParse($"Bearer {variable(Bearer)}", out var authorization))
        {
            return Unread($"{Address} or {Bearer} is not as GitHub sets them", "give the job permissions: { id-token: write }");
        }

        var options = new RegistryOptions { Limits = limits with { Redirects = 0 } };
        using var client = RegistryConnections.Open(options);
        var http = new RegistryHttp(client, new(options), options.Limits, time, "token service");
        var asked = new UriBuilder(address) { Query = $"{address.Query.TrimStart('?')}{(address.Query.Length > 1 ? "&" : "")}audience={Uri.EscapeDataString(audience)}" }.Uri;
        var answer = await http.SendAsync(new RegistryRequest(HttpMethod.Get, asked, 2 * IdentityToken.MaxSize) { Accept = "application/json" }, authorization.ToString(), cancellation);
        return answer switch
        {
            Reading<RegistryAnswer>.Found({ Succeeded: true } found) => Read(found.Body),
            Reading<RegistryAnswer>.Found(var found) => Unread($"token service {asked.Authority} answered {(int)found.Status}", "give the job permissions: { id-token: write }, and try again"),
            Reading<RegistryAnswer>.Unread(var reason) => new Reading<string>.Unread(reason),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    private static Reading<string> Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            if (document.RootElement is { ValueKind: JsonValueKind.Object } root && root.TryGetProperty("value", out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } token)
            {
                return new Reading<string>.Found(token);
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Whatever it is, it holds no token.
        }

        return Unread("the token service's answer holds no token", "try again");
    }

    private static Reading<string>.Unread Unread(string message, string remedy) => new(new("identity token", message, remedy));
}
