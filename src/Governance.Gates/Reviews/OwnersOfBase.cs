using System.Collections.Immutable;
using Governance.Gates.Policies;

namespace Governance.Gates.Reviews;

/// <summary>CODEOWNERS as it stands at the base commit, and what is wrong with it and with what the pull request makes of it.</summary>
/// <param name="Owners">null: it could not be read.</param>
/// <param name="Findings">What is wrong.</param>
internal sealed record OwnersOfBase(Codeowners? Owners, ImmutableArray<Decision> Findings)
{
    private const string Rule = "review.codeowners";

    public static OwnersOfBase Read(PullRequest request, ReviewSettings settings)
    {
        var findings = ImmutableArray.CreateBuilder<Decision>();
        if (!Find(request, Side.Base).Try(out var owners, out var why))
        {
            // Whether that matters depends on whether anything asks for owners.
            return new(null, AsksForOwners(settings) ? [Decision.Unknown(why)] : []);
        }

        // What the pull request makes worse is told against it in any case; what it found is not, where all it does is to repair that.
        var touched = request.Files.Any(file => file.Paths.Any(Codeowners.Locations.Contains));
        if (touched)
        {
            if (Find(request, Side.Head).Try(out var head, out var unread))
            {
                findings.AddRange(Mistakes(head, request, settings).Select(mistake => Told(settings.OwnersMistakes, head, mistake, "as it would be")));
                if (head.File.Length == 0 && settings.OwnersRequired)
                {
                    findings.Add(Decision.Deny(new Reason(Rule, "the head commit has no CODEOWNERS file", "keep it")));
                }
            }
            else
            {
                findings.Add(Decision.Unknown(unread));
            }
        }

        var repairs = touched && findings.All(finding => finding.Verdict <= Verdict.Warn) && request.Files.All(file => file.Paths.All(Codeowners.Locations.Contains));
        if (owners.File.Length == 0 && settings.OwnersRequired)
        {
            var absent = new Reason(Rule, "the base commit has no CODEOWNERS file", $"add one as {Codeowners.Locations[0]}, in a pull request of its own");
            findings.Add(repairs ? Decision.Warn(absent) : Decision.Deny(absent));
        }

        findings.AddRange(Mistakes(owners, request, settings).Select(mistake => Told(repairs ? Verdict.Warn : settings.OwnersMistakes, owners, mistake, "as it is")));
        return new(owners, findings.ToImmutable());
    }

    /// <summary>Whether any rule asks for the approval of owners.</summary>
    public static bool AsksForOwners(ReviewSettings settings) => settings.OwnersRequired || settings.Paths.Any(rule => rule.Demand is ReviewDemand.Approvals { FromOwners: true });

    /// <summary>CODEOWNERS of a commit, as the snapshot tells of it.</summary>
    public static Reading<Codeowners> Find(PullRequest request, Side side)
    {
        foreach (var location in Codeowners.Locations)
        {
            if (!ContentOf(request, side, location).Try(out var bytes, out var why))
            {
                return new Reading<Codeowners>.Unread(why);
            }

            if (bytes is { } found)
            {
                return new Reading<Codeowners>.Found(Codeowners.Read(location, found.Span));
            }
        }

        return new Reading<Codeowners>.Found(Codeowners.None);
    }

    /// <summary>A file of a commit, where the snapshot tells of it.</summary>
    public static Reading<ReadOnlyMemory<byte>?> ContentOf(PullRequest request, Side side, string path)
    {
        var told = request.Contents.Where(content => content.Side == side && content.Path == path).Take(2).ToList();
        return told.Count == 1
            ? told[0].Content
            : new Reading<ReadOnlyMemory<byte>?>.Unread(new(Rule, $"{path} of the {(side == Side.Base ? "base" : "head")} commit was {(told.Count == 0 ? "not read" : "told twice")}", "read the pull request again with this policy"));
    }

    // Whoever takes the owners away from a path that must have some leaves it to nobody.
    private static ImmutableArray<CodeownersMistake> Mistakes(Codeowners owners, PullRequest request, ReviewSettings settings)
    {
        var powerless = request.Permissions.Where(one => one.Permission is not ("admin" or "write")).Select(one => one.Account.Login).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var critical = settings.Paths.Where(rule => rule.Demand is ReviewDemand.Approvals { FromOwners: true }).SelectMany(rule => rule.Paths).Select(path => (Path: path, Meaning: Meaning(path))).ToList();
        return
        [
            .. owners.Mistakes,
            .. owners.UnknownOwners(owner => owner is not CodeOwner.User user || !powerless.Contains(user.Login)),
            .. (from rule in owners.Rules
                where rule.Owners.IsEmpty
                let path = critical.Find(path => rule.Meaning.MayOverlap(path.Meaning)).Path
                where path is not null
                select new CodeownersMistake(rule.Line, 1, CodeownersMistakeKind.Unowned, $"'{rule.Pattern}' takes the owners away from paths of '{path}', which need the approval of owners", "name owners on the line, or remove it")).Take(Codeowners.MostMistakes),
        ];
    }

    // '**' at the end is what lies inside.
    private static OwnersPattern Meaning(PathPattern pattern) => pattern.Components is [.. var before, "**"] && before.Length > 0
        ? new(before, Exact: false, Inside: true)
        : pattern.Components is ["**"] ? new([OwnersPattern.AnyDepth, "*"], Exact: true, Inside: true) : new(pattern.Components, Exact: true, Inside: false);

    private static Decision Told(Verdict verdict, Codeowners owners, CodeownersMistake mistake, string which)
    {
        var reason = new Reason(Rule, $"{owners.File}, {which}, line {mistake.Line}, column {mistake.Column}: {mistake.Message}", mistake.Remedy) { At = new(owners.File, mistake.Line, mistake.Column) };
        return verdict == Verdict.Warn ? Decision.Warn(reason) : Decision.Deny(reason);
    }
}
