using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Clients.Revocations;
using Governance.Gates.Evidence;
using Governance.Gates.Images;
using Governance.Gates.Policies;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates verify</c>: is this image signed, by keys or by a policy?</summary>
internal sealed class VerifyCommand
{
    private readonly Argument<Reading<ImageLocation>> image = ImageArguments.Location();
    private readonly Option<string[]> keys = new("--key") { Arity = ArgumentArity.OneOrMore, Description = "A public key, PEM. Where several are given, one of them suffices.", HelpName = "FILE" };
    private readonly Option<string?> type = new("--type") { Description = "Ask for a verified attestation of this predicate type (a URI, or cosign's word such as slsaprovenance1) instead of a signature.", HelpName = "PREDICATE" };
    private readonly Option<string> repository = new Option<string>("--repository") { Description = "What a signature that names a repository may name: the image's own, which is the default, or any." }.OneOf("same", "any");
    private readonly Option<string?> policyFile = new("--policy") { Description = "The policy that decides, instead of keys.", HelpName = "FILE" };
    private readonly Option<string?> @namespace = new("--namespace") { Description = "With --policy: where the image is to run." };
    private readonly Option<string?> cluster = new("--cluster-uid") { Description = "With --policy: UID of the cluster's kube-system namespace, where rules name environments.", HelpName = "UID" };
    private readonly Option<Repository?> standsFor = ImageArguments.As();
    private readonly RegistryArguments registries = new();
    private readonly Option<string> form = Report.OutputOption();

    private VerifyCommand()
    {
    }

    public static Command Create(Terminal terminal)
    {
        var verb = new VerifyCommand();
        var command = new Command("verify", "Verifies what is attached to an image. Examples: gates verify registry.example.com/app:v1 --key cosign.pub; gates verify oci:build/image --policy governance.yaml --as registry.example.com/app --namespace trading")
        {
            verb.image, verb.keys, verb.type, verb.repository, verb.policyFile, verb.@namespace, verb.cluster, verb.standsFor,
        };
        foreach (var option in verb.registries.ForReading)
        {
            command.Add(option);
        }

        command.Add(verb.form);
        command.Validators.Add(verb.Validate);
        command.SetAction((parsed, cancellation) => verb.RunAsync(parsed, terminal, cancellation));
        return command;
    }

    private void Validate(CommandResult result)
    {
        var (byKeys, byPolicy, inLayout) = (result.IsGiven(keys), result.IsGiven(policyFile), result.Location(image) is ImageLocation.Layout);
        (bool Wrong, string Why)[] rules =
        [
            (byKeys == byPolicy, "give either --key or --policy"),
            (byPolicy && (result.IsGiven(type) || result.IsGiven(repository)), "--type and --repository go with --key; a policy says what it asks for"),
            (!byPolicy && (result.IsGiven(@namespace) || result.IsGiven(cluster)), "--namespace and --cluster-uid go with --policy"),
            (result.IsGiven(type) && result.IsGiven(repository), "--repository is about signatures; leave it out with --type"),
            (result.GetResult(type) is { Tokens: [var token] } && PredicateTypeName.Resolve(token.Value) is null, "--type is a URI, or one of slsaprovenance slsaprovenance1 cyclonedx spdx link vuln openvex custom"),
            (result.IsGiven(standsFor) && !inLayout, "--as goes with an oci: layout; a registry's image lies in its own repository"),
            (result.IsGiven(registries.Layout) && inLayout, "--layout stands in for registries; the image already names a layout"),
            (byPolicy && inLayout && !result.IsGiven(standsFor), "a policy decides by repository: say which one the layout stands for with --as REPOSITORY"),
            (inLayout && !result.IsGiven(standsFor) && result.GetResult(repository) is { Tokens: [{ Value: "same" }] }, "the repository of a layout is not known: add --as REPOSITORY for --repository same"),
        ];
        foreach (var (wrong, why) in rules)
        {
            if (wrong)
            {
                result.AddError(why);
            }
        }
    }

    private async Task<int> RunAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        var location = parsed.Location(image);
        var stands = parsed.GetValue(standsFor);
        var written = parsed.GetValue(policyFile);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var asking = Task.Run(() => AskAsync(registries.Open(parsed, location, terminal.Clock), location, stands, written is null, terminal, ending.Token), cancellation);
        Policy policy;
        try
        {
            policy = written is not null ? PolicyFile.Load(written).Policy : FromKeys(parsed, location, stands);
        }
        catch (GateException)
        {
            await ending.CancelAsync();
            await ((Task)asking).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }

        var found = await asking;
        using var connections = (found as Reading<ImageTarget>.Found)?.Value.Registry as IDisposable;
        var answer = found switch
        {
            Reading<ImageTarget>.Unread(var reason) => new Verification(location.ToString(), null, Decision.Unknown(reason), null),
            Reading<ImageTarget>.Found(var target) when written is not null => await ByPolicyAsync(target, written, policy, new(parsed.GetValue(@namespace), parsed.GetValue(cluster)), terminal, cancellation),
            Reading<ImageTarget>.Found(var target) => await ByKeysAsync(target, policy, parsed.GetValue(type), terminal, cancellation),
            _ => throw new UnreachableException(),
        };
        ImmutableArray<Fact> remarks = written is null && parsed.GetValue(type) is null && stands is null && location is ImageLocation.Layout
            ? [new("remark", "the repository of a layout is not known, so a signature may name any; --as REPOSITORY says which it must name")]
            : [];
        return await answer.ToReport(written is null ? null : (written, policy), remarks).WriteAsync(terminal, parsed.GetRequiredValue(form));
    }

    // The registry is asked while policy or keys are read: in so short a run, starting the one takes as long as starting the other.
    private static async Task<Reading<ImageTarget>> AskAsync(IRegistry registry, ImageLocation location, Repository? stands, bool needsEvidence, Terminal terminal, CancellationToken cancellation)
    {
        var found = await ImageTarget.ResolveAsync(registry, location, stands, terminal, cancellation);
        if (needsEvidence && found is Reading<ImageTarget>.Found(var target))
        {
            target.BeginReading(cancellation);
        }

        return found;
    }

    private Policy FromKeys(ParseResult parsed, ImageLocation location, Repository? stands)
    {
        var any = parsed.GetValue(repository) == "any" || (location is ImageLocation.Layout && stands is null);
        var trusted = parsed.GetValue(keys)!.Select(file => new TrustedKey(
            file,
            TrustFile.ReadKey(file),
            null,
            null,
            file));
        return KeyCheck.PolicyOf(trusted, any ? SignedRepository.Any : SignedRepository.Same);
    }

    private static async Task<Verification> ByKeysAsync(ImageTarget target, Policy policy, string? type, Terminal terminal, CancellationToken cancellation)
    {
        var claims = await target.VerifyAsync(new TrustedSigners(policy), terminal, cancellation);
        var decision = type is null
            ? KeyCheck.DecideSigned(target.Subject, claims, policy, terminal.Clock.GetUtcNow())
            : KeyCheck.DecideAttested(target.Subject, claims, PredicateTypeName.Resolve(type)!);
        return new(target.Location.ToString(), target, decision, claims);
    }

    private static async Task<Verification> ByPolicyAsync(ImageTarget target, string file, Policy policy, Place place, Terminal terminal, CancellationToken cancellation)
    {
        switch (ImageGate.Rule(ImageReference.At(target.Subject.Repository, target.Subject.Digest).ToString(), place, policy))
        {
            case ImageRuling.NeedsEvidence ruling:
                var claims = await target.VerifyAsync(new TrustedSigners(policy), terminal, cancellation);
                var now = terminal.Clock.GetUtcNow();
                using (var revocations = new RevocationFeed(Path.GetDirectoryName(Path.GetFullPath(file))!, target.Registry))
                {
                    var circumstances = new Circumstances(now) { Revocations = await revocations.CurrentAsync(policy, now, cancellation) };
                    return new(target.Location.ToString(), target, ImageGate.Decide(ruling, claims, policy, circumstances).Decision, claims);
                }

            case ImageRuling.Settled(var decision, _):
                return new(target.Location.ToString(), target, decision, null);
            default:
                throw new UnreachableException();
        }
    }
}
