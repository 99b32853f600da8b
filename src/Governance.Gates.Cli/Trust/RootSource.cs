using System.Collections.Immutable;
using System.Text;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Cli.Trust;

/// <summary>A trusted root and where it came from.</summary>
/// <param name="Name">As the command line names it.</param>
/// <param name="Json">Its bytes.</param>
/// <param name="Root">What they say.</param>
/// <param name="Instance">The copy that comes with the program; null for a file.</param>
internal sealed record RootSource(string Name, ReadOnlyMemory<byte> Json, TrustedRoot Root, SigstoreInstance? Instance)
{
    // gh attestation trusted-root prints one line for each instance.
    private const int MostBytes = 8 * TrustedRoot.MaxSize;

    /// <summary>Reads the copy of an instance, or a file: one root, or one a line.</summary>
    /// <param name="name">The instance, or the file.</param>
    /// <param name="authority">The address of a certificate authority of the root that is meant, where there are several; null where there is one.</param>
    /// <exception cref="GateException">It cannot be read, or more than one root is meant.</exception>
    public static RootSource Read(string name, string? authority)
    {
        if (SigstoreInstance.Find(name) is { } instance)
        {
            return new(name, instance.Json, instance.Root, instance);
        }

        var bytes = InputFile.Read(name, "trusted root", MostBytes);
        if (TrustedRoot.TryParse(bytes, out var mistake) is { } only)
        {
            return Matches(only, authority) ? new(name, bytes, only, null) : throw new GateException($"'{name}' names no certificate authority '{authority}'", $"leave out --authority, or name one of {Authorities([only])}");
        }

        var roots = ImmutableArray.CreateBuilder<(byte[] Line, TrustedRoot Root)>();
        foreach (var line in Encoding.UTF8.GetString(bytes).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var json = Encoding.UTF8.GetBytes(line);
            if (TrustedRoot.TryParse(json, out var wrong) is not { } root)
            {
                throw new GateException($"'{name}' is no trusted root that is accepted here: {(roots.Count == 0 ? mistake : wrong)}", "name a trusted_root.json, or what gh attestation trusted-root prints");
            }

            roots.Add((json, root));
        }

        return roots.Where(root => Matches(root.Root, authority)).ToArray() switch
        {
            [var one] => new(name, one.Line, one.Root, null),
            [] when roots.Count == 0 => throw new GateException($"'{name}' holds no trusted root", "name a trusted_root.json"),
            var several => throw new GateException($"'{name}' holds {roots.Count} trusted roots, and {several.Length} of them are meant", $"name one with --authority: {Authorities(roots.Select(root => root.Root))}"),
        };
    }

    private static bool Matches(TrustedRoot root, string? authority) => authority is null || root.CertificateAuthorities.Any(one => one.Uri == authority);

    private static string Authorities(IEnumerable<TrustedRoot> roots) => string.Join(", ", roots.SelectMany(root => root.CertificateAuthorities).Select(authority => authority.Uri).Distinct(StringComparer.Ordinal));
}
