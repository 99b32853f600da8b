using System.Collections.Immutable;

namespace Governance.Gates.Policies;

/// <summary>Objects that are approved as a whole before they are created, changed or deleted.</summary>
/// <param name="Path">Where the rule stands, such as <c>admission.objects[0]</c>.</param>
/// <param name="Resource">Plural name, and group where it has one, such as <c>configmaps</c> or <c>roles.rbac.authorization.k8s.io</c>.</param>
/// <param name="In">Where the rule holds; null is everywhere.</param>
/// <param name="Names">Names of objects, in which <c>*</c> is any run of characters.</param>
/// <param name="Approved">The approval that is needed.</param>
public sealed record DeclaredObject(string Path, string Resource, Scope? In, ImmutableArray<string> Names, ApprovedRequirement Approved)
{
    /// <summary>Whether the files that the object holds are held to the rules of <c>review.values</c> too.</summary>
    public bool ValuesAsInReviews { get; init; }

    /// <summary>Whether the rule names an object.</summary>
    public bool Matches(string name) => Names.Any(pattern => Matches(pattern, name));

    // Both ends are anchored. Where a later part does not fit, the last '*' takes one character more, so the work is bounded by the product of the lengths.
    private static bool Matches(string pattern, string name)
    {
        var (at, star, resume) = (0, -1, 0);
        for (var i = 0; i < name.Length;)
        {
            if (at < pattern.Length && pattern[at] == '*')
            {
                (star, resume) = (at++, i);
            }
            else if (at < pattern.Length && pattern[at] == name[i])
            {
                at++;
                i++;
            }
            else if (star >= 0)
            {
                (at, i) = (star + 1, ++resume);
            }
            else
            {
                return false;
            }
        }

        return pattern.AsSpan(at).TrimStart('*').IsEmpty;
    }
}

/// <summary>What may be opened into running Pods.</summary>
public sealed record SessionSettings
{
    /// <summary>The action of an approval for a command in a container.</summary>
    public const string ExecAction = "session-exec";

    /// <summary>The action of an approval for a container's terminal.</summary>
    public const string AttachAction = "session-attach";

    /// <summary>The action of an approval for connections to ports.</summary>
    public const string PortForwardAction = "session-port-forward";

    /// <summary>How long an approval of a session may be used: a session is a matter of the moment.</summary>
    public static readonly TimeSpan UseBy = TimeSpan.FromHours(1);

    /// <summary>The actions whose rules stand under <c>admission.sessions</c>.</summary>
    public static ImmutableArray<string> Actions { get; } = [ExecAction, AttachAction, PortForwardAction];

    /// <summary>Commands in running containers.</summary>
    public SessionRule Exec { get; init; } = SessionRule.Allow;

    /// <summary>Terminals of running containers.</summary>
    public SessionRule Attach { get; init; } = SessionRule.Allow;

    /// <summary>Connections to ports of Pods.</summary>
    public SessionRule PortForward { get; init; } = SessionRule.Allow;
}

/// <summary>What one kind of session gets.</summary>
public abstract record SessionRule
{
    private SessionRule()
    {
    }

    /// <summary>Anybody whom the cluster lets.</summary>
    public static SessionRule Allow { get; } = new Fixed(Verdict.Allow);

    /// <summary>Always the same answer.</summary>
    /// <param name="Verdict"><see cref="Verdict.Allow"/>, <see cref="Verdict.Warn"/> or <see cref="Verdict.Deny"/>.</param>
    public sealed record Fixed(Verdict Verdict) : SessionRule;

    /// <summary>A quorum for exactly this session.</summary>
    /// <param name="Approval">Who must agree.</param>
    public sealed record Require(ApprovalRule Approval) : SessionRule;
}
