using System.Text.Json.Nodes;
using Governance.Gates.Testing.GitHub;
using Governance.Gates.Tests.Reviews;

namespace Governance.Gates.Tests.Clients.GitHub;

/// <summary>Ways past other gates for pull requests, tried on this one. Others are named by the tests of what they are about.</summary>
public sealed class PeerDefectTests
{
    [Fact]
    public async Task C19_policy_bot_asks_for_the_status_deleted_and_here_a_removed_file_needs_its_owners()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Remove("risk/a").Push("ann").Review("dave");
        (await scene.JudgeAsync()).Is(Verdict.Deny, "2 of @bob @carol @example/risk, for risk/a");
        scene.Request.Review("bob").Review("carol");
        (await scene.JudgeAsync()).Is(Verdict.Allow);

        // A word that GitHub does not use is not taken for one that it does.
        scene.Request.Changes[0] = ("risk/a", null, "deleted");
        (await scene.JudgeAsync()).Is(Verdict.Unknown, "the status 'deleted' of a file is not known");
    }

    [Fact]
    public async Task C26_policy_bot_376_no_status_or_check_that_somebody_posts_is_asked_for()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("risk/a").Push("ann").Review("bob");
        (await scene.JudgeAsync()).Is(Verdict.Deny, "needs 1 more");
        Assert.DoesNotContain(scene.Server.Log, request => request.Contains("status", StringComparison.Ordinal) || request.Contains("check-", StringComparison.Ordinal));
    }

    [Fact]
    public async Task C06_policy_bot_estimates_when_a_push_was_and_here_an_approval_right_after_it_counts()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("docs/b").Push("ann").Review("bob");
        (await scene.JudgeAsync()).Is(Verdict.Allow);
        scene.Request.Change("docs/b", "again\n").Push("ann");
        (await scene.JudgeAsync()).Is(Verdict.Deny, "needs 1 more");
        scene.Request.Review("bob");
        (await scene.JudgeAsync()).Is(Verdict.Allow);
    }

    [Theory]
    [InlineData("COMMENTED", "codeowners bypass")]
    [InlineData("COMMENTED", "> codeowners bypass\n\nno, do not")]
    [InlineData("CHANGES_REQUESTED", "codeowners bypass")]
    [InlineData("DISMISSED", "codeowners bypass")]
    [InlineData("APPROVED", "codeowners bypass")]
    public async Task C02_codeowners_plus_takes_a_text_in_any_review_for_a_bypass_and_here_no_text_is_one(string state, string text)
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.World.Permissions["dave"] = "admin";
        scene.Request.Change("risk/a").Push("ann").Review("bob").Review("dave", state, text: text);
        (await scene.JudgeAsync()).Is(Verdict.Deny, "needs 1 more of: @bob, @carol, @example/risk");
    }

    [Theory]
    [InlineData(500)]
    [InlineData(403)]
    [InlineData(422)]
    public async Task C16_codeowners_plus_warns_of_a_team_that_cannot_be_fetched_and_here_it_is_could_not_tell(int status)
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.World.Teams["example/risk"].Add("dave");
        scene.Request.Change("risk/a").Push("ann").Review("bob").Review("dave");
        (await scene.JudgeAsync()).Is(Verdict.Allow);
        scene.Server.Override = async context =>
        {
            var isTeam = context.Request.Path.Value!.Contains("/teams/", StringComparison.Ordinal);
            if (isTeam)
            {
                await LoopbackGitHub.Refuse(status)(context);
            }

            return isTeam;
        };
        (await scene.JudgeAsync()).Is(Verdict.Unknown, "@example/risk");
    }

    [Theory]
    [InlineData("""{"data":{"repository":{"c0":{"authors":{"nodes":[AUTHOR]}}}},"errors":[{"message":"Something went wrong"}]}""", "GitHub says: Something went wrong")]
    [InlineData("""{"data":{"repository":{"c0":{"authors":{"nodes":[AUTHOR]}}}},"errors":[null]}""", "GitHub says: an error")]
    [InlineData("""{"data":null}""", "could not read the co-authors")]
    [InlineData("""[]""", "could not read the co-authors")]
    [InlineData("""{"data":{"repository":{"c0":{"authors":{"nodes":[{"email":"x@example.com","user":{"databaseId":"5","login":"erin"}}]}}}}}""", "could not read the co-authors")]
    [InlineData("""{"data":{"repository":null}}""", "whose address belongs to no account")]
    [InlineData("""{"data":{"repository":{"c0":null}}}""", "whose address belongs to no account")]
    [InlineData("""{"data":{"repository":{"c1":{"authors":{"nodes":[AUTHOR]}}}}}""", "whose address belongs to no account")]
    [InlineData("""{"data":{"repository":{"c0":{"authors":null}}}}""", "whose address belongs to no account")]
    [InlineData("""{"data":{"repository":{"c0":{"authors":{"nodes":[null]}}}}}""", "whose address belongs to no account")]
    [InlineData("""{"data":{"repository":{"c0":{"authors":{"nodes":[{"email":"x@example.com","user":null}]}}}}}""", "whose address belongs to no account")]
    [InlineData("""{"data":{"repository":{"c0":{"authors":{"nodes":[{"email":"x@example.com","user":{"databaseId":0,"login":"erin"}}]}}}}}""", "whose address belongs to no account")]
    public async Task C17_a_query_that_is_answered_in_part_is_could_not_tell(string answer, string told)
    {
        const string Author = """{"email":"x@example.com","user":{"databaseId":5,"login":"erin"}}""";
        await using var scene = await GitHubScene.StartAsync();
        scene.World.Addresses["x@example.com"] = "erin";
        scene.Request.Change("docs/b").Push("ann", "x\n\nCo-authored-by: Erin <x@example.com>").Review("bob");
        (await scene.JudgeAsync()).Is(Verdict.Allow);
        scene.Server.Script("graphql", context => LoopbackGitHub.WriteAsync(context, JsonNode.Parse(answer.Replace("AUTHOR", Author, StringComparison.Ordinal))));
        (await scene.JudgeAsync()).Is(Verdict.Unknown, told);
    }
}
