using System.Collections.Immutable;
using System.Diagnostics;
using Governance.Gates.Evidence;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Subject = Governance.Gates.Evidence.Subject;

namespace Governance.Gates.Cli.Verbs;

/// <summary>Decides about one image by keys alone, as a policy with one rule would: "signed by one of these keys".</summary>
internal static class KeyCheck
{
    private const string Rule = "verify";

    /// <summary>The policy that trusts exactly these keys, each by the name of its file.</summary>
    public static Policy PolicyOf(IEnumerable<TrustedKey> keys, SignedRepository repository)
    {
        var trusted = keys.DistinctBy(key => key.PublicKey).DistinctBy(key => key.Name).ToImmutableDictionary(key => key.Name, StringComparer.Ordinal);
        var everywhere = RepositoryPattern.TryParse("**", out _) ?? throw new UnreachableException();
        var signed = new SignedRequirement(new([.. trusted.Keys.Order(StringComparer.Ordinal)], null), repository, []);
        return new()
        {
            Digest = Digest.Of([]),
            Name = "of the command line",
            Version = 1,
            Keys = trusted,
            Robots = trusted.Values.Select(key => new Robot(key.Name, [key.Identity], null)).ToImmutableDictionary(robot => robot.Name, StringComparer.Ordinal),
            Images = [new(Rule, [everywhere], null, Mode.Enforce, new ImageDemand.Require(signed, null), null)],
        };
    }

    /// <summary>Whether the image is signed by a key of <paramref name="policy"/>.</summary>
    public static Decision DecideSigned(Subject subject, Claims claims, Policy policy, DateTimeOffset now) =>
        ImageGate.Rule(ImageReference.At(subject.Repository, subject.Digest).ToString(), new(null, null), policy) switch
        {
            ImageRuling.NeedsEvidence ruling => ImageGate.Decide(ruling, claims, policy, new Circumstances(now)).Decision,
            ImageRuling.Settled(var decision, _) => decision,
            _ => throw new UnreachableException(),
        };

    /// <summary>Whether a verified statement of exactly this predicate type is about the image.</summary>
    public static Decision DecideAttested(Subject subject, Claims claims, string predicateType)
    {
        const string At = Rule + ".attested";
        const string Remedy = "attach a statement of this type signed with one of the keys (cosign attest)";
        if (claims.Proven.Where(claim => claim.PredicateType == predicateType).ToArray() is [_, ..] proven)
        {
            return Decision.AllowBecause([.. proven.Select(claim => new Reason(At, $"{subject} has a verified {predicateType} ({claim.Where}, {claim.Evidence})"))]);
        }

        Reason[] why =
        [
            .. claims.Proven.Select(claim => new Reason(At, $"{claim.Where} is {(claim.PredicateType is { } other ? $"a {other}" : "a signature")}, not a {predicateType}", Remedy)),
            .. claims.Refused.Select(refused => new Reason(At, $"{refused.Where}: {refused.Detail} ({refused.Code})", Remedy)),
        ];

        // While something could not be read, a missing statement proves nothing: it may be there.
        return claims.Unread.Length > 0 ? new(Verdict.Unknown, claims.Unread, [.. why])
            : why is [] ? Decision.Deny(new Reason(At, $"{subject} has no statement attached", Remedy))
            : Decision.Deny(why);
    }
}
