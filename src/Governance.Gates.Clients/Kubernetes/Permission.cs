namespace Governance.Gates.Clients.Kubernetes;

/// <summary>Reasons for a refusal by the API server, which name the permission that would end it.</summary>
internal static class Permission
{
    /// <summary>A resource that may not be read.</summary>
    public static Reason Missing(ApiAnswer.Refused refused, string origin, string asked, string verb, string plural, string group) =>
        Refused(refused, origin, asked, $"grant it a ClusterRole with apiGroups [\"{group}\"], resources [\"{plural}\"], verbs [\"{verb}\"]");

    /// <summary>A path of discovery that may not be read.</summary>
    public static Reason MissingPath(ApiAnswer.Refused refused, string origin, string asked, string path) =>
        Refused(refused, origin, asked, $"grant it the ClusterRole system:discovery, or one with nonResourceURLs [\"{path}\"], verbs [\"get\"]");

    private static Reason Refused(ApiAnswer.Refused refused, string origin, string asked, string grant) => refused.Status switch
    {
        401 => ApiAnswer.Because($"could not {asked}: the cluster does not accept the credentials of {origin} (401)", "renew them"),
        403 => ApiAnswer.Because($"could not {asked}: {origin} lacks the permission (403{Words(refused)})", grant),
        var status => ApiAnswer.Because($"could not {asked}: the cluster of {origin} answered {status}{Words(refused)}", "try again, and look at the API server's log if it stays"),
    };

    private static string Words(ApiAnswer.Refused refused) => refused.Message is { Length: > 0 } words ? $": {words}" : "";
}
