using System.Collections.Immutable;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Policies;

/// <summary>What an image rule asks of the source that was built: that its tag was signed and its commit reviewed, by others than those who build.</summary>
internal sealed class SourceRules(PartyRules parties, PolicyMistakes mistakes)
{
    // As many parts as an address has with owner and repository.
    private const int OwnerAndRepository = 5;

    private static readonly ImmutableArray<string> Properties = ["SLSA_SOURCE_TWO_PARTY_REVIEWED", "ORG_SOURCE_POLICY_ALLOWED"];

    private readonly HashSet<string> builders = new(StringComparer.Ordinal);
    private readonly List<PolicyNode> reviewers = [];

    /// <summary>Takes note of who may sign images or tell how they were built.</summary>
    public void Build(Signers? by) => builders.UnionWith(by?.Names ?? []);

    /// <summary>Who must have tagged what was built.</summary>
    public TaggedRequirement? ReadTagged(PolicyNode require, ProvenanceRequirement? provenance)
    {
        if (require["tagged"] is not { } node)
        {
            return null;
        }

        var by = parties.ReadSigners(node["by"]);
        CheckJoin(node, "tagged", provenance);
        foreach (var name in node["by"]?.Sound.Where(name => parties.IsNamed("robots", name.Text)) ?? [])
        {
            mistakes.Add(name, $"'{name.Text}' is a robot, and a release is tagged by a person", "name people, or write by: { role: NAME }");
        }

        return new(by);
    }

    /// <summary>Who must have said what of the commit that was built.</summary>
    public ReviewedRequirement? ReadReviewed(PolicyNode require, ProvenanceRequirement? provenance)
    {
        if (require["reviewed"] is not { } node)
        {
            return null;
        }

        var by = parties.ReadSigners(node["by"]);
        CheckJoin(node, "reviewed", provenance);
        foreach (var name in node["by"]?.Sound ?? [])
        {
            if (parties.IsNamed("people", name.Text))
            {
                mistakes.Add(name, $"'{name.Text}' is a person, and a robot of the control repository says what was reviewed", "name the robot");
            }
            else if (provenance?.Source is { } source && LivesIn(name.Text, source) is { } subject)
            {
                mistakes.Add(name, $"'{name.Text}' is {subject}, a workflow of the repository whose commits it would vouch for: whoever can change that can change it", "let a workflow of another repository sign, which only the reviewers of reviewers can change");
            }

            else if (parties.Robots.GetValueOrDefault(name.Text)?.Oidc.FirstOrDefault(binding => binding.RepositoryId is null && OidcRules.IsOfGitHub(binding.Issuer)) is { } loose)
            {
                mistakes.Add(name, $"'{name.Text}' is {loose.Subject}, whichever repository calls it: where that workflow may be called, whoever calls it says what was reviewed", "add repositoryId to the robot: gh api repos/OWNER/NAME --jq .id");
            }

            reviewers.Add(name);
        }

        var properties = node.Words("properties");
        return new(by, properties.IsEmpty ? Properties : properties);
    }

    /// <summary>Holds those who review against all who build, whichever rule names them.</summary>
    public void Check()
    {
        foreach (var name in reviewers.Where(name => builders.Contains(name.Text)))
        {
            mistakes.Add(name, $"'{name.Text}' can sign images or tell how they were built, and say that their source was reviewed", "let another robot review");
        }
    }

    // Provenance alone says which commit of which repository an image is.
    private void CheckJoin(PolicyNode node, string what, ProvenanceRequirement? provenance)
    {
        if (provenance is null)
        {
            mistakes.Add(node, $"'{what}' is about the source, and nothing says which source that is", "add provenance with its source");
        }
        else if (provenance.Source is null)
        {
            mistakes.Add(node, $"'{what}' is about the source, and the provenance may name any repository", "add source to provenance");
        }
    }

    // A workflow's subject is scheme://host/owner/repository/…, with groups below owners on some forges; forges take them for the same in any case.
    private string? LivesIn(string robot, NameMatch source)
    {
        foreach (var subject in parties.Robots.GetValueOrDefault(robot)?.Oidc.Select(binding => binding.Subject) ?? [])
        {
            var parts = subject.Text.Split('/');
            if (parts is [_, "", _, _, _, _, ..] && Enumerable.Range(OwnerAndRepository, parts.Length - OwnerAndRepository).Any(length => Lower(string.Join('/', parts[..length]), subject.IsPattern).Overlaps(Lower(source.Text, source.IsPattern))))
            {
                return subject.Text;
            }
        }

        return null;

        static NameMatch Lower(string text, bool isPattern) => isPattern ? NameMatch.Like(text.ToLowerInvariant()) : NameMatch.Exactly(text.ToLowerInvariant());
    }
}
