using System.Security.Cryptography;

namespace Governance.Gates.Sigstore;

/// <summary>A private key cannot be used. The message says why and what to do, on one line, and holds nothing of the key or its password.</summary>
public sealed class PrivateKeyException : CryptographicException
{
    /// <summary>Joins what is wrong and what to do about it.</summary>
    public PrivateKeyException(string message, string remedy, Exception? cause = null)
        : base($"{message}; {remedy}", cause) => Remedy = remedy;

    /// <summary>What the user can do.</summary>
    public string Remedy { get; }
}
