using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Governance.Gates.Images;
using Governance.Gates.Reviews;
using Governance.Gates.Sigstore;
using Governance.Gates.Testing;
using Governance.Gates.Tests.Cli;

namespace Governance.Gates.Tests.Reviews;

/// <summary>What is said of a merged commit: from a judged pull request to a statement, and from its bytes back.</summary>
public sealed class ReviewStatementTests
{
    private const string Extension = "https://governance.gates/review/v1";
    private const string Address = "https://github.com/example/trading";
    private static readonly PublishedSchema Schema = PublishedSchema.Of("https://governance.gates/schemas/v1alpha1/review-statement.schema.json");
    private static readonly byte[] Golden = File.ReadAllBytes(Path.Combine(ProjectTree.Root, "tests/Governance.Gates.Tests/Reviews/testdata/review-v1.json"));

    [Fact]
    public void A_statement_of_the_first_version_is_read_with_its_meaning_and_written_back_byte_for_byte()
    {
        var statement = Found(Read(Golden));
        Assert.Equal(("v-1", "change-1", Address, "refs/heads/main"), (statement.Id, statement.ChangeId, statement.Repository, statement.Ref));
        Assert.Equal((Id('4'), Id('5'), Id('3'), true), (statement.Commit, statement.Tree, statement.Previous, statement.Passed));
        Assert.Equal(new MergedPullRequest(7, Id('1'), Id('2')), statement.PullRequest);
        Assert.Equal([ReviewStatement.TwoPartyReviewed, ReviewStatement.PolicyAllowed], statement.Properties);
        Assert.Equal("p-1", statement.Author);
        Assert.Equal(["p-1", "p-4"], statement.Contributors);
        Assert.Equal(["p-2", "p-3"], statement.Reviewers);
        Assert.Equal(new JudgingPolicy("firm", 7, Filled('d')), statement.Policy);
        Assert.Equal((Filled('e'), new DateTimeOffset(2026, 6, 1, 12, 0, 0, TimeSpan.Zero)), (statement.Snapshot, statement.TimeVerified));
        Assert.Equal(Golden, ReviewStatements.Write(statement));
        Schema.Check(JsonDocument.Parse(Golden).RootElement.GetProperty("predicate"));
    }

    [Fact]
    public void Fields_that_a_reader_does_not_know_are_ignored_wherever_they_stand()
    {
        var changed = Changed(statement =>
        {
            foreach (var place in Objects(statement["predicate"]).ToList())
            {
                place["later"] = "anything";
            }
        });
        Assert.Equal(Golden, ReviewStatements.Write(Found(Read(changed))));
    }

    [Fact]
    public void The_schema_names_exactly_the_fields_that_the_reader_knows()
    {
        using var schema = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(ProjectTree.Root, "docs/formats/review-statement.schema.json")));
        var own = schema.RootElement.GetProperty("properties").GetProperty(Extension);
        var names = own.GetProperty("properties").EnumerateObject().Select(property => property.Name).ToList();
        Found(Read(Changed(statement => Own(statement)["critical"] = new JsonArray([.. names.Select(name => (JsonNode)name)]))));
        Assert.Equal(Own(JsonNode.Parse(Golden)!).Select(member => member.Key).Order(StringComparer.Ordinal), names.Order(StringComparer.Ordinal));
        var required = own.GetProperty("required").EnumerateArray().Select(name => name.GetString()!).ToList();
        foreach (var name in names)
        {
            Assert.True(Read(Changed(statement => Own(statement).Remove(name))) is Reading<ReviewStatement>.Unread == required.Contains(name), name);
        }
    }

    /// <summary>What is changed, and why it is then no statement.</summary>
    public static TheoryData<string, Action<JsonNode>> Malformed => new()
    {
        { "knowing 'later'", statement => Own(statement)["critical"] = new JsonArray("later") },
        { "'v' is not 1", statement => Own(statement)["v"] = 2 },
        { "'v' is not 1", statement => Own(statement).Remove("v") },
        { "no text", statement => Own(statement)["id"] = "a\nb" },
        { "neither PASSED nor FAILED", statement => statement["predicate"]!["verificationResult"] = "passed" },
        { "git+ and the address", statement => statement["predicate"]!["resourceUri"] = Address },
        { "one gitCommit and one gitTree", statement => statement["subject"]!.AsArray().RemoveAt(1) },
        { "one gitCommit and one gitTree", statement => statement["subject"]!.AsArray().Add(new JsonObject { ["digest"] = new JsonObject { ["gitCommit"] = new string('9', 40) } }) },
        { "one gitCommit and one gitTree", statement => statement["subject"]![1]!["digest"] = new JsonObject { ["gitCommit"] = new string('9', 40) } },
        { "one gitCommit and one gitTree", statement => statement["subject"]![0]!["digest"]!["sha1"] = new string('9', 40) },
        { "one gitCommit and one gitTree", statement => statement["subject"]![0]!["digest"]!["gitCommit"] = "main" },
        { "one gitCommit and one gitTree", statement => statement["subject"]![0]!["digest"]!["gitCommit"] = new string('A', 40) },
        { "'head' is no name of a git object", statement => Own(statement)["pullRequest"]!["head"] = "HEAD" },
        { "'number' is no whole number", statement => Own(statement)["pullRequest"]!["number"] = 0 },
        { "'reviewers' is no list", statement => Own(statement)["reviewers"] = "p-2" },
        { "'reviewers' is no list", statement => Own(statement)["reviewers"] = new JsonArray([.. Enumerable.Range(0, 257).Select(i => (JsonNode)$"p-{i}")]) },
        { "'digest' is no digest", statement => Own(statement)["policy"]!["digest"] = "sha256:1" },
        { "'timeVerified' is no time", statement => statement["predicate"]!["timeVerified"] = "2026-06-01" },
    };

    [Theory, MemberData(nameof(Malformed))]
    public void What_is_not_of_the_format_is_refused_with_a_reason(string told, Action<JsonNode> change)
    {
        var unread = Assert.IsType<Reading<ReviewStatement>.Unread>(Read(Changed(change)));
        Assert.Contains(told, unread.Reason.Message, StringComparison.Ordinal);
        Assert.NotNull(unread.Reason.Remedy);
    }

    [Fact]
    public void A_summary_that_is_none_of_ours_is_no_review()
    {
        Assert.Null(Read(Changed(statement => statement["predicate"]!.AsObject().Remove(Extension))));
        Assert.Null(Read(Changed(statement => statement["predicateType"] = PredicateTypes.SlsaProvenance)));
    }

    [Fact]
    public void A_judged_pull_request_becomes_a_statement_with_persons_by_their_ids()
    {
        var request = new PullRequests("risk/a").Commit("erin", "web-flow", "frank").Reviewed("bob").Reviewed("carol");
        var statement = Found(Say(request));
        Assert.Equal(["p-1", "p-5", "p-6"], statement.Contributors);
        Assert.Equal(["p-2", "p-3"], statement.Reviewers);
        Assert.Equal([ReviewStatement.TwoPartyReviewed, ReviewStatement.PolicyAllowed], statement.Properties);
        Assert.Equal((Address, "refs/heads/main", 7L), (statement.Repository, statement.Ref, statement.PullRequest.Number));
        var written = ReviewStatements.Write(statement);
        Assert.DoesNotContain("bob", Encoding.UTF8.GetString(written), StringComparison.Ordinal);
        Assert.Equal(written, ReviewStatements.Write(Found(Read(written))));
        Schema.Check(JsonDocument.Parse(written).RootElement.GetProperty("predicate"));
    }

    [Fact]
    public void A_statement_that_begins_anew_says_after_which_commit()
    {
        var written = ReviewStatements.Write(Found(Read(Golden)) with { Previous = null, Since = Id('6') });
        var read = Found(Read(written));
        Assert.Equal((null, Id('6')), (read.Previous, read.Since));
        Schema.Check(JsonDocument.Parse(written).RootElement.GetProperty("predicate"));
    }

    [Fact]
    public void The_id_of_a_statement_follows_from_what_it_is_about()
    {
        string[] ids =
        [
            ReviewStatement.IdOf(Address, "refs/heads/main", Id('4'), 0), ReviewStatement.IdOf(Address, "refs/heads/main", Id('4'), 1), ReviewStatement.IdOf(Address, "refs/heads/main", Id('5'), 0),
            ReviewStatement.IdOf(Address, "refs/heads/other", Id('4'), 0), ReviewStatement.IdOf($"{Address}x", "refs/heads/main", Id('4'), 0),
        ];
        Assert.Equal(ids.Length, ids.Distinct().Count());
        Assert.Equal(ids[0], ReviewStatement.IdOf(Address, "refs/heads/main", Id('4'), 0));
        Assert.All(ids, id => Assert.Matches("^v-[0-9a-f]{32}$", id));
    }

    [Fact]
    public void Nothing_is_said_of_a_pull_request_that_was_not_allowed() =>
        Assert.Contains("was not allowed", Unread(Say(new PullRequests("risk/a").Reviewed("bob"))).Message, StringComparison.Ordinal);

    [Fact]
    public void Nothing_is_said_of_a_squash_whose_tree_differs_from_what_was_reviewed() =>
        Assert.Contains($"has the tree {Id('5')}, and {Id('6')} was reviewed", Unread(Say(new PullRequests("src/a").Reviewed("bob"), Id('6'))).Message, StringComparison.Ordinal);

    [Fact]
    public void Who_wrote_a_part_of_it_is_no_second_party_even_where_the_policy_lets_them_approve()
    {
        var lenient = PullRequests.Rules.Replace("committers, coAuthors, ", "", StringComparison.Ordinal);
        var request = new PullRequests("src/a").Commit("bob", "bob").Reviewed("bob");
        var statement = Found(Say(request, rules: lenient));
        Assert.Equal(["p-2"], statement.Reviewers);
        Assert.Equal([ReviewStatement.PolicyAllowed], statement.Properties);
    }

    [Fact]
    public void No_two_parties_are_told_where_nobody_asked_who_pushed_last_or_is_a_co_author()
    {
        var lenient = PullRequests.Rules.Replace("committers, coAuthors, ", "committers, ", StringComparison.Ordinal);
        Assert.NotEqual(PullRequests.Rules, lenient);
        Assert.Equal([ReviewStatement.PolicyAllowed], Found(Say(new PullRequests("src/a").Reviewed("bob"), rules: lenient)).Properties);
    }

    [Theory]
    [InlineData("p-1", "p-1", "p-2", true)]
    [InlineData("p-1", "", "p-2", true)]
    [InlineData("p-1", "p-1", "p-1", false)]
    [InlineData("p-1", "", "p-1", false)]
    [InlineData("p-1", "p-1", "", false)]
    [InlineData(null, "", "p-2", false)]
    [InlineData(null, "", "p-2 p-3", true)]
    [InlineData(null, "", "p-2 p-2", false)]
    [InlineData("p-1", "p-1 p-2", "p-2", false)]
    [InlineData(null, "p-1", "p-2", false)]
    [InlineData(null, "p-1", "p-1 p-2 p-3", true)]
    public void Two_parties_are_who_opened_it_and_another_or_two_others_and_nobody_whom_a_commit_names(string? author, string wrote, string approved, bool holds) =>
        Assert.Equal(holds, ReviewStatement.IsTwoParty(author, wrote.Split(' ', StringSplitOptions.RemoveEmptyEntries), approved.Split(' ', StringSplitOptions.RemoveEmptyEntries)));

    private static Reading<ReviewStatement> Say(PullRequests pullRequest, GitObjectId? reviewed = null, string? rules = null)
    {
        var (request, policy) = (pullRequest.Read(), PullRequests.Policy(rules ?? PullRequests.Rules));
        return ReviewStatement.Of("v-1", request, ReviewGate.Decide(request, policy, PullRequests.Now), new(Address, Id('4'), Id('5'), reviewed ?? Id('5')) { Previous = Id('3') }, policy, PullRequests.Now);
    }

    private static JsonObject Own(JsonNode statement) => statement["predicate"]![Extension]!.AsObject();

    private static byte[] Changed(Action<JsonNode> change)
    {
        var statement = JsonNode.Parse(Golden)!;
        change(statement);
        return Encoding.UTF8.GetBytes(statement.ToJsonString());
    }

    // As a gate reads it: out of what was signed.
    private static Reading<ReviewStatement>? Read(byte[] statement)
    {
        var signer = TestKeys.Signer;
        var bundle = SigstoreBundle.SignStatementAsync(statement, signer, CancellationToken.None).AsTask().GetAwaiter().GetResult();
        var type = JsonNode.Parse(statement)!["predicateType"]!.GetValue<string>();
        var verified = Assert.IsType<VerificationOutcome.Verified>(SigstoreVerifier.Verify(bundle, VerificationPolicy.ForStatement(type, [signer.PublicKey])));
        return ReviewStatements.Read(Assert.IsType<SignedContent.Statement>(verified.Content));
    }

    private static IEnumerable<JsonObject> Objects(JsonNode? node) => node switch
    {
        JsonObject one => one.SelectMany(member => Objects(member.Value)).Prepend(one),
        JsonArray many => many.SelectMany(Objects),
        _ => [],
    };

    private static ReviewStatement Found(Reading<ReviewStatement>? reading) => reading is Reading<ReviewStatement>.Found(var statement) ? statement : throw new Xunit.Sdk.XunitException($"{reading}");

    private static Reason Unread(Reading<ReviewStatement> reading) => Assert.IsType<Reading<ReviewStatement>.Unread>(reading).Reason;

    private static GitObjectId Id(char digit) => GitObjectId.TryParse(new string(digit, 40))!;

    private static Digest Filled(char digit) => Digest.Parse($"sha256:{new string(digit, 64)}");

    private static class TestKeys
    {
        public static Signer Signer { get; } = Sigstore.TestSigners.NewEcdsa(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
    }
}
