using System.Collections.Immutable;
using Governance.Gates.Images;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Policies;

/// <summary>The image rules: that each can match and be satisfied, and that none stands behind one that always decides first.</summary>
internal sealed class ImageRules
{
    /// <summary>How many patterns a policy has in all: each is held against every earlier one.</summary>
    private const int MostPatterns = 1024;

    private const int MostMatchCharacters = 1024;

    private readonly PartyRules parties;
    private readonly ApprovalRules approvals;
    private readonly PolicyMistakes mistakes;
    private readonly SourceRules sources;
    private int patterns;

    private ImageRules(PartyRules parties, ApprovalRules approvals, PolicyMistakes mistakes)
    {
        this.parties = parties;
        this.approvals = approvals;
        this.mistakes = mistakes;
        sources = new(parties, mistakes);
    }

    public static ImmutableArray<ImageRule> Read(PolicyNode? spec, PartyRules parties, ApprovalRules approvals, PolicyMistakes mistakes)
    {
        if (spec is not null && spec.Find("artifacts")?.Find("images") is null)
        {
            mistakes.Warn(spec, "there are no image rules, so every image is denied", "add artifacts.images");
        }

        var rules = new ImageRules(parties, approvals, mistakes);
        var read = new List<(PolicyNode Node, ImageRule Rule)>();
        foreach (var node in spec?["artifacts"]?["images"]?.Items ?? [])
        {
            if (node.Kind == NodeKind.Mapping && !node.Refused)
            {
                read.Add((node, rules.ReadRule(node)));
            }
        }

        rules.sources.Check();
        for (var i = 1; i < read.Count; i++)
        {
            rules.CheckReachable(read[i].Node, read[i].Rule, read.Take(i).Select(earlier => earlier.Rule));
        }

        return [.. read.Select(entry => entry.Rule)];
    }

    private ImageRule ReadRule(PolicyNode node)
    {
        var match = ReadPatterns(node["match"]);
        var mode = ReadMode(node["mode"]);
        var scope = node["in"] is { } place ? ReadScope(place) : null;
        ImageDemand demand = node["require"] is { } require ? ReadRequire(require, match) : new ImageDemand.Fixed(ReadVerdict(node["verdict"]));
        if (node["verdict"] is { Text: "allow" or "warn" } verdict)
        {
            if (node.Find("why") is null)
            {
                mistakes.Add(verdict, $"'verdict: {verdict.Text}' lets images pass without evidence and has no 'why'", "add why: and the reason");
            }

            if (verdict.Text == "allow" && mode == Mode.Enforce && scope is null && match.FirstOrDefault(pattern => pattern.Text == "**") is not null)
            {
                mistakes.Warn(node, "this rule allows every image that no earlier rule decides, everywhere", "narrow 'match' or 'in', or use verdict: warn");
            }
        }

        // The path as users see it in reasons: below 'spec', which says nothing.
        return new(node.Path["spec.".Length..], match, scope, mode, demand, node["why"]?.Text);
    }

    public static Mode ReadMode(PolicyNode? mode) => mode?.Text switch
    {
        "audit" => Mode.Audit,
        "warn" => Mode.Warn,
        _ => Mode.Enforce,
    };

    private static Verdict ReadVerdict(PolicyNode? verdict) => verdict?.Text switch
    {
        "allow" => Verdict.Allow,
        "warn" => Verdict.Warn,
        _ => Verdict.Deny,
    };

    private ImmutableArray<RepositoryPattern> ReadPatterns(PolicyNode? list)
    {
        var read = ImmutableArray.CreateBuilder<RepositoryPattern>();
        foreach (var item in list?.Sound ?? [])
        {
            if (patterns == MostPatterns)
            {
                mistakes.Add(item, $"the policy has more than {MostPatterns} repository patterns", "join some with * or **");
            }

            if (++patterns > MostPatterns)
            {
                break;
            }

            if (RepositoryPattern.TryParse(item.Text, out var mistake) is not { } pattern)
            {
                mistakes.Add(item, $"{PolicyNode.Shown(item.Text)} is no repository pattern: {mistake}", "write it as in registry.example.com/team/**");
            }
            else if (pattern.WhyNeverMatches() is { } never)
            {
                mistakes.Add(item, $"{PolicyNode.Shown(item.Text)} matches no image: {never}", "write the normalised repository, as in docker.io/library/nginx");
            }
            else
            {
                read.Add(pattern);
            }
        }

        return read.ToImmutable();
    }

    private Scope ReadScope(PolicyNode scope)
    {
        foreach (var environment in scope["environments"]?.Sound ?? [])
        {
            parties.Check(environment, "environment", "environments");
        }

        return new(scope.Words("namespaces"), scope.Words("environments"));
    }

    private ImageDemand.Require ReadRequire(PolicyNode require, ImmutableArray<RepositoryPattern> match)
    {
        var signed = require["signed"] is { } node
            ? new SignedRequirement(parties.ReadSigners(node["by"]), node["repository"]?.Text == "any" ? SignedRepository.Any : SignedRepository.Same, ReadPatterns(node["mirrors"]))
            : null;
        if (signed is { Repository: SignedRepository.Any } && require["signed"]!["mirrors"] is { } mirrors)
        {
            mistakes.Add(mirrors, "'repository: any' already accepts every repository that 'mirrors' could name", "remove one of them");
        }

        var provenance = require["provenance"] is { } built ? ReadProvenance(built) : null;
        sources.Build(signed?.By);
        sources.Build(provenance?.By);
        return new(signed, require["pinned"] is { } pinned ? new(ReadPinned(pinned, match)) : null)
        {
            Provenance = provenance,
            Tagged = sources.ReadTagged(require, provenance),
            Reviewed = sources.ReadReviewed(require, provenance),
            Approved = require["approved"] is { } approved ? approvals.ReadRequirement(approved, signed?.By, provenance?.By) : null,
        };
    }

    private ProvenanceRequirement ReadProvenance(PolicyNode node)
    {
        var by = parties.ReadSigners(node["by"]);
        if (node["runner"] is { } runner && by.Names.Length > 0 && !by.Names.Any(parties.HasSubject))
        {
            mistakes.Add(runner, "only a certificate says where something ran, and none of those who may sign has 'oidc'", "name a robot with oidc, or remove runner");
        }

        return new(by, ReadMatch(node["builder"]), ReadMatch(node["source"]), ReadMatch(node["ref"]), node["runner"]?.Text);
    }

    private NameMatch? ReadMatch(PolicyNode? node)
    {
        if (node?.Text.Length > MostMatchCharacters)
        {
            mistakes.Add(node, $"it has {node.Text.Length} characters, more than {MostMatchCharacters}", "shorten it");
        }

        return node is null ? null : node.Text.Contains('*', StringComparison.Ordinal) ? NameMatch.Like(node.Text) : NameMatch.Exactly(node.Text);
    }

    private ImmutableArray<ImageReference> ReadPinned(PolicyNode list, ImmutableArray<RepositoryPattern> match)
    {
        var images = ImmutableArray.CreateBuilder<ImageReference>();
        foreach (var item in list.Sound)
        {
            switch (ImageReference.Read(item.Text))
            {
                case Reading<ImageReference>.Unread(var reason):
                    mistakes.Add(item, reason.Message, reason.Remedy);
                    break;
                case Reading<ImageReference>.Found({ Digest: null }):
                    mistakes.Add(item, $"{PolicyNode.Shown(item.Text)} has no digest, and a tag can be moved", "add @sha256: and the digest");
                    break;
                case Reading<ImageReference>.Found(var image):
                    if (match.Length > 0 && !match.Any(pattern => pattern.Matches(image.Repository)))
                    {
                        mistakes.Add(item, $"{image.Repository} is matched by none of this rule's patterns", "correct one of the two");
                    }

                    images.Add(image);
                    break;
            }
        }

        return images.ToImmutable();
    }

    private void CheckReachable(PolicyNode node, ImageRule rule, IEnumerable<ImageRule> earlier)
    {
        // A pattern that was refused stands for something unknown: nothing can be said about its rule.
        if (rule.Match.Length == 0 || rule.Match.Length != node["match"]!.Items.Count)
        {
            return;
        }

        var before = earlier.Where(other => other.In is null || AreSame(other.In, rule.In)).ToList();
        var first = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var pattern in rule.Match)
        {
            if (before.Find(other => other.Match.Any(wider => wider.Covers(pattern))) is not { } decider)
            {
                return;
            }

            first.Add(decider.Path);
        }

        mistakes.Add(node, $"this rule never decides: {string.Join(" and ", first)} matches everything that it does, and stands before it", "move it up, or remove it");
    }

    private static bool AreSame(Scope left, Scope? right) =>
        right is not null
        && left.Namespaces.ToHashSet(StringComparer.Ordinal).SetEquals(right.Namespaces)
        && left.Environments.ToHashSet(StringComparer.Ordinal).SetEquals(right.Environments);
}
