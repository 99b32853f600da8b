using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Parsing;
using Governance.Gates.Admission;
using Governance.Gates.Approvals;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Clients.Kubernetes;
using Governance.Gates.Policies;

namespace Governance.Gates.Cli.Verbs;

/// <summary>The arguments that say which declared object, or which session into a running Pod, is asked for.</summary>
internal sealed class DeclaredArguments
{
    private readonly Option<string?> declaredObject = new("--object") { Description = "An object as it will stand, such as a ConfigMap, instead of an image or file.", HelpName = "MANIFEST" };
    private readonly Option<bool> deletion = new("--deletion") { Description = "With --object: ask to delete it, as it stands there." };
    private readonly Option<string> session = new Option<string>("--session") { Description = "A session into a running Pod, instead of an image or file; the command of exec follows after --." }.OneOf("exec", "attach", "port-forward");
    private readonly Option<string?> pod = new("--pod") { Description = "With --session: the Pod, in the one --namespace.", HelpName = "NAME" };
    private readonly Option<string?> container = new("--container") { Description = "With --session: the container, for exec and attach.", HelpName = "NAME" };
    private readonly Option<bool> stdin = new("--stdin") { Description = "With --session: it reads from its caller, as kubectl's -i." };
    private readonly Option<bool> tty = new("--tty") { Description = "With --session and --stdin: through a terminal, as kubectl's -t." };

    /// <summary>The options.</summary>
    public IEnumerable<Option> Options => [declaredObject, deletion, session, pod, container, stdin, tty];

    /// <summary>The words of a session's command behind the first, which the command line gives to the argument before.</summary>
    public Argument<string[]> Words { get; } = new("COMMAND") { Description = "With --session exec: the command, after --.", Arity = ArgumentArity.ZeroOrMore };

    /// <summary>Whether the command line names an object or a session.</summary>
    public bool IsGiven(CommandResult result) => result.IsGiven(declaredObject) || IsSession(result);

    /// <summary>Whether the command line names a session.</summary>
    public bool IsSession(CommandResult result) => result.IsGiven(session);

    /// <summary>Tells every mistake in how these go together.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="first">The argument to which the first word goes.</param>
    /// <param name="namespaces">Where it is.</param>
    public void Validate(CommandResult result, Argument<string?> first, Option<string[]> namespaces)
    {
        ImmutableArray<string> words = [.. Tokens(result.GetResult(first)), .. Tokens(result.GetResult(Words))];
        var kind = result.GetResult(session) is { Tokens: [var word] } ? word.Value : null;
        var (isObject, isSession) = (result.IsGiven(declaredObject), IsSession(result));
        (bool Wrong, string Why)[] rules =
        [
            (isObject && isSession, "--object and --session are different things; name one of them"),
            (isObject && !isSession && !words.IsEmpty, $"'{words.FirstOrDefault()}' is one thing and --object another; name one of them"),
            (!isObject && !isSession && words.Length > 1, $"'{words.LastOrDefault()}' is more than one IMAGE or FILE; a command goes with --session exec"),
            (!isObject && result.IsGiven(deletion), "--deletion goes with --object"),
            (!isSession && ((Option[])[pod, container, stdin, tty]).Any(result.IsGiven), "--pod, --container, --stdin and --tty go with --session"),
            (isSession && !result.IsGiven(pod), "say into which Pod: --pod NAME"),
            (isSession && Tokens(result.GetResult(namespaces)).Count() != 1, "say in which namespace the Pod is: --namespace NAME, once"),
            (kind is "exec" or "attach" && !result.IsGiven(container), "say into which container: --container NAME"),
            (kind is "exec" && words.IsEmpty, "say which command: -- COMMAND"),
            (kind is "attach" or "port-forward" && !words.IsEmpty, $"'{words.FirstOrDefault()}' is a command, which goes with --session exec"),
            (kind is "port-forward" && ((Option[])[container, stdin, tty]).Any(result.IsGiven), "--container, --stdin and --tty go with exec and attach; a port-forward is to every port of the Pod"),
            (result.IsGiven(tty) && !result.IsGiven(stdin), "--tty goes with --stdin, as kubectl's -t with -i"),
        ];
        foreach (var (_, why) in rules.Where(rule => rule.Wrong))
        {
            result.AddError(why);
        }
    }

    /// <summary>The action of the session that a command line names.</summary>
    public string ActionOf(ParseResult parsed) => SessionDocument.ActionOf(VerbOf(parsed));

    /// <summary>What is asked for: the document of the object or the session; null where the command line names neither.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="first">The argument to which the first word of a command goes.</param>
    /// <param name="namespaces">Where it is.</param>
    /// <param name="action">The action under which an object is asked for; null where that is signed already.</param>
    /// <param name="policy">The policy.</param>
    /// <param name="terminal">Where it is told that no gate will ask.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="GateException">There is no such document.</exception>
    public async Task<Covered?> ReadAsync(ParseResult parsed, Argument<string?> first, ImmutableArray<string> namespaces, string? action, Policy policy, Terminal terminal, CancellationToken cancellation)
    {
        if (parsed.GetValue(declaredObject) is { } path)
        {
            return await ReadObjectAsync(path, parsed.GetValue(deletion), namespaces, action, policy, terminal, cancellation);
        }

        if (!IsSession(parsed.CommandResult))
        {
            return null;
        }

        ImmutableArray<string> command = [.. parsed.GetValue(first) is { } word ? [word] : (string[])[], .. parsed.GetValue(Words) ?? []];
        var input = parsed.GetValue(tty) ? SessionInput.Terminal : parsed.GetValue(stdin) ? SessionInput.Stream : SessionInput.None;
        return SessionDocument.Of(VerbOf(parsed), namespaces[0], parsed.GetValue(pod)!, parsed.GetValue(container), command, input) switch
        {
            Reading<SessionDocument>.Found(var document) => document.ToCovered(),
            Reading<SessionDocument>.Unread(var reason) => throw new GateException(reason.Message, reason.Remedy ?? "name the session as kubectl would open it"),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    private SessionVerb VerbOf(ParseResult parsed) => parsed.GetRequiredValue(session) switch
    {
        "exec" => SessionVerb.Exec,
        "attach" => SessionVerb.Attach,
        _ => SessionVerb.PortForward,
    };

    // What another namespace would make another document must be said, not guessed.
    private static async Task<Covered> ReadObjectAsync(string path, bool deletes, ImmutableArray<string> namespaces, string? action, Policy policy, Terminal terminal, CancellationToken cancellation)
    {
        var manifests = await terminal.WhileAsync($"reading {path}", Manifests.ReadAsync(path, terminal.Input, cancellation));
        if (manifests is not [var manifest])
        {
            throw new GateException($"{path} holds {manifests.Length} objects", "name a file with exactly one: each is approved on its own");
        }

        var one = AdmissionRequests.ForManifest(manifest, namespaces.FirstOrDefault() ?? "", policy.Admission);
        if (one.Namespace is "")
        {
            throw new GateException($"{manifest.Source} does not say in which namespace {one.Kind} {one.Name} stands", "add --namespace NAME");
        }

        if (!namespaces.IsEmpty && (one.Namespace is null || !namespaces.Contains(one.Namespace)))
        {
            throw new GateException($"{one.Kind} {one.Name} stands in {(one.Namespace is null ? "no namespace" : $"the namespace {one.Namespace}")}, and --namespace says {string.Join(" and ", namespaces)}", "leave out --namespace, or name that of the object");
        }

        // The resource is a guess from the kind, so that this is told and not refused.
        var resource = one.ResourceGroup.Length == 0 ? one.Resource : $"{one.Resource}.{one.ResourceGroup}";
        if (action is not null && !policy.Admission.Objects.Any(rule => rule.Resource == resource && rule.Matches(one.Name) && rule.Approved.Action == action))
        {
            await terminal.SayAsync($"no rule of admission.objects asks for {action} of {resource} {one.Name}, so that a gate will not look for this approval");
        }

        return ObjectProjection.Of(one.Group, one.Kind, one.Object, one.Namespace) switch
        {
            Reading<ObjectProjection>.Found(var projection) => deletes ? projection.ToDeletion() : projection.ToCovered(),
            Reading<ObjectProjection>.Unread(var reason) => throw new GateException($"{manifest.Source}: {reason.Message}", reason.Remedy ?? "mend the manifest"),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    private static IEnumerable<string> Tokens(SymbolResult? result) => result?.Tokens.Select(token => token.Value) ?? [];
}
