using System.Collections.Immutable;
using Governance.Gates.Identities;

namespace Governance.Gates.Policies;

/// <summary>What changes in who and where: environments, people, roles, robots, keys.</summary>
internal static class PartyChanges
{
    public static void Compare(PolicyChanges changes)
    {
        CompareEnvironments(changes);
        ComparePeople(changes);
        CompareRoles(changes);
        CompareRobots(changes);
        CompareKeys(changes);
        CompareRoots(changes);
        CompareSigning(changes);
    }

    // More of an environment lets what is approved for it run in more places; less of it takes its rules away from some. Either is weaker.
    private static void CompareEnvironments(PolicyChanges changes)
    {
        foreach (var (name, was, now) in PolicyChanges.Pairs(changes.Older.Environments, changes.Newer.Environments))
        {
            var path = $"environments.{name}";
            if (was is null || now is null)
            {
                changes.Weaker(path, was is null ? "is new: what is approved for it may run there" : "is gone: nothing is asked for it any more", []);
                continue;
            }

            var added = (PolicyChangeKind.Weaker, "is new in it: what is approved for it may run there");
            var removed = (PolicyChangeKind.Weaker, "is no more in it: what is asked for it is not asked there");
            changes.Words(path + ".clusters", was.Clusters, now.Clusters, added, removed);
            changes.Words(path + ".namespaces", was.Namespaces, now.Namespaces, added, removed);
        }
    }

    private static void ComparePeople(PolicyChanges changes)
    {
        foreach (var (name, was, now) in PolicyChanges.Pairs(changes.Older.People, changes.Newer.People))
        {
            var path = $"people.{name}";
            if (now is null)
            {
                changes.Stronger(path, $"'{name}' is gone");
                continue;
            }

            if (was is null)
            {
                changes.Weaker(path, $"'{name}' is new", [now.Id]);
                continue;
            }

            string[] gains = [was.Id, now.Id];
            if (was.Id != now.Id)
            {
                changes.Weaker(path + ".id", $"{was.Id} becomes {now.Id}: another person", gains);
            }

            changes.FirstDay(path + ".from", was.From, now.From, gains);
            changes.LastDay(path + ".until", was.Until, now.Until, gains);
            CompareIdentities(changes, path, was.Identities, now.Identities, gains);
            CompareOpenPgp(changes, path + ".openpgp", was.OpenPgp, now.OpenPgp, gains);
        }
    }

    // Another file of the same key may have other subkeys, or lack a revocation.
    private static void CompareOpenPgp(PolicyChanges changes, string path, ImmutableArray<OpenPgpKey> was, ImmutableArray<OpenPgpKey> now, IEnumerable<string> gains)
    {
        foreach (var key in now)
        {
            if (was.FirstOrDefault(other => other.Fingerprint == key.Fingerprint) is not { } before)
            {
                changes.Weaker(path, $"the key {key.Fingerprint} is given", gains);
            }
            else if (before.Sha256 != key.Sha256)
            {
                changes.Weaker(path, $"the key {key.Fingerprint} has another file", gains);
            }
            else if (before.File != key.File)
            {
                changes.Neutral(path, $"the key {key.Fingerprint} lies elsewhere, and is the same");
            }
        }

        foreach (var key in was.Where(key => now.All(other => other.Fingerprint != key.Fingerprint)))
        {
            changes.Stronger(path, $"the key {key.Fingerprint} is taken away");
        }
    }

    private static void CompareIdentities(PolicyChanges changes, string path, ImmutableArray<Identity> was, ImmutableArray<Identity> now, IEnumerable<string> gains)
    {
        foreach (var identity in now.Except(was))
        {
            changes.Weaker(Path(path, identity), $"{Shown(changes.Newer, identity)} is given", gains);
        }

        foreach (var identity in was.Except(now))
        {
            // What a key or a subject signed falls with it. What was written under an account stays, and its author could then approve it.
            if (identity is Identity.Key or Identity.OidcSubject)
            {
                changes.Stronger(Path(path, identity), $"{Shown(changes.Older, identity)} is taken away");
            }
            else
            {
                changes.Weaker(Path(path, identity), $"{Shown(changes.Older, identity)} is taken away: what it did is held against nobody", gains);
            }
        }

        static string Path(string path, Identity identity) => identity switch
        {
            Identity.Key => path + ".keys",
            Identity.GitHubAccount => path + ".github",
            _ => path + ".oidc",
        };
    }

    private static string Shown(Policy policy, Identity identity) =>
        identity is Identity.Key key && policy.KeyOf(key) is { } trusted ? $"the key '{trusted.Name}'" : identity.ToString()!;

    private static void CompareRoles(PolicyChanges changes)
    {
        foreach (var (name, was, now) in PolicyChanges.Pairs(changes.Older.Roles, changes.Newer.Roles))
        {
            var path = $"roles.{name}";
            if (was is null)
            {
                changes.Weaker(path, "is new", changes.Ids(now!.People));
                continue;
            }

            if (now is null)
            {
                changes.Stronger(path, "is gone");
            }

            ComparePeopleOf(changes, path, was, now);
            CompareConflicts(changes, path, was, now);
            if (now is not null)
            {
                CompareTeams(changes, path, was, now);
            }
        }
    }

    private static void ComparePeopleOf(PolicyChanges changes, string path, Role was, Role? now)
    {
        foreach (var name in (now?.People ?? []).Except(was.People))
        {
            changes.Weaker(path + ".people", $"'{name}' is new in it", changes.Ids([name]));
        }

        foreach (var name in was.People.Except(now?.People ?? []))
        {
            // Out of one of two roles that conflict, a person is free to use the other.
            var freed = changes.Newer.Roles.Values
                .Where(other => other.Name != was.Name && other.People.Contains(name) && (other.ConflictsWith.Contains(was.Name) || was.ConflictsWith.Contains(other.Name) || changes.Older.Roles.GetValueOrDefault(other.Name)?.ConflictsWith.Contains(was.Name) == true))
                .Select(other => other.Name)
                .Order(StringComparer.Ordinal)
                .ToList();
            if (freed.Count > 0)
            {
                changes.Weaker(path + ".people", $"'{name}' is no more in it, and stays in {string.Join(" and ", freed)}, with which it conflicts", changes.Ids([name]));
            }
            else if (now is not null)
            {
                changes.Stronger(path + ".people", $"'{name}' is no more in it");
            }
        }
    }

    private static void CompareConflicts(PolicyChanges changes, string path, Role was, Role? now)
    {
        foreach (var other in (now?.ConflictsWith ?? []).Except(was.ConflictsWith))
        {
            changes.Stronger(path + ".conflictsWith", $"it conflicts with '{other}'");
        }

        foreach (var other in was.ConflictsWith.Except(now?.ConflictsWith ?? []))
        {
            // Between roles that are both gone there is nothing left to conflict.
            if (now is null && !changes.Newer.Roles.ContainsKey(other))
            {
                continue;
            }

            var people = changes.Newer.Roles.GetValueOrDefault(other)?.People ?? changes.Older.Roles.GetValueOrDefault(other)?.People ?? [];
            changes.Weaker(path + ".conflictsWith", $"it conflicts with '{other}' no more", changes.Ids(people.Intersect(now?.People ?? was.People)));
        }
    }

    // One of the teams is enough, and no teams narrow nothing.
    private static void CompareTeams(PolicyChanges changes, string path, Role was, Role now)
    {
        path += ".githubTeams";
        if (now.GitHubTeams.IsEmpty && !was.GitHubTeams.IsEmpty)
        {
            changes.Weaker(path, $"the role is no more narrowed to {string.Join(" or ", was.GitHubTeams)}", changes.Ids(now.People));
        }
        else if (was.GitHubTeams.IsEmpty && !now.GitHubTeams.IsEmpty)
        {
            changes.Stronger(path, $"the role is narrowed to {string.Join(" or ", now.GitHubTeams)}");
        }
        else
        {
            foreach (var team in now.GitHubTeams.Except(was.GitHubTeams))
            {
                changes.Weaker(path, $"who is in {team} counts too", changes.Ids(now.People));
            }

            foreach (var team in was.GitHubTeams.Except(now.GitHubTeams))
            {
                changes.Stronger(path, $"to be in {team} is not enough any more");
            }
        }
    }

    private static void CompareRobots(PolicyChanges changes)
    {
        foreach (var (name, was, now) in PolicyChanges.Pairs(changes.Older.Robots, changes.Newer.Robots))
        {
            var path = $"robots.{name}";
            if (now is null)
            {
                changes.Stronger(path, $"'{name}' is gone");
            }
            else if (was is null)
            {
                changes.Weaker(path, $"'{name}' is new", []);
            }
            else
            {
                CompareIdentities(changes, path, was.Identities, now.Identities, []);
                CompareBindings(changes, path + ".oidc", was.Oidc, now.Oidc);
                if (was.Why != now.Why)
                {
                    changes.Neutral(path + ".why", "says something else");
                }
            }
        }
    }

    private static void CompareBindings(PolicyChanges changes, string path, ImmutableArray<OidcBinding> was, ImmutableArray<OidcBinding> now)
    {
        foreach (var binding in now.Except(was).Where(binding => !was.Any(wider => wider.Covers(binding))))
        {
            changes.Weaker(path, $"{binding} is given", []);
        }

        foreach (var binding in was.Except(now).Where(binding => !now.Any(wider => wider.Covers(binding))))
        {
            changes.Stronger(path, $"{binding} is taken away, or narrowed");
        }
    }

    // Another root is other people whose word counts, whatever its bytes say.
    private static void CompareRoots(PolicyChanges changes)
    {
        const string Path = "trust.roots.sigstore";
        switch (changes.Older.Sigstore, changes.Newer.Sigstore)
        {
            case (null, null):
                break;
            case (null, { } now):
                changes.Weaker(Path, $"{now.Source} is new: signatures without a key count", []);
                break;
            case ({ } was, null):
                changes.Stronger(Path, $"{was.Source} is gone: only keys count");
                break;
            case ({ } was, { } now):
                if (was.Digest != now.Digest || (was.IsFile, was.IsFile ? "" : was.Source) != (now.IsFile, now.IsFile ? "" : now.Source))
                {
                    changes.Weaker(Path, $"{was.Source} ({was.Digest}) becomes {now.Source} ({now.Digest})", []);
                }
                else if (was.Source != now.Source)
                {
                    changes.Neutral(Path + ".file", "lies elsewhere, and is the same root");
                }

                changes.Scale(was.Logs.CompareTo(now.Logs), Path + ".logs", Word(was.Logs), Word(now.Logs), []);
                break;
        }

        static string Word(LogRule rule) => rule.ToString().ToLowerInvariant();
    }

    private static void CompareSigning(PolicyChanges changes)
    {
        var (was, now) = (changes.Older.Signing, changes.Newer.Signing);
        changes.Scale(was.PublicLogs.CompareTo(now.PublicLogs), "signing.publicLogs", Word(was.PublicLogs), Word(now.PublicLogs), []);

        // Which services are private decides only where the others are refused.
        if (was.PublicLogs == now.PublicLogs)
        {
            var decides = now.PublicLogs == PublicLogs.Refuse;
            changes.Words(
                "signing.private",
                was.Private.Select(address => address.AbsoluteUri),
                now.Private.Select(address => address.AbsoluteUri),
                (decides ? PolicyChangeKind.Weaker : PolicyChangeKind.Neutral, "is called private"),
                (decides ? PolicyChangeKind.Stronger : PolicyChangeKind.Neutral, "is called private no more"));
        }

        static string Word(PublicLogs logs) => logs.ToString().ToLowerInvariant();
    }

    // A key is what its SPKI digest says; its name is for people to read.
    private static void CompareKeys(PolicyChanges changes)
    {
        var was = changes.Older.Keys.Values.ToDictionary(key => key.Identity);
        var now = changes.Newer.Keys.Values.ToDictionary(key => key.Identity);
        foreach (var key in now.Values.OrderBy(key => key.Name, StringComparer.Ordinal))
        {
            var path = $"trust.keys.{key.Name}";
            string[] gains = changes.Newer.PersonOf(key.Identity) is { } holder ? [holder.Id] : [];
            if (!was.TryGetValue(key.Identity, out var before))
            {
                changes.Weaker(path, "is new", gains);
                continue;
            }

            if (before.Name != key.Name)
            {
                changes.Neutral(path, $"was called '{before.Name}'");
            }

            if (before.File != key.File)
            {
                changes.Neutral(path + ".file", "lies elsewhere, and is the same key");
            }

            changes.FirstDay(path + ".validFrom", before.ValidFrom, key.ValidFrom, gains);
            changes.LastDay(path + ".validUntil", before.ValidUntil, key.ValidUntil, gains);
        }

        foreach (var key in was.Values.Where(key => !now.ContainsKey(key.Identity)).OrderBy(key => key.Name, StringComparer.Ordinal))
        {
            changes.Stronger($"trust.keys.{key.Name}", "is gone");
        }
    }
}
