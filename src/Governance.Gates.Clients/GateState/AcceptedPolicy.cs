using System.Collections.Immutable;
using Governance.Gates.Images;
using Governance.Gates.Policies;

namespace Governance.Gates.Clients.GateState;

/// <summary>A file that a policy names: a public key, or a trusted root.</summary>
/// <param name="Name">The name as the policy writes it.</param>
/// <param name="Bytes">The file.</param>
public sealed record NamedPolicyFile(string Name, ReadOnlyMemory<byte> Bytes);

/// <summary>A policy that was accepted, with everything that is needed to read it again.</summary>
/// <param name="Version">The policy's version.</param>
/// <param name="Digest">The SHA-256 of its file.</param>
/// <param name="Yaml">Its file.</param>
/// <param name="Files">The files that it names.</param>
public sealed record AcceptedPolicy(long Version, Digest Digest, ReadOnlyMemory<byte> Yaml, ImmutableArray<NamedPolicyFile> Files)
{
    /// <summary>The bytes of a file, as <see cref="PolicyReader"/> asks for them; null where the policy names none so.</summary>
    /// <param name="name">The name as the policy writes it.</param>
    public ReadOnlyMemory<byte>? File(string name) => Files.FirstOrDefault(file => file.Name == name)?.Bytes;

    /// <summary>All that has to be kept so that a decision under the policy can be made again.</summary>
    /// <param name="policy">What was read from these bytes.</param>
    /// <returns>The digest of the document that names the files (<see cref="PolicyFiles"/>); and the policy, that document, and the files, in this order.</returns>
    public (Digest Names, ImmutableArray<KeptBytes> Parts) Kept(Policy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);

        // The copy of a public instance's root comes with the program; the file of any other is among them.
        (string Name, ReadOnlyMemory<byte> Bytes)[] named = [.. Files.Select(file => (file.Name, file.Bytes)), .. policy.Sigstore is { IsFile: false } root ? [(root.FileName, root.Json)] : Array.Empty<(string, ReadOnlyMemory<byte>)>()];
        var names = KeptBytes.Of(PolicyFiles.Write(named));
        return (names.Digest, [KeptBytes.Of(Yaml), names, .. named.Select(file => KeptBytes.Of(file.Bytes))]);
    }
}
