using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;
using Governance.Gates.Sigstore;
using Governance.Gates.Tests.Approvals;

namespace Governance.Gates.Tests.Admission;

/// <summary>A firm whose images must be built from reviewed commits, or tagged releases, of one repository, and what its robots and people sign about them. Every decision is made again from its entry.</summary>
internal static class SourceWorld
{
    public const string Source = "https://github.com/example/trading";
    public const string Tag = "refs/tags/v1.2.0";

    public static readonly GitObjectId Commit = Id('4');
    public static readonly GitObjectId Tree = Id('5');

    public const string Reviewed = "reviewed: { by: [reviewer], of: provenance.commit }";
    public const string Tagged = "tagged: { by: { role: operator } }";

    public static GitObjectId Id(char digit) => GitObjectId.TryParse(new string(digit, 40))!;

    /// <summary>The firm's policy with one rule for shop/.</summary>
    public static Policy Policy(string asked = Reviewed, string source = Source, string more = "") =>
        ApprovedCluster.WithImages($"- match: [registry.example.com/shop/**]\n        require: {{ provenance: {{ by: [builder], source: \"{source}\" }}, {asked} }}", more);

    /// <summary>An image of which the builder tells where it comes from.</summary>
    public static ApprovedCluster Built(Policy policy, Action<JsonObject>? change = null)
    {
        var cluster = new ApprovedCluster(policy);
        cluster.Attach(Provenance(change), "robot");
        return cluster;
    }

    public static byte[] Provenance(Action<JsonObject>? change = null)
    {
        var predicate = new JsonObject
        {
            ["buildDefinition"] = new JsonObject
            {
                ["buildType"] = "https://actions.github.io/buildtypes/workflow/v1",
                ["externalParameters"] = new JsonObject { ["workflow"] = new JsonObject { ["ref"] = Tag, ["repository"] = Source, ["path"] = ".github/workflows/release.yml" } },
                ["resolvedDependencies"] = new JsonArray(Material(Source, Commit)),
            },
            ["runDetails"] = new JsonObject { ["builder"] = new JsonObject { ["id"] = "https://github.com/example/trading/.github/workflows/release.yml" } },
        };
        change?.Invoke(predicate);
        return About(PredicateTypes.SlsaProvenance, predicate);
    }

    public static JsonObject Material(string source, GitObjectId commit) => new() { ["uri"] = $"git+{source}@{Tag}", ["digest"] = new JsonObject { ["gitCommit"] = commit.Hex } };

    public static JsonArray Materials(JsonObject provenance) => provenance["buildDefinition"]!["resolvedDependencies"]!.AsArray();

    public static JsonObject Workflow(JsonObject provenance) => provenance["buildDefinition"]!["externalParameters"]!["workflow"]!.AsObject();

    /// <summary>Ann wrote it, and ben reviewed it.</summary>
    public static ReviewStatement Review(Policy policy) => new()
    {
        Id = "v-1",
        Repository = Source,
        Ref = "refs/heads/main",
        Commit = Commit,
        Tree = Tree,
        Properties = [ReviewStatement.TwoPartyReviewed, ReviewStatement.PolicyAllowed],
        PullRequest = new(7, Id('1'), Id('2')),
        Author = Firm.Id("ann"),
        Contributors = [Firm.Id("ann")],
        Reviewers = [Firm.Id("ben")],
        Policy = new(policy.Name, policy.Version, policy.Digest),
        TimeVerified = Firm.Now.AddHours(-1),
    };

    public static ReadOnlyMemory<byte> TagBy(Action<JsonObject>? change = null)
    {
        var tag = new JsonObject { ["v"] = 1, ["critical"] = new JsonArray(), ["id"] = "t-1", ["repository"] = Source, ["ref"] = Tag, ["commit"] = Commit.Hex };
        change?.Invoke(tag);
        return About("https://governance.gates/tag/v1", tag);
    }

    public static byte[] About(string type, JsonObject predicate, Digest? image = null) =>
        InTotoStatement.Write([Gates.Sigstore.Subject.OfSha256("registry.example.com/shop/api", Convert.FromHexString((image ?? ImageReference.Parse(ApprovedCluster.Api).Digest!).Hex))], type, Encoding.UTF8.GetBytes(predicate.ToJsonString()));

    /// <summary>Hangs a review on the image.</summary>
    public static ApprovedCluster With(this ApprovedCluster cluster, ReviewStatement review, string by = "reviewer")
    {
        cluster.Attach(ReviewStatements.Write(review), by);
        return cluster;
    }

    /// <summary>Hangs a signed tag on the image.</summary>
    public static ApprovedCluster With(this ApprovedCluster cluster, ReadOnlyMemory<byte> tag, string by = "ben")
    {
        cluster.Attach(tag, by);
        return cluster;
    }

    public static Review Pod => ApprovedCluster.Workload("Pod");

    public static ImmutableArray<string> Persons(params string[] names) => [.. names.Select(Firm.Id)];
}
