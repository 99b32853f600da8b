using System.Collections.Immutable;
using System.Text;
using Governance.Gates.Approvals;
using Governance.Gates.Images;

namespace Governance.Gates.Tests.Approvals;

/// <summary>Admitted records as a gate would make them.</summary>
internal static class Admitted
{
    public static readonly DateTimeOffset Begun = new(2026, 3, 2, 9, 30, 0, TimeSpan.Zero);

    /// <summary>A record that uses these requests; its place follows from the template.</summary>
    public static AdmittedRecord Record(string id, DateTimeOffset? runUntil = null, string template = "template", params string[] requests) => new()
    {
        Id = id,
        Environment = "production",
        Cluster = "9f1c7e9e-0000-4000-8000-000000000001",
        Namespace = "trading",
        ServiceAccount = "orders",
        Template = DigestOf(template),
        Artifacts = [DigestOf("image b"), DigestOf("image a"), DigestOf("image b")],
        Policy = DigestOf("policy"),
        Uses = [.. requests.Select(request => new ApprovedUse("deploy", request, DigestOf(request), ["approval-1", "approval-2"]))],
        BegunAt = Begun,
        RunUntil = runUntil,
    };

    public static Digest DigestOf(string text) => Digest.Of(Encoding.UTF8.GetBytes(text));

    public static AdmittedRecord Found(Reading<AdmittedRecord> reading) => Assert.IsType<Reading<AdmittedRecord>.Found>(reading).Value;

    public static Reason Unread<T>(Reading<T> reading)
    {
        var reason = Assert.IsType<Reading<T>.Unread>(reading).Reason;
        Assert.False(string.IsNullOrEmpty(reason.Remedy));
        return reason;
    }

    public static string Json(AdmittedRecord record) => Encoding.UTF8.GetString(record.ToJson());

    public static ImmutableArray<string> Ids(IEnumerable<AdmittedRecord> records) => [.. records.Select(record => record.Id).Order(StringComparer.Ordinal)];
}
