using System.Text;

namespace Governance.Gates.Sigstore.Ssh;

/// <summary>An annotated tag of git that names a commit and is signed with SSH (<c>git tag -s</c> with <c>gpg.format=ssh</c>).</summary>
/// <param name="Name">Its name, without <c>refs/tags/</c>.</param>
/// <param name="Commit">The commit's object id: 40 or 64 hex digits.</param>
/// <param name="Tagger">Who tagged and when, by their own word.</param>
/// <param name="Signature">The signature, which nobody verified yet.</param>
public sealed record GitTag(string Name, string Commit, string Tagger, SshSignature Signature)
{
    /// <summary>The most bytes of a tag object that are read.</summary>
    public const int MaxSize = 1024 * 1024;

    private const string Namespace = "git";

    // git takes the last line that begins one for the beginning of the signature (gpg-interface.c, parse_signed_buffer).
    private static readonly byte[][] Armors = [[.. "-----BEGIN SSH SIGNATURE-----"u8], [.. "-----BEGIN PGP SIGNATURE-----"u8], [.. "-----BEGIN PGP MESSAGE-----"u8], [.. "-----BEGIN SIGNED MESSAGE-----"u8]];
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>What is signed: everything before the signature.</summary>
    public required ReadOnlyMemory<byte> Signed { get; init; }

    /// <summary>Verifies a tag.</summary>
    /// <param name="content">The tag object as <c>git cat-file tag NAME</c> prints it.</param>
    /// <param name="name">The name under which it was found, without <c>refs/tags/</c>: a tag that is moved under another name is refused.</param>
    /// <param name="trusted">Whose signature counts.</param>
    /// <returns>The verdict; its content is <see cref="SignedContent.Tag"/>. Nothing in the bytes makes it throw.</returns>
    public static VerificationOutcome Verify(ReadOnlyMemory<byte> content, string name, IReadOnlyCollection<PublicKey> trusted)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(trusted);
        if (trusted.Count == 0)
        {
            return new VerificationOutcome.Rejected(RejectionCode.NoTrustedKeys, "policy", "no trusted key was given");
        }

        if (TryParse(content, out var rejected) is not { } tag)
        {
            return rejected!;
        }

        if (tag.Signature.Namespace != Namespace)
        {
            return new VerificationOutcome.Rejected(RejectionCode.WrongNamespace, "signature", $"the signature was made for '{tag.Signature.Namespace}', and a tag's is made for '{Namespace}'");
        }

        if (!trusted.Contains(tag.Signature.Key))
        {
            return new VerificationOutcome.Rejected(RejectionCode.UnknownKey, "signature", $"the tag names the key {tag.Signature.Key}, which is none of the trusted ones");
        }

        if (!tag.Signature.Holds(tag.Signed.Span))
        {
            return new VerificationOutcome.Rejected(RejectionCode.SignatureMismatch, "signature", $"the key {tag.Signature.Key} did not sign these bytes");
        }

        return tag.Name == name
            ? new VerificationOutcome.Verified([tag.Signature.Key], new SignedContent.Tag(tag))
            : new VerificationOutcome.Rejected(RejectionCode.SubjectMismatch, "subject", $"the tag was signed as '{OneLine.Show(tag.Name)}', and stands under '{OneLine.Show(name)}'");
    }

    /// <summary>What a tag says that was signed otherwise than with SSH, read as strictly.</summary>
    /// <param name="signed">What was signed: everything before the signature.</param>
    /// <returns>Commit and name; null where it is no such tag, or a signature begins in it.</returns>
    public static (string Commit, string Name)? Read(ReadOnlyMemory<byte> signed) =>
        signed.Length <= MaxSize && Beginnings(signed.Span) is [] && Headers(signed.Span) is var (commit, name, _) ? (commit, name) : null;

    private static GitTag? TryParse(ReadOnlyMemory<byte> content, out VerificationOutcome.Rejected? rejected)
    {
        GitTag? Refuse(RejectionCode code, string why, out VerificationOutcome.Rejected rejection)
        {
            rejection = new(code, "tag", why);
            return null;
        }

        if (content.Length > MaxSize)
        {
            return Refuse(RejectionCode.TooLarge, $"the tag has {content.Length} bytes and at most {MaxSize} are read", out rejected);
        }

        var begins = Beginnings(content.Span);
        if (begins is not [var (place, isSsh)] || !isSsh)
        {
            return begins is [] or [(_, false)]
                ? Refuse(RejectionCode.NoSignature, "the tag has no signature by SSH (git tag -s, with gpg.format set to ssh)", out rejected)
                : Refuse(RejectionCode.TooManySignatures, "more than one signature begins in the tag, so that two readers could take another part of it for what is signed", out rejected);
        }

        if (SshSignature.TryParse(content.Span[place..], out var mistake) is not { } signature)
        {
            return Refuse(RejectionCode.MalformedSignature, $"the tag's signature is not read: {mistake}", out rejected);
        }

        rejected = null;
        return Headers(content.Span[..place]) is var (commit, tag, tagger)
            ? new(tag, commit, tagger, signature) { Signed = content[..place] }
            : Refuse(RejectionCode.MalformedTag, "it is not 'object', 'type commit', 'tag' and 'tagger', each once and on a line of text, and then the message", out rejected);
    }

    private static List<(int Place, bool IsSsh)> Beginnings(ReadOnlySpan<byte> content)
    {
        var found = new List<(int, bool)>();
        for (var at = 0; at < content.Length && found.Count < 2;)
        {
            var line = content[at..];
            for (var i = 0; i < Armors.Length; i++)
            {
                if (line.StartsWith(Armors[i]))
                {
                    found.Add((at, i == 0));
                }
            }

            var end = line.IndexOf((byte)'\n');
            at = end < 0 ? content.Length : at + end + 1;
        }

        return found;
    }

    // Strictly those that git itself writes: a header more could be read by others, such as a signature over another hash of the same tag.
    private static (string Commit, string Tag, string Tagger)? Headers(ReadOnlySpan<byte> signed)
    {
        string[] lines;
        try
        {
            var end = signed.IndexOf("\n\n"u8);
            lines = end < 0 ? [] : Utf8.GetString(signed[..end]).Split('\n');
        }
        catch (DecoderFallbackException)
        {
            return null;
        }

        return lines is [['o', 'b', 'j', 'e', 'c', 't', ' ', .. var commit], "type commit", ['t', 'a', 'g', ' ', .. var tag], ['t', 'a', 'g', 'g', 'e', 'r', ' ', .. var tagger]]
            && commit.Length is 40 or 64 && commit.All(char.IsAsciiHexDigitLower) && tag.Length > 0 && !tag.Contains(' ', StringComparison.Ordinal) && !lines.Any(line => line.Any(char.IsControl))
            ? (commit, tag, tagger)
            : null;
    }
}
