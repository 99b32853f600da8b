using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using Governance.Gates.Sigstore.Formats;
using Governance.Gates.Sigstore.Logs;

namespace Governance.Gates.Sigstore;

/// <summary>Signs without a key of one's own: with a key that lives for one signature, a certificate for minutes, a timestamp and an entry in a log.</summary>
/// <remarks>
/// Each answer is checked before the next service is asked, and the log, which forgets nothing, is asked last. What is given out was
/// verified by <see cref="SigstoreVerifier"/> as anybody would. Safe for concurrent use.
/// </remarks>
/// <param name="token">Who signs.</param>
/// <param name="evidence">Whose word counts, and how much of it the bundle must hold.</param>
/// <param name="log">The API of the transparency log; null: there is none.</param>
/// <param name="isStamped">Whether a timestamp authority is asked. A log of <see cref="RekorVersion.V2"/>, or none, needs one.</param>
/// <param name="send">Asks the services.</param>
public sealed class KeylessSigner(IdentityToken token, EvidenceRequirement evidence, RekorVersion? log, bool isStamped, SendSigningRequest send)
{
    // A bundle has the statement in base64, and the rest of it is some kilobytes.
    private const int MostStatementBytes = Limits.EnvelopeBytes / 16 * 11;

    /// <summary>Who signs.</summary>
    public IdentityToken Token => token;

    /// <summary>Signs an in-toto statement into a bundle.</summary>
    /// <param name="statement">The statement's JSON.</param>
    /// <exception cref="KeylessSigningException">A service gave no answer or one that does not hold, or the statement is none.</exception>
    public async ValueTask<SignedEntity.Bundle> SignStatementAsync(ReadOnlyMemory<byte> statement, CancellationToken cancellation)
    {
        if (statement.Length > MostStatementBytes)
        {
            throw new KeylessSigningException($"the statement has {statement.Length} bytes and at most {MostStatementBytes} are signed", "sign a statement that names what is large by its digest");
        }

        // Copied: what is logged is what was signed, whatever the caller does with its buffer meanwhile.
        var payload = statement.ToArray();
        if (!StatementReader.TryRead(payload, out var read, out var rejected))
        {
            throw new KeylessSigningException($"it is no in-toto statement: {rejected.Detail}", "sign a Statement v0.1 or v1");
        }

        byte[] EnvelopeOf(byte[] signature) => CompactJson.Write(json => Dsse.WriteEnvelope(json, payload, signature, keyId: null));
        return await SignAsync(
            SHA256.HashData(Dsse.SignedBytes(payload)),
            EnvelopeOf,
            (json, signature) =>
            {
                json.WritePropertyName("dsseEnvelope");
                Dsse.WriteEnvelope(json, payload, signature, keyId: null);
            },
            VerificationPolicy.ForStatement(read.PredicateType, []),
            cancellation);
    }

    /// <summary>Signs an artifact, known by its SHA-256, into a bundle.</summary>
    /// <param name="sha256">32 bytes.</param>
    /// <exception cref="KeylessSigningException">A service gave no answer, or one that does not hold.</exception>
    /// <exception cref="ArgumentException">The digest does not have 32 bytes.</exception>
    public ValueTask<SignedEntity.Bundle> SignDigestAsync(ReadOnlyMemory<byte> sha256, CancellationToken cancellation) => SignAsync(
        sha256.ToArray(),
        _ => null,
        (json, signature) => SigstoreBundle.WriteMessage(json, sha256.Span, signature),
        VerificationPolicy.For(sha256, []),
        cancellation);

    private async ValueTask<SignedEntity.Bundle> SignAsync(byte[] sha256, Func<byte[], byte[]?> envelopeOf, Action<Utf8JsonWriter, byte[]> content, VerificationPolicy policy, CancellationToken cancellation)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var publicKey = PublicKey.TryParse(key.ExportSubjectPublicKeyInfo(), out _) ?? throw new UnreachableException("a new key is of a kind that is accepted");
        var certificate = CertificateExchange.Read(await send(CertificateExchange.Request(token, key), cancellation), publicKey, token, evidence);
        var signature = key.SignHash(sha256, DSASignatureFormat.Rfc3279DerSequence);
        ReadOnlyMemory<byte>? timestamp = null;
        if (isStamped)
        {
            timestamp = await send(TimestampExchange.Request(signature), cancellation);
            TimestampExchange.Check(timestamp.Value, signature, certificate, evidence);
        }

        var envelope = envelopeOf(signature);
        LogEntry? entry = log is { } version ? LogExchange.Read(version, await send(LogExchange.Request(version, certificate, signature, sha256, envelope), cancellation)) : null;
        var bundle = SigstoreBundle.OfCertificate(certificate, entry, timestamp, json => content(json, signature));
        return Checked(bundle, policy);
    }

    private SignedEntity.Bundle Checked(SignedEntity.Bundle bundle, VerificationPolicy policy)
    {
        var identity = CertificateIdentity.Exactly(token.Name, token.Issuer);
        return SigstoreVerifier.Verify(bundle, policy with { Keyless = KeylessSigners.Of(evidence, [identity]) }) is VerificationOutcome.Rejected rejected
            ? throw new KeylessSigningException(
                $"what the services answered does not verify, and nothing was given out: {rejected.Code} at {rejected.Step}: {rejected.Detail}",
                log is null ? "see that the services and the trusted root are of one instance" : "see that the services and the trusted root are of one instance; the signature may stand in the log by now")
            : bundle;
    }
}
