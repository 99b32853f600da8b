using System.Collections.Immutable;
using Governance.Gates.Approvals;
using Governance.Gates.Clients.Revocations;
using Governance.Gates.Images;

namespace Governance.Gates.Clients.GateState;

/// <summary>What a gate must not forget: what it admitted, which policy it accepted last, and the last list of revocations of each source.</summary>
/// <remarks>
/// One process at a time. What was answered is durable; after a write that failed nothing more is promised until the next start.
/// The folder is documented in <c>docs/formats/admitted-record.md</c>.
/// </remarks>
public sealed class GateStateFolder : IDisposable
{
    private const string LockName = "lock";

    private readonly StateDisk disk;
    private readonly FileStream held;
    private readonly AdmittedFile admitted;
    private readonly AcceptedPolicies policies;
    private readonly SeenRevocations revocations;

    private GateStateFolder(StateDisk disk, FileStream held, TimeProvider clock, GateStateLimits limits)
    {
        (this.disk, this.held) = (disk, held);

        // A folder without its first file is new, or lost what it counted.
        if (!File.Exists(disk.PathOf(AdmittedFile.Name)) && (File.Exists(disk.PathOf(AcceptedPolicies.Name)) || File.Exists(disk.PathOf(SeenRevocations.Name))))
        {
            throw new FormatException($"{AdmittedFile.Name} is missing, and the rest is there");
        }

        policies = AcceptedPolicies.Open(disk);
        revocations = SeenRevocations.Open(disk);
        admitted = AdmittedFile.Open(disk, clock, limits);
    }

    /// <summary>What was admitted.</summary>
    public IAdmittedRecords AdmittedRecords => admitted;

    /// <summary>The policy that was accepted last, its bytes checked against its digest; null where none was.</summary>
    public AcceptedPolicy? LastPolicy => policies.Last;

    /// <summary>What was found at opening and mended, to be logged; empty where all was whole.</summary>
    public ImmutableArray<Reason> Findings => admitted.Torn is { } torn ? [torn] : [];

    /// <summary>Opens a folder, or begins it, and keeps every other process out.</summary>
    /// <param name="directory">The folder, on a disk of this machine or a volume that one machine mounts.</param>
    /// <param name="clock">The clock that says which records have ended.</param>
    /// <exception cref="GateException">Another process has it, it cannot be written, or a file in it is not as it was written.</exception>
    public static GateStateFolder Open(string directory, TimeProvider clock) => Open(directory, clock, GateStateLimits.Default);

    internal static GateStateFolder Open(string directory, TimeProvider clock, GateStateLimits limits)
    {
        var disk = new StateDisk(Path.GetFullPath(directory));
        FileStream? held = null;
        try
        {
            Begin(disk.Folder);
            held = Hold(disk);
            return new(disk, held, clock, limits);
        }
        catch (Exception exception)
        {
            held?.Dispose();
            throw exception switch
            {
                FormatException => new GateException(
                    $"the state folder {directory} is not as it was written: {exception.Message}",
                    "restore the folder from a backup; or begin a new one, knowing that it remembers no policy, no revocation list and no use", exception),
                _ when StateDisk.IsOfDisk(exception) => new GateException($"the state folder {directory} cannot be used: {exception.Message}", "name a folder that this user may write, on a disk with space", exception),
                _ => exception,
            };
        }
    }

    /// <summary>Remembers the policy that is in force from now on.</summary>
    /// <param name="version">Its version.</param>
    /// <param name="digest">The SHA-256 of its file.</param>
    /// <param name="yaml">Its file.</param>
    /// <param name="files">The files that it names.</param>
    /// <param name="cancellation">Ends the wait for the right to write.</param>
    /// <returns>The policy, once it is durable; or why it cannot be remembered, and then it may not come into force: it is not above the last, or the folder is not writable.</returns>
    public ValueTask<Reading<AcceptedPolicy>> RememberPolicyAsync(long version, Digest digest, ReadOnlyMemory<byte> yaml, ImmutableArray<NamedPolicyFile> files, CancellationToken cancellation) =>
        WriteAsync(() => policies.Remember(new(version, digest, yaml, files)), cancellation);

    /// <summary>The list of revocations that was accepted last from a source, its bytes checked against their digest; null where none was.</summary>
    /// <param name="source">The source, by the name that the policy gives it.</param>
    public AcceptedRevocations? LastRevocations(string source) => revocations.Last(source);

    /// <summary>Remembers a list that is about to count.</summary>
    /// <param name="source">The source, by the name that the policy gives it.</param>
    /// <param name="list">The list; whoever calls verified it.</param>
    /// <param name="cancellation">Ends the wait for the right to write.</param>
    /// <returns>The number, once the list is durable; or why the list may not be used: it goes backwards, is another of the same number, or the folder is not writable.</returns>
    public ValueTask<Reading<long>> RememberRevocationsAsync(string source, AcceptedRevocations list, CancellationToken cancellation) =>
        WriteAsync(() => revocations.Remember(source, list), cancellation);

    /// <summary>Gives the folder back. Appends that come later are refused.</summary>
    public void Dispose()
    {
        disk.Writing.Wait();
        try
        {
            disk.Close();
            admitted.Dispose();
            held.Dispose();
        }
        finally
        {
            disk.Writing.Release();
        }
    }

    private async ValueTask<Reading<T>> WriteAsync<T>(Func<Reading<T>> write, CancellationToken cancellation)
    {
        await disk.Writing.WaitAsync(cancellation);
        try
        {
            return disk.Failure is { } failure ? new Reading<T>.Unread(failure) : write();
        }
        catch (Exception exception) when (StateDisk.IsOfDisk(exception))
        {
            return new Reading<T>.Unread(disk.Fail(exception));
        }
        finally
        {
            disk.Writing.Release();
        }
    }

    private static void Begin(string folder)
    {
        if (Directory.Exists(folder))
        {
            return;
        }

        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        StateDisk.SyncFolder(Path.GetDirectoryName(folder)!);
    }

    // The lock belongs to the open file and ends with the process. The file stays: one that is deleted could be locked twice.
    private static FileStream Hold(StateDisk disk)
    {
        var path = disk.PathOf(LockName);
        try
        {
            return new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception) when (File.Exists(path))
        {
            throw new GateException($"the state folder {disk.Folder} is in use by another process", "run one gate for each state folder, and wait until the one before has ended", exception);
        }
    }
}
