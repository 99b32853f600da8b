namespace Governance.Gates.Tests;

public sealed class DecisionTests
{
    private static readonly Reason Why = new("rule", "why", "remedy");
    private static readonly Verdict[] Verdicts = Enum.GetValues<Verdict>();

    public static TheoryData<Verdict, Verdict> Pairs => [.. Verdicts.SelectMany(left => Verdicts.Select(right => (left, right)))];

    [Theory, MemberData(nameof(Pairs))]
    public void All_keeps_the_strictest_verdict_and_every_reason_and_note(Verdict left, Verdict right)
    {
        var all = Decision.All(Of(left, "a"), Of(right, "b"));
        Assert.Equal((Verdict)Math.Max((int)left, (int)right), all.Verdict);
        Assert.Equal(["a", "b"], all.Reasons.Select(reason => reason.Rule));
        Assert.Equal(["note a", "note b"], all.Notes.Select(note => note.Rule));
    }

    [Theory, MemberData(nameof(Pairs))]
    public void Any_of_keeps_the_mildest_verdict_and_turns_the_other_into_notes(Verdict left, Verdict right)
    {
        var any = Decision.AnyOf(Of(left, "a"), Of(right, "b"));
        var first = left <= right;
        Assert.Equal(first ? left : right, any.Verdict);
        Assert.Equal([first ? "a" : "b"], any.Reasons.Select(reason => reason.Rule));
        Assert.Equal(["a", "b", "note a", "note b"], any.Reasons.Concat(any.Notes).Select(reason => reason.Rule).Order(StringComparer.Ordinal).OrderBy(rule => rule.Length));
    }

    [Fact]
    public void Nothing_to_look_at_is_an_allow() => Assert.Equal(Decision.Allow, Decision.All());

    [Theory]
    [InlineData(Verdict.Allow, true, true, true, ExitCode.Allowed)]
    [InlineData(Verdict.Warn, true, true, true, ExitCode.Allowed)]
    [InlineData(Verdict.Unknown, true, true, false, ExitCode.Unknown)]
    [InlineData(Verdict.Deny, true, true, false, ExitCode.Denied)]
    public void Only_enforce_refuses_and_unknown_counts_as_deny_there_while_the_exit_code_follows_the_decision(Verdict verdict, bool audit, bool warn, bool enforce, int exitCode)
    {
        var decision = Of(verdict, "a");
        Assert.Equal(audit, decision.Answer(Mode.Audit).Admitted);
        Assert.Equal(warn, decision.Answer(Mode.Warn).Admitted);
        Assert.Equal(enforce, decision.Answer(Mode.Enforce).Admitted);
        Assert.Equal(exitCode, decision.ExitCode);
        Assert.Same(decision, decision.Answer(Mode.Audit).Decision);
    }

    [Fact]
    public void A_reason_for_an_allow_is_a_note_that_weighs_nothing()
    {
        Assert.Equal(Verdict.Allow, Decision.AllowBecause(Why).Verdict);
        Assert.Empty(Decision.AllowBecause(Why).Reasons);
        Assert.Equal([Why], Decision.AllowBecause(Why).Notes);
        Assert.Equal("why; remedy", Why.ToString());
    }

    private static Decision Of(Verdict verdict, string rule) => new(verdict, [new(rule, "m")], [new("note " + rule, "m")]);
}
