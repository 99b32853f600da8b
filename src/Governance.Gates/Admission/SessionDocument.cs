using System.Collections.Immutable;
using System.Text.Json;
using Governance.Gates.Approvals;
using Governance.Gates.Images;
using Governance.Gates.Policies;

namespace Governance.Gates.Admission;

/// <summary>What is opened into a running Pod.</summary>
public enum SessionVerb
{
    /// <summary>A command in a container.</summary>
    Exec,

    /// <summary>The terminal of a container's own process.</summary>
    Attach,

    /// <summary>Connections to ports.</summary>
    PortForward,
}

/// <summary>Exactly one session into exactly one Pod, as one JSON document with one spelling. <c>docs/formats/session.md</c> describes it.</summary>
public sealed record SessionDocument
{
    /// <summary>The type of the document; another version has another type.</summary>
    public const string Type = "https://governance.gates/projections/session/v1";

    /// <summary>The most bytes that a document has.</summary>
    public const int MaxBytes = 1 << 20;

    private SessionDocument(SessionVerb verb, string @namespace, string pod, byte[] json)
    {
        (Verb, Namespace, Pod, Json) = (verb, @namespace, pod, json);
        Digest = Digest.Of(json);
    }

    /// <summary>What is opened.</summary>
    public SessionVerb Verb { get; }

    /// <summary>The Pod's namespace.</summary>
    public string Namespace { get; }

    /// <summary>The Pod's name.</summary>
    public string Pod { get; }

    /// <summary>The document: UTF-8, canonical as RFC 8785 has it.</summary>
    public ReadOnlyMemory<byte> Json { get; }

    /// <summary>The SHA-256 of <see cref="Json"/>, which approvals name.</summary>
    public Digest Digest { get; }

    /// <summary>The action under which it is approved.</summary>
    public string Action => ActionOf(Verb);

    /// <summary>What a request for this session covers.</summary>
    public Covered ToCovered() => new(CoveredKind.Command, $"{Word(Verb)} {Namespace}/{Pod}", Digest, Json);

    /// <summary>The action under which a kind of session is approved.</summary>
    public static string ActionOf(SessionVerb verb) => verb switch
    {
        SessionVerb.Exec => SessionSettings.ExecAction,
        SessionVerb.Attach => SessionSettings.AttachAction,
        _ => SessionSettings.PortForwardAction,
    };

    /// <summary>The document of a session.</summary>
    /// <param name="verb">What is opened.</param>
    /// <param name="namespace">The Pod's namespace.</param>
    /// <param name="pod">The Pod's name.</param>
    /// <param name="options">PodExecOptions, PodAttachOptions or PodPortForwardOptions of <c>v1</c>, as the API server sends them.</param>
    /// <returns>The document, or why there is none; never an exception for what stands in the options.</returns>
    /// <remarks>Everything in the options counts, what a later version adds too: a shell that reads from its caller is another session than one that does not.</remarks>
    public static Reading<SessionDocument> Of(SessionVerb verb, string @namespace, string pod, JsonElement options)
    {
        ArgumentException.ThrowIfNullOrEmpty(@namespace);
        ArgumentException.ThrowIfNullOrEmpty(pod);
        if (options.ValueKind != JsonValueKind.Object)
        {
            return Unread("the session carries no options");
        }

        if (!TemplateReader.ReadValue("options", options).Try(out var read, out var wrong))
        {
            return new Reading<SessionDocument>.Unread(wrong with { Rule = "admission.sessions" });
        }

        var document = (CanonicalNode.Members)read;
        document.All.Remove("apiVersion");
        document.All.Remove("kind");

        // What is false or empty is the same as what is not there, and output alone changes nothing in the Pod.
        document.All.Remove("stdout");
        document.All.Remove("stderr");
        foreach (var name in document.All.Where(member => member.Value.IsEmpty || member.Value.Is("false") || member.Value.Is("\"\"")).Select(member => member.Key).ToList())
        {
            document.All.Remove(name);
        }

        // Names of the document itself: no option may stand in for them.
        foreach (var (name, value) in (ReadOnlySpan<(string, string)>)[("type", Type), ("verb", Word(verb)), ("namespace", @namespace), ("pod", pod)])
        {
            if (!document.All.TryAdd(name, new CanonicalNode.Text(value)))
            {
                return Unread($"the session's options hold '{name}'");
            }
        }

        return document.Write(MaxBytes) is { } json
            ? new Reading<SessionDocument>.Found(new(verb, @namespace, pod, json))
            : Unread($"the session says more than {MaxBytes >> 10} KiB");
    }

    /// <summary>The document of a session that somebody wishes to open with kubectl.</summary>
    /// <param name="verb">What is opened.</param>
    /// <param name="namespace">The Pod's namespace.</param>
    /// <param name="pod">The Pod's name.</param>
    /// <param name="container">The container, which kubectl always names for exec and attach; null for port-forward.</param>
    /// <param name="command">The command; empty but for exec.</param>
    /// <param name="inputs">Whether it reads from its caller (<c>-i</c>), and through a terminal (<c>-t</c>).</param>
    public static Reading<SessionDocument> Of(SessionVerb verb, string @namespace, string pod, string? container, ImmutableArray<string> command, SessionInput inputs)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (container is not null)
            {
                json.WriteString("container", container);
            }

            json.WriteStartArray("command");
            foreach (var word in command)
            {
                json.WriteStringValue(word);
            }

            json.WriteEndArray();
            json.WriteBoolean("stdin", inputs != SessionInput.None);
            json.WriteBoolean("tty", inputs == SessionInput.Terminal);
            json.WriteEndObject();
        }

        using var options = JsonDocument.Parse(buffer.ToArray());
        return Of(verb, @namespace, pod, options.RootElement);
    }

    private static string Word(SessionVerb verb) => verb switch
    {
        SessionVerb.Exec => "exec",
        SessionVerb.Attach => "attach",
        _ => "port-forward",
    };

    private static Reading<SessionDocument> Unread(string what) => new Reading<SessionDocument>.Unread(new("admission.sessions", what, "open it with kubectl"));
}

/// <summary>What a session reads from its caller.</summary>
public enum SessionInput
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Its standard input.</summary>
    Stream,

    /// <summary>A terminal.</summary>
    Terminal,
}
