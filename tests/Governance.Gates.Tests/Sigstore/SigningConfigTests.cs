using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>Whom an instance says to ask.</summary>
public sealed class SigningConfigTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Of_each_kind_the_service_of_the_newest_known_api_that_counts_now_is_asked()
    {
        var config = Read(json => json["rekorTlogUrls"] = new JsonArray(Service("https://old", 1, "2020-01-01T00:00:00Z"), Service("https://new", 2, "2025-01-01T00:00:00Z"), Service("https://future", 2, "2027-01-01T00:00:00Z"), Service("https://unknown", 3, "2020-01-01T00:00:00Z")), out _);
        Assert.Equal(("https://ca", "https://new", RekorVersion.V2, "https://tsa/api/v1/timestamp"), (config!.CertificateAuthority, config.Log, config.LogVersion, config.TimestampAuthority));
        Assert.Null(Read(json => json.Remove("tsaUrls"), out _)!.TimestampAuthority);
    }

    public static TheoryData<string, string> Refused => new()
    {
        { "media type", "mediaType is" },
        { "no authority", "no certificate authority counts now" },
        { "only an authority of the past", "no certificate authority counts now" },
        { "no start", "no certificate authority counts now" },
        { "all logs", "asks for several" },
        { "two timestamps", "asks for several" },
        { "a time that is none", "is no time" },
        { "an address that is none", "'url' is a number" },
    };

    [Theory, MemberData(nameof(Refused))]
    public void What_cannot_be_followed_is_refused(string what, string told)
    {
        Assert.Null(Read(json => Spoil(json, what), out var mistake));
        Assert.Contains(told, mistake, StringComparison.Ordinal);
    }

    private static void Spoil(JsonObject json, string what)
    {
        switch (what)
        {
            case "media type": json["mediaType"] = "application/vnd.dev.sigstore.signingconfig.v0.1+json"; break;
            case "no authority": json.Remove("caUrls"); break;
            case "only an authority of the past": json["caUrls"] = new JsonArray(Service("https://ca", 1, "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z")); break;
            case "no start": json["caUrls"]![0]!["validFor"]!.AsObject().Remove("start"); break;
            case "all logs":
                json["rekorTlogUrls"]!.AsArray().Add(Service("https://other", 1, "2020-01-01T00:00:00Z"));
                json["rekorTlogConfig"] = new JsonObject { ["selector"] = "ALL" };
                break;
            case "two timestamps": json["tsaConfig"] = new JsonObject { ["selector"] = "EXACT", ["count"] = 2 }; break;
            case "a time that is none": json["caUrls"]![0]!["validFor"]!["start"] = "yesterday"; break;
            default: json["caUrls"]![0]!["url"] = 1; break;
        }
    }

    private static SigningConfig? Read(Action<JsonObject> change, out string mistake)
    {
        var json = new JsonObject
        {
            ["mediaType"] = "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            ["caUrls"] = new JsonArray(Service("https://ca", 1, "2022-04-13T20:06:15.000Z")),
            ["rekorTlogUrls"] = new JsonArray(Service("https://log", 1, "2021-01-12T11:53:27.000Z")),
            ["tsaUrls"] = new JsonArray(Service("https://tsa/api/v1/timestamp", 1, "2025-01-01T00:00:00Z")),
            ["rekorTlogConfig"] = new JsonObject { ["selector"] = "ANY" },
            ["tsaConfig"] = new JsonObject { ["selector"] = "ANY" },
            ["oidcUrls"] = new JsonArray(),
        };
        change(json);
        return SigningConfig.TryParse(Encoding.UTF8.GetBytes(json.ToJsonString()), Now, out mistake);
    }

    private static JsonObject Service(string url, int version, string from, string? until = null)
    {
        var window = new JsonObject { ["start"] = from };
        if (until is not null)
        {
            window["end"] = until;
        }

        return new() { ["url"] = url, ["majorApiVersion"] = version, ["validFor"] = window, ["operator"] = "test" };
    }
}
