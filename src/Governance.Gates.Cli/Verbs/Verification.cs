using System.Collections.Immutable;
using System.Text.Json;
using Governance.Gates.Admission;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Evidence;
using Governance.Gates.Policies;

namespace Governance.Gates.Cli.Verbs;

/// <summary>What <c>gates verify</c> found out.</summary>
/// <param name="Image">As the command line names it.</param>
/// <param name="Target">What it is; null where it could not be found.</param>
/// <param name="Decision">The answer.</param>
/// <param name="Claims">What hangs on it; null where nothing had to be looked at.</param>
internal sealed record Verification(string Image, ImageTarget? Target, Decision Decision, Claims? Claims)
{
    /// <summary>The answer, each reason, and each piece of evidence.</summary>
    /// <param name="policy">The policy file that decided; null where keys did.</param>
    /// <param name="remarks">What the user should know about how it was decided.</param>
    public Report ToReport((string File, Policy Policy)? policy, ImmutableArray<Fact> remarks) =>
        new("decision.schema.json", Decision.ExitCode, $"{AdmissionAnswer.Name(Decision.Verdict)}: {Target?.Subject.ToString() ?? Image}", [.. Facts(policy), .. remarks], json => Write(json, policy));

    private IEnumerable<Fact> Facts((string File, Policy Policy)? policy) =>
    [
        .. Target?.Resolution is { } resolution ? [new Fact("resolved", resolution)] : (Fact[])[],
        .. policy is var (file, read) ? [new Fact("policy", $"{file}, {read.Name} version {read.Version}, {read.Digest}")] : (Fact[])[],
        .. Fact.Of(Decision),
        .. (Claims?.Proven ?? []).Select(claim => new Fact("accepted", $"{claim.Where}: {What(claim)} by {string.Join(" and ", claim.Signers)}{(claim.Names is { } names ? $", for {names}" : "")}")),
        .. (Claims?.Refused ?? []).Select(refused => new Fact("refused", $"{refused.Where}: {refused.Code}: {refused.Detail}")),
        // Where it decides, the reasons say it already.
        .. (Decision.Verdict == Verdict.Unknown ? [] : Claims?.Unread ?? []).Select(unread => new Fact("unread", unread.ToString())),
    ];

    private static string What(Claim claim) => claim.PredicateType is { } type ? $"statement {type}" : "signature";

    private void Write(Utf8JsonWriter json, (string File, Policy Policy)? policy)
    {
        json.WriteDecision(Decision);
        json.WriteStartArray("subjects");
        json.WriteStartObject();
        json.WriteString("image", Image);
        json.WriteString("repository", Target?.Subject.Repository.ToString());
        json.WriteString("digest", Target?.Subject.Digest.ToString());
        json.WriteEndObject();
        json.WriteEndArray();
        if (policy is var (file, read))
        {
            json.WritePolicy(file, read);
        }

        json.WriteStartArray("evidence");
        foreach (var claim in Claims?.Proven ?? [])
        {
            json.WriteStartObject();
            json.WriteBoolean("accepted", true);
            json.WriteString("where", claim.Where);
            json.WriteString("digest", claim.Evidence.ToString());
            json.WriteString("predicateType", claim.PredicateType);
            json.WriteString("names", claim.Names);
            json.WriteStartArray("signers");
            foreach (var signer in claim.Signers)
            {
                json.WriteStringValue(signer.ToString());
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        foreach (var refused in Claims?.Refused ?? [])
        {
            json.WriteStartObject();
            json.WriteBoolean("accepted", false);
            json.WriteString("where", refused.Where);
            json.WriteString("code", refused.Code.ToString());
            json.WriteString("detail", refused.Detail);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteReasons("unread", Claims?.Unread ?? []);
    }
}
