using System.Text.Json;

namespace Governance.Gates.Clients.GitHub;

/// <summary>What made a workflow run. Only numbers and names of commits are taken from the payload: titles, people and files are asked for.</summary>
public abstract record WorkflowEvent
{
    /// <summary>The largest payload, in bytes (GitHub documentation, "Webhook events and payloads": 25 MB).</summary>
    public const int MostBytes = 25 * 1024 * 1024;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    private WorkflowEvent()
    {
    }

    /// <summary>Something about one pull request: <c>pull_request_target</c>, <c>pull_request</c> or <c>pull_request_review</c>.</summary>
    public sealed record OfPullRequest(long Number) : WorkflowEvent;

    /// <summary>A group of pull requests is to be merged; <c>merge_group</c>.</summary>
    /// <param name="Branch">The branch that they go into.</param>
    /// <param name="BaseSha">The commit before the group.</param>
    /// <param name="HeadSha">The commit that would be merged.</param>
    /// <param name="Number">The pull request at the end of the group.</param>
    public sealed record OfMergeGroup(string Branch, string BaseSha, string HeadSha, long Number) : WorkflowEvent;

    /// <summary>A branch or tag moved; <c>push</c>.</summary>
    /// <param name="Ref">The whole ref.</param>
    /// <param name="Before">The commit before; zeros where it is new.</param>
    /// <param name="After">The commit after; zeros where it is gone.</param>
    public sealed record OfPush(string Ref, string Before, string After) : WorkflowEvent;

    /// <summary>Reads a payload.</summary>
    /// <param name="name">The event (<c>GITHUB_EVENT_NAME</c>).</param>
    /// <param name="payload">What <c>GITHUB_EVENT_PATH</c> holds.</param>
    public static Reading<WorkflowEvent> Read(string name, ReadOnlyMemory<byte> payload)
    {
        try
        {
            using var document = JsonDocument.Parse(payload, Strict);
            var root = document.RootElement;
            return name switch
            {
                "pull_request_target" or "pull_request" or "pull_request_review" => Whole(Member(root, "pull_request"), "number") is { } number
                    ? new Reading<WorkflowEvent>.Found(new OfPullRequest(number))
                    : Unread(name),
                "merge_group" => Member(root, "merge_group") is var group && Sha(group, "base_sha") is { } @base && Sha(group, "head_sha") is { } head && BranchOf(group) is { } branch && NumberOf(branch, Text(group, "head_ref")) is { } last
                    ? new Reading<WorkflowEvent>.Found(new OfMergeGroup(branch, @base, head, last))
                    : Unread(name),
                "push" => Text(root, "ref") is { } moved && Sha(root, "before") is { } before && Sha(root, "after") is { } after
                    ? new Reading<WorkflowEvent>.Found(new OfPush(moved, before, after))
                    : Unread(name),
                _ => new Reading<WorkflowEvent>.Unread(new("event", $"the event '{Kubernetes.OneLine.Of(name)}' says nothing of a pull request", "run on pull_request_target, pull_request_review, merge_group or push, or name the pull request with --pr")),
            };
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException)
        {
            return Unread(name);
        }
    }

    // "refs/heads/gh-readonly-queue/{base}/pr-{number}-{sha}": the base may have slashes of its own.
    private static long? NumberOf(string branch, string? head)
    {
        var prefix = $"refs/heads/gh-readonly-queue/{branch}/pr-";
        return head is not null && head.StartsWith(prefix, StringComparison.Ordinal) && head[prefix.Length..].Split('-') is [var digits, _] && long.TryParse(digits, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number) && number > 0 ? number : null;
    }

    private static string? BranchOf(JsonElement? group) => Text(group, "base_ref") is { } @ref ? @ref.StartsWith("refs/heads/", StringComparison.Ordinal) ? @ref["refs/heads/".Length..] : @ref : null;

    private static JsonElement? Member(JsonElement? from, string name) => from is { ValueKind: JsonValueKind.Object } element && element.TryGetProperty(name, out var value) ? value : null;

    private static string? Text(JsonElement? from, string name) => Member(from, name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    private static string? Sha(JsonElement? from, string name) => Text(from, name) is { Length: 40 or 64 } sha && sha.All(char.IsAsciiHexDigitLower) ? sha : null;

    private static long? Whole(JsonElement? from, string name) => Member(from, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number) && number > 0 ? number : null;

    private static Reading<WorkflowEvent>.Unread Unread(string name) => new(new("event", $"the payload of the event {name} is not as GitHub's documentation has it", "let GitHub write GITHUB_EVENT_PATH, or name the pull request with --pr"));
}
