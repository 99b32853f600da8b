using Governance.Gates.Images;
using Governance.Gates.Policies;

namespace Governance.Gates.Tests.Policies;

public sealed class PolicyExplanationTests
{
    private static readonly Policy Policy = PolicyDocuments.Accepted(PolicyDocuments.Sound).Policy;
    private static readonly string Pinned = $"registry.k8s.io/pause@sha256:{new string('2', 64)}";

    [Fact]
    public void The_deciding_rule_is_told_with_its_signers_keys_and_mode()
    {
        var text = Explain("registry.example.com/shop/cart", "shop");
        Assert.Contains("artifacts.images[0] decides: 'registry.example.com/shop/**' matches", text, StringComparison.Ordinal);
        Assert.Contains("must be signed by builder or ann", text, StringComparison.Ordinal);
        Assert.Contains($"builder: key build-key, {PolicyDocuments.Spki(3)}, valid always", text, StringComparison.Ordinal);
        Assert.Contains($"key ann-key, {PolicyDocuments.Spki(1)}, valid from 2026-01-01 until 2027-01-31", text, StringComparison.Ordinal);
        Assert.Contains("mirror.example.com/shop/**", text, StringComparison.Ordinal);
        Assert.Contains("mode: warn", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Subjects_and_provenance_are_told_with_the_root_that_vouches_for_them()
    {
        var text = Explain("apps.example.com/api", "shop");
        Assert.Contains("how it was built must be told by flow, builder https://builder.example.com/*, source https://github.com/example/app, ref refs/tags/v*, runner github-hosted", text, StringComparison.Ordinal);
        Assert.Contains("flow: https://github.com/example/app/.github/workflows/release.yml@refs/tags/v* by https://token.actions.githubusercontent.com, repository 123, owner 45, github-hosted, by the word of root.json", text, StringComparison.Ordinal);
        Assert.Contains("the tag that the provenance names must be signed by a person in the role approver (dan or eve)", text, StringComparison.Ordinal);
        Assert.Contains("the commit that the provenance names must be SLSA_SOURCE_TWO_PARTY_REVIEWED and ORG_SOURCE_POLICY_ALLOWED, by the word of reviewer", text, StringComparison.Ordinal);
        Assert.Contains($"reviewer: key review-key, {PolicyDocuments.Spki(9)}", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_nothing_may_be_signed_without_a_key_is_told()
    {
        const string Refused = "without a key nothing is signed but by https://rekor.example.com/ (signing.publicLogs: refuse)";
        Assert.Contains(Refused, Explain("registry.example.com/shop/cart", "shop"), StringComparison.Ordinal);
        Assert.DoesNotContain("signing.publicLogs", string.Join('\n', PolicyExplanation.Explain(Policy with { Signing = SigningSettings.Default }, ImageReference.Parse("nginx"), null)), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_namespace_the_rules_for_some_places_are_told_first()
    {
        var text = Explain(Pinned, null);
        Assert.Contains("artifacts.images[1] might decide first", text, StringComparison.Ordinal);
        Assert.Contains("only in the namespaces kube-system and only in the environments staging", text, StringComparison.Ordinal);
        Assert.Contains("must be one of these, and is", text, StringComparison.Ordinal);
        Assert.Contains("artifacts.images[4] decides", text, StringComparison.Ordinal);
        Assert.Contains("why: not a registry of ours", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_rule_for_another_namespace_is_not_told() =>
        Assert.DoesNotContain("artifacts.images[1]", Explain(Pinned, "shop"), StringComparison.Ordinal);

    [Fact]
    public void An_audited_namespace_is_told() =>
        Assert.Contains("namespace kube-system is judged and recorded, never blocked", Explain(Pinned, "kube-system"), StringComparison.Ordinal);

    [Fact]
    public void No_matching_rule_is_told_as_denied() =>
        Assert.Contains("no rule matches: denied", string.Join('\n', PolicyExplanation.Explain(Policy with { Images = [] }, ImageReference.Parse("nginx").Repository, null)), StringComparison.Ordinal);

    private static string Explain(string image, string? @namespace) => string.Join('\n', PolicyExplanation.Explain(Policy, ImageReference.Parse(image), @namespace));
}
