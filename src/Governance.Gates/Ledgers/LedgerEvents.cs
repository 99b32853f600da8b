using System.Buffers;
using System.Collections.Immutable;

namespace Governance.Gates.Ledgers;

/// <summary>The classes by which a policy says how long entries, and what they name as evidence, are kept (<c>ledger.retention</c>).</summary>
public static class RetentionClasses
{
    /// <summary>What gates decide and do.</summary>
    public const string Audit = "audit";

    /// <summary>What was asked for and answered.</summary>
    public const string Approvals = "approvals";
}

/// <summary>The registered types of events. A reader accepts others too, which a later version may have registered; a writer does not.</summary>
public static class LedgerEvents
{
    /// <summary>A log begins: its key and its writer, in the log of its cluster.</summary>
    public const string LogOpened = "log.opened";

    /// <summary>A log ends, and nothing follows in it.</summary>
    public const string LogClosed = "log.closed";

    /// <summary>A process that writes the log began.</summary>
    public const string Start = "start";

    /// <summary>A process that writes the log ended in order.</summary>
    public const string Stop = "stop";

    /// <summary>Nothing else happened: a quiet hour can be told from a deleted one.</summary>
    public const string Heartbeat = "heartbeat";

    /// <summary>Events that could not be appended when they happened, summed up.</summary>
    public const string Gap = "gap";

    /// <summary>A flood of one actor, summed up.</summary>
    public const string Suppressed = "suppressed";

    /// <summary>A gate decided.</summary>
    public const string Decision = "decision";

    /// <summary>Something began, and further Pods of it may start.</summary>
    public const string Admitted = "admitted";

    /// <summary>A request was seen first.</summary>
    public const string RequestSeen = "request.seen";

    /// <summary>An approval, a "no" or a withdrawal was seen first.</summary>
    public const string ApprovalSeen = "approval.seen";

    /// <summary>A policy came into force.</summary>
    public const string PolicyLoaded = "policy.loaded";

    /// <summary>A policy was refused, and the one before stayed.</summary>
    public const string PolicyRefused = "policy.refused";

    /// <summary>A list of revocations came into force.</summary>
    public const string RevocationsLoaded = "revocations.loaded";

    /// <summary>A list of revocations was refused.</summary>
    public const string RevocationsRefused = "revocations.refused";

    /// <summary>The log was verified; the outcome says what was found.</summary>
    public const string Verified = "verified";

    /// <summary>A write that was not finished was cut, as the rationale says; or the log goes on behind what was lost, and the details are a <see cref="RecoveryDocument"/>.</summary>
    public const string Recovered = "recovered";

    /// <summary>Entries were read by somebody, or a decision made again from them.</summary>
    public const string Queried = "queried";

    /// <summary>Entries were handed out.</summary>
    public const string Exported = "exported";

    private const int Longest = 64;
    private static readonly SearchValues<char> Allowed = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789.-");

    /// <summary>All of them.</summary>
    public static ImmutableArray<string> All { get; } =
    [
        LogOpened, LogClosed, Start, Stop, Heartbeat, Gap, Suppressed, Decision, Admitted, RequestSeen, ApprovalSeen,
        PolicyLoaded, PolicyRefused, RevocationsLoaded, RevocationsRefused, Verified, Recovered, Queried, Exported,
    ];

    /// <summary>Whether this can be a type of this version or a later one.</summary>
    internal static bool IsType(string text) => text.Length is > 0 and <= Longest && char.IsAsciiLetterLower(text[0]) && !text.AsSpan().ContainsAnyExcept(Allowed);
}
