using System.Collections.Immutable;
using System.Globalization;
using Governance.Gates.Images;

namespace Governance.Gates.Policies;

/// <summary>Tells in words which image rule would decide about an image, and what it asks; it looks at no evidence.</summary>
public static class PolicyExplanation
{
    private enum Holds
    {
        No,

        /// <summary>It depends on the namespace, which was not given, or on the cluster.</summary>
        Perhaps,
        Yes,
    }

    /// <summary>Explains what is asked of every image of a repository.</summary>
    /// <param name="policy">The policy.</param>
    /// <param name="repository">The normalised repository.</param>
    /// <param name="namespace">Where the image is to run; null lists the rules for some places that might decide first.</param>
    /// <returns>Lines for people.</returns>
    public static ImmutableArray<string> Explain(Policy policy, Repository repository, string? @namespace)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(repository);
        return Explain(policy, repository, null, @namespace);
    }

    /// <summary>Explains what is asked of one image; a digest is held against the rule's pinned ones.</summary>
    /// <inheritdoc cref="Explain(Policy, Repository, string?)"/>
    public static ImmutableArray<string> Explain(Policy policy, ImageReference image, string? @namespace)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(image);
        return Explain(policy, image.Repository, image.Digest, @namespace);
    }

    private static ImmutableArray<string> Explain(Policy policy, Repository repository, Digest? digest, string? @namespace)
    {
        var lines = ImmutableArray.CreateBuilder<string>();
        lines.Add($"{repository}{(digest is null ? "" : $"@{digest}")} {(@namespace is null ? "in any namespace" : $"in namespace {@namespace}")}, policy {policy.Name} version {policy.Version.ToString(CultureInfo.InvariantCulture)}:");
        if (@namespace is not null && policy.Admission.AuditedNamespaces.Contains(@namespace))
        {
            lines.Add($"namespace {@namespace} is judged and recorded, never blocked (admission.namespaces.audit)");
        }

        if (policy.Signing.PublicLogs == PublicLogs.Refuse)
        {
            lines.Add($"without a key nothing is signed {(policy.Signing.Private.IsEmpty ? "at all" : $"but by {string.Join(", ", policy.Signing.Private)}")} (signing.publicLogs: refuse)");
        }

        foreach (var rule in policy.Images)
        {
            var pattern = rule.Match.FirstOrDefault(candidate => candidate.Matches(repository));
            var holds = pattern is null ? Holds.No : Where(policy, rule.In, @namespace);
            if (holds == Holds.No)
            {
                continue;
            }

            var scope = rule.In is null ? "" : $", {Words(rule.In)}";
            lines.Add($"{rule.Path} {(holds == Holds.Yes ? "decides" : "might decide first")}: '{pattern}' matches{scope}");
            AddDemand(lines, policy, rule, digest);
            if (holds == Holds.Yes)
            {
                return lines.ToImmutable();
            }
        }

        lines.Add("no rule matches: denied");
        return lines.ToImmutable();
    }

    private static Holds Where(Policy policy, Scope? scope, string? @namespace)
    {
        if (scope is null || (scope.Namespaces.IsEmpty && scope.Environments.IsEmpty))
        {
            return Holds.Yes;
        }

        if (@namespace is null)
        {
            return Holds.Perhaps;
        }

        if (!scope.Namespaces.IsEmpty && !scope.Namespaces.Contains(@namespace))
        {
            return Holds.No;
        }

        var possible = scope.Environments.IsEmpty
            || scope.Environments.Any(name => policy.Environments.GetValueOrDefault(name) is { } environment && (environment.Namespaces.Contains("*") || environment.Namespaces.Contains(@namespace)));
        return !possible ? Holds.No : scope.Environments.IsEmpty ? Holds.Yes : Holds.Perhaps;
    }

    private static string Words(Scope scope) => string.Join(
        " and ",
        new[]
        {
            scope.Namespaces.IsEmpty ? null : $"only in the namespaces {string.Join(", ", scope.Namespaces)}",
            scope.Environments.IsEmpty ? null : $"only in the environments {string.Join(", ", scope.Environments)}",
        }.OfType<string>());

    private static void AddDemand(ImmutableArray<string>.Builder lines, Policy policy, ImageRule rule, Digest? digest)
    {
        switch (rule.Demand)
        {
            case ImageDemand.Fixed(var verdict):
                lines.Add($"  verdict: {verdict.ToString().ToLowerInvariant()}, without looking at evidence");
                break;
            case ImageDemand.Require(var signed, var pinned) { Approved: var approved, Provenance: var provenance, Tagged: var tagged, Reviewed: var reviewed }:
                if (approved is not null)
                {
                    AddApproved(lines, policy, approved);
                }

                if (signed is not null)
                {
                    AddSigned(lines, policy, signed);
                }

                if (provenance is not null)
                {
                    AddProvenance(lines, policy, provenance);
                }

                if (tagged is not null)
                {
                    lines.Add($"  the tag that the provenance names must be signed by {tagged.By}");
                    AddSigners(lines, policy, tagged.By);
                }

                if (reviewed is not null)
                {
                    lines.Add($"  the commit that the provenance names must be {string.Join(" and ", reviewed.Properties)}, by the word of {reviewed.By}");
                    AddSigners(lines, policy, reviewed.By);
                }

                if (pinned is not null)
                {
                    AddPinned(lines, pinned, digest);
                }

                break;
        }

        var mode = (Mode)Math.Min((int)rule.Mode, (int)policy.Admission.Mode);
        lines.Add($"  mode: {Word(mode)}{(rule.Mode == policy.Admission.Mode ? "" : $", the milder of the rule's {Word(rule.Mode)} and admission's {Word(policy.Admission.Mode)}")}");
        if (rule.Why is not null)
        {
            lines.Add($"  why: {rule.Why}");
        }
    }

    private static void AddSigned(ImmutableArray<string>.Builder lines, Policy policy, SignedRequirement signed)
    {
        lines.Add($"  must be signed by {signed.By}");
        AddSigners(lines, policy, signed.By);
        lines.Add(signed switch
        {
            { Repository: SignedRepository.Any } => "    the signature may name any repository",
            { Mirrors.IsEmpty: true } => "    the signature must name this repository, or none",
            _ => $"    the signature must name this repository, or one of {string.Join(", ", signed.Mirrors)}, or none",
        });
    }

    private static void AddProvenance(ImmutableArray<string>.Builder lines, Policy policy, ProvenanceRequirement provenance)
    {
        lines.Add($"  how it was built must be told by {provenance.By}{Must("builder", provenance.Builder)}{Must("source", provenance.Source)}{Must("ref", provenance.Ref)}{Must("runner", provenance.Runner)}");
        AddSigners(lines, policy, provenance.By);

        static string Must(string what, object? value) => value is null ? "" : $", {what} {value}";
    }

    private static void AddSigners(ImmutableArray<string>.Builder lines, Policy policy, Signers by)
    {
        foreach (var name in by.Names)
        {
            var (person, robot) = (policy.People.GetValueOrDefault(name), policy.Robots.GetValueOrDefault(name));
            var identities = person?.Identities ?? robot?.Identities ?? [];
            var who = $"    {name}{(person is null ? "" : $" ({Days(person.From, person.Until)})")}";
            string[] ways =
            [
                .. policy.Keys.Values.Where(key => identities.Contains(key.Identity)).OrderBy(key => key.Name, StringComparer.Ordinal).Select(key => $"{who}: key {key.Name}, {key.Identity.Spki}, valid {Days(key.ValidFrom, key.ValidUntil)}"),
                .. identities.OfType<Identities.Identity.OidcSubject>().Select(subject => $"{who}: {subject.Subject} by {subject.Issuer}, by the word of {policy.Sigstore?.Source}"),
                .. robot is null ? [] : robot.Oidc.Select(binding => $"{who}: {binding}, by the word of {policy.Sigstore?.Source}"),
            ];
            lines.AddRange(ways is [] ? [$"    {name}: no key, cannot sign"] : ways);
        }
    }

    private static void AddApproved(ImmutableArray<string>.Builder lines, Policy policy, ApprovedRequirement approved)
    {
        var rule = policy.Approvals[approved.Action];
        lines.Add($"  must be approved as {approved.Action}{(approved.Environments.IsEmpty ? "" : $" in {string.Join(" and ", approved.Environments)}")}, {(approved.CoversTemplate ? "image and pod template" : "the image")}");
        foreach (var slot in rule.Require)
        {
            lines.Add($"    {slot}: {string.Join(", ", policy.Roles[slot.Role].People)}");
        }

        lines.Add($"    to be used within {Words(rule.UseBy)}{(rule.RunUntil is { } end ? $", and running until {Words(end)} after it was given" : "")}{(rule.MaxUses is { } most ? $", at most {most.ToString(CultureInfo.InvariantCulture)} times" : "")}");
    }

    private static string Words(TimeSpan time) => time.TotalDays >= 1 && time.Ticks % TimeSpan.TicksPerDay == 0
        ? $"{time.TotalDays:0} days"
        : time.TotalHours >= 1 && time.Ticks % TimeSpan.TicksPerHour == 0 ? $"{time.TotalHours:0} h" : $"{time.TotalMinutes:0.##} min";

    private static void AddPinned(ImmutableArray<string>.Builder lines, PinnedRequirement pinned, Digest? digest)
    {
        lines.Add(digest is null
            ? "  must be one of these:"
            : $"  must be one of these, and {(pinned.Images.Any(image => image.Digest == digest) ? "is" : "is not")}:");
        lines.AddRange(pinned.Images.Select(image => $"    {image}"));
    }

    private static string Days(DateOnly? from, DateOnly? until) => (from, until) switch
    {
        (null, null) => "always",
        ({ } first, null) => $"from {Day(first)}",
        (null, { } last) => $"until {Day(last)}",
        ({ } first, { } last) => $"from {Day(first)} until {Day(last)}",
    };

    private static string Day(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string Word(Mode mode) => mode.ToString().ToLowerInvariant();
}
