using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Governance.Gates.Sigstore.Certificates;
using Governance.Gates.Sigstore.Formats;

namespace Governance.Gates.Sigstore;

/// <summary>Asks Fulcio for a certificate (fulcio.proto, CreateSigningCertificate) and holds the answer against what was asked.</summary>
internal static class CertificateExchange
{
    private const int MostAnswerBytes = 256 * 1024;
    private const string Remedy = "see that the certificate authority and the trusted root are of one instance, and tell its operator";

    public static SigningRequest Request(IdentityToken token, ECDsa key) => new(
        SigningService.CertificateAuthority,
        "/api/v2/signingCert",
        "application/json",
        CompactJson.Write(json =>
        {
            json.WriteStartObject();
            json.WriteStartObject("credentials");
            json.WriteString("oidcIdentityToken", token.Text);
            json.WriteEndObject();
            json.WriteStartObject("publicKeyRequest");
            json.WriteStartObject("publicKey");
            json.WriteString("algorithm", "ECDSA");
            json.WriteString("content", key.ExportSubjectPublicKeyInfoPem());
            json.WriteEndObject();
            // fulcio.proto: "Proof that the client possesses the private key": a signature over the claim that the authority certifies.
            json.WriteBase64String("proofOfPossession", key.SignData(Encoding.UTF8.GetBytes(token.Challenge), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
            json.WriteEndObject();
            json.WriteEndObject();
        }),
        MostAnswerBytes);

    /// <summary>The certificate: for our key, for the token's identity, issued by the root's authority, and promised to be shown.</summary>
    /// <exception cref="KeylessSigningException">It is anything else.</exception>
    public static SignerCertificate Read(ReadOnlyMemory<byte> answer, PublicKey key, IdentityToken token, EvidenceRequirement evidence)
    {
        if (SignerCertificate.TryRead(Leaf(answer), out var rejected) is not { } certificate)
        {
            throw Refused(rejected!.Detail);
        }

        if (!certificate.Key.Equals(key))
        {
            throw Refused("the certificate is for another key than the one that asked");
        }

        if (certificate.Issuer != token.Issuer || certificate.Name.Value != token.Name)
        {
            throw new KeylessSigningException(
                $"the certificate authority certified '{OneLine.Show(certificate.ToString())}', and the token is of '{token}'",
                "where this issuer's subjects are certified under another name, say which one to expect; else tell the authority's operator");
        }

        if (evidence.Root.CertificateAuthorities.FirstOrDefault(authority => authority.Path.Issued(certificate.Fields, CertificateFields.CodeSigning)) is not { } issuer)
        {
            throw Refused("none of the trusted root's authorities issued the certificate for signing code");
        }

        return CertificateTimestamps.Fault(certificate.Fields, issuer.Path.Certificates[0], evidence) is { } fault ? throw Refused(fault.Detail) : certificate;
    }

    private static byte[] Leaf(ReadOnlyMemory<byte> answer)
    {
        if (!StrictJson.TryParse(answer, "answer", out var document, out var rejected))
        {
            throw Refused(rejected.Detail);
        }

        using (document)
        {
            var shape = new JsonShape("answer");
            if (shape.Optional(document.RootElement, JsonValueKind.Object, "signedCertificateDetachedSct").ValueKind == JsonValueKind.Object)
            {
                throw Refused("it keeps the promise to show the certificate apart from it, where no bundle can carry it");
            }

            var chain = shape.Array(document.RootElement, "signedCertificateEmbeddedSct", "chain", "certificates");
            var pem = chain.ValueKind == JsonValueKind.Array && chain.GetArrayLength() > 0 ? shape.Text(chain[0]) : "";
            return shape.Fault is { } fault ? throw Refused(fault.Detail)
                : PemBlock.TryDecode(Encoding.UTF8.GetBytes(pem), "CERTIFICATE") ?? throw Refused("the first of its certificates is not one PEM block 'CERTIFICATE'");
        }
    }

    private static KeylessSigningException Refused(string why) => new($"the certificate authority's answer is not used: {why}", Remedy);
}
