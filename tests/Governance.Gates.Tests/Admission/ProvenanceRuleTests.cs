using System.Text.Json.Nodes;
using Governance.Gates.Policies;
using Governance.Gates.Sigstore;
using static Governance.Gates.Tests.Admission.KeylessWorld;

namespace Governance.Gates.Tests.Admission;

/// <summary>What a builder tells of a build, in both versions of SLSA provenance, held against what the rule asks and what its certificate says.</summary>
public sealed class ProvenanceRuleTests
{
    private const string Builder = "https://github.com/example/app/.github/workflows/release.yml@refs/tags/v1";
    private const string Source = "https://github.com/example/app";

    private static readonly Policy Asking = With("""
          artifacts:
            images:
              - match: [registry.example.com/shop/**]
                require: { provenance: { by: [flow], builder: "https://github.com/example/app/.github/workflows/*@refs/tags/*", source: https://github.com/example/app, ref: refs/tags/v*, runner: github-hosted } }

        """);

    /// <summary>What else the statement says, and why that is refused.</summary>
    public static TheoryData<string, Action<JsonObject>, string> Other => new()
    {
        { "another builder", v1 => v1["runDetails"]!["builder"]!["id"] = "https://builder.example.com/laptop", "its builder is https://builder.example.com/laptop" },
        { "no builder", v1 => v1["runDetails"]!.AsObject().Remove("builder"), "cannot be read: 'builder' is missing" },
        { "a fork", v1 => Workflow(v1)["repository"] = "https://github.com/mallory/app", "its source is https://github.com/mallory/app" },
        { "a source below the source", v1 => Workflow(v1)["repository"] = "https://github.com/example/app/x", "its source is https://github.com/example/app/x" },
        { "no source", v1 => v1["buildDefinition"]!.AsObject().Remove("externalParameters"), "no source" },
        { "a branch", v1 => Workflow(v1)["ref"] = "refs/heads/main", "its ref is refs/heads/main" },
        { "a tag that reaches over a slash", v1 => Workflow(v1)["ref"] = "refs/tags/v1/x", "its ref is refs/tags/v1/x" },
        { "no ref", v1 => Workflow(v1).Remove("ref"), "no ref" },
        { "two sources", v1 => v1["buildDefinition"]!["externalParameters"]!["source"] = "git+https://github.com/mallory/app", "tells two of its source" },
        { "two commits", v1 => v1["buildDefinition"]!["resolvedDependencies"]!.AsArray().Add(Dependency(new string('9', 40))), "tells two of its commit" },
        { "another commit than its certificate", v1 => v1["buildDefinition"]!["resolvedDependencies"]![0]!["digest"]!["gitCommit"] = new string('9', 40), "its commit is 9999" },
        { "another tag than its certificate", v1 => Workflow(v1)["ref"] = "refs/tags/v2", "its ref is refs/tags/v2, and its certificate that it is refs/tags/v1" },
        { "a list for a builder", v1 => v1["runDetails"]!["builder"] = new JsonArray(), "cannot be read: 'builder' is no object" },
        { "a number for a source", v1 => Workflow(v1)["repository"] = 7, "cannot be read: 'repository' is no text" },
        { "nothing at all", v1 => v1.Clear(), "cannot be read" },
    };

    [Fact]
    public void What_is_built_as_the_rule_asks_is_enough_in_both_versions()
    {
        var decision = Decide(Asking, V1());
        AssertAllowed(decision);
        Assert.Contains($"was built by {Builder} from {Source} at refs/tags/v1, by the word of flow", decision.Notes[0].Message, StringComparison.Ordinal);
        AssertAllowed(Decide(Asking, V02($"git+{Source}@refs/tags/v1")));
        AssertAllowed(Decide(Asking, V02($"git+{Source}.git@refs/tags/v1")));
    }

    [Fact]
    public void A_build_may_have_thousands_of_dependencies_of_any_form() => AssertAllowed(Decide(Asking, V1(v1 =>
    {
        var dependencies = v1["buildDefinition"]!["resolvedDependencies"]!.AsArray();
        for (var i = 0; i < 3_000; i++)
        {
            dependencies.Add(new JsonObject { ["uri"] = $"pkg:npm/{new string('x', 2_000)}@{i}", ["digest"] = new JsonObject { ["sha256"] = new string('9', 64) } });
        }

        dependencies.Add(7);
        dependencies.Add(new JsonObject { ["name"] = "no address" });
    })));

    [Theory, MemberData(nameof(Other))]
    public void What_tells_something_else_is_refused_and_says_what(string what, Action<JsonObject> change, string message)
    {
        Assert.NotEmpty(what);
        AssertDenied(Decide(Asking, V1(change)), message);
    }

    [Theory]
    [InlineData("git+https://github.com/mallory/app@refs/tags/v1", "its source is https://github.com/mallory/app")]
    [InlineData("git+https://github.com/example/app@refs/heads/main", "its ref is refs/heads/main")]
    [InlineData("git+https://github.com/example/app", "no ref")]
    [InlineData("git+https://user@github.com/example/app@refs/tags/v1", "its source is https://user@github.com/example/app")]
    [InlineData("git+ssh://github.com/example/app@refs/tags/v1", "its source is ssh://github.com/example/app")]
    public void The_older_version_is_held_against_the_same_rule(string uri, string message) => AssertDenied(Decide(Asking, V02(uri)), message);

    [Fact]
    public void A_statement_that_its_own_certificate_contradicts_is_refused()
    {
        // The certificate's authority saw which repository the workflow ran for, whatever the workflow writes.
        AssertDenied(Decide(Asking, V1(certified: new() { Repository = "https://github.com/example/other" })), "and its certificate that it is https://github.com/example/other");
        AssertDenied(Decide(Asking, V1(certified: new() { Ref = "refs/heads/main" })), "and its certificate that it is refs/heads/main");

        // Also what the rule does not ask for: it is told as the reason of the allow.
        var any = With("  artifacts:\n    images:\n      - match: [registry.example.com/shop/**]\n        require: { provenance: { by: [flow] } }\n");
        AssertAllowed(Decide(any, V1()));
        AssertDenied(Decide(any, V1(certified: new() { Repository = "https://github.com/example/other" })), "and its certificate that it is https://github.com/example/other");
        AssertDenied(Decide(any, V1(v1 => v1["buildDefinition"]!["resolvedDependencies"]![0]!["digest"]!["gitCommit"] = new string('9', 40))), "its commit is 9999");
    }

    [Fact]
    public void Where_it_ran_is_told_by_a_certificate_and_by_nothing_else()
    {
        const string Any = "      - match: [registry.example.com/shop/**]\n        require: { provenance: { by: [other, keyed], runner: github-hosted } }\n";
        var policy = With("  artifacts:\n    images:\n" + Any);
        var test = new Certified { Subject = "https://github.com/example/app/.github/workflows/test.yml@refs/heads/main" };
        AssertAllowed(Decide(policy, V1(certified: test)));
        AssertDenied(Decide(policy, V1(certified: test with { Runner = "self-hosted" })), "that it ran self-hosted, not github-hosted");
        AssertDenied(Decide(policy, V1(certified: test with { Runner = null })), "nothing of where it ran");
        var byKey = TestPolicy.Wait(SigstoreBundle.SignStatementAsync(Statement(PredicateTypes.SlsaProvenance, Predicate().ToJsonString()), TestPolicy.Builder, CancellationToken.None));
        AssertDenied(Decide(policy, byKey), "nothing of where it ran");
        AssertAllowed(Decide(With("  artifacts:\n    images:\n" + Any.Replace(", runner: github-hosted", "", StringComparison.Ordinal)), byKey));
    }

    [Fact]
    public void Provenance_by_somebody_else_by_nobody_or_about_something_else_is_refused()
    {
        AssertDenied(Decide(Asking, V1(certified: new() { Subject = "https://github.com/example/app/.github/workflows/test.yml@refs/heads/main" })), "whom the rule does not name");
        AssertDenied(Decide(Asking, V1(certified: new() { RepositoryId = "999" })), "ExtensionMismatch");
        AssertDenied(Decide(Asking), "has no provenance");
        AssertDenied(Decide(Asking, Bundle()), "has no provenance");
        AssertDenied(Decide(Asking, Bundle(payload: Statement(PredicateTypes.SlsaProvenance, Predicate().ToJsonString(), TestPolicy.UnsignedDigest))), "SubjectMismatch");
    }

    [Fact]
    public void One_that_tells_what_is_asked_is_enough_beside_others()
    {
        AssertAllowed(Decide(Asking, V1(v1 => Workflow(v1)["ref"] = "refs/heads/main"), V1()));
        var unread = TestPolicy.Verify(Image, Asking) with { Unread = [new("registry", "it is down", "wait")] };
        Assert.Equal(Verdict.Unknown, Decide(Asking, unread).Verdict);
    }

    [Fact]
    public void Signature_and_provenance_must_both_be_there_where_both_are_asked()
    {
        var both = With("  artifacts:\n    images:\n      - match: [registry.example.com/shop/**]\n        require: { signed: { by: [flow] }, provenance: { by: [flow] } }\n");
        AssertAllowed(Decide(both, Bundle(), V1()));
        AssertDenied(Decide(both, Bundle()), "has no provenance");
        AssertDenied(Decide(both, V1()), "has no signature");
    }

    private static JsonObject Predicate(Action<JsonObject>? change = null)
    {
        var predicate = new JsonObject
        {
            ["buildDefinition"] = new JsonObject
            {
                ["buildType"] = "https://actions.github.io/buildtypes/workflow/v1",
                ["externalParameters"] = new JsonObject { ["workflow"] = new JsonObject { ["ref"] = "refs/tags/v1", ["repository"] = Source, ["path"] = ".github/workflows/release.yml" } },
                ["resolvedDependencies"] = new JsonArray(Dependency(Commit)),
            },
            ["runDetails"] = new JsonObject { ["builder"] = new JsonObject { ["id"] = Builder } },
        };
        change?.Invoke(predicate);
        return predicate;
    }

    private static JsonObject Workflow(JsonObject predicate) => predicate["buildDefinition"]!["externalParameters"]!["workflow"]!.AsObject();

    private static JsonObject Dependency(string commit) => new() { ["uri"] = $"git+{Source}@refs/tags/v1", ["digest"] = new JsonObject { ["gitCommit"] = commit } };

    private static SignedEntity.Bundle V1(Action<JsonObject>? change = null, Certified? certified = null) => Bundle(certified, Statement(PredicateTypes.SlsaProvenance, Predicate(change).ToJsonString()));

    private static SignedEntity.Bundle V02(string uri) => Bundle(payload: Statement(PredicateTypes.SlsaProvenanceV02, new JsonObject
    {
        ["builder"] = new JsonObject { ["id"] = Builder },
        ["buildType"] = "https://github.com/slsa-framework/slsa-github-generator/container@v1",
        ["invocation"] = new JsonObject { ["configSource"] = new JsonObject { ["uri"] = uri, ["digest"] = new JsonObject { ["sha1"] = Commit } } },
    }.ToJsonString()));
}
