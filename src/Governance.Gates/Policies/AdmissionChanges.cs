namespace Governance.Gates.Policies;

/// <summary>What changes in what the admission gate is told.</summary>
internal static class AdmissionChanges
{
    public static void Compare(PolicyChanges changes)
    {
        var (was, now) = (changes.Older.Admission, changes.Newer.Admission);
        changes.Scale(was.Mode.CompareTo(now.Mode), "admission.mode", Word(was.Mode), Word(now.Mode), []);
        changes.Words(
            "admission.namespaces.audit",
            was.AuditedNamespaces,
            now.AuditedNamespaces,
            (PolicyChangeKind.Weaker, "is only recorded: nothing is refused there"),
            (PolicyChangeKind.Stronger, "is no more only recorded"));
        if (was.OwnNamespace != now.OwnNamespace)
        {
            // The one namespace that may be kept out of the webhook.
            changes.Add(
                now.OwnNamespace is null ? PolicyChangeKind.Stronger : PolicyChangeKind.Weaker,
                "admission.namespaces.own",
                now.OwnNamespace is null ? $"'{was.OwnNamespace}' may be kept out of the webhook no more" : $"'{now.OwnNamespace}' may be kept out of the webhook",
                []);
        }

        changes.Scale(was.UnknownKinds.CompareTo(now.UnknownKinds), "admission.unknownKinds", Word(was.UnknownKinds), Word(now.UnknownKinds), []);
        changes.Words(
            "admission.sidecars",
            was.Sidecars,
            now.Sidecars,
            (PolicyChangeKind.Weaker, "may stand beside what was approved"),
            (PolicyChangeKind.Stronger, "may stand beside what was approved no more"));
        CompareCustomResources(changes, was, now);
    }

    private static void CompareCustomResources(PolicyChanges changes, AdmissionSettings was, AdmissionSettings now)
    {
        foreach (var resource in was.CustomResources.Concat(now.CustomResources).Select(custom => custom.Resource).Distinct().Order(StringComparer.Ordinal))
        {
            var path = $"admission.customResources[{resource}]";
            var before = was.CustomResources.FirstOrDefault(custom => custom.Resource == resource);
            var after = now.CustomResources.FirstOrDefault(custom => custom.Resource == resource);
            if (before is null || after is null)
            {
                changes.Add(
                    before is null ? PolicyChangeKind.Stronger : PolicyChangeKind.Weaker,
                    path,
                    before is null ? "is new: the gate is asked about it" : "is gone: the gate is not asked about it any more",
                    []);
                continue;
            }

            // A container at a path that is not declared got the answer of unknownKinds; at one that is, its image is judged.
            var wasRefused = was.UnknownKinds != Verdict.Warn;
            changes.Words(
                path + ".images",
                before.Images,
                after.Images,
                wasRefused ? (PolicyChangeKind.Weaker, "is read: a container there is judged by the image rules, and was refused before") : (PolicyChangeKind.Stronger, "is read"),
                (PolicyChangeKind.Weaker, "is read no more"));
        }
    }

    private static string Word(Mode mode) => mode switch
    {
        Mode.Audit => "audit",
        Mode.Warn => "warn",
        _ => "enforce",
    };

    private static string Word(Verdict verdict) => verdict switch
    {
        Verdict.Allow => "allow",
        Verdict.Warn => "warn",
        Verdict.Unknown => "unknown",
        _ => "deny",
    };
}
