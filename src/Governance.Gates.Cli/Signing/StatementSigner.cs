using System.Text.Json;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Clients.Signing;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Cli.Signing;

/// <summary>What signs the statements of a command line: a key, or an identity without one.</summary>
internal abstract class StatementSigner : IDisposable
{
    /// <summary>Who signs, for people.</summary>
    public abstract Fact Shown { get; }

    /// <summary>The identity that signs.</summary>
    public abstract Identity Identity { get; }

    /// <summary>Signs an in-toto statement into a bundle.</summary>
    /// <exception cref="GateException">It could not be signed; nothing was written.</exception>
    public abstract ValueTask<SignedEntity.Bundle> SignAsync(ReadOnlyMemory<byte> statement, CancellationToken cancellation);

    /// <summary>Writes who signs: <c>key</c> or <c>identity</c>.</summary>
    public abstract void Write(Utf8JsonWriter json);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Signs with a key in memory.</summary>
    /// <param name="signer">The key, which is disposed of with this.</param>
    public sealed class WithKey(EcdsaSigner signer) : StatementSigner
    {
        /// <summary>The key.</summary>
        public EcdsaSigner Signer => signer;

        /// <inheritdoc/>
        public override Fact Shown => new("key", signer.PublicKey.ToString());

        /// <inheritdoc/>
        public override Identity Identity => new Identity.Key(Digest.FromHash(signer.PublicKey.SpkiSha256.Span));

        /// <inheritdoc/>
        public override ValueTask<SignedEntity.Bundle> SignAsync(ReadOnlyMemory<byte> statement, CancellationToken cancellation) => SigstoreBundle.SignStatementAsync(statement, signer, cancellation);

        /// <inheritdoc/>
        public override void Write(Utf8JsonWriter json) => json.WriteString("key", $"sha256:{Convert.ToHexStringLower(signer.PublicKey.SpkiSha256.Span)}");

        /// <inheritdoc/>
        public override void Dispose() => signer.Dispose();
    }

    /// <summary>Signs without a key of one's own.</summary>
    /// <param name="signer">What asks the services.</param>
    /// <param name="services">The connections to them, which are closed with this.</param>
    /// <param name="log">The transparency log, where it shows the signature to everybody; null where there is none, or only on this machine.</param>
    public sealed class Keyless(KeylessSigner signer, SigningServices services, Uri? log) : StatementSigner
    {
        /// <summary>Who signs.</summary>
        public IdentityToken Token => signer.Token;

        /// <inheritdoc/>
        public override Fact Shown => new("identity", signer.Token.ToString());

        /// <inheritdoc/>
        public override Identity Identity => new Identity.OidcSubject(signer.Token.Issuer, signer.Token.Name);

        /// <summary>What cannot be undone, for people; null where nothing is published.</summary>
        public string? Publishes => log is null ? null : $"{log.Authority} shows for ever, and to everybody who may read it, that {signer.Token} signed this";

        /// <inheritdoc/>
        public override ValueTask<SignedEntity.Bundle> SignAsync(ReadOnlyMemory<byte> statement, CancellationToken cancellation) => TellAsync(signer.SignStatementAsync(statement, cancellation));

        /// <summary>Signs an artifact by its SHA-256.</summary>
        /// <exception cref="GateException">It could not be signed; nothing was written.</exception>
        public ValueTask<SignedEntity.Bundle> SignDigestAsync(ReadOnlyMemory<byte> sha256, CancellationToken cancellation) => TellAsync(signer.SignDigestAsync(sha256, cancellation));

        /// <inheritdoc/>
        public override void Write(Utf8JsonWriter json)
        {
            json.WriteStartObject("identity");
            json.WriteString("name", signer.Token.Name);
            json.WriteString("issuer", signer.Token.Issuer);
            json.WriteEndObject();
        }

        /// <inheritdoc/>
        public override void Dispose() => services.Dispose();

        private static async ValueTask<SignedEntity.Bundle> TellAsync(ValueTask<SignedEntity.Bundle> work)
        {
            try
            {
                return await work;
            }
            catch (KeylessSigningException failed)
            {
                throw new GateException(failed.Problem, failed.Remedy, failed);
            }
        }
    }
}
