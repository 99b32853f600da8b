using System.Text;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Policies;

public sealed class PolicyReaderTests
{
    [Fact]
    public void A_sound_policy_says_what_the_file_says()
    {
        var policy = PolicyDocuments.Accepted(PolicyDocuments.Sound).Policy;

        Assert.Equal(("shop", 2L, $"sha256:{new string('1', 64)}"), (policy.Name, policy.Version, policy.Previous?.ToString()));
        Assert.Equal(["shop", "pay"], policy.Environments["production"].Namespaces);
        Assert.Equal((new DateOnly(2026, 1, 1), new DateOnly(2027, 12, 31)), (policy.People["ann"].From, policy.People["ann"].Until));
        Assert.Equal([new Identity.GitHubAccount(101), policy.Keys["ann-key"].Identity], policy.People["ann"].Identities);
        Assert.Equal(PolicyDocuments.Spki(3), Assert.IsType<Identity.Key>(Assert.Single(policy.Robots["builder"].Identities)).Spki.ToString());
        Assert.Equal(["ann", "ben"], policy.Roles["releaser"].People);
        Assert.Equal(["artifacts.images[0]", "artifacts.images[1]", "artifacts.images[2]", "artifacts.images[3]", "artifacts.images[4]"], policy.Images.Select(rule => rule.Path));
        Assert.Equal([Mode.Warn, Mode.Enforce, Mode.Enforce, Mode.Enforce, Mode.Enforce], policy.Images.Select(rule => rule.Mode));
        Assert.Equal(["kube-system"], policy.Images[1].In!.Namespaces);

        var byRole = Assert.IsType<ImageDemand.Require>(policy.Images[2].Demand).Signed!;
        Assert.Equal(("releaser", SignedRepository.Any), (byRole.By.Role, byRole.Repository));
        Assert.Equal(["ann", "ben"], byRole.By.Names);
        Assert.Equal(new ImageDemand.Fixed(Verdict.Deny), policy.Images[4].Demand);
        Assert.Equal((Verdict.Deny, "gates"), (policy.Admission.UnknownKinds, policy.Admission.OwnNamespace));
        Assert.Equal("rollouts.argoproj.io", Assert.Single(policy.Admission.CustomResources).Resource);
    }

    [Fact]
    public void Approvals_are_read_with_their_quorum_and_their_times()
    {
        var policy = PolicyDocuments.Accepted(PolicyDocuments.Sound).Policy;
        var deploy = policy.Approvals["deploy"];
        Assert.Equal(new RoleCount("approver", 1), Assert.Single(deploy.Require));
        Assert.Equal((TimeSpan.FromDays(7), TimeSpan.FromDays(26 * 7), 3L), (deploy.UseBy, deploy.RunUntil, deploy.MaxUses));
        var approved = Assert.IsType<ImageDemand.Require>(policy.Images[3].Demand).Approved!;
        Assert.Equal(("deploy", true), (approved.Action, approved.CoversTemplate));
        Assert.Equal("production", Assert.Single(approved.Environments));
        Assert.Equal(("revocations.json", TimeSpan.FromHours(1)), (policy.Revocations!.From, policy.Revocations.MaxAge));
        Assert.Equal("builder", Assert.Single(policy.Revocations.By.Names));
        Assert.Equal("istio-proxy", Assert.Single(policy.Admission.Sidecars));
    }

    [Fact]
    public void Subjects_a_trusted_root_and_provenance_are_read_with_all_that_binds_them()
    {
        var policy = PolicyDocuments.Accepted(PolicyDocuments.Sound).Policy;
        Assert.Contains(new Identity.OidcSubject("https://accounts.example.com", "dan@example.com"), policy.People["dan"].Identities);
        var binding = Assert.Single(policy.Robots["flow"].Oidc);
        Assert.Equal(new OidcBinding("https://token.actions.githubusercontent.com", NameMatch.Like("https://github.com/example/app/.github/workflows/release.yml@refs/tags/v*"), 123, 45, "github-hosted"), binding);
        Assert.Equal((true, "root.json", LogRule.Promise), (policy.Sigstore!.IsFile, policy.Sigstore.Source, policy.Sigstore.Logs));
        var provenance = Assert.IsType<ImageDemand.Require>(policy.Images[3].Demand).Provenance!;
        Assert.Equal(["flow"], provenance.By.Names);
        Assert.Equal((NameMatch.Like("https://builder.example.com/*"), NameMatch.Exactly("https://github.com/example/app"), NameMatch.Like("refs/tags/v*"), "github-hosted"), (provenance.Builder, provenance.Source, provenance.Ref, provenance.Runner));
    }

    [Fact]
    public void A_public_instance_is_read_from_the_copy_that_the_program_carries_and_replayed_from_the_one_that_was_kept()
    {
        var yaml = Encoding.UTF8.GetBytes(PolicyDocuments.Replaced(PolicyDocuments.Sound, $"{{ file: root.json, sha256: \"{Digest.Of(SigstoreInstance.PublicGood.Json.Span)}\", logs: promise }}", "public-good"));
        var trust = Assert.IsType<PolicyReading.Accepted>(PolicyDocuments.Read(yaml)).Policy.Sigstore!;
        Assert.Equal((false, LogRule.Inclusion, "sigstore:public-good"), (trust.IsFile, trust.Logs, trust.FileName));
        Assert.Equal(SigstoreInstance.PublicGood.Json.ToArray(), trust.Json.ToArray());
        byte[] kept = [.. SigstoreInstance.PublicGood.Json.Span, (byte)' '];
        var again = Assert.IsType<PolicyReading.Accepted>(PolicyReader.Read(yaml, PolicyDocuments.File, name => name == "public-good" ? kept : null)).Policy.Sigstore!;
        Assert.Equal(Digest.Of(kept), again.Digest);
        Assert.IsType<PolicyReading.Refused>(PolicyReader.Read(yaml, PolicyDocuments.File, _ => null));
    }

    [Fact]
    public void GitHubs_own_instance_counts_by_its_timestamps_since_it_has_no_logs()
    {
        var yaml = Encoding.UTF8.GetBytes(PolicyDocuments.Replaced(PolicyDocuments.Sound, $"{{ file: root.json, sha256: \"{Digest.Of(SigstoreInstance.PublicGood.Json.Span)}\", logs: promise }}", "github"));
        var trust = Assert.IsType<PolicyReading.Accepted>(PolicyDocuments.Read(yaml)).Policy.Sigstore!;
        Assert.Equal((false, LogRule.None, "sigstore:github"), (trust.IsFile, trust.Logs, trust.FileName));
        Assert.Equal(SigstoreInstance.GitHub.Json.ToArray(), trust.Json.ToArray());
    }

    [Fact]
    public void Without_a_name_the_list_of_revocations_is_signed_by_who_may_change_the_policy() =>
        Assert.Equal(["dan", "eve"], PolicyDocuments.Accepted(PolicyDocuments.Filled(PolicyDocuments.Replaced(PolicyDocuments.Sound, ", by: [builder] }", " }"))).Policy.Revocations!.By.Names);

    [Theory]
    [InlineData("90s", 90), InlineData("10m", 600), InlineData("4h", 4 * 3600), InlineData("7d", 7 * 86400), InlineData("12w", 84 * 86400), InlineData("1y", 365 * 86400)]
    public void A_duration_is_a_number_and_a_unit(string written, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), PolicyDocuments.Accepted(PolicyDocuments.Filled(PolicyDocuments.Replaced(PolicyDocuments.Sound, "maxAge: 1h", $"maxAge: {written}"))).Policy.Revocations!.MaxAge);

    [Fact]
    public void A_namespace_of_a_cluster_belongs_to_one_environment_or_to_none()
    {
        var policy = PolicyDocuments.Accepted(PolicyDocuments.Sound).Policy;
        Assert.Equal("production", policy.EnvironmentOf("3f0c7a52-0000-4000-8000-000000000001", "shop")?.Name);
        Assert.Null(policy.EnvironmentOf("3f0c7a52-0000-4000-8000-000000000001", "default"));
        Assert.Equal("staging", policy.EnvironmentOf("3F0C7A52-0000-4000-8000-000000000002", "anything")?.Name);
        Assert.Null(policy.EnvironmentOf("3f0c7a52-0000-4000-8000-000000000009", "shop"));
    }

    [Fact]
    public void A_key_counts_from_its_first_day_to_the_end_of_its_last()
    {
        var key = PolicyDocuments.Accepted(PolicyDocuments.Sound).Policy.Keys["ann-key"];
        Assert.False(key.IsValidAt(new(2025, 12, 31, 23, 0, 0, TimeSpan.Zero)));
        Assert.True(key.IsValidAt(new(2027, 1, 31, 23, 59, 59, TimeSpan.Zero)));
        Assert.False(key.IsValidAt(new(2027, 2, 1, 0, 2, 0, TimeSpan.Zero)));
    }

    [Fact]
    public void The_digest_is_of_the_bytes_so_line_ends_count()
    {
        var crlf = PolicyDocuments.Sound.Replace("\n", "\r\n", StringComparison.Ordinal);
        Assert.Equal(Digest.Of(Encoding.UTF8.GetBytes(crlf)), PolicyDocuments.Accepted(crlf).Policy.Digest);
        Assert.NotEqual(PolicyDocuments.Accepted(PolicyDocuments.Sound).Policy.Digest, PolicyDocuments.Accepted(crlf).Policy.Digest);
    }

    [Fact]
    public void Of_the_whole_language_only_what_is_not_yet_supported_is_refused()
    {
        var yaml = File.ReadAllText(Path.Combine(PolicyDocuments.Root(), "tests/Governance.Gates.Tests/Policies/testdata/whole-language.yaml"));
        var mistakes = PolicyDocuments.Mistakes(PolicyDocuments.Filled(yaml));
        Assert.All(mistakes, mistake => Assert.Contains("is not yet supported", mistake.Message, StringComparison.Ordinal));

        var marked = yaml.Split('\n').Index().Where(line => line.Item.EndsWith("# not yet", StringComparison.Ordinal)).Select(line => line.Index + 1);
        Assert.Equal(marked, mistakes.Select(mistake => mistake.Line));
    }

    [Fact]
    public void A_policy_without_image_rules_is_told_that_it_denies_every_image()
    {
        var reading = PolicyDocuments.Accepted("apiVersion: governance.gates/v1alpha1\nkind: GovernancePolicy\nmetadata: { name: a, version: 1 }\nspec: {}\n");
        Assert.Contains("every image is denied", Assert.Single(reading.Warnings).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_blocks_of_the_language_page_are_one_policy_that_lacks_only_its_key_files()
    {
        var page = File.ReadAllText(Path.Combine(PolicyDocuments.Root(), "docs", "policy.md"));
        var yaml = string.Concat(page.Split("```yaml\n").Skip(1).Select(block => block[..block.IndexOf("```", StringComparison.Ordinal)]));
        Assert.Equal(
            ["spec.trust.keys.ann-2026.file", "spec.trust.keys.ben-2026.file", "spec.trust.keys.build-2026.file"],
            PolicyDocuments.Mistakes(yaml).Select(mistake => mistake.Path));
    }
}
