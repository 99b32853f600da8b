using System.Text;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;
using Governance.Gates.Sigstore;
using Governance.Gates.Sigstore.Ssh;

namespace Governance.Gates.Reviews;

/// <summary>A tag, as the forge tells it.</summary>
/// <param name="Name">Its name, without <c>refs/tags/</c>.</param>
/// <param name="IsAnnotated">Whether it is an object of its own, which somebody can sign; otherwise a name alone.</param>
/// <param name="TargetType">What it names: <c>commit</c>, <c>tree</c>, <c>blob</c> or another <c>tag</c>.</param>
/// <param name="Target">The object id of that.</param>
/// <param name="Verification">What the forge tells of its signature; null where it tells nothing.</param>
public sealed record ForgeTag(string Name, bool IsAnnotated, string TargetType, string Target, TagVerification? Verification);

/// <summary>What the forge tells of a tag's signature (GitHub REST API, schema <c>verification</c>).</summary>
/// <param name="Reason">How its own verification ended, such as <c>valid</c> or <c>unsigned</c>.</param>
/// <param name="Payload">What was signed; null where nothing was.</param>
/// <param name="Signature">The signature, armored; null where there is none.</param>
public sealed record TagVerification(string Reason, string? Payload, string? Signature);

/// <summary>What was decided about a tag.</summary>
/// <param name="Decision">The decision.</param>
/// <param name="Commit">The commit that it names; null unless it is allowed.</param>
/// <param name="Person">Whoever of the policy signed it; null unless it is allowed.</param>
public sealed record TagResult(Decision Decision, string? Commit, string? Person);

/// <summary>Decides whether a tag is signed by a person of the policy. A signature with SSH is verified here, one with OpenPGP by <c>gpgv</c>; of others only the forge's word is known, which does not say whose key it was.</summary>
public static class ReleaseTag
{
    private const string Rule = "tag";
    private const string SshArmor = "-----BEGIN SSH SIGNATURE-----";
    private const string OpenPgpArmor = "-----BEGIN PGP SIGNATURE-----";
    private const string SignIt = "sign it anew: git tag -s -f, with gpg.format set to ssh and a key that the policy gives to a person";

    /// <summary>Decides about a tag.</summary>
    /// <param name="tag">The tag.</param>
    /// <param name="policy">The policy.</param>
    /// <param name="now">When person and key must count: the time that a tagger names proves nothing.</param>
    /// <param name="revoked">Who and which keys no longer count; unread where the list is missing or too old.</param>
    /// <param name="openPgp">What gpgv found of the signature that <see cref="OpenPgpSignature"/> gives, with the keys of all people; null where it was not asked.</param>
    public static TagResult Decide(ForgeTag tag, Policy policy, DateTimeOffset now, Reading<RevocationList> revoked, Reading<OpenPgpOutcome>? openPgp = null)
    {
        ArgumentNullException.ThrowIfNull(tag);
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(revoked);
        var name = OneLine.Show(tag.Name);
        return tag switch
        {
            { IsAnnotated: false } => Deny($"the tag {name} is lightweight: a name for a {OneLine.Show(tag.TargetType)}, which nobody signed, whoever signed the commit", "make it with git tag -s"),
            { TargetType: not "commit" } => Deny($"the tag {name} names a {OneLine.Show(tag.TargetType)} and no commit", "tag the commit itself"),
            { Verification: null } => Unknown($"GitHub does not tell the signature of the tag {name}", "update GitHub Enterprise Server, or verify the tag where the repository is checked out"),
            { Verification: { Signature: { } signature } told } when signature.StartsWith(SshArmor, StringComparison.Ordinal) => OfSsh(tag, told.Payload, signature, policy, now, revoked),
            { Verification.Payload: { } payload } when openPgp is Reading<OpenPgpOutcome>.Found(var outcome) => OfOpenPgp(tag, payload, outcome, policy, now, revoked),
            { Verification: { Signature: not null } told } when openPgp is Reading<OpenPgpOutcome>.Unread(var why) => Unknown($"{why.Message}: GitHub calls the signature of the tag {name} {OneLine.Show(told.Reason)}, and does not say whose key it is by", why.Remedy ?? SignIt),
            { Verification.Reason: "gpgverify_error" or "gpgverify_unavailable" } => Unknown($"GitHub could not verify the tag {name} just now ({tag.Verification.Reason})", "try again later"),
            { Verification.Signature: null } => Deny($"nobody signed the tag {name} (GitHub says: {OneLine.Show(tag.Verification.Reason)})", SignIt),
            { Verification.Reason: "valid" } => Unknown($"the tag {name} is not signed with SSH; GitHub says that its signature is valid, and not by whose key, which may be that of any account", SignIt),
            _ => Deny($"GitHub does not accept the signature of the tag {name} (it says: {OneLine.Show(tag.Verification.Reason)})", SignIt),
        };
    }

    /// <summary>What there is to verify with OpenPGP: what was signed, and the armored signature.</summary>
    /// <returns>null: the tag has none, or nobody in the policy has a key for it.</returns>
    public static (string Payload, string Signature)? OpenPgpSignature(ForgeTag tag, Policy policy)
    {
        ArgumentNullException.ThrowIfNull(tag);
        ArgumentNullException.ThrowIfNull(policy);
        return tag is { IsAnnotated: true, TargetType: "commit", Verification: { Payload: { } payload, Signature: { } signature } }
            && signature.StartsWith(OpenPgpArmor, StringComparison.Ordinal) && policy.People.Values.Any(person => !person.OpenPgp.IsEmpty)
            ? (payload, signature) : null;
    }

    private static TagResult OfOpenPgp(ForgeTag tag, string payload, OpenPgpOutcome outcome, Policy policy, DateTimeOffset now, Reading<RevocationList> revoked)
    {
        var name = OneLine.Show(tag.Name);
        if (outcome is not OpenPgpOutcome.Signed(var fingerprint))
        {
            return Deny($"the tag {name} is not signed by a person of the policy: its OpenPGP signature {((OpenPgpOutcome.Refused)outcome).Why}", SignIt);
        }

        if (policy.People.Values.FirstOrDefault(person => person.OpenPgp.Any(key => key.Fingerprint == fingerprint)) is not { } person)
        {
            return Deny($"the tag {name} is signed with the OpenPGP key {fingerprint}, which is nobody's in the policy", SignIt);
        }

        var today = DateOnly.FromDateTime(now.UtcDateTime);
        return today < person.From || today > person.Until ? Deny($"the tag {name} was signed by {person.Name}, who is not in office now", SignIt)
            : GitTag.Read(Encoding.UTF8.GetBytes(payload)) is not var (commit, signedAs) ? Deny($"what {person.Name} signed is no tag of git with a commit, a name, a tagger and one signature", SignIt)
            : signedAs != tag.Name ? Deny($"the tag was signed by {person.Name} as '{OneLine.Show(signedAs)}', and stands under '{name}'", SignIt)
            : Of(tag, commit, person, null, "OpenPGP", revoked);
    }

    // What was signed counts; the forge's word beside it only shows that both speak of one tag.
    private static TagResult Of(ForgeTag tag, string commit, Person person, Digest? key, string how, Reading<RevocationList> revoked)
    {
        var name = OneLine.Show(tag.Name);
        if (!revoked.Try(out var revocations, out var why))
        {
            return new(Decision.Unknown(why with { Rule = Rule, Message = $"whether {person.Name}, who signed the tag {name}, was revoked: {why.Message}" }), null, null);
        }

        return revocations.People.Contains(person.Id) || (key is not null && revocations.Keys.Contains(key)) ? Deny($"the tag {name} was signed by {person.Name}, who or whose key was revoked in list {revocations.Number}", SignIt)
            : commit != tag.Target ? Deny($"the tag {name} was signed by {person.Name} for {commit}, and GitHub says that it names {OneLine.Show(tag.Target)}", "find out who moved it")
            : new(Decision.AllowBecause(new Reason(Rule, $"the tag {name} names {commit}, signed with {how} by {person.Name}")), commit, person.Name);
    }

    private static TagResult OfSsh(ForgeTag tag, string? payload, string signature, Policy policy, DateTimeOffset now, Reading<RevocationList> revoked)
    {
        var name = OneLine.Show(tag.Name);
        if (payload is null)
        {
            return Unknown($"GitHub does not tell what the signature of the tag {name} is over", "try again later");
        }

        PublicKey[] keys = [.. policy.Keys.Values.Where(key => policy.PersonOf(key.Identity) is not null).Select(key => key.PublicKey)];
        var outcome = GitTag.Verify(Encoding.UTF8.GetBytes(payload + signature), tag.Name, keys);
        if (outcome is not VerificationOutcome.Verified { Signers: [var key], Content: SignedContent.Tag { GitTag: var signed } })
        {
            return Deny($"the tag {name} is not signed by a person of the policy: {(outcome as VerificationOutcome.Rejected)?.Detail}", SignIt);
        }

        var identity = new Identity.Key(Digest.FromHash(key.SpkiSha256.Span));
        var person = policy.PersonOf(identity)!;
        return policy.WhyNotNow(identity, now) is { } why
            ? Deny($"the tag {name} was signed by {person.Name}, who {why}", SignIt)
            : Of(tag, signed.Commit, person, identity.Spki, "SSH", revoked);
    }

    private static TagResult Deny(string message, string remedy) => new(Decision.Deny(new Reason(Rule, message, remedy)), null, null);

    private static TagResult Unknown(string message, string remedy) => new(Decision.Unknown(new Reason(Rule, message, remedy)), null, null);
}
