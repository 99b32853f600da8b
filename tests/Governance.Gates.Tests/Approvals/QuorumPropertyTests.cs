using FsCheck;
using FsCheck.Fluent;
using Governance.Gates.Approvals;
using static Governance.Gates.Tests.Approvals.Firm;

namespace Governance.Gates.Tests.Approvals;

/// <summary>Random answers to one request, held against a count that is slow and obviously right.</summary>
public sealed class QuorumPropertyTests
{
    private static readonly SignedStatement Question = Asked(Request());
    private static readonly string[] Everybody = ["ann", "ben", "cem", "dan", "eve", "fay", "gus"];

    /// <summary>Two distinct operators besides ann, who asked, must agree, and no operator says no.</summary>
    [Fact]
    public void The_quorum_equals_a_slow_count_of_persons() => ForRandomAnswers((answers, _) =>
    {
        var said = answers.Select(answer => (Approval)answer.Statement).ToList();
        var operators = Policy.Roles["operator"].People;
        var agreeing = said.Where(answer => answer.Decision == ApprovalDecision.Approve).Select(Name).Where(name => operators.Contains(name) && name != "ann").Distinct().Count();
        var refusing = said.Any(answer => answer.Decision == ApprovalDecision.Reject && operators.Contains(Name(answer)));
        return (Decide([Question, .. answers]).Decision.Verdict == Verdict.Allow) == (agreeing >= 2 && !refusing);
    });

    [Fact]
    public void No_order_and_no_repetition_of_statements_changes_the_answer() => ForRandomAnswers((answers, random) =>
    {
        SignedStatement[] once = [Question, .. answers];
        SignedStatement[] mixed = [.. once, .. random.GetItems(once, once.Length)];
        random.Shuffle(mixed);
        var (one, other) = (Decide([.. once]), Decide([.. mixed]));
        return one.Decision.Verdict == other.Decision.Verdict
            && one.Decision.Reasons.SequenceEqual(other.Decision.Reasons)
            && one.Decision.Notes.SequenceEqual(other.Decision.Notes)
            && (one.Grant?.Counted ?? []).SequenceEqual(other.Grant?.Counted ?? []);
    });

    private static string Name(Approval answer) => Policy.People.Values.Single(person => person.Id == answer.Approver.Person).Name;

    private static void ForRandomAnswers(Func<SignedStatement[], Random, bool> holds) =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), seed =>
        {
            var random = new Random(seed);
            var answers = Enumerable.Range(0, random.Next(0, 8)).Select(_ => Everybody[random.Next(Everybody.Length)]).Distinct().Select(by =>
                random.Next(6) == 0 ? Sign(Approval(Question, by) with { Decision = ApprovalDecision.Reject }, by) : Yes(Question, by)).ToArray();
            return holds(answers, random);
        }));
}
