using Governance.Gates.Sigstore;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Conformance;

/// <summary>The program that the library's README shows, compiled against the library alone and run on what real cosign signed.</summary>
public sealed class ReadmeProgramTests(RunningSigstore running, CosignFixtures made) : IDisposable
{
    private readonly TemporaryFolder folder = new();

    [Fact]
    public async Task The_ten_lines_of_the_readme_verify_a_blob_that_cosign_signed_and_refuse_a_changed_one()
    {
        RunningSigstore.SkipWhereMissing();
        Assert.SkipWhen(Peers.WhyNot(Peers.Dotnet) is not null, Peers.WhyNot(Peers.Dotnet) ?? "");
        var (instance, cancellation) = (running.Instance, TestContext.Current.CancellationToken);
        var program = (await File.ReadAllTextAsync(Path.Combine(ProjectTree.Root, "src/Governance.Gates.Sigstore/README.md"), cancellation)).Split("```csharp\n")[1].Split("```")[0];
        Assert.Equal(10, program.Trim().Split('\n').Length);
        folder.Write("Program.cs", program);
        folder.Write("verify.csproj", $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <UseAppHost>false</UseAppHost>
                <NuGetAudit>false</NuGetAudit>
              </PropertyGroup>
              <ItemGroup>
                <Reference Include="{typeof(SigstoreVerifier).Assembly.Location}" />
              </ItemGroup>
            </Project>
            """);
        var built = await Command.RunAsync(Peers.Dotnet.Require(), ["build", folder.PathOf("verify.csproj"), "--disable-build-servers", "-v", "q", "--nologo", "-o", folder.PathOf("out")]);
        Assert.True(built.ExitCode == 0, built.Output + built.Error);

        var (blob, bundle) = (folder.Write("weights.bin", "the model's weights"), folder.PathOf("weights.sigstore.json"));
        (await made.Cosign.RunAsync(["sign-blob", "--fulcio-url", instance.Address, "--rekor-url", instance.Address, "--identity-token", instance.Token, "--new-bundle-format", "--bundle", bundle, blob], instance.CosignTrust)).Succeeded();
        Task<Command> VerifyAsync(string file, string identity) => Command.RunAsync(Peers.Dotnet.Require(), [folder.PathOf("out/verify.dll"), file, bundle, instance.Root, identity, SigstoreServers.Issuer]);
        var good = await VerifyAsync(blob, SigstoreServers.Identity);
        Assert.Equal((0, $"signed by {SigstoreServers.Identity}"), (good.ExitCode, good.Output.Trim()));
        var changed = await VerifyAsync(folder.Write("changed.bin", "the model's weightz"), SigstoreServers.Identity);
        Assert.Equal(1, changed.ExitCode);
        Assert.StartsWith(nameof(RejectionCode.SubjectMismatch), changed.Output, StringComparison.Ordinal);
        var forked = await VerifyAsync(blob, SigstoreServers.Identity.Replace("acme", "fork", StringComparison.Ordinal));
        Assert.Equal(1, forked.ExitCode);
        Assert.StartsWith(nameof(RejectionCode.IdentityMismatch), forked.Output, StringComparison.Ordinal);
    }

    public void Dispose() => folder.Dispose();
}
