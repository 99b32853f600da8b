using System.Collections.Immutable;
using Governance.Gates.Images;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Policies;

/// <summary>Reads <c>governance.yaml</c>: from bytes to a policy that holds together, or to every mistake with its line and column.</summary>
/// <remarks>
/// Nothing in the bytes makes it throw. A file is refused as a whole: a policy of which one line could not be understood is no policy.
/// </remarks>
public static class PolicyReader
{
    /// <summary>The largest policy file, in bytes.</summary>
    public const int MostBytes = 1024 * 1024;

    /// <summary>The largest key file, in bytes.</summary>
    public const int MostKeyBytes = 64 * 1024;

    /// <summary>How many mistakes are told one by one.</summary>
    public const int MostMistakes = 1000;

    internal const int MostNodes = 50_000;
    internal const int MostDepth = 32;
    internal const int MostScalarBytes = 8 * 1024;

    /// <summary>Reads a policy.</summary>
    /// <param name="yaml">The file's bytes; their SHA-256 is the policy's digest.</param>
    /// <param name="file">The bytes of a file named in the policy by a relative path with forward slashes and no <c>..</c>; null where there is none.
    /// At most <see cref="MostKeyBytes"/> of a key are looked at, and <see cref="TrustedRoot.MaxSize"/> of a trusted root.</param>
    public static PolicyReading Read(ReadOnlyMemory<byte> yaml, Func<string, ReadOnlyMemory<byte>?> file) => Read(yaml, file, name => SigstoreInstance.Find(name)?.Json);

    /// <summary>Reads a policy as it was read before, with the copies of public instances' trusted roots that were there then.</summary>
    /// <param name="yaml">The file's bytes.</param>
    /// <param name="file">The bytes of a file named in the policy.</param>
    /// <param name="instance">The copy of an instance's trusted root by its name; null where there is none.</param>
    public static PolicyReading Read(ReadOnlyMemory<byte> yaml, Func<string, ReadOnlyMemory<byte>?> file, Func<string, ReadOnlyMemory<byte>?> instance)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(instance);
        var mistakes = new PolicyMistakes();
        if (ReadStructure(yaml.Span, mistakes) is not { } root)
        {
            return new PolicyReading.Refused(mistakes.All);
        }

        var parties = PartyRules.Read(root["spec"], file, instance, mistakes);
        var approvals = ApprovalRules.Read(root["spec"], parties, mistakes);
        var images = ImageRules.Read(root["spec"], parties, approvals, mistakes);
        var reviews = new ReviewRules(parties, mistakes);
        var review = reviews.Read(root["spec"]?["review"]);
        var changes = new ChangeRules(reviews, mistakes).Read(root["spec"]?["changes"], review is not null);
        var admission = AdmissionRules.Read(root["spec"]?["admission"], parties, approvals, review, mistakes);
        var signing = SigningSettings.Read(root["spec"]?["signing"], mistakes);
        var (name, version, previous, earlier) = ReadMetadata(root["metadata"], mistakes);
        return mistakes.Any
            ? new PolicyReading.Refused(mistakes.All)
            : new PolicyReading.Accepted(
                new()
                {
                    Digest = Digest.Of(yaml.Span),
                    Name = name,
                    Version = version,
                    Previous = previous,
                    Earlier = earlier,
                    Environments = parties.Environments,
                    People = parties.People,
                    Roles = parties.Roles,
                    Robots = parties.Robots,
                    Keys = parties.Keys,
                    Sigstore = parties.Sigstore,
                    Approvals = approvals.Rules,
                    Revocations = approvals.Revocations,
                    Images = images,
                    Admission = admission,
                    Review = review,
                    Changes = changes,
                    Signing = signing,
                    LedgerRecovery = approvals.LedgerRecovery,
                },
                mistakes.Warnings);
    }

    /// <summary>The document with its structure checked: what the JSON Schema covers too. Null where it could not be read as YAML to its end.</summary>
    internal static PolicyNode? ReadStructure(ReadOnlySpan<byte> yaml, PolicyMistakes mistakes)
    {
        var root = PolicyDocument.Read(yaml, mistakes);
        if (root is not null)
        {
            StructureCheck.Check(root, PolicyGrammar.Policy, mistakes);
        }

        return root;
    }

    private static (string Name, long Version, Digest? Previous, ImmutableHashSet<Digest> Earlier) ReadMetadata(PolicyNode? metadata, PolicyMistakes mistakes)
    {
        if (metadata is null)
        {
            return ("", 0, null, []);
        }

        var version = metadata["version"]?.Number();
        if (version > 1 && metadata.Find("previous") is null)
        {
            mistakes.Add(metadata, $"'previous' is missing from version {version}", "add the digest of the version before: sha256sum of its file");
        }

        if (version == 1 && metadata.Find("previous") is { } surplus)
        {
            mistakes.AddAtKey(surplus, "version 1 has no version before it", "remove 'previous', or raise the version");
        }

        return (metadata["name"]?.Text ?? "", version ?? 0, Digest.TryParse(metadata["previous"]?.Text), [.. metadata.Find("earlier")?.Items.Select(item => Digest.TryParse(item.Text)).OfType<Digest>() ?? []]);
    }
}
