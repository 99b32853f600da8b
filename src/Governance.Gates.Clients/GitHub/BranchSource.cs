using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Clients.Kubernetes;
using Governance.Gates.Reviews;

namespace Governance.Gates.Clients.GitHub;

/// <summary>Reads from GitHub how a branch is protected, as one snapshot.</summary>
/// <remarks>What may not be seen or could not be read stands in the snapshot as such, with the permission that is missing: the audit decides what that means.</remarks>
public sealed class BranchSource
{
    private const int MostRules = 1_000;
    private const int MostWorkflows = 200;
    private const string Administration = "administration: read";

    // A 404 of other words hides what the token may not see (octokit/fixtures, "branch-protection").
    private const string NotProtected = "Branch not protected";

    private static readonly ImmutableArray<string> MergeSettings = ["allow_merge_commit", "allow_squash_merge", "allow_rebase_merge"];

    private readonly GitHubApi api;
    private readonly RepositoryName repository;
    private readonly string branch;
    private readonly string branchPath;

    private BranchSource(GitHubClient client, string branch) =>
        (api, repository, this.branch, branchPath) = (client.Api, client.Repository, branch, Uri.EscapeDataString(branch));

    /// <summary>The snapshot's bytes, for <see cref="BranchReader"/>.</summary>
    /// <param name="client">The repository's API.</param>
    /// <param name="branch">The branch, without <c>refs/heads/</c>.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public static Task<ReadOnlyMemory<byte>> ReadAsync(GitHubClient client, string branch, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentException.ThrowIfNullOrEmpty(branch);
        return new BranchSource(client, branch).ReadAsync(cancellation);
    }

    private async Task<ReadOnlyMemory<byte>> ReadAsync(CancellationToken cancellation)
    {
        var rulesRead = RulesAsync(cancellation);
        var protectionRead = api.FindAsync(new($"repos/{repository}/branches/{branchPath}/protection", $"read the classic protection of {branch} of {repository}", Administration), GitHubJson.Default.JsonObject, cancellation, NotProtected);
        var settingsRead = SettingsAsync(cancellation);
        var actionsRead = api.GetAsync(new($"repos/{repository}/actions/permissions/workflow", $"read what workflows of {repository} may do", Administration), GitHubJson.Default.JsonObject, cancellation);
        var workflowsRead = WorkflowsAsync(cancellation);
        var tagsRead = TagRulesetsAsync(cancellation);
        var (rules, rulesets) = await rulesRead;
        return BranchWriter.Write(new()
        {
            Repository = repository.ToString(),
            Branch = branch,
            Rules = rules,
            Rulesets = rulesets,
            Protection = await protectionRead,
            Settings = await settingsRead,
            Actions = await actionsRead,
            Workflows = await workflowsRead,
            TagRulesets = await tagsRead,
        });
    }

    private async Task<(Reading<ImmutableArray<JsonObject>> Rules, ImmutableArray<(long Id, Reading<JsonObject> Ruleset)> Rulesets)> RulesAsync(CancellationToken cancellation)
    {
        // The rules that would bind a branch are told of any name, of one that is not there too.
        var rules = await api.ListAsync(new($"repos/{repository}/rules/branches/{branchPath}", $"read the rules of {branch} of {repository}", "metadata: read"), GitHubJson.Default.JsonObjectArray, MostRules, cancellation);
        if (!rules.Try(out var found, out _))
        {
            return (rules, []);
        }

        long[] ids = [.. found.Select(rule => rule["ruleset_id"] is JsonValue number && number.TryGetValue(out long id) ? id : 0).Where(id => id > 0).Distinct()];
        var rulesets = await Task.WhenAll(ids.Select(async id =>
        {
            var number = id.ToString(CultureInfo.InvariantCulture);
            return (id, await api.GetAsync(new($"repos/{repository}/rulesets/{number}", $"read who may bypass ruleset {number} of {repository}", "administration: write"), GitHubJson.Default.JsonObject, cancellation));
        }));
        return (rules, [.. rulesets]);
    }

    // Unlike those of a branch, the rules of a tag are told by their rulesets alone. Which of them bind nobody yet does not matter.
    private async Task<Reading<ImmutableArray<JsonObject>>> TagRulesetsAsync(CancellationToken cancellation)
    {
        if (!(await api.ListAsync(new($"repos/{repository}/rulesets", $"read the rulesets of {repository}", "metadata: read"), GitHubJson.Default.JsonObjectArray, MostRules, cancellation)).Try(out var all, out var why))
        {
            return new Reading<ImmutableArray<JsonObject>>.Unread(why);
        }

        var rulesets = ImmutableArray.CreateBuilder<JsonObject>();
        foreach (var told in all.Where(one => Is(one, "target", "tag") && Is(one, "enforcement", "active")))
        {
            var number = told["id"] is JsonValue value && value.TryGetValue(out long id) ? id.ToString(CultureInfo.InvariantCulture) : "0";
            if (!(await api.GetAsync(new($"repos/{repository}/rulesets/{number}", $"read ruleset {number} of {repository}", "administration: write"), GitHubJson.Default.JsonObject, cancellation)).Try(out var ruleset, out why))
            {
                return new Reading<ImmutableArray<JsonObject>>.Unread(why);
            }

            rulesets.Add(ruleset);
        }

        return new Reading<ImmutableArray<JsonObject>>.Found(rulesets.ToImmutable());

        static bool Is(JsonObject one, string name, string text) => one[name] is JsonValue value && value.TryGetValue(out string? word) && word == text;
    }

    private async Task<Reading<JsonObject>> SettingsAsync(CancellationToken cancellation)
    {
        var what = $"read how {repository} merges";
        if (!(await api.GetAsync(new($"repos/{repository}", what, "metadata: read"), GitHubJson.Default.JsonObject, cancellation)).Try(out var told, out var why))
        {
            return new Reading<JsonObject>.Unread(why);
        }

        // The rest is not kept: a token for cloning is among it.
        return MergeSettings.All(name => told[name]?.GetValueKind() is JsonValueKind.True or JsonValueKind.False)
            ? new Reading<JsonObject>.Found(new(MergeSettings.Select(name => KeyValuePair.Create(name, told[name]?.DeepClone()))))
            : new Reading<JsonObject>.Unread(new("github", $"could not {what}: GitHub tells the merge methods only to who may write", "give the token the permission contents: write, or name the merge methods in a ruleset"));
    }

    private async Task<Reading<ImmutableArray<WorkflowCheck>>> WorkflowsAsync(CancellationToken cancellation)
    {
        var call = new GitHubCall($"repos/{repository}/git/ref/{Uri.EscapeDataString($"heads/{branch}")}", $"read the branch {branch} of {repository}", "contents: read");
        if (!(await api.GetAsync(call, GitHubJson.Default.WireRef, cancellation)).Try(out var head, out var why))
        {
            return new Reading<ImmutableArray<WorkflowCheck>>.Unread(why);
        }

        var commit = new CommitFiles(api, repository, head.Object.Sha);
        if (!(await commit.ListAsync(".github/workflows", cancellation)).Try(out var paths, out why))
        {
            return new Reading<ImmutableArray<WorkflowCheck>>.Unread(why);
        }

        string[] workflows = [.. paths.Where(path => path.EndsWith(".yml", StringComparison.Ordinal) || path.EndsWith(".yaml", StringComparison.Ordinal))];
        if (workflows.Length > MostWorkflows)
        {
            return new Reading<ImmutableArray<WorkflowCheck>>.Unread(new("github", $"{branch} of {repository} has more than {MostWorkflows} workflows", "leave fewer of them"));
        }

        var checks = ImmutableArray.CreateBuilder<WorkflowCheck>();
        foreach (var path in workflows)
        {
            if (!(await commit.ReadAsync(path, cancellation)).Try(out var bytes, out why))
            {
                return new Reading<ImmutableArray<WorkflowCheck>>.Unread(why);
            }

            try
            {
                checks.AddRange(ChecksOf(path, Encoding.UTF8.GetString(bytes.GetValueOrDefault().Span)));
            }
            catch (GateException broken)
            {
                return new Reading<ImmutableArray<WorkflowCheck>>.Unread(new("github", broken.Message, broken.Remedy));
            }
        }

        return new Reading<ImmutableArray<WorkflowCheck>>.Found(checks.ToImmutable());
    }

    // A job's check is called as the job is, or by its id (GitHub documentation, "Workflow syntax", jobs.<job_id>.name).
    private static IEnumerable<WorkflowCheck> ChecksOf(string path, string text)
    {
        foreach (var (_, json) in YamlDocuments.Read(text, path))
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("jobs", out var jobs) && jobs.ValueKind == JsonValueKind.Object)
            {
                foreach (var job in jobs.EnumerateObject())
                {
                    yield return new(path, job.Value.ValueKind == JsonValueKind.Object && job.Value.TryGetProperty("name", out var name) && name.ValueKind == JsonValueKind.String ? name.GetString()! : job.Name);
                }
            }
        }
    }
}
