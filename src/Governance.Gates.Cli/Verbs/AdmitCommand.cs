using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Parsing;
using Governance.Gates.Admission;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Clients.Evidence;
using Governance.Gates.Clients.GateState;
using Governance.Gates.Clients.Kubernetes;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Clients.Revocations;
using Governance.Gates.Policies;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates admit</c>: what would the webhook answer, to manifests or to all that runs?</summary>
internal sealed class AdmitCommand
{
    // Enough to keep the verifications that run at a time busy.
    private const int ObjectsAtOnce = 32;
    private const string DefaultNamespace = "default";
    private readonly Option<string?> manifests = new("--filename", "-f") { Description = "Manifests: a file, a folder, or - for standard input.", HelpName = "FILE|DIR|-" };
    private readonly Option<bool> standing = new("--cluster") { Description = "Judge what stands in a cluster." };
    private readonly Option<string> policyFile = new("--policy") { Description = "The policy that decides.", HelpName = "FILE", Required = true };
    private readonly Option<string?> @namespace = new("--namespace", "-n") { Description = $"With -f: where objects go that do not say; {DefaultNamespace} where nothing is given." };
    private readonly Option<string?> clusterUid = new("--cluster-uid") { Description = "With -f: UID of the cluster's kube-system namespace, where rules name environments.", HelpName = "UID" };
    private readonly Option<string?> kubeconfig = new("--kubeconfig") { Description = "With --cluster: how to reach it; otherwise KUBECONFIG, ~/.kube/config or the pod's service account.", HelpName = "FILE" };
    private readonly Option<string?> context = new("--context") { Description = "With --cluster: the context of the kubeconfig.", HelpName = "NAME" };
    private readonly RegistryArguments registries = new();
    private readonly Option<string> form = Report.OutputOption();

    private AdmitCommand()
    {
    }

    public static Command Create(Terminal terminal)
    {
        var verb = new AdmitCommand();
        var command = new Command("admit", "Judges workloads as the webhook would. Examples: gates admit -f deploy/ --policy governance.yaml; gates admit --cluster --policy governance.yaml --output json")
        {
            verb.manifests, verb.standing, verb.policyFile, verb.@namespace, verb.clusterUid, verb.kubeconfig, verb.context,
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
        var (offline, cluster) = (result.IsGiven(manifests), result.IsGiven(standing));
        (bool Wrong, string Why)[] rules =
        [
            (offline == cluster, "give either -f FILE or --cluster"),
            (cluster && (result.IsGiven(@namespace) || result.IsGiven(clusterUid)), "--namespace and --cluster-uid go with -f; a cluster says both itself"),
            (!cluster && (result.IsGiven(kubeconfig) || result.IsGiven(context)), "--kubeconfig and --context go with --cluster"),
        ];
        foreach (var (_, why) in rules.Where(rule => rule.Wrong))
        {
            result.AddError(why);
        }
    }

    private async Task<int> RunAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        var file = parsed.GetRequiredValue(policyFile);
        var (policy, _) = PolicyFile.Load(file);
        var registry = registries.Open(parsed, null, terminal.Clock);
        using var connections = registry as IDisposable;
        using var claims = new ClaimCache(registry, terminal.Clock);
        using var revocations = new RevocationFeed(Path.GetDirectoryName(Path.GetFullPath(file))!, registry);
        var found = parsed.GetValue(manifests) is { } path
            ? await ReadManifestsAsync(path, parsed, policy, terminal, cancellation)
            : await ReadClusterAsync(parsed, policy, terminal, cancellation);
        var judging = JudgeAsync(found, policy, new AdmissionJudge(claims, new MemoryAdmittedRecords(), revocations.CurrentAsync, terminal.Clock), cancellation);
        var objects = await terminal.WhileAsync($"judging {found.Requests.Length} objects", judging);
        return await new AdmissionReport(file, policy, found.Cluster, objects, found.Unread).ToReport().WriteAsync(terminal, parsed.GetRequiredValue(form));
    }

    private async Task<Judgeable> ReadManifestsAsync(string path, ParseResult parsed, Policy policy, Terminal terminal, CancellationToken cancellation)
    {
        var inside = parsed.GetValue(@namespace) ?? DefaultNamespace;
        var read = await terminal.WhileAsync($"reading {path}", Manifests.ReadAsync(path, terminal.Input, cancellation));
        return new([.. read.Select(manifest => (manifest.Source, AdmissionRequests.ForManifest(manifest, inside, policy.Admission)))], parsed.GetValue(clusterUid), []);
    }

    private async Task<Judgeable> ReadClusterAsync(ParseResult parsed, Policy policy, Terminal terminal, CancellationToken cancellation)
    {
        var access = KubeConfig.Find(KubeConfigSearch.FromEnvironment(parsed.GetValue(kubeconfig), parsed.GetValue(context)));
        if (access.Note is { } note)
        {
            await terminal.SayAsync(note);
        }

        using var cluster = new ClusterReader(access);
        var unread = ImmutableArray.CreateBuilder<Reason>();
        string? uid = null;
        switch (await terminal.WhileAsync($"asking {access}", cluster.ReadClusterUidAsync(cancellation)))
        {
            case Reading<string>.Found(var said):
                uid = said;
                break;
            case Reading<string>.Unread(var reason):
                unread.Add(reason);
                break;
        }

        var requests = ImmutableArray.CreateBuilder<(string, AdmissionRequest)>();
        var resources = policy.Admission.CustomResources.Select(custom => custom.Resource);
        foreach (var reading in await terminal.WhileAsync($"reading what stands in {access}", cluster.ReadAsync(resources, cancellation)))
        {
            switch (reading.Objects)
            {
                case Reading<ImmutableArray<ClusterObject>>.Found(var objects):
                    requests.AddRange(objects.Select(one => (one.Resource, AdmissionRequests.ForStanding(one))));
                    break;
                case Reading<ImmutableArray<ClusterObject>>.Unread(var reason):
                    unread.Add(reason with { Message = $"{reading.Resource}: {reason.Message}" });
                    break;
            }
        }

        return new(requests.ToImmutable(), uid, unread.ToImmutable());
    }

    private static async Task<ImmutableArray<JudgedObject>> JudgeAsync(Judgeable found, Policy policy, AdmissionJudge judge, CancellationToken cancellation)
    {
        var signers = new TrustedSigners(policy);
        var judged = ImmutableArray.CreateBuilder<JudgedObject>(found.Requests.Length);
        foreach (var group in found.Requests.Chunk(ObjectsAtOnce))
        {
            judged.AddRange(await Task.WhenAll(group.Select(JudgeOneAsync)));
        }

        return judged.MoveToImmutable();

        async Task<JudgedObject> JudgeOneAsync((string Source, AdmissionRequest Request) one)
        {
            var opened = AdmissionGate.Open(one.Request, policy, found.Cluster);
            var outcome = await judge.JudgeAsync(opened, signers, cancellation);

            // What was interrupted is no answer: an image would stand there as "not verified in time".
            cancellation.ThrowIfCancellationRequested();
            return new(one.Source, opened, outcome);
        }
    }

    /// <summary>What there is to judge.</summary>
    private sealed record Judgeable(ImmutableArray<(string Source, AdmissionRequest Request)> Requests, string? Cluster, ImmutableArray<Reason> Unread);
}
