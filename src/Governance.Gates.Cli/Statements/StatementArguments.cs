using System.CommandLine;
using System.CommandLine.Parsing;
using Governance.Gates.Approvals;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Clients.Revocations;
using Governance.Gates.Images;
using Governance.Gates.Revocations;

namespace Governance.Gates.Cli.Statements;

/// <summary>The arguments that say what requests and approvals are about, and how that is reached.</summary>
internal sealed class StatementArguments
{
    private readonly Option<Repository?> standsFor = ImageArguments.As();
    private readonly RegistryArguments registries = new();

    /// <summary>The image or file.</summary>
    public Argument<string?> Target { get; } = StatementTarget.Argument();

    /// <summary>The file in which statements are kept.</summary>
    public Option<string?> Kept { get; } = StatementTarget.Kept();

    /// <summary>The policy that says who must agree.</summary>
    public Option<string> Policy { get; } = new("--policy") { Description = "The policy that says who must agree.", HelpName = "FILE", Required = true };

    /// <summary>How the answer is written.</summary>
    public Option<string> Form { get; } = Report.OutputOption();

    /// <summary>Adds them to a command: first what is asked, then <paramref name="own"/>, then how it is reached and written.</summary>
    public void AddTo(Command command, params IEnumerable<Option> own)
    {
        command.Add(Target);
        foreach (var option in (IEnumerable<Option>)[Policy, standsFor, .. own, Kept, .. registries.ForWriting, Form])
        {
            command.Add(option);
        }
    }

    /// <summary>The list of what no longer counts under a policy, from where it says; an empty one where it says nowhere.</summary>
    public Task<Reading<RevocationList>> RevocationsAsync(ParseResult parsed, string file, Policies.Policy policy, Terminal terminal, CancellationToken cancellation) =>
        RevocationsAsync(registries, parsed, file, policy, terminal, cancellation);

    /// <summary>The same, for a verb that has other arguments.</summary>
    public static async Task<Reading<RevocationList>> RevocationsAsync(RegistryArguments registries, ParseResult parsed, string file, Policies.Policy policy, Terminal terminal, CancellationToken cancellation)
    {
        var registry = registries.Open(parsed, null, terminal.Clock);
        using var connections = registry as IDisposable;
        using var feed = new RevocationFeed(Path.GetDirectoryName(Path.GetFullPath(file))!, registry);
        return await feed.CurrentAsync(policy, terminal.Clock.GetUtcNow(), cancellation);
    }

    /// <summary>Tells every mistake in what is named.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="otherwise">What may stand in place of an image or file, such as <c>, or --act NAME</c>; null where it is given.</param>
    public void Validate(CommandResult result, string? otherwise = "")
    {
        var name = Name(result);
        if (name is null)
        {
            if (otherwise is not null)
            {
                result.AddError($"name an IMAGE or FILE{otherwise}");
            }

            return;
        }

        if (otherwise is null)
        {
            result.AddError($"'{name}' is one thing and --act another; name one of them");
        }

        if (StatementTarget.IsFile(name) || StatementTarget.IsDocument(name))
        {
            if (result.IsGiven(standsFor))
            {
                result.AddError("--as goes with an oci: layout, not with a file or a document");
            }

            return;
        }

        try
        {
            var isLayout = ImageLocation.Parse(name) is ImageLocation.Layout;
            if (isLayout != result.IsGiven(standsFor))
            {
                result.AddError(isLayout ? "a statement names the image's repository: say which one the layout stands for with --as REPOSITORY" : "--as goes with an oci: layout; a registry's image lies in its own repository");
            }
        }
        catch (GateException mistake)
        {
            result.AddError($"{mistake.Message}; or name a file that is there");
        }
    }

    /// <summary>Finds what is meant. The caller disposes of the connections.</summary>
    /// <exception cref="GateException">It cannot be found or read.</exception>
    public async Task<(StatementTarget Target, IDisposable? Connections)> OpenAsync(ParseResult parsed, Policies.Policy policy, Terminal terminal, CancellationToken cancellation)
    {
        var name = parsed.GetValue(Target)!;
        var kept = parsed.GetValue(Kept);
        if (StatementTarget.IsFile(name))
        {
            return (StatementTarget.OfFile(name, kept), null);
        }

        if (Digest.TryParse(name) is { } document)
        {
            return OpenDocument(parsed, policy, document, null, terminal);
        }

        var location = ImageLocation.Parse(name);
        var registry = registries.Open(parsed, location, terminal.Clock);
        try
        {
            return (await StatementTarget.OfImageAsync(registry, location, parsed.GetValue(standsFor), kept, terminal, cancellation), registry as IDisposable);
        }
        catch
        {
            (registry as IDisposable)?.Dispose();
            throw;
        }
    }

    /// <summary>The document of an object or a session. The caller disposes of the connections.</summary>
    /// <exception cref="GateException">The policy does not say where statements about it wait.</exception>
    public (StatementTarget Target, IDisposable? Connections) OpenDocument(ParseResult parsed, Policies.Policy policy, Digest digest, Covered? covers, Terminal terminal)
    {
        var registry = registries.Open(parsed, null, terminal.Clock);
        try
        {
            return (StatementTarget.OfDocument(registry, policy, digest, covers, parsed.GetValue(Kept)), registry as IDisposable);
        }
        catch
        {
            (registry as IDisposable)?.Dispose();
            throw;
        }
    }

    /// <summary>Whether a file is named, or nothing: what is in no environment.</summary>
    public bool IsOutsideOfEnvironments(CommandResult result) => Name(result) is not { } name || StatementTarget.IsFile(name);

    private string? Name(CommandResult result) => result.GetResult(Target) is { Tokens: [var token] } ? token.Value : null;
}
