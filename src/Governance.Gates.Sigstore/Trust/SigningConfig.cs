using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Governance.Gates.Sigstore.Formats;

namespace Governance.Gates.Sigstore;

/// <summary>Whom to ask for a signature without a key, as a Sigstore instance tells it (sigstore_trustroot.proto, SigningConfig 0.2): of each kind the service of the newest API that counts now.</summary>
/// <param name="CertificateAuthority">Fulcio.</param>
/// <param name="Log">Rekor; null: none is named.</param>
/// <param name="LogVersion">The version of its API.</param>
/// <param name="TimestampAuthority">The timestamp authority with its path; null: none is named.</param>
public sealed record SigningConfig(string CertificateAuthority, string? Log, RekorVersion LogVersion, string? TimestampAuthority)
{
    /// <summary>The most bytes that are read.</summary>
    public const int MaxSize = 256 * 1024;

    private const string MediaType = "application/vnd.dev.sigstore.signingconfig.v0.2+json";

    /// <summary>Reads a configuration. Fields that are not known are ignored.</summary>
    /// <param name="json">At most <see cref="MaxSize"/> bytes.</param>
    /// <param name="now">When it is asked.</param>
    /// <param name="mistake">What is wrong, on one line; empty where one is returned.</param>
    /// <returns>The configuration, or null.</returns>
    public static SigningConfig? TryParse(ReadOnlyMemory<byte> json, DateTimeOffset now, out string mistake)
    {
        mistake = $"it has {json.Length} bytes and at most {MaxSize} are read";
        if (json.Length > MaxSize)
        {
            return null;
        }

        if (!StrictJson.TryParse(json, "signing configuration", out var document, out var rejected))
        {
            mistake = rejected.Detail;
            return null;
        }

        using (document)
        {
            var shape = new JsonShape("signing configuration");
            var root = document.RootElement;
            if (shape.Text(root, "mediaType") is var type && type != MediaType)
            {
                shape.Fail(RejectionCode.UnsupportedMediaType, $"mediaType is '{OneLine.Show(type)}' and must be '{MediaType}'");
            }

            var authority = Choose(shape, root, "caUrls", null, [1], now);
            var log = Choose(shape, root, "rekorTlogUrls", "rekorTlogConfig", [1, 2], now);
            var stamps = Choose(shape, root, "tsaUrls", "tsaConfig", [1], now);
            if (authority is null)
            {
                shape.Fail(RejectionCode.MissingField, "no certificate authority counts now");
            }

            mistake = shape.Fault?.Detail ?? "";
            return mistake.Length > 0 ? null : new(authority!.Url, log?.Url, log is { Version: 2 } ? RekorVersion.V2 : RekorVersion.V1, stamps?.Url);
        }
    }

    private static Service? Choose(JsonShape shape, JsonElement root, string list, string? rule, ImmutableArray<long> versions, DateTimeOffset now)
    {
        var services = shape.Optional(root, JsonValueKind.Array, list);
        if (services.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        ImmutableArray<Service> usable =
        [
            .. services.EnumerateArray().Take(Limits.EvidenceOfAKind)
                .Select(service => new Service(shape.Text(service, "url"), shape.Count(service, "majorApiVersion"), Time(shape, service, "start"), Time(shape, service, "end")))
                .Where(service => versions.Contains(service.Version) && service.From is { } from && from <= now && (service.Until is not { } until || now <= until))
                .OrderByDescending(service => service.Version).ThenByDescending(service => service.From),
        ];
        if (rule is not null && shape.Optional(root, JsonValueKind.String, rule, "selector") is { ValueKind: JsonValueKind.String } selector
            && (selector.ValueEquals("ALL") ? usable.Length > 1 : selector.ValueEquals("EXACT") && shape.Count(root, rule, "count") > 1))
        {
            shape.Fail(RejectionCode.WrongShape, $"'{rule}' asks for several services, and one is asked here");
        }

        return usable.FirstOrDefault();
    }

    private static DateTimeOffset? Time(JsonShape shape, JsonElement service, string end) =>
        shape.Optional(service, JsonValueKind.String, "validFor", end) is { ValueKind: JsonValueKind.String } text
            ? DateTimeOffset.TryParse(text.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : Malformed(shape, end)
            : null;

    private static DateTimeOffset? Malformed(JsonShape shape, string end)
    {
        shape.Fail(RejectionCode.WrongShape, $"'validFor.{end}' is no time");
        return null;
    }

    private sealed record Service(string Url, long Version, DateTimeOffset? From, DateTimeOffset? Until);
}
