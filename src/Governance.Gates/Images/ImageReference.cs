using System.Buffers;

namespace Governance.Gates.Images;

/// <summary>A repository under its one normalised name, such as <c>docker.io/library/nginx</c>.</summary>
/// <param name="Host">Registry host, lower case, with a port where one is needed: <c>docker.io</c>, <c>127.0.0.1:5000</c>.</param>
/// <param name="Path">The repository within the registry: <c>library/nginx</c>.</param>
public sealed record Repository(string Host, string Path)
{
    /// <summary>Host and path as one name.</summary>
    public string Name { get; } = $"{Host}/{Path}";

    /// <inheritdoc/>
    public override string ToString() => Name;
}

/// <summary>An image as a workload names it, in the grammar of the OCI distribution specification after containerd's normalisation.</summary>
/// <remarks>
/// A reference that two parsers in use could read as different images is refused instead of guessed at: a host without a dot or port,
/// upper case in a host, an explicit default port, a trailing dot, the id of an image.
/// </remarks>
public sealed record ImageReference
{
    private const int LongestReference = 512;
    private const int LongestName = 255;
    private const int LongestTag = 128;
    private const string DockerHub = "docker.io";
    private const string Spelling = "write registry.example.com/path/name@sha256:… in lower-case ASCII";
    private static readonly SearchValues<char> Printable = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/:@[]");
    private static readonly SearchValues<char> LowerAlphanumeric = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789");
    private static readonly SearchValues<char> PathCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789._-");
    private static readonly SearchValues<char> TagCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    private static readonly SearchValues<char> HostCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789.-");
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789");

    private ImageReference(Repository repository, string? tag, Digest? digest)
    {
        Repository = repository;
        Tag = tag;
        Digest = digest;
    }

    /// <summary>The normalised repository.</summary>
    public Repository Repository { get; }

    /// <summary>The tag, where one is written. A container runtime ignores it beside a digest, and so do the gates.</summary>
    public string? Tag { get; }

    /// <summary>The digest, where one is written.</summary>
    public Digest? Digest { get; }

    /// <summary>Reads a reference.</summary>
    /// <param name="text">As it stands in a manifest or on a command line; nothing is trimmed.</param>
    /// <returns>The reference, or a reason that names the text, what is wrong with it, and how to write it.</returns>
    public static Reading<ImageReference> Read(string? text)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return Refused(text, "is empty", Spelling);
        }

        if (text.Length > LongestReference)
        {
            return Refused(text[..64] + "…", $"has {text.Length} characters, more than {LongestReference}", Spelling);
        }

        if (text.AsSpan().IndexOfAnyExcept(Printable) is >= 0 and var at)
        {
            return Refused(text, $"has the character U+{(int)text[at]:X4} at position {at + 1}", Spelling);
        }

        // containerd takes it for the id of an image that the node has already, and runs that one without a pull (CRI LocalResolve).
        if (!text.Contains('/', StringComparison.Ordinal) && (text.StartsWith("sha256:", StringComparison.Ordinal) || text.StartsWith("sha384:", StringComparison.Ordinal) || text.StartsWith("sha512:", StringComparison.Ordinal)))
        {
            return Refused(text, "is an image id to a container runtime, not a repository with a tag", Spelling);
        }

        var rest = text;
        Digest? digest = null;
        if (rest.IndexOf('@', StringComparison.Ordinal) is >= 0 and var atSign)
        {
            var written = rest[(atSign + 1)..];
            digest = Digest.TryParse(written);
            if (digest is null)
            {
                return Refused(text, $"has '{written}' where a digest belongs", "write @sha256: and 64 lower-case hex digits");
            }

            rest = rest[..atSign];
        }

        string? tag = null;
        if (rest.LastIndexOf(':') is >= 0 and var colon && rest.IndexOf('/', colon) < 0)
        {
            tag = rest[(colon + 1)..];
            rest = rest[..colon];
            if (tag.Length is 0 or > LongestTag || tag[0] is '.' or '-' || tag.AsSpan().ContainsAnyExcept(TagCharacters))
            {
                return Refused(text, $"has '{tag}' where a tag belongs", "a tag has 1 to 128 of A-Z a-z 0-9 _ . - and begins with none of . -");
            }
        }

        return ReadRepository(rest) switch
        {
            Reading<Repository>.Found(var repository) => new Reading<ImageReference>.Found(new(repository, tag, digest)),
            Reading<Repository>.Unread(var why) => Refused(text, why.Message, why.Remedy ?? Spelling),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    /// <summary>The reference that <paramref name="text"/> spells.</summary>
    /// <exception cref="GateException">It spells none, or one that could be read in two ways.</exception>
    public static ImageReference Parse(string text) => Read(text) switch
    {
        Reading<ImageReference>.Found(var reference) => reference,
        Reading<ImageReference>.Unread(var reason) => throw new GateException(reason.Message, reason.Remedy ?? Spelling),
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    /// <summary>The same repository at this digest.</summary>
    public static ImageReference At(Repository repository, Digest digest) => new(repository, null, digest);

    /// <inheritdoc/>
    public override string ToString() => $"{Repository}{(Tag is null ? "" : ":" + Tag)}{(Digest is null ? "" : "@" + Digest)}";

    /// <summary>Reads a repository's name without tag or digest, and normalises it as containerd does.</summary>
    internal static Reading<Repository> ReadRepository(string name)
    {
        // Sixty-four hex digits alone are an image id to a container runtime, never a repository (distribution/reference, anchored identifier).
        if (name.Length == 64 && Digest.TryParse("sha256:" + name) is not null)
        {
            return Misread("is an image id, not a repository", Spelling);
        }

        var slash = name.IndexOf('/', StringComparison.Ordinal);
        var first = slash < 0 ? "" : name[..slash];
        var isHost = first.Contains('.', StringComparison.Ordinal) || first.Contains(':', StringComparison.Ordinal);

        // distribution/reference takes `localhost/x` and an upper-case first part for a host; other parsers take them for Docker Hub.
        if (first == "localhost")
        {
            return Misread("begins with 'localhost/', which some clients read as a host and others as a Docker Hub account", "write the port, as in localhost:5000/name, or docker.io/localhost/name");
        }

        if (first.AsSpan().ContainsAnyInRange('A', 'Z'))
        {
            return Misread($"has upper case in '{first}', which clients read differently", "write hosts and paths in lower case");
        }

        var host = isHost ? first : DockerHub;
        var path = isHost ? name[(slash + 1)..] : name;
        if (isHost && HostMistake(host) is { } mistake)
        {
            return Misread(mistake, "write a DNS name or an IPv4 address in lower case, with a port unless it is 443");
        }

        if (host is "index.docker.io" or "registry-1.docker.io")
        {
            host = DockerHub;
        }

        if (path.Length == 0)
        {
            return Misread("names no repository", Spelling);
        }

        if (host == DockerHub && !path.Contains('/', StringComparison.Ordinal))
        {
            path = "library/" + path;
        }

        foreach (var range in path.AsSpan().Split('/'))
        {
            if (!IsPathComponent(path.AsSpan(range)))
            {
                return Misread($"has '{path[range]}' where a path component belongs", "a component has a-z 0-9, joined by one of . _ or two _ or any number of -");
            }
        }

        return host.Length + 1 + path.Length > LongestName
            ? Misread($"names a repository of more than {LongestName} characters", "shorten it")
            : new Reading<Repository>.Found(new(host, path));

        static Reading<Repository> Misread(string message, string remedy) => new Reading<Repository>.Unread(new("image", message, remedy));
    }

    private static string? HostMistake(string host)
    {
        var colon = host.IndexOf(':', StringComparison.Ordinal);
        var name = colon < 0 ? host : host[..colon];
        if (colon >= 0)
        {
            var port = host[(colon + 1)..];
            if (port.Length is 0 or > 5 || port.AsSpan().ContainsAnyExcept(Digits) || port[0] == '0' || int.Parse(port, System.Globalization.CultureInfo.InvariantCulture) > 65535)
            {
                return $"has '{port}' where a port belongs";
            }

            if (port == "443")
            {
                return "spells out port 443, so that one repository would have two names";
            }
        }

        return IsHostName(name) ? null : $"has '{name}' where a host belongs";
    }

    // RFC 1123, section 2.1: labels of 1 to 63 letters, digits and hyphens, none at either end.
    private static bool IsHostName(ReadOnlySpan<char> name)
    {
        if (name.IsEmpty || name.ContainsAnyExcept(HostCharacters))
        {
            return false;
        }

        foreach (var range in name.Split('.'))
        {
            if (name[range] is not { Length: > 0 and <= 63 } label || label[0] == '-' || label[^1] == '-')
            {
                return false;
            }
        }

        return true;
    }

    // path-component := alpha-numeric [separator alpha-numeric]*, separator := /[_.]|__|[-]*/ (distribution/reference)
    private static bool IsPathComponent(ReadOnlySpan<char> part)
    {
        if (part.IsEmpty || part.ContainsAnyExcept(PathCharacters) || !LowerAlphanumeric.Contains(part[0]) || !LowerAlphanumeric.Contains(part[^1]))
        {
            return false;
        }

        for (var i = 0; i < part.Length; i++)
        {
            var start = i;
            while (!LowerAlphanumeric.Contains(part[i]))
            {
                i++;
            }

            var separator = part[start..i];
            if (!(separator.Length <= 1 || separator is "__" || !separator.ContainsAnyExcept('-')))
            {
                return false;
            }
        }

        return true;
    }

    private static Reading<ImageReference>.Unread Refused(string? text, string message, string remedy) =>
        new(new("image", $"image '{Printed(text)}' {message}", remedy));

    private static string Printed(string? text) => string.Concat((text ?? "").Select(c => c is >= ' ' and <= '~' ? c.ToString() : $"\\u{(int)c:x4}"));
}
