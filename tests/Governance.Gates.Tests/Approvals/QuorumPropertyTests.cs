using Governance.Gates.Approvals;

namespace Governance.Gates.Tests.Approvals;

/// <summary>Random worlds, held against a quorum that is slow and obviously right. A failure names the seed of its world.</summary>
public sealed class QuorumPropertyTests
{
    private const int Worlds = 2_000;
    private const int FirstSeed = 20260615;

    [Fact]
    public void The_quorum_of_random_people_roles_keys_conflicts_and_statements_equals_that_of_a_slow_reference()
    {
        var allowed = ForRandomWorlds((world, outcome, _) =>
        {
            var slow = new SlowQuorum(world);
            Same(slow.Allows(), outcome.Decision.Verdict == Verdict.Allow, "is allowed");
            Same(slow.Requests().Count(), outcome.Requests.Length, "requests");
            foreach (var standing in outcome.Requests)
            {
                Same(slow.IsGranted(standing.Request), standing.Grant is not null, $"{standing.Request.Digest} is granted");
                Same(slow.MostFilled(standing.Request), standing.Counted.Length, $"{standing.Request.Digest} counted");
                Same(world.Need.Rule.Require.Sum(slot => slot.Count), standing.Counted.Length + standing.Missing.Sum(slot => slot.Count), $"{standing.Request.Digest} missing");
                Assert.All(standing.Counted, counted => Assert.Contains(slow.Answers(standing.Request), answer =>
                    slow.Counts(standing.Request, answer)
                    && (world.Policy.People[counted.Person].Id, counted.Role, counted.Approval) == (answer.Approval.Approver.Person, answer.Approval.Approver.Role, answer.Approval.Id)));
            }
        });

        // Worlds that are all refused, or all allowed, would show nothing.
        Assert.InRange(allowed, Worlds / 10, Worlds * 9 / 10);
    }

    [Fact]
    public void No_order_and_no_repetition_of_statements_changes_the_answer() => ForRandomWorlds((world, outcome, random) =>
    {
        // An envelope may be found twice, in two places, and with its signatures apart.
        SignedStatement[] mixed =
        [
            .. world.Statements,
            .. random.GetItems(world.Statements.AsSpan(), world.Statements.Length).Select(signed => signed with { Where = $"{signed.Where} again" }),
            .. world.Statements.SelectMany(signed => signed.Signers.Select(signer => signed with { Signers = [signer] })),
        ];
        random.Shuffle(mixed);
        var other = (world with { Statements = [.. mixed] }).Decide();
        Same(outcome.Decision.Verdict, other.Decision.Verdict, "verdict");
        Assert.Equal(outcome.Decision.Reasons, other.Decision.Reasons);
        Assert.Equal(outcome.Decision.Notes, other.Decision.Notes);
        Assert.Equal(outcome.Grant?.Counted ?? [], other.Grant?.Counted ?? []);
        Assert.Equal(outcome.Grant?.Signers ?? [], other.Grant?.Signers ?? []);
        Assert.Equal((outcome.Grant?.RequestDigest, outcome.Grant?.UseBy, outcome.Grant?.RunUntil, outcome.Grant?.MaxUses), (other.Grant?.RequestDigest, other.Grant?.UseBy, other.Grant?.RunUntil, other.Grant?.MaxUses));
    });

    private static void Same<T>(T expected, T actual, string what) => Assert.True(Equals(expected, actual), $"{what}: the reference says {expected}, the quorum {actual}");

    private static int ForRandomWorlds(Action<QuorumWorld, QuorumOutcome, Random> check)
    {
        var allowed = 0;
        for (var seed = FirstSeed; seed < FirstSeed + Worlds; seed++)
        {
            var random = new Random(seed);
            var world = QuorumWorld.Random(random);
            var outcome = world.Decide();
            allowed += outcome.Decision.Verdict == Verdict.Allow ? 1 : 0;
            try
            {
                check(world, outcome, random);
            }
            catch (Xunit.Sdk.XunitException exception)
            {
                throw new Xunit.Sdk.XunitException($"seed {seed}: {exception.Message}\n{string.Join('\n', outcome.Decision.Reasons)}\n{world}", exception);
            }
        }

        return allowed;
    }
}
