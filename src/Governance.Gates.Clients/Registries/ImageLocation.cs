using System.Globalization;
using Governance.Gates.Images;

namespace Governance.Gates.Clients.Registries;

/// <summary>Where an image lies, as a command line names it: in a registry, or in an OCI image layout folder.</summary>
public abstract record ImageLocation
{
    private const string Scheme = "oci:";
    private const string Spelling = "write oci:DIR, oci:DIR:tag or oci:DIR@sha256:…";

    private ImageLocation()
    {
    }

    /// <summary>What to ask of the registry or layout.</summary>
    public abstract ImageReference Reference { get; }

    /// <summary>In a registry.</summary>
    public sealed record Registry : ImageLocation
    {
        internal Registry(ImageReference reference) => Reference = reference;

        /// <inheritdoc/>
        public override ImageReference Reference { get; }

        /// <inheritdoc/>
        public override string ToString() => Reference.ToString();
    }

    /// <summary>In an OCI image layout folder.</summary>
    public sealed record Layout : ImageLocation
    {
        internal Layout(string directory, string? tag, Digest? digest)
        {
            Directory = directory;
            Tag = tag;
            Digest = digest;

            // A layout has no registry name; RFC 2606 keeps .invalid from ever being one.
            Reference = ImageReference.Parse("oci-layout.invalid/" + NameOf(directory) + (tag is null ? "" : ":" + tag) + (digest is null ? "" : "@" + digest));
        }

        /// <summary>The folder.</summary>
        public string Directory { get; }

        /// <summary>The tag, where one is written.</summary>
        public string? Tag { get; }

        /// <summary>The digest, where one is written.</summary>
        public Digest? Digest { get; }

        /// <summary>Tag and digest under a repository name made of the folder's own: <c>oci-layout.invalid/FOLDER</c>.</summary>
        public override ImageReference Reference { get; }

        /// <inheritdoc/>
        public override string ToString() => $"{Scheme}{Directory}{(Tag is null ? "" : ":" + Tag)}{(Digest is null ? "" : "@" + Digest)}";
    }

    /// <summary>The location that <paramref name="text"/> names.</summary>
    /// <exception cref="GateException">It names none.</exception>
    public static ImageLocation Parse(string text)
    {
        if (!text.StartsWith(Scheme, StringComparison.Ordinal))
        {
            return new Registry(ImageReference.Parse(text));
        }

        var rest = text[Scheme.Length..];
        Digest? digest = null;
        if (rest.LastIndexOf('@') is >= 0 and var at && rest.IndexOf('/', at) < 0)
        {
            digest = Digest.TryParse(rest[(at + 1)..])
                ?? throw new GateException($"'{text}' has '{rest[(at + 1)..]}' where a digest belongs", "write @sha256: and 64 lower-case hex digits");
            rest = rest[..at];
        }

        string? tag = null;
        if (rest.LastIndexOf(':') is >= 0 and var colon && rest.IndexOf('/', colon) < 0)
        {
            tag = rest[(colon + 1)..];
            rest = rest[..colon];
            if (ImageReference.Read("oci-layout.invalid/image:" + tag) is not Reading<ImageReference>.Found)
            {
                throw new GateException($"'{text}' has '{tag}' where a tag belongs", "a tag has 1 to 128 of A-Z a-z 0-9 _ . - and begins with none of . -");
            }
        }

        return rest.Length == 0 || rest.Contains('\0', StringComparison.Ordinal)
            ? throw new GateException($"'{text}' names no folder", Spelling)
            : new Layout(rest, tag, digest);
    }

    // Whatever the folder is called, the name is a path component of the distribution grammar.
    private static string NameOf(string directory)
    {
        var name = Path.GetFileName(Path.TrimEndingDirectorySeparator(directory)).ToLower(CultureInfo.InvariantCulture);
        var kept = string.Join('-', name.Split([.. name.Where(c => !char.IsAsciiLetterOrDigit(c)).Distinct()], StringSplitOptions.RemoveEmptyEntries));
        return kept.Length is 0 or > 100 ? "image" : kept;
    }
}
