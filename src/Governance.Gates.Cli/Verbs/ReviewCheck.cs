using System.Globalization;
using Governance.Gates.Cli.Actions;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Clients.GitHub;

namespace Governance.Gates.Cli.Verbs;

/// <summary>The one check by which <c>gates review</c> tells its answer on the commit that it judged, whichever event asked.</summary>
/// <param name="Client">The repository's API.</param>
/// <param name="Name">The check's name.</param>
/// <param name="IsJudged">Whether pull requests into a branch are judged, by that branch and the repository's default branch; null where nobody can tell.</param>
/// <param name="Terminal">Where progress is told.</param>
internal sealed record ReviewCheck(GitHubClient Client, string Name, Func<string, string?, bool?> IsJudged, Terminal Terminal)
{
    private const string Rule = "check-run";
    private const int LongestName = 100;
    private const int LongestTitle = 255;

    /// <summary>Whether a check can be called so.</summary>
    public static bool IsName(string text) => text.Length > 0 && text.Trim() == text && text.Length <= LongestName && SafeText.Line(text) == text;

    /// <summary>Publishes what was decided about a pull request. What cannot be published is a "could not tell" more.</summary>
    public static async Task<Reviewed> PublishAsync(ReviewCheck? check, Reviewed reviewed, CancellationToken cancellation)
    {
        if (check is null || reviewed.IsElsewhere || reviewed.Number is not { } number)
        {
            return reviewed;
        }

        // What could not be judged must not leave an older yes behind, also where nobody tells the default branch; on what is surely not judged nothing is said.
        var head = reviewed.Judged is ({ } request, _, _) ? new Reading<(string Head, string Into, string? DefaultBranch)>.Found((request.HeadSha, request.BaseRef, request.BaseRef)) : await CheckRuns.HeadOfAsync(check.Client, number, cancellation);
        if (head.Try(out var found, out var why) && reviewed.Judged is null && check.IsJudged(found.Into, found.DefaultBranch) == false)
        {
            return reviewed;
        }

        var published = why is null
            ? await check.PublishAsync(string.Create(CultureInfo.InvariantCulture, $"pull-request/{number}"), found.Head, reviewed.Decision, reviewed.ToReport(explain: false), cancellation)
            : Decision.Unknown(Unpublished(why));
        return reviewed with { Result = reviewed.Result with { Decision = Decision.All(reviewed.Decision, published) } };
    }

    /// <summary>The same for a merge group, on the commit that would be merged.</summary>
    public static async Task<ReviewedGroup> PublishAsync(ReviewCheck? check, ReviewedGroup group, CancellationToken cancellation) => check is null ? group : group with
    {
        Published = await check.PublishAsync($"merge-group/{group.Group.Branch}", group.Group.HeadSha, Decision.All(group.Members.Select(member => member.Decision)), group.ToReport(explain: false), cancellation),
    };

    private async Task<Decision> PublishAsync(string externalId, string commit, Decision decision, Report report, CancellationToken cancellation)
    {
        var answer = ActionAnswer.Read(GateAction.All.Single(action => action.Name == "review"), report.ExitCode, report.ToJson(), "");
        var run = new CheckRun(Name, externalId, commit, decision.ExitCode == ExitCode.Allowed)
        {
            Title = Shortened(SafeText.Line(report.Title)),
            Summary = JobSummary.Of(answer, CheckRun.LongestSummary),
            Annotations =
            [
                .. decision.Reasons.Where(reason => reason.At is { } at && WorkflowCommands.CanBeShown(at)).Take(CheckRun.MostAnnotations)
                    .Select(reason => new CheckAnnotation(reason.At!.File, reason.At.Line ?? 1, Shortened(SafeText.Line(reason.Rule)), SafeText.Line(reason.ToString()))),
            ],
        };
        return (await Terminal.WhileAsync($"publishing the check {Name} on {commit}", CheckRuns.PublishAsync(Client, run, cancellation))).Try(out _, out var why)
            ? Decision.AllowBecause(new Reason(Rule, $"the check {Name} on {commit} says {(run.Passed ? "success" : "failure")}"))
            : Decision.Unknown(Unpublished(why));
    }

    private static Reason Unpublished(Reason why) => why with { Rule = Rule, Message = $"the answer stands in no check, and an older one may: {why.Message}" };

    private static string Shortened(string text) => text.Length <= LongestTitle ? text : $"{text[..(LongestTitle - 1)]}…";
}
