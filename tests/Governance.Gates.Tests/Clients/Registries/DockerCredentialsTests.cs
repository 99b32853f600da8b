using System.Text;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Images;

namespace Governance.Gates.Tests.Clients.Registries;

public sealed class DockerCredentialsTests
{
    private static readonly string UserPassword = Convert.ToBase64String("user:pass:word"u8);

    [Theory]
    [InlineData("https://index.docker.io/v1/", "docker.io/library/nginx", true)]
    [InlineData("docker.io", "docker.io/library/nginx", true)]
    [InlineData("ghcr.io", "ghcr.io/team/app", true)]
    [InlineData("https://ghcr.io", "ghcr.io/team/app", true)]
    [InlineData("https://ghcr.io/v2/", "ghcr.io/team/app", true)]
    [InlineData("ghcr.io/team", "ghcr.io/team/app", true)]
    [InlineData("ghcr.io/te", "ghcr.io/team/app", false)]
    [InlineData("cr.io", "ghcr.io/team/app", false)]
    [InlineData("ghcr.io:5000", "ghcr.io/team/app", false)]
    public void A_key_names_a_registry_in_each_spelling_in_use(string key, string repository, bool found)
    {
        var credential = DockerCredentials.Parse(Encoding.UTF8.GetBytes("{\"auths\":{\"" + key + "\":{\"auth\":\"" + UserPassword + "\"}}}"), "test")
            .For(ImageReference.Parse(repository).Repository);
        Assert.Equal(found ? "user pass:word" : null, credential is null ? null : $"{credential.User} {credential.Password}");
    }

    [Theory]
    [InlineData("[]", "is not a JSON object")]
    [InlineData("{", "is not JSON")]
    [InlineData("{\"auths\":{},\"auths\":{}}", "has a property twice")]
    [InlineData("{\"auths\":[]}", "auths is not an object")]
    [InlineData("{\"auths\":{\"a.io\":\"hunter2\"}}", "'a.io' is not an object")]
    [InlineData("{\"auths\":{\"a.io\":{\"auth\":\"aHVudGVyMg==\"}}}", "is not base64 of user:password")]
    [InlineData("{\"auths\":{\"a.io\":{\"auth\":\"hunter2!\"}}}", "is not base64 of user:password")]
    [InlineData("{\"auths\":{\"a.io\":{\"password\":\"hunter2\"}}}", "has a password but no username")]
    [InlineData("{\"auths\":{\"a.io\":{\"username\":7}}}", "username is not a string")]
    [InlineData("{\"credHelpers\":{\"a.io\":7}}", "credHelpers, 'a.io' is not a string")]
    public void A_malformed_file_is_refused_without_quoting_a_secret(string json, string because)
    {
        var refused = Assert.Throws<GateException>(() => DockerCredentials.Parse(Encoding.UTF8.GetBytes(json), "config.json"));
        Assert.Contains(because, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", refused.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_was_named_must_exist() =>
        Assert.Contains("cannot be read", Assert.Throws<GateException>(() => DockerCredentials.Load("/nonexistent/config.json")).Message, StringComparison.Ordinal);
}
