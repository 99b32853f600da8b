namespace Governance.Gates.Tests.Admission;

public sealed class NamespaceGuardTests
{
    [Theory, Trait("evasion", "30")]
    [InlineData("audit")]
    [InlineData("warn")]
    public void The_exempting_label_is_refused_while_the_gate_only_watches_for_it_would_still_be_there_when_it_enforces(string mode)
    {
        var policy = TestPolicy.WithImages("""      - { match: ["**"], verdict: deny, why: nothing runs here }""" + "\n", $"    mode: {mode}\n");
        var labelled = System.Text.Json.Nodes.JsonNode.Parse("""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop","labels":{"governance.gates/exempt":"true"}}}""");

        var outcome = Review.Decide(Review.OfNamespace("shop", labelled).Open(policy));

        Assert.False(outcome.Admitted);
        Assert.True(Review.Decide(Review.Pod(Workloads.Object("Pod", TestPolicy.Bad)).Open(policy)).Admitted);
    }
}
