using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace Governance.Gates.Reviews;

/// <summary>Reads a snapshot of a branch's protection, version 1 (<c>docs/formats/branch.schema.json</c>): what GitHub's REST API answers, each answer where it belongs, or why there is none.</summary>
/// <remarks>Fields of GitHub's that are not looked at are ignored, and so are rules of other types: they only forbid more. One that is looked at and missing or of another type makes the whole snapshot unread.</remarks>
public static class BranchReader
{
    /// <summary>The largest snapshot, in bytes.</summary>
    public const int MostBytes = 16 * 1024 * 1024;

    // GitHub REST API, "Create a repository ruleset": numbers of the roles that come with a repository.
    private const string MaintainRole = "2";
    private const string AdminRole = "5";

    private static readonly ImmutableArray<string> Methods = ["merge", "squash", "rebase"];
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 32 };

    /// <summary>Reads a snapshot. Never throws for what it is given.</summary>
    public static Reading<BranchSnapshot> Read(ReadOnlyMemory<byte> json)
    {
        if (json.Length > MostBytes)
        {
            return Unread($"it has {json.Length} bytes, more than {MostBytes}");
        }

        try
        {
            using var document = JsonDocument.Parse(json, Strict);
            var fields = new SnapshotFields();
            var snapshot = Read(fields, document.RootElement);
            return fields.Fault is null ? new Reading<BranchSnapshot>.Found(snapshot) : Unread(fields.Fault);
        }
        catch (JsonException)
        {
            return Unread("it is no JSON, or names a field twice");
        }
        catch (InvalidOperationException)
        {
            // A lone surrogate, where a string is taken out.
            return Unread("it has an escape (\\u) that spells no character");
        }
    }

    private static BranchSnapshot Read(SnapshotFields fields, JsonElement root)
    {
        fields.Only(root, "v", "critical", "repository", "branch", "rules", "rulesets", "protection", "settings", "actions", "workflows", "tagRulesets");
        if (fields.OptionalCount(root, "v") != 1)
        {
            fields.Fail("'v' is not 1, the version that is known here");
        }

        if (fields.Many(root, "critical", item => item).Length > 0)
        {
            fields.Fail("'critical' names a field that is not known here");
        }

        return new()
        {
            Repository = fields.RequiredText(root, "repository"),
            Branch = fields.RequiredText(root, "branch"),
            Rulesets = Part(fields, root, "rules", _ => ReadRulesets(fields, root)),
            Protection = Part(fields, root, "protection", value => value.ValueKind == JsonValueKind.Null ? null : ReadProtection(fields, value)),
            MergeMethods = Part(fields, root, "settings", value => (ImmutableArray<string>)[.. Methods.Where(method => fields.Flag(value, method == "merge" ? "allow_merge_commit" : $"allow_{method}_merge"))]),
            WorkflowsApprove = Part(fields, root, "actions", value => fields.Flag(value, "can_approve_pull_request_reviews")),
            Workflows = Part(fields, root, "workflows", _ => fields.Many(root, "workflows", workflow => (Path: fields.Path(workflow, "path"), Checks: fields.Many(workflow, "checks", check => fields.Name(check, "name"))))
                .SelectMany(workflow => workflow.Checks.Select(check => new WorkflowCheck(workflow.Path, check))).ToImmutableArray()),
            TagRulesets = fields.Find(root, "tagRulesets") is null ? null : Part(fields, root, "tagRulesets", _ => fields.Many(root, "tagRulesets", ruleset => ReadTagRuleset(fields, ruleset)).OfType<TagGuard>().ToImmutableArray()),
        };
    }

    // What could not be read is said in its place.
    private static Reading<T> Part<T>(SnapshotFields fields, JsonElement root, string name, Func<JsonElement, T> read)
    {
        if (fields.Find(root, name) is not { } value)
        {
            fields.Fail($"'{name}' is missing");
            return new Reading<T>.Unread(new(name, "missing"));
        }

        return fields.Object(value, "unread") is { } unread ? new Reading<T>.Unread(fields.Reason(unread)) : new Reading<T>.Found(read(value));
    }

    // GET /repos/{owner}/{repo}/rules/branches/{branch} tells active rules, of whatever ruleset; GET …/rulesets/{id} who is not bound, to those who may change it.
    private static ImmutableArray<BranchGuard> ReadRulesets(SnapshotFields fields, JsonElement root)
    {
        var bypass = fields.Many(root, "rulesets", ruleset => fields.Object(ruleset, "unread") is { } why
                ? (Id: fields.RequiredCount(ruleset, "id"), Name: null, Actors: new Reading<ImmutableArray<BypassActor>>.Unread(fields.Reason(why)))
                : (Id: fields.RequiredCount(ruleset, "id"), Name: (string?)fields.Name(ruleset, "name"), Actors: ReadActors(fields, ruleset)))
            .GroupBy(ruleset => ruleset.Id).ToDictionary(group => group.Key, group => group.First());
        var rules = fields.Many(root, "rules", rule => (Ruleset: fields.RequiredCount(rule, "ruleset_id"), Type: fields.RequiredText(rule, "type"), Parameters: fields.Object(rule, "parameters") ?? default));
        return
        [
            .. rules.GroupBy(rule => rule.Ruleset).Select(group =>
            {
                var (name, actors) = bypass.TryGetValue(group.Key, out var known)
                    ? (known.Name is null ? $"ruleset {Number(group.Key)}" : $"ruleset '{known.Name}' ({Number(group.Key)})", known.Actors)
                    : ($"ruleset {Number(group.Key)}", Unseen(group.Key));
                return group.Aggregate(new BranchGuard(name) { Bypass = actors }, (guard, rule) => Add(fields, guard, rule.Type, rule.Parameters));
            }),
        ];
    }

    private static BranchGuard Add(SnapshotFields fields, BranchGuard guard, string type, JsonElement parameters) => type switch
    {
        "deletion" => guard with { BlocksDeletion = true },
        "non_fast_forward" => guard with { BlocksForcePush = true },
        "required_signatures" => guard with { NeedsSignatures = true },
        "required_linear_history" => guard with { MergeMethods = Meet(guard.MergeMethods, ["squash", "rebase"]) },
        "pull_request" => guard with
        {
            NeedsPullRequest = true,
            Approvals = Math.Max(guard.Approvals, fields.Whole(parameters, "required_approving_review_count")),
            NeedsCodeOwner = guard.NeedsCodeOwner || fields.Flag(parameters, "require_code_owner_review"),
            DismissesStale = guard.DismissesStale || fields.Flag(parameters, "dismiss_stale_reviews_on_push"),
            NeedsLastPushApproval = guard.NeedsLastPushApproval || fields.Flag(parameters, "require_last_push_approval"),
            ResolvesThreads = guard.ResolvesThreads || fields.Flag(parameters, "required_review_thread_resolution"),
            PathReviewers = fields.Find(parameters, "required_reviewers") is null ? guard.PathReviewers : guard.PathReviewers.AddRange(fields.Many(parameters, "required_reviewers", one => ReadReviewer(fields, one))),
            MergeMethods = fields.Find(parameters, "allowed_merge_methods") is null ? guard.MergeMethods : Meet(guard.MergeMethods, fields.Texts(parameters, "allowed_merge_methods")),
        },
        "merge_queue" => guard with { NeedsMergeQueue = true },
        "required_status_checks" => guard with { Checks = guard.Checks.AddRange(fields.Many(parameters, "required_status_checks", check => ReadCheck(fields, check, "integration_id"))) },
        _ => guard,
    };

    // GET /repos/{owner}/{repo}/branches/{branch}/protection
    private static BranchGuard ReadProtection(SnapshotFields fields, JsonElement protection)
    {
        var admins = !Enabled(fields, protection, "enforce_admins");
        var reviews = fields.Object(protection, "required_pull_request_reviews");
        var allowances = reviews is { } asked ? fields.Object(asked, "bypass_pull_request_allowances") ?? default : default;
        ImmutableArray<BypassActor> actors =
        [
            .. admins ? [new("administrators", BypassReach.Everything)] : (BypassActor[])[],
            .. ((string[])["users", "teams", "apps"]).SelectMany(kind => fields.Find(allowances, kind) is null ? [] : fields.Many(allowances, kind, one => new BypassActor($"{kind[..^1]} {fields.RequiredText(one, kind == "users" ? "login" : "slug")}", BypassReach.PullRequestRules))),
        ];
        return new("the classic protection")
        {
            Bypass = new Reading<ImmutableArray<BypassActor>>.Found(actors),
            BlocksForcePush = !Enabled(fields, protection, "allow_force_pushes"),
            BlocksDeletion = !Enabled(fields, protection, "allow_deletions"),
            NeedsSignatures = fields.Object(protection, "required_signatures") is not null && Enabled(fields, protection, "required_signatures"),
            MergeMethods = fields.Object(protection, "required_linear_history") is not null && Enabled(fields, protection, "required_linear_history") ? ["squash", "rebase"] : null,
            NeedsPullRequest = reviews is not null,
            ResolvesThreads = fields.Object(protection, "required_conversation_resolution") is not null && Enabled(fields, protection, "required_conversation_resolution"),
            Approvals = reviews is { } count && fields.Find(count, "required_approving_review_count") is not null ? fields.Whole(count, "required_approving_review_count") : 0,
            NeedsCodeOwner = reviews is { } owner && fields.Flag(owner, "require_code_owner_reviews"),
            DismissesStale = reviews is { } stale && fields.Flag(stale, "dismiss_stale_reviews"),
            NeedsLastPushApproval = reviews is { } last && fields.Find(last, "require_last_push_approval") is not null && fields.Flag(last, "require_last_push_approval"),
            Checks = fields.Object(protection, "required_status_checks") switch
            {
                null => [],

                // Older servers tell names alone, and those may come from anybody.
                { } checks when fields.Find(checks, "checks") is null => [.. fields.Names(checks, "contexts").Select(name => new RequiredCheck(name, null))],
                { } checks => fields.Many(checks, "checks", check => ReadCheck(fields, check, "app_id")),
            },
        };
    }

    private static string ReadReviewer(SnapshotFields fields, JsonElement one)
    {
        var who = fields.RequiredObject(one, "reviewer");
        return $"{Number(fields.Whole(one, "minimum_approvals"))} of {fields.RequiredText(who, "type")} {Number(fields.Whole(who, "id"))} for {string.Join(", ", fields.Names(one, "file_patterns"))}";
    }

    // GET /repos/{owner}/{repo}/rulesets/{id}
    private static TagGuard? ReadTagRuleset(SnapshotFields fields, JsonElement ruleset)
    {
        // One that is only tried out, is switched off, or is for branches binds nobody who tags.
        if (fields.RequiredText(ruleset, "enforcement") != "active" || fields.RequiredText(ruleset, "target") != "tag")
        {
            return null;
        }

        var names = fields.Object(ruleset, "conditions") is { } conditions ? fields.Object(conditions, "ref_name") ?? default : default;
        return new(
            $"ruleset '{fields.Name(ruleset, "name")}' ({Number(fields.RequiredCount(ruleset, "id"))})",
            fields.Names(names, "include"),
            fields.Names(names, "exclude"),
            fields.Many(ruleset, "rules", rule => fields.RequiredText(rule, "type")),
            ReadActors(fields, ruleset));
    }

    private static RequiredCheck ReadCheck(SnapshotFields fields, JsonElement check, string app)
    {
        // No number, and -1, are "any app".
        long? number = fields.Find(check, app) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var id) && id > 0 ? id : null;
        return new(fields.Name(check, "context"), number);
    }

    // "bypass_actors" is there for whoever has write access to the ruleset; its absence says nothing about who may bypass.
    private static Reading<ImmutableArray<BypassActor>> ReadActors(SnapshotFields fields, JsonElement ruleset) => fields.Find(ruleset, "bypass_actors") is null
        ? Unseen(fields.RequiredCount(ruleset, "id"))
        : new Reading<ImmutableArray<BypassActor>>.Found(fields.Many(ruleset, "bypass_actors", actor =>
        {
            var (type, mode) = (fields.RequiredText(actor, "actor_type"), fields.RequiredText(actor, "bypass_mode"));
            var number = fields.Find(actor, "actor_id") is { ValueKind: JsonValueKind.Number } id ? id.GetRawText() : "";
            return new BypassActor($"{type}{(number.Length == 0 ? "" : $" {number}")} ({mode})", mode == "pull_request" ? BypassReach.ByPullRequest : BypassReach.Everything)
            {
                IsEveryWriter = type == "DeployKey" || (type == "RepositoryRole" && number is not (MaintainRole or AdminRole)),
            };
        }));

    private static Reading<ImmutableArray<BypassActor>> Unseen(long ruleset) =>
        new Reading<ImmutableArray<BypassActor>>.Unread(new("rulesets", $"who may bypass ruleset {Number(ruleset)} was not told", "let the token write to rulesets, which is what GitHub asks for to tell it (administration: write)"));

    private static bool Enabled(SnapshotFields fields, JsonElement protection, string name) => fields.Flag(fields.RequiredObject(protection, name), "enabled");

    private static ImmutableArray<string> Meet(ImmutableArray<string>? one, ImmutableArray<string> other) => one is null ? other : [.. one.Value.Intersect(other, StringComparer.Ordinal)];

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static Reading<BranchSnapshot>.Unread Unread(string fault) => new(new("snapshot", $"the snapshot cannot be read: {fault}", "write it anew"));
}
