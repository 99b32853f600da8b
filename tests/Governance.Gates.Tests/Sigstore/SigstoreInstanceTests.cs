using Governance.Gates.Sigstore;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>The copies of public instances' roots that come with the library.</summary>
public sealed class SigstoreInstanceTests
{
    [Fact]
    public void The_copy_of_the_public_instance_is_a_trusted_root_and_found_by_its_name()
    {
        Assert.Same(SigstoreInstance.PublicGood, SigstoreInstance.Find("public-good"));
        Assert.Null(SigstoreInstance.Find("../public-good"));
        Assert.Equal(2, SigstoreInstance.PublicGood.Root.TransparencyLogs.Length);
        Assert.Equal("6494e21ea73fa7ee769f85f57d5a3e6a08725eae1e38c755fc3517c9e6bc0b66", Convert.ToHexStringLower(SigstoreInstance.PublicGood.Root.Sha256.Span));
    }

    [Fact]
    public void The_copy_of_GitHubs_instance_has_authorities_and_no_logs()
    {
        Assert.Same(SigstoreInstance.GitHub, SigstoreInstance.Find("github"));
        var root = SigstoreInstance.GitHub.Root;
        Assert.Equal((6, 6, 0, 0), (root.CertificateAuthorities.Length, root.TimestampAuthorities.Length, root.TransparencyLogs.Length, root.CertificateLogs.Length));
        Assert.Equal("484cdfe1a7c65479c5ba2a22193d1be90f0020db1997de696ab207434c62fbb7", Convert.ToHexStringLower(root.Sha256.Span));
    }
}
