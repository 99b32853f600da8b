using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Reviews;
using Governance.Gates.Testing.GitHub;
using Governance.Gates.Tests.Reviews;

namespace Governance.Gates.Tests.Clients.GitHub;

public sealed class PullRequestSourceTests
{
    [Fact]
    public async Task Two_owners_who_approved_the_head_are_enough_and_one_is_not()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("risk/a").Push("ann").Review("bob");
        (await scene.JudgeAsync()).Is(Verdict.Deny, "2 of @bob @carol @example/risk, for risk/a (.github/CODEOWNERS:2) (risk-critical): needs 1 more of: @bob, @carol, @example/risk");
        scene.Request.Review("carol");
        (await scene.JudgeAsync()).Is(Verdict.Allow);
    }

    [Fact]
    public async Task C18_three_thousand_and_one_files_are_more_than_anybody_can_see()
    {
        await using var scene = await GitHubScene.StartAsync();
        for (var i = 0; i < 3_001; i++)
        {
            scene.Request.Change($"docs/{i % 20}/{i}");
        }

        scene.Request.Push("ann").Review("bob");
        (await scene.JudgeAsync()).Is(Verdict.Unknown, "3000 of 3001 changed files are known, and the forge tells no more than 3000");
    }

    [Fact]
    public async Task C18_two_hundred_and_fifty_one_commits_are_more_than_anybody_can_see()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("docs/b");
        for (var i = 0; i < 251; i++)
        {
            scene.Request.Push("ann", i.ToString(CultureInfo.InvariantCulture));
        }

        scene.Request.Review("bob");
        (await scene.JudgeAsync()).Is(Verdict.Unknown, "250 of 251 commits are known");
    }

    [Fact]
    public async Task C18_fewer_files_than_the_pull_request_says_are_could_not_tell()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("docs/b").Push("ann").Review("bob").ToldFiles = 2;
        (await scene.JudgeAsync()).Is(Verdict.Unknown, "1 of 2 changed files are known");
    }

    [Fact]
    public async Task C19_midad_216_and_codeowners_plus_a_rename_out_of_a_protected_path_needs_its_owners()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Rename("risk/a", "docs/a").Push("ann").Review("dave");
        (await scene.JudgeAsync()).Is(Verdict.Deny, "2 of @bob @carol @example/risk, for risk/a");
    }

    [Theory]
    [InlineData("120000", true)]
    [InlineData("160000", true)]
    [InlineData("100755", false)]
    public async Task C20_a_link_or_submodule_stands_for_any_path(string mode, bool isAny)
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("docs/b", "../risk/a", mode).Push("ann").Review("dave");
        (await scene.JudgeAsync()).Is(isAny ? Verdict.Deny : Verdict.Allow, isAny ? "for docs/b" : null);
    }

    [Theory]
    [InlineData("120000", true)]
    [InlineData("160000", true)]
    [InlineData("100644", false)]
    public async Task C20_what_was_a_link_or_submodule_stands_for_any_path_also_when_it_goes_or_becomes_a_file(string mode, bool isAny)
    {
        foreach (var goes in (bool[])[true, false])
        {
            await using var scene = await GitHubScene.StartAsync();
            scene.Main["docs/b"] = GitHubFile.Of("../risk/a", mode);
            scene.PushMain();
            (goes ? scene.Request.Remove("docs/b") : scene.Request.Change("docs/b", "a file", "100644")).Push("ann").Review("dave");
            (await scene.JudgeAsync()).Is(isAny ? Verdict.Deny : Verdict.Allow, isAny ? "for docs/b" : null);
        }
    }

    [Fact]
    public async Task C20_a_file_of_a_base_that_is_a_link_is_not_followed()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Main[".github/CODEOWNERS"] = GitHubFile.Of("../docs/b", "120000");
        scene.PushMain();
        scene.Request.Change("risk/a").Push("ann").Review("bob").Review("carol");
        (await scene.JudgeAsync()).Is(Verdict.Unknown, "is a symbolic link");
    }

    [Fact]
    public async Task C21_file_names_of_any_kind_are_matched_as_they_are()
    {
        await using var scene = await GitHubScene.StartAsync();
        foreach (var name in (string[])["risk/a\n::error::b", "risk/##[add-mask]x", "risk/a|b<img>\"%0A", $"risk/{new string('x', 4_000)}", "risk/🚀", "docs/ \u202e"])
        {
            scene.Request.Change(name);
        }

        scene.Request.HeadRef = "feat/🚀";
        scene.Request.Push("ann").Review("bob");
        var result = await scene.JudgeAsync();
        result.Is(Verdict.Deny, "and 2 more");
        scene.Request.Review("carol");
        (await scene.JudgeAsync()).Is(Verdict.Allow);
    }

    [Fact]
    public async Task C22_a_draft_is_denied()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("docs/b").Push("ann").Review("bob").IsDraft = true;
        (await scene.JudgeAsync()).Is(Verdict.Deny, "is a draft");
    }

    [Fact]
    public async Task C24_policy_and_CODEOWNERS_are_those_of_the_base_branch_as_it_is_now()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change(".github/CODEOWNERS", "* @stan\n").Change("governance.yaml", "spec: {}\n").Change("risk/a").Push("ann").Review("stan").Review("bob");
        (await scene.JudgeAsync()).Is(Verdict.Deny, "2 of @bob @carol @example/risk, for risk/a");
        scene.Main[".github/CODEOWNERS"] = GitHubFile.Of("* @ann @bob @carol @dave\n/risk/ @bob @dave\n");
        scene.PushMain();
        (await scene.JudgeAsync()).Is(Verdict.Deny, "2 of @bob @dave, for risk/a");
    }

    [Fact]
    public async Task C24_a_pull_request_into_another_branch_is_judged_by_that_branch()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.World.Branches["release/1.x"] = scene.World.Commit(new Dictionary<string, GitHubFile>(scene.Main) { ["governance.yaml"] = GitHubFile.Of(PullRequests.Yaml("    approvals: { default: 3 }")) });
        scene.Request.Change("docs/b").Push("ann").Review("bob").BaseRef = "release/1.x";
        (await scene.JudgeAsync()).Is(Verdict.Deny, "3 with write access");
    }

    [Fact]
    public async Task A_base_without_a_policy_or_with_a_wrong_one_is_could_not_tell()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("docs/b").Push("ann").Review("bob");
        scene.Main["governance.yaml"] = GitHubFile.Of("spec: [");
        scene.PushMain();
        (await scene.JudgeAsync()).Is(Verdict.Unknown, "the policy governance.yaml of commit");
        scene.Main.Remove("governance.yaml");
        scene.PushMain();
        (await scene.JudgeAsync()).Is(Verdict.Unknown, "has no policy at governance.yaml");
    }

    [Fact]
    public async Task Values_are_compared_between_base_and_head()
    {
        await using var scene = await GitHubScene.StartAsync("""
                values:
                  - { file: config/limits.yaml, at: /position/*/max, when: increases, require: [{ role: risk-manager, count: 1 }, { role: compliance, count: 1 }], why: risk limit raised }
            """);
        scene.Request.Change("config/limits.yaml", "position: { btc: { max: 4 } }\n").Push("ann");
        (await scene.JudgeAsync()).Is(Verdict.Allow);
        scene.Request.Change("config/limits.yaml", "position: { btc: { max: 6 } }\n").Push("ann");
        scene.Request.Changes.RemoveAt(0);
        (await scene.JudgeAsync()).Is(Verdict.Deny, "/position/btc/max from 5 to 6 (risk limit raised)");
        scene.Request.Review("dave").Review("erin");
        (await scene.JudgeAsync()).Is(Verdict.Allow);
    }

    [Fact]
    public async Task A_tree_that_is_too_large_to_be_told_whole_is_walked()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.World.TellsLargeTrees = false;
        for (var i = 0; i < 12; i++)
        {
            scene.Request.Change($"docs/{i}/a/b");
        }

        scene.Request.Change("docs/link", "x", "120000").Push("ann").Review("dave");
        (await scene.JudgeAsync()).Is(Verdict.Deny, "for docs/link");
    }

    [Fact]
    public async Task A_tree_with_an_entry_that_is_none_is_could_not_tell()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("docs/b").Push("ann").Review("bob");
        scene.Server.Override = async context =>
        {
            var isTree = context.Request.Path.Value!.Contains("/git/trees/", StringComparison.Ordinal);
            if (isTree)
            {
                await LoopbackGitHub.WriteAsync(context, JsonNode.Parse("""{"sha":"1","tree":[null],"truncated":false}"""));
            }

            return isTree;
        };
        (await scene.JudgeAsync()).Is(Verdict.Unknown, "a folder has more entries than GitHub tells");
    }

    [Fact]
    public async Task A_part_that_may_not_be_seen_is_could_not_tell_and_the_rest_is_judged()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("docs/b").Push("ann").Review("bob");
        foreach (var part in (string[])["/files", "/commits", "/reviews", "/git/trees", "/git/blobs"])
        {
            scene.Server.Override = async context =>
            {
                if (!context.Request.Path.Value!.Contains(part, StringComparison.Ordinal))
                {
                    return false;
                }

                await LoopbackGitHub.Refuse(404, "Not Found")(context);
                return true;
            };
            var result = await scene.JudgeAsync();
            Assert.Contains(result.Decision.Reasons, reason => reason.Message.Contains("there is none, or the token may not see it (404)", StringComparison.Ordinal));
            Assert.True(result.Decision.Verdict >= Verdict.Unknown, part);
        }
    }

    [Fact]
    public async Task Files_of_another_moment_than_the_head_are_could_not_tell()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.Request.Change("docs/b").Push("ann").Review("bob");
        // Away and back while the files are told: the head looks as if it had rested.
        var (head, rests) = (scene.Request.Head, scene.Request.Commits.ToList());
        scene.Server.Override = context =>
        {
            if (context.Request.Path.Value!.EndsWith("/files", StringComparison.Ordinal))
            {
                scene.Request.Change("docs/b", "other\n").Push("ann");
                scene.Request.Changes.RemoveAt(0);
            }
            else if (context.Request.Path.Value.EndsWith("/pulls/7", StringComparison.Ordinal))
            {
                scene.Request.Head = head;
                scene.Request.Commits.Clear();
                scene.Request.Commits.AddRange(rests);
            }

            return Task.FromResult(false);
        };
        (await scene.JudgeAsync()).Is(Verdict.Unknown);
    }

    [Fact]
    public async Task Answers_that_are_changed_anywhere_never_throw_and_never_let_a_pull_request_through()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.World.Teams["example/risk"].Add("erin");
        scene.Request.Change("risk/a").Rename("docs/b", "docs/c").Push("ann", "x\n\nCo-authored-by: N <n@example.com>").Review("bob", "COMMENTED");
        var (seed, changed) = (Environment.TickCount, 0);
        var random = new Random(seed);
        scene.Server.Mangle = body => random.Next(8) == 0 && body.Length > 0 ? Changed(body) : body;
        for (var i = 0; i < 60; i++)
        {
            var result = await scene.JudgeAsync();
            Assert.True(result.Decision.Verdict >= Verdict.Unknown, $"seed {seed}");
        }

        Assert.NotEqual(0, changed);

        byte[] Changed(byte[] body)
        {
            Interlocked.Increment(ref changed);
            var at = random.Next(body.Length);
            return random.Next(3) switch
            {
                0 => [.. body[..at], (byte)random.Next(256), .. body[(at + 1)..]],
                1 => body[..at],
                _ => [.. body[..at], .. body[random.Next(at, body.Length)..]],
            };
        }
    }

    [Fact]
    public async Task What_was_read_is_written_and_read_back_the_same()
    {
        await using var scene = await GitHubScene.StartAsync();
        scene.World.MaySeeTeams = false;
        scene.Request.Rename("risk/a", "risk/b").Remove("docs/b").Change("risk/ü\n").Push("ann", "x\n\nCo-authored-by: N <n@example.com>").Review("bob").Review(null).Review("carol", "COMMENTED", null);
        Assert.True((await scene.ReadAsync("stan")).Try(out var question, out _));
        var written = PullRequestWriter.Write(question.Request);
        Assert.True(PullRequestReader.Read(written).Try(out var read, out var why), why?.Message);
        Assert.Equal(Encoding.UTF8.GetString(written.Span), Encoding.UTF8.GetString(PullRequestWriter.Write(read).Span));
        Assert.Contains(read.Permissions, one => one.Account.Login == "stan");
    }
}
