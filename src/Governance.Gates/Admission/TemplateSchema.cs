using System.Buffers;
using System.Collections.Frozen;
using System.Text;

namespace Governance.Gates.Admission;

/// <summary>What is done with the value of a field that the projection knows.</summary>
internal enum FieldForm
{
    /// <summary>Not part of the projection.</summary>
    LeftOut,

    /// <summary>Text; empty is the same as absent.</summary>
    Text,

    /// <summary><c>true</c> or <c>false</c>.</summary>
    Flag,

    /// <summary>An integer.</summary>
    Number,

    /// <summary>A list of text; empty is the same as absent.</summary>
    Texts,

    /// <summary>An image reference.</summary>
    Image,

    /// <summary>An object with a shape of its own.</summary>
    Shape,

    /// <summary>A list of objects with a shape of their own; empty is the same as absent.</summary>
    Shapes,

    /// <summary>Anything, as it is; an empty list is the same as absent.</summary>
    Whole,
}

/// <summary>A field that the projection knows.</summary>
/// <param name="Form">What it holds.</param>
/// <param name="Default">The canonical value that is the same as none; null where there is no such value.</param>
/// <param name="Shape">The shape of an object, or of the objects of a list.</param>
/// <param name="EmptyIsNothing">Whether an object without members is the same as none.</param>
internal sealed record TemplateField(FieldForm Form, string? Default = null, TemplateShape? Shape = null, bool EmptyIsNothing = false);

/// <summary>The fields of one type that the projection knows. Every other field is part of it as it is.</summary>
internal sealed class TemplateShape
{
    private const int LongestName = 64;
    private readonly FrozenDictionary<string, KeyValuePair<string, TemplateField>>.AlternateLookup<ReadOnlySpan<char>> byText;

    public TemplateShape(IEnumerable<(string Name, TemplateField Field)> fields)
    {
        Fields = fields.ToFrozenDictionary(field => field.Name, field => field.Field, StringComparer.Ordinal);
        byText = Fields.ToFrozenDictionary(field => field.Key, field => field, StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>The fields, by name.</summary>
    public FrozenDictionary<string, TemplateField> Fields { get; }

    /// <summary>The field of this name as JSON spells it; null where the projection knows none, or the name is spelled with escapes.</summary>
    /// <returns>The name, which is made once for all, and the field.</returns>
    public KeyValuePair<string, TemplateField>? Find(ReadOnlySpan<byte> name)
    {
        Span<char> text = stackalloc char[LongestName];
        return Ascii.ToUtf16(name, text, out var length) == OperationStatus.Done && byText.TryGetValue(text[..length], out var field) ? field : null;
    }
}

/// <summary>
/// Projection v1 of a pod's spec, as a table: what is left out, and which values are the same as none. It follows the API server's own defaults
/// (<c>pkg/apis/core/v1/defaults.go</c>). A change of this table is another version of the projection.
/// </summary>
internal static class TemplateSchema
{
    private static readonly TemplateField Out = new(FieldForm.LeftOut);
    private static readonly TemplateField Whole = new(FieldForm.Whole);
    private static readonly TemplateField Texts = new(FieldForm.Texts);
    private static readonly TemplateField Image = new(FieldForm.Image);
    private static readonly TemplateField Flag = new(FieldForm.Flag);
    private static readonly TemplateField FalseFlag = new(FieldForm.Flag, "false");
    private static readonly TemplateField TrueFlag = new(FieldForm.Flag, "true");
    private static readonly TemplateField Number = new(FieldForm.Number);
    private static readonly TemplateField Mode = new(FieldForm.Number, "420");

    // The number of a resource, in units of its choice: resources are left out, and so is their unit.
    private static readonly TemplateShape ResourceReference = Of(("containerName", Text()), ("resource", Text()), ("divisor", Out));
    private static readonly TemplateShape FieldReference = Of(("apiVersion", Text("v1")), ("fieldPath", Text()));
    private static readonly TemplateShape KeyReference = Of(("name", Text()), ("key", Text()), ("optional", FalseFlag));
    private static readonly TemplateShape ObjectReference = Of(("name", Text()), ("optional", FalseFlag));
    private static readonly TemplateShape KeyToPath = Of(("key", Text()), ("path", Text()), ("mode", Number));
    private static readonly TemplateShape DownwardFile = Of(("path", Text()), ("fieldRef", In(FieldReference)), ("resourceFieldRef", In(ResourceReference)), ("mode", Number));

    private static readonly TemplateShape Exec = Of(("command", Texts));

    private static readonly TemplateShape HttpGet = Of(
        ("path", Text("/")), ("port", Whole), ("host", Text()), ("scheme", Text("HTTP")), ("httpHeaders", Each(Of(("name", Text()), ("value", Text())))));

    private static readonly TemplateShape TcpSocket = Of(("port", Whole), ("host", Text()));

    // How often and how patiently is left out; what is run, and what is asked of whom, is not.
    private static readonly TemplateShape Probe = Of(
        ("exec", In(Exec)), ("httpGet", In(HttpGet)), ("tcpSocket", In(TcpSocket)), ("grpc", In(Of(("port", Number), ("service", Text())))),
        ("initialDelaySeconds", Out), ("timeoutSeconds", Out), ("periodSeconds", Out), ("successThreshold", Out), ("failureThreshold", Out), ("terminationGracePeriodSeconds", Out));

    private static readonly TemplateShape Handler = Of(("exec", In(Exec)), ("httpGet", In(HttpGet)), ("tcpSocket", In(TcpSocket)), ("sleep", Out));

    private static readonly TemplateShape Environment = Of(
        ("name", Text()),
        ("value", Text()),
        ("valueFrom", In(Of(
            ("fieldRef", In(FieldReference)), ("resourceFieldRef", In(ResourceReference)), ("configMapKeyRef", In(KeyReference)), ("secretKeyRef", In(KeyReference))))));

    private static readonly TemplateShape EnvironmentSource = Of(("prefix", Text()), ("configMapRef", In(ObjectReference)), ("secretRef", In(ObjectReference)));

    private static readonly TemplateShape Port = Of(("name", Text()), ("containerPort", Number), ("hostPort", new(FieldForm.Number, "0")), ("hostIP", Text()), ("protocol", Text("TCP")));

    private static readonly TemplateShape Mount = Of(
        ("name", Text()), ("mountPath", Text()), ("subPath", Text()), ("subPathExpr", Text()), ("readOnly", FalseFlag), ("mountPropagation", Text("None")), ("recursiveReadOnly", Text("Disabled")));

    // runAsNonRoot: false has a meaning here, and none at the pod: it takes the pod's true back.
    private static readonly TemplateShape ContainerSecurity = Of(
        ("privileged", FalseFlag), ("readOnlyRootFilesystem", FalseFlag), ("runAsNonRoot", Flag), ("allowPrivilegeEscalation", Flag), ("runAsUser", Number), ("runAsGroup", Number),
        ("procMount", Text("Default")), ("capabilities", In(Of(("add", Texts), ("drop", Texts)), emptyIsNothing: true)),
        ("seLinuxOptions", Whole), ("windowsOptions", Whole), ("seccompProfile", Whole), ("appArmorProfile", Whole));

    private static readonly TemplateShape Container = Of(
        ("name", Text()), ("image", Image), ("command", Texts), ("args", Texts), ("workingDir", Text()), ("ports", Each(Port)), ("env", Each(Environment)), ("envFrom", Each(EnvironmentSource)),
        ("volumeMounts", Each(Mount)), ("volumeDevices", Each(Of(("name", Text()), ("devicePath", Text())))), ("livenessProbe", In(Probe)), ("readinessProbe", In(Probe)), ("startupProbe", In(Probe)),
        ("lifecycle", In(Of(("postStart", In(Handler)), ("preStop", In(Handler))), emptyIsNothing: true)), ("terminationMessagePath", Text("/dev/termination-log")), ("terminationMessagePolicy", Text("File")),
        ("securityContext", In(ContainerSecurity, emptyIsNothing: true)), ("restartPolicy", Text()), ("targetContainerName", Text()),
        // Nodes take an image by its digest from the registry or from what they have already: in neither case does this decide which one it is.
        ("imagePullPolicy", Out), ("resources", Out), ("resizePolicy", Out), ("stdin", Out), ("stdinOnce", Out), ("tty", Out));

    private static readonly TemplateShape SecretFiles = Of(("secretName", Text()), ("items", Each(KeyToPath)), ("defaultMode", Mode), ("optional", FalseFlag));
    private static readonly TemplateShape ConfigFiles = Of(("name", Text()), ("items", Each(KeyToPath)), ("defaultMode", Mode), ("optional", FalseFlag));
    private static readonly TemplateShape PartOfConfig = Of(("name", Text()), ("items", Each(KeyToPath)), ("optional", FalseFlag));
    private static readonly TemplateShape ReadOnlyFalse = Of(("readOnly", FalseFlag));

    private static readonly TemplateShape Projection = Of(
        ("secret", In(PartOfConfig)), ("configMap", In(PartOfConfig)), ("downwardAPI", In(Of(("items", Each(DownwardFile))))),
        ("serviceAccountToken", In(Of(("audience", Text()), ("expirationSeconds", new(FieldForm.Number, "3600")), ("path", Text())))),
        ("clusterTrustBundle", In(Of(("optional", FalseFlag)))));

    private static readonly TemplateShape Volume = Of(
        ("name", Text()),
        ("emptyDir", In(Of(("medium", Text()), ("sizeLimit", Out)))),
        ("hostPath", In(Of(("path", Text()), ("type", Text())))),
        ("secret", In(SecretFiles)), ("configMap", In(ConfigFiles)),
        ("downwardAPI", In(Of(("items", Each(DownwardFile)), ("defaultMode", Mode)))),
        ("projected", In(Of(("sources", Each(Projection)), ("defaultMode", Mode)))),
        ("persistentVolumeClaim", In(Of(("claimName", Text()), ("readOnly", FalseFlag)))),
        ("image", In(Of(("reference", Image), ("pullPolicy", Out)))),
        ("ephemeral", In(Of(("volumeClaimTemplate", In(Of(("metadata", Whole), ("spec", In(Of(("volumeMode", Text("Filesystem")), ("resources", Out))))))), ("readOnly", FalseFlag)))),
        ("iscsi", In(Of(("readOnly", FalseFlag), ("iscsiInterface", Text("default")), ("chapAuthDiscovery", FalseFlag), ("chapAuthSession", FalseFlag)))),
        ("rbd", In(Of(("readOnly", FalseFlag), ("pool", Text("rbd")), ("user", Text("admin")), ("keyring", Text("/etc/ceph/keyring"))))),
        ("azureDisk", In(Of(("readOnly", FalseFlag), ("cachingMode", Text("ReadWrite")), ("fsType", Text("ext4")), ("kind", Text("Shared"))))),
        ("scaleIO", In(Of(("readOnly", FalseFlag), ("storageMode", Text("ThinProvisioned")), ("fsType", Text("xfs"))))),
        ("nfs", In(ReadOnlyFalse)), ("csi", In(ReadOnlyFalse)), ("cephfs", In(ReadOnlyFalse)), ("cinder", In(ReadOnlyFalse)), ("fc", In(ReadOnlyFalse)), ("flexVolume", In(ReadOnlyFalse)),
        ("gcePersistentDisk", In(ReadOnlyFalse)), ("awsElasticBlockStore", In(ReadOnlyFalse)), ("azureFile", In(ReadOnlyFalse)), ("glusterfs", In(ReadOnlyFalse)),
        ("portworxVolume", In(ReadOnlyFalse)), ("quobyte", In(ReadOnlyFalse)), ("storageos", In(ReadOnlyFalse)));

    private static readonly TemplateShape PodSecurity = Of(
        ("runAsUser", Number), ("runAsGroup", Number), ("runAsNonRoot", FalseFlag), ("fsGroup", Number), ("fsGroupChangePolicy", Text("Always")),
        ("supplementalGroups", Whole), ("supplementalGroupsPolicy", Text("Merge")), ("sysctls", Each(Of(("name", Text()), ("value", Text())))), ("seLinuxOptions", Whole), ("seLinuxChangePolicy", Text()),
        ("windowsOptions", Whole), ("seccompProfile", Whole), ("appArmorProfile", Whole));

    /// <summary>The spec of a pod.</summary>
    public static TemplateShape PodSpec { get; } = Of(
        ("containers", Each(Container)), ("initContainers", Each(Container)), ("ephemeralContainers", Each(Container)), ("volumes", Each(Volume)),
        ("serviceAccountName", Text()), ("serviceAccount", Text()), ("automountServiceAccountToken", Flag),
        ("hostNetwork", FalseFlag), ("hostPID", FalseFlag), ("hostIPC", FalseFlag), ("hostUsers", TrueFlag), ("shareProcessNamespace", FalseFlag), ("setHostnameAsFQDN", FalseFlag),
        ("hostAliases", Each(Of(("ip", Text()), ("hostnames", Texts)))), ("runtimeClassName", Text()), ("enableServiceLinks", TrueFlag), ("restartPolicy", Text("Always")), ("dnsPolicy", Text("ClusterFirst")),
        ("dnsConfig", In(Of(("nameservers", Texts), ("searches", Texts), ("options", Each(Of(("name", Text()), ("value", Text()))))), emptyIsNothing: true)),
        ("securityContext", In(PodSecurity, emptyIsNothing: true)), ("readinessGates", Whole), ("os", Whole),
        // Where and when it runs, and with how much.
        ("nodeName", Out), ("nodeSelector", Out), ("affinity", Out), ("tolerations", Out), ("topologySpreadConstraints", Out), ("schedulerName", Out), ("schedulingGates", Out),
        ("priority", Out), ("priorityClassName", Out), ("preemptionPolicy", Out), ("overhead", Out), ("resources", Out), ("resourceClaims", Out),
        ("terminationGracePeriodSeconds", Out), ("activeDeadlineSeconds", Out),
        // What it is called: controllers give each pod its own. Admission copies the pull secrets from the service account, and an image by digest is the same one whoever pulls it.
        ("hostname", Out), ("subdomain", Out), ("imagePullSecrets", Out));

    /// <summary>Every field that has a form, by its path, such as <c>containers[].ports[].protocol</c>.</summary>
    public static IEnumerable<(string Path, TemplateField Field)> All() => Below(PodSpec, "");

    private static IEnumerable<(string Path, TemplateField Field)> Below(TemplateShape shape, string at) => shape.Fields.OrderBy(field => field.Key, StringComparer.Ordinal).SelectMany(field =>
    {
        var path = at + field.Key;
        var inner = field.Value.Shape is { } known ? Below(known, path + (field.Value.Form == FieldForm.Shapes ? "[]." : ".")) : [];
        return inner.Prepend((path, field.Value));
    });

    private static TemplateShape Of(params (string Name, TemplateField Field)[] fields) => new(fields);

    private static TemplateField Text(string? @default = null) => new(FieldForm.Text, @default is null ? null : $"\"{@default}\"");

    private static TemplateField In(TemplateShape shape, bool emptyIsNothing = false) => new(FieldForm.Shape, Shape: shape, EmptyIsNothing: emptyIsNothing);

    private static TemplateField Each(TemplateShape shape) => new(FieldForm.Shapes, Shape: shape);
}
