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

    /// <summary>The bundle's media type is none that is read: 0.3, or an older one that stands on log entries and no evidence is asked for.</summary>
    UnsupportedMediaType,

    /// <summary>The envelope's payload type is not <see cref="MediaTypes.InTotoPayload"/>.</summary>
    UnsupportedPayloadType,

    /// <summary>The statement's <c>_type</c> is not in-toto Statement v0.1 or v1.</summary>
    UnsupportedStatementType,

    /// <summary>A message's digest is not a SHA-256.</summary>
    UnsupportedDigestAlgorithm,

    /// <summary>A bundle says two things where exactly one may stand: two contents, or two kinds of verification material.</summary>
    AmbiguousBundle,

    /// <summary>It is signed with a certificate: that takes a trusted root, and the policy trusts only keys.</summary>
    KeylessNotSupported,

    /// <summary>No trusted key was given, so nothing can be verified.</summary>
    NoTrustedKeys,

    /// <summary>There is no signature at all.</summary>
    NoSignature,

    /// <summary>More signatures than are tried; in a bundle, and where evidence is asked for, more than one.</summary>
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

    /// <summary>It is signed with a certificate, and the policy names no identity whose signature would count.</summary>
    NoTrustedIdentities,

    /// <summary>The certificate is none of version 3 in DER with a key that is accepted, or what it says of its issuer or logs is malformed.</summary>
    MalformedCertificate,

    /// <summary>The bundle brings a root certificate, as if it could say whom to trust.</summary>
    RootInBundle,

    /// <summary>No authority of the trusted root issued the certificate for signing code.</summary>
    CertificateUntrusted,

    /// <summary>At a verified time, the certificate, one above it, or the authority itself was not valid.</summary>
    CertificateOutsideValidity,

    /// <summary>Too few trusted logs promised to show the certificate.</summary>
    CertificateTimestampMissing,

    /// <summary>The certificate has a promise in the name of a trusted log that the log did not make.</summary>
    CertificateTimestampInvalid,

    /// <summary>Too few trusted logs have the signature.</summary>
    LogEntryMissing,

    /// <summary>Too few trusted logs have the signature, and the bundle has an entry of one that is not trusted.</summary>
    UnknownLog,

    /// <summary>The log entry is about another signature, artifact, payload, certificate or key.</summary>
    LogEntryMismatch,

    /// <summary>The log entry is of a kind that is not read.</summary>
    UnsupportedLogEntry,

    /// <summary>The log entry and its proof give two indices.</summary>
    LogIndexMismatch,

    /// <summary>The bundle has one log entry twice.</summary>
    DuplicateLogEntry,

    /// <summary>The bundle has more log entries than are read.</summary>
    TooManyLogEntries,

    /// <summary>The log entry has no inclusion proof.</summary>
    InclusionProofMissing,

    /// <summary>The inclusion proof does not lead from the entry to the signed root.</summary>
    InclusionProofInvalid,

    /// <summary>The inclusion proof's root is signed by nobody.</summary>
    CheckpointMissing,

    /// <summary>The checkpoint is no signed note over an origin, a size and a root.</summary>
    CheckpointMalformed,

    /// <summary>The log did not sign the checkpoint.</summary>
    CheckpointInvalid,

    /// <summary>The log's checkpoint is about another tree than the inclusion proof.</summary>
    CheckpointMismatch,

    /// <summary>The log entry has no signed entry timestamp, which its form must have.</summary>
    InclusionPromiseMissing,

    /// <summary>The log did not sign for this entry, index and time.</summary>
    InclusionPromiseInvalid,

    /// <summary>A log's key is used outside the window in which the trusted root lets it count.</summary>
    OutsideLogValidity,

    /// <summary>Too few trusted parties say when it was signed.</summary>
    NoVerifiedTime,

    /// <summary>The timestamp is no RFC 3161 response that is read.</summary>
    TimestampMalformed,

    /// <summary>Too few trusted parties say when it was signed, and there is a timestamp of one that is not trusted.</summary>
    TimestampUntrusted,

    /// <summary>The timestamp's content, its time included, is not what the authority signed.</summary>
    TimestampContentChanged,

    /// <summary>The trusted authority that the timestamp names did not sign it.</summary>
    TimestampSignatureInvalid,

    /// <summary>The timestamp is over another signature.</summary>
    TimestampMismatch,

    /// <summary>The timestamp is of a time at which its authority, or one of its certificates, does not count.</summary>
    TimestampOutsideValidity,

    /// <summary>The bundle has one timestamp twice.</summary>
    DuplicateTimestamp,

    /// <summary>The bundle has more timestamps than are read.</summary>
    TooManyTimestamps,

    /// <summary>The key signed outside the window in which its signatures count, or nobody says when.</summary>
    OutsideKeyValidity,

    /// <summary>The certificate does not name its owner by exactly one name of a kind that is read.</summary>
    IdentityMissing,

    /// <summary>It is signed by another identity.</summary>
    IdentityMismatch,

    /// <summary>The right name is vouched for by another issuer.</summary>
    IssuerMismatch,

    /// <summary>The right identity signed from elsewhere: another repository id, runner or the like.</summary>
    ExtensionMismatch,

    /// <summary>A signed model in a form that is no longer read, or has a field that this version does not know.</summary>
    UnsupportedModelFormat,

    /// <summary>A signed model without a file.</summary>
    EmptyModel,

    /// <summary>A signed model names a file that lies outside it, or that two systems could take for two.</summary>
    UnsafeName,

    /// <summary>A signed model names a file twice, or two that differ by nothing but case.</summary>
    DuplicateName,

    /// <summary>A signed model was hashed through symbolic links, which can be pointed elsewhere later.</summary>
    SymbolicLinksAllowed,

    /// <summary>The shards of a signed file leave a gap, overlap, or are not of the size that is signed.</summary>
    ShardMismatch,

    /// <summary>A signed model lists more files and shards than are read.</summary>
    TooManyResources,

    /// <summary>A tag of git that names no commit, or says more than git writes.</summary>
    MalformedTag,

    /// <summary>A signature by SSH that is in no form that is read here, or of a kind of key that is not.</summary>
    MalformedSignature,

    /// <summary>A signature by SSH that was made for something else: its namespace says so.</summary>
    WrongNamespace,
}
