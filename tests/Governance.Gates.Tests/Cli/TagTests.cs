using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Reviews;
using Governance.Gates.Revocations;
using Governance.Gates.Testing.GitHub;
using Governance.Gates.Tests.Sigstore;

namespace Governance.Gates.Tests.Cli;

/// <summary><c>gates tag</c>, with tags as GitHub tells them. Numbers are those of the list of facts about GitHub's API.</summary>
public sealed class TagTests : IAsyncLifetime, IDisposable
{
    private const string Pgp = "-----BEGIN PGP SIGNATURE-----\n\nwsB\n-----END PGP SIGNATURE-----\n";
    private static readonly string Commit = new('1', 40);
    private static readonly string Signed = $"object {Commit}\ntype commit\ntag v1\ntagger Ann <ann@example.com> 1772366400 +0000\n\nfirst\n";
    private readonly Workbench bench = new();
    private LoopbackGitHub server = null!;

    public async ValueTask InitializeAsync()
    {
        server = await LoopbackGitHub.StartAsync();
        bench.Set("GITHUB_API_URL", server.Api.AbsoluteUri.TrimEnd('/'));
        bench.Set("GITHUB_TOKEN", "secret-token");
        bench.Set("GITHUB_REPOSITORY", "example/trading");
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        Dispose();
    }

    public void Dispose() => bench.Dispose();

    [Fact]
    public async Task C33_a_tag_that_a_person_of_the_policy_signed_with_ssh_is_allowed_whatever_GitHub_thinks_of_the_key()
    {
        Told(Signed, GitTagTests.SignatureOf(Signed), "no_user");
        var json = (await TagAsync(0, "--output", "json")).Json();
        Assert.Equal(("allow", "v1", Commit, "ann"), (json.GetProperty("verdict").GetString(), json.GetProperty("tag").GetString(), json.GetProperty("commit").GetString(), json.GetProperty("person").GetString()));
        Assert.StartsWith($"allow: tag v1 of example/trading at {Commit}, signed by ann\n", (await TagAsync(0)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task C33_a_lightweight_tag_is_denied_though_its_commit_is_signed()
    {
        server.World.Tags["v1"] = ("commit", Commit, null);
        Assert.Contains("the tag v1 is lightweight", (await TagAsync(1)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task C33_verified_by_the_key_of_any_account_is_not_enough()
    {
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Told(Signed, GitTagTests.SignatureOf(Signed, stranger), "valid");
        Assert.Contains("the tag v1 is not signed by a person of the policy", (await TagAsync(1)).Output, StringComparison.Ordinal);
        Told(Signed, Pgp, "valid");
        Assert.Contains("GitHub says that its signature is valid, and not by whose key", (await TagAsync(2)).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gpgverify_unavailable", Pgp, 2, "try again later")]
    [InlineData("gpgverify_error", Pgp, 2, "try again later")]
    [InlineData("gpgverify_unavailable", null, 2, "try again later")]
    [InlineData("unsigned", null, 1, "nobody signed the tag v1")]
    [InlineData("expired_key", Pgp, 1, "(it says: expired_key)")]
    [InlineData("bad_email", Pgp, 1, "(it says: bad_email)")]
    [InlineData("unknown_signature_type", "?", 1, "(it says: unknown_signature_type)")]
    public async Task C33_what_GitHub_could_not_verify_just_now_is_told_apart_from_what_it_refuses(string reason, string? signature, int exit, string told)
    {
        Told(Signed, signature, reason);
        Assert.Contains(told, (await TagAsync(exit)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task C33_a_tag_that_names_another_commit_than_was_signed_or_no_commit_is_denied()
    {
        Told(Signed, GitTagTests.SignatureOf(Signed), "valid", target: new('2', 40));
        Assert.Contains($"was signed by ann for {Commit}, and GitHub says that it names 2222", (await TagAsync(1)).Output, StringComparison.Ordinal);
        var renamed = Signed.Replace("tag v1", "tag v2", StringComparison.Ordinal);
        Told(renamed, GitTagTests.SignatureOf(renamed), "valid");
        Assert.Contains("signed as 'v2', and stands under 'v1'", (await TagAsync(1)).Output, StringComparison.Ordinal);
        Told(Signed, GitTagTests.SignatureOf(Signed), "valid", type: "tag");
        Assert.Contains("names a tag and no commit", (await TagAsync(1)).Output, StringComparison.Ordinal);
        Told(null, GitTagTests.SignatureOf(Signed), "valid");
        Assert.Contains("does not tell what the signature", (await TagAsync(2)).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task C33_a_key_that_no_longer_counts_signs_nothing()
    {
        Told(Signed, GitTagTests.SignatureOf(Signed), "valid");
        Assert.Contains("signed by ann, who is not in office now", (await TagAsync(1, ", until: 2020-01-01")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void C33_a_person_or_key_that_was_revoked_signs_nothing_and_where_nobody_can_tell_it_is_could_not_tell()
    {
        var policy = ((PolicyReading.Accepted)PolicyReader.Read(Encoding.UTF8.GetBytes(Yaml("")), _ => Encoding.ASCII.GetBytes(PemEncoding.WriteString("PUBLIC KEY", GitTagTests.KeySpki)))).Policy;
        var tag = new ForgeTag("v1", true, "commit", Commit, new("valid", Signed, GitTagTests.SignatureOf(Signed)));
        Assert.Equal(Verdict.Allow, Judge(new Reading<RevocationList>.Found(RevocationList.Empty)).Verdict);
        Assert.Equal(Verdict.Deny, Judge(new Reading<RevocationList>.Found(RevocationList.Empty with { People = ["p-1"] })).Verdict);
        Assert.Equal(Verdict.Deny, Judge(new Reading<RevocationList>.Found(RevocationList.Empty with { Keys = [Digest.Of(GitTagTests.KeySpki)] })).Verdict);
        Assert.Equal(Verdict.Unknown, Judge(new Reading<RevocationList>.Unread(new("revocations", "the list is stale"))).Verdict);

        Decision Judge(Reading<RevocationList> revocations) => ReleaseTag.Decide(tag, policy, new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero), revocations).Decision;
    }

    [Fact]
    public async Task A_tag_that_is_not_there_is_could_not_tell()
    {
        var ended = await TagAsync(2);
        Assert.Contains("could not read the tag v1 of example/trading: there is none, or the token may not see it (404); give the token the permission contents: read", ended.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-token", ended.Output + ended.Error, StringComparison.Ordinal);
    }

    private void Told(string? payload, string? signature, string reason, string? target = null, string type = "commit") => server.World.Tags["v1"] = ("tag", new('a', 40), new JsonObject
    {
        ["node_id"] = "TA_1",
        ["tag"] = "v1",
        ["sha"] = new string('a', 40),
        ["message"] = "first",
        ["tagger"] = new JsonObject { ["name"] = "Ann", ["email"] = "ann@example.com", ["date"] = "2026-03-01T12:00:00Z" },
        ["object"] = new JsonObject { ["type"] = type, ["sha"] = target ?? Commit, ["url"] = "https://api.github.com/x" },
        ["verification"] = new JsonObject { ["verified"] = reason == "valid", ["reason"] = reason, ["payload"] = payload, ["signature"] = signature, ["verified_at"] = null },
    });

    private async Task<Ended> TagAsync(int exit, params string[] more)
    {
        var (until, options) = more is [[',', ..] first] ? (first, []) : ("", more);
        bench.Folder.Write("ann.pem", PemEncoding.WriteString("PUBLIC KEY", GitTagTests.KeySpki));
        var ended = await bench.GatesAsync(["tag", "v1", "--policy", bench.Folder.Write("p.yaml", Yaml(until)), .. options]);
        Assert.True(ended.ExitCode == exit, $"{ended.ExitCode}: {ended.Error}{ended.Output}");
        return ended;
    }

    private static string Yaml(string until) => $$"""
            apiVersion: governance.gates/v1alpha1
            kind: GovernancePolicy
            metadata: { name: firm, version: 1 }
            spec:
              trust:
                keys:
                  ann-key: { spki: "{{Digest.Of(GitTagTests.KeySpki)}}", file: ann.pem, validFrom: 2026-01-01, validUntil: 2030-12-31 }
              people:
                ann: { id: p-1, keys: [ann-key]{{until}} }
            """;
}
