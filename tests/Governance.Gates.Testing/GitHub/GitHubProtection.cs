using System.Globalization;
using System.Text.Json.Nodes;

namespace Governance.Gates.Testing.GitHub;

/// <summary>How branches are protected, and how much of that the token may see.</summary>
public sealed class GitHubProtection
{
    /// <summary>Active rules of every branch, as the API tells them; whose <c>ruleset_id</c> says of which ruleset.</summary>
    public List<JsonObject> Rules { get; } = [];

    /// <summary>Who may bypass each ruleset.</summary>
    public Dictionary<long, JsonArray> Rulesets { get; } = [];

    /// <summary>The classic protection of branches, as the API tells it.</summary>
    public Dictionary<string, JsonObject> Classic { get; } = [];

    /// <summary>Rulesets of tags: id, refs that they are for, types of their rules, and who may bypass them.</summary>
    public List<(long Id, string Include, string[] Rules, JsonArray Bypass)> TagRulesets { get; } = [];

    /// <summary>Merge methods that the repository offers.</summary>
    public List<string> MergeMethods { get; } = ["squash"];

    /// <summary>Whether workflows may approve pull requests.</summary>
    public bool WorkflowsApprove { get; set; }

    /// <summary>Whether the token may read what administrators set: classic protection and settings of workflows.</summary>
    public bool MayAdminister { get; set; } = true;

    /// <summary>Whether the token may change rulesets, and so see who may bypass them.</summary>
    public bool MayChangeRulesets { get; set; } = true;

    /// <summary>Whether the token may write contents, and so see how pull requests may be merged.</summary>
    public bool MayWrite { get; set; } = true;

    internal (string Name, JsonNode? Value)[] MergeSettings =>
        MayWrite ? [("allow_merge_commit", MergeMethods.Contains("merge")), ("allow_squash_merge", MergeMethods.Contains("squash")), ("allow_rebase_merge", MergeMethods.Contains("rebase"))] : [];

    internal GitHubReply Answer(string[] path, GitHubWorld world) => path switch
    {
        ["rules", "branches", _] => GitHubReply.List(Rules, rule => rule.DeepClone()),
        ["rulesets"] => GitHubReply.List([.. Rulesets.Keys.Select(id => (Id: id, Target: "branch")), .. TagRulesets.Select(one => (one.Id, Target: "tag"))], one => Ruleset(one.Id, null, world.Repository, one.Target)),
        ["rulesets", var number] when TagRulesets.Find(one => one.Id.ToString(CultureInfo.InvariantCulture) == number) is { Id: > 0 } one => new(OfTags(one, world.Repository)),
        ["rulesets", var number] when long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && Rulesets.TryGetValue(id, out var actors) => new(Ruleset(id, actors, world.Repository)),
        ["branches", _, "protection"] when !MayAdminister => GitHubReply.NotFound(),
        ["branches", var branch, "protection"] when !world.Branches.ContainsKey(branch) => GitHubReply.NotFound("Branch not found"),
        ["branches", var branch, "protection"] => Classic.TryGetValue(branch, out var protection) ? new(protection.DeepClone()) : GitHubReply.NotFound("Branch not protected"),
        ["actions", "permissions", "workflow"] => MayAdminister
            ? new(new JsonObject { ["default_workflow_permissions"] = "read", ["can_approve_pull_request_reviews"] = WorkflowsApprove })
            : GitHubReply.Forbidden(),
        _ => GitHubReply.NotFound(),
    };

    private JsonObject OfTags((long Id, string Include, string[] Rules, JsonArray Bypass) one, string repository)
    {
        var body = Ruleset(one.Id, one.Bypass, repository, "tag");
        body["conditions"] = new JsonObject { ["ref_name"] = new JsonObject { ["include"] = new JsonArray(one.Include), ["exclude"] = new JsonArray() } };
        body["rules"] = new JsonArray([.. one.Rules.Select(type => new JsonObject { ["type"] = type })]);
        return body;
    }

    private JsonObject Ruleset(long id, JsonArray? actors, string repository, string target = "branch")
    {
        var body = new JsonObject { ["id"] = id, ["name"] = $"rules {id}", ["target"] = target, ["source_type"] = "Repository", ["source"] = repository, ["enforcement"] = "active", ["node_id"] = $"RRS_{id}" };
        if (MayChangeRulesets && actors is not null)
        {
            body["bypass_actors"] = actors.DeepClone();
        }

        return body;
    }
}
