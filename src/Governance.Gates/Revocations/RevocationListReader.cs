using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Revocations;

/// <summary>Reads a signed list of revocations: who signed it comes first, what it says after.</summary>
public static class RevocationListReader
{
    /// <summary>The most bytes of an envelope or bundle that are read: 16 MiB.</summary>
    public const int MostBytes = 16 << 20;

    private const int MostCritical = 64;
    private const string Rule = "trust.revocations";
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 64 };
    private static readonly string[] Formats = ["yyyy-MM-dd'T'HH:mm:ss'Z'", RevocationStatement.TimeFormat];

    // What a reader of this version understands; a later version may name more.
    private static readonly string[] Understood = ["v", "critical", "number", "issuedAt", "revoked"];

    /// <summary>The list, where one of those signed it who may sign it for this policy and count now.</summary>
    /// <remarks>Never throws for what it is given to read. How old the list is and what came before it is judged by <see cref="RevocationState"/>.</remarks>
    /// <param name="signedJson">A DSSE envelope or a Sigstore bundle, in JSON.</param>
    /// <param name="policy">The policy; its <c>trust.revocations</c> says who may sign.</param>
    /// <param name="now">The time.</param>
    /// <param name="standing">The list that counts until now: whom it revokes cannot sign the next, and so nobody takes back their own revocation. Null where there is none.</param>
    public static Reading<RevocationList> Read(ReadOnlyMemory<byte> signedJson, Policy policy, DateTimeOffset now, RevocationList? standing = null)
    {
        ArgumentNullException.ThrowIfNull(policy);
        if (policy.Revocations is not { } source)
        {
            return Unread("the policy names nobody who may sign a list of revocations", "add trust.revocations to the policy");
        }

        var verification = new TrustedSigners(policy).PolicyFor(RevocationStatement.SubjectOf(policy.Name)) with { PredicateType = RevocationStatement.PredicateType };
        SignedEntity entity = IsEnvelope(signedJson.Span) ? new SignedEntity.Envelope(signedJson) : new SignedEntity.Bundle(signedJson);
        switch (SigstoreVerifier.Verify(entity, verification))
        {
            case VerificationOutcome.Rejected rejected:
                return Unread($"the list of revocations of {policy.Name} does not verify: {rejected.Detail} ({rejected.Code})", SignAgain(source));
            case VerificationOutcome.Verified { Content: SignedContent.Statement { Subjects.Length: 1, Predicate: var predicate } } verified:
                return WhyNobodyCounts(TrustedSigners.SignersOf(verified), source, policy, now, standing) is { } why ? Unread($"the list of revocations of {policy.Name} {why}", SignAgain(source)) : Read(predicate, signedJson, source, now);
            default:
                return Unread($"the list of revocations of {policy.Name} is no statement about that list alone", SignAgain(source));
        }
    }

    /// <summary>Null where one of the signers counts.</summary>
    private static string? WhyNobodyCounts(ImmutableArray<Identity> signers, RevocationSource source, Policy policy, DateTimeOffset now, RevocationList? standing)
    {
        var why = new List<string>();
        foreach (var signer in signers)
        {
            var (name, mistake) = policy.Accept(signer, source.By, now);
            if (mistake is null && standing is not null && ((signer is Identity.Key(var spki) && standing.Keys.Contains(spki)) || (policy.PersonOf(signer) is { } person && standing.People.Contains(person.Id))))
            {
                mistake = $"who is revoked by list {standing.Number}";
            }

            if (mistake is null)
            {
                return null;
            }

            why.Add($"{name}, {mistake}");
        }

        return $"is signed by {string.Join(", and by ", why)}";
    }

    private static Reading<RevocationList> Read(ReadOnlyMemory<byte> predicate, ReadOnlyMemory<byte> signedJson, RevocationSource source, DateTimeOffset now)
    {
        try
        {
            using var document = JsonDocument.Parse(predicate, Strict);
            return Read(document.RootElement) switch
            {
                ({ } list, _) when list.IssuedAt > now + RevocationState.Tolerance => Unread(
                    $"list {list.Number} of revocations is from {list.IssuedAt:yyyy-MM-dd'T'HH:mm:ss'Z'}, which is still to come",
                    "set the clocks right, of this machine or of where the list was signed"),
                ({ } list, _) => new Reading<RevocationList>.Found(list with { Signed = KeptBytes.Of(signedJson) }),
                var (_, mistake) => Unread($"the list of revocations is signed but {mistake}", SignAgain(source)),
            };
        }
        catch (JsonException)
        {
            return Unread("the list of revocations is signed but has no predicate", SignAgain(source));
        }
    }

    // Strings hold whole characters and no field stands twice: the verifier refuses everything else in what was signed.
    private static (RevocationList? List, string Mistake) Read(JsonElement predicate)
    {
        if (!predicate.TryGetProperty("v", out var v) || v.ValueKind != JsonValueKind.Number || !v.TryGetInt32(out var version) || version != RevocationStatement.Version)
        {
            return (null, $"its 'v' is not {RevocationStatement.Version}: a later version of the gates reads it");
        }

        if (!predicate.TryGetProperty("critical", out var critical) || critical.ValueKind != JsonValueKind.Array || critical.GetArrayLength() > MostCritical)
        {
            return (null, $"its 'critical' is no array of at most {MostCritical} names");
        }

        if (critical.EnumerateArray().Any(name => name.ValueKind != JsonValueKind.String || !Understood.Contains(name.GetString(), StringComparer.Ordinal)))
        {
            return (null, "its 'critical' names a field that this version does not understand: a later version of the gates reads it");
        }

        if (!predicate.TryGetProperty("number", out var numbered) || numbered.ValueKind != JsonValueKind.Number || !numbered.TryGetInt64(out var number) || number is < 1 or > RevocationStatement.HighestNumber)
        {
            return (null, $"its 'number' is no whole number from 1 to {RevocationStatement.HighestNumber}");
        }

        if (!predicate.TryGetProperty("issuedAt", out var issued) || issued.ValueKind != JsonValueKind.String
            || !DateTimeOffset.TryParseExact(issued.GetString(), Formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var issuedAt))
        {
            return (null, "its 'issuedAt' is no time in UTC such as 2026-01-31T12:00:00Z");
        }

        if (!predicate.TryGetProperty("revoked", out var revoked) || revoked.ValueKind != JsonValueKind.Object)
        {
            return (null, "its 'revoked' is no object");
        }

        // Each kind must be there: one that is misspelt would revoke nothing, in silence.
        return Ids(revoked, "people") is not { } people ? Wrong("people")
            : Digests(revoked, "keys") is not { } keys ? Wrong("keys")
            : Digests(revoked, "artifacts") is not { } artifacts ? Wrong("artifacts")
            : Ids(revoked, "approvals") is not { } approvals ? Wrong("approvals")
            : (new(number, issuedAt, people, keys, artifacts, approvals), "");

        static (RevocationList?, string) Wrong(string name) =>
            (null, $"its 'revoked.{name}' is no array of at most {RevocationStatement.MostEntries} {(name is "people" or "approvals" ? $"ids, each of 1 to {RevocationStatement.LongestId} characters" : "digests, each sha256: and 64 lower-case hex digits")}");
    }

    private static ImmutableHashSet<string>? Ids(JsonElement revoked, string name) => Entries(revoked, name, text => RevocationStatement.IsId(text) ? text : null);

    private static ImmutableHashSet<Digest>? Digests(JsonElement revoked, string name) => Entries(revoked, name, Digest.TryParse);

    private static ImmutableHashSet<T>? Entries<T>(JsonElement revoked, string name, Func<string, T?> read)
        where T : class
    {
        if (!revoked.TryGetProperty(name, out var list) || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() > RevocationStatement.MostEntries)
        {
            return null;
        }

        var entries = ImmutableHashSet.CreateBuilder<T>();
        foreach (var item in list.EnumerateArray())
        {
            if (item.ValueKind != JsonValueKind.String || read(item.GetString()!) is not { } entry)
            {
                return null;
            }

            entries.Add(entry);
        }

        return entries.ToImmutable();
    }

    /// <summary>Only an envelope has a payload type of its own; what is neither is told so by the verifier.</summary>
    internal static bool IsEnvelope(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 64 });
            while (reader.Read())
            {
                if (reader.CurrentDepth == 1 && reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("payloadType"u8))
                {
                    return true;
                }
            }

            return false;
        }
        catch (JsonException)
        {
            return false;
        }
        catch (InvalidOperationException)
        {
            // A field's name with an escape that spells no character.
            return false;
        }
    }

    private static string SignAgain(RevocationSource source) => $"have it signed by {source.By} with gates revoke";

    private static Reading<RevocationList>.Unread Unread(string message, string remedy) => new(new(Rule, message, remedy));
}
