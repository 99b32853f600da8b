using System.Text.Json.Nodes;
using Governance.Gates.Policies;
using Governance.Gates.Revocations;
using Governance.Gates.Tests.Approvals;
using static Governance.Gates.Tests.Admission.SourceWorld;

namespace Governance.Gates.Tests.Admission;

/// <summary>From an image by its provenance to a release, and to the person who tagged it.</summary>
public sealed class TaggedRuleTests
{
    private static readonly Policy Asking = Policy(Tagged);

    [Fact]
    public void An_image_of_a_release_that_a_person_tagged_is_admitted_and_says_who()
    {
        var outcome = Built(Asking).With(TagBy()).Goes(Pod);
        Assert.Contains(outcome.Decision.Notes, note => note.Message.Contains($"was built from {Tag} at {Commit}, tagged by key ben", StringComparison.Ordinal));
    }

    [Fact]
    public void A_tag_that_nobody_signed_is_refused() => Built(Asking).Refused(Pod, $"was built from {Tag}, and nobody signed that tag");

    /// <summary>What the person signed instead, and why it is not enough.</summary>
    public static TheoryData<string, Action<JsonObject>, string> Other => new()
    {
        { "another tag", tag => tag["ref"] = "refs/tags/v1.1.0", "ben tagged refs/tags/v1.1.0, and it was built from refs/tags/v1.2.0" },
        { "a tag that was moved since", tag => tag["commit"] = Id('8').Hex, $"tagged commit {Id('8')}, and it was built from {Commit}" },
        { "a tag of another repository", tag => tag["repository"] = "https://github.com/mallory/trading", "tagged a release of https://github.com/mallory/trading" },
        { "a tag that must not be read without knowing more", tag => tag["critical"] = new JsonArray("embargo"), "without knowing 'embargo'" },
        { "a tag without a commit", tag => tag.Remove("commit"), "'commit' is missing" },
        { "a tag of a later version", tag => tag["v"] = 2, "'v' is not 1" },
    };

    [Theory, MemberData(nameof(Other))]
    public void A_tag_that_says_something_else_does_not_count(string what, Action<JsonObject> change, string because)
    {
        Assert.NotEmpty(what);
        Built(Asking).With(TagBy(change)).Refused(Pod, because);
    }

    [Theory]
    [InlineData("gus", "signed by key gus, whom the rule does not name")]
    [InlineData("robot", "signed by builder with key robot, whom the rule does not name")]
    [InlineData("stranger", "nobody signed that tag")]
    public void Only_a_person_whom_the_rule_names_tags_a_release(string by, string because) => Built(Asking).With(TagBy(), by).Refused(Pod, because);

    [Fact]
    public void A_build_of_a_branch_is_no_release()
    {
        Action<JsonObject> branch = provenance =>
        {
            Workflow(provenance)["ref"] = "refs/heads/main";
            Materials(provenance)[0]!["uri"] = $"git+{Source}@refs/heads/main";
        };
        Built(Asking, branch).With(TagBy(tag => tag["ref"] = "refs/heads/main")).Refused(Pod, "was built from refs/heads/main, which is no tagged release");
        Built(Asking, provenance => Materials(provenance).Clear()).With(TagBy()).Refused(Pod, "at no commit");
    }

    [Fact]
    public void A_tag_and_whoever_signed_it_can_be_revoked()
    {
        var cluster = Built(Asking).With(TagBy());
        cluster.Revocations = RevocationList.Empty with { Number = 3, Approvals = ["t-1"] };
        cluster.Refused(Pod, "was revoked in list 3");
        cluster.Revocations = RevocationList.Empty with { Number = 4, People = [Firm.Id("ben")] };
        cluster.Refused(Pod, "which was revoked in list 4");
    }

    [Fact]
    public void A_tag_on_an_unreviewed_commit_is_not_enough_where_both_are_asked()
    {
        var both = Policy($"{Tagged}, {Reviewed}");
        Built(both).With(TagBy()).Refused(Pod, "no review of it hangs on the image");
        Built(both).With(TagBy()).With(SourceWorld.Review(both)).Goes(Pod);
    }
}
