using System.Text.Json.Nodes;
using Governance.Gates.Evidence;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;
using Governance.Gates.Revocations;
using Governance.Gates.Sigstore;
using Governance.Gates.Tests.Approvals;
using static Governance.Gates.Tests.Admission.SourceWorld;

namespace Governance.Gates.Tests.Admission;

/// <summary>From an image by its provenance to a commit, and to the review of it that hangs on the image.</summary>
public sealed class ReviewedRuleTests
{
    private static readonly Policy Asking = Policy();
    private static readonly ReviewStatement Good = SourceWorld.Review(Asking);

    [Fact]
    public void An_image_of_a_reviewed_commit_is_admitted_and_says_who_reviewed_it()
    {
        var outcome = Built(Asking).With(Good).Goes(Pod);
        Assert.Contains(outcome.Decision.Notes, note => note.Rule == "artifacts.images[0].reviewed" && note.Message.Contains($"was built from {Commit}, reviewed in pull request 7 of {Source} by ben, by the word of key reviewer", StringComparison.Ordinal));
    }

    [Fact]
    public void The_statement_that_decided_is_kept_with_the_decision()
    {
        var cluster = Built(Asking).With(Good);
        cluster.Goes(Pod);
        var evidence = Assert.IsType<EntryPart<System.Collections.Immutable.ImmutableArray<EntryEvidence>>.Inline>(cluster.Last!.Value.Entry.Evidence).Value;
        var kept = Assert.Single(evidence, one => one.Type == ReviewStatement.PredicateType);
        Assert.True(cluster.Last.Value.Kept.ContainsKey(kept.Digest));
    }

    [Fact]
    public void An_image_of_an_unreviewed_commit_is_refused() => Built(Asking).Refused(Pod, $"was built from commit {Commit} of {Source}, and no review of it hangs on the image");

    /// <summary>What the statement says otherwise, and why it then does not count.</summary>
    public static TheoryData<string, Func<ReviewStatement, ReviewStatement>, string> Other => new()
    {
        { "an older statement, of the commit before", review => review with { Commit = Id('3') }, $"is about commit {Id('3')}, and the image was built from {Commit}" },
        { "a statement whose tree is that commit", review => review with { Commit = Id('9'), Tree = Commit }, $"is about commit {Id('9')}" },
        { "a statement of another repository", review => review with { Repository = "https://github.com/example/other" }, "is about https://github.com/example/other, and the image was built from https://github.com/example/trading" },
        { "a statement of a repository of the same name elsewhere", review => review with { Repository = "https://git.example.com/example/trading" }, "is about https://git.example.com/example/trading" },
        { "no two parties", review => review with { Properties = [ReviewStatement.PolicyAllowed] }, "does not say SLSA_SOURCE_TWO_PARTY_REVIEWED" },
        { "not by the rules", review => review with { Properties = [ReviewStatement.TwoPartyReviewed] }, "does not say ORG_SOURCE_POLICY_ALLOWED" },
        { "nothing", review => review with { Properties = [] }, "does not say" },
        { "the only reviewer is a contributor", review => review with { Contributors = Persons("ann", "ben") }, "names no reviewer who counts beside those who wrote it: ben wrote a part of it" },
        { "no reviewer", review => review with { Reviewers = [] }, "nobody" },
        { "one reviewer of what nobody of the policy opened", review => review with { Author = null, Contributors = [] }, "ben alone" },
        { "one reviewer of what a robot opened and commits name ann for", review => review with { Author = null }, "ben alone" },
        { "one reviewer of what nobody whom we know opened", review => review with { Author = "p-99" }, "ben alone" },
        { "a reviewer whom nobody knows", review => review with { Reviewers = ["p-99"] }, "p-99 is nobody of the policy" },
        { "a reviewer by name", review => review with { Reviewers = ["ben"] }, "ben is nobody of the policy" },
        { "another policy", review => review with { Policy = review.Policy with { Name = "lax" } }, "was made under the policy lax, not under firm" },
        { "a version that is not in force", review => review with { Policy = review.Policy with { Version = 2 } }, "under version 2 of the policy, and version 1 is in force" },
        { "another policy of the same version", review => review with { Policy = review.Policy with { Digest = Digest.Of("lax"u8) } }, "as version 1 of the policy, which version 1 does not name as one that was in force" },
        { "a time that is to come", review => review with { TimeVerified = Firm.Now.AddMinutes(2) }, "from a time that is still to come" },
        { "a no", review => review with { Passed = false }, $"says that commit {Commit} did not pass" },
    };

    [Theory, MemberData(nameof(Other))]
    public void A_statement_that_says_something_else_does_not_count(string what, Func<ReviewStatement, ReviewStatement> change, string because)
    {
        Assert.NotEmpty(what);
        var refused = Built(Asking).With(change(Good)).Refused(Pod, because);
        Assert.All(refused.Decision.Reasons, reason => Assert.NotNull(reason.Remedy));
    }

    [Theory]
    [InlineData("robot", "signed by builder with key robot, whom the rule does not name")]
    [InlineData("ben", "signed by key ben, whom the rule does not name")]
    [InlineData("stranger", "no review of it hangs on the image")]
    public void Only_the_robot_that_the_rule_names_vouches_for_a_review(string by, string because) => Built(Asking).With(Good, by).Refused(Pod, because);

    [Fact]
    public void One_statement_that_counts_is_enough_beside_others_and_a_no_stands_beside_any_yes()
    {
        Built(Asking).With(Good with { Commit = Id('3') }).With(Good, "robot").With(Good).Goes(Pod);
        Built(Asking).With(Good).With(Good with { Id = "v-2", Passed = false }).Refused(Pod, "did not pass");
        Built(Asking).With(Good).With(Good with { Id = "v-2", Passed = false, Commit = Id('3') }).Goes(Pod);
    }

    [Fact]
    public void A_statement_that_must_not_be_read_without_knowing_more_is_refused()
    {
        var statement = JsonNode.Parse(ReviewStatements.Write(Good))!;
        statement["predicate"]!["https://governance.gates/review/v1"]!["critical"] = new JsonArray("embargo");
        var cluster = Built(Asking);
        cluster.Attach(System.Text.Encoding.UTF8.GetBytes(statement.ToJsonString()), "reviewer");
        cluster.Refused(Pod, "it must not be read without knowing 'embargo'");
    }

    [Fact]
    public void A_summary_about_the_image_is_no_review_of_its_source()
    {
        // Of what a statement about the image says, nothing is about a commit: not even with the very fields of a review.
        var predicate = JsonNode.Parse(ReviewStatements.Write(Good))!["predicate"]!.AsObject();
        var cluster = Built(Asking);
        cluster.Attach(About(ReviewStatement.PredicateType, (JsonObject)predicate.DeepClone()), "reviewer");
        cluster.Refused(Pod, "no review of it hangs on the image");
    }

    [Fact]
    public void Of_several_materials_the_source_that_the_rule_names_is_joined()
    {
        // A submodule, a tool and a base image are no source; a second commit of the source is a contradiction.
        var cluster = Built(Asking, provenance =>
        {
            Materials(provenance).Insert(0, Material("https://github.com/example/library", Id('8')));
            Materials(provenance).Add(new JsonObject { ["uri"] = "pkg:docker/debian@12", ["digest"] = new JsonObject { ["sha256"] = new string('9', 64) } });
        });
        cluster.With(Good).Goes(Pod);
        Built(Asking, provenance => Materials(provenance).Insert(0, Material("https://github.com/example/library", Id('8')))).With(Good with { Commit = Id('8') }).Refused(Pod, $"is about commit {Id('8')}");
        Built(Asking, provenance => Materials(provenance).Add(Material(Source, Id('8')))).With(Good).Refused(Pod, "tells two of its commit");
    }

    [Fact]
    public void Of_two_builds_of_one_image_one_from_a_reviewed_commit_is_enough()
    {
        var cluster = Built(Asking, provenance => Materials(provenance)[0]!["digest"]!["gitCommit"] = Id('8').Hex);
        cluster.Attach(Provenance(), "robot");
        cluster.With(Good).Goes(Pod);
    }

    [Fact]
    public void A_fork_that_holds_the_reviewed_commit_is_another_repository()
    {
        const string Fork = "https://github.com/mallory/trading";
        Action<JsonObject> forked = provenance =>
        {
            Workflow(provenance)["repository"] = Fork;
            Materials(provenance).Clear();
            Materials(provenance).Add(Material(Fork, Commit));
        };
        Built(Asking, forked).With(Good).Refused(Pod, $"that its source is {Fork}");
        var wide = Policy(source: "https://github.com/*/trading");
        Built(wide, forked).With(SourceWorld.Review(wide)).Refused(Pod, $"is about {Source}, and the image was built from {Fork}");
    }

    [Fact]
    public void Without_provenance_that_counts_nothing_says_which_commit_it_is()
    {
        new ApprovedCluster(Asking).With(Good).Refused(Pod, "nothing that counts tells from which source it was built");
        Built(Asking, provenance => Materials(provenance).Clear()).With(Good).Refused(Pod, "tells no commit from which it was built");
        Built(Asking, provenance => Materials(provenance)[0]!["digest"]!["gitCommit"] = Commit.Hex[..12]).With(Good).Refused(Pod, "which is the name of none");
        var cluster = new ApprovedCluster(Asking).With(Good);
        cluster.Attach(Provenance(), "reviewer");
        cluster.Refused(Pod, "signed by key reviewer, whom the rule does not name");
    }

    [Fact]
    public void What_could_not_be_read_may_be_the_review()
    {
        var claims = TestPolicy.Verify(ImageReference.Parse(ApprovedCluster.Api).Digest!, Asking, [.. Built(Asking).On(ImageReference.Parse(ApprovedCluster.Api).Digest!).Items.Select(item => item.Entity)]);
        var @case = Pod.Open(Asking, Firm.Primary);
        var decided = @case.Decide(@case.Subjects.ToDictionary(subject => subject, _ => claims with { Unread = [new("registry", "it is down", "wait")] }), new Circumstances(Firm.Now));
        Assert.Equal(Verdict.Unknown, decided.Decision.Verdict);
        Assert.Contains(decided.Decision.Reasons, reason => reason.Rule.EndsWith(".reviewed", StringComparison.Ordinal) && reason.Message.Contains("it is down", StringComparison.Ordinal));
    }

    [Fact]
    public void A_no_may_stand_beside_a_yes_in_what_could_not_be_read()
    {
        var claims = TestPolicy.Verify(ImageReference.Parse(ApprovedCluster.Api).Digest!, Asking, [.. Built(Asking).With(Good).On(ImageReference.Parse(ApprovedCluster.Api).Digest!).Items.Select(item => item.Entity)]);
        var @case = Pod.Open(Asking, Firm.Primary);
        Assert.Equal(Verdict.Allow, @case.Decide(@case.Subjects.ToDictionary(subject => subject, _ => claims), new Circumstances(Firm.Now)).Decision.Verdict);
        Assert.Equal(Verdict.Unknown, @case.Decide(@case.Subjects.ToDictionary(subject => subject, _ => claims with { Unread = [new("registry", "it is down", "wait")] }), new Circumstances(Firm.Now)).Decision.Verdict);
    }

    [Fact]
    public void Whoever_and_whatever_was_revoked_counts_no_more()
    {
        var cluster = Built(Asking).With(Good);
        cluster.Goes(Pod);
        cluster.Revocations = RevocationList.Empty with { Number = 3, Approvals = ["v-1"] };
        cluster.Refused(Pod, "was revoked in list 3");
        cluster.Revocations = RevocationList.Empty with { Number = 4, People = [Firm.Id("ben")] };
        cluster.Refused(Pod, "ben was revoked");
        cluster.Revocations = RevocationList.Empty with { Number = 5, Keys = [Firm.Key("reviewer").Spki] };
        cluster.Refused(Pod, "which was revoked in list 5");
        cluster.Revocations = RevocationList.Empty with { Number = 6, Approvals = ["v-2"], People = [Firm.Id("ann")] };
        cluster.Goes(Pod);
    }

    [Fact]
    public void A_revoked_no_is_none()
    {
        var cluster = Built(Asking).With(Good).With(Good with { Id = "v-2", Passed = false });
        cluster.Revocations = RevocationList.Empty with { Number = 3, Approvals = ["v-2"] };
        cluster.Goes(Pod);
    }

    [Fact]
    public void Who_reviewed_it_and_has_left_office_since_did_review_it() =>
        Built(Asking).With(Good with { Reviewers = Persons("eve") }).Goes(Pod, new(2026, 6, 25, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public void A_version_of_the_policy_that_was_in_force_before_has_judged_well()
    {
        var before = Digest.Of("version 1"u8);
        var second = Second(before);
        Built(second).With(SourceWorld.Review(second) with { Policy = new("firm", 1, before) }).Goes(Pod);
        Built(second).With(SourceWorld.Review(second) with { Policy = new("firm", 1, Digest.Of("another version 1"u8)) }).Refused(Pod, "as version 1 of the policy, which version 2 does not name as one that was in force");

        // Whoever merged a lax draft of an old version once must not have it count for ever.
        var third = Later(3, $"previous: \"{second.Digest}\"");
        Built(third).With(SourceWorld.Review(third) with { Policy = new("firm", 1, before) }).Refused(Pod, "which version 3 does not name as one that was in force");
        var told = Later(3, $"previous: \"{second.Digest}\", earlier: [\"{before}\"]");
        Built(told).With(SourceWorld.Review(told) with { Policy = new("firm", 1, before) }).Goes(Pod);
        Built(told).With(SourceWorld.Review(told) with { Policy = new("firm", 1, Digest.Of("another version 1"u8)) }).Refused(Pod, "which version 3 does not name");
        Built(told).With(SourceWorld.Review(told) with { Policy = new("firm", 2, before) }).Refused(Pod, "which version 3 does not name");

        Policy Second(Digest previous) => Later(2, $"previous: \"{previous}\"");

        static Policy Later(int version, string chain) => Firm.Read(Firm.Yaml
            .Replace("version: 1 }", $"version: {version}, {chain} }}", StringComparison.Ordinal)
            .Replace("- { match: [\"**\"], verdict: deny }", $"- {{ match: [registry.example.com/shop/**], require: {{ provenance: {{ by: [builder], source: {Source} }}, {Reviewed} }} }}", StringComparison.Ordinal));
    }

    [Fact]
    public void Who_contributed_to_the_reviewed_change_cannot_approve_its_deployment_whatever_the_request_says()
    {
        var policy = Policy(Reviewed + ", approved: { action: deploy, covers: [artifact] }");
        var review = SourceWorld.Review(policy);
        var deployment = ApprovedCluster.Workload("Deployment");

        // Ben and cem approve what ann asks for, and the request names no contributor.
        Approved(Built(policy).With(review)).Goes(deployment);
        Approved(Built(policy).With(review with { Contributors = Persons("ann", "cem") })).Refused(deployment, "cem, who contributed to it");

        // Another of a statement of the same commit cannot hide who wrote it.
        Approved(Built(policy).With(review).With(review with { Id = "v-2", Contributors = Persons("cem") })).Refused(deployment, "cem, who contributed to it");

        ApprovedCluster Approved(ApprovedCluster cluster)
        {
            cluster.Approved(deployment);
            return cluster;
        }
    }

    [Fact]
    public void A_review_that_a_workflow_of_the_control_repository_signed_without_a_key_counts_and_another_does_not()
    {
        const string Rule = "  artifacts:\n    images:\n      - match: [registry.example.com/shop/**]\n        require: { provenance: { by: [keyed], source: https://github.com/example/trading }, reviewed: { by: [control] } }\n";
        var policy = KeylessWorld.With(Rule);
        var review = ReviewStatements.Write(Good with { Author = "p-1", Contributors = ["p-1"], Reviewers = ["p-2"], Policy = new("shop", 1, policy.Digest), TimeVerified = TestPolicy.Now });
        var built = TestPolicy.Wait(SigstoreBundle.SignStatementAsync(KeylessWorld.Statement(PredicateTypes.SlsaProvenance, JsonNode.Parse(Provenance())!["predicate"]!.ToJsonString()), TestPolicy.Builder, CancellationToken.None));
        var control = new Certified { Subject = "https://github.com/example/gates-control/.github/workflows/review.yml@refs/heads/main", RepositoryId = "124", Repository = "https://github.com/example/gates-control", Ref = "refs/heads/main" };
        KeylessWorld.AssertAllowed(KeylessWorld.Decide(policy, built, KeylessWorld.Bundle(control, review)));
        KeylessWorld.AssertDenied(KeylessWorld.Decide(policy, built, KeylessWorld.Bundle(new(), review)), "signed by flow as");
        foreach (var other in (Certified[])[control with { RepositoryId = "123" }, control with { Subject = control.Subject.Replace("heads/main", "heads/evil", StringComparison.Ordinal) }, control with { Subject = control.Subject.Replace("review.yml", "other.yml", StringComparison.Ordinal) }])
        {
            KeylessWorld.AssertDenied(KeylessWorld.Decide(policy, built, KeylessWorld.Bundle(other, review)), "no review of it hangs on the image");
        }
    }
}
