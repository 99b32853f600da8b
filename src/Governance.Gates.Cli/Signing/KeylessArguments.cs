using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Clients.Signing;
using Governance.Gates.Policies;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Cli.Signing;

/// <summary>The options that say how something is signed without a key.</summary>
internal sealed class KeylessArguments
{
    private const string Audience = "sigstore";
    private const string TokenVariable = "SIGSTORE_ID_TOKEN";
    private static readonly RegistryLimits Limits = new() { RequestTimeout = TimeSpan.FromSeconds(30) };

    private readonly Option<string?> fulcio = new("--fulcio") { Description = "The certificate authority, such as https://fulcio.sigstore.dev.", HelpName = "URL" };
    private readonly Option<string?> rekor = new("--rekor") { Description = "The transparency log, such as https://rekor.sigstore.dev.", HelpName = "URL" };
    private readonly Option<string> rekorVersion = new Option<string>("--rekor-version") { Description = "The version of the log's API; 2 needs --tsa.", DefaultValueFactory = _ => "1" }.OneOf("1", "2");
    private readonly Option<string?> tsa = new("--tsa") { Description = "The timestamp authority, with its path, such as https://timestamp.sigstore.dev/api/v1/timestamp.", HelpName = "URL" };
    private readonly Option<string?> root = new("--trusted-root") { Description = "The trusted_root.json of the instance, by which every answer is checked; gates trust write public-good FILE makes one.", HelpName = "FILE" };
    private readonly Option<string?> token = new("--identity-token") { Description = $"A file with the OpenID Connect token. Otherwise {TokenVariable}, or the token of the GitHub workflow.", HelpName = "FILE" };
    private readonly Option<string?> identity = new("--identity") { Description = "The name that the certificate must have, where the token alone does not say it.", HelpName = "NAME" };

    /// <summary><c>--keyless</c>.</summary>
    public Option<bool> Keyless { get; } = new("--keyless") { Description = "Sign without a key: a certificate authority certifies who holds the token, and a log shows the signature to everybody." };

    /// <summary>Whether the trusted root is a policy's, so that no option names one.</summary>
    public bool RootIsOfPolicy { get; init; }

    /// <summary>The options.</summary>
    public IEnumerable<Option> Options => [Keyless, .. Details];

    private IEnumerable<Option> Details => [fulcio, rekor, rekorVersion, tsa, .. RootIsOfPolicy ? (Option[])[] : [root], token, identity];

    /// <summary>Whether a transparency log is named.</summary>
    public bool IsLogged(SymbolResult result) => result.IsGiven(rekor);

    /// <summary>Every mistake in how these options go together.</summary>
    public IEnumerable<string> Mistakes(SymbolResult result, Option<bool> yes, Terminal terminal)
    {
        if (!result.IsGiven(Keyless))
        {
            return Details.Where(result.IsGiven).Select(option => $"{option.Name} goes with --keyless");
        }

        (bool Wrong, string Why)[] rules =
        [
            (!result.IsGiven(fulcio), "say who certifies: --fulcio URL"),
            (!result.IsGiven(rekor) && !result.IsGiven(tsa), "say who shows when it was signed: --rekor URL, --tsa URL, or both"),
            (!result.IsGiven(rekor) && result.IsGiven(rekorVersion), "--rekor-version goes with --rekor"),
            (result.GetResult(rekorVersion) is { Tokens: [{ Value: "2" }] } && !result.IsGiven(tsa), "a log of version 2 does not say when: add --tsa URL"),
            (!RootIsOfPolicy && !result.IsGiven(root), "name the instance's trusted_root.json with --trusted-root, by which the answers are checked"),
            .. ((Option<string?>[])[fulcio, rekor, tsa]).Select(option => (result.GetResult(option) is { Tokens: [var url] } && !SigningAddresses.TryParse(url.Value, out _), $"{option.Name} is an https URL without user, query and fragment; plain http is for loopback")),
            (PublicLog(result) is { } log && !result.IsGiven(yes) && !terminal.CanAsk, $"nobody can be asked here whether {PublicLog(result)?.Authority} may show this signature for ever: add --yes"),
        ];
        return rules.Where(rule => rule.Wrong).Select(rule => rule.Why);
    }

    /// <summary>Reads the token and opens the connections; nobody but GitHub's token service is asked anything yet.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="policy">The policy that says where may be signed; null: none was named.</param>
    /// <param name="evidence">What a policy asks for; null: what the command line names.</param>
    /// <param name="terminal">The environment and the clock.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="GateException">The policy refuses a service, there is no token, or a file cannot be read.</exception>
    public async Task<StatementSigner.Keyless> OpenAsync(ParseResult parsed, Policy? policy, EvidenceRequirement? evidence, Terminal terminal, CancellationToken cancellation)
    {
        var addresses = new SigningAddresses(new(parsed.GetValue(fulcio)!), Address(parsed, rekor), Address(parsed, tsa));
        Allow(policy, addresses);
        RekorVersion? log = addresses.Rekor is null ? null : parsed.GetValue(rekorVersion) == "2" ? RekorVersion.V2 : RekorVersion.V1;
        if (evidence is { Logs: > 0 } && log is null)
        {
            throw new GateException("the policy counts no signature that a transparency log does not have", "name the log with --rekor");
        }

        var who = await ReadTokenAsync(parsed, terminal, cancellation);
        return Open(addresses, log, evidence ?? EvidenceOf(TrustFile.ReadRoot(parsed.GetValue(root)!), log is not null), who, PublicLog(parsed.CommandResult), terminal);
    }

    /// <summary>Opens the connections.</summary>
    public static StatementSigner.Keyless Open(SigningAddresses addresses, RekorVersion? log, EvidenceRequirement evidence, IdentityToken who, Uri? publicLog, Terminal terminal)
    {
        var services = new SigningServices(addresses, Limits, terminal.Clock);
        return new(new KeylessSigner(who, evidence, log, addresses.TimestampAuthority is not null, services.SendAsync), services, publicLog);
    }

    /// <summary>Asks whether a log may show the signature for ever, where the command line has not said so.</summary>
    /// <exception cref="GateException">The answer was not yes.</exception>
    public static async Task AskAsync(StatementSigner signer, bool yes, Terminal terminal, CancellationToken cancellation)
    {
        if (signer is StatementSigner.Keyless { Publishes: { } published } && !yes && !await terminal.ConfirmAsync($"{published}. Sign? (yes or no)", cancellation))
        {
            throw new GateException("nothing was signed, as the answer was not yes", "answer yes, spelled out, to sign");
        }
    }

    /// <summary>What a bundle made here must hold: one log where one is asked, one time, and a promise to show the certificate where the instance has logs of certificates.</summary>
    public static EvidenceRequirement EvidenceOf(TrustedRoot root, bool isLogged) => new(root) { Logs = isLogged ? 1 : 0, CertificateTimestamps = root.CertificateLogs.IsEmpty ? 0 : 1 };

    /// <summary>Reads an identity token that counts now.</summary>
    /// <exception cref="GateException">It is none, or has ended.</exception>
    public static IdentityToken ReadToken(string text, string? name, Terminal terminal)
    {
        var read = IdentityToken.TryParse(text, name, out var mistake) ?? throw new GateException($"the identity token is not used: {mistake}", "give an OpenID Connect ID token of the issuer");
        return read.Expires > terminal.Clock.GetUtcNow() ? read : throw new GateException($"the identity token of {read} ended at {read.Expires.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}", "get a new one");
    }

    // A timestamp authority learns a hash and shows nobody anything: it is none of those that the policy may refuse.
    private static void Allow(Policy? policy, SigningAddresses addresses)
    {
        if (policy is not null && ((Uri?[])[addresses.Fulcio, addresses.Rekor]).OfType<Uri>().Where(service => !policy.Signing.Allows(service)).Distinct().ToArray() is [_, ..] refused)
        {
            throw new GateException(
                $"the policy {policy.Name} version {policy.Version} has nothing signed where others may read it (signing.publicLogs), and does not call {string.Join(" and ", refused.Select(service => service.AbsoluteUri))} private; nobody was asked anything",
                policy.Signing.Private.IsEmpty ? "sign with a key" : $"sign with a key, or by {string.Join(", ", policy.Signing.Private)}");
        }
    }

    private Uri? PublicLog(SymbolResult result) =>
        result.GetResult(rekor) is { Tokens: [var url] } && SigningAddresses.TryParse(url.Value, out var address) && !address.IsLoopback ? address : null;

    private static Uri? Address(ParseResult parsed, Option<string?> option) => parsed.GetValue(option) is { } url ? new(url) : null;

    private async Task<IdentityToken> ReadTokenAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellation)
    {
        var name = parsed.GetValue(identity);
        if (parsed.GetValue(token) is { } file)
        {
            return ReadToken(Encoding.UTF8.GetString(InputFile.Read(file, "identity token", IdentityToken.MaxSize)), name, terminal);
        }

        if (terminal.Variable(TokenVariable) is { Length: > 0 } given)
        {
            return ReadToken(given, name, terminal);
        }

        if (!WorkflowToken.IsAvailable(terminal.Variable))
        {
            throw new GateException("no identity token is given", $"name a file with --identity-token, set {TokenVariable}, or run in a GitHub workflow with permissions: {{ id-token: write }}");
        }

        return await WorkflowToken.RequestAsync(terminal.Variable, Audience, Limits, terminal.Clock, cancellation) switch
        {
            Reading<string>.Found(var text) => ReadToken(text, name, terminal),
            Reading<string>.Unread(var reason) => throw new GateException(reason.Message, reason.Remedy ?? "try again"),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }
}
