using System.Collections.Immutable;
using Governance.Gates.Images;

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
    /// <summary>The bytes of a file, as <see cref="Gates.Policies.PolicyReader"/> asks for them; null where the policy names none so.</summary>
    /// <param name="name">The name as the policy writes it.</param>
    public ReadOnlyMemory<byte>? File(string name) => Files.FirstOrDefault(file => file.Name == name)?.Bytes;
}
