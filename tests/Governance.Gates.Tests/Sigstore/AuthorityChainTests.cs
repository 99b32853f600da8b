using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Governance.Gates.Sigstore.Certificates;

namespace Governance.Gates.Tests.Sigstore;

/// <summary>What an authority remembers of the paths that it built.</summary>
public sealed class AuthorityChainTests
{
    private static readonly DateTimeOffset From = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>A failure may be the machine's, and whoever sends certificates must not fill the memory with those that nobody issued.</summary>
    [Fact]
    public void Only_what_an_authority_certified_is_remembered()
    {
        var (authority, impostor) = (new TestAuthority("fulcio", From, From.AddYears(1)), new TestAuthority("fulcio", From, From.AddYears(1)));
        var chain = AuthorityChain.TryCreate([.. authority.Chain.Select(certificate => CertificateFields.TryRead(Convert.FromBase64String(certificate!["rawBytes"]!.GetValue<string>()))!)])!;
        for (var i = 0; i < 3; i++)
        {
            var forged = Leaf(impostor);
            Assert.False(chain.Issued(forged, CertificateFields.CodeSigning) || chain.Issued(forged, CertificateFields.CodeSigning));
        }

        Assert.Equal(0, chain.Remembered);
        var leaf = Leaf(authority);
        Assert.True(chain.Issued(leaf, CertificateFields.CodeSigning) && chain.Issued(leaf, CertificateFields.CodeSigning));
        Assert.False(chain.Issued(leaf, CertificateFields.TimeStamping));
        Assert.Equal(1, chain.Remembered);
    }

    private static CertificateFields Leaf(TestAuthority authority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return CertificateFields.TryRead(authority.Issue(new PublicKey(key), From, From.AddMinutes(10), TestAuthority.NewSerial(), "", [.. ThrowAwaySigstore.SignerExtensions()]))!;
    }
}
