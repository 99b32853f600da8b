using System.CommandLine;
using System.CommandLine.Parsing;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Policies;

namespace Governance.Gates.Cli.Signing;

/// <summary>The options of a verb that signs: with a key, or without one.</summary>
internal sealed class SigningArguments
{
    private const string PolicyName = "governance.yaml";

    private readonly SigningKey key = new();
    private readonly KeylessArguments keyless;
    private readonly Option<bool> yes = new("--yes") { Description = "With --keyless: sign without asking whether the log may show it; for scripts." };

    private readonly Option<string?> policy = new("--policy") { Description = $"With --keyless: the policy that says where may be signed without a key. Left out: {PolicyName} where there is one.", HelpName = "FILE" };

    /// <summary>The options, of which no single one is needed.</summary>
    public SigningArguments()
        : this(new())
    {
    }

    private SigningArguments(KeylessArguments keyless)
    {
        this.keyless = keyless;
        key.File.Required = false;
    }

    /// <summary>The options of a verb whose policy says which instance's word counts.</summary>
    public static SigningArguments UnderPolicy() => new(new KeylessArguments { RootIsOfPolicy = true });

    /// <summary>The options.</summary>
    public IEnumerable<Option> Options => [key.File, key.PasswordFile, .. keyless.Options, .. keyless.RootIsOfPolicy ? Array.Empty<Option>() : [policy], yes];

    /// <summary>Whether the command line signs without a key.</summary>
    public bool IsKeyless(SymbolResult result) => result.IsGiven(keyless.Keyless);

    /// <summary>Whether it signs without a key and without a transparency log.</summary>
    public bool IsUnlogged(SymbolResult result) => IsKeyless(result) && !keyless.IsLogged(result);

    /// <summary>Tells every mistake in how these options go together.</summary>
    public void Validate(CommandResult result, Terminal terminal)
    {
        var (byKey, without) = (result.IsGiven(key.File), IsKeyless(result));
        IEnumerable<string> mistakes =
        [
            .. byKey == without ? (string[])["say how it is signed: --key FILE, or --keyless"] : [],
            .. result.IsGiven(key.PasswordFile) && !byKey ? (string[])["--password-file goes with --key"] : [],
            .. without ? [] : ((Option[])[yes, policy]).Where(result.IsGiven).Select(option => $"{option.Name} goes with --keyless"),
            .. keyless.Mistakes(result, yes, terminal),
        ];
        foreach (var mistake in mistakes)
        {
            result.AddError(mistake);
        }
    }

    /// <summary>Reads what signs. The caller disposes of it.</summary>
    /// <exception cref="GateException">The policy refuses it, or a key or token cannot be read or used.</exception>
    public async Task<StatementSigner> OpenAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellation) =>
        IsKeyless(parsed.CommandResult) ? await keyless.OpenAsync(parsed, (parsed.GetValue(policy) ?? (File.Exists(PolicyName) ? PolicyName : null)) is { } file ? PolicyFile.Load(file).Policy : null, null, terminal, cancellation) : new StatementSigner.WithKey(key.Read(parsed, terminal));

    /// <summary>Reads what signs under a policy. The caller disposes of it.</summary>
    /// <exception cref="GateException">A key or token cannot be read or used, or no signature without a key counts.</exception>
    public async Task<StatementSigner> OpenAsync(ParseResult parsed, Policy policy, Terminal terminal, CancellationToken cancellation) =>
        IsKeyless(parsed.CommandResult) ? await keyless.OpenAsync(parsed, policy, RequireTrust(policy).Evidence, terminal, cancellation) : new StatementSigner.WithKey(key.Read(parsed, terminal));

    /// <summary>By whose word signatures without a key count.</summary>
    /// <exception cref="GateException">None do.</exception>
    public static SigstoreTrust RequireTrust(Policy policy) =>
        policy.Sigstore ?? throw new GateException($"in the policy {policy.Name} version {policy.Version} no signature without a key counts", "sign with a key that the policy names, or have trust.roots.sigstore added to it");

    /// <summary>Asks whether a log may show the signature for ever, where nobody has said so.</summary>
    /// <exception cref="GateException">The answer was not yes.</exception>
    public Task AskAsync(ParseResult parsed, StatementSigner signer, Terminal terminal, CancellationToken cancellation) => KeylessArguments.AskAsync(signer, parsed.GetValue(yes), terminal, cancellation);
}
