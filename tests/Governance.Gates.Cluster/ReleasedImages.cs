using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Governance.Gates.Cli;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Images;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;
using Governance.Gates.Testing.Registries;

namespace Governance.Gates.Cluster;

/// <summary>Images that are built from commits of one repository, and the reviews of those commits, as <c>gates</c> signs and attaches them.</summary>
/// <param name="folder">Holds the keys and the policy.</param>
/// <param name="registry">Holds images and statements.</param>
public sealed class ReleasedImages(TemporaryFolder folder, DockerRegistry registry)
{
    private const string Source = "https://github.com/example/trading";
    private static readonly string Head = new('2', 40);
    private static readonly string Tree = new('5', 40);

    /// <summary>People of the policy: ann writes, bob reviews.</summary>
    public static string People => "ann: { id: p-1, github: { login: ann, id: 1 } }, bob: { id: p-2, github: { login: bob, id: 2 } }";

    /// <summary>Makes the keys of the robots, and gives their entries in <c>trust.keys</c>.</summary>
    public string Keys() => string.Join(", ", ((string[])["built", "reviewed"]).Select(name =>
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        folder.Write($"{name}.pem", key.ExportPkcs8PrivateKeyPem());
        folder.Write($"{name}.pub", key.ExportSubjectPublicKeyInfoPem());
        return $$"""{{name}}: { spki: "{{Digest.Of(key.ExportSubjectPublicKeyInfo())}}", file: {{name}}.pub }""";
    }));

    /// <summary>What the policy asks of pull requests.</summary>
    public string Review => $$"""{ approvals: { default: 1 }, commits: "{{registry.Host}}/governance/commits" }""";

    /// <summary>What it asks of these images.</summary>
    public string Rule => $$"""{ match: ["{{registry.Host}}/released/**"], require: { provenance: { by: [builder], source: {{Source}} }, reviewed: { by: [reviewer] } } }""";

    /// <summary>An image that was built from a commit.</summary>
    public async Task<string> BuildAsync(string name, string commit)
    {
        var repository = registry.Repository($"released/{name}");
        var image = ImageReference.At(repository, await TestImage.PushAsync(repository)).ToString();
        var predicate = new JsonObject
        {
            ["buildDefinition"] = new JsonObject
            {
                ["buildType"] = "https://actions.github.io/buildtypes/workflow/v1",
                ["externalParameters"] = new JsonObject { ["workflow"] = new JsonObject { ["ref"] = "refs/tags/v1", ["repository"] = Source, ["path"] = ".github/workflows/release.yml" } },
                ["resolvedDependencies"] = new JsonArray(new JsonObject { ["uri"] = $"git+{Source}@refs/tags/v1", ["digest"] = new JsonObject { ["gitCommit"] = commit } }),
            },
            ["runDetails"] = new JsonObject { ["builder"] = new JsonObject { ["id"] = $"{Source}/.github/workflows/release.yml" } },
        };
        (await GatesAsync("attest", image, "--type", "slsaprovenance1", "--predicate", folder.Write($"{Guid.NewGuid():N}.json", predicate.ToJsonString()), "--key", folder.PathOf("built.pem"))).Succeeded();
        return image;
    }

    /// <summary>Attests a commit that was merged by a pull request of ann's.</summary>
    public Task<Command> AttestAsync(string policy, string commit, params string[] approvedBy) => GatesAsync(
        "review", "attest", "--snapshot", folder.Write($"{Guid.NewGuid():N}.json", Snapshot(approvedBy)), "--policy", policy, "--merged", commit, "--tree", Tree, "--reviewed-tree", Tree, "--key", folder.PathOf("reviewed.pem"));

    /// <summary>Releases an image of a commit.</summary>
    public Task<Command> ReleaseAsync(string policy, string image, string commit) => GatesAsync("release", image, "--commit", commit, "--policy", policy, "--key", folder.PathOf("built.pem"));

    /// <summary>Runs <c>gates</c>, in this process.</summary>
    public static async Task<Command> GatesAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exitCode = await GatesCommand.RunAsync(arguments, new Terminal(Stream.Null, output, error));
        return new($"gates {string.Join(' ', arguments)}", exitCode, output.ToString(), error.ToString());
    }

    private static string Snapshot(string[] approvedBy)
    {
        return new JsonObject
        {
            ["v"] = 1,
            ["critical"] = new JsonArray(),
            ["repository"] = "example/trading",
            ["number"] = 7,
            ["draft"] = false,
            ["author"] = Account("ann"),
            ["base"] = new JsonObject { ["ref"] = "main", ["sha"] = new string('1', 40) },
            ["head"] = new JsonObject { ["ref"] = "feat/x", ["sha"] = Head },
            ["headAfter"] = Head,
            ["changedFiles"] = 1,
            ["commitCount"] = 1,
            ["files"] = new JsonArray(new JsonObject { ["path"] = "src/a", ["status"] = "modified", ["mode"] = "100644" }),
            ["commits"] = new JsonArray(new JsonObject { ["sha"] = Head, ["author"] = Account("ann"), ["committer"] = Account("ann"), ["coAuthors"] = new JsonArray() }),
            ["lastPusher"] = Account("ann"),
            ["reviews"] = new JsonArray([.. approvedBy.Select((login, i) => new JsonObject { ["id"] = i + 1, ["user"] = Account(login), ["state"] = "APPROVED", ["commit"] = Head })]),
            ["permissions"] = new JsonArray([.. ((string[])["ann", "bob"]).Select(login => new JsonObject { ["account"] = Account(login), ["permission"] = "write" })]),
            ["teams"] = new JsonArray(),
            ["contents"] = new JsonArray([.. ((string[])[".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"]).Select(path => new JsonObject { ["side"] = "base", ["path"] = path, ["absent"] = true })]),
            ["unread"] = new JsonArray(),
        }.ToJsonString();

        static JsonObject Account(string login) => new() { ["id"] = login == "ann" ? 1 : 2, ["login"] = login, ["type"] = "User" };
    }
}
