using static Governance.Gates.Policies.Field;
using static Governance.Gates.Policies.Shape;

namespace Governance.Gates.Policies;

/// <summary>The structure of the policy language, written once.</summary>
internal static class PolicyGrammar
{
    private const int MostRules = 256;
    private const int MostInList = 64;
    private const string LabelPattern = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?";

    private static readonly Word Name = new("name", "a name", "^[a-z0-9]([-_a-z0-9]{0,61}[a-z0-9])?$", "a name has 1 to 63 of a-z 0-9 - _ and begins and ends with a letter or digit");
    private static readonly Word Label = new("label", "a Kubernetes name", $"^{LabelPattern}$", "it has 1 to 63 of a-z 0-9 - and begins and ends with a letter or digit (RFC 1123)");
    private static readonly Word NamespaceOrAll = new("namespaceOrAll", "a namespace or '*'", $"^(\\*|{LabelPattern})$", "a namespace has 1 to 63 of a-z 0-9 -, and '*' is all of them");
    private static readonly Word Sha256 = new("digest", "a digest", "^sha256:[0-9a-f]{64}$", "write sha256: and 64 lower-case hex digits");
    private static readonly Word Date = new("date", "a date", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "write it as in 2026-01-31");
    private static readonly Word Line = new("line", "a line of text", @"^[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufeff]+$", "write it on one line, without control characters (a folded text is >- and not >)");
    private static readonly Word Token = new("id", "an id", "^[A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?$", "an id has 1 to 63 of A-Z a-z 0-9 - . _ as in p-0001");
    private static readonly Word Fingerprint = new("fingerprint", "an OpenPGP fingerprint", "^([0-9A-F]{40}|[0-9A-F]{64})$", "write its 40 or 64 hex digits in upper case, without blanks");
    private static readonly Word Cluster = new("cluster", "a cluster's UID", "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", "write what kubectl get namespace kube-system -o jsonpath={.metadata.uid} prints");
    private static readonly Word Login = new("login", "a GitHub login", "^[A-Za-z0-9]([-A-Za-z0-9_]{0,98}[A-Za-z0-9])?$", "write the login without @");
    private static readonly Word Team = new("team", "a GitHub team", "^[A-Za-z0-9][-A-Za-z0-9]*/[A-Za-z0-9][-._A-Za-z0-9]*$", "write organisation/team");
    private static readonly Word Resource = new("resource", "a custom resource", $"^{LabelPattern}(\\.{LabelPattern})*$", "write its plural and group as in rollouts.argoproj.io");
    private static readonly Word ObjectResource = new("objectResource", "a resource", $"^{LabelPattern}(\\.{LabelPattern})*$", "write its plural, and its group where it has one, as in configmaps or roles.rbac.authorization.k8s.io");
    private static readonly Word NamePattern = new("namePattern", "a name of objects", "^[-A-Za-z0-9._:*]{1,253}$", "write a name; '*' in it is any run of characters");
    private static readonly Word Pointer = new("path", "a path", @"^(/(\*|([^/~*\u0000-\u001f\u007f]|~[01])+)){1,32}$", "a path is / and a name, up to 32 times; '*' alone between slashes is every element, ~1 is / and ~0 is ~ (RFC 6901)");

    private static readonly Word Duration = new("duration", "a duration", "^[1-9][0-9]{0,5}[smhdwy]$", "write it as in 90s, 10m, 4h, 7d, 12w or 7y (a year is 365 days)");
    private static readonly Word ListSource = new("listSource", "a file or an oci:// repository", @"^(oci://[^\u0000-\u0020\u007f]+|[^\u0000-\u001f\u007f:\\/]+(/[^\u0000-\u001f\u007f:\\/]+)*)$", "write a path below the policy's folder, or oci:// and a repository");

    private static readonly Word Issuer = new("issuer", "an OpenID Connect issuer", "^https://[!-)+-~]{1,500}$", "write it as its tokens do, as in https://token.actions.githubusercontent.com");
    private static readonly Word Subject = new("subject", "a subject", "^[!-~]{1,1024}$", "write what a certificate names its owner, on one line and without blanks: an address, or a URL such as https://github.com/example/app/.github/workflows/release.yml@refs/heads/main");
    private static readonly Word Service = new("service", "a service's address", "^https?://[-.:\\[\\]A-Za-z0-9]+(/[-._~A-Za-z0-9]+)*/?$", "write it as the command line names it, as in https://rekor.example.com");
    private static readonly Shape Runner = new Choice("github-hosted", "self-hosted");

    private static readonly Shape Signers = new Either(new List(Name, MostInList), new Fields(Required("role", Name, "The role whose people may have signed.")), "write [NAME] or { role: NAME }");

    private static readonly Shape RoleCounts = new List(
        new Fields(
            Required("role", Name, "The role."),
            Required("count", new Count(), "How many distinct people in it.")),
        MostInList);

    private static readonly Shape Session = new Either(
        new Choice("allow", "warn", "deny"),
        new Fields(Required("require", RoleCounts, "Who must have agreed to exactly this session, within the last hour.")),
        "write allow, warn, deny, or { require: [{ role: NAME, count: 1 }] }");

    private static readonly Shape Mode = new Choice("enforce", "warn", "audit");
    private static readonly Shape Names = new List(Name, MostInList);
    private static readonly Shape Patterns = new List(Line, MostInList);

    private static readonly Fields ImageRule = new(
        Required("match", Patterns, "Patterns over the normalised repository, such as registry.example.com/team/**; one must match. * stays within one component, ** is any number of components."),
        Optional(
            "in",
            new Fields(
                Optional("namespaces", new List(Label, MostInList), "Namespaces in which the rule holds."),
                Optional("environments", Names, "Environments in which the rule holds."))
            { NotEmpty = true },
            "Where the rule holds; left out, it holds everywhere."),
        Optional("mode", Mode, "How strictly; the milder of this and admission.mode counts. Left out: enforce."),
        OneOf(
            "require",
            new Fields(
                Optional(
                    "signed",
                    new Fields(
                        Required("by", Signers, "Robots and people by name, one of whom must have signed; or { role: NAME }."),
                        Optional("repository", new Choice("same", "any"), "What a signed payload that names a repository may name: the image's own (or one of the mirrors), or any. Left out: same."),
                        Optional("mirrors", Patterns, "Repositories, besides the image's own, that the signed payload may name.")),
                    "The image must be signed."),
                Optional("pinned", new List(Line, MostRules), "The image must be one of these references by digest."),
                Optional(
                    "provenance",
                    new Fields(
                        Required("by", Signers, "Robots and people by name, one of whom must have told it; or { role: NAME }."),
                        Optional("builder", Line, "What the builder's id must be; '*' is any run of characters within one path segment."),
                        Optional("source", Line, "The address of the repository that was built, as in https://github.com/example/app; '*' as above."),
                        Optional("ref", Line, "The ref that was built, as in refs/tags/v*; '*' as above."),
                        Optional("runner", Runner, "Where it must have run, by the word of the certificate's authority.")),
                    "Somebody must have told how the image was built: SLSA provenance v0.2 or v1."),
                Optional(
                    "tagged",
                    new Fields(Required("by", Signers, "People by name, one of whom must have signed the tag; or { role: NAME }.")),
                    "The release from which the image was built, by its provenance, must have been tagged by somebody."),
                Optional(
                    "reviewed",
                    new Fields(
                        Required("by", Names, "Robots by name, one of which must have signed a review statement about the commit."),
                        Optional("of", new Choice("provenance.commit"), "Which commit: the one that the provenance names."),
                        Optional("properties", new List(new Choice("SLSA_SOURCE_TWO_PARTY_REVIEWED", "ORG_SOURCE_POLICY_ALLOWED"), 2), "What the statement must say, all of it. Left out: both.")),
                    "The commit from which the image was built, by its provenance, must have been reviewed."),
                NotYet("sbom"),
                Optional(
                    "approved",
                    new Fields(
                        Required("action", Name, "The key of approvals that says who must agree."),
                        Optional("in", new Fields(Required("environments", Names, "Environments.")), "Where the approval is needed; left out, everywhere."),
                        Optional("covers", new List(new Choice("artifact", "template"), 2), "What the approval must name: the image, or the image and the pod template. Left out: artifact.")),
                    "The image must be approved for the environment in which it is to run."))
            { NotEmpty = true },
            "What an image must carry; every part that is given must hold."),
        OneOf("verdict", new Choice("allow", "warn", "deny"), "A fixed verdict instead of evidence."),
        Optional("why", Line, "The reason that users are told; required with verdict: allow and verdict: warn."));

    private static readonly Fields Admission = new(
        Optional("mode", Mode, "How strictly the gate answers. Left out: enforce."),
        Optional(
            "namespaces",
            new Fields(
                Optional("audit", new List(Label, MostInList), "Namespaces that are judged and recorded, never blocked."),
                Optional("own", Label, "The gate's own namespace.")),
            "Namespaces that are treated differently."),
        Optional("unknownKinds", new Choice("unknown", "deny", "warn"), "What an object of an unknown kind gets that looks like a pod template. Left out: unknown."),
        Optional(
            "customResources",
            new List(
                new Fields(
                    Required("resource", Resource, "Plural name and group, such as rollouts.argoproj.io."),
                    Required("images", new List(Pointer, MostInList), "Paths to image references."),
                    NotYet("models")),
                MostRules),
            "Custom resources and where their images stand."),
        Optional("sidecars", new List(Label, MostInList), "Names of containers that other admission webhooks put into Pods: an approved template does not hold them, as long as they reach no secret, no volume or process of others and nothing of the node. Their images are judged all the same."),
        Optional("statements", Line, "The repository in which requests and approvals about objects and sessions wait, without tag and digest."),
        Optional(
            "sessions",
            new Fields(
                Optional("exec", Session, "Commands in running containers. Left out: allow."),
                Optional("attach", Session, "The terminal of a running container. Left out: allow."),
                Optional("portForward", Session, "Connections to ports of Pods. Left out: allow."))
            { NotEmpty = true },
            "What may be opened into a running Pod."),
        Optional(
            "objects",
            new List(
                new Fields(
                    Required("resource", ObjectResource, "Plural name, and group where it has one, such as configmaps or roles.rbac.authorization.k8s.io."),
                    Optional(
                        "in",
                        new Fields(
                            Optional("namespaces", new List(Label, MostInList), "Namespaces in which the rule holds."),
                            Optional("environments", Names, "Environments in which the rule holds."))
                        { NotEmpty = true },
                        "Where the rule holds; left out, it holds everywhere."),
                    Required("names", new List(NamePattern, MostInList), "Names of the objects; '*' is any run of characters."),
                    Optional("values", new Choice("same-as-review"), "The files that a ConfigMap holds are held to the rules of review.values, each by its name without folders."),
                    Required(
                        "require",
                        new Fields(Required(
                            "approved",
                            new Fields(
                                Required("action", Name, "The key of approvals that says who must agree."),
                                Optional("in", new Fields(Required("environments", Names, "Environments.")), "Where the approval is needed; left out, everywhere.")),
                            "The whole object must be approved.")),
                        "What a new content of the object must carry.")),
                MostRules),
            "Objects that are approved as a whole: who creates, changes or deletes one needs an approval of exactly that."),
        NotYet("breakGlass"));

    private static readonly Fields Spec = new(
        Optional(
            "environments",
            new Named(
                Name,
                new Fields(
                    Required("clusters", new List(Cluster, MostInList), "UIDs of the clusters' kube-system namespaces."),
                    Required("namespaces", new List(NamespaceOrAll, MostRules), "Namespaces in these clusters, or '*' alone for all."))),
            "Named parts of the world in which something runs."),
        Optional(
            "people",
            new Named(
                Name,
                new Fields(
                    Required("id", Token, "An id that is never given to anybody else."),
                    Optional("from", Date, "First day, UTC."),
                    Optional("until", Date, "Last day, UTC, to its end."),
                    Optional("github", new Fields(Required("login", Login, "For people to read; the id counts."), Required("id", new Count(), "The account's number, as the API's users/LOGIN tells it.")), "Their GitHub account."),
                    Optional("keys", Names, "Names of keys under trust.keys."),
                    Optional(
                        "openpgp",
                        new List(
                            new Fields(
                                Required("fingerprint", Fingerprint, "The fingerprint of the primary key, as gpg --list-keys prints it."),
                                Required("file", Line, "What gpg --export --armor writes of it, relative to the policy file."),
                                Required("sha256", Sha256, "SHA-256 of the file.")),
                            MostInList),
                        "OpenPGP keys that sign tags for them, and nothing else."),
                    Optional(
                        "oidc",
                        new List(
                            new Fields(
                                Required("issuer", Issuer, "The OpenID Connect issuer that vouches for them."),
                                Required("subject", Subject, "What a certificate names them, exactly.")),
                            MostInList),
                        "Subjects of OpenID Connect issuers that sign without a key."))),
            "Humans, by the policy's names for them."),
        Optional(
            "roles",
            new Named(
                Name,
                new Fields(
                    Required("people", new List(Name, MostRules), "Who is in it."),
                    Optional("githubTeams", new List(Team, MostInList), "Teams that narrow it: a person counts only while in one of them."),
                    Optional("conflictsWith", Names, "Roles that one person may not use for the same change."))),
            "What people may do."),
        Optional(
            "robots",
            new Named(
                Name,
                new Fields(
                    AnyOf("keys", Names, "Names of keys under trust.keys."),
                    AnyOf(
                        "oidc",
                        new List(
                            new Fields(
                                Required("issuer", Issuer, "The OpenID Connect issuer that vouches for it."),
                                Required("subject", Subject, "What a certificate names its owner; '*' is any run of characters within one path segment."),
                                Optional("repositoryId", new Count(), "Id of the repository that was built, which no other repository of its name will have."),
                                Optional("ownerId", new Count(), "Id of the repository's owner."),
                                Optional("runner", Runner, "Where the workflow must have run.")),
                            MostInList),
                        "Subjects of OpenID Connect issuers, such as workflows, that sign without a key."),
                    Optional("why", Line, "What it does, and what it does not vouch for; required where a subject is bound to a pattern of branches or tags."))),
            "Machines that sign. A robot satisfies checks, never a quorum of people."),
        Optional(
            "trust",
            new Fields(
                Optional(
                    "keys",
                    new Named(
                        Name,
                        new Fields(
                            Required("spki", Sha256, "SHA-256 of the key's DER SubjectPublicKeyInfo."),
                            Required("file", Line, "The public key (PEM or DER), relative to the policy file."),
                            Optional("validFrom", Date, "First day, UTC."),
                            Optional("validUntil", Date, "Last day, UTC, to its end."))),
                    "Public keys."),
                Optional(
                    "roots",
                    new Fields(Required(
                        "sigstore",
                        new Either(
                            new Choice("public-good", "github"),
                            new Fields(
                                OneOf("instance", new Choice("public-good", "github"), "A public instance: the dated copy of its root that comes with the program."),
                                OneOf("file", Line, "The instance's trusted_root.json, relative to the policy file."),
                                Optional("sha256", Sha256, "SHA-256 of the file; required with it."),
                                Optional("logs", new Choice("inclusion", "promise", "none"), "What a transparency log must have shown: that it has the signature; that or, where the form holds nothing else, its signed promise; nothing. Left out: inclusion, and none for github.")),
                            "write public-good, github, or { file: PATH, sha256: DIGEST }"),
                        "Whose word counts for signatures without a key.")),
                    "By whose word signatures without a key count."),
                Optional(
                    "revocations",
                    new Fields(
                        Required("from", ListSource, "The signed list: a file beside the policy, or oci:// and the repository on whose tag 'revocations' it lies."),
                        Required("maxAge", Duration, "How old the list may be; an older one is 'could not tell'."),
                        Optional("by", Signers, "Robots and people by name, one of whom must have signed it; or { role: NAME }. Left out: the people who may approve a policy-change.")),
                    "Where the list of people, keys, artifacts and approvals comes from that no longer count.")),
            "What is trusted."),
        Optional(
            "artifacts",
            new Fields(
                Optional("images", new List(ImageRule, MostRules), "Image rules: the first that matches decides, and no match denies."),
                NotYet("models")),
            "What an artifact must carry before it may run."),
        Optional(
            "approvals",
            new Named(
                Name,
                new Fields(
                    Required("require", RoleCounts, "How many distinct people in which roles."),
                    Required("useBy", Duration, "How long after it was given an approval may be used to begin."),
                    Optional("runUntil", Duration, "How long after it was given what began may go on starting. Left out: without end."),
                    Optional("maxUses", new Count(), "How often one request may be used. Left out: any number of times."))),
            "Who must agree to what, by the action's name."),
        Optional(
            "signing",
            new Fields(
                Optional("publicLogs", new Choice("ask", "refuse"), "What becomes of a signature without a key that a log or certificate authority may show to others: who signs is asked once, or it is not made. Left out: ask."),
                Optional("private", new List(Service, MostInList), "The certificate authorities and transparency logs that only your own people read, by address."))
            { NotEmpty = true },
            "Where something may be signed without a key."),
        Optional("admission", Admission, "The admission gate's settings."),
        Optional("review", ReviewGrammar.Section(Line, Pointer, RoleCounts, MostInList), "What pull requests need."),
        Optional("changes", ChangeGrammar.Section(Patterns, RoleCounts, Duration, MostInList), "Kinds of change, and when they may happen."),
        NotYet("sbom"),
        NotYet("models"),
        NotYet("rollout"),
        NotYet("freeze"),
        Optional(
            "ledger",
            new Fields(
                Optional(
                    "recover",
                    new Fields(Required("action", Name, "The key of approvals that says who must agree.")),
                    "Who may let a damaged ledger go on behind what was lost. Left out: nobody."),
                NotYet("verify"),
                NotYet("witnesses"),
                NotYet("privacy"),
                NotYet("retention"))
            { NotEmpty = true },
            "The gates' ledgers."));

    /// <summary>The whole document.</summary>
    public static Fields Policy { get; } = new(
        Required("apiVersion", new Choice("governance.gates/v1alpha1"), "The version of the language."),
        Required("kind", new Choice("GovernancePolicy"), "Always GovernancePolicy."),
        Required(
            "metadata",
            new Fields(
                Required("name", Label, "The policy's name."),
                Required("version", new Count(), "Rises with every change."),
                Optional("previous", Sha256, "SHA-256 of the file of the version before; required from version 2 on."),
                Optional("earlier", new List(Sha256, MostInList), "SHA-256 of the files of versions before that one which were in force. What was reviewed under another version does not count.")),
            "Which policy this is."),
        Required("spec", Spec, "What the policy says."));
}
