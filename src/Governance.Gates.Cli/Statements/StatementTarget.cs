using System.Collections.Immutable;
using System.CommandLine;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Governance.Gates.Approvals;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Images;
using Governance.Gates.Clients.Policies;
using Governance.Gates.Clients.Registries;
using Governance.Gates.Evidence;
using Governance.Gates.Images;
using Governance.Gates.Ledgers;
using Governance.Gates.Policies;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Cli.Statements;

/// <summary>What requests and approvals are about, and where they are kept.</summary>
/// <param name="Name">For people.</param>
/// <param name="SubjectName">The name of the statements' subject.</param>
/// <param name="Covers">The thing itself; null for a file of statements about acts, each of which names its own.</param>
/// <param name="Image">The image on which they hang; null where they are kept in a file alone.</param>
/// <param name="KeptIn">The file in which they are kept, too; null for none.</param>
internal sealed record StatementTarget(string Name, string? SubjectName, Covered? Covers, ImageTarget? Image, string? KeptIn)
{
    private const string LabelOfEnvelopes = "dev.cosignproject.cosign/signature";
    private const string ActType = "https://governance.gates/projections/act/v1";
    private const int MostBytes = 256 * 1024 * 1024;
    private Policy? next;

    /// <summary>The document of an object or a session, where statements about it wait in a registry; null for anything else.</summary>
    public WaitingDocument? Document { get; private init; }

    /// <summary>The local file that it is; null for anything else.</summary>
    public string? LocalFile { get; private init; }

    /// <summary>The recovery of a ledger that it is; null for anything else.</summary>
    public RecoveryDocument? Recovery { get; private init; }

    /// <summary>The digest that statements are about; null for a file of statements about acts.</summary>
    public Digest? SubjectDigest => Covers?.Digest ?? Document?.Subject.Digest;

    /// <summary>What is pushed, in words.</summary>
    public string PushedAs => Document is { } document ? $"the manifest of tag sha256-{document.Subject.Digest.Hex}.att in {document.Subject.Repository}" : "a manifest that refers to the image";

    /// <summary>The argument that names it.</summary>
    public static Argument<string?> Argument() => new("IMAGE|FILE")
    {
        Description = "registry.example.com/app@sha256:…, registry.example.com/app:tag, an image layout oci:DIR, a local file such as a policy, or the document of an object or a session by its sha256:….",
        HelpName = "IMAGE|FILE",
        Arity = ArgumentArity.ZeroOrOne,
    };

    /// <summary>The file beside the registry, or instead of it.</summary>
    public static Option<string?> Kept() => new("--out", "--statements")
    {
        Description = $"A file in which statements are kept, one a line. An image has none unless it is named here; FILE has FILE{StatementFile.Suffix}.",
        HelpName = "FILE",
    };

    /// <summary>Whether a name is that of a file here. Everything else is an image.</summary>
    public static bool IsFile(string name) => !IsDocument(name) && !name.StartsWith("oci:", StringComparison.Ordinal) && (File.Exists(name) || name.EndsWith(StatementFile.Suffix, StringComparison.Ordinal));

    /// <summary>Whether a name is the digest of a document.</summary>
    public static bool IsDocument(string name) => Digest.TryParse(name) is not null;

    /// <summary>The document of an object or a session, in the repository where the gate looks for statements about it.</summary>
    /// <param name="registry">What holds the repository.</param>
    /// <param name="policy">Names the repository.</param>
    /// <param name="digest">The document's digest.</param>
    /// <param name="covers">The document; null where only its digest is known.</param>
    /// <param name="kept">The file of its statements; null for none.</param>
    /// <exception cref="GateException">The policy names no repository.</exception>
    public static StatementTarget OfDocument(IRegistry registry, Policy policy, Digest digest, Covered? covers, string? kept)
    {
        var repository = policy.Admission.Statements
            ?? throw new GateException($"the policy {policy.Name} version {policy.Version} does not say where statements about objects and sessions wait", "add admission.statements to it");
        return new($"{covers?.Name ?? "the document"} ({digest})", covers?.Name, covers, null, kept) { Document = new(registry, new(repository, digest)) };
    }

    /// <summary>A local file, or the acts in a file of statements.</summary>
    /// <exception cref="GateException">It cannot be read.</exception>
    public static StatementTarget OfFile(string path, string? kept)
    {
        if (path.EndsWith(StatementFile.Suffix, StringComparison.Ordinal))
        {
            var about = path[..^StatementFile.Suffix.Length];
            return File.Exists(about) ? OfFile(about, kept ?? path)
                : File.Exists(path) ? new($"the acts in {path}", null, null, null, path)
                : throw new GateException($"the file of statements '{path}' is not there", "name a file that exists");
        }

        var name = Path.GetFileName(path);
        var bytes = InputFile.Read(path, "file", MostBytes);
        if (RecoveryDocument.TryParse(bytes) is { } recovery)
        {
            return OfRecovery(recovery, kept ?? path + StatementFile.Suffix);
        }

        var digest = Digest.Of(bytes);
        return new($"file {name} ({digest})", name, new(CoveredKind.Artifact, name, digest, default), null, kept ?? path + StatementFile.Suffix) { LocalFile = path };
    }

    /// <summary>The recovery of a ledger, whose document is shown whole to whoever signs.</summary>
    /// <param name="recovery">The document.</param>
    /// <param name="kept">The file of its statements.</param>
    public static StatementTarget OfRecovery(RecoveryDocument recovery, string kept)
    {
        var name = $"recovery of {recovery.Origin}";
        return new($"the {name} ({recovery.Digest})", name, new(CoveredKind.Command, name, recovery.Digest, recovery.Json), null, kept) { Recovery = recovery };
    }

    /// <summary>The next version of a policy that this file is, where an action is about the policy itself; null for any other action.</summary>
    /// <exception cref="GateException">It is no policy that a gate would load.</exception>
    public Policy? NextPolicy(string action)
    {
        if (action is not (ApprovalRule.PolicyChange or ApprovalRule.PolicyWeakening) || LocalFile is not { } file)
        {
            return null;
        }

        next ??= PolicyFile.Load(file).Policy;
        return next.Digest == SubjectDigest ? next : throw new GateException($"'{file}' was changed while it was read", "try again");
    }

    /// <summary>Something to be done, by the digest of its canonical document.</summary>
    /// <param name="act">Its name, such as <c>key-rotation</c>.</param>
    /// <param name="parameters">Its canonical parameters; empty for none.</param>
    /// <param name="kept">The file of its statements; null for the usual one.</param>
    public static StatementTarget OfAct(string act, ReadOnlyMemory<byte> parameters, string? kept)
    {
        var document = CanonicalJson.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("action", act);
            json.WritePropertyName("parameters");
            json.WriteRawValue(parameters.IsEmpty ? "{}"u8 : parameters.Span);
            json.WriteString("type", ActType);
            json.WriteEndObject();
        });
        return new($"the act {act}", act, new(CoveredKind.Command, act, Digest.Of(document), document), null, kept ?? act + StatementFile.Suffix);
    }

    /// <summary>An image.</summary>
    /// <exception cref="GateException">It cannot be found.</exception>
    public static async Task<StatementTarget> OfImageAsync(IRegistry registry, ImageLocation location, Repository? standsFor, string? kept, Terminal terminal, CancellationToken cancellation)
    {
        var image = await ImageTarget.RequireAsync(registry, location, standsFor, terminal, cancellation);
        var name = image.Subject.Repository.ToString();
        return new(image.Subject.ToString(), name, new(CoveredKind.Artifact, name, image.Subject.Digest, default), image, kept);
    }

    /// <summary>Everything that is known about it.</summary>
    public async Task<Claims> ReadAsync(TrustedSigners signers, Terminal terminal, CancellationToken cancellation)
    {
        var kept = KeptIn is { } file ? StatementFile.Read(file) : [];
        var claims = Image is { } image ? await image.VerifyAsync(signers, terminal, cancellation)
            : Document is { } document ? OnlyAbout(document.Subject.Digest, await document.VerifyAsync(signers, terminal, cancellation))
            : new([], [], []);
        foreach (var (subject, items) in SubjectDigest is { } digest ? [(digest, kept)] : kept.GroupBy(OwnSubject).Select(group => (group.Key, group.ToImmutableArray())))
        {
            var more = OnlyAbout(subject, Claims.Verify(subject, new(items, []), signers));
            claims = new([.. claims.Proven, .. more.Proven], [.. claims.Refused, .. more.Refused], claims.Unread);
        }

        return claims;
    }

    /// <summary>Pushes and keeps a signed statement.</summary>
    /// <returns>The digest of the manifest that refers to the image; null where nothing was pushed.</returns>
    /// <exception cref="GateException">It could not be pushed or kept.</exception>
    public async Task<Digest?> AttachAsync(SignedEntity.Bundle bundle, string predicateType, Terminal terminal, CancellationToken cancellation)
    {
        Digest? pushed = null;
        if (Image is { } image)
        {
            pushed = await image.AttachAsync(bundle, predicateType, $"the statement about {Name}", terminal, cancellation);
        }
        else if (Document is { } document)
        {
            // No manifest has a document's digest, so that nothing can refer to it: the layer goes where cosign looks by name alone.
            var layer = LayerOf(bundle, predicateType);
            pushed = ImageTarget.Pushed(await terminal.WhileAsync($"pushing the statement about {Name}", document.Registry.AttachToTagAsync(document.Subject.Repository, document.Subject.Digest, CosignTag.Attestations, layer, cancellation)));
        }

        if (KeptIn is { } file)
        {
            await StatementFile.AppendAsync(file, bundle.Json, cancellation);
        }

        return pushed;
    }

    // Where the thing itself is not at hand, what covers it says what it is.
    private Claims OnlyAbout(Digest subject, Claims claims) =>
        Covers is not null ? claims : claims with { Proven = [.. claims.Proven.Where(claim => claim.Approval?.Statement.Covers.Any(covered => covered.Digest == subject) == true)] };

    // cosign reads envelopes there. One alone would lose the certificate of who signed without a key, and what shows when.
    private static EvidenceLayer LayerOf(SignedEntity.Bundle bundle, string predicateType)
    {
        using var document = JsonDocument.Parse(bundle.Json);
        return document.RootElement.GetProperty("verificationMaterial").TryGetProperty("certificate", out _)
            ? new(MediaTypes.Bundle, bundle.Json, new Dictionary<string, string> { ["predicateType"] = predicateType })
            : new(MediaTypes.DsseEnvelope, Encoding.UTF8.GetBytes(document.RootElement.GetProperty("dsseEnvelope").GetRawText()), new Dictionary<string, string> { [LabelOfEnvelopes] = "", ["predicateType"] = predicateType });
    }

    // An act is what its statement says that it is: the document is in it, and its digest is the subject.
    private static Digest OwnSubject(EvidenceItem item)
    {
        try
        {
            ReadOnlyMemory<byte> json = item.Entity switch
            {
                SignedEntity.Bundle bundle => bundle.Json,
                SignedEntity.Envelope envelope => envelope.Json,
                _ => default,
            };
            if (DetachedSignature.TryRead(json, out _)?.Statement is { } statement)
            {
                using var document = JsonDocument.Parse(statement);
                return Digest.TryParse("sha256:" + document.RootElement.GetProperty("subject")[0].GetProperty("digest").GetProperty("sha256").GetString()) ?? Digest.Of([]);
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or KeyNotFoundException or IndexOutOfRangeException)
        {
            // Whatever it is, it verifies as nothing, and is told as refused.
        }

        return Digest.Of([]);
    }
}

/// <summary>A document that is no manifest, and the repository in which statements about it wait on its digest.</summary>
internal sealed record WaitingDocument(IRegistry Registry, Evidence.Subject Subject)
{
    /// <summary>Every statement about it, verified for these signers.</summary>
    public async Task<Claims> VerifyAsync(TrustedSigners signers, Terminal terminal, CancellationToken cancellation) =>
        await terminal.WhileAsync($"reading the statements about {Subject}", Registry.FindEvidenceAsync(Subject.Repository, Subject.Digest, cancellation)) switch
        {
            Reading<AttachedEvidence>.Found(var attached) => Claims.Verify(Subject.Digest, attached, signers),
            Reading<AttachedEvidence>.Unread(var reason) => Claims.CouldNotRead(reason),
            _ => throw new UnreachableException(),
        };
}
