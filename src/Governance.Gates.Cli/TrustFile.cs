using Governance.Gates.Sigstore;

namespace Governance.Gates.Cli;

/// <summary>Reads files that say whom a command line trusts.</summary>
internal static class TrustFile
{
    /// <summary>A public key.</summary>
    /// <exception cref="GateException">It cannot be read, or is none that is accepted.</exception>
    public static PublicKey ReadKey(string file) =>
        PublicKey.TryParse(InputFile.Read(file, "public key", PublicKey.MaxSize), out var mistake) ?? throw new GateException($"'{file}' is no public key that is accepted here", mistake);

    /// <summary>The trusted root of a Sigstore instance.</summary>
    /// <exception cref="GateException">It cannot be read, or is none that is accepted.</exception>
    public static TrustedRoot ReadRoot(string file) =>
        TrustedRoot.TryParse(InputFile.Read(file, "trusted root", TrustedRoot.MaxSize), out var mistake)
            ?? throw new GateException($"'{file}' is no trusted root that is accepted here: {mistake}", "name the instance's own trusted_root.json");

    /// <summary>The certificates of an authority of one's own.</summary>
    /// <exception cref="GateException">They cannot be read, or are none that are accepted.</exception>
    public static AuthoritySigners ReadAuthority(string file) =>
        AuthoritySigners.TryParse(InputFile.Read(file, "certificate authority", AuthoritySigners.MaxSize), out var mistake)
            ?? throw new GateException($"'{file}' is no certificate authority that is accepted here: {mistake}", "name a PEM file with the authority's root");

    /// <summary>A certificate to sign with, and those above it.</summary>
    /// <exception cref="GateException">They cannot be read, or are none that anybody would verify.</exception>
    public static CertificateChain ReadChain(string file) =>
        CertificateChain.TryParse(InputFile.Read(file, "certificate", AuthoritySigners.MaxSize), out var mistake)
            ?? throw new GateException($"'{file}' is no certificate to sign with: {mistake}", "name a PEM file with the signer's certificate and those above it");
}
