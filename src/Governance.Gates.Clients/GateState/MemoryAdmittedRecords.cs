using System.Collections.Immutable;
using Governance.Gates.Approvals;

namespace Governance.Gates.Clients.GateState;

/// <summary>Admitted records that end with the process: for judging offline, where nothing begins.</summary>
public sealed class MemoryAdmittedRecords : IAdmittedRecords
{
    // Two appends may not both find the last use free.
    private readonly Lock appending = new();
    private readonly AdmittedIndex index = new(GateStateLimits.Default);

    /// <inheritdoc/>
    public ValueTask<ImmutableArray<AdmittedRecord>> FindAsync(AdmittedPlace place, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(place);
        return ValueTask.FromResult(index.Find(place));
    }

    /// <inheritdoc/>
    public ValueTask<int> UsesAsync(string requestId, CancellationToken cancellation) => ValueTask.FromResult(index.Uses(requestId));

    /// <inheritdoc/>
    public ValueTask<Reading<AdmittedRecord>> AppendAsync(AdmittedRecord record, int? mostUses, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(record);
        lock (appending)
        {
            if (index.Judge(record, mostUses) is { } answer)
            {
                return ValueTask.FromResult(answer);
            }

            index.Add(record);
            return ValueTask.FromResult<Reading<AdmittedRecord>>(new Reading<AdmittedRecord>.Found(record));
        }
    }
}
