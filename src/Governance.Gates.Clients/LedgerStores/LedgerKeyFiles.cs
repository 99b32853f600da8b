using Governance.Gates.Clients.GateState;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Clients.LedgerStores;

/// <summary>The key of a log in files beside its folder: <c>DIR.key</c>, which only its owner may read, and <c>DIR.vkey</c>, for everybody.</summary>
public static class LedgerKeyFiles
{
    private const int MostBytes = 16 * 1024;

    /// <summary>The file of the private key.</summary>
    public static string KeyOf(string folder) => Beside(folder, ".key");

    /// <summary>The file of the verifier key, which names the log.</summary>
    public static string VerifierKeyOf(string folder) => Beside(folder, ".vkey");

    /// <summary>Makes a key for a log that has none.</summary>
    /// <exception cref="GateException">There is one, or it cannot be written.</exception>
    public static NoteSigner Create(string folder, string origin)
    {
        var key = LedgerKey.Create();
        var signer = key.ForLog(origin);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(KeyOf(folder)))!);
            Write(KeyOf(folder), key.ToPem(), UnixFileMode.UserRead | UnixFileMode.UserWrite);
            Write(VerifierKeyOf(folder), signer.Key + "\n", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
            return signer;
        }
        catch (Exception exception) when (StateDisk.IsOfDisk(exception))
        {
            throw new GateException($"the key of the ledger {folder} cannot be written: {exception.Message}", $"name a folder whose {KeyOf(folder)} is not there yet and can be written; a key is never replaced", exception);
        }
    }

    /// <summary>The key of a log, from its two files.</summary>
    /// <exception cref="GateException">One is missing, or they do not belong together.</exception>
    public static NoteSigner Read(string folder)
    {
        var verifier = ReadVerifierKey(VerifierKeyOf(folder));
        var pem = Text(KeyOf(folder));
        var key = LedgerKey.TryParse(pem) ?? throw new GateException($"{KeyOf(folder)} is no Ed25519 private key in PEM", "restore the key of this log");
        return key.PublicKey.Equals(verifier.PublicKey) ? key.ForLog(verifier.Name) : throw new GateException($"{KeyOf(folder)} is not the key of {VerifierKeyOf(folder)}", "restore the key of this log");
    }

    /// <summary>The verifier key in a file.</summary>
    /// <exception cref="GateException">There is none.</exception>
    public static NoteKey ReadVerifierKey(string file) =>
        NoteKey.TryParse(Text(file).TrimEnd()) ?? throw new GateException($"{file} holds no verifier key", "name a file with one line, <origin>+<id>+<base64>");

    // Beside "." there would be a file of the name "..key", in the folder itself.
    private static string Beside(string folder, string ending)
    {
        var name = Path.TrimEndingDirectorySeparator(folder);
        return (Path.GetFileName(name) is "." or ".." ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(name)) : name) + ending;
    }

    private static string Text(string file)
    {
        try
        {
            return StateDisk.Read(file, MostBytes) is { } bytes ? System.Text.Encoding.UTF8.GetString(bytes) : throw new GateException($"{file} is not there", "make the log's key with gates ledger init");
        }
        catch (Exception exception) when (StateDisk.IsOfDisk(exception))
        {
            throw new GateException($"{file} cannot be read: {exception.Message}", "make it readable", exception);
        }
    }

    private static void Write(string file, string text, UnixFileMode mode)
    {
        // The mode goes with the creation: at no moment may others read a private key.
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = mode;
        }

        using (var stream = new FileStream(file, options))
        {
            stream.Write(System.Text.Encoding.UTF8.GetBytes(text));
            stream.Flush(flushToDisk: true);
        }

        StateDisk.SyncFolder(Path.GetDirectoryName(Path.GetFullPath(file))!);
    }
}
