using System.Collections.Immutable;

namespace Governance.Gates.Policies;

/// <summary>Where something may be signed without a key.</summary>
/// <param name="PublicLogs">What becomes of a signature that others may read.</param>
/// <param name="Private">Addresses of the certificate authorities and transparency logs that only the firm's own people read.</param>
public sealed record SigningSettings(PublicLogs PublicLogs, ImmutableArray<Uri> Private)
{
    /// <summary>What counts where the policy says nothing.</summary>
    public static SigningSettings Default { get; } = new(PublicLogs.Ask, []);

    /// <summary>Whether a service that keeps what it is told may be asked. What the policy does not call private counts as public, on loopback too.</summary>
    public bool Allows(Uri service) => PublicLogs == PublicLogs.Ask || Private.Contains(service);

    internal static SigningSettings Read(PolicyNode? signing, PolicyMistakes mistakes)
    {
        if (signing is null)
        {
            return Default;
        }

        var read = new SigningSettings(signing["publicLogs"]?.Text == "refuse" ? PublicLogs.Refuse : PublicLogs.Ask, [.. (signing["private"]?.Sound ?? []).Select(node => ReadAddress(node, mistakes)).OfType<Uri>()]);
        if (read.PublicLogs == PublicLogs.Ask && signing["private"] is { } surplus)
        {
            mistakes.Warn(surplus, "every service may be asked, so that it changes nothing which are private", "add publicLogs: refuse, or remove 'private'");
        }

        return read;
    }

    private static Uri? ReadAddress(PolicyNode node, PolicyMistakes mistakes)
    {
        if (Uri.TryCreate(node.Text, UriKind.Absolute, out var address))
        {
            return address;
        }

        mistakes.Add(node, $"{PolicyNode.Shown(node.Text)} is no address", "write it as the command line names it, as in https://rekor.example.com");
        return null;
    }
}

/// <summary>What becomes of a signature without a key whose log or certificate others may read, from the mildest.</summary>
public enum PublicLogs
{
    /// <summary>Who signs is asked once.</summary>
    Ask,

    /// <summary>It is not made.</summary>
    Refuse,
}
