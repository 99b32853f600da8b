using System.Collections.Immutable;
using Governance.Gates.Identities;
using Governance.Gates.Images;

namespace Governance.Gates.Policies;

/// <summary>Who must agree to what: that each quorum can be reached, whoever of its people asks.</summary>
internal sealed class ApprovalRules
{
    // More people than this in one quorum is a mistake, and the check that it can be reached stays small.
    private const long MostPeople = 64;
    private readonly PartyRules parties;
    private readonly PolicyMistakes mistakes;
    private readonly PolicyNode? section;

    private ApprovalRules(PolicyNode? spec, PartyRules parties, PolicyMistakes mistakes)
    {
        this.parties = parties;
        this.mistakes = mistakes;
        section = spec?.Find("approvals");
    }

    public ImmutableDictionary<string, ApprovalRule> Rules { get; private set; } = ImmutableDictionary<string, ApprovalRule>.Empty;

    public RevocationSource? Revocations { get; private set; }

    public ApprovalRule? LedgerRecovery { get; private set; }

    public static ApprovalRules Read(PolicyNode? spec, PartyRules parties, PolicyMistakes mistakes)
    {
        var rules = new ApprovalRules(spec, parties, mistakes);
        rules.Rules = PartyRules.Entries(spec?["approvals"]).Where(entry => !entry.Node.Refused).ToImmutableDictionary(entry => entry.Name, entry => rules.ReadRule(entry.Name, entry.Node));
        rules.Revocations = rules.ReadRevocations(spec?["trust"]?["revocations"]);
        rules.LedgerRecovery = spec?["ledger"]?["recover"]?["action"] is { } recovery && rules.IsAction(recovery) ? rules.Rules.GetValueOrDefault(recovery.Text) : null;
        foreach (var (name, node) in PartyRules.Entries(spec?["approvals"]).Where(entry => SessionSettings.Actions.Contains(entry.Name)))
        {
            mistakes.AddAtKey(node, $"'{name}' is the action of a session, and admission.sessions says who agrees to it", "choose another name");
        }

        if (spec?["approvals"] is { } approvals && approvals.Find(ApprovalRule.PolicyChange) is null)
        {
            mistakes.Warn(approvals, "nobody has to agree to a change of this policy, and whoever changes it decides who approves", $"add {ApprovalRule.PolicyChange}");
        }

        return rules;
    }

    /// <summary>What an image rule asks for, held against who may sign the image itself or tell how it was built.</summary>
    public ApprovedRequirement ReadRequirement(PolicyNode node, params ReadOnlySpan<Signers?> builders)
    {
        var action = node["action"];
        if (action is not null)
        {
            IsAction(action);
        }

        foreach (var environment in node["in"]?["environments"]?.Sound ?? [])
        {
            parties.Check(environment, "environment", "environments");
        }

        // Four eyes: who builds or signs must not be able to approve it too.
        var named = builders.ToArray().OfType<Signers>().SelectMany(signers => signers.Names).ToHashSet(StringComparer.Ordinal);
        if (action is not null && Rules.GetValueOrDefault(action.Text) is { } rule)
        {
            foreach (var both in rule.Require.SelectMany(slot => People(slot.Role)).Distinct().Where(named.Contains).Order(StringComparer.Ordinal))
            {
                mistakes.Add(action, $"'{both}' can sign the image and approve it", "let a robot sign, or take them out of one of the two");
            }
        }

        var covers = node.Words("covers");
        return new(action?.Text ?? "", node["in"]?.Words("environments") ?? [], covers.Contains("template"));
    }

    /// <summary>Who must agree to an action.</summary>
    /// <param name="action">Its name.</param>
    /// <param name="node">The mapping with the quorum.</param>
    /// <param name="useBy">How long it may be used, where the mapping does not say so itself.</param>
    public ApprovalRule ReadRule(string action, PolicyNode node, TimeSpan useBy = default)
    {
        var require = ImmutableArray.CreateBuilder<RoleCount>();
        foreach (var slot in node["require"]?.Sound ?? [])
        {
            if (slot["role"] is not { } role || slot["count"] is not { } count || !parties.Check(role, "role", "roles"))
            {
                continue;
            }

            if (count.Number() > MostPeople)
            {
                mistakes.Add(count, $"a quorum of {count.Text} people is more than {MostPeople}", "ask for fewer");
            }
            else if (require.Any(other => other.Role == role.Text))
            {
                mistakes.Add(role, $"the role '{role.Text}' stands twice", "add up the counts");
            }
            else
            {
                require.Add(new(role.Text, (int)count.Number()));
            }
        }

        var rule = new ApprovalRule(action, require.ToImmutable(), node["useBy"]?.Duration() ?? useBy, node["runUntil"]?.Duration(), node["maxUses"]?.Number());
        if (rule.RunUntil < rule.UseBy)
        {
            mistakes.Add(node["runUntil"]!, "what began may end before the right to begin does", "make runUntil at least as long as useBy");
        }

        if (rule.Require.Length > 0 && rule.Require.Length == node["require"]!.Items.Count)
        {
            CheckReachable(node, rule);
        }

        return rule;
    }

    private bool IsAction(PolicyNode action)
    {
        if (section?.Find(action.Text) is not null)
        {
            return true;
        }

        mistakes.Add(
            action,
            $"{PolicyNode.Shown(action.Text)} is no action of this policy",
            StructureCheck.Nearest(action.Text, PartyRules.Entries(section).Select(entry => entry.Name)) is { } near ? $"did you mean '{near}'?" : "add it under spec.approvals");
        return false;
    }

    /// <summary>Tells where a quorum cannot be reached. Requesters never count for what they ask, so one that needs everybody stops whoever of them asks.</summary>
    public void CheckReachable(PolicyNode node, ApprovalRule rule)
    {
        var candidates = rule.Require.SelectMany(slot => People(slot.Role)).Distinct().Where(parties.CanSign).ToImmutableArray();
        if (!IsReachable(rule, candidates))
        {
            mistakes.Add(node, $"the quorum {string.Join(" and ", rule.Require)} cannot be reached by the people who can sign: {string.Join(", ", candidates.Order(StringComparer.Ordinal))}", "add people to the roles, or ask for fewer");
            return;
        }

        var indispensable = candidates.Where(asking => !IsReachable(rule, candidates.Remove(asking))).Order(StringComparer.Ordinal).ToList();
        if (indispensable.Count > 0)
        {
            mistakes.Add(node, $"the quorum {string.Join(" and ", rule.Require)} cannot be reached when {string.Join(" or ", indispensable)} asks, who does not count then", "add a person to the role, or ask for fewer");
        }
    }

    private bool IsReachable(ApprovalRule rule, ImmutableArray<string> candidates) =>
        SlotMatching.Fill(rule.Require.SelectMany(slot => Enumerable.Repeat(candidates.Where(People(slot.Role).Contains).ToImmutableArray(), slot.Count)).ToImmutableArray()).All(person => person is not null);

    private ImmutableArray<string> People(string role) => parties.Roles.GetValueOrDefault(role)?.People ?? [];

    private RevocationSource? ReadRevocations(PolicyNode? node)
    {
        if (node is null)
        {
            return null;
        }

        if (node["from"] is { } from)
        {
            if (from.Text.StartsWith("oci://", StringComparison.Ordinal))
            {
                if (ImageReference.Read(from.Text["oci://".Length..]) is not Reading<ImageReference>.Found({ Digest: null, Tag: null }))
                {
                    mistakes.Add(from, $"{PolicyNode.Shown(from.Text)} names no repository", "write oci:// and registry and repository, without tag and digest");
                }
            }
            else if (from.Text.Split('/').Any(part => part is "" or "." or ".."))
            {
                mistakes.Add(from, $"{PolicyNode.Shown(from.Text)} is not a path below the policy's folder", "write it relative and with /, without '..' and '.'");
            }
        }

        return new(node["from"]?.Text ?? "", node["maxAge"]?.Duration() ?? TimeSpan.Zero, node.Find("by") is null ? WhoMayChangeThePolicy(node) : parties.ReadSigners(node["by"]));
    }

    // Who may change the policy could remove a person or key from it anyway.
    private Signers WhoMayChangeThePolicy(PolicyNode node)
    {
        var people = Rules.GetValueOrDefault(ApprovalRule.PolicyChange)?.Require.SelectMany(slot => People(slot.Role)).Distinct().ToImmutableArray() ?? [];
        if (people.IsEmpty && section?.Find(ApprovalRule.PolicyChange) is null)
        {
            mistakes.Add(node, $"nobody is named who may sign the list, and no approvals.{ApprovalRule.PolicyChange} says who may change the policy", "add by:");
        }

        return new(people, null);
    }
}
