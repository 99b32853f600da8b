using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Governance.Gates.Admission;

namespace Governance.Gates.Webhook;

/// <summary>Recognises the second review of one refused change: an API server that patched an object from its cache tries once more with the stored one, under another uid (etcd3 store, GuaranteedUpdate).</summary>
/// <param name="clock">Tells how long ago the first was.</param>
internal sealed class ResentRefusals(TimeProvider clock)
{
    private const int Most = 10_000;

    // The API server asks again at once. Whoever asks a minute later does a second act.
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(2);
    private readonly ConcurrentDictionary<string, (string Uid, long At)> recorded = new(StringComparer.Ordinal);

    /// <summary>The name of what a refused review asked for, the same for the same change by the same user; null for what an API server does not send again.</summary>
    public static string? NameOf(AdmissionCase @case, AdmissionOutcome outcome)
    {
        var request = @case.Request;
        if (outcome.Admitted || request is not { Operation: "UPDATE", DryRun: false, Object.ValueKind: JsonValueKind.Object, OldObject.ValueKind: JsonValueKind.Object })
        {
            return null;
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var text in (string[])[request.User, request.Group, request.Kind, request.Resource, request.Subresource, request.Namespace ?? "", request.Name, @case.Policy.Digest.Hex, outcome.Decision.Verdict.ToString(), .. outcome.Decision.Reasons.Select(reason => reason.ToString())])
        {
            Append(Encoding.UTF8.GetBytes(text));
        }

        Append(JsonMarshal.GetRawUtf8Value(request.Object));
        Append(JsonMarshal.GetRawUtf8Value(request.OldObject));
        return Convert.ToHexStringLower(hash.GetHashAndReset());

        // With its length, so that no end of one part can be the beginning of the next.
        void Append(ReadOnlySpan<byte> part)
        {
            hash.AppendData(BitConverter.GetBytes(part.Length));
            hash.AppendData(part);
        }
    }

    /// <summary>The uid under which the same refusal was just recorded; null where it was not, or was taken already: the API server asks once more, and no oftener.</summary>
    public string? Take(string name, string uid) =>
        recorded.TryGetValue(name, out var first) && first.Uid != uid && clock.GetElapsedTime(first.At) <= Window && recorded.TryRemove(new(name, first)) ? first.Uid : null;

    /// <summary>Remembers a refusal once it is durable.</summary>
    public void Add(string name, string uid)
    {
        if (recorded.Count >= Most)
        {
            recorded.Clear();
        }

        recorded[name] = (uid, clock.GetTimestamp());
    }
}
