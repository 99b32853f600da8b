using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Parsing;
using Governance.Gates.Approvals;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Cli.Signing;
using Governance.Gates.Identities;
using Governance.Gates.Images;
using Governance.Gates.Policies;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Cli.Statements;

/// <summary>How a statement is signed: with a key here, or elsewhere in two steps; and what a person is asked before it is.</summary>
internal sealed class StatementSigning
{
    private readonly Option<string?> payload = new("--payload") { Description = "Without --key: write what is to be signed to FILE, byte for byte (DSSE), and the statement alone to FILE.json, and stop. With --signature: the file that was signed, either of the two.", HelpName = "FILE" };
    private readonly Option<string?> signature = new("--signature") { Description = "Attach a signature that was made elsewhere: ECDSA in DER or base64 over --payload, or a DSSE envelope or Sigstore bundle.", HelpName = "FILE" };
    private readonly Option<string?> signerName = new("--signer") { Description = "With --payload alone: who will sign, by the policy's name of the key, or of a person with one key.", HelpName = "NAME" };
    private readonly Option<bool> yes = new("--yes") { Description = "Sign without asking; for scripts." };
    private readonly SigningKey key = new();
    private readonly KeylessArguments keyless = new() { RootIsOfPolicy = true };

    /// <summary>The options, of which the key may be left out.</summary>
    public StatementSigning() => key.File.Required = false;

    /// <summary>The options.</summary>
    public IEnumerable<Option> Options => [key.File, key.PasswordFile, .. keyless.Options, payload, signature, signerName, yes];

    /// <summary>Whether the command line brings a signature that was made elsewhere.</summary>
    public bool Attaches(SymbolResult result) => result.IsGiven(signature);

    /// <summary>Tells every mistake in how these options go together.</summary>
    public void Validate(CommandResult result, Terminal terminal)
    {
        var (byKey, without, toPayload, attaches) = (result.IsGiven(key.File), result.IsGiven(keyless.Keyless), result.IsGiven(payload), result.IsGiven(signature));
        var signs = byKey || without || attaches;
        (bool Wrong, string Why)[] rules =
        [
            (!byKey && !without && !toPayload && !attaches, "say how it is signed: --key FILE, or --keyless, or --payload FILE to have it signed elsewhere, or --signature FILE"),
            (byKey && without, "--key signs with a key and --keyless without one; give one of them"),
            (without && (toPayload || attaches), "--keyless signs here; --payload and --signature are for a key that is elsewhere"),
            (byKey && (toPayload || attaches), "--key signs here; --payload and --signature are for a key that is elsewhere"),
            (toPayload && !signs && !result.IsGiven(signerName), "who signs is part of what is signed: add --signer NAME"),
            (result.IsGiven(signerName) && signs, "--signer goes with --payload alone; a signature says itself who made it"),
            (result.IsGiven(key.PasswordFile) && !byKey, "--password-file goes with --key"),
            (signs && !result.IsGiven(yes) && !terminal.CanAsk, "nobody can be asked here: read what would be signed with --payload, and add --yes"),
            .. keyless.Mistakes(result, yes, terminal).Select(mistake => (true, mistake)),
        ];
        foreach (var (_, why) in rules.Where(rule => rule.Wrong))
        {
            result.AddError(why);
        }
    }

    /// <summary>The signature that was made elsewhere, and the statement that it is over.</summary>
    /// <exception cref="GateException">It is none of a key of the policy.</exception>
    public SignedElsewhere ReadSignature(ParseResult parsed, Policy policy)
    {
        var file = parsed.GetValue(signature)!;
        var detached = DetachedSignature.TryRead(InputFile.Read(file, "signature", DetachedSignature.MaxSize), out var mistake)
            ?? throw new GateException($"'{file}' is no signature that is read here: {mistake}", "give ECDSA in DER or base64, a DSSE envelope or a Sigstore bundle");
        var written = parsed.GetValue(payload) is { } from ? InputFile.Read(from, "payload", DetachedSignature.MaxSize) : null;
        var statement = (written is null ? detached.Statement : Dsse.StatementIn(written) ?? written) ?? throw new GateException($"'{file}' is a bare signature, and does not say over what", "name what was signed with --payload FILE");
        if (detached.Statement is { } own && !own.Span.SequenceEqual(statement.Span))
        {
            throw new GateException($"'{file}' is over another statement than '{parsed.GetValue(payload)}'", "leave out --payload to attach what was signed, after reading what it says");
        }

        var signed = Dsse.SignedBytes(statement.Span);
        foreach (var trusted in policy.Keys.Values.OrderBy(trusted => trusted.Name, StringComparer.Ordinal))
        {
            if (detached.Signatures.FirstOrDefault(one => trusted.PublicKey.Verify(signed, one)) is { } made)
            {
                return new(statement, made, Signatory.Of(trusted.Identity, policy));
            }
        }

        throw new GateException($"'{file}' is the signature of no key that the policy {policy.Name} version {policy.Version} trusts, over this statement", "sign the bytes of --payload as they are, with SHA-256, and with a key of the policy");
    }

    /// <summary>Reads the key or the identity token, where one is here, and says for whom it acts.</summary>
    /// <returns>The signer, which the caller disposes of; null where the statement is to be signed elsewhere.</returns>
    /// <exception cref="GateException">It acts for no person.</exception>
    public async Task<(StatementSigner? Signer, Signatory Signatory)> ReadSignerAsync(ParseResult parsed, Policy policy, Terminal terminal, CancellationToken cancellation)
    {
        if (parsed.GetValue(signerName) is { } name)
        {
            var named = policy.Keys.GetValueOrDefault(name)?.Identity
                ?? (policy.People.GetValueOrDefault(name)?.Identities.OfType<Identity.Key>().ToArray() is [var only] ? only : null)
                ?? throw new GateException($"'{name}' is neither a key nor a person with one key in the policy {policy.Name}", $"name one of the keys {string.Join(", ", policy.Keys.Keys.Order(StringComparer.Ordinal))}");
            return (null, Signatory.Of(named, policy));
        }

        var signer = await OpenAsync(parsed, policy, terminal, cancellation);
        try
        {
            return (signer, Signatory.Of(signer.Identity, policy));
        }
        catch (GateException)
        {
            signer.Dispose();
            throw;
        }
    }

    private async Task<StatementSigner> OpenAsync(ParseResult parsed, Policy policy, Terminal terminal, CancellationToken cancellation)
    {
        if (!parsed.GetValue(keyless.Keyless))
        {
            return new StatementSigner.WithKey(key.Read(parsed, terminal));
        }

        return await keyless.OpenAsync(parsed, policy, SigningArguments.RequireTrust(policy).Evidence, terminal, cancellation);
    }

    /// <summary>Shows what would be signed, asks, signs and attaches; or writes what is to be signed.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="draft">The statement and what a person should know about it.</param>
    /// <param name="signer">What signs; null where that is elsewhere.</param>
    /// <param name="made">The signature that was made elsewhere; null where there is none yet.</param>
    /// <param name="form">How the answer is written.</param>
    /// <param name="terminal">Where it is shown and asked.</param>
    /// <param name="cancellation">Ends the work.</param>
    public async Task<int> FinishAsync(ParseResult parsed, Draft draft, StatementSigner? signer, SignedElsewhere? made, string form, Terminal terminal, CancellationToken cancellation)
    {
        var bytes = made?.Statement ?? draft.Write();
        await terminal.SayAsync($"{draft.Title}:");
        foreach (var fact in draft.Facts)
        {
            await terminal.Error.WriteLineAsync($"  {fact.Label}: {SafeText.Line(fact.Text)}");
        }

        foreach (var line in draft.Whole(bytes))
        {
            await terminal.Error.WriteLineAsync($"  {line}");
        }

        if (signer is StatementSigner.Keyless { Publishes: { } published })
        {
            await terminal.Error.WriteLineAsync($"  published: {SafeText.Line(published)}");
        }

        if (signer is null && made is null)
        {
            var file = parsed.GetValue(payload)!;
            Save(file, Dsse.SignedBytes(bytes.Span));
            Save(file + ".json", bytes.Span);
            return await draft.ToReport(Digest.Of(bytes.Span), [new("to be signed", $"{file}, byte for byte; or the statement {file}.json with what signs statements"), new("then", "attach it with --signature FILE --payload FILE")], null, null, file).WriteAsync(terminal, form);
        }

        if (!parsed.GetValue(yes) && !await terminal.ConfirmAsync(made is null ? "Sign this? (yes or no)" : "Attach this? (yes or no)", cancellation))
        {
            throw new GateException("nothing was signed, as the answer was not yes", "answer yes, spelled out, to sign");
        }

        var bundle = made is null
            ? await terminal.WhileAsync("signing", signer!.SignAsync(bytes, cancellation).AsTask())
            : SigstoreBundle.OfSignature(made.Statement, made.Signature, made.Key);
        var pushed = await draft.Target.AttachAsync(bundle, draft.PredicateType, terminal, cancellation);
        return await draft.ToReport(
            Digest.Of(bytes.Span),
            [
                .. pushed is null ? (Fact[])[] : [new Fact("pushed", $"{pushed}, {draft.Target.PushedAs}")],
                .. draft.Target.KeptIn is { } kept ? [new Fact("kept", kept)] : (Fact[])[],
                .. draft is { Statement: ApprovalRequest, Target.Document: { } document } ? [new Fact("answer it", $"gates approve {document.Subject.Digest}")] : (Fact[])[],
            ],
            pushed,
            draft.Target.KeptIn,
            null).WriteAsync(terminal, form);
    }

    private static void Save(string path, ReadOnlySpan<byte> bytes)
    {
        try
        {
            File.WriteAllBytes(path, bytes);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new GateException($"'{path}' cannot be written ({exception.GetType().Name})", "name a file that can be written with --payload", exception);
        }
    }
}

/// <summary>A person and what of theirs signs.</summary>
/// <param name="Person">The person.</param>
/// <param name="Identity">The key, or the subject of an issuer.</param>
/// <param name="Key">The key; null for a subject.</param>
internal sealed record Signatory(Person Person, Identity Identity, TrustedKey? Key)
{
    /// <summary>The person for whom a key or a subject acts.</summary>
    /// <exception cref="GateException">It acts for nobody, or for a robot.</exception>
    public static Signatory Of(Identity identity, Policy policy)
    {
        var trusted = identity is Identity.Key key ? policy.KeyOf(key) : null;
        if (policy.PersonOf(identity) is { } person && (trusted is not null || identity is Identity.OidcSubject))
        {
            return new(person, identity, trusted);
        }

        var what = identity is Identity.OidcSubject(var issuer, var subject) ? $"subject {subject} by {issuer}" : $"key {((Identity.Key)identity).Spki}";
        throw policy.RobotOf(identity) is { } robot
            ? new GateException($"the {what} acts for the robot {robot.Name}, and robots ask for and approve nothing", "sign with the key or subject of a person")
            : new GateException($"the {what} acts for nobody in the policy {policy.Name} version {policy.Version}", "sign with a key or subject that the policy gives to a person, or have it added there");
    }

    /// <summary>For people.</summary>
    public override string ToString() => $"{Person.Name} ({Person.Id}) {(Key is null ? $"as {(Identity as Identity.OidcSubject)?.Subject}" : $"with the key {Key.Name}")}";
}

/// <summary>A statement, the signature over it that was made elsewhere, and whose it is.</summary>
internal sealed record SignedElsewhere(ReadOnlyMemory<byte> Statement, byte[] Signature, Signatory Signatory)
{
    /// <summary>The request or approval in it, held against what it must be about.</summary>
    /// <exception cref="GateException">It is none, or about something else.</exception>
    public T Read<T>(StatementTarget target, Digest? subject)
        where T : ApprovalStatement
    {
        var bundle = SigstoreBundle.OfSignature(Statement, Signature, Key);
        var about = subject ?? target.Covers?.Digest ?? throw new GateException($"nothing is known of what {target.Name} is", "name the act with --act");
        var claims = Evidence.Claims.Verify(about, new([new(bundle, Digest.Of(bundle.Json.Span), "the signature")], []), TrustedSigners.OfKeys(Key));
        return claims.Approvals is [{ Statement: T statement }]
            ? statement
            : throw new GateException(
                $"what was signed is no {(typeof(T) == typeof(ApprovalRequest) ? "request" : "approval")} about {target.Name}{string.Concat(claims.Refused.Select(refused => $": {refused.Detail}"))}",
                "have what --payload writes signed, as it is");
    }

    /// <summary>The key that made it.</summary>
    public PublicKey Key => Signatory.Key!.PublicKey;
}

/// <summary>A statement that is about to be signed.</summary>
/// <param name="Statement">It.</param>
/// <param name="Target">What it is about.</param>
/// <param name="Subject">The digest that it is about.</param>
/// <param name="Title">What would happen, on one line.</param>
/// <param name="Facts">What a person should know before.</param>
internal sealed record Draft(ApprovalStatement Statement, StatementTarget Target, (string? Name, Digest Digest) Subject, string Title, ImmutableArray<Fact> Facts)
{
    /// <summary>The request that is answered; null in a request.</summary>
    public ApprovalRequest? Answers { get; init; }

    /// <summary>Its predicate type.</summary>
    public string PredicateType => Statement is ApprovalRequest ? ApprovalStatement.RequestType : ApprovalStatement.ApprovalType;

    /// <summary>Everything that a signature would be over, in lines: of an answer first the request, then what the answer adds to it.</summary>
    /// <param name="bytes">The in-toto statement.</param>
    public IEnumerable<string> Whole(ReadOnlyMemory<byte> bytes)
    {
        var request = Answers is null ? [] : ApprovalStatements.Write(Answers);
        return
        [
            .. Answers is null ? (string[])[] : ["the request, whole:", .. WholeStatement.Lines(request, default)],
            Answers is null ? "what is signed, whole:" : "what is signed, whole but for what the request says in the same words:",
            .. WholeStatement.Lines(bytes, request),
        ];
    }

    /// <summary>The bytes to sign.</summary>
    /// <exception cref="GateException">No gate would read them.</exception>
    public byte[] Write()
    {
        // Nobody should sign what no gate would read, such as a ticket of two thousand characters.
        return ApprovalStatements.Read(PredicateType, ApprovalStatements.Write(Statement)) is Reading<ApprovalStatement>.Unread(var reason)
            ? throw new GateException($"what would be signed could not be read again: {reason.Message}", "mend what the command line or the files in it say")
            : ApprovalStatements.WriteStatement(Statement, [Subject]);
    }

    /// <summary>The answer.</summary>
    public Report ToReport(Digest digest, ImmutableArray<Fact> more, Digest? pushed, string? kept, string? payload)
    {
        var (kind, person) = Statement is Approval approval ? ("approval", approval.Approver.Person) : ("request", Statement.Requester.Person);
        return new(
            "statement.schema.json",
            ExitCode.Allowed,
            $"{(payload is null ? "signed" : "not signed yet")}: {kind} {Statement.Id} about {Target.Name}",
            [new("statement", digest.ToString()), .. more],
            json =>
            {
                json.WriteString("kind", kind);
                json.WriteString("id", Statement.Id);
                json.WriteString("request", (Statement as Approval)?.RequestId ?? Statement.Id);
                json.WriteString("decision", (Statement as Approval)?.Decision.ToString().ToLowerInvariant());
                json.WriteString("action", Statement.Action);
                json.WriteString("person", person);
                json.WriteString("about", Target.Name);
                json.WriteString("subject", Subject.Digest.ToString());
                json.WriteString("statement", digest.ToString());
                json.WriteString("pushed", pushed?.ToString());
                json.WriteString("kept", kept);
                json.WriteString("payload", payload);
            });
    }
}
