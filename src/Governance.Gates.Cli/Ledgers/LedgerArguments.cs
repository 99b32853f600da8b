using System.CommandLine;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Clients.LedgerStores;
using Governance.Gates.Ledgers;

namespace Governance.Gates.Cli.Ledgers;

/// <summary>The arguments that name a log and its key.</summary>
internal sealed class LedgerArguments
{
    /// <summary>The folder.</summary>
    public Argument<string> Folder { get; } = new("DIR") { Description = "The folder of the log; a process may write it meanwhile.", HelpName = "DIR" };

    /// <summary><c>--vkey</c>.</summary>
    public Option<string?> Vkey { get; } = new("--vkey") { Description = "The log's verifier key, as its owner published it; DIR.vkey unless given.", HelpName = "FILE" };

    /// <summary>An entry's place in a log.</summary>
    public static Argument<long> Sequence() => new("SEQ")
    {
        Description = "The entry's sequence, from 0.",
        CustomParser = result =>
        {
            if (long.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                return number;
            }

            result.AddError($"'{result.Tokens[0].Value}' is no sequence, a whole number from 0");
            return 0;
        },
    };

    /// <summary>The key that the command line names.</summary>
    /// <exception cref="GateException">It cannot be read.</exception>
    public NoteKey ReadKey(ParseResult parsed) => LedgerKeyFiles.ReadVerifierKey(parsed.GetValue(Vkey) ?? LedgerKeyFiles.VerifierKeyOf(parsed.GetRequiredValue(Folder)));

    /// <summary>The log with its last checkpoint.</summary>
    /// <exception cref="GateException">Key or checkpoint cannot be read, or the checkpoint is not signed by the key.</exception>
    public OpenLog Open(ParseResult parsed) => OpenLog.Open(parsed.GetRequiredValue(Folder), ReadKey(parsed));
}

/// <summary>The options that say where the index of a log is kept.</summary>
internal sealed class IndexArguments
{
    /// <summary><c>--index</c>.</summary>
    public Option<string?> Folder { get; } = new("--index") { Description = "The folder in which indexes of logs are kept, of this log one of its own; $XDG_CACHE_HOME/gates/ledger-index unless given. It can be deleted at any time.", HelpName = "DIR" };

    /// <summary><c>--no-index</c>.</summary>
    public Option<bool> Without { get; } = new("--no-index") { Description = "Read the whole log: whoever can write the index's folder could hide entries from a search." };

    /// <summary>Where; null for nowhere.</summary>
    public string? Read(ParseResult parsed, Terminal terminal)
    {
        if (parsed.GetValue(Without))
        {
            return null;
        }

        if (parsed.GetValue(Folder) is { } named)
        {
            return named;
        }

        // XDG Base Directory Specification: a path that is not absolute is ignored.
        string? Absolute(string name) => terminal.Variable(name) is { } path && Path.IsPathFullyQualified(path) ? path : null;
        var cache = Absolute("XDG_CACHE_HOME") ?? (Absolute("HOME") is { } home ? Path.Combine(home, ".cache") : null);
        return cache is null ? null : Path.Combine(cache, "gates", "ledger-index");
    }
}

/// <summary>What the verbs of the ledger share.</summary>
internal static class LedgerReadings
{
    /// <summary>What writes an entry, where the command line does.</summary>
    public static EntryComponent Component { get; } = new("gates", (typeof(LedgerReadings).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0").Split('+')[0], null);

    /// <summary>The value, or an end with its reason: for what a verb cannot go on without.</summary>
    /// <exception cref="GateException">It could not be read.</exception>
    public static T Required<T>(this Reading<T> reading) => reading.Try(out var value, out var why) ? value : throw new GateException(why.Message, why.Remedy ?? "try again");

    /// <summary>A checkpoint that was kept elsewhere.</summary>
    /// <exception cref="GateException">The file holds none that the key signed: then it shows nothing.</exception>
    public static Checkpoint ReadCheckpoint(string file, NoteKey key) => Checkpoint.Open(InputFile.Read(file, "checkpoint", Checkpoint.MostBytes), key).Try(out var checkpoint, out var why)
        ? checkpoint
        : throw new GateException($"'{file}': {why.Message}", "name a checkpoint of this log, kept as it was published");

    /// <summary><c>log</c>: which log, as of which checkpoint; null where none can be trusted.</summary>
    public static void WriteLog(this Utf8JsonWriter json, string folder, NoteKey key, Checkpoint? checkpoint)
    {
        json.WritePropertyName("log");
        json.WriteLogValue(folder, key, checkpoint);
    }

    /// <summary>The same, as one of many.</summary>
    public static void WriteLogValue(this Utf8JsonWriter json, string folder, NoteKey key, Checkpoint? checkpoint)
    {
        json.WriteStartObject();
        json.WriteString("folder", folder);
        json.WriteString("origin", key.Name);
        json.WriteString("vkey", key.ToString());
        json.WriteString("root", checkpoint?.Root.ToBase64());
        json.WriteNumber("size", checkpoint?.Size ?? 0);
        json.WriteEndObject();
    }
}
