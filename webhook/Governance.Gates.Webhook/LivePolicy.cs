using System.Collections.Immutable;
using Governance.Gates.Approvals;
using Governance.Gates.Clients.GateState;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;

namespace Governance.Gates.Webhook;

/// <summary>A policy and who may sign under it, as one value that a request sees whole.</summary>
internal sealed record PolicyInForce(Policy Policy, TrustedSigners Signers);

/// <summary>The list of what no longer counts under a policy.</summary>
internal delegate ValueTask<Reading<RevocationList>> RevocationsOf(Policy policy, DateTimeOffset now, CancellationToken cancellation);

/// <summary>
/// The policy in force. A changed file that holds together, and to which those agreed whom the policy in force names, replaces it; any other is reported, and
/// the old one stays.
/// </summary>
internal sealed partial class LivePolicy(WebhookOptions options, GateStateFolder? state, RevocationsOf revocations, GateLedger ledger, GateMetrics metrics, TimeProvider clock, ILogger<LivePolicy> log)
{
    private volatile PolicyInForce? inForce;
    private volatile string? mistake;
    private string? lastRefusal;

    /// <summary>The policy in force.</summary>
    public PolicyInForce Current => inForce ?? throw new InvalidOperationException("no policy was loaded");

    /// <summary>Why the file on disk is not in force; null while it is.</summary>
    public string? Mistake => mistake;

    /// <summary>Loads the policy for the first time: the one that was accepted last, where the state folder remembers one; else the file, which the root pins.</summary>
    /// <exception cref="GateException">It does not hold together, or is not the pinned one.</exception>
    public void Load()
    {
        if (state?.LastPolicy is { } last)
        {
            Take(Remembered(last), [], last);
            return;
        }

        var (policy, warnings) = PolicyFile.Load(options.Policy);
        if (Missing(policy) is { } missing)
        {
            throw missing;
        }

        if (options.PolicyRoot is { } root && policy.Digest != root)
        {
            throw new GateException($"the policy {options.Policy} is {policy.Digest}, and --policy-root pins {root}", "begin with the pinned file; its successors follow one by one, each approved, and are remembered under --state");
        }

        Take(policy, warnings, PolicyFile.Bytes(options.Policy, policy));
    }

    /// <summary>Looks at the file again.</summary>
    public async ValueTask ReloadAsync(CancellationToken cancellation)
    {
        string? refused;
        Exception? defect = null;
        try
        {
            switch (PolicyFile.Read(options.Policy))
            {
                case PolicyReading.Accepted(var policy, _) when Missing(policy) is { } missing:
                    refused = missing.Message;
                    break;
                case PolicyReading.Accepted(var policy, var warnings):
                    refused = policy.Digest == Current.Policy.Digest ? await RememberAsync(policy, cancellation) : await ReplaceAsync(policy, warnings, cancellation);
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
#pragma warning disable CA1031 // An exception here would end the process, and each start after it: files that somebody wrote must never do that, whatever defect of ours they find.
        catch (Exception exception) when (!(exception is OperationCanceledException && cancellation.IsCancellationRequested))
#pragma warning restore CA1031
        {
            defect = exception;
            refused = $"the policy or what stands beside it could not be judged: {exception.GetType().Name}; put back the files that were there before, and report this defect";
        }

        mistake = refused;
        if (refused is not null && refused != lastRefusal)
        {
            // Told before it is counted: who sees the count rise finds the reason in the log.
            LogRefused(defect, options.Policy, Current.Policy.Version, refused);
            metrics.PolicyRefused();
            await ledger.PolicyAsync(Current.Policy, refused, cancellation);
        }

        lastRefusal = refused;
    }

    private async ValueTask<string?> ReplaceAsync(Policy policy, ImmutableArray<PolicyMistake> warnings, CancellationToken cancellation)
    {
        var before = Current;
        var now = clock.GetUtcNow();
        if (!StatementsFile.Read(options.Policy, policy.Digest, before.Signers).Try(out var statements, out var unread))
        {
            return unread.ToString();
        }

        var decision = PolicyChain.Decide(before.Policy, policy, statements, await revocations(before.Policy, now, cancellation), now);
        if (decision.Verdict > Verdict.Warn)
        {
            return string.Join(" | ", decision.Reasons);
        }

        // Remembered before it counts: after a restart the gate must not fall back behind what it enforced.
        if (await RememberAsync(policy, cancellation) is { } failure)
        {
            return failure;
        }

        Take(policy, warnings, PolicyFile.Bytes(options.Policy, policy));
        await ledger.PolicyAsync(policy, null, cancellation);
        return null;
    }

    private async ValueTask<string?> RememberAsync(Policy policy, CancellationToken cancellation)
    {
        if (state is null || state.LastPolicy?.Digest == policy.Digest)
        {
            return null;
        }

        return PolicyFile.Bytes(options.Policy, policy) is not { } bytes ? "the policy's files change while they are read"
            : await state.RememberPolicyAsync(bytes.Version, bytes.Digest, bytes.Yaml, bytes.Files, cancellation) is Reading<AcceptedPolicy>.Unread(var reason) ? reason.ToString()
            : null;
    }

    private Policy Remembered(AcceptedPolicy last) => PolicyReader.Read(last.Yaml, last.File) switch
    {
        PolicyReading.Accepted(var policy, _) when Missing(policy) is { } missing => throw missing,
        PolicyReading.Accepted(var policy, _) => policy,
        PolicyReading.Refused(var mistakes) => throw new GateException($"the policy version {last.Version} that was in force last does not hold together any more: {mistakes[0]}", "start with the version of gates-webhook that accepted it"),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private GateException? Missing(Policy policy)
    {
        if (options.ClusterUid is null && policy.Images.FirstOrDefault(rule => rule.In?.Environments.Length > 0 || rule.Demand is ImageDemand.Require { Approved: not null }) is { } rule)
        {
            return new($"{rule.Path} is for environments, and which cluster this is was not said", "start with --cluster-uid and the UID of the kube-system namespace");
        }

        return options.State is null && LastingState.NeededBy(policy) is { } needed ? new(needed, "start with --state and a folder that survives a restart") : null;
    }

    private void Take(Policy policy, ImmutableArray<PolicyMistake> warnings, AcceptedPolicy? files)
    {
        ledger.Know(policy, files);
        foreach (var warning in warnings)
        {
            LogWarning(options.Policy, warning.ToString());
        }

        inForce = new(policy, new TrustedSigners(policy));
        LogLoaded(policy.Name, policy.Version, policy.Digest.ToString());
        metrics.PolicyLoaded(policy);
    }

    [LoggerMessage(1001, LogLevel.Information, "Policy {Name} version {Version} ({Digest}) is in force")]
    private partial void LogLoaded(string name, long version, string digest);

    [LoggerMessage(1002, LogLevel.Error, "The changed policy {Path} was refused, and version {Version} stays in force: {Mistakes}")]
    private partial void LogRefused(Exception? defect, string path, long version, string mistakes);

    [LoggerMessage(1003, LogLevel.Warning, "Policy {Path}: {Warning}")]
    private partial void LogWarning(string path, string warning);
}
