using System.CommandLine;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Images;
using Governance.Gates.Policies;

namespace Governance.Gates.Webhook;

/// <summary><c>gates-webhook manifests</c>.</summary>
internal static class ManifestsCommand
{
    private const string RegistryCaFile = "registry-ca.crt";
    private const string ClientCaFile = "client-ca.crt";

    // The API server takes objects of 1 MiB or a little more; base64 adds a third.
    private const int MostConfigMapBytes = 700 * 1024;

    public static Command Create()
    {
        var policy = new Option<string>("--policy") { Description = "The policy file; it and its key files go into a ConfigMap byte for byte.", Required = true };
        var image = new Option<string>("--image") { Description = "The webhook's image, by digest.", Required = true };
        var authority = new Option<string>("--ca") { Description = "PEM of the authority of the server certificate.", Required = true };
        var @namespace = new Option<string>("--namespace") { Description = "The gate's own namespace; the policy names the same under admission.namespaces.own.", DefaultValueFactory = _ => "governance-gates" };
        var url = new Option<string?>("--url") { Description = "Where the API server reaches the webhook when it runs outside the cluster, such as https://10.0.0.5:8443." };
        var replicas = new Option<int>("--replicas") { Description = "How many Pods serve. One, where the policy asks for approvals or names revocations: one process remembers.", DefaultValueFactory = _ => 2 };
        var timeout = new Option<int>("--timeout-seconds") { Description = "How long the API server waits.", DefaultValueFactory = _ => 10 };
        var cluster = new Option<string?>("--cluster-uid") { Description = "UID of the cluster's kube-system namespace." };
        var credentials = new Option<string?>("--registry-secret") { Description = "A Secret of type kubernetes.io/dockerconfigjson with the registries' credentials." };
        var registryCa = new Option<string?>("--registry-ca") { Description = "Certificate authorities of registries, PEM; they go into the ConfigMap beside the policy." };
        var clientCa = new Option<string?>("--client-ca") { Description = "Authorities, PEM, of the client certificate that the API server shows; they go into the ConfigMap beside the policy." };
        var plainHttp = new Option<string[]>("--plain-http") { Description = "A registry host that speaks plain http." };
        var kubernetes = new Option<string>("--kubernetes") { Description = "The cluster's version.", DefaultValueFactory = _ => "1.30" };
        var part = new Option<string>("--part") { Description = "server, webhook (the part that takes effect, to be applied when the server is ready), or all.", DefaultValueFactory = _ => "all" };
        part.AcceptOnlyFromAmong("all", "server", "webhook");
        Range(replicas, 1, 100);
        Range(timeout, 1, 30);
        image.Validators.Add(result =>
        {
            if (ImageReference.Read(result.GetValue(image)) is not Reading<ImageReference>.Found { Value.Digest: not null })
            {
                result.AddError($"--image '{result.GetValue(image)}' is not an image by digest");
            }
        });
        url.Validators.Add(result =>
        {
            if (result.GetValue(url) is { } text && !(Uri.TryCreate(text, UriKind.Absolute, out var parsed) && parsed.Scheme == Uri.UriSchemeHttps && parsed.AbsoluteUri == parsed.GetLeftPart(UriPartial.Authority) + "/" && parsed.UserInfo.Length == 0))
            {
                result.AddError($"--url '{text}' is no https URL of host and port alone");
            }
        });
        Characters(cluster, 64, "a UID, such as kubectl get namespace kube-system -o jsonpath={.metadata.uid} prints", character => char.IsAsciiLetterOrDigit(character) || character == '-');
        Characters(credentials, 253, "the name of a Secret", character => char.IsAsciiLetterLower(character) || char.IsAsciiDigit(character) || character is '-' or '.');
        kubernetes.Validators.Add(result =>
        {
            if (!Version.TryParse(result.GetValue(kubernetes), out var version) || version < new Version(1, 20))
            {
                result.AddError($"--kubernetes '{result.GetValue(kubernetes)}' is no version from 1.20 on");
            }
        });
        var command = new Command("manifests", "Prints what a cluster needs. Example: gates-webhook manifests --policy governance.yaml --image registry.example.com/gates-webhook@sha256:… --ca tls/ca.crt --part server | kubectl apply -f -")
        {
            policy, image, authority, @namespace, url, replicas, timeout, cluster, credentials, registryCa, clientCa, plainHttp, kubernetes, part,
        };
        command.SetAction(parsed =>
        {
            var file = parsed.GetRequiredValue(policy);
            var (read, _) = PolicyFile.Load(file);
            var own = parsed.GetRequiredValue(@namespace);
            if (read.Admission.OwnNamespace != own)
            {
                throw new GateException($"the policy's admission.namespaces.own is '{read.Admission.OwnNamespace}' and --namespace is '{own}'", "make them the same: only that namespace may be kept out of the webhook");
            }

            var files = Files(file, read);
            var serve = (parsed.GetValue(plainHttp) ?? []).Select(host => $"--plain-http={host}").ToList();
            if (parsed.GetValue(registryCa) is { } authorities)
            {
                files.Add((RegistryCaFile, Read(authorities)));
                serve.Add($"--registry-ca={InstallManifests.PolicyFolder}/{RegistryCaFile}");
            }

            if (parsed.GetValue(clientCa) is { } clients)
            {
                files.Add((ClientCaFile, Read(clients)));
                serve.Add($"--client-ca={InstallManifests.PolicyFolder}/{ClientCaFile}");
            }

            var remembers = LastingState.NeededBy(read) is not null;
            if (remembers && parsed.GetResult(replicas) is { Implicit: false } && parsed.GetValue(replicas) != 1)
            {
                throw new GateException($"{LastingState.NeededBy(read)}; and --replicas is {parsed.GetValue(replicas)}", "leave it out: one process remembers");
            }

            if (read.Approvals.ContainsKey(ApprovalRule.PolicyChange))
            {
                serve.Add($"--policy-root={read.Digest}");
            }

            if (files.Sum(one => (long)one.Content.Length) is > MostConfigMapBytes and var total)
            {
                throw new GateException($"the policy and its files have {total} bytes, and a ConfigMap holds {MostConfigMapBytes} of them in base64", "make the policy smaller");
            }

            var manifests = new InstallManifests
            {
                Namespace = own,
                Image = parsed.GetRequiredValue(image),
                PolicyFiles = files,
                ServeOptions = serve,
                Authority = Read(parsed.GetRequiredValue(authority)),
                Url = parsed.GetValue(url) is { } address ? new Uri(address).GetLeftPart(UriPartial.Authority) : null,
                Replicas = remembers ? 1 : parsed.GetValue(replicas),
                HasState = remembers,
                LedgerOrigin = Origin(read, parsed.GetValue(cluster)),
                TimeoutSeconds = parsed.GetValue(timeout),
                ClusterUid = parsed.GetValue(cluster),
                RegistrySecret = parsed.GetValue(credentials),
                KubernetesVersion = Version.Parse(parsed.GetRequiredValue(kubernetes)),
                Admission = read.Admission,
                CustomResources = [.. read.Admission.CustomResources.Select(resource => resource.Resource)],
            };
            parsed.InvocationConfiguration.Output.Write(parsed.GetRequiredValue(part) switch
            {
                "server" => manifests.Server(),
                "webhook" => manifests.Configuration(),
                _ => manifests.Server() + manifests.Configuration(),
            });
            return ExitCode.Allowed;
        });
        return command;
    }

    // <policy>/<environment>/<cluster>; a cluster that holds several environments has logs for all of them.
    private static string Origin(Policy policy, string? cluster) =>
        $"{policy.Name}/{(policy.Environments.Values.Where(environment => cluster is not null && environment.Clusters.Contains(cluster, StringComparer.OrdinalIgnoreCase)).ToArray() is [var only] ? only.Name : "all")}/{cluster ?? "cluster"}";

    private static void Range(Option<int> option, int least, int most) => option.Validators.Add(result =>
    {
        if (result.GetValue(option) is var value && (value < least || value > most))
        {
            result.AddError($"{option.Name} is {least} to {most}");
        }
    });

    // What goes into the YAML as it stands.
    private static void Characters(Option<string?> option, int longest, string what, Func<char, bool> isOne) => option.Validators.Add(result =>
    {
        if (result.GetValue(option) is { } text && !(text.Length > 0 && text.Length <= longest && text.All(isOne)))
        {
            result.AddError($"{option.Name} '{text}' is not {what}");
        }
    });

    private static List<(string Path, byte[] Content)> Files(string policy, Policy read)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(policy))!;
        (string, byte[])[] statements = File.Exists(policy + StatementsFile.Suffix) ? [("governance.yaml" + StatementsFile.Suffix, Read(policy + StatementsFile.Suffix))] : [];
        return [("governance.yaml", Read(policy)), .. statements, .. read.NamedFiles.Select(name => (name, Read(Path.Combine(folder, name))))];
    }

    private static byte[] Read(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new GateException($"'{path}' cannot be read", "name a readable file", exception);
        }
    }
}
