using System.Collections.Immutable;

namespace Governance.Gates.Cli.Actions;

/// <summary>An action of this repository: the verb that it runs, what its <c>action.yml</c> lets a workflow say, and what it says in return.</summary>
/// <param name="Name">The verb.</param>
/// <param name="Inputs">The inputs; a test holds them against the <c>action.yml</c>.</param>
/// <param name="Outputs">The outputs besides those of every action; the same.</param>
internal sealed record GateAction(string Name, ImmutableArray<ActionInput> Inputs, ImmutableArray<ActionOutput> Outputs)
{
    /// <summary>The input that names the file for the JSON answer.</summary>
    public const string Report = "report";

    /// <summary>The output with the verdict.</summary>
    public const string Decision = "decision";

    private const string Prefix = "INPUT_";
    private static readonly ImmutableArray<ActionInput> Registry = [new("registry-ca"), new("plain-http", InputKind.Lines)];
    private static readonly ActionOutput PolicyDigest = new("policy-digest", "policy", "digest");

    /// <summary>Arguments that go with every run of the verb.</summary>
    public ImmutableArray<string> Always { get; init; } = [];

    /// <summary>Every action that there is.</summary>
    public static ImmutableArray<GateAction> All { get; } =
    [
        new("review", [new("pr"), new("repository"), new("snapshot"), new("save"), new("policy"), new("policy-at"), new("base", InputKind.Lines), new("check-run")], [PolicyDigest, new("head-sha", "head")]),
        new(
            "verify",
            [new("image", InputKind.Argument), new("key", InputKind.Lines), new("policy"), new("type"), new("repository"), new("namespace"), new("cluster-uid"), new("as"), new("layout"), .. Registry],
            [PolicyDigest, new("digest", "subjects", "0", "digest")]),
        new(
            "approve",
            [
                new("about", InputKind.Argument), new("policy"), new("as"), new("request"), new("role"), new("reject", InputKind.Flag), new("withdraw"), new("acknowledge", InputKind.Flag), new("on-behalf-of"),
                new("use-by"), new("run-until"), new("max-uses"), new("rationale"), new("statements"), new("payload"), new("signature"), new("key"), .. Registry,
            ],
            [new("statement", "statement"), new("pushed", "pushed")])
        {
            // Nobody can be asked on a runner; what is signed stands in the log.
            Always = ["--yes"],
        },
        new(
            "release",
            [
                new("image", InputKind.Argument), new("commit"), new("policy"), new("statement"), new("namespace"), new("cluster-uid"), new("as"), new("key"), new("keyless", InputKind.Flag), new("fulcio"), new("rekor"),
                new("rekor-version"), new("tsa"), new("identity-token"), new("identity"), new("yes", InputKind.Flag), new("layout"), .. Registry,
            ],
            [new("digest", "digest"), new("review", "review"), new("summary", "summary")]),
        new("branches", [new("repository"), new("branch"), new("snapshot"), new("save"), new("policy")], [PolicyDigest]),
    ];

    /// <summary>Whether a workflow gave this input, or the <c>action.yml</c> has a default for it.</summary>
    public static string? Given(string name, Func<string, string?> variable) =>
        // Spaces become underscores and hyphens stay (actions/runner, Handler.cs): no shell could read such a name.
        variable(Prefix + name.Replace(' ', '_').ToUpperInvariant())?.Trim() is { Length: > 0 } given ? given : null;

    /// <summary>The verb's command line for what a workflow says.</summary>
    /// <param name="names">The names of all variables.</param>
    /// <param name="variable">Reads a variable; null where it is not set.</param>
    /// <exception cref="GateException">An input that this action does not have, or one that cannot be read: a misspelled restriction must not be none.</exception>
    public ImmutableArray<string> CommandLine(IEnumerable<string> names, Func<string, string?> variable)
    {
        var known = Inputs.Select(input => input.Name).Append(Report).ToDictionary(name => Prefix + name.ToUpperInvariant(), StringComparer.Ordinal);
        if (names.Where(name => name.StartsWith(Prefix, StringComparison.Ordinal) && !known.ContainsKey(name)).Order(StringComparer.Ordinal).FirstOrDefault() is { } unknown)
        {
            throw new GateException($"the action {Name} has no input '{unknown[Prefix.Length..].ToLowerInvariant()}'", $"give one of {string.Join(", ", known.Values)}");
        }

        var given = Inputs.Select(input => (Input: input, Value: Given(input.Name, variable))).Where(one => one.Value is not null).ToList();
        return
        [
            Name,
            .. Always,
            "--output=json",
            .. given.Where(one => one.Input.Kind != InputKind.Argument).SelectMany(one => one.Input.Options(one.Value!)),
            // Behind these two dashes nothing is an option, and none of it names a file of further arguments.
            "--",
            .. given.Where(one => one.Input.Kind == InputKind.Argument).Select(one => one.Value!),
        ];
    }
}

/// <summary>How the text of an input becomes arguments.</summary>
internal enum InputKind
{
    /// <summary>An option with one value.</summary>
    Text,

    /// <summary>An option for each line that is not blank.</summary>
    Lines,

    /// <summary>An option without a value, where the text is true.</summary>
    Flag,

    /// <summary>An argument without an option.</summary>
    Argument,
}

/// <summary>One input; its option has the same name.</summary>
internal sealed record ActionInput(string Name, InputKind Kind = InputKind.Text)
{
    private static readonly ImmutableArray<string> True = ["true", "True", "TRUE"];
    private static readonly ImmutableArray<string> False = ["false", "False", "FALSE"];

    /// <summary>The options for a text. Name and value are one argument, so that no value can be taken for an option.</summary>
    /// <exception cref="GateException">A flag that is neither true nor false.</exception>
    public IEnumerable<string> Options(string text) => Kind switch
    {
        InputKind.Lines => text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(line => $"--{Name}={line}"),
        // YAML 1.2, core schema, as GitHub's own toolkit reads booleans.
        InputKind.Flag => True.Contains(text) ? [$"--{Name}"] : False.Contains(text) ? [] : throw new GateException($"the input {Name} is '{text}'", "write true or false"),
        _ => [$"--{Name}={text}"],
    };
}

/// <summary>One output: a member of the verb's JSON answer, by names and indexes from its root.</summary>
internal sealed record ActionOutput(string Name, params ImmutableArray<string> Path);
