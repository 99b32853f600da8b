using System.Collections.Immutable;
using System.IO.Enumeration;
using Governance.Gates.Policies;

namespace Governance.Gates.Reviews;

/// <summary>Files that a change of certain paths must carry.</summary>
internal static class EvidenceFiles
{
    public static Decision Decide(PullRequest request, EvidenceRule rule)
    {
        var carried = request.Files.Where(file => file.Status is "added" or "modified" or "changed" or "renamed" or "copied" && !file.StandsForOthers).Select(file => file.Path.Split('/')).ToList();
        var (missing, asked) = (new SortedSet<string>(StringComparer.Ordinal), new HashSet<(PathPattern, int, string)>());

        // What stands for others may be any path, so every rule speaks of it.
        foreach (var path in request.Files.SelectMany(file => file.Paths.Where(path => file.StandsForOthers || rule.Paths.Any(pattern => pattern.Matches(path)))))
        {
            var parts = path.Split('/');
            foreach (var pattern in rule.Files)
            {
                var names = Bound(pattern, parts);
                var wanted = string.Join('/', [.. names, .. pattern.Components[names.Length..]]);

                // Thousands of changed paths of one folder ask for the same.
                if (asked.Add((pattern, names.Length, wanted)) && !IsCarried(pattern, names, carried))
                {
                    missing.Add(wanted);
                }
            }
        }

        return missing.Count == 0
            ? Decision.Allow
            : Decision.Deny(new Reason(rule.Path, $"the change carries no {string.Join(" and no ", missing.Take(5))}{(missing.Count > 5 ? " and more" : "")}{(rule.Why is null ? "" : $" ({rule.Why})")}", "add or change the file in this pull request"));
    }

    /// <summary>What the pattern's first components are for one changed path: a star behind the same folders is the folder that stands there.</summary>
    private static ImmutableArray<string> Bound(PathPattern pattern, string[] parts)
    {
        var bound = 0;

        // The last part of either is a file, and names nothing else.
        while (bound < Math.Min(pattern.Components.Length, parts.Length) - 1 && pattern.Components[bound] != "**" && FileSystemName.MatchesSimpleExpression(pattern.Components[bound], parts[bound], ignoreCase: false))
        {
            bound++;
        }

        return [.. parts.AsSpan(0, bound)];
    }

    private static bool IsCarried(PathPattern pattern, ImmutableArray<string> names, List<string[]> carried)
    {
        var rest = PathPattern.TryParse(string.Join('/', pattern.Components[names.Length..]), out _)!;
        return carried.Exists(parts => parts.Length > names.Length && parts.AsSpan(0, names.Length).SequenceEqual(names.AsSpan()) && rest.Matches(string.Join('/', parts[names.Length..])));
    }
}
