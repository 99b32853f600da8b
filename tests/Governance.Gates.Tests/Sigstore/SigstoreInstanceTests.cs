using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>The copies of public instances' roots that come with the library.</summary>
public sealed class SigstoreInstanceTests
{
    [Fact]
    public void The_copy_of_the_public_instance_is_a_trusted_root_and_found_by_its_name()
    {
        Assert.Same(SigstoreInstance.PublicGood, SigstoreInstance.Find("public-good"));
        Assert.Null(SigstoreInstance.Find("github"));
        Assert.Null(SigstoreInstance.Find("../public-good"));
        Assert.Equal(2, SigstoreInstance.PublicGood.Root.TransparencyLogs.Length);
        Assert.Equal("6494e21ea73fa7ee769f85f57d5a3e6a08725eae1e38c755fc3517c9e6bc0b66", Convert.ToHexStringLower(SigstoreInstance.PublicGood.Root.Sha256.Span));
    }
}
