using System.Diagnostics;
using System.Text;
using Governance.Gates.Identities;
using Governance.Gates.Reviews;

namespace Governance.Gates.Clients.OpenPgp;

/// <summary>Verifies OpenPGP signatures with GnuPG's <c>gpgv</c>, which knows no keys but those that it is given, reads no configuration and leaves no agent behind.</summary>
public static class Gpgv
{
    /// <summary>The most bytes of what was signed.</summary>
    private const int MostBytes = 1024 * 1024;

    private const int MostSignatureBytes = 64 * 1024;
    private const int MostOutput = 64 * 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Verifies one detached signature.</summary>
    /// <param name="payload">What was signed.</param>
    /// <param name="signature">The signature, armored.</param>
    /// <param name="keys">The keys that may have made it.</param>
    /// <param name="path">The value of <c>PATH</c>.</param>
    /// <param name="cancellation">Ends the wait, and the program.</param>
    /// <returns>What gpgv found; unread where it is not there or came to no end.</returns>
    public static async Task<Reading<OpenPgpOutcome>> VerifyAsync(string payload, string signature, IEnumerable<OpenPgpKey> keys, string? path, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(payload);
        ArgumentNullException.ThrowIfNull(signature);
        ArgumentNullException.ThrowIfNull(keys);
        if (Find(path) is not { } program)
        {
            return Unread("OpenPGP signatures are verified with gpgv, which is not installed here", "install GnuPG (gpgv, the package gnupg or gpgv) and run this again");
        }

        if (Encoding.UTF8.GetByteCount(payload) > MostBytes || signature.Length > MostSignatureBytes)
        {
            return new Reading<OpenPgpOutcome>.Found(new OpenPgpOutcome.Refused("or what it is over is too large"));
        }

        // Only this user may look in: mkdtemp(3) makes it with mode 0700.
        var folder = Directory.CreateTempSubdirectory("gates-gpgv-").FullName;
        try
        {
            await using (var ring = File.Create(Path.Combine(folder, "keys.gpg")))
            {
                foreach (var key in keys)
                {
                    await ring.WriteAsync(key.Packets, cancellation);
                }
            }

            await File.WriteAllBytesAsync(Path.Combine(folder, "payload"), Encoding.UTF8.GetBytes(payload), cancellation);
            await File.WriteAllBytesAsync(Path.Combine(folder, "signature.asc"), Encoding.UTF8.GetBytes(signature), cancellation);
            return await RunAsync(program, folder, cancellation);
        }
        catch (Exception broken) when (broken is IOException or UnauthorizedAccessException or System.ComponentModel.Win32Exception)
        {
            return Unread($"gpgv could not be run: {broken.Message}", "see that the folder of temporary files can be written and gpgv be run");
        }
        finally
        {
            Remove(folder);
        }
    }

    // The process' own search looks into the working folder first, which may be anybody's checkout.
    private static string? Find(string? path) => (path ?? "").Split(Path.PathSeparator)
        .Where(Path.IsPathFullyQualified).Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? "gpgv.exe" : "gpgv")).FirstOrDefault(File.Exists);

    private static async Task<Reading<OpenPgpOutcome>> RunAsync(string program, string folder, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(program, ["--status-fd", "1", "--homedir", folder, "--keyring", Path.Combine(folder, "keys.gpg"), "--", Path.Combine(folder, "signature.asc"), Path.Combine(folder, "payload")])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = folder,
            StandardOutputEncoding = Encoding.Latin1,
        };
        start.Environment.Clear();
        (start.Environment["GNUPGHOME"], start.Environment["LC_ALL"]) = (folder, "C");
        using var process = Process.Start(start)!;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(Patience);
        try
        {
            process.StandardInput.Close();
            var (told, said) = (ReadAsync(process.StandardOutput, deadline.Token), ReadAsync(process.StandardError, deadline.Token));
            if (await told is not { } status || await said is null)
            {
                return Unread($"gpgv said more than {MostOutput} characters", "look at the tag's signature with git verify-tag");
            }

            await process.WaitForExitAsync(deadline.Token);
            return new Reading<OpenPgpOutcome>.Found(OpenPgpOutcome.Read(status, process.ExitCode));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Unread($"gpgv came to no end within {Patience.TotalSeconds:0} s", "try again");
        }
        finally
        {
            End(process);
        }
    }

    // null where there is more than may be.
    private static async Task<string?> ReadAsync(StreamReader from, CancellationToken cancellation)
    {
        var buffer = new char[MostOutput + 1];
        var length = await from.ReadBlockAsync(buffer, cancellation);
        return length <= MostOutput ? new(buffer, 0, length) : null;
    }

    private static void End(Process process)
    {
        try
        {
            process.Kill();
            process.WaitForExit();
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself.
        }
    }

    private static void Remove(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception left) when (left is IOException or UnauthorizedAccessException)
        {
            // Nothing in it is secret.
        }
    }

    private static Reading<OpenPgpOutcome>.Unread Unread(string message, string remedy) => new(new("tag", message, remedy));
}
