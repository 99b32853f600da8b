using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Governance.Gates.Approvals;

namespace Governance.Gates.Clients.GateState;

/// <summary>What was admitted, in memory: by id and by place, with the uses of each request. The one home of what may be appended.</summary>
internal sealed class AdmittedIndex(GateStateLimits limits)
{
    // Guards the three tables: admissions read them while another is added. Who adds holds a lock of their own from Judge to Add.
    private readonly Lock tables = new();
    private readonly Dictionary<string, AdmittedRecord> byId = new(StringComparer.Ordinal);
    private readonly Dictionary<AdmittedPlace, ImmutableArray<AdmittedRecord>> byPlace = [];
    private readonly Dictionary<string, int> uses = new(StringComparer.Ordinal);

    public bool IsFull
    {
        get
        {
            lock (tables)
            {
                return byId.Count >= limits.MostRecords;
            }
        }
    }

    public ImmutableArray<AdmittedRecord> Find(AdmittedPlace place)
    {
        lock (tables)
        {
            return byPlace.GetValueOrDefault(place, []);
        }
    }

    public int Uses(string request)
    {
        lock (tables)
        {
            return uses.GetValueOrDefault(request);
        }
    }

    /// <summary>The answer that stands without writing: the first record of this id, or a refusal. Null where the record may be added.</summary>
    public Reading<AdmittedRecord>? Judge(AdmittedRecord record, int? mostUses)
    {
        if (record.Mistake is { } mistake)
        {
            return Refused($"what would be admitted cannot be recorded: {mistake}", "shorten what is named there");
        }

        lock (tables)
        {
            if (byId.TryGetValue(record.Id, out var first))
            {
                // The same review may be sent twice, and then asks for the same. Another one under this id would get a record that is not its own.
                return first.Place == record.Place && first.Artifacts.SequenceEqual(record.Artifacts)
                    ? new Reading<AdmittedRecord>.Found(first)
                    : Refused($"the review {record.Id} was admitted before, and for something else", "send the request again: each review has a uid of its own");
            }

            foreach (var request in record.Requests)
            {
                var used = uses.GetValueOrDefault(request);
                if (used >= mostUses)
                {
                    return Refused($"request {request} was used {used} times, and may be used {mostUses} times", "ask for a new request to be approved");
                }

                if (used == int.MaxValue)
                {
                    return Refused($"request {request} was used more often than can be counted", "ask for a new request to be approved");
                }
            }

            if (byId.Count >= limits.MostRecords || uses.Count + record.Requests.Count(request => !uses.ContainsKey(request)) > limits.MostRequests)
            {
                return Refused(
                    $"the admitted records are full ({byId.Count} records, {uses.Count} requests)",
                    "give approvals an end (runUntil), or begin a new state folder once no approval in use limits its uses");
            }

            return null;
        }
    }

    public void Add(AdmittedRecord record)
    {
        lock (tables)
        {
            byId.Add(record.Id, record);
            byPlace[record.Place] = byPlace.GetValueOrDefault(record.Place, []).Add(record);
            foreach (var request in record.Requests)
            {
                CollectionsMarshal.GetValueRefOrAddDefault(uses, request, out _)++;
            }
        }
    }

    /// <summary>Counts uses of which the records are no longer kept.</summary>
    public void Count(string request, int count)
    {
        lock (tables)
        {
            ref var used = ref CollectionsMarshal.GetValueRefOrAddDefault(uses, request, out _);
            used = checked(used + count);
        }
    }

    /// <summary>Forgets a record. Its uses stay counted.</summary>
    public void Forget(AdmittedRecord record)
    {
        lock (tables)
        {
            byId.Remove(record.Id);
            var left = byPlace[record.Place].RemoveAll(other => other.Id == record.Id);
            if (left.IsEmpty)
            {
                byPlace.Remove(record.Place);
            }
            else
            {
                byPlace[record.Place] = left;
            }
        }
    }

    private static Reading<AdmittedRecord>.Unread Refused(string message, string remedy) => new(new Reason("admission", message, remedy));
}
