using static Governance.Gates.Policies.Field;
using static Governance.Gates.Policies.Shape;

namespace Governance.Gates.Policies;

/// <summary>The structure of the policy's <c>changes</c> section.</summary>
internal static class ChangeGrammar
{
    private const string Day = "(Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
    private const string Time = "([01][0-9]|2[0-3]):[0-5][0-9]";

    private static readonly Word Window = new("changeWindow", "a window", $"^{Day}(\\.\\.{Day})? {Time}-({Time}|24:00)$", "write days and hours as in 'Tue..Thu 10:00-16:00', UTC; one that goes past midnight is two");
    private static readonly Word Label = new("forgeLabel", "a label", "^[A-Za-z0-9][-A-Za-z0-9 :/._]{0,49}$", "it has 1 to 50 of A-Z a-z 0-9 - : / . _ and blanks");

    /// <summary>The section, made of words that the whole language shares.</summary>
    /// <param name="patterns">Patterns over paths.</param>
    /// <param name="roles">Roles and counts.</param>
    /// <param name="duration">A span of time.</param>
    /// <param name="most">The most windows.</param>
    public static Fields Section(Shape patterns, Shape roles, Word duration, int most) => new(
        Optional(
            "standard",
            new Fields(Required("preApproved", patterns, "Patterns over paths from the repository's root. A pull request whose every path matches one, and of which no rule of review.paths or review.values speaks, may merge at any time.")),
            "Changes that need no window."),
        Optional(
            "normal",
            new Fields(
                Required("windows", new List(Window, most), "Days and hours in which it may merge, as in 'Tue..Thu 10:00-16:00'."),
                Optional("zone", new Choice("UTC"), "The time zone of the windows. There is no other yet."),
                NotYet("board")),
            "All other changes. Left out, they may merge at any time."),
        Optional(
            "emergency",
            new Fields(
                Optional("label", Label, $"The label that makes it one; it counts where somebody of require set it. Left out: {ChangeSettings.UsualLabel}."),
                Required("require", roles, "How many distinct people in which roles must approve, in place of windows and of approvals that are counted by path."),
                Required(
                    "review",
                    new Fields(
                        Required("require", roles, "How many other people in which roles must approve afterwards."),
                        Required("within", duration, "How long after the merge.")),
                    "What must follow.")),
            "Changes that cannot wait. Left out, there are none."))
    { NotEmpty = true };
}
