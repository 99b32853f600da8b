using System.Globalization;
using System.Text;
using Governance.Gates.Admission;
using Governance.Gates.Policies;

namespace Governance.Gates.Webhook;

/// <summary>What a cluster needs to run the webhook, as YAML that <c>kubectl apply</c> takes.</summary>
internal sealed class InstallManifests
{
    /// <summary>Where the policy's files lie in the container.</summary>
    public const string PolicyFolder = "/etc/governance-gates/policy";

    /// <summary>Where the gate remembers in the container.</summary>
    public const string StateFolder = "/var/lib/governance-gates";

    private const string Name = "governance-gates";

    public required string Namespace { get; init; }

    public required string Image { get; init; }

    /// <summary>The policy and the files that it names, by their path relative to it.</summary>
    public required IReadOnlyList<(string Path, byte[] Content)> PolicyFiles { get; init; }

    /// <summary>PEM of the authority that the API server is to trust for the webhook.</summary>
    public required byte[] Authority { get; init; }

    /// <summary>Base URL of a webhook outside the cluster; null for the Service.</summary>
    public string? Url { get; init; }

    public required int Replicas { get; init; }

    public required int TimeoutSeconds { get; init; }

    /// <summary>What the name of each Pod's log begins with; the Pod's own name follows.</summary>
    public required string LedgerOrigin { get; init; }

    /// <summary>Whether the gate remembers what it admitted: then one Pod serves, since one process owns the folder.</summary>
    public bool HasState { get; init; }

    public string? ClusterUid { get; init; }

    public string? RegistrySecret { get; init; }

    /// <summary>Further arguments of <c>gates-webhook serve</c>.</summary>
    public IReadOnlyList<string> ServeOptions { get; init; } = [];

    public required Version KubernetesVersion { get; init; }

    /// <summary>Custom resources of the policy, each as <c>plural.group</c>.</summary>
    public required IReadOnlyList<string> CustomResources { get; init; }

    /// <summary>What the policy says about sessions and whole objects.</summary>
    public AdmissionSettings Admission { get; init; } = new();

    /// <summary>Namespace, ServiceAccount, policy, Service, StatefulSet and PodDisruptionBudget: everything that only serves.</summary>
    /// <remarks>A StatefulSet, so that each Pod keeps its own ledger: a log has one writer.</remarks>
    public string Server()
    {
        var podDisruptionBudget = KubernetesVersion >= new Version(1, 21) ? "policy/v1" : "policy/v1beta1";
        return $$"""
            # Install in this order: this part; a Secret {{Name}}-tls with the server certificate (gates-webhook certificate, or an issuer of yours);
            # wait for the StatefulSet; then the part with the ValidatingWebhookConfiguration.
            # Uninstall in the opposite order: FIRST delete validatingwebhookconfiguration {{Name}}, then everything else. A configuration
            # whose webhook is gone refuses every Pod, by design.
            apiVersion: v1
            kind: Namespace
            metadata:
              name: {{Namespace}}
              labels:
                {{AdmissionGate.ExemptLabel}}: "true"
                pod-security.kubernetes.io/enforce: restricted
            ---
            apiVersion: v1
            kind: ServiceAccount
            metadata:
              name: {{Name}}
              namespace: {{Namespace}}
            automountServiceAccountToken: false
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata:
              name: {{Name}}-policy
              namespace: {{Namespace}}
            # Base64 of the very bytes: the digest of the policy is over them.
            binaryData:
            {{Lines(PolicyFiles.Select((file, index) => $"  file-{index}: {Convert.ToBase64String(file.Content)}"))}}
            ---
            apiVersion: v1
            kind: Service
            metadata:
              name: {{Name}}
              namespace: {{Namespace}}
            spec:
              selector:
                app.kubernetes.io/name: {{Name}}
              ports:
                - name: https
                  port: 443
                  protocol: TCP
                  targetPort: https
            ---
            apiVersion: {{podDisruptionBudget}}
            kind: PodDisruptionBudget
            metadata:
              name: {{Name}}
              namespace: {{Namespace}}
            spec:
              maxUnavailable: 1
              selector:
                matchLabels:
                  app.kubernetes.io/name: {{Name}}
            ---
            apiVersion: apps/v1
            kind: StatefulSet
            metadata:
              name: {{Name}}
              namespace: {{Namespace}}
              labels:
                app.kubernetes.io/name: {{Name}}
            spec:
              serviceName: {{Name}}
              replicas: {{Replicas}}
              podManagementPolicy: Parallel
              selector:
                matchLabels:
                  app.kubernetes.io/name: {{Name}}
              template:
                metadata:
                  labels:
                    app.kubernetes.io/name: {{Name}}
                spec:
                  serviceAccountName: {{Name}}
                  automountServiceAccountToken: false
                  terminationGracePeriodSeconds: 45
                  securityContext:
                    runAsNonRoot: true
                    runAsUser: 65532
                    fsGroup: 65532
                    seccompProfile:
                      type: RuntimeDefault
                  affinity:
                    podAntiAffinity:
                      preferredDuringSchedulingIgnoredDuringExecution:
                        - weight: 100
                          podAffinityTerm:
                            topologyKey: kubernetes.io/hostname
                            labelSelector:
                              matchLabels:
                                app.kubernetes.io/name: {{Name}}
                  containers:
                    - name: webhook
                      image: {{Image}}
                      args:
                        - serve
                        - --policy={{PolicyFolder}}/governance.yaml
                        - --certificate=/etc/governance-gates/tls/tls.crt
                        - --key=/etc/governance-gates/tls/tls.key
                        - --drain-seconds=5
                        - --ledger={{StateFolder}}/ledger
                        - {{Quoted($"--ledger-origin={LedgerOrigin}/$(POD_NAME)")}}{{(ClusterUid is null ? "" : $"\n            - --cluster-uid={ClusterUid}")}}{{(HasState ? $"\n            - --state={StateFolder}" : "")}}{{string.Concat(ServeOptions.Select(option => $"\n            - {Quoted(option)}"))}}
                      ports:
                        - name: https
                          containerPort: 8443
                          protocol: TCP
                      readinessProbe:
                        httpGet: { path: /health/ready, port: https, scheme: HTTPS }
                        periodSeconds: 2
                      livenessProbe:
                        httpGet: { path: /health/live, port: https, scheme: HTTPS }
                        periodSeconds: 10
                        failureThreshold: 6
                      resources:
                        requests: { cpu: 250m, memory: 256Mi }
                        limits: { memory: 1Gi }
                      securityContext:
                        allowPrivilegeEscalation: false
                        readOnlyRootFilesystem: true
                        capabilities: { drop: [ALL] }
                      env:
                        - { name: POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }{{(RegistrySecret is null ? "" : "\n            - { name: DOCKER_CONFIG, value: /etc/governance-gates/registry }")}}
                      volumeMounts:
                        - { name: policy, mountPath: {{PolicyFolder}}, readOnly: true }
                        - { name: tls, mountPath: /etc/governance-gates/tls, readOnly: true }
                        - { name: state, mountPath: {{StateFolder}} }{{(RegistrySecret is null ? "" : "\n            - { name: registry, mountPath: /etc/governance-gates/registry, readOnly: true }")}}
                  volumes:
                    - name: policy
                      configMap:
                        name: {{Name}}-policy
                        items:
            {{Lines(PolicyFiles.Select((file, index) => $"              - {{ key: file-{index}, path: {Quoted(file.Path)} }}"))}}
                    - name: tls
                      secret:
                        secretName: {{Name}}-tls{{(RegistrySecret is null ? "" : $"\n        - name: registry\n          secret:\n            secretName: {RegistrySecret}\n            items:\n              - {{ key: .dockerconfigjson, path: config.json }}")}}
              # What was admitted and decided must survive the Pod.
              volumeClaimTemplates:
                - metadata:
                    name: state
                  spec:
                    accessModes: [ReadWriteOnce]
                    resources:
                      requests: { storage: 10Gi }

            """;
    }

    /// <summary>The ValidatingWebhookConfiguration: the part that takes effect.</summary>
    public string Configuration()
    {
        var groups = CustomResources.Select(resource => (Plural: resource[..resource.IndexOf('.', StringComparison.Ordinal)], Group: resource[(resource.IndexOf('.', StringComparison.Ordinal) + 1)..])).ToList();
        return $"""
            ---
            # Apply this when the StatefulSet is ready. Delete it first when uninstalling.
            apiVersion: admissionregistration.k8s.io/v1
            kind: ValidatingWebhookConfiguration
            metadata:
              name: {Name}
            webhooks:
            {Webhook("pods", [("", "v1", ["pods"])])}
            {Webhook("ephemeral-containers", [("", "v1", ["pods/ephemeralcontainers"])])}
            {Webhook("workloads", [("", "v1", ["replicationcontrollers", "podtemplates"]), ("apps", "*", ["deployments", "replicasets", "statefulsets", "daemonsets", "controllerrevisions"]), ("batch", "*", ["jobs", "cronjobs"])])}
            {(groups.Count == 0 ? "" : Webhook("custom-resources", [.. groups.Select(resource => (resource.Group, "*", (string[])[resource.Plural]))]) + "\n")}{(Connects().ToList() is { Count: > 0 } connects ? Webhook("sessions", [("", "v1", [.. connects])], operations: "CONNECT") + "\n" : "")}{(Objects() is { Count: > 0 } objects ? Webhook("objects", objects, operations: "CREATE, UPDATE, DELETE") + "\n" : "")}{Webhook("namespaces", [("", "v1", ["namespaces", "namespaces/status", "namespaces/finalize"])], guard: true)}

            """;
    }

    // The API server's proxies are other ways to where a session leads.
    private IEnumerable<string> Connects()
    {
        var sessions = Admission.Sessions;
        (SessionRule Rule, string[] Resources)[] kinds =
        [
            (sessions.Exec, ["pods/exec", "nodes/proxy"]), (sessions.Attach, ["pods/attach", "nodes/proxy"]),
            (sessions.PortForward, ["pods/portforward", "pods/proxy", "services/proxy", "nodes/proxy"]),
        ];
        return kinds.Where(kind => kind.Rule is not SessionRule.Fixed(Verdict.Allow)).SelectMany(kind => kind.Resources).Distinct().Order(StringComparer.Ordinal);
    }

    // Their status too: an update of it can store labels.
    private List<(string Group, string Version, string[] Resources)> Objects() =>
        [.. Admission.Objects.Select(rule => rule.Resource).Distinct().Order(StringComparer.Ordinal).Select(resource => resource.Split('.', 2)).Select(parts => (parts.ElementAtOrDefault(1) ?? "", "*", (string[])[parts[0], parts[0] + "/status"]))];

    // The guard looks at every namespace: a selector would be judged by the very label that it guards.
    private string Webhook(string subject, IEnumerable<(string Group, string Version, string[] Resources)> rules, bool guard = false, string operations = "CREATE, UPDATE")
    {
        var client = Url is null ? $"service: {{ namespace: {Namespace}, name: {Name}, path: /validate, port: 443 }}" : $"url: {Url}/validate";
        return $$"""
              - name: {{subject}}.admission.governance.gates
                admissionReviewVersions: [v1]
                sideEffects: NoneOnDryRun
                failurePolicy: Fail
                matchPolicy: Equivalent
                timeoutSeconds: {{TimeoutSeconds}}
                clientConfig:
                  {{client}}
                  caBundle: {{Convert.ToBase64String(Authority)}}
            {{(guard ? "" : $"    namespaceSelector: {{ matchExpressions: [{{ key: {AdmissionGate.ExemptLabel}, operator: DoesNotExist }}] }}\n")}}    rules:
            {{Lines(rules.Select(rule => $"      - {{ apiGroups: [\"{rule.Group}\"], apiVersions: [\"{rule.Version}\"], operations: [{operations}], resources: [{string.Join(", ", rule.Resources)}], scope: \"*\" }}"))}}
            """;
    }

    // Not as JSON: Go's YAML reader, which is kubectl's, refuses the surrogate pairs that JSON writes for a character beyond U+FFFF.
    private static string Quoted(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var rune in text.EnumerateRunes())
        {
            _ = rune switch
            {
                { Value: '"' or '\\' } => quoted.Append('\\').Append(rune),
                _ when Rune.IsControl(rune) || Rune.GetUnicodeCategory(rune) is UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Format => quoted.Append(CultureInfo.InvariantCulture, $"\\U{rune.Value:X8}"),
                _ => quoted.Append(rune),
            };
        }

        return quoted.Append('"').ToString();
    }

    private static string Lines(IEnumerable<string> lines) => new StringBuilder().AppendJoin('\n', lines).ToString();
}
