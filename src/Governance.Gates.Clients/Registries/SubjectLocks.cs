using Governance.Gates.Images;

namespace Governance.Gates.Clients.Registries;

/// <summary>Lets one writer at a time change what hangs on a digest: within a process, the race over its tags need not happen.</summary>
internal sealed class SubjectLocks
{
    // Guards turns. A turn lives while someone holds it or waits for it.
    private readonly Lock choosing = new();
    private readonly Dictionary<(Repository, Digest), Turn> turns = [];

    public async Task<IDisposable> EnterAsync((Repository, Digest) subject, CancellationToken cancellation)
    {
        Turn? turn;
        lock (choosing)
        {
            if (!turns.TryGetValue(subject, out turn))
            {
                turns[subject] = turn = new(this, subject);
            }

            turn.Users++;
        }

        try
        {
            await turn.Slot.WaitAsync(cancellation);
            return turn;
        }
        catch (OperationCanceledException)
        {
            Forget(turn);
            throw;
        }
    }

    private void Forget(Turn turn)
    {
        lock (choosing)
        {
            if (--turn.Users == 0)
            {
                turns.Remove(turn.Subject);
                turn.Slot.Dispose();
            }
        }
    }

    private sealed class Turn(SubjectLocks locks, (Repository, Digest) subject) : IDisposable
    {
        public SemaphoreSlim Slot { get; } = new(1, 1);

        public (Repository, Digest) Subject => subject;

        public int Users { get; set; }

        public void Dispose()
        {
            Slot.Release();
            locks.Forget(this);
        }
    }
}
