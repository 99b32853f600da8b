using Governance.Gates.Images;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Policies;

/// <summary>By whose word signatures without a key count: that the root is the one that is meant, and can prove what is asked.</summary>
internal static class RootRules
{
    /// <summary>Reads <c>trust.roots.sigstore</c>; null where there is none, or a mistake was reported.</summary>
    /// <param name="node">What stands there.</param>
    /// <param name="file">The files below the policy's folder.</param>
    /// <param name="instance">The copies of public instances' roots by name.</param>
    /// <param name="mistakes">Where mistakes go.</param>
    public static SigstoreTrust? Read(PolicyNode? node, Func<string, ReadOnlyMemory<byte>?> file, Func<string, ReadOnlyMemory<byte>?> instance, PolicyMistakes mistakes)
    {
        if (node is null)
        {
            return null;
        }

        var path = node.Kind == NodeKind.Mapping ? node["file"] : null;
        var word = node.Kind == NodeKind.Mapping ? node["instance"] : node;
        var json = path is not null ? ReadFile(node, path, file, mistakes) : word is not null ? ReadInstance(node, word, instance, mistakes) : null;
        if (json is not { } bytes || (path ?? word) is not { } source)
        {
            return null;
        }

        if (TrustedRoot.TryParse(bytes, out var mistake) is not { } root)
        {
            mistakes.Add(source, $"{PolicyNode.Shown(source.Text)} is no trusted root that is accepted here: {mistake}", "take the instance's own trusted_root.json; gates trust show tells what is in it");
            return null;
        }

        var logs = ReadLogs(node, word);
        CheckUse(source, root, logs, mistakes);
        return new(source.Text, logs, root, bytes) { IsFile = path is not null };
    }

    private static ReadOnlyMemory<byte>? ReadFile(PolicyNode node, PolicyNode path, Func<string, ReadOnlyMemory<byte>?> file, PolicyMistakes mistakes)
    {
        if (node.Find("sha256") is null)
        {
            mistakes.Add(path, "'sha256' is missing: whoever can exchange the file would decide whom this policy trusts", "add sha256: and the digest, which gates trust show prints");
            return null;
        }

        if (NamedFile.Read(path, file, TrustedRoot.MaxSize, "the trusted_root.json", mistakes) is not { } bytes || node["sha256"] is not { } digest)
        {
            return null;
        }

        var found = Digest.Of(bytes.Span);
        if (digest.Text == found.ToString())
        {
            return bytes;
        }

        mistakes.Add(digest, $"{PolicyNode.Shown(path.Text)} is {found}, not {digest.Text}", "find out which of the two is wrong before you correct one");
        return null;
    }

    private static ReadOnlyMemory<byte>? ReadInstance(PolicyNode node, PolicyNode word, Func<string, ReadOnlyMemory<byte>?> instance, PolicyMistakes mistakes)
    {
        if (node.Kind == NodeKind.Mapping && node.Find("sha256") is { } surplus)
        {
            mistakes.AddAtKey(surplus, "'sha256' goes with 'file': the copy of an instance is the one of the program that reads the policy", "name a file, which gates trust write makes, or remove sha256");
        }

        if (instance(word.Text) is { } bytes)
        {
            return bytes;
        }

        mistakes.Add(word, $"this program carries no copy of the trusted root of '{word.Text}'", "name its trusted_root.json: { file, sha256 }; gates trust write makes such a file");
        return null;
    }

    // GitHub's own instance has no logs, and its certificates no promise of one.
    private static LogRule ReadLogs(PolicyNode node, PolicyNode? instance) => (node.Kind == NodeKind.Mapping ? node["logs"]?.Text : null) switch
    {
        "none" => LogRule.None,
        "promise" => LogRule.Promise,
        null when instance?.Text == "github" => LogRule.None,
        _ => LogRule.Inclusion,
    };

    // What a root leaves out must not quietly lower what is asked: the policy says so itself.
    private static void CheckUse(PolicyNode at, TrustedRoot root, LogRule logs, PolicyMistakes mistakes)
    {
        if (root.CertificateAuthorities.IsEmpty)
        {
            mistakes.Add(at, "the trusted root names no authority that certifies identities, so that no certificate could count", "name the root of the instance that signs");
        }

        if (logs != LogRule.None && (root.TransparencyLogs.IsEmpty || root.CertificateLogs.IsEmpty))
        {
            mistakes.Add(at, $"the trusted root names no {(root.TransparencyLogs.IsEmpty ? "log of signatures" : "log of certificates")}, and one must have shown each signature", "name the root of the instance that signs, or write logs: none where that instance has no logs, as GitHub's");
        }

        if (logs == LogRule.None && root.TimestampAuthorities.IsEmpty)
        {
            mistakes.Add(at, "with logs: none a timestamp authority must say when something was signed, and the trusted root names none", "name the root of the instance that signs");
        }

        if (logs == LogRule.None && !root.TransparencyLogs.IsEmpty)
        {
            mistakes.Warn(at, "with logs: none a signature counts that no log ever showed, though the trusted root names logs", "remove logs: none");
        }
    }
}
