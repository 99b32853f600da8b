namespace Governance.Gates.Sigstore;

/// <summary>Nothing was signed without a key. The message says why and what to do, on one line, and holds nothing of the identity token.</summary>
public sealed class KeylessSigningException : Exception
{
    /// <summary>Joins what is wrong and what to do about it.</summary>
    public KeylessSigningException(string message, string remedy, Exception? cause = null)
        : base($"{message}; {remedy}", cause) => (Problem, Remedy) = (message, remedy);

    /// <summary>What is wrong, without the remedy.</summary>
    public string Problem { get; }

    /// <summary>What the user can do.</summary>
    public string Remedy { get; }
}
