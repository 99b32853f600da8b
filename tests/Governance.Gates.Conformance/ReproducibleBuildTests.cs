using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Conformance;

public sealed class ReproducibleBuildTests
{
    [Fact]
    public async Task The_command_line_comes_out_the_same_bit_for_bit_from_two_folders()
    {
        Assert.SkipWhen(Peers.WhyNot(Peers.Git) is not null, Peers.Git.WhyNot);
        await using var build = ChildProcess.Start("bash", [Path.Combine(ProjectTree.Root, "tests/reproducible.sh"), "managed"]);
        await build.WaitForLineAsync(line => line.StartsWith("the same from two folders: ", StringComparison.Ordinal), TimeSpan.FromMinutes(10));
    }
}
