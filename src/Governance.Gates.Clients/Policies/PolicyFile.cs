using System.Collections.Immutable;
using Governance.Gates.Clients.GateState;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Clients.Policies;

/// <summary>Reads a policy file, and the keys and trusted roots that it names, from disk.</summary>
public static class PolicyFile
{
    /// <summary>Reads a policy. The files that it names lie beside or below it.</summary>
    /// <param name="path">The policy file.</param>
    /// <exception cref="GateException">The file itself cannot be read.</exception>
    public static PolicyReading Read(string path) => PolicyReader.Read(ReadYaml(path), name => ReadNamed(path, name));

    /// <summary>The bytes of a policy and of the files that it names: all that a gate remembers of it.</summary>
    /// <param name="path">The policy file.</param>
    /// <param name="policy">What was read from it.</param>
    /// <returns>Null where the files changed since.</returns>
    public static AcceptedPolicy? Bytes(string path, Policy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        var yaml = ReadYaml(path);
        var files = policy.NamedFiles.Select(name => (name, Bytes: ReadNamed(path, name))).ToList();
        return Digest.Of(yaml.Span) == policy.Digest && files.All(file => file.Bytes is not null)
            ? new(policy.Version, policy.Digest, yaml, [.. files.Select(file => new NamedPolicyFile(file.name, file.Bytes!.Value))])
            : null;
    }

    /// <summary>Reads a policy that must hold together.</summary>
    /// <param name="path">The policy file.</param>
    /// <exception cref="GateException">It does not; the message lists every mistake.</exception>
    public static (Policy Policy, ImmutableArray<PolicyMistake> Warnings) Load(string path) => Read(path) switch
    {
        PolicyReading.Accepted(var policy, var warnings) => (policy, warnings),
        PolicyReading.Refused(var mistakes) => throw new GateException(
            $"{string.Concat(mistakes.Select(mistake => $"\n  {path}:{mistake}"))}\nthe policy is refused",
            $"mend {(mistakes.Length == 1 ? "this mistake" : $"these {mistakes.Length} mistakes")} and try again"),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private static ReadOnlyMemory<byte> ReadYaml(string path) =>
        BoundedFile.Read(path, PolicyReader.MostBytes) ?? throw new GateException($"the policy {path} cannot be read", "name a readable file of at most 1 MiB");

    private static ReadOnlyMemory<byte>? ReadNamed(string path, string name) => BoundedFile.Read(Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, name), TrustedRoot.MaxSize);
}
