using System.Collections.Immutable;
using System.Text;
using System.Text.Json;

namespace Governance.Gates.Ledgers;

/// <summary>Writes an entry: <c>previous_hash</c> first, at a fixed place, then the other members in the order of RFC 8785.</summary>
internal static class EntryWriter
{
    public const int Version = 1;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = EntryReader.MaxDepth };

    public static Reading<ReadOnlyMemory<byte>> Write(LedgerEntry entry)
    {
        if (!Draft(entry).Try(out var draft, out var why) || !draft.SizeAt(entry.Sequence).Try(out var size, out why))
        {
            return new Reading<ReadOnlyMemory<byte>>.Unread(why);
        }

        var stored = new byte[size];
        draft.Place(entry.PreviousHash, entry.Sequence, stored);
        return new Reading<ReadOnlyMemory<byte>>.Found(stored);
    }

    /// <summary>The entry as it is at the beginning of a log, and where its sequence stands.</summary>
    public static Reading<EntryDraft> Draft(LedgerEntry entry)
    {
        using var json = CanonicalWriter.Rent();
        if (!LedgerEvents.All.Contains(entry.EventType))
        {
            json.Fail("'event_type' is not registered");
        }

        json.Begin('{');
        json.Hash("previous_hash"u8, default(TreeHash));
        json.Text("action"u8, entry.Action);
        Actor(json, entry.Actor);
        Admitted(json, entry.Admitted);
        Part(json, "artifacts"u8, entry.Artifacts, Artifacts, EntryFit.IsTooLong);
        json.Text("change_id"u8, entry.ChangeId);
        Clock(json, entry.Clock);
        json.Text("cluster"u8, entry.Cluster);
        json.Texts("compliance_tags"u8, entry.ComplianceTags);
        Component(json, entry.Component);
        json.Text("correlation_id"u8, entry.CorrelationId);
        json.Name("critical"u8);
        json.Items(entry.Critical, static (json, name) => json.Text(name));
        Part(json, "details"u8, entry.Details, Document, EntryFit.IsLikeKept);
        if (entry.DryRun)
        {
            json.Name("dry_run"u8);
            json.True();
        }

        json.Text("environment"u8, entry.Environment);
        json.Count("epoch"u8, entry.Epoch, 1);
        json.Text("event_id"u8, entry.EventId);
        json.Text("event_type"u8, entry.EventType);
        Part(json, "evidence"u8, entry.Evidence, Evidence, EntryFit.IsTooLong);
        Exemption(json, entry.Exemption);
        json.Text("incident_id"u8, entry.IncidentId);
        Inputs(json, entry.Inputs);
        json.Text("instance"u8, entry.Instance);
        Personal(json, "ip_address"u8, entry.IpAddress);
        json.Text("mode"u8, entry.Mode is { } mode ? EntryReader.Modes[(int)mode] : null);
        json.Text("namespace"u8, entry.Namespace);
        Part(json, "new_state"u8, entry.NewState, Document, EntryFit.IsLikeKept);
        json.Digest("object_digest"u8, entry.ObjectDigest);
        json.Text("origin"u8, entry.Origin);
        json.Text("outcome"u8, entry.Outcome);
        Parent(json, entry.Parent);
        Policy(json, entry.Policy);
        Part(json, "previous_state"u8, entry.PreviousState, Document, EntryFit.IsLikeKept);
        Part(json, "quorum"u8, entry.Quorum, Quorum, EntryFit.IsTooLong);
        Part(json, "rationale"u8, entry.Rationale, Rationale, static _ => false);
        Part(json, "reasons"u8, entry.Reasons, Reasons, EntryFit.IsTooLong);
        Resource(json, entry.Resource);
        json.Text("retention_class"u8, entry.RetentionClass);
        json.Count("sequence"u8, 0, 0);
        var sequenceAt = json.Written.Length - 1;
        Suppressed(json, entry.Suppressed);
        json.Digest("template_digest"u8, entry.TemplateDigest);
        json.Time("timestamp"u8, entry.Timestamp);
        json.Count("v"u8, Version, Version);
        json.Text("verdict"u8, entry.Verdict is { } verdict ? EntryReader.Verdicts[(int)verdict] : null);
        json.End('}');
        return json.Fault is { } fault
            ? new Reading<EntryDraft>.Unread(EntryDraft.CannotBeWritten(fault))
            : new Reading<EntryDraft>.Found(new(json.Written.ToArray(), sequenceAt));
    }

    public static void Artifacts(CanonicalWriter json, ImmutableArray<EntryArtifact> artifacts) => json.Items(artifacts, static (json, artifact) =>
    {
        json.Begin('{');
        json.Digest("digest"u8, artifact.Digest);
        json.Text("kind"u8, artifact.Kind);
        json.Text("uri"u8, artifact.Uri);
        json.End('}');
    });

    public static void Evidence(CanonicalWriter json, ImmutableArray<EntryEvidence> evidence) => json.Items(evidence, static (json, one) =>
    {
        json.Begin('{');
        json.Digest("digest"u8, one.Digest);
        Personal(json, "signer"u8, one.Signer);
        json.Count("size"u8, one.Size, 0);
        json.Text("type"u8, one.Type);
        json.Time("verified_time"u8, one.VerifiedTime);
        json.End('}');
    });

    public static void Quorum(CanonicalWriter json, ImmutableArray<EntryQuorum> quorums) => json.Items(quorums, static (json, quorum) =>
    {
        json.Begin('{');
        json.List("counted"u8, quorum.Counted, static (json, counted) =>
        {
            json.Begin('{');
            Personal(json, "person"u8, counted.Person);
            json.Text("role"u8, counted.Role);
            json.End('}');
        });
        json.List("excluded"u8, quorum.Excluded, static (json, excluded) =>
        {
            json.Begin('{');
            Personal(json, "person"u8, excluded.Person);
            json.Text("why"u8, excluded.Why);
            json.End('}');
        });
        json.Count("needed"u8, quorum.Needed, 0);
        json.Text("rule"u8, quorum.Rule);
        json.End('}');
    });

    public static void Reasons(CanonicalWriter json, ImmutableArray<EntryReason> reasons) => json.Items(reasons, static (json, reason) =>
    {
        json.Begin('{');
        json.Text("code"u8, reason.Code);
        json.Name("message"u8);
        Personal(json, reason.Message, LedgerText.LongestMessage);
        json.Text("rule"u8, reason.Rule);
        json.End('}');
    });

    public static void Document(CanonicalWriter json, ReadOnlyMemory<byte> document)
    {
        if (CanonicalScan.IsObject(document.Span))
        {
            json.Json(document.Span);
            return;
        }

        try
        {
            using var parsed = JsonDocument.Parse(document, Strict);
            if (parsed.RootElement.ValueKind != JsonValueKind.Object)
            {
                json.Fail("a document is no object");
            }

            json.Element(parsed.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            json.Fail("a document is no strict JSON");
        }
    }

    public static void Rationale(CanonicalWriter json, PersonalText text) => Personal(json, text, LedgerText.LongestMessage);

    private static void Personal(CanonicalWriter json, PersonalText text, int longest)
    {
        switch (text)
        {
            case PersonalText.Plain(var plain):
                json.Text(plain, longest);
                break;
            case PersonalText.Encrypted(var kid, var nonce, var ciphertext):
                if (!EntryReader.IsEncrypted(nonce, ciphertext))
                {
                    json.Fail("an encrypted value is no base64 of bounded length");
                }

                json.Begin('{');
                json.Base64("ct"u8, ciphertext);
                json.Text("kid"u8, kid);
                json.Base64("nonce"u8, nonce);
                json.End('}');
                break;
        }
    }

    private static void Part<T>(CanonicalWriter json, ReadOnlySpan<byte> name, EntryPart<T>? part, Action<CanonicalWriter, T> write, Func<T, bool> cannotStay)
    {
        switch (part)
        {
            case EntryPart<T>.Inline(var value):
                json.Name(name);
                write(json, value);
                if (json.Fault is null && cannotStay(value))
                {
                    json.Fail($"'{Encoding.UTF8.GetString(name)}' has to be kept beside the log");
                }

                break;
            case EntryPart<T>.Kept(var digest, var size):
                json.Name(name);
                json.Begin('{');
                json.Digest("digest"u8, digest);
                json.Count("size"u8, size, 0);
                json.End('}');
                break;
        }
    }

    private static void Personal(CanonicalWriter json, ReadOnlySpan<byte> name, PersonalText? text)
    {
        if (text is not null)
        {
            json.Name(name);
            Personal(json, text, LedgerText.Longest);
        }
    }

    private static void Actor(CanonicalWriter json, EntryActor? actor)
    {
        if (actor is not null)
        {
            json.Name("actor"u8);
            json.Begin('{');
            Personal(json, "id"u8, actor.Id);
            Personal(json, "impersonated_by"u8, actor.ImpersonatedBy);
            json.Text("kind"u8, actor.Kind);
            Personal(json, "on_behalf_of"u8, actor.OnBehalfOf);
            json.Text("role"u8, actor.Role);
            json.End('}');
        }
    }

    private static void Admitted(CanonicalWriter json, EntryAdmitted? admitted)
    {
        if (admitted is not null)
        {
            json.Name("admitted"u8);
            json.Begin('{');
            json.Text("ref"u8, admitted.Ref);
            json.Time("run_until"u8, admitted.RunUntil);
            json.Time("use_by"u8, admitted.UseBy);
            json.End('}');
        }
    }

    private static void Clock(CanonicalWriter json, EntryClock? clock)
    {
        if (clock is not null)
        {
            json.Name("clock"u8);
            json.Begin('{');
            json.Count("error"u8, clock.Error, 0);
            json.Text("source"u8, clock.Source);
            json.End('}');
        }
    }

    private static void Component(CanonicalWriter json, EntryComponent component)
    {
        json.Name("component"u8);
        json.Begin('{');
        json.Digest("digest"u8, component.Digest);
        json.Text("name"u8, component.Name);
        json.Text("version"u8, component.Version);
        json.End('}');
    }

    private static void Exemption(CanonicalWriter json, EntryExemption? exemption)
    {
        if (exemption is not null)
        {
            json.Name("exemption"u8);
            json.Begin('{');
            json.Text("kind"u8, exemption.Kind);
            json.Text("ref"u8, exemption.Ref);
            json.Texts("waived"u8, exemption.Waived);
            json.End('}');
        }
    }

    private static void Inputs(CanonicalWriter json, ImmutableArray<EntryInput> inputs)
    {
        if (inputs.IsDefaultOrEmpty)
        {
            return;
        }

        json.Name("inputs"u8);
        json.Begin('{');
        foreach (var some in inputs.GroupBy(input => input.Kind).OrderBy(some => some.Key))
        {
            json.List(Encoding.UTF8.GetBytes(EntryReader.InputNames[(int)some.Key]), [.. some], static (json, input) =>
            {
                json.Begin('{');
                json.Digest("digest"u8, input.Digest);
                json.Text("name"u8, input.Name);
                json.Time("time"u8, input.Time);
                json.End('}');
            });
        }

        json.End('}');
    }

    private static void Parent(CanonicalWriter json, EntryReference? parent)
    {
        if (parent is not null)
        {
            json.Name("parent"u8);
            json.Begin('{');
            json.Text("origin"u8, parent.Origin);
            json.Count("sequence"u8, parent.Sequence, 0);
            json.End('}');
        }
    }

    private static void Policy(CanonicalWriter json, EntryPolicy? policy)
    {
        if (policy is not null)
        {
            json.Name("policy"u8);
            json.Begin('{');
            json.Digest("digest"u8, policy.Digest);
            json.Text("name"u8, policy.Name);
            json.Count("version"u8, policy.Version, 1);
            json.End('}');
        }
    }

    private static void Resource(CanonicalWriter json, EntryResource? resource)
    {
        if (resource is not null)
        {
            json.Name("resource"u8);
            json.Begin('{');
            json.Count("generation"u8, resource.Generation, 0);
            json.Text("group"u8, resource.Group);
            json.Text("kind"u8, resource.Kind);
            json.Text("name"u8, resource.Name);
            json.Text("uid"u8, resource.Uid);
            json.End('}');
        }
    }

    private static void Suppressed(CanonicalWriter json, EntrySuppressed? suppressed)
    {
        if (suppressed is not null)
        {
            json.Name("suppressed"u8);
            json.Begin('{');
            json.Count("count"u8, suppressed.Count, 1);
            json.Time("first"u8, suppressed.First);
            json.Time("last"u8, suppressed.Last);
            json.Hash("root"u8, suppressed.Root);
            json.End('}');
        }
    }
}
