using System.Collections.Immutable;

namespace Governance.Gates.Approvals;

/// <summary>Where it is remembered what was admitted, and how often each request was used.</summary>
public interface IAdmittedRecords
{
    /// <summary>The records of a place, live or not: the caller asks <see cref="AdmittedRecord.IsLiveAt"/>.</summary>
    /// <param name="place">The place.</param>
    /// <param name="cancellation">Ends the wait.</param>
    ValueTask<ImmutableArray<AdmittedRecord>> FindAsync(AdmittedPlace place, CancellationToken cancellation);

    /// <summary>How often something began under a request.</summary>
    /// <param name="requestId">The request's id.</param>
    /// <param name="cancellation">Ends the wait.</param>
    ValueTask<int> UsesAsync(string requestId, CancellationToken cancellation);

    /// <summary>Remembers that something was admitted, and counts one use of each request in it.</summary>
    /// <param name="record">The record.</param>
    /// <param name="mostUses">The most uses that any of its requests may have, this one included; null where they are not limited.</param>
    /// <param name="cancellation">Ends the wait for the right to write; what is being written is written.</param>
    /// <returns>
    /// <see cref="Reading{T}.Found"/>: the record is durable, and nothing may be admitted before this. A record with the same id that was appended before
    /// is given back as it was then, and counts once. <see cref="Reading{T}.Unread"/>: nothing was admitted under it, with the reason: used up, full, or not writable.
    /// </returns>
    /// <remarks>Checking the uses and counting them is one step: of two that ask for the last use at once, exactly one gets it.</remarks>
    ValueTask<Reading<AdmittedRecord>> AppendAsync(AdmittedRecord record, int? mostUses, CancellationToken cancellation);
}
