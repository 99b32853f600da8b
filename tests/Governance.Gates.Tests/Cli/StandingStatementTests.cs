using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Images;
using Governance.Gates.Reviews;
using Governance.Gates.Tests.Sigstore;

namespace Governance.Gates.Tests.Cli;

/// <summary>What <c>gates review attest --branch</c> makes of statements that are there already: which it goes on from, and which it never signs over.</summary>
public sealed class StandingStatementTests : AttestBench
{
    [Fact]
    public async Task A_revoked_statement_does_not_stand_and_comes_back_only_by_hand()
    {
        await WithRevocationsAsync();
        var merged = World.Merge(7);
        var id = (await JsonAsync(0, "--since", bench.Before)).GetProperty("commits")[0].GetProperty("id").GetString()!;
        var snapshot = bench.Bench.Folder.PathOf("pr.json");
        Assert.Equal(0, (await bench.Bench.GatesAsync("review", "--pr", "7", "--repository", "example/trading", "--save", snapshot)).ExitCode);
        Assert.Equal(id, (await ByHandAsync()).GetProperty("id").GetString());

        await RevokeAsync("--approval", id);
        var refused = await AttestAsync(1, "--since", bench.Before);
        Assert.Contains($"the statement about {merged} was revoked, and is not made anew by itself", refused.Output, StringComparison.Ordinal);

        // Nor does it come back where the registry hides it, or shows another.
        foreach (var shown in (Func<string, Task>[])[commit => PutAsync(commit, "stranger", statement => statement), HideAsync])
        {
            await shown(merged);
            Assert.Contains("was revoked, and is not made anew by itself", (await AttestAsync(1, "--since", bench.Before)).Output, StringComparison.Ordinal);
        }

        var anew = await ByHandAsync();
        Assert.NotEqual(id, anew.GetProperty("id").GetString());
        Assert.Equal(JsonValueKind.String, anew.GetProperty("pushed").ValueKind);
        Assert.Empty(Of(await JsonAsync(0)));

        async Task<JsonElement> ByHandAsync()
        {
            var tree = await TreeAsync(merged);
            var ended = await bench.Bench.GatesAsync("review", "attest", "--snapshot", snapshot, "--policy", policy, "--layout", bench.Bench.Layout, "--merged", merged, "--tree", tree, "--reviewed-tree", tree, "--key", bench.Bench.Folder.PathOf("reviewer.pem"), "--output", "json");
            Assert.True(ended.ExitCode == 0, ended.Error + ended.Output);
            return ended.Json();
        }
    }

    [Fact]
    public async Task A_revocation_under_a_statement_that_stands_ends_what_is_said_of_the_branch()
    {
        await WithRevocationsAsync();
        Open(8, "docs/b", "other\n");
        var (first, second) = (World.Merge(7), World.Merge(8));
        var id = (await JsonAsync(0, "--since", bench.Before)).GetProperty("commits")[0].GetProperty("id").GetString()!;
        Open(9, "docs/b", "again\n");
        var third = World.Merge(9);
        await RevokeAsync("--approval", id);
        Assert.Contains($"the statement about {first}, on which the one about {second} rests, was revoked", (await AttestAsync(1)).Output, StringComparison.Ordinal);
        await HideAsync(first);
        Assert.Contains("rests, was revoked", (await AttestAsync(1, "--since", bench.Before)).Output, StringComparison.Ordinal);

        // Whoever answers for the branch may begin anew above it.
        Assert.Equal([(third, 9, null)], Of(await JsonAsync(0, "--since", second)));
        Assert.Equal(second, (await StatementAsync(third)).Since?.Hex);
    }

    [Fact]
    public async Task A_statement_that_says_no_is_never_signed_over()
    {
        var merged = World.Merge(7);
        await JsonAsync(0, "--since", bench.Before);
        await PutAsync(merged, "reviewer", statement => statement with { Passed = false, Properties = [] });
        Assert.Contains($"a statement says that {merged} did not pass", (await AttestAsync(1, "--since", bench.Before)).Output, StringComparison.Ordinal);
        Assert.False((await StatementAsync(merged)).Passed);
    }

    // Whoever may write there makes a chain as long as they like.
    [Fact]
    public async Task A_chain_of_which_no_end_is_seen_attests_nothing_once_something_was_revoked()
    {
        await WithRevocationsAsync();
        var first = World.Merge(7);
        Open(8, "risk/b", "reviewed\n");
        var second = World.Merge(8);
        await JsonAsync(0, "--since", bench.Before);
        await PutAsync(first, "reviewer", statement => statement with { Previous = GitObjectId.TryParse(second) });
        Open(9, "risk/c", "reviewed\n");
        World.Merge(9);
        await RevokeAsync("--approval", "v-0000000000000001");
        Assert.Contains("only the last 250 statements", (await AttestAsync(2)).Output, StringComparison.Ordinal);
        await JsonAsync(0, "--since", second);
    }

    [Fact]
    public async Task A_tag_is_refused_where_a_statement_that_says_no_waits_whatever_file_says_yes()
    {
        var merged = World.Merge(7);
        await JsonAsync(0, "--since", bench.Before);
        var signed = $"object {merged}\ntype commit\ntag v1\ntagger Bob <bob@example.com> 1772366400 +0000\n\nfirst\n";
        using var key = ECDsa.Create();
        key.ImportFromPem(await File.ReadAllTextAsync(bench.Bench.Folder.PathOf("bob.pem"), TestContext.Current.CancellationToken));
        World.Tags["v1"] = ("tag", new('a', 40), new JsonObject
        {
            ["object"] = new JsonObject { ["type"] = "commit", ["sha"] = merged },
            ["verification"] = new JsonObject { ["reason"] = "no_user", ["payload"] = signed, ["signature"] = GitTagTests.SignatureOf(signed, key) },
        });
        string[] tag = ["tag", "v1", "--repository", "example/trading", "--policy", policy, "--layout", bench.Bench.Layout];
        Assert.Equal(0, (await bench.Bench.GatesAsync(tag)).ExitCode);

        var yes = bench.Bench.Folder.PathOf("yes.json");
        await File.WriteAllBytesAsync(yes, await BundleAsync(merged), TestContext.Current.CancellationToken);
        Assert.Equal(0, (await bench.Bench.GatesAsync([.. tag, "--statement", yes])).ExitCode);
        await PutAsync(merged, "reviewer", statement => statement with { Passed = false, Properties = [] });
        foreach (var line in (string[][])[tag, [.. tag, "--statement", yes]])
        {
            var ended = await bench.Bench.GatesAsync(line);
            Assert.Equal(1, ended.ExitCode);
            Assert.Contains($"says that commit {merged} did not pass", ended.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_statement_of_somebody_trusted_that_cannot_be_read_is_could_not_tell()
    {
        var merged = World.Merge(7);
        await JsonAsync(0, "--since", bench.Before);
        await PutAsync(merged, "reviewer", statement => statement, text => text.Replace("\"critical\":[]", "\"critical\":[\"retracted\"]", StringComparison.Ordinal));
        Assert.Contains("must not be read without knowing 'retracted'", (await AttestAsync(2, "--since", bench.Before)).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("stranger", "https://github.com/example/trading", "main", false, 0)]
    [InlineData("reviewer", "https://github.com/example/other", "main", false, 2)]
    [InlineData("reviewer", "https://github.com/example/trading", "release/1.x", false, 2)]
    [InlineData("reviewer", "https://github.com/example/trading", "main", true, 0)]
    public async Task A_statement_that_no_gate_would_count_for_the_commit_does_not_end_the_walk(string key, string repository, string branch, bool isOfAnotherTree, int exit)
    {
        var merged = World.Merge(7);
        await JsonAsync(0, "--since", bench.Before);
        await PutAsync(merged, key, statement => statement with { Repository = repository, Ref = $"refs/heads/{branch}", Tree = isOfAnotherTree ? statement.Commit : statement.Tree });
        var ended = await AttestAsync(exit, "--since", bench.Before);
        Assert.Equal(exit == 2, ended.Output.Contains("stands where the one about", StringComparison.Ordinal));
        var review = await StatementAsync(merged, exit == 0 ? "reviewer" : key);
        Assert.Equal(exit == 0 ? ("https://github.com/example/trading", "refs/heads/main") : (repository, $"refs/heads/{branch}"), (review.Repository, review.Ref));
    }

    [Fact]
    public async Task A_statement_under_a_policy_that_never_was_in_force_does_not_end_the_walk()
    {
        var merged = World.Merge(7);
        await JsonAsync(0, "--since", bench.Before);
        await PutAsync(merged, "reviewer", statement => statement with { Policy = statement.Policy with { Digest = Digest.Of("other"u8) } });
        Assert.Equal([(merged, 7, null)], Of(await JsonAsync(0, "--since", bench.Before)));
    }
}
