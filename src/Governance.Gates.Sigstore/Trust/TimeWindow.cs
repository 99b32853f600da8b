namespace Governance.Gates.Sigstore;

/// <summary>When a key or an authority counts: a closed interval, both ends included (sigstore_common.proto, TimeRange).</summary>
/// <param name="From">The first instant.</param>
/// <param name="Until">The last instant; null where there is no end.</param>
public sealed record TimeWindow(DateTimeOffset From, DateTimeOffset? Until)
{
    /// <summary>Whether an instant lies inside, ends included.</summary>
    public bool Contains(DateTimeOffset time) => From <= time && (Until is not { } until || time <= until);

    /// <summary>Both ends, UTC.</summary>
    public override string ToString() => Until is { } until ? $"{From.UtcDateTime:O} to {until.UtcDateTime:O}" : $"{From.UtcDateTime:O} on";
}
