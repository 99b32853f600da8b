using System.Collections.Immutable;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Policies;

/// <summary>One policy file, read and checked: whatever is in it holds together.</summary>
public sealed record Policy
{
    // An identity acts for one person or robot only, and two names never have the same key: the reader refuses both.
    private readonly Dictionary<Identity, Person> peopleByIdentity = [];
    private readonly Dictionary<Identity, Robot> robotsByIdentity = [];
    private readonly Dictionary<Identity.Key, TrustedKey> keysByIdentity = [];

    /// <summary>SHA-256 of the file's bytes.</summary>
    public required Digest Digest { get; init; }

    /// <summary><c>metadata.name</c>.</summary>
    public required string Name { get; init; }

    /// <summary><c>metadata.version</c>; only rises.</summary>
    public required long Version { get; init; }

    /// <summary><c>metadata.previous</c>: the digest of the version before; null for the first.</summary>
    public Digest? Previous { get; init; }

    /// <summary><c>metadata.earlier</c>: digests of versions before that one, under which reviews still count.</summary>
    public ImmutableHashSet<Digest> Earlier { get; init; } = [];

    /// <summary>Environments by name.</summary>
    public ImmutableDictionary<string, DeploymentEnvironment> Environments { get; init; } = ImmutableDictionary<string, DeploymentEnvironment>.Empty;

    /// <summary>People by name.</summary>
    public ImmutableDictionary<string, Person> People
    {
        get;
        init
        {
            field = value;
            peopleByIdentity = [];
            foreach (var person in value.Values)
            {
                foreach (var identity in person.Identities)
                {
                    peopleByIdentity[identity] = person;
                }
            }
        }
    }

    = ImmutableDictionary<string, Person>.Empty;

    /// <summary>Roles by name.</summary>
    public ImmutableDictionary<string, Role> Roles { get; init; } = ImmutableDictionary<string, Role>.Empty;

    /// <summary>Robots by name.</summary>
    public ImmutableDictionary<string, Robot> Robots
    {
        get;
        init
        {
            field = value;
            robotsByIdentity = [];
            foreach (var robot in value.Values)
            {
                foreach (var identity in robot.Identities)
                {
                    robotsByIdentity[identity] = robot;
                }
            }
        }
    }

    = ImmutableDictionary<string, Robot>.Empty;

    /// <summary>Trusted keys by name.</summary>
    public ImmutableDictionary<string, TrustedKey> Keys
    {
        get;
        init
        {
            field = value;
            keysByIdentity = [];
            foreach (var key in value.Values)
            {
                keysByIdentity[key.Identity] = key;
            }
        }
    }

    = ImmutableDictionary<string, TrustedKey>.Empty;

    /// <summary>By whose word signatures without a key count; null where none do.</summary>
    public SigstoreTrust? Sigstore { get; init; }

    /// <summary>The files that the policy names, relative to its own, each once and in order.</summary>
    public IEnumerable<string> NamedFiles =>
        Keys.Values.Select(key => key.File).Concat(People.Values.SelectMany(person => person.OpenPgp).Select(key => key.File)).Concat(Sigstore is { IsFile: true } root ? [root.Source] : []).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);

    /// <summary>Every subject that acts for a robot or a person.</summary>
    public IEnumerable<OidcBinding> OidcBindings =>
    [
        .. Robots.Values.SelectMany(robot => robot.Oidc),
        .. People.Values.SelectMany(person => person.Identities).OfType<Identity.OidcSubject>().Select(subject => new OidcBinding(subject.Issuer, NameMatch.Exactly(subject.Subject), null, null, null)),
    ];

    /// <summary>Image rules in the order of the file; the first that matches decides, and no match denies.</summary>
    public ImmutableArray<ImageRule> Images { get; init; } = [];

    /// <summary>Who must agree to what, by the action's name.</summary>
    public ImmutableDictionary<string, ApprovalRule> Approvals { get; init; } = ImmutableDictionary<string, ApprovalRule>.Empty;

    /// <summary>Where the list of what no longer counts comes from; null where the policy names none.</summary>
    public RevocationSource? Revocations { get; init; }

    /// <summary>Who must agree before a damaged ledger goes on behind what was lost; null where nobody may let it.</summary>
    public ApprovalRule? LedgerRecovery { get; init; }

    /// <summary>What the admission gate is told.</summary>
    public AdmissionSettings Admission { get; init; } = new();

    /// <summary>What pull requests need; null where the policy says nothing about them.</summary>
    public ReviewSettings? Review { get; init; }

    /// <summary>The kinds of change; null where the policy tells none apart.</summary>
    public ChangeSettings? Changes { get; init; }

    /// <summary>Where something may be signed without a key.</summary>
    public SigningSettings Signing { get; init; } = SigningSettings.Default;

    /// <summary>The robots that may say of a commit that it was reviewed: those that some image rule names for it.</summary>
    public Signers Reviewers => new([.. Images.Select(rule => (rule.Demand as ImageDemand.Require)?.Reviewed).OfType<ReviewedRequirement>().SelectMany(reviewed => reviewed.By.Names).Distinct().Order(StringComparer.Ordinal)], null);

    /// <summary>Who may have to agree to a declared object by an action: that depends on which of its values move, and this is the most.</summary>
    /// <param name="rule">Who must agree by the action alone.</param>
    public ApprovalRule WithValues(ApprovalRule rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        return Review is { } review && Admission.Objects.Any(declared => declared.ValuesAsInReviews && declared.Approved.Action == rule.Action) ? rule.With(review.MovedValues) : rule;
    }

    /// <summary>The person for whom an identity acts, or null.</summary>
    public Person? PersonOf(Identity identity) => peopleByIdentity.GetValueOrDefault(identity);

    /// <summary>The robot for which an identity acts, or null.</summary>
    public Robot? RobotOf(Identity identity) => identity is Identity.OidcSubject subject
        ? Robots.Values.FirstOrDefault(robot => robot.Oidc.Any(binding => binding.Matches(subject)))
        : robotsByIdentity.GetValueOrDefault(identity);

    /// <summary>The trusted key that an identity is, or null.</summary>
    public TrustedKey? KeyOf(Identity.Key identity) => keysByIdentity.GetValueOrDefault(identity);

    /// <summary>Why the person or robot for whom an identity acts does not count with it at a time, as in "… who is not in office now"; null where they do.</summary>
    /// <remarks>Where no trusted time is known, only now counts: the time that a signer names proves nothing. A certificate was valid when it signed; who acts by it is asked now.</remarks>
    public string? WhyNotNow(Identity identity, DateTimeOffset now)
    {
        var person = PersonOf(identity);
        if (person is null && RobotOf(identity) is null)
        {
            return "belongs to nobody in the policy";
        }

        switch (identity)
        {
            case Identity.Key key when KeyOf(key) is not { } trusted:
                return "belongs to nobody in the policy";
            case Identity.Key key when KeyOf(key) is { } trusted && !trusted.IsValidAt(now):
                return $"signs with the key {trusted.Name}, which counts from {trusted.ValidFrom?.ToString("yyyy-MM-dd", null) ?? "any day"} until {trusted.ValidUntil?.ToString("yyyy-MM-dd", null) ?? "any day"}";
            case Identity.GitHubAccount:
                return "signs nothing with a GitHub account";
        }

        var today = DateOnly.FromDateTime(now.UtcDateTime);
        return person is not null && (today < person.From || today > person.Until) ? "is not in office now" : null;
    }

    /// <summary>Whether a signature by this identity is by one of those who may sign, at a time.</summary>
    /// <returns>Who it is, for people to read, and why that is not enough; null where it is.</returns>
    public (string Name, string? Mistake) Accept(Identity signer, Signers by, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(signer);
        ArgumentNullException.ThrowIfNull(by);
        if ((PersonOf(signer)?.Name ?? RobotOf(signer)?.Name) is not { } owner)
        {
            return (OneLine.Show(signer.ToString()!), "which belongs to nobody in the policy");
        }

        var name = signer switch
        {
            Identity.Key key when KeyOf(key) is { } trusted => owner == trusted.Name ? $"key {owner}" : $"{owner} with key {trusted.Name}",
            Identity.OidcSubject(_, var subject) => $"{owner} as {OneLine.Show(subject)}",
            _ => owner,
        };
        return !by.Names.Contains(owner) ? (name, $"whom the rule does not name (it names {by})") : (name, WhyNotNow(signer, now) is { } why ? $"who {why}" : null);
    }

    /// <summary>The environment to which a namespace of a cluster belongs; null where it belongs to none. A namespace of a cluster is in one at most: the reader refuses two.</summary>
    public DeploymentEnvironment? EnvironmentOf(string cluster, string? @namespace)
    {
        foreach (var (_, environment) in Environments)
        {
            if (environment.Contains(cluster, @namespace))
            {
                return environment;
            }
        }

        return null;
    }
}

/// <summary>Who must agree before something is done, and for how long that counts.</summary>
/// <param name="Action">The policy's name for what is done, such as <c>production-deployment</c>.</param>
/// <param name="Require">The slots that distinct persons fill.</param>
/// <param name="UseBy">How long after it was given an approval may be used to begin.</param>
/// <param name="RunUntil">How long after it was given what began may go on starting; null is without end.</param>
/// <param name="MaxUses">How often one request may be used; null is any number of times.</param>
public sealed record ApprovalRule(string Action, ImmutableArray<RoleCount> Require, TimeSpan UseBy, TimeSpan? RunUntil, long? MaxUses)
{
    /// <summary>The action under which a new version of the policy is approved.</summary>
    public const string PolicyChange = "policy-change";

    /// <summary>The action under which a new version that weakens the policy is approved.</summary>
    public const string PolicyWeakening = "policy-weakening";

    /// <summary>The same, with as many people of each role as this rule and all of others ask for.</summary>
    internal ApprovalRule With(IEnumerable<ImmutableArray<RoleCount>> others) =>
        this with { Require = [.. others.Prepend(Require).SelectMany(require => require).GroupBy(slot => slot.Role, (role, slots) => new RoleCount(role, slots.Max(slot => slot.Count)))] };
}

/// <summary>So many distinct persons in one role.</summary>
public sealed record RoleCount(string Role, int Count)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Count} {Role}";
}

/// <summary>Where the signed list of what no longer counts comes from.</summary>
/// <param name="From">A file beside the policy, or <c>oci://</c> and a repository.</param>
/// <param name="MaxAge">How old the list may be; an older one is as good as none.</param>
/// <param name="By">Who may sign it.</param>
public sealed record RevocationSource(string From, TimeSpan MaxAge, Signers By);

/// <summary>A named part of the world in which something runs.</summary>
/// <param name="Name">The policy's name for it.</param>
/// <param name="Clusters">UIDs of the clusters' <c>kube-system</c> namespaces.</param>
/// <param name="Namespaces">Namespaces in them; <c>*</c> alone is all.</param>
public sealed record DeploymentEnvironment(string Name, ImmutableArray<string> Clusters, ImmutableArray<string> Namespaces)
{
    /// <summary>Whether a namespace of a cluster is in it; what is in no namespace never is.</summary>
    public bool Contains(string cluster, string? @namespace) =>
        @namespace is not null && Clusters.Contains(cluster, StringComparer.OrdinalIgnoreCase) && (Namespaces.Contains(@namespace) || Namespaces.Contains("*"));
}

/// <summary>A public key that the policy trusts for whoever it is given to.</summary>
/// <param name="Name">The policy's name for it.</param>
/// <param name="PublicKey">The key itself, already held against its SPKI digest.</param>
/// <param name="ValidFrom">First day, UTC.</param>
/// <param name="ValidUntil">Last day, UTC, to its end.</param>
/// <param name="File">Where the key lies, relative to the policy.</param>
public sealed record TrustedKey(string Name, PublicKey PublicKey, DateOnly? ValidFrom, DateOnly? ValidUntil, string File)
{
    /// <summary>The identity that this key is.</summary>
    public Identity.Key Identity { get; } = new(Digest.FromHash(PublicKey.SpkiSha256.Span));

    /// <summary>Whether the key counts at <paramref name="now"/>; with 60 seconds of tolerance for clocks that differ.</summary>
    public bool IsValidAt(DateTimeOffset now) =>
        (ValidFrom is not { } from || now.UtcDateTime.AddSeconds(60) >= from.ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc))
        && (ValidUntil is not { } until || now.UtcDateTime.AddSeconds(-60) < until.AddDays(1).ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc));
}

/// <summary>Where a rule holds: in one of the namespaces and in one of the environments; an empty list leaves its part open.</summary>
/// <param name="Namespaces">Names of namespaces.</param>
/// <param name="Environments">Names of environments.</param>
public sealed record Scope(ImmutableArray<string> Namespaces, ImmutableArray<string> Environments);

/// <summary>What an image must carry before it may run.</summary>
/// <param name="Path">Where the rule stands, such as <c>artifacts.images[2]</c>.</param>
/// <param name="Match">Patterns over the normalised repository; one must match.</param>
/// <param name="In">Where the rule holds; null is everywhere.</param>
/// <param name="Mode">How strictly; the milder of this and the gate's own mode counts.</param>
/// <param name="Demand">What it asks.</param>
/// <param name="Why">The reason that users are told; null where the rule has none.</param>
public sealed record ImageRule(string Path, ImmutableArray<RepositoryPattern> Match, Scope? In, Mode Mode, ImageDemand Demand, string? Why);

/// <summary>What an image rule asks: evidence, or a fixed verdict.</summary>
public abstract record ImageDemand
{
    private ImageDemand()
    {
    }

    /// <summary>Every part that is given must hold.</summary>
    public sealed record Require(SignedRequirement? Signed, PinnedRequirement? Pinned) : ImageDemand
    {
        /// <summary>The approval that the image must have; null where none is asked for.</summary>
        public ApprovedRequirement? Approved { get; init; }

        /// <summary>The provenance that the image must have; null where none is asked for.</summary>
        public ProvenanceRequirement? Provenance { get; init; }

        /// <summary>Who must have tagged the release from which the image was built; null where nobody need have.</summary>
        public TaggedRequirement? Tagged { get; init; }

        /// <summary>The review that the commit must have had from which the image was built; null where none is asked for.</summary>
        public ReviewedRequirement? Reviewed { get; init; }
    }

    /// <summary>The rule's own verdict: <see cref="Verdict.Allow"/>, <see cref="Verdict.Warn"/> or <see cref="Verdict.Deny"/>.</summary>
    public sealed record Fixed(Verdict Verdict) : ImageDemand;
}

/// <summary>The image must be signed.</summary>
/// <param name="By">Who may have signed: one of them suffices.</param>
/// <param name="Repository">What the payload may say about where the image lies.</param>
/// <param name="Mirrors">Repositories, besides the image's own, that the payload may name.</param>
public sealed record SignedRequirement(Signers By, SignedRepository Repository, ImmutableArray<RepositoryPattern> Mirrors);

/// <summary>Somebody must have told how the image was built (SLSA provenance v0.2 or v1).</summary>
/// <param name="By">Who may have told it: one of them suffices.</param>
/// <param name="Builder">What the builder's id must be; null: anything.</param>
/// <param name="Source">What the address of the source repository must be; null: anything.</param>
/// <param name="Ref">What the ref of the source must be; null: anything.</param>
/// <param name="Runner">Where it must have run, by the word of the certificate's authority; null: anywhere.</param>
public sealed record ProvenanceRequirement(Signers By, NameMatch? Builder, NameMatch? Source, NameMatch? Ref, string? Runner);

/// <summary>The tag from which the image was built, by its provenance, must be signed.</summary>
/// <param name="By">Which persons may have signed it: one of them suffices.</param>
public sealed record TaggedRequirement(Signers By);

/// <summary>The commit from which the image was built, by its provenance, must have been reviewed.</summary>
/// <param name="By">Which robots may have said so: one of them suffices.</param>
/// <param name="Properties">What must have been said, all of it.</param>
public sealed record ReviewedRequirement(Signers By, ImmutableArray<string> Properties);

/// <summary>The image must be one of these digests.</summary>
public sealed record PinnedRequirement(ImmutableArray<ImageReference> Images);

/// <summary>The image must be approved for the environment in which it is to run.</summary>
/// <param name="Action">The key of the policy's <c>approvals</c>.</param>
/// <param name="Environments">Where the approval is needed; empty is everywhere.</param>
/// <param name="CoversTemplate">Whether the approval must name the pod template too, not only the image.</param>
public sealed record ApprovedRequirement(string Action, ImmutableArray<string> Environments, bool CoversTemplate);

/// <summary>Whose signature a rule accepts; unnamed means refused.</summary>
/// <param name="Names">Robots and people by the policy's names; where a role is named, the people in it.</param>
/// <param name="Role">The role, where the policy named one.</param>
public sealed record Signers(ImmutableArray<string> Names, string? Role)
{
    /// <inheritdoc/>
    public override string ToString() => Role is null ? string.Join(" or ", Names) : $"a person in the role {Role} ({string.Join(" or ", Names)})";
}

/// <summary>What a signed payload that names a repository may name.</summary>
public enum SignedRepository
{
    /// <summary>The image's own normalised repository, or one of the mirrors.</summary>
    Same,

    /// <summary>Any: a signature may have been made for another repository with the same content.</summary>
    Any,
}

/// <summary>What the admission gate is told.</summary>
public sealed record AdmissionSettings
{
    /// <summary>How strictly the gate answers.</summary>
    public Mode Mode { get; init; } = Mode.Enforce;

    /// <summary>Namespaces that are judged and recorded, never blocked.</summary>
    public ImmutableArray<string> AuditedNamespaces { get; init; } = [];

    /// <summary>The gate's own namespace: the only one that may carry the label which keeps it out of the webhook.</summary>
    public string? OwnNamespace { get; init; }

    /// <summary>What an object of an unknown kind gets that looks like a pod template: <see cref="Verdict.Unknown"/>, <see cref="Verdict.Deny"/> or <see cref="Verdict.Warn"/>.</summary>
    public Verdict UnknownKinds { get; init; } = Verdict.Unknown;

    /// <summary>Names of containers that other admission webhooks put into Pods, which an approved template does not hold.</summary>
    public ImmutableArray<string> Sidecars { get; init; } = [];

    /// <summary>Where requests and approvals about objects and sessions wait; null where nothing needs them.</summary>
    public Repository? Statements { get; init; }

    /// <summary>What may be opened into running Pods.</summary>
    public SessionSettings Sessions { get; init; } = new();

    /// <summary>Objects that are approved as a whole; every rule that matches must hold.</summary>
    public ImmutableArray<DeclaredObject> Objects { get; init; } = [];

    /// <summary>Custom resources and where their images stand.</summary>
    public ImmutableArray<CustomResource> CustomResources { get; init; } = [];
}

/// <summary>A custom resource and where its images stand.</summary>
/// <param name="Resource">Plural name and group, such as <c>rollouts.argoproj.io</c>.</param>
/// <param name="Images">Paths to image references; <c>*</c> stands for every element or member, <c>/</c> separates, and within a name <c>~1</c> is <c>/</c> and <c>~0</c> is <c>~</c> (RFC 6901).</param>
public sealed record CustomResource(string Resource, ImmutableArray<string> Images);
