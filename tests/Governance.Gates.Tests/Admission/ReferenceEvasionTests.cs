using Governance.Gates.Images;
using Governance.Gates.Policies;

namespace Governance.Gates.Tests.Admission;

/// <summary>References that are written so that somebody reads them as another image.</summary>
public sealed class ReferenceEvasionTests
{
    private static readonly string At = $"@{TestPolicy.SignedDigest}";

    [Theory, Trait("evasion", "13")]
    [InlineData("nginx")]
    [InlineData("library/nginx")]
    [InlineData("docker.io/nginx")]
    [InlineData("docker.io/library/nginx")]
    [InlineData("index.docker.io/nginx")]
    [InlineData("index.docker.io/library/nginx")]
    [InlineData("registry-1.docker.io/library/nginx")]
    public void Every_name_of_a_docker_hub_image_is_one_identity(string name)
    {
        Assert.Equal("docker.io/library/nginx", ImageReference.Parse(name).Repository.ToString());
        Assert.True(Workloads.Review("Pod", name).Decide().Admitted);
        var denying = TestPolicy.WithImages("      - match: [docker.io/library/nginx]\n        verdict: deny\n      - match: [\"**\"]\n        verdict: allow\n        why: a test\n");
        HiddenImageTests.AssertRefused(Workloads.Review("Pod", name).Decide(denying));
    }

    [Fact, Trait("evasion", "14")]
    public void A_localhost_without_a_port_is_refused_because_clients_read_it_as_two_registries()
    {
        HiddenImageTests.AssertRefused(Workloads.Review("Pod", "localhost/img" + At).Decide());
        Assert.Equal("localhost:5000/img", ImageReference.Parse("localhost:5000/img").Repository.ToString());
        Assert.Equal("docker.io/localhost/img", ImageReference.Parse("docker.io/localhost/img").Repository.ToString());
    }

    /// <summary>Each would be admitted by the allow-all policy if it could be read.</summary>
    public static TheoryData<string, string> Refused => new()
    {
        { "15", "GHCR.io/shop/api" }, { "15", "Foo/bar" }, { "15", "registry.example.com/Shop/api" }, { "15", "NGINX" },
        { "16", "registry.example.com:443/shop/api" }, { "16", "registry.example.com./shop/api" }, { "16", "[::1]:5000/shop/api" }, { "16", "[2001:db8::1]/shop/api" },
        { "16", "registry.example.com:0/shop/api" }, { "16", "registry.example.com:05000/shop/api" }, { "16", "registry.example.com:99999/shop/api" }, { "16", "registry.example.com:/shop/api" },
        { "16", "b\u00fccher.example/shop/api" }, { "16", "-a.example/shop/api" },
        { "18", "registry.example.com/shop/api@sha512:" + new string('a', 128) }, { "18", "registry.example.com/shop/api@sha256:abc" },
        { "18", "registry.example.com/shop/api@sha256:" + new string('A', 64) }, { "18", "registry.example.com/shop/api@SHA256:" + new string('a', 64) },
        { "18", "registry.example.com/shop/api@sha1:" + new string('a', 40) }, { "18", "registry.example.com/shop/api@" }, { "18", "registry.example.com/shop/api@sha256:" + new string('a', 64) + "@sha256:" + new string('b', 64) },
        { "18", new string('a', 64) }, { "18", "sha256:" + new string('a', 64) }, { "18", "sha256:abcdef" }, { "18", "sha512:" + new string('a', 128) },
        { "19", " registry.example.com/shop/api" }, { "19", "registry.example.com/shop/api " }, { "19", "registry.example.com/shop/api\n" }, { "19", "registry.example.com/shop\0/api" },
        { "19", "registry.example.com/shop/\u00a0api" }, { "19", "registry.example.com/shop/a\u200bpi" }, { "19", "registry.example.com/sh\u043ep/api" }, { "19", "registry.example.com/shop%2fapi" },
        { "19", "registry.example.com//api" }, { "19", "registry.example.com/../api" }, { "19", "registry.example.com/./api" }, { "19", "https://registry.example.com/shop/api" }, { "19", "docker://nginx" },
        { "19", "oci://registry.example.com/shop/api" }, { "19", "registry.example.com\\shop\\api" }, { "19", "/nginx" }, { "19", "nginx/" }, { "19", "user@registry.example.com/shop/api" },
        { "20", "" }, { "20", " " }, { "20", "\t\n" }, { "20", ":" }, { "20", "@" }, { "20", "/" },
        { "21", "[shop]registry.example.com/shop/api" }, { "21", "[kube-system]nginx" }, { "21", "nginx[shop]" },
        { "23", "registry.example.com/" + new string('a', 255) }, { "23", "registry.example.com/" + new string('a', 4096) }, { "23", "nginx:" + new string('a', 129) },
    };

    [Theory, MemberData(nameof(Refused)), Trait("evasion", "15-23")]
    public void What_can_be_read_in_two_ways_or_not_at_all_is_denied_even_where_everything_is_allowed(string number, string image)
    {
        var allowing = TestPolicy.WithImages("      - match: [\"**\"]\n        verdict: allow\n        why: a test\n");
        var outcome = Workloads.Review("Pod", image).Decide(allowing);
        Assert.True(!outcome.Admitted, $"case {number}: '{image}' was admitted");
        var reason = Assert.Single(outcome.Decision.Reasons);
        Assert.Equal("image", reason.Rule);
        Assert.NotNull(reason.Remedy);
        Assert.DoesNotContain(reason.ToString(), c => char.IsControl(c));
    }

    [Fact, Trait("evasion", "18")]
    public void The_id_of_an_image_that_the_node_holds_is_no_repository()
    {
        // The standard policy allows docker.io/library/sha256, which is what this would be if it were a repository and a tag.
        HiddenImageTests.AssertRefused(Workloads.Review("Pod", TestPolicy.UnsignedDigest.ToString()).Decide());
        Assert.True(Workloads.Review("Pod", "docker.io/library/sha256:latest").Decide().Admitted);
    }

    [Fact, Trait("evasion", "17")]
    public void A_tag_beside_a_digest_chooses_nothing()
    {
        Assert.True(Workloads.Review("Pod", "registry.example.com/shop/api:stable" + At).Decide().Admitted);
        HiddenImageTests.AssertRefused(Workloads.Review("Pod", $"registry.example.com/shop/api:stable@{TestPolicy.UnsignedDigest}").Decide());
        Assert.Null(RepositoryPattern.TryParse("registry.example.com/shop/api:stable", out _));
    }

    [Fact]
    public void A_tag_alone_is_denied_where_evidence_is_asked_for()
    {
        var outcome = Workloads.Review("Pod", "registry.example.com/shop/api:stable").Decide();
        HiddenImageTests.AssertRefused(outcome);
        Assert.Contains("deploy it by digest", outcome.Refusals.First().Remedy, StringComparison.Ordinal);
    }

    [Fact, Trait("evasion", "20")]
    public void A_container_without_an_image_is_denied() => HiddenImageTests.AssertRefused(Workloads.Review("Deployment", Workloads.Spec([null])).Decide());

    [Theory, Trait("evasion", "22")]
    [InlineData("registry.example.com.evil.example/shop/api")]
    [InlineData("evil.example/registry.example.com/shop/api")]
    [InlineData("registry.example.com/shopping/api")]
    [InlineData("registry.example.com/evil/shop/api")]
    [InlineData("registry-example.com/shop/api")]
    [InlineData("registry.example.com:5000/shop/api")]
    public void A_pattern_matches_whole_names_only(string repository) => HiddenImageTests.AssertRefused(Workloads.Review("Pod", repository + At).Decide());

    [Theory, Trait("evasion", "22")]
    [InlineData("**demo**")]
    [InlineData("registry.example.com/shop**")]
    [InlineData("registry.example.com/(shop|evil)")]
    public void A_pattern_that_would_match_more_than_it_seems_to_is_refused(string pattern) => Assert.Null(RepositoryPattern.TryParse(pattern, out _));

    [Fact, Trait("evasion", "23")]
    public void A_name_of_255_characters_is_read()
    {
        var name = "registry.example.com/shop/" + new string('a', 229);
        Assert.Equal(name, ImageReference.Parse(name).Repository.ToString());
        HiddenImageTests.AssertRefused(Workloads.Review("Pod", name + "a" + At).Decide());
    }
}
