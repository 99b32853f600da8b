using Governance.Gates.Evidence;
using Governance.Gates.Tests.Admission;

namespace Governance.Gates.Tests.Evidence;

public sealed class ImageRulingTests
{
    private const string Production = "3f0c7a52-0000-4000-8000-00000000000a";

    private static readonly Governance.Gates.Policies.Policy Scoped = TestPolicy.WithImages("""
              - match: [registry.example.com/shop/**]
                in: { environments: [production] }
                verdict: deny
              - match: [registry.example.com/pay/**]
                in: { namespaces: [pay] }
                verdict: deny
              - match: ["**"]
                verdict: allow
                why: a test

        """);

    [Theory]
    [InlineData(Production, Verdict.Deny)]
    [InlineData("3F0C7A52-0000-4000-8000-00000000000A", Verdict.Deny)]
    [InlineData("3f0c7a52-0000-4000-8000-00000000000b", Verdict.Allow)]
    [InlineData(null, Verdict.Unknown)]
    [InlineData("", Verdict.Unknown)]
    [InlineData(" ", Verdict.Unknown)]
    public void A_rule_for_an_environment_is_not_passed_over_because_the_cluster_was_not_said(string? cluster, Verdict expected) =>
        Assert.Equal(expected, Decided("registry.example.com/shop/api", new("shop", cluster)));

    [Theory]
    [InlineData("pay", Verdict.Deny)]
    [InlineData("shop", Verdict.Allow)]
    public void A_rule_for_a_namespace_decides_there_and_the_next_one_elsewhere(string @namespace, Verdict expected) =>
        Assert.Equal(expected, Decided("registry.example.com/pay/api", new(@namespace, Production)));

    [Fact]
    public void No_match_denies_in_enforce_mode()
    {
        var nothing = TestPolicy.WithImages("      - match: [registry.example.com/shop/**]\n        verdict: warn\n        why: a test\n");
        var settled = Assert.IsType<ImageRuling.Settled>(ImageGate.Rule("nginx", new("shop", null), nothing));
        Assert.Equal((Verdict.Deny, Mode.Enforce), (settled.Decision.Verdict, settled.Mode));
    }

    private static Verdict Decided(string image, Place place) => Assert.IsType<ImageRuling.Settled>(ImageGate.Rule(image, place, Scoped)).Decision.Verdict;
}
