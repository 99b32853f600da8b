using System.Text.Json.Nodes;

namespace Governance.Gates.Tests.Reviews;

/// <summary>How approvals are counted: one test for each way in which a count from the forge's API goes wrong.</summary>
public sealed class ApprovalCountingTests
{
    [Fact]
    public void C01_the_decisive_review_is_the_last_of_hundreds()
    {
        var request = new PullRequests("src/a").Reviewed("bob");
        for (var i = 0; i < 300; i++)
        {
            request.Reviewed("bob", "COMMENTED");
        }

        request.Judge().Is(Verdict.Allow);
        request.Reviewed("bob", "CHANGES_REQUESTED").Judge().Is(Verdict.Deny, "bob asks for changes");
    }

    [Theory]
    [InlineData("PENDING_REVIEW")]
    [InlineData("approved")]
    [InlineData("Approved")]
    public void C02_a_state_that_is_not_known_is_could_not_tell(string state) =>
        new PullRequests("src/a").Reviewed("bob").Reviewed("carol", state).Judge().Is(Verdict.Unknown, "which is not known here");

    [Fact]
    public void C03_the_last_opinion_of_an_account_counts_and_a_comment_is_none()
    {
        new PullRequests("src/a").Reviewed("bob").Reviewed("bob", "COMMENTED").Reviewed("bob", "PENDING").Judge().Is(Verdict.Allow);
        new PullRequests("src/a").Reviewed("bob", "CHANGES_REQUESTED").Reviewed("bob").Judge().Is(Verdict.Allow);
        new PullRequests("src/a").Reviewed("bob").Reviewed("bob", "DISMISSED").Judge().Is(Verdict.Deny, "needs 1 more");
    }

    [Fact]
    public void C03_accounts_are_told_apart_by_their_number_not_by_their_login()
    {
        // bob's login went to somebody else after he approved.
        var taken = new PullRequests("src/a").Reviewed("bob").Judge();
        taken.Is(Verdict.Allow);
        var request = new PullRequests("src/a").Reviewed("bob");
        var json = JsonNode.Parse(request.Json())!;
        json["reviews"]![0]!["user"]!["id"] = 777;
        request.With("reviews", json["reviews"]!.DeepClone()).Judge().Is(Verdict.Deny, "needs 1 more");
    }

    [Fact]
    public void C04_policy_bot_brings_back_the_approval_before_a_dismissed_one_and_this_gate_does_not()
    {
        // The dismissed review stands in the place of the second approval, and the first one still stands before it.
        var result = new PullRequests("src/a").Reviewed("bob").Reviewed("bob", "DISMISSED").Judge();
        result.Is(Verdict.Deny);
        Assert.Equal("the review was dismissed", result.WhyNot("bob"));
    }

    [Fact]
    public void C03_codeowners_plus_counts_any_approval_and_this_gate_the_last_word() =>
        new PullRequests("src/a").Reviewed("bob").Reviewed("bob", "CHANGES_REQUESTED").Reviewed("carol").Judge().Is(Verdict.Deny, "bob asks for changes");

    [Fact]
    public void C05_a_review_without_account_or_commit_never_counts()
    {
        new PullRequests("src/a").Reviewed(null).Judge().Is(Verdict.Deny, "needs 1 more");
        var result = new PullRequests("src/a").Reviewed("bob", commit: null).Judge();
        result.Is(Verdict.Deny);
        Assert.Equal("the reviewed commit is gone", result.WhyNot("bob"));
    }

    [Fact]
    public void C06_an_approval_of_an_earlier_commit_does_not_count_for_the_head()
    {
        var result = new PullRequests("src/a").Reviewed("bob", commit: PullRequests.Older).Judge();
        result.Is(Verdict.Deny, "needs 1 more");
        Assert.Equal("approved an earlier commit", result.WhyNot("bob"));
    }

    [Fact]
    public void C06_changes_that_were_asked_for_at_an_earlier_commit_still_are() =>
        new PullRequests("src/a").Reviewed("bob", "CHANGES_REQUESTED", PullRequests.Older).Reviewed("carol").Judge().Is(Verdict.Deny, "bob asks for changes");

    [Fact]
    public void C07_a_head_that_moved_while_it_was_read_is_could_not_tell() =>
        new PullRequests("src/a").Reviewed("bob").With("headAfter", PullRequests.Older).Judge().Is(Verdict.Unknown, "the head commit changed");

    [Theory]
    [InlineData("bob", "ann")]
    [InlineData("ann", "bob")]
    public void C08_who_wrote_or_committed_a_part_does_not_approve_it(string author, string committer)
    {
        var result = new PullRequests("src/a").Commit(author, committer).Reviewed("bob").Judge();
        result.Is(Verdict.Deny, "needs 1 more");
        Assert.NotNull(result.WhyNot("bob"));
    }

    [Fact]
    public void C08_a_co_author_does_not_approve() =>
        Assert.Contains("co-author", Denied(new PullRequests("src/a").Commit("ann", "ann", "bob").Reviewed("bob")).WhyNot("bob"), StringComparison.Ordinal);

    [Fact]
    public void C08_who_wrote_the_change_does_not_approve_it_as_a_colleagues_pull_request()
    {
        Assert.Equal("opened the pull request", Denied(new PullRequests("src/a").Reviewed("ann")).WhyNot("ann"));
        Assert.StartsWith("wrote commit", Denied(new PullRequests("src/a").With("author", PullRequests.Account("bob")).Reviewed("ann")).WhyNot("ann"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "ann", "an author")]
    [InlineData("ann", null, "a committer")]
    public void C09_a_commit_that_belongs_to_no_account_is_could_not_tell(string? author, string? committer, string who) =>
        new PullRequests("src/a").Commit(author, committer).Reviewed("bob").Reviewed("carol").Judge().Is(Verdict.Unknown, $"has {who} whose address belongs to no account");

    [Fact]
    public void C09_a_co_author_of_no_account_is_could_not_tell() =>
        new PullRequests("src/a").Commit("ann", "ann", [null]).Reviewed("bob").Judge().Is(Verdict.Unknown, "names a co-author");

    [Fact]
    public void C10_a_forged_author_excludes_and_never_grants()
    {
        // ann writes commits in bob's name: bob cannot approve, and nobody approved for it.
        new PullRequests("src/a").Commit("bob", "bob").Judge().Is(Verdict.Deny, "needs 1 more");
        new PullRequests("src/a").Commit("bob", "bob").Reviewed("carol").Judge().Is(Verdict.Allow);
    }

    [Fact]
    public void C11_who_pushed_last_does_not_approve() =>
        Assert.Equal("pushed last", Denied(new PullRequests("src/a").With("lastPusher", PullRequests.Account("bob")).Reviewed("bob")).WhyNot("bob"));

    [Fact]
    public void C11_who_pushed_last_must_be_known() =>
        new PullRequests("src/a").With("lastPusher", null).Reviewed("bob").Judge().Is(Verdict.Unknown, "who pushed last could not be read");

    // Somebody may drive the robot, or have the account, and approve what it opened.
    [Theory]
    [InlineData("Bot", "release[bot]", 50)]
    [InlineData("User", "stranger", 51)]
    public void C12_what_nobody_of_the_policy_opened_needs_one_approval_more(string type, string login, int id)
    {
        PullRequests Opened() => new PullRequests("src/a").With("author", new JsonObject { ["id"] = id, ["login"] = login, ["type"] = type });
        Denied(Opened().Reviewed("bob"));
        Opened().Reviewed("bob").Reviewed("carol").Judge().Is(Verdict.Allow);
        Assert.Contains("needs 2 more of", Opened().Judge().Decision.Reasons.First().Message, StringComparison.Ordinal);

        // Neither is the driver the one of a role, or an owner, whom the change needs.
        PullRequests Touching(string path) => new PullRequests(path).With("author", new JsonObject { ["id"] = id, ["login"] = login, ["type"] = type });
        Denied(Touching("config/a").Reviewed("dave").Reviewed("erin"));
        Touching("config/a").Reviewed("dave").Reviewed("erin").Reviewed("frank").Judge().Is(Verdict.Allow);
        Denied(Touching("risk/a").Team("example/risk", "frank").Reviewed("bob").Reviewed("carol").Reviewed("dave"));
    }

    [Theory]
    [InlineData("User", "release[bot]")]
    [InlineData("Bot", "bob")]
    [InlineData("Mannequin", "bob")]
    [InlineData("Organization", "bob")]
    public void C12_no_robot_approves(string type, string login)
    {
        var request = new PullRequests("src/a").Reviewed(login);
        var json = JsonNode.Parse(request.Json())!;
        json["reviews"]![0]!["user"]!["type"] = type;
        Assert.Equal("no human has the account", Denied(request.With("reviews", json["reviews"]!.DeepClone())).WhyNot(login));
    }

    [Theory]
    [InlineData("read")]
    [InlineData("none")]
    public void C13_who_cannot_write_now_does_not_approve_and_stops_nothing(string permission)
    {
        Assert.Equal("cannot write to the repository now", Denied(new PullRequests("src/a").Permit("erin", permission).Reviewed("erin")).WhyNot("erin"));
        new PullRequests("src/a").Permit("stan", permission).Reviewed("stan", "CHANGES_REQUESTED").Reviewed("carol").Judge().Is(Verdict.Allow);
    }

    [Fact]
    public void C13_a_permission_that_could_not_be_read_is_could_not_tell()
    {
        new PullRequests("src/a").Permit("bob", null).Reviewed("bob").Reviewed("carol").Judge().Is(Verdict.Unknown, "the permission of bob");
        new PullRequests("src/a").Permit("stan", null).Reviewed("stan", "CHANGES_REQUESTED").Reviewed("carol").Judge().Is(Verdict.Unknown, "stan asks for changes");
    }

    [Fact]
    public void C14_the_forges_word_for_an_association_is_no_field_of_a_snapshot()
    {
        var request = new PullRequests("src/a").Reviewed("bob");
        var json = JsonNode.Parse(request.Json())!;
        json["reviews"]![0]!["authorAssociation"] = "OWNER";
        Assert.Throws<InvalidOperationException>(() => request.With("reviews", json["reviews"]!.DeepClone()).Read());
    }

    [Fact]
    public void C15_a_member_of_an_owning_team_approves_and_an_invited_one_does_not()
    {
        new PullRequests("risk/a").Team("Example/Risk", "dave", "erin").Reviewed("dave").Reviewed("erin").Judge().Is(Verdict.Allow);
        new PullRequests("risk/a").Team("example/risk", "dave?", "erin").Reviewed("dave").Reviewed("erin").Judge().Is(Verdict.Deny, "needs 1 more of: @bob, @carol, @example/risk");
    }

    [Fact]
    public void C16_a_team_that_cannot_be_read_is_could_not_tell_and_names_what_is_missing()
    {
        new PullRequests("risk/a").UnreadTeam("example/risk", "the token lacks members:read").Reviewed("dave").Reviewed("erin").Judge().Is(Verdict.Unknown, "the token lacks members:read");
        new PullRequests("risk/a").Reviewed("dave").Reviewed("erin").Judge().Is(Verdict.Unknown, "the team example/risk was not read");

        // Where others suffice, nobody has to be asked about the team.
        new PullRequests("risk/a").UnreadTeam("example/risk", "the token lacks members:read").Reviewed("bob").Reviewed("carol").Judge().Is(Verdict.Allow);
    }

    [Theory]
    [InlineData("changedFiles", 2)]
    [InlineData("changedFiles", 0)]
    [InlineData("commitCount", 251)]
    public void C18_what_is_not_seen_whole_is_could_not_tell(string field, int count) =>
        new PullRequests("src/a").Reviewed("bob").With(field, count).Judge().Is(Verdict.Unknown, "are known, and the forge tells no more");

    [Fact]
    public void C18_three_thousand_files_are_as_many_as_the_forge_tells_and_could_be_more()
    {
        var request = new PullRequests();
        for (var i = 0; i < 3_000; i++)
        {
            request.Change($"src/{i}");
        }

        request.Reviewed("bob").Judge().Is(Verdict.Unknown, "3000 of 3000 changed files");
    }

    [Fact]
    public void C19_a_file_renamed_out_of_a_protected_folder_needs_the_owners_of_its_old_path()
    {
        new PullRequests().Change("docs/a", "renamed", "risk/a").Reviewed("dave").Judge().Is(Verdict.Deny, "risk/a");
        new PullRequests().Change("docs/a", "renamed", "risk/a").Reviewed("bob").Reviewed("carol").Judge().Is(Verdict.Allow);
        new PullRequests().Change("risk/a", "copied", "docs/a").Reviewed("dave").Judge().Is(Verdict.Deny, "risk/a");
    }

    [Theory]
    [InlineData("120000")]
    [InlineData("160000")]
    [InlineData("040000")]
    [InlineData(null)]
    public void C20_what_stands_for_another_content_meets_every_rule(string? mode) =>
        new PullRequests().Change("docs/a", mode: mode).Reviewed("dave").Judge().Is(Verdict.Deny, "1 risk-manager and 1 compliance, for docs/a");

    [Fact]
    public void C20_the_list_of_submodules_meets_every_rule() =>
        new PullRequests(".gitmodules").Reviewed("dave").Judge().Is(Verdict.Deny, "1 risk-manager and 1 compliance, for .gitmodules");

    [Fact]
    public void C21_a_file_name_of_any_kind_is_judged()
    {
        new PullRequests("risk/::error::x\n| a |").Reviewed("dave").Judge().Is(Verdict.Deny, "needs 2 more");
        new PullRequests($"risk/{new string('a', 4_096)}").Reviewed("bob").Reviewed("carol").Judge().Is(Verdict.Allow);
    }

    [Fact]
    public void C22_a_draft_is_judged_and_does_not_merge() =>
        new PullRequests("risk/a").With("draft", true).Reviewed("bob").Judge().Is(Verdict.Deny, "is a draft");

    private static Governance.Gates.Reviews.ReviewResult Denied(PullRequests request)
    {
        var result = request.Judge();
        result.Is(Verdict.Deny);
        return result;
    }
}
