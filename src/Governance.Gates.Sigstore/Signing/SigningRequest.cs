namespace Governance.Gates.Sigstore;

/// <summary>One question to a service of a Sigstore instance. The library asks nothing itself: a transport sends it.</summary>
/// <param name="Service">Who is asked.</param>
/// <param name="Path">The path below the service's address; empty where the address is whole.</param>
/// <param name="ContentType">The media type of what is posted.</param>
/// <param name="Body">What is posted. It holds the identity token where a certificate is asked for: it is not to be logged.</param>
/// <param name="MostAnswerBytes">The most bytes of an answer; a longer one is none.</param>
public sealed record SigningRequest(SigningService Service, string Path, string ContentType, ReadOnlyMemory<byte> Body, int MostAnswerBytes)
{
    /// <summary>Who is asked.</summary>
    public override string ToString() => $"{Service} {Path}";
}

/// <summary>Who takes part in a signature without a key.</summary>
public enum SigningService
{
    /// <summary>Fulcio, which certifies for minutes who holds a key.</summary>
    CertificateAuthority,

    /// <summary>A timestamp authority (RFC 3161), which says when a signature was there.</summary>
    TimestampAuthority,

    /// <summary>Rekor, which shows the signature to everybody, for ever.</summary>
    TransparencyLog,
}

/// <summary>The versions of Rekor's API.</summary>
public enum RekorVersion
{
    /// <summary><c>/api/v1</c>: the log itself says when it took an entry.</summary>
    V1,

    /// <summary><c>/api/v2</c>: a timestamp authority says when.</summary>
    V2,
}

/// <summary>Posts a request to the service that it names and gives its answer's bytes.</summary>
/// <exception cref="KeylessSigningException">There was no answer of success within the bounds.</exception>
public delegate ValueTask<ReadOnlyMemory<byte>> SendSigningRequest(SigningRequest request, CancellationToken cancellation);
