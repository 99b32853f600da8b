using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Sigstore;
using Microsoft.AspNetCore.Http;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>Signing without a key, over HTTP against a whole instance on loopback; whatever a service answers is checked before it is used.</summary>
public sealed class KeylessSigningTests
{
    private static readonly string[] ToTheEnd = ["/api/v2/signingCert", "/api/v1/timestamp", "/api/v1/log/entries"];

    public static TheoryData<RekorVersion?, bool> Instances => new() { { RekorVersion.V1, false }, { RekorVersion.V1, true }, { RekorVersion.V2, true }, { null, true } };

    [Theory, MemberData(nameof(Instances))]
    public async Task What_is_signed_verifies_for_its_signer_and_for_nobody_else(RekorVersion? log, bool isStamped)
    {
        await using var sigstore = await LoopbackSigstore.StartAsync();
        var (signer, services) = sigstore.Signer(log, isStamped);
        using var open = services;
        var evidence = new EvidenceRequirement(sigstore.Instance.Root) { Logs = log is null ? 0 : 1 };
        foreach (var bundle in (SignedEntity.Bundle[])[await signer.SignStatementAsync(Signed.Statement(), default), await signer.SignDigestAsync(Signed.Sha256, default)])
        {
            var verified = Signed.AssertVerified(SigstoreVerifier.Verify(bundle, ThrowAwaySigstore.PolicyOf(evidence)));
            Assert.Equal(ThrowAwaySigstore.Workflow, verified.Certificate!.Name.Value);
            Assert.Equal(log is null ? 0 : 1, verified.Logs.Length);
            Assert.Equal((log == RekorVersion.V1 ? 1 : 0) + (isStamped ? 1 : 0), verified.Times.Length);
            Signed.AssertRejected(RejectionCode.IdentityMismatch, SigstoreVerifier.Verify(bundle, ThrowAwaySigstore.PolicyOf(evidence, CertificateIdentity.Exactly("https://github.com/fork/model/.github/workflows/release.yml@refs/tags/v1", ThrowAwaySigstore.Issuer))));
        }
    }

    [Fact]
    public async Task The_log_is_asked_last_and_no_key_is_used_twice()
    {
        await using var sigstore = await LoopbackSigstore.StartAsync();
        var (signer, services) = sigstore.Signer(isStamped: true);
        using var open = services;
        await signer.SignStatementAsync(Signed.Statement(), default);
        Assert.Equal(ToTheEnd, sigstore.Asked.Select(asked => asked.Path));
        await signer.SignStatementAsync(Signed.Statement(), default);
        var keys = sigstore.Asked.Where(asked => asked.Path == "/api/v2/signingCert").Select(asked => JsonNode.Parse(asked.Body)!["publicKeyRequest"]!["publicKey"]!["content"]!.GetValue<string>());
        Assert.Equal(2, keys.Distinct().Count());
    }

    [Fact]
    public async Task A_log_of_the_second_version_learns_nothing_of_a_statement()
    {
        await using var sigstore = await LoopbackSigstore.StartAsync();
        var (signer, services) = sigstore.Signer(RekorVersion.V2, isStamped: true);
        using var open = services;
        var statement = Signed.Statement();
        await signer.SignStatementAsync(statement, default);
        Assert.DoesNotContain(Convert.ToBase64String(statement), sigstore.Asked.Last().Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_person_is_certified_by_the_verified_address()
    {
        await using var sigstore = await LoopbackSigstore.StartAsync();
        var (signer, services) = sigstore.Signer(token: LoopbackSigstore.PersonsToken("ann@example.com", "https://accounts.example.com"));
        using var open = services;
        var bundle = await signer.SignStatementAsync(Signed.Statement(), default);
        Signed.AssertVerified(SigstoreVerifier.Verify(bundle, sigstore.Instance.Policy(CertificateIdentity.Exactly("ann@example.com", "https://accounts.example.com"))));
    }

    [Fact]
    public async Task Where_the_authority_certifies_subjects_the_name_to_expect_says_over_which_claim_the_key_is_shown()
    {
        const string Uri = "https://id.example.com/users/ann";
        await using var sigstore = await LoopbackSigstore.StartAsync();
        sigstore.CertifiesSubjects = true;
        var unverified = LoopbackSigstore.Token(Uri, "https://id.example.com", claims => (claims["email"], claims["email_verified"]) = ("ann@example.com", false));
        var (signer, services) = sigstore.Signer(token: unverified, name: Uri);
        using var open = services;
        var bundle = await signer.SignStatementAsync(Signed.Statement(), default);
        Signed.AssertVerified(SigstoreVerifier.Verify(bundle, sigstore.Instance.Policy(CertificateIdentity.Exactly(Uri, "https://id.example.com"))));

        // A user name is certified together with its domain, and the key is shown over the name alone.
        sigstore.OtherIdentity = ("ann!example.com", "https://id.example.com");
        var (named, more) = sigstore.Signer(token: LoopbackSigstore.PersonsToken("ann@example.com", "https://id.example.com"), name: "ann!example.com");
        using var opened = more;
        await named.SignStatementAsync(Signed.Statement(), default);
    }

    [Fact]
    public void The_address_is_what_counts_where_it_is_the_name_to_expect()
    {
        var token = LoopbackSigstore.PersonsToken("ann@example.com", "https://oauth2.example.test/auth");
        Assert.Equal("ann@example.com", IdentityToken.TryParse(token, "ann@example.com", out _)!.Name);
        Assert.Null(IdentityToken.TryParse(LoopbackSigstore.Token(more: claims => claims["email"] = "ann@example.com"), "ann@example.com", out var mistake));
        Assert.Contains("has not verified the e-mail address", mistake, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_no_bundle_could_hold_and_what_is_no_statement_is_refused_before_anybody_is_asked()
    {
        await using var sigstore = await LoopbackSigstore.StartAsync();
        var (signer, services) = sigstore.Signer();
        using var open = services;
        var large = InTotoStatement.Write([Subject.OfSha256("model", Signed.Sha256)], Signed.Approval, Encoding.UTF8.GetBytes($$"""{"a":"{{new string('a', 12 << 20)}}"}"""));
        foreach (var (statement, told) in ((byte[], string)[])[(large, "bytes and at most"), ("{}"u8.ToArray(), "is no in-toto statement")])
        {
            var refused = await Assert.ThrowsAsync<KeylessSigningException>(async () => await signer.SignStatementAsync(statement, default));
            Assert.Contains(told, refused.Message, StringComparison.Ordinal);
        }

        Assert.Empty(sigstore.Asked);
    }

    /// <summary>A lie, what is told of it, and the services that hear of the signature before it is noticed.</summary>
    public static TheoryData<string, string, int> Lies => new()
    {
        { "a certificate for another key", "for another key than the one that asked", 1 },
        { "a certificate for another name", "and the token is of", 1 },
        { "a certificate by another issuer", "and the token is of", 1 },
        { "a certificate of another authority", "none of the trusted root's authorities issued", 1 },
        { "a certificate that no log promised to show", "0 trusted logs promised to show the certificate", 1 },
        { "a certificate that another log promised to show", "0 trusted logs promised to show the certificate", 1 },
        { "a certificate of an hour ago", "and the certificate is valid from", 2 },
        { "a certificate of tomorrow", "and the certificate is valid from", 2 },
        { "no certificate", "'signedCertificateEmbeddedSct.chain.certificates' is missing", 1 },
        { "a promise apart from its certificate", "apart from it", 1 },
        { "a certificate that is none", "is not one PEM block", 1 },
        { "a timestamp over something else", "over another signature", 2 },
        { "a timestamp of another authority", "none of the trusted authorities", 2 },
        { "a timestamp that is none", "no granted RFC 3161 response", 2 },
        { "an entry of another signature", "LogEntryMismatch", 3 },
        { "an entry of another statement", "LogEntryMismatch", 3 },
        { "a promise that does not verify", "InclusionPromiseInvalid", 3 },
        { "a promise of another time", "InclusionPromiseInvalid", 3 },
        { "a proof that does not verify", "InclusionProofInvalid", 3 },
        { "a checkpoint that does not verify", "CheckpointInvalid", 3 },
        { "another log", "UnknownLog", 3 },
        { "two entries", "it is not one entry", 3 },
        { "an entry that is none", "is not JSON", 3 },
    };

    [Theory, MemberData(nameof(Lies))]
    public async Task A_lie_of_a_service_is_refused_with_a_remedy_and_nothing_is_given_out(string lie, string told, int asked)
    {
        await using var sigstore = await LoopbackSigstore.StartAsync();
        using var otherKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Lie(sigstore, lie, otherKey);
        var (signer, services) = sigstore.Signer(isStamped: true);
        using var open = services;
        var refused = await Assert.ThrowsAsync<KeylessSigningException>(async () => await signer.SignStatementAsync(Signed.Statement(), default));
        Assert.Contains(told, refused.Message, StringComparison.Ordinal);
        Assert.NotEmpty(refused.Remedy);
        Assert.DoesNotContain(LoopbackSigstore.Token().Split('.')[1], refused.Message, StringComparison.Ordinal);
        Assert.Equal(ToTheEnd.Take(asked), sigstore.Asked.Select(one => one.Path));
    }

    [Fact]
    public async Task Where_the_log_alone_says_when_a_certificate_of_another_time_is_refused_too()
    {
        await using var sigstore = await LoopbackSigstore.StartAsync();
        sigstore.CertifiedAgo = TimeSpan.FromHours(1);
        var (signer, services) = sigstore.Signer();
        using var open = services;
        var refused = await Assert.ThrowsAsync<KeylessSigningException>(async () => await signer.SignStatementAsync(Signed.Statement(), default));
        Assert.Contains("CertificateOutsideValidity", refused.Message, StringComparison.Ordinal);
    }

    private static void Lie(LoopbackSigstore sigstore, string lie, ECDsa otherKey)
    {
        switch (lie)
        {
            case "a certificate for another key": sigstore.OtherKey = otherKey; break;
            case "a certificate for another name": sigstore.OtherIdentity = (ThrowAwaySigstore.Workflow.Replace("example", "fork", StringComparison.Ordinal), ThrowAwaySigstore.Issuer); break;
            case "a certificate by another issuer": sigstore.OtherIdentity = (ThrowAwaySigstore.Workflow, "https://issuer.example.test"); break;
            case "a certificate of another authority": sigstore.Impostor = new("fulcio", DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1)); break;
            case "a certificate that no log promised to show": sigstore.CertificateLogs = []; break;
            case "a certificate that another log promised to show": sigstore.CertificateLogs = [TestLog.First("ct.example.test")]; break;
            case "a certificate of an hour ago": sigstore.CertifiedAgo = TimeSpan.FromHours(1); break;
            case "a certificate of tomorrow": sigstore.CertifiedAgo = TimeSpan.FromDays(-1); break;
            case "no certificate": Answer(sigstore, "/api/v2/signingCert", "{}"); break;
            case "a promise apart from its certificate": Answer(sigstore, "/api/v2/signingCert", """{"signedCertificateDetachedSct":{}}"""); break;
            case "a certificate that is none": Answer(sigstore, "/api/v2/signingCert", """{"signedCertificateEmbeddedSct":{"chain":{"certificates":["no"]}}}"""); break;
            case "a timestamp over something else": sigstore.OtherImprint = SHA256.HashData("something else"u8); break;
            case "a timestamp of another authority": sigstore.OtherTimestamps = new("https://tsa.example.test", DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1)); break;
            case "a timestamp that is none": Answer(sigstore, "/api/v1/timestamp", "0\u0003\u0002\u0001\u0002"); break;
            case "an entry of another signature": sigstore.SpoilBody = body => body["spec"]!["signatures"]![0]!["signature"] = "MAYCAQECAQE="; break;
            case "an entry of another statement": sigstore.SpoilBody = body => body["spec"]!["payloadHash"]!["value"] = new string('a', 64); break;
            case "a promise that does not verify": sigstore.SpoilEntry = entry => entry["inclusionPromise"]!["signedEntryTimestamp"] = "MAYCAQECAQE="; break;
            case "a promise of another time": sigstore.SpoilEntry = entry => entry["integratedTime"] = "1"; break;
            case "a proof that does not verify": sigstore.SpoilEntry = entry => entry["inclusionProof"]!["hashes"]![0] = Convert.ToBase64String(new byte[32]); break;
            case "a checkpoint that does not verify": sigstore.SpoilEntry = entry => Replace(entry["inclusionProof"]!["checkpoint"]!, "envelope", " - 42", " - 43"); break;
            case "another log": sigstore.SpoilEntry = entry => entry["logId"]!["keyId"] = Convert.ToBase64String(new byte[32]); break;
            case "two entries": Answer(sigstore, "/api/v1/log/entries", """{"a":{},"b":{}}"""); break;
            case "an entry that is none": Answer(sigstore, "/api/v1/log/entries", "<html>"); break;
            default: throw new ArgumentException(lie, nameof(lie));
        }
    }

    public static TheoryData<string, string, string> Faults
    {
        get
        {
            var faults = new TheoryData<string, string, string>();
            foreach (var path in ToTheEnd)
            {
                faults.Add(path, "too large", "sent more than");
                faults.Add(path, "slow", "within 1 s");
                faults.Add(path, "redirect", "with a redirect");
                faults.Add(path, "compressed", "compressed");
                faults.Add(path, "400", "answered 400");
                faults.Add(path, "503", "answered 503");
            }

            return faults;
        }
    }

    [Theory, MemberData(nameof(Faults))]
    public async Task A_service_that_floods_stalls_or_redirects_is_left_with_a_remedy(string path, string fault, string told)
    {
        await using var sigstore = await LoopbackSigstore.StartAsync();
        sigstore.Override = context => context.Request.Path == path ? FailAsync(context, fault) : Task.FromResult(false);

        // Only what is slow waits for its limit: elsewhere a busy machine would be taken for it.
        var (signer, services) = sigstore.Signer(isStamped: true, limits: fault == "slow" ? new RegistryLimits { RequestTimeout = TimeSpan.FromSeconds(1) } : null);
        using var open = services;
        var refused = await Assert.ThrowsAsync<KeylessSigningException>(async () => await signer.SignDigestAsync(Signed.Sha256, default));
        Assert.Contains(told, refused.Message, StringComparison.Ordinal);
        Assert.NotEmpty(refused.Remedy);
        Assert.Equal(1, sigstore.Asked.Count(asked => asked.Path == path));
        Assert.DoesNotContain(sigstore.Asked, asked => asked.Path == "/elsewhere");
    }

    public static TheoryData<string, string> Tokens => new()
    {
        { "not.a", "no JWT" },
        { "a.b.c.d", "no JWT" },
        { "a.{}.c", "no JWT" },
        { LoopbackSigstore.Token(more: claims => claims.Remove("sub")), "'sub' is missing" },
        { LoopbackSigstore.Token(more: claims => claims.Remove("iss")), "'iss' is missing" },
        { LoopbackSigstore.Token(more: claims => claims.Remove("exp")), "does not say when it ends" },
        { LoopbackSigstore.Token(more: claims => claims["email"] = "ann@example.com"), "has not verified the e-mail address" },
        { LoopbackSigstore.Token(more: claims => (claims["email"], claims["email_verified"]) = ("ann@example.com", "true")), "has not verified the e-mail address" },
        { new string('a', IdentityToken.MaxSize + 1), "no JWT" },
    };

    [Theory, MemberData(nameof(Tokens))]
    public void A_token_that_names_nobody_is_refused_without_being_shown(string token, string told)
    {
        Assert.Null(IdentityToken.TryParse(token, null, out var mistake));
        Assert.Contains(told, mistake, StringComparison.Ordinal);
        Assert.DoesNotContain(token, mistake, StringComparison.Ordinal);
    }

    [Fact]
    public void A_workflow_of_GitHub_is_expected_under_the_name_that_Fulcio_gives_it()
    {
        void AsGitHub(JsonObject claims) => (claims["sub"], claims["job_workflow_ref"]) = ("repo:example/model:ref:refs/tags/v1", "example/model/.github/workflows/release.yml@refs/tags/v1");
        Assert.Equal(ThrowAwaySigstore.Workflow, IdentityToken.TryParse(LoopbackSigstore.Token(more: AsGitHub), null, out _)!.Name);
        Assert.Equal("repo:example/model:ref:refs/tags/v1", IdentityToken.TryParse(LoopbackSigstore.Token(issuer: "https://ci.example.test", more: AsGitHub), null, out _)!.Name);
        Assert.Equal("another", IdentityToken.TryParse(LoopbackSigstore.Token(more: AsGitHub), "another", out _)!.Name);
    }

    [Fact]
    public void A_federated_issuer_is_the_one_behind_it() =>
        Assert.Equal("https://accounts.example.com", IdentityToken.TryParse(LoopbackSigstore.Token(issuer: "https://oauth2.example.test/auth", more: claims => claims["federated_claims"] = new JsonObject { ["connector_id"] = "https://accounts.example.com" }), null, out _)!.Issuer);

    private static void Answer(LoopbackSigstore sigstore, string path, string body) => sigstore.Override = async context =>
    {
        if (context.Request.Path != path)
        {
            return false;
        }

        await context.Response.WriteAsync(body);
        return true;
    };

    private static async Task<bool> FailAsync(HttpContext context, string fault)
    {
        switch (fault)
        {
            case "too large":
                context.Response.ContentLength = null;
                var chunk = new byte[64 * 1024];
                for (var sent = 0; sent < 100 && !context.RequestAborted.IsCancellationRequested; sent++)
                {
                    await context.Response.Body.WriteAsync(chunk);
                }

                break;
            case "slow":
                await context.Response.WriteAsync("{");
                await context.Response.Body.FlushAsync();
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
                break;
            case "redirect":
                context.Response.Redirect("/elsewhere", permanent: false, preserveMethod: true);
                break;
            case "compressed":
                context.Response.Headers.ContentEncoding = "gzip";
                await context.Response.WriteAsync("{}");
                break;
            default:
                context.Response.StatusCode = int.Parse(fault, null);
                break;
        }

        return true;
    }

    private static void Replace(JsonNode at, string name, string old, string @new) => at[name] = at[name]!.GetValue<string>().Replace(old, @new, StringComparison.Ordinal);
}
