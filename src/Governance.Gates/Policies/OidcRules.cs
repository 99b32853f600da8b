using System.Collections.Immutable;
using Governance.Gates.Identities;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Policies;

/// <summary>The subjects that act for robots and people: that each acts for one only, and that nobody else can come to bear its name.</summary>
internal sealed class OidcRules(PolicyMistakes mistakes)
{
    private const string GitHubActions = "https://token.actions.githubusercontent.com";

    // Each is held against every earlier one, and two patterns by the product of their lengths.
    private const int Most = 256;
    private const int LongestPattern = 256;

    private readonly List<(string Holder, OidcBinding Binding)> known = [];
    private int looked;
    private bool isFull;

    /// <summary>The subjects that act for a person, each exactly one.</summary>
    public IEnumerable<Identity> ReadPerson(string holder, PolicyNode person)
    {
        foreach (var node in person["oidc"]?.Sound ?? [])
        {
            if (node["issuer"] is not { } issuer || node["subject"] is not { } subject)
            {
                continue;
            }

            if (subject.Text.Contains('*', StringComparison.Ordinal))
            {
                mistakes.Add(subject, $"{PolicyNode.Shown(subject.Text)} is a pattern, and a person is one subject", "write the subject as the issuer writes it");
            }
            else if (IsOfGitHub(issuer.Text))
            {
                mistakes.Add(issuer, "workflows sign by this issuer: whoever may change one would be this person", "name the workflow under robots");
            }
            else if (!IsOfPerson(subject.Text))
            {
                mistakes.Add(subject, $"{PolicyNode.Shown(subject.Text)} is no name that people are certified under, but one of a workflow, a workload or a service account: whoever may change it would be this person", "write the person's e-mail address, or user name and domain as in ann!example.com, and name what else signs under robots");
            }
            else if (Take(holder, subject, new(issuer.Text, NameMatch.Exactly(subject.Text), null, null, null)))
            {
                yield return new Identity.OidcSubject(issuer.Text, subject.Text);
            }
        }
    }

    // Fulcio certifies people by address, or by name!domain where an issuer has only user names. Every kind of workflow and workload has a URI
    // (GitLab, Buildkite, Codefresh, Kubernetes, SPIFFE, …), but for Google's service accounts, which have addresses.
    private static bool IsOfPerson(string subject) =>
        subject.AsSpan().ContainsAny('@', '!') && !subject.AsSpan().ContainsAny('/', ':') && !subject.EndsWith(".gserviceaccount.com", StringComparison.OrdinalIgnoreCase);

    /// <summary>The subjects that act for a robot.</summary>
    public ImmutableArray<OidcBinding> ReadRobot(string holder, PolicyNode robot)
    {
        var read = ImmutableArray.CreateBuilder<OidcBinding>();
        foreach (var node in robot["oidc"]?.Sound ?? [])
        {
            if (node["issuer"] is not { } issuer || node["subject"] is not { } subject || !IsSound(subject))
            {
                continue;
            }

            var isPattern = subject.Text.Contains('*', StringComparison.Ordinal);
            var binding = new OidcBinding(issuer.Text, isPattern ? NameMatch.Like(subject.Text) : NameMatch.Exactly(subject.Text), node["repositoryId"]?.Number(), node["ownerId"]?.Number(), node["runner"]?.Text);
            CheckReach(robot, node, subject, binding);
            if (Take(holder, subject, binding))
            {
                read.Add(binding);
            }
        }

        return read.ToImmutable();
    }

    private bool IsSound(PolicyNode subject)
    {
        if (!subject.Text.Contains('*', StringComparison.Ordinal))
        {
            return true;
        }

        if (subject.Text.Length > LongestPattern)
        {
            mistakes.Add(subject, $"the pattern has {subject.Text.Length} characters, more than {LongestPattern}", "shorten it");
            return false;
        }

        // scheme://host/…: whoever may choose the host is anybody. Without a scheme it is an address, and whoever may choose its name is any of its users.
        var parts = subject.Text.Split('/');
        if (parts is not [_, "", _, _, ..] || parts[0].Contains('*', StringComparison.Ordinal) || parts[2].Contains('*', StringComparison.Ordinal))
        {
            mistakes.Add(subject, $"{PolicyNode.Shown(subject.Text)} leaves open whose subject it is", "write scheme and host out; '*' stands for part of the path, as in https://github.com/example/app/.github/workflows/release.yml@refs/tags/v*");
            return false;
        }

        return true;
    }

    /// <summary>Whether workflows of GitHub sign by the word of this issuer; GitHub documentation, "OpenID Connect reference", customizing the issuer value for an enterprise.</summary>
    public static bool IsOfGitHub(string issuer) => issuer == GitHubActions || issuer.StartsWith($"{GitHubActions}/", StringComparison.Ordinal);

    private void CheckReach(PolicyNode robot, PolicyNode node, PolicyNode subject, OidcBinding binding)
    {
        // scheme://host/owner/…@ref. A pattern without the '@' leaves it, and what follows, to a star.
        var text = binding.Subject.Text;
        if (binding.Subject.IsPattern && text.AsSpan(Math.Max(0, text.IndexOf('@', StringComparison.Ordinal))).Contains('*') && robot.Find("why") is null)
        {
            mistakes.Add(subject, $"{PolicyNode.Shown(text)} is bound to every branch or tag of that form: whoever may push one there signs as this robot", "add why: and what keeps others from pushing one, or name one ref");
        }

        if (binding.RepositoryId is not null)
        {
            return;
        }

        // The name is the workflow's; the ids are those of the repository that called it. So an owner's id keeps no stranger's workflow out.
        if (binding.Subject.IsPattern && text.Split('/') is [_, _, _, var owner, ..] && owner.Contains('*', StringComparison.Ordinal))
        {
            mistakes.Add(subject, $"{PolicyNode.Shown(text)} is a workflow of any owner, and anybody can make one", "write the owner out, or add repositoryId");
        }
        else if (IsOfGitHub(binding.Issuer))
        {
            mistakes.Warn(node, "a workflow that others may call signs for each repository that calls it, and a repository's name can pass to somebody else; its id cannot", "add repositoryId: gh api repos/OWNER/NAME --jq .id");
        }
    }

    // Only so can whoever signed be told, and those who build be kept apart from those who approve.
    private bool Take(string holder, PolicyNode at, OidcBinding binding)
    {
        // Counted where it is looked at: what clashes costs as much as what is taken.
        if (looked++ >= Most)
        {
            if (!isFull)
            {
                mistakes.Add(at, $"the policy has more than {Most} OIDC subjects", "join some in a pattern");
            }

            isFull = true;
            return false;
        }

        if (known.Find(other => other.Binding.Overlaps(binding)) is { Holder: { } other, Binding: var earlier })
        {
            mistakes.Add(at, $"who is {binding} may be {earlier} too, which is given to '{other}'", "one subject acts for one: tell them apart by subject or repositoryId");
            return false;
        }

        known.Add((holder, binding));
        return true;
    }
}
