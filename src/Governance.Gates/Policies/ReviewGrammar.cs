using static Governance.Gates.Policies.Field;
using static Governance.Gates.Policies.Shape;

namespace Governance.Gates.Policies;

/// <summary>The structure of the policy's <c>review</c> section.</summary>
internal static class ReviewGrammar
{
    // git check-ref-format(1), without what a shell or a pattern would take for something else.
    private static readonly Word Branch = new("branch", "a branch", "^[A-Za-z0-9]([-._/A-Za-z0-9]{0,253}[A-Za-z0-9])?$", "write its name as in main or release/1.x, without refs/heads/");
    private static readonly Word Prefix = new("prefix", "a beginning of branch names", "^[A-Za-z0-9][-._/A-Za-z0-9]{0,99}$", "write it as in feat/");
    private static readonly Word Tag = new("tag", "a tag, or a pattern of tags", "^[A-Za-z0-9*]([-._/*A-Za-z0-9]{0,98}[A-Za-z0-9*])?$", "write it as in v* or release/*, without refs/tags/");
    private static readonly Shape Blocked = new Choice("blocked");

    /// <summary>The section, made of words that the whole language shares.</summary>
    /// <param name="line">A line of text.</param>
    /// <param name="pointer">A path within a document.</param>
    /// <param name="roles">Roles and counts.</param>
    /// <param name="most">The most rules of a kind.</param>
    public static Fields Section(Word line, Word pointer, Shape roles, int most) => new(
        Optional(
            "codeowners",
            new Fields(
                Optional("required", new Flag(), "Whether each changed path needs the approval of one of its owners, and the repository a CODEOWNERS file. Left out: false."),
                Optional("mistakes", new Choice("deny", "warn"), "What a mistake in CODEOWNERS is. Left out: deny."))
            { NotEmpty = true },
            "What CODEOWNERS counts for, as it stands at the base commit."),
        Optional(
            "approvals",
            new Fields(
                Required("default", new Count(), "How many distinct people with write access must approve any change."),
                Optional("stale", new Choice("head"), "Which approvals count: those of the head commit only.")),
            "What every pull request needs."),
        Optional(
            "exclude",
            new List(new Choice("author", "committers", "coAuthors", "lastPusher", "robots"), 5),
            "Whose approval never counts. Left out: all of them. author and robots cannot be left out of a list."),
        Optional(
            "paths",
            new List(
                new Fields(
                    Required("paths", new List(line, most), "Patterns over paths from the repository's root; one must match. * stays within one component, ** is any number of components."),
                    OneOf("approvals", new Count(), "How many distinct people must approve."),
                    OneOf("require", roles, "How many distinct people in which roles must approve."),
                    Optional("from", new Choice("codeowners"), "The people of approvals must own the path. Left out: write access is enough."),
                    Optional("why", line, "The reason that users are told.")),
                most),
            "What paths need when they change; every rule that matches must hold."),
        Optional(
            "values",
            new List(
                new Fields(
                    Required("file", line, "A YAML or JSON file, from the repository's root."),
                    Required("at", pointer, "Where the value stands."),
                    OneOf("when", new Choice("increases", "decreases", "changes"), "How the value moves for the rule to hold. One that is new, is gone, has another type or cannot be read counts as moved."),
                    OneOf(
                        "must",
                        new Fields(Optional("atMost", new Number(), "The largest value."), Optional("atLeast", new Number(), "The smallest value.")) { NotEmpty = true },
                        "Bounds of the head commit's value, whoever approves."),
                    Optional("require", roles, "How many distinct people in which roles must approve; goes with when."),
                    Optional("why", line, "The reason that users are told.")),
                most),
            "What changes of values need."),
        Optional(
            "evidence",
            new List(
                new Fields(
                    Required("paths", new List(line, most), "Patterns over paths; one must match."),
                    Required("files", new List(line, most), "Patterns; a file that each of them matches must be added or changed. A * where a changed path has a name is that name."),
                    Optional("why", line, "The reason that users are told.")),
                most),
            "Files that a change must carry."),
        Optional("commits", line, "The repository in which review statements wait, without tag and digest: each behind the tag git- and its commit."),
        Optional(
            "branches",
            new Named(
                Branch,
                new Fields(
                    Optional("directPush", Blocked, "Changes must come by a pull request."),
                    Optional("forcePush", Blocked, "Nobody may push over what is there."),
                    Optional("deletion", Blocked, "Nobody may delete the branch."),
                    Optional("reviewers", new Count(), "How many must approve on the forge. Workflows must not be able to."),
                    Optional("codeowners", new Choice("required"), "A code owner must be among them."),
                    Optional("stale", new Choice("dismissed"), "Approvals must end with the next push."),
                    Optional("lastPush", new Choice("approved"), "Somebody else than who pushed last must approve."),
                    Optional("signatures", new Choice("required"), "Commits must be signed."),
                    Optional("merge", new List(new Choice("merge", "squash", "rebase"), 3), "The merge methods that may be offered."),
                    Optional(
                        "checks",
                        new List(
                            new Either(
                                line,
                                new Fields(
                                    Required("name", line, "The check's name."),
                                    Required("app", new Count(), "Number of the app that must post it, and that no workflow's token is.")),
                                "write a name, or { name: NAME, app: NUMBER }"),
                            most),
                        "Checks that must have passed."),
                    Optional("mergeQueue", new Choice("required"), "Changes must go through the merge queue."),
                    Optional("threads", new Choice("resolved"), "Conversations about a change must be resolved."),
                    Optional("prefixes", new List(Prefix, most), "How the names of branches begin from which pull requests may come; the review gate asks it."))
                { NotEmpty = true }),
            "How the forge must protect branches; nobody may be free of it."),
        Optional(
            "tags",
            new Named(
                Tag,
                new Fields(
                    Optional("creation", new Choice("restricted"), "Only those whom a ruleset lets may create one."),
                    Optional("update", Blocked, "Nobody may move one."),
                    Optional("deletion", Blocked, "Nobody may delete one."))
                { NotEmpty = true }),
            "How rulesets of the forge must protect tags; * stays within one component of a name."))
    { NotEmpty = true };
}
