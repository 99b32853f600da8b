namespace Governance.Gates.Sigstore;

/// <summary>Why something signed was refused: one code a kind of failure.</summary>
public enum RejectionCode
{
    /// <summary>More bytes than are read of this form.</summary>
    TooLarge,

    /// <summary>Not JSON in UTF-8 as RFC 8259 writes it, or nested too deeply.</summary>
    MalformedJson,

    /// <summary>A JSON object names a field twice: two readers could see two statements.</summary>
    DuplicateKey,

    /// <summary>A field that the form requires is missing or null.</summary>
    MissingField,

    /// <summary>A field holds another kind of JSON value than the form requires.</summary>
    WrongShape,

    /// <summary>Not base64 (RFC 4648, sections 4 and 5), or with whitespace, or not in its one canonical spelling.</summary>
    MalformedBase64,

    /// <summary>The bundle's media type is not one of version 0.3.</summary>
    UnsupportedMediaType,

    /// <summary>The envelope's payload type is not <see cref="MediaTypes.InTotoPayload"/>.</summary>
    UnsupportedPayloadType,

    /// <summary>The statement's <c>_type</c> is not in-toto Statement v0.1 or v1.</summary>
    UnsupportedStatementType,

    /// <summary>A message's digest is not a SHA-256.</summary>
    UnsupportedDigestAlgorithm,

    /// <summary>A bundle says two things where exactly one may stand: two contents, or two kinds of verification material.</summary>
    AmbiguousBundle,

    /// <summary>The bundle is signed with a certificate: that takes a trusted root, and only keys are trusted here.</summary>
    KeylessNotSupported,

    /// <summary>No trusted key was given, so nothing can be verified.</summary>
    NoTrustedKeys,

    /// <summary>There is no signature at all.</summary>
    NoSignature,

    /// <summary>More signatures than are tried; in a bundle, more than one.</summary>
    TooManySignatures,

    /// <summary>No trusted key made any of the signatures over these bytes.</summary>
    SignatureMismatch,

    /// <summary>No trusted key made the signature, and the bundle names a key that is not among the trusted ones.</summary>
    UnknownKey,

    /// <summary>A bare signature over an artifact, and every trusted key is of a kind that checks only against the artifact's bytes (Ed25519).</summary>
    ArtifactBytesNeeded,

    /// <summary>The simple signing payload's <c>critical.type</c> is not cosign's.</summary>
    WrongType,

    /// <summary>What is signed is about another artifact.</summary>
    SubjectMismatch,

    /// <summary>The statement has no subject, or none with a digest.</summary>
    SubjectMissing,

    /// <summary>The statement's subjects carry digests, and none of them is a SHA-256.</summary>
    WeakDigest,

    /// <summary>More subjects, or more digests of one subject, than are read.</summary>
    TooManySubjects,

    /// <summary>The signed predicate type is not the one asked for, or the form has none.</summary>
    PredicateTypeMismatch,
}
