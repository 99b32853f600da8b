using System.Collections.Immutable;

namespace Governance.Gates.Policies;

/// <summary>The kinds of change: that windows open, that not everything is approved before, and that who must look afterwards can be somebody else.</summary>
internal sealed class ChangeRules(ReviewRules reviews, PolicyMistakes mistakes)
{
    public ChangeSettings? Read(PolicyNode? changes, bool isReviewed)
    {
        if (changes is null)
        {
            return null;
        }

        if (!isReviewed)
        {
            mistakes.AddAtKey(changes, "kinds of change are told apart in pull requests, and nothing is asked of those", "add review");
        }

        return new()
        {
            PreApproved = ReadPreApproved(changes["standard"]?["preApproved"]),
            Windows = [.. (changes["normal"]?["windows"]?.Sound ?? []).Select(ReadWindow).OfType<ChangeWindow>()],
            Emergency = changes["emergency"] is { } emergency ? ReadEmergency(emergency) : null,
        };
    }

    private ImmutableArray<PathPattern> ReadPreApproved(PolicyNode? list)
    {
        foreach (var all in list?.Sound.Where(item => item.Text.Split('/') is var parts && parts.Contains("**") && parts.All(part => part is "*" or "**")) ?? [])
        {
            mistakes.Add(all, "every change would be a standard one", "name the folders whose changes need no window, or leave out windows");
        }

        return reviews.ReadPatterns(list);
    }

    private ChangeWindow? ReadWindow(PolicyNode node)
    {
        var window = ChangeWindow.TryParse(node.Text);
        if (window is null)
        {
            mistakes.Add(node, $"{PolicyNode.Shown(node.Text)} ends before it begins", "exchange the times; a window that goes past midnight is two");
        }

        return window;
    }

    private EmergencyRule ReadEmergency(PolicyNode node)
    {
        var review = node["review"];
        ImmutableArray<RoleCount> require = node["require"] is { } roles ? reviews.ReadRoles(roles) : [];
        ImmutableArray<RoleCount> afterwards = review?["require"] is { } others ? reviews.ReadRoles(others) : [];

        // Whoever let it in does not look at it afterwards as somebody else.
        if (!require.IsEmpty && !afterwards.IsEmpty)
        {
            reviews.CheckReachable(review!, [.. require.Concat(afterwards).GroupBy(slot => slot.Role, (role, slots) => new RoleCount(role, slots.Sum(slot => slot.Count)))]);
        }

        return new(node["label"]?.Text ?? ChangeSettings.UsualLabel, require, afterwards, review?["within"]?.Duration() ?? TimeSpan.Zero);
    }
}
