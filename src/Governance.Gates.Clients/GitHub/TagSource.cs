using Governance.Gates.Reviews;

namespace Governance.Gates.Clients.GitHub;

/// <summary>Reads a tag from GitHub, with what was signed.</summary>
public static class TagSource
{
    /// <summary>The tag, or why it could not be read.</summary>
    /// <param name="client">The repository's API.</param>
    /// <param name="name">The tag, without <c>refs/tags/</c>.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public static async Task<Reading<ForgeTag>> ReadAsync(GitHubClient client, string name, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentException.ThrowIfNullOrEmpty(name);
        var what = $"read the tag {name} of {client.Repository}";
        const string permission = "contents: read";
        if (!(await client.Api.GetAsync(new($"repos/{client.Repository}/git/ref/{Uri.EscapeDataString($"tags/{name}")}", what, permission), GitHubJson.Default.WireRef, cancellation)).Try(out var found, out var why))
        {
            return new Reading<ForgeTag>.Unread(why);
        }

        if (found.Object.Type != "tag")
        {
            return new Reading<ForgeTag>.Found(new(name, IsAnnotated: false, found.Object.Type, found.Object.Sha, null));
        }

        return (await client.Api.GetAsync(new($"repos/{client.Repository}/git/tags/{Uri.EscapeDataString(found.Object.Sha)}", what, permission), GitHubJson.Default.WireTag, cancellation)).Try(out var tag, out why)
            ? new Reading<ForgeTag>.Found(new(name, IsAnnotated: true, tag.Object.Type, tag.Object.Sha, tag.Verification is { } told ? new(told.Reason, told.Payload, told.Signature) : null))
            : new Reading<ForgeTag>.Unread(why);
    }
}
