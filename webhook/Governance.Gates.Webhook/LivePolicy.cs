using System.Collections.Immutable;
using Governance.Gates.Clients.Evidence;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Policies;

namespace Governance.Gates.Webhook;

/// <summary>A policy and its keys, as one value that a request sees whole.</summary>
internal sealed record PolicyInForce(Policy Policy, TrustedKeys Keys);

/// <summary>The policy in force. A changed file that holds together replaces it; one that does not is reported, and the old one stays.</summary>
internal sealed partial class LivePolicy(string path, string? clusterUid, GateMetrics metrics, ILogger<LivePolicy> log)
{
    private volatile PolicyInForce? inForce;
    private volatile string? mistake;
    private string? lastRefusal;

    /// <summary>The policy in force.</summary>
    public PolicyInForce Current => inForce ?? throw new InvalidOperationException("no policy was loaded");

    /// <summary>Why the file on disk is not in force; null while it is.</summary>
    public string? Mistake => mistake;

    /// <summary>Loads the policy for the first time.</summary>
    /// <exception cref="GateException">It does not hold together.</exception>
    public void Load()
    {
        var (policy, warnings) = PolicyFile.Load(path);
        if (NeedsCluster(policy) is { } missing)
        {
            throw new GateException(missing, "start with --cluster-uid and the UID of the kube-system namespace");
        }

        Take(policy, warnings);
    }

    /// <summary>Looks at the file again.</summary>
    public void Reload()
    {
        string? refused;
        try
        {
            switch (PolicyFile.Read(path))
            {
                case PolicyReading.Accepted(var policy, _) when NeedsCluster(policy) is { } missing:
                    refused = missing;
                    break;
                case PolicyReading.Accepted(var policy, var warnings):
                    refused = null;
                    if (policy.Digest != Current.Policy.Digest)
                    {
                        Take(policy, warnings);
                    }

                    break;
                case PolicyReading.Refused(var mistakes):
                    refused = string.Join(" | ", mistakes.Select(found => found.ToString()));
                    break;
                default:
                    throw new System.Diagnostics.UnreachableException();
            }
        }
        catch (GateException exception)
        {
            refused = exception.Message;
        }

        mistake = refused;
        if (refused is not null && refused != lastRefusal)
        {
            // Told before it is counted: who sees the count rise finds the reason in the log.
            LogRefused(path, Current.Policy.Version, refused);
            metrics.PolicyRefused();
        }

        lastRefusal = refused;
    }

    private string? NeedsCluster(Policy policy) =>
        clusterUid is null && policy.Images.FirstOrDefault(rule => rule.In?.Environments.Length > 0) is { } rule ? $"{rule.Path} is for environments, and which cluster this is was not said" : null;

    private void Take(Policy policy, ImmutableArray<PolicyMistake> warnings)
    {
        foreach (var warning in warnings)
        {
            LogWarning(path, warning.ToString());
        }

        inForce = new(policy, new TrustedKeys(policy));
        LogLoaded(policy.Name, policy.Version, policy.Digest.ToString());
        metrics.PolicyLoaded(policy);
    }

    [LoggerMessage(1001, LogLevel.Information, "Policy {Name} version {Version} ({Digest}) is in force")]
    private partial void LogLoaded(string name, long version, string digest);

    [LoggerMessage(1002, LogLevel.Error, "The changed policy {Path} was refused, and version {Version} stays in force: {Mistakes}")]
    private partial void LogRefused(string path, long version, string mistakes);

    [LoggerMessage(1003, LogLevel.Warning, "Policy {Path}: {Warning}")]
    private partial void LogWarning(string path, string warning);
}
