using System.Collections.Immutable;
using System.Net;
using Governance.Gates.Images;

namespace Governance.Gates.Clients.Registries;

/// <summary>One repository of a registry, over the OCI distribution API.</summary>
internal sealed class RegistryContent(RegistryTransport transport, Repository repository, RegistryLimits limits, string actions, TimeProvider time) : IOciContent
{
    private const string AcceptedManifests = $"{MediaTypes.Manifest}, {MediaTypes.Index}, {MediaTypes.DockerManifest}, {MediaTypes.DockerList}";
    private readonly Uri origin = transport.AddressOf(repository);

    public async Task<Reading<Content?>> ReadTagAsync(string tag, CancellationToken cancellation)
    {
        var reading = await SendAsync(new(HttpMethod.Get, Address($"manifests/{tag}"), limits.ManifestBytes) { Accept = AcceptedManifests }, cancellation);
        if (!reading.Try(out var answer, out var why))
        {
            return new Reading<Content?>.Unread(why);
        }

        if (answer.Status == HttpStatusCode.NotFound)
        {
            return new Reading<Content?>.Found(null);
        }

        return Checked(answer, $"tag {tag}", named: null).Try(out var content, out why)
            ? new Reading<Content?>.Found(content)
            : new Reading<Content?>.Unread(why);
    }

    public async Task<Reading<Content>> ReadManifestAsync(Digest digest, CancellationToken cancellation) =>
        await FetchAsync(new(HttpMethod.Get, Address($"manifests/{digest}"), limits.ManifestBytes) { Accept = AcceptedManifests }, "manifest", digest, cancellation);

    public async Task<Reading<Content>> ReadBlobAsync(Digest digest, long size, CancellationToken cancellation)
    {
        var reading = await FetchAsync(new(HttpMethod.Get, Address($"blobs/{digest}"), size), "blob", digest, cancellation);
        return reading.Try(out var content, out _) && content.Bytes.Length != size
            ? Unread<Content>($"sent {content.Bytes.Length} bytes for {digest}, which is listed with {size}", "delete the manifest that lists it and attach the evidence again")
            : reading;
    }

    public async Task<Referrers> ListReferrersAsync(Digest subject, CancellationToken cancellation)
    {
        var descriptors = ImmutableArray.CreateBuilder<Descriptor>();
        var seen = new HashSet<Uri>();
        var page = Address($"referrers/{subject}");
        while (true)
        {
            if (seen.Count == limits.Pages || !seen.Add(page))
            {
                return Listed(Readings.Reason($"registry {repository.Host} lists the referrers of {subject} on more than {limits.Pages} pages, or one page twice; the rest was not read", "delete the referrers that are not needed any more"));
            }

            var reading = await SendAsync(new(HttpMethod.Get, page, limits.ManifestBytes) { Accept = MediaTypes.Index }, cancellation);
            if (!reading.Try(out var answer, out var why))
            {
                return Listed(why);
            }

            // Registries from before distribution 1.1 know no such address, and say so in their own ways.
            if (seen.Count == 1 && (int)answer.Status is 400 or 404 or 405 or 501)
            {
                return new([], [], Answered: true, HasApi: false);
            }

            if (!answer.Succeeded)
            {
                return Listed(Readings.Reason($"registry {repository.Host} answered {(int)answer.Status} for the referrers of {subject}", "look at the registry"));
            }

            if (OciDocument.TryParse(answer.Body, out var mistake) is not { Manifests: { } manifests })
            {
                return Listed(Readings.Reason($"registry {repository.Host}: its list of referrers of {subject} {(mistake.Length == 0 ? "is no index" : mistake)}", "look at the registry"));
            }

            descriptors.AddRange(manifests);
            if (NextPage(answer) is not { } next || descriptors.Count > limits.Referrers)
            {
                // One more than is looked at tells the reader that there are too many.
                return new(Cut(), [], Answered: true, HasApi: true);
            }

            if (!RegistryHttp.IsSameOrigin(next, origin))
            {
                return Listed(Readings.Reason($"registry {repository.Host} continues its list of referrers at another address, which is not followed", "look at the registry and the proxy before it"));
            }

            page = next;
        }

        Referrers Listed(Reason why) => new(Cut(), [why], Answered: seen.Count > 1, HasApi: seen.Count > 1);
        ImmutableArray<Descriptor> Cut() => [.. descriptors.DistinctBy(one => one.DigestText).Take(limits.Referrers + 1)];
    }

    /// <summary>Whether a blob is there.</summary>
    public async Task<bool> HasBlobAsync(Digest digest, CancellationToken cancellation) =>
        (await SendAsync(new(HttpMethod.Head, Address($"blobs/{digest}"), 0), cancellation)).Try(out var answer, out _) && answer.Status == HttpStatusCode.OK;

    /// <summary>Uploads a blob, unless it is there.</summary>
    public async Task<Reading<Digest>> WriteBlobAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        var digest = Digest.Of(bytes.Span);
        if (await HasBlobAsync(digest, cancellation))
        {
            return new Reading<Digest>.Found(digest);
        }

        var begun = await SendAsync(new(HttpMethod.Post, Address("blobs/uploads/"), limits.ManifestBytes) { Content = ReadOnlyMemory<byte>.Empty, ContentType = "application/octet-stream" }, cancellation);
        if (!begun.Try(out var session, out var why))
        {
            return new Reading<Digest>.Unread(why);
        }

        if (session.Status != HttpStatusCode.Accepted || session.Header("Location") is not { } location || !Uri.TryCreate(session.Uri, location, out var upload) || !RegistryHttp.IsSameOrigin(upload, origin))
        {
            return Unread<Digest>($"answered {(int)session.Status} to an upload, without an address of its own to send it to", "check that the repository may be written");
        }

        var target = new UriBuilder(upload);
        target.Query = (target.Query.Length > 1 ? target.Query[1..] + "&" : "") + "digest=" + Uri.EscapeDataString(digest.ToString());
        return await SendAsync(new(HttpMethod.Put, target.Uri, limits.ManifestBytes) { Content = bytes, ContentType = "application/octet-stream" }, cancellation) switch
        {
            Reading<RegistryAnswer>.Unread(var reason) => new Reading<Digest>.Unread(reason),
            Reading<RegistryAnswer>.Found({ Succeeded: true }) => new Reading<Digest>.Found(digest),
            Reading<RegistryAnswer>.Found(var answer) => Unread<Digest>($"answered {(int)answer.Status} to the upload of {digest}", "check that the repository may be written"),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    /// <summary>Puts a manifest or index under a tag or its digest.</summary>
    /// <returns>The response; 412 where <paramref name="ifMatch"/> no longer holds.</returns>
    public async Task<Reading<RegistryAnswer>> WriteManifestAsync(string reference, ReadOnlyMemory<byte> bytes, string mediaType, string? ifMatch, CancellationToken cancellation)
    {
        for (var attempt = 0; ; attempt++)
        {
            var reading = await SendAsync(new(HttpMethod.Put, Address($"manifests/{reference}"), limits.ManifestBytes) { Content = bytes, ContentType = mediaType, IfMatch = ifMatch }, cancellation);
            if (!reading.Try(out var answer, out _) || answer.Succeeded || answer.Status == HttpStatusCode.PreconditionFailed)
            {
                return reading;
            }

            // docker-registry holds a blob for unknown while another client uploads the same one, such as the empty configuration.
            if (answer.Status is not (HttpStatusCode.BadRequest or HttpStatusCode.NotFound) || attempt >= limits.Retries)
            {
                return Unread<RegistryAnswer>($"answered {(int)answer.Status} to manifest {reference}", "check that the repository may be written and accepts this media type");
            }

            await Task.Delay(TimeSpan.FromMilliseconds((100 << attempt) + Random.Shared.Next(100)), time, cancellation);
        }
    }

    private async Task<Reading<Content>> FetchAsync(RegistryRequest request, string what, Digest digest, CancellationToken cancellation) =>
        (await SendAsync(request, cancellation)).Try(out var answer, out var why)
            ? Checked(answer, $"{what} {digest}", digest)
            : new Reading<Content>.Unread(why);

    private Reading<Content> Checked(RegistryAnswer answer, string what, Digest? named)
    {
        if (!answer.Succeeded)
        {
            return Unread<Content>($"answered {(int)answer.Status} for {what}", named is null ? "look at the registry" : "push it again: something that is still listed was deleted");
        }

        var digest = Digest.Of(answer.Body.Span);
        if (named is not null && named != digest)
        {
            return Unread<Content>($"returned other bytes than {named} names", "do not use this registry until it is known why");
        }

        // "Docker-Content-Digest" is of the manifest that was sent; one that differs comes from a registry or proxy that holds two things for one.
        if (named is null && answer.Header("Docker-Content-Digest") is { } header && Digest.TryParse(header) != digest)
        {
            return Unread<Content>($"returned other bytes for {what} than its Docker-Content-Digest names", "do not use this registry until it is known why");
        }

        return new Reading<Content>.Found(new(answer.Body, digest, answer.Header("ETag")));
    }

    // RFC 8288: <address>; rel="next"
    private static Uri? NextPage(RegistryAnswer answer)
    {
        if (!answer.Headers.TryGetValues("Link", out var links))
        {
            return null;
        }

        foreach (var link in links)
        {
            var (open, close) = (link.IndexOf('<', StringComparison.Ordinal), link.IndexOf('>', StringComparison.Ordinal));
            if (open >= 0 && close > open && link[close..].Replace("\"", "", StringComparison.Ordinal).Contains("rel=next", StringComparison.OrdinalIgnoreCase)
                && Uri.TryCreate(answer.Uri, link[(open + 1)..close], out var next))
            {
                return next;
            }
        }

        return null;
    }

    private Uri Address(string rest) => new(origin, $"v2/{repository.Path}/{rest}");

    private Task<Reading<RegistryAnswer>> SendAsync(RegistryRequest request, CancellationToken cancellation) => transport.SendAsync(repository, actions, request, cancellation);

    private Reading<T>.Unread Unread<T>(string what, string remedy) => new(Readings.Reason($"registry {repository.Host} {what} in {repository.Path}", remedy));
}
