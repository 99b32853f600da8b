using Governance.Gates.Clients.GateState;
using Governance.Gates.Policies;

namespace Governance.Gates.Clients.GitHub;

/// <summary>A policy, and the bytes from which it was read.</summary>
/// <param name="Policy">The policy.</param>
/// <param name="Files">Its bytes, and those of the files that it names.</param>
public sealed record WholePolicy(Policy Policy, AcceptedPolicy Files);

/// <summary>Reads the policy that a commit holds, and the keys and trusted roots that it names.</summary>
public static class RepositoryPolicy
{
    private const int MostNamed = 512;
    private const int MostTold = 5;

    /// <summary>The policy, or why there is none to judge by.</summary>
    /// <param name="files">The commit.</param>
    /// <param name="path">Where the policy lies in it; the files that it names lie beside or below it.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public static async Task<Reading<Policy>> ReadAsync(CommitFiles files, string path, CancellationToken cancellation) =>
        (await ReadWholeAsync(files, path, cancellation)).Try(out var whole, out var why) ? new Reading<Policy>.Found(whole.Policy) : new Reading<Policy>.Unread(why);

    /// <summary>The policy with the bytes from which it was read, so that they can be kept; or why there is none to judge by.</summary>
    /// <param name="files">The commit.</param>
    /// <param name="path">Where the policy lies in it; the files that it names lie beside or below it.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public static async Task<Reading<WholePolicy>> ReadWholeAsync(CommitFiles files, string path, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentNullException.ThrowIfNull(path);
        if (!(await files.ReadAsync(path, cancellation)).Try(out var yaml, out var why))
        {
            return new Reading<WholePolicy>.Unread(why);
        }

        if (yaml is not { } bytes)
        {
            return Unread($"commit {files.Sha} has no policy at {path}", "add one there, or name its place with --policy-at, or a file with --policy");
        }

        var folder = path[..(path.LastIndexOf('/') + 1)];
        var named = new Dictionary<string, ReadOnlyMemory<byte>?>(StringComparer.Ordinal);
        while (true)
        {
            var wanted = new HashSet<string>(StringComparer.Ordinal);
            var reading = PolicyReader.Read(bytes, name => named.TryGetValue(name, out var content) ? content : Want(name));
            if (wanted.Count == 0 || named.Count + wanted.Count > MostNamed)
            {
                return reading switch
                {
                    PolicyReading.Accepted(var policy, _) => new Reading<WholePolicy>.Found(new(policy, new(policy.Version, policy.Digest, bytes, [.. named.Where(file => file.Value is not null).Select(file => new NamedPolicyFile(file.Key, file.Value!.Value))]))),
                    PolicyReading.Refused(var mistakes) => Unread(
                        $"the policy {path} of commit {files.Sha} is refused: {string.Join("; ", mistakes.Take(MostTold).Select(mistake => mistake.ToString()))}{(mistakes.Length > MostTold ? " and more" : "")}",
                        "mend it at the base branch, in a pull request of its own"),
                    _ => throw new System.Diagnostics.UnreachableException(),
                };
            }

            foreach (var name in wanted)
            {
                if (!(await files.ReadAsync(folder + name, cancellation)).Try(out var content, out why))
                {
                    return new Reading<WholePolicy>.Unread(why);
                }

                named[name] = content;
            }

            ReadOnlyMemory<byte>? Want(string name)
            {
                wanted.Add(name);
                return null;
            }
        }
    }

    private static Reading<WholePolicy>.Unread Unread(string message, string remedy) => new(new("policy", message, remedy));
}
