using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Approvals;
using Governance.Gates.Evidence;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;
using Governance.Gates.Sigstore;
using Subject = Governance.Gates.Evidence.Subject;

namespace Governance.Gates.Admission;

/// <summary>A recorded decision, made again.</summary>
/// <param name="Again">The entry that it makes now.</param>
/// <param name="Differences">Names of the entry's fields that come out differently; none where the entry is the same byte for byte.</param>
/// <param name="Decided">How many answers were decided again from policy and evidence.</param>
/// <param name="Taken">How many stand as they were recorded: they rested on the object alone, which nobody keeps, or on what could not be read.</param>
public sealed record ReplayedDecision(LedgerEntry Again, ImmutableArray<string> Differences, int Decided, int Taken);

/// <summary>Makes a decision of the admission gate again from its entry and the bytes that were kept, and from nothing else.</summary>
/// <remarks>The policy is read again, every statement is verified again with its keys, quorums are counted again at the second of the decision.</remarks>
public sealed class DecisionReplay
{
    private const long MostBytes = 256 << 20;

    // Stands for a text that no entry can hold.
    private const string Unwritable = "\0";

    private readonly LedgerEntry entry;
    private readonly Func<Digest, Reading<ReadOnlyMemory<byte>>> kept;
    private readonly Basis basis;
    private readonly Policy policy;
    private readonly TrustedSigners signers;

    private DecisionReplay(LedgerEntry entry, Func<Digest, Reading<ReadOnlyMemory<byte>>> kept, Basis basis, Policy policy) => (this.entry, this.kept, this.basis, this.policy, signers) = (entry, kept, basis, policy, new(policy));

    /// <summary>Makes a decision again.</summary>
    /// <param name="entry">Its entry.</param>
    /// <param name="kept">The kept bytes of a digest, held against it.</param>
    /// <returns>What comes of it; or what of it is missing, or cannot be read. Never throws for what the log holds.</returns>
    public static Reading<ReplayedDecision> Of(LedgerEntry entry, Func<Digest, Reading<ReadOnlyMemory<byte>>> kept)
    {
        ArgumentNullException.ThrowIfNull(entry);
        ArgumentNullException.ThrowIfNull(kept);
        kept = Once(kept);
        try
        {
            if (entry is not { EventType: LedgerEvents.Decision, Details: { } details, Policy: { } named, Resource: not null, Mode: not null })
            {
                return Unread("is no decision that could be made again", "name an entry of the type decision; gates ledger query lists them");
            }

            var basis = new Basis();
            basis.Read(details switch
            {
                EntryPart<ReadOnlyMemory<byte>>.Inline(var inline) => inline,
                EntryPart<ReadOnlyMemory<byte>>.Kept(var digest, _) => Bytes(kept, digest),
                _ => default,
            });
            return basis.Fault is { } fault
                ? Unread($"has details that cannot be read: {fault}", "use the version that wrote it, or a later one")
                : basis.IsIncomplete ? Unread($"rests on more than {JsonFields.MostInList} of a kind, and names the first of them", "look at the object, its statements and the policy")
                : new DecisionReplay(entry, kept, basis, ReadPolicy(entry, named, kept)).Decide();
        }
        catch (Missing missing)
        {
            return new Reading<ReplayedDecision>.Unread(missing.Reason);
        }
#pragma warning disable CA1031 // A log may hold anything under digests that fit. Whatever it makes of this, the decision was not made again, and that is the answer.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return Unread($"holds what no decision of this program rests on ({exception.GetType().Name})", "look at whether the entry is one of this program");
        }
    }

    private Reading<ReplayedDecision> Decide()
    {
        var request = Request();
        var place = new Place(request.Namespace, entry.Cluster);
        var @case = new AdmissionCase(
            request,
            policy,
            AdmissionGate.ModeOf(request, policy.Admission),
            basis.Settled,
            [.. basis.Images.Select(image => image.Answer is { } answer ? new(Unwritable, image.Path, new ImageRuling.Settled(answer.Decision, answer.Mode)) : AdmissionGate.Question(request, image.Text, image.Path, place, policy))])
        {
            Documents = [.. basis.Documents.Select(Document)],
        };
        @case = @case with { Template = AdmissionGate.NeedsTemplate(request, @case.Images) ? Template() : null };
        var claims = basis.Subjects.ToDictionary(known => known.Subject, Verify);
        var outcome = @case.Decide(claims, new Circumstances(entry.Timestamp) { Revocations = Revocations(), Uses = Uses(), Admitted = [.. basis.Admitted.Select(Record).Where(record => record.Place == @case.MayGoOn)] });
        outcome = basis.Later.Aggregate(outcome, (so, answer) => so.And(answer));
        if (basis.Began is { } began)
        {
            // The record is made again too; only when it began is taken from it.
            outcome = outcome with { Began = @case.Record(outcome, Record(began).BegunAt) };
        }

        if (DecisionEntry.Of(@case, outcome, entry.Component, entry.Cluster, entry.Inputs.FirstOrDefault(input => input.Kind == EntryInputKind.Trust)) is not { } again)
        {
            return Unread("comes to nothing that would be recorded", "look at whether the entry is one of this program");
        }

        // What the writer of the log gave it is no decision.
        again = again with { PreviousHash = entry.PreviousHash, Origin = entry.Origin, Epoch = entry.Epoch, Sequence = entry.Sequence };
        var taken = basis.Settled.Length + basis.Later.Length + basis.Images.Count(image => image.Answer is not null);
        return new Reading<ReplayedDecision>.Found(new(again, Differences(again), outcome.Answers.Length - taken, taken));
    }

    private AdmissionRequest Request()
    {
        var metadata = new JsonObject();
        if (basis.Workload is { } workload && workload.IndexOf('/', StringComparison.Ordinal) is > 0 and var slash)
        {
            metadata["name"] = workload[(slash + 1)..];
        }

        if (entry.Resource!.Uid is { } uid)
        {
            metadata["uid"] = uid;
        }

        if (entry.Resource.Generation is { } generation)
        {
            metadata["generation"] = generation;
        }

        var (operation, resource) = (entry.Action ?? "").Split(' ', 2) is [var first, var second] ? (first, second) : throw new Missing(Reason("names no action", "look at whether the entry is one of this program"));
        var subresource = resource.IndexOf('/', StringComparison.Ordinal);
        return new()
        {
            Uid = entry.CorrelationId ?? "",
            Group = entry.Resource.Group ?? "",
            Kind = entry.Resource.Kind,
            Resource = subresource < 0 ? resource : resource[..subresource],
            ResourceGroup = entry.Resource.Group ?? "",
            Subresource = subresource < 0 ? "" : resource[(subresource + 1)..],
            Operation = operation.ToUpperInvariant(),
            Namespace = entry.Namespace,
            Name = entry.Resource.Name ?? "",
            User = entry.Actor switch
            {
                null => "",
                { Id: PersonalText.Plain(var user) } => user,
                _ => throw new Missing(Reason("names who asked in an encrypted form", "decrypt it with the key that the entry names")),
            },
            Object = JsonDocument.Parse(new JsonObject { ["metadata"] = metadata }.ToJsonString()).RootElement,
        };
    }

    private Claims Verify(KnownSubject known)
    {
        var items = known.Proven.Select(proven =>
        {
            var bytes = Bytes(kept, proven.Evidence);
            var annotations = proven.Annotations is { } beside ? LayerAnnotations.Read(Bytes(kept, beside)) ?? throw new Missing(Reason($"rests on annotations {beside}, which cannot be read", "use the version that wrote it, or a later one")) : CosignAnnotations.None;
            SignedEntity entity = proven.Signature is { } signature ? new SignedEntity.CosignSignature(bytes, Encoding.UTF8.GetString(Bytes(kept, signature).Span)) { Annotations = annotations }
                : RevocationListReader.IsEnvelope(bytes.Span) ? new SignedEntity.Envelope(bytes) { Annotations = annotations }
                : new SignedEntity.Bundle(bytes);
            return new EvidenceItem(entity, proven.Evidence, proven.Where);
        });
        var verified = Claims.Verify(known.Subject.Digest, new([.. items], known.Unread), signers);
        return verified with { Refused = [.. known.Refused, .. verified.Refused] };
    }

    private DocumentQuestion Document(KnownDocument known)
    {
        if (!policy.Approvals.TryGetValue(known.Action, out var rule))
        {
            throw new Missing(Reason($"rests on the action {known.Action}, which its policy does not know", "look at whether the entry is one of this program"));
        }

        // Which values moved was decided from the object as it was, which nobody keeps; who must agree to that follows from the policy.
        var values = known.Values.Select(path => (policy.Review?.Values ?? []).FirstOrDefault(value => value.Path == path)?.Test is ValueTest.Moved(_, var require)
            ? require
            : throw new Missing(Reason($"rests on the rule {path}, which its policy does not have", "look at whether the entry is one of this program")));
        rule = rule.With(values);
        var covers = known.Covers.Select(covered => covered with { Projection = covered.Kind is CoveredKind.Object or CoveredKind.Command && kept(covered.Digest).Try(out var bytes, out _) ? bytes : default });
        return new(known.Subject, new(rule, known.Path, known.What, [.. covers], known.Environment, known.Cluster, known.Namespace, known.Workload) { Difference = (approved, actual) => ObjectProjection.Difference(approved, actual) }) { Values = known.Values };
    }

    private Reading<TemplateProjection> Template()
    {
        if (basis.Template is { } unread)
        {
            return new Reading<TemplateProjection>.Unread(unread);
        }

        if (entry.TemplateDigest is not { } digest)
        {
            throw new Missing(Reason("names no pod template, and its decision rested on one", "look at whether the entry is one of this program"));
        }

        using var json = JsonDocument.Parse(Bytes(kept, digest), new JsonDocumentOptions { MaxDepth = CanonicalNode.MaxDepth });
        return TemplateProjection.TryParse(json.RootElement) is { } template && template.Digest == digest
            ? new Reading<TemplateProjection>.Found(template)
            : throw new Missing(Reason($"has a template {digest} that is no projection", "use the version that wrote it, or a later one"));
    }

    private Reading<RevocationList> Revocations() => (basis.Revocations, entry.Inputs.FirstOrDefault(input => input.Kind == EntryInputKind.Revocations)) switch
    {
        ({ } unread, _) => new Reading<RevocationList>.Unread(unread),
        (_, { Digest: var digest }) => RevocationListReader.Read(Bytes(kept, digest), policy, entry.Timestamp),
        _ when policy.Revocations is not null => throw new Missing(Reason("names no list of revocations, and its policy asks for one", "look at whether the entry is one of this program")),
        _ => new Reading<RevocationList>.Found(RevocationList.Empty),
    };

    private Reading<IReadOnlyDictionary<string, long>> Uses() => basis.UsesUnread is { } unread
        ? new Reading<IReadOnlyDictionary<string, long>>.Unread(unread)
        : new Reading<IReadOnlyDictionary<string, long>>.Found(basis.Uses.ToDictionary(use => use.Request, use => use.Count, StringComparer.Ordinal));

    private AdmittedRecord Record(Digest digest) => AdmittedRecord.Read(Bytes(kept, digest)).Try(out var record, out var why) ? record : throw new Missing(why);

    private ImmutableArray<string> Differences(LedgerEntry again)
    {
        var recorded = Fields(entry);
        var made = Fields(again);
        return [.. recorded.Keys.Union(made.Keys).Where(name => recorded.GetValueOrDefault(name) != made.GetValueOrDefault(name)).Order(StringComparer.Ordinal)];
    }

    private static Dictionary<string, string> Fields(LedgerEntry entry)
    {
        if (!entry.Fit(out _).Write().Try(out var bytes, out var why))
        {
            throw new Missing(why);
        }

        using var json = JsonDocument.Parse(bytes);
        return json.RootElement.EnumerateObject().ToDictionary(field => field.Name, field => field.Value.GetRawText(), StringComparer.Ordinal);
    }

    private static Policy ReadPolicy(LedgerEntry entry, EntryPolicy named, Func<Digest, Reading<ReadOnlyMemory<byte>>> kept)
    {
        var files = entry.Inputs.FirstOrDefault(input => input.Kind == EntryInputKind.Trust) is { } trust && PolicyFiles.Read(Bytes(kept, trust.Digest)) is { } read
            ? read
            : throw new Missing(Reason("does not say which key files its policy had", "only what this version or a later one recorded can be decided again"));

        // The copies of public instances' roots that were there then, not those that this program carries now.
        return PolicyReader.Read(Bytes(kept, named.Digest), File, instance => File(SigstoreTrust.FileNameOf(instance))) switch
        {
            PolicyReading.Accepted(var policy, _) => policy,
            PolicyReading.Refused(var mistakes) => throw new Missing(Reason($"rests on policy {named.Digest}, which this version cannot read: {mistakes[0]}", "use the version that wrote it")),
            _ => throw new System.Diagnostics.UnreachableException(),
        };

        ReadOnlyMemory<byte>? File(string name) => files.TryGetValue(name, out var digest) ? Bytes(kept, digest) : null;
    }

    // One file may be named many times. What no honest entry rests on is not read to its end.
    private static Func<Digest, Reading<ReadOnlyMemory<byte>>> Once(Func<Digest, Reading<ReadOnlyMemory<byte>>> kept)
    {
        var read = new Dictionary<Digest, Reading<ReadOnlyMemory<byte>>>();
        var left = MostBytes;
        return digest =>
        {
            if (!read.TryGetValue(digest, out var bytes))
            {
                bytes = left >= 0 ? kept(digest) : new Reading<ReadOnlyMemory<byte>>.Unread(Reason($"rests on more than {MostBytes >> 20} MiB", "look at whether the entry is one of this program"));
                left -= bytes.Try(out var found, out _) ? found.Length : 0;
                read.Add(digest, bytes);
            }

            return bytes;
        };
    }

    private static ReadOnlyMemory<byte> Bytes(Func<Digest, Reading<ReadOnlyMemory<byte>>> kept, Digest digest) => kept(digest).Try(out var bytes, out var why) ? bytes : throw new Missing(why);

    private static Reading<ReplayedDecision> Unread(string message, string remedy) => new Reading<ReplayedDecision>.Unread(Reason(message, remedy));

    private static Reason Reason(string message, string remedy) => new("ledger", $"the entry {message}", remedy);

    // Ends the reading of what a decision rested on, wherever in it something is missing; never leaves this class.
    private sealed class Missing(Reason reason) : Exception(reason.Message)
    {
        public Reason Reason { get; } = reason;
    }

    private sealed record KnownImage(string? Text, string Path, Answer? Answer);

    private sealed record KnownEvidence(Digest Evidence, Digest? Signature, Digest? Annotations, string Where);

    private sealed record KnownSubject(Subject Subject, ImmutableArray<KnownEvidence> Proven, ImmutableArray<RefusedEvidence> Refused, ImmutableArray<Reason> Unread);

    private sealed record KnownDocument(Subject Subject, string Action, string Path, string What, ImmutableArray<Covered> Covers, string? Environment, string? Cluster, string? Namespace, string? Workload)
    {
        public ImmutableArray<string> Values { get; init; } = [];
    }

    private sealed class Basis : JsonFields
    {
        public ImmutableArray<Digest> Admitted { get; private set; } = [];

        public Digest? Began { get; private set; }

        public bool IsIncomplete { get; private set; }

        public ImmutableArray<KnownDocument> Documents { get; private set; } = [];

        public ImmutableArray<KnownImage> Images { get; private set; } = [];

        public ImmutableArray<Answer> Later { get; private set; } = [];

        public ImmutableArray<Answer> Settled { get; private set; } = [];

        public ImmutableArray<KnownSubject> Subjects { get; private set; } = [];

        public ImmutableArray<(string Request, long Count)> Uses { get; private set; } = [];

        public Reason? Revocations { get; private set; }

        public Reason? Template { get; private set; }

        public Reason? UsesUnread { get; private set; }

        public string? Workload { get; private set; }

        public void Read(ReadOnlyMemory<byte> details)
        {
            using var json = JsonDocument.Parse(details);
            var root = json.RootElement;
            Admitted = List(root, "admitted", item => Digest(item, "admitted"));
            Began = Find(root, "began") is { } began ? Digest(began, "began") : null;
            IsIncomplete = Find(root, "incomplete") is not null;
            Documents = List(root, "documents", item => new KnownDocument(
                SubjectOf(item),
                RequiredText(item, "action"),
                RequiredText(item, "path"),
                RequiredText(item, "what"),
                List(item, "covers", covered => new Covered(Word<CoveredKind>(covered, "kind"), OptionalText(covered, "name"), RequiredDigest(covered, "digest"), default)),
                OptionalText(item, "environment"),
                OptionalText(item, "cluster"),
                OptionalText(item, "namespace"),
                OptionalText(item, "workload"))
            {
                Values = List(item, "values", value => Text(value, "values") ?? ""),
            });
            Images = List(root, "images", item => new KnownImage(OptionalText(item, "image"), OptionalText(item, "path") ?? "", Object(item, "answer") is { } answer ? AnswerOf(answer) : null));
            Later = List(root, "later", AnswerOf);
            Settled = List(root, "settled", AnswerOf);
            Subjects = List(root, "subjects", item => new KnownSubject(
                SubjectOf(item),
                List(item, "proven", proven => new KnownEvidence(RequiredDigest(proven, "evidence"), OptionalDigest(proven, "signature"), OptionalDigest(proven, "annotations"), RequiredText(proven, "where"))),
                List(item, "refused", refused => new RefusedEvidence(RequiredText(refused, "where"), Word<RejectionCode>(refused, "code"), Long(refused, "detail") ?? "")),
                List(item, "unread", ReasonOf)));
            Uses = List(root, "uses", item => (RequiredText(item, "request"), RequiredCount(item, "count")));
            Revocations = Object(root, "revocations") is { } revocations ? ReasonOf(revocations) : null;
            Template = Object(root, "template") is { } template ? ReasonOf(template) : null;
            UsesUnread = Object(root, "uses_unread") is { } uses ? ReasonOf(uses) : null;
            Workload = OptionalText(root, "workload");
        }

        private Answer AnswerOf(JsonElement item) => new(new Decision(Word<Verdict>(item, "verdict"), List(item, "reasons", ReasonOf), List(item, "notes", ReasonOf)), Word<Mode>(item, "mode"));

        private Reason ReasonOf(JsonElement item) => new(RequiredText(item, "rule"), Long(item, "message") ?? "", Long(item, "remedy"));

        private Subject SubjectOf(JsonElement item)
        {
            if (ImageReference.Read(RequiredText(item, "subject")) is Reading<ImageReference>.Found({ Digest: { } digest } reference))
            {
                return new(reference.Repository, digest);
            }

            Fail("'subject' is no image with a digest");
            return null!;
        }

        private Digest Digest(JsonElement value, string name)
        {
            if (Governance.Gates.Images.Digest.TryParse(value.Text()) is { } digest)
            {
                return digest;
            }

            Fail($"'{name}' is no digest");
            return null!;
        }

        private T Word<T>(JsonElement item, string name)
            where T : struct, Enum
        {
            if (Enum.TryParse<T>(RequiredText(item, name), out var word) && Enum.IsDefined(word))
            {
                return word;
            }

            Fail($"'{name}' is none of the known words");
            return default;
        }

        private string? Long(JsonElement item, string name) => Find(item, name) is { } value ? Text(value, name, LedgerText.LongestMessage) : null;

        // Written as a ledger holds text, and read as such.
        protected override bool IsText(string text, int longest) => LedgerText.IsLine(text, longest);
    }
}
