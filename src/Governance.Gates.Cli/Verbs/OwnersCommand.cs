using System.Buffers;
using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Cli.Reviews;
using Governance.Gates.Reviews;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates owners</c>: who owns these paths, and which line of CODEOWNERS says so?</summary>
internal static class OwnersCommand
{
    // A few show what is wrong; many would bury the answer.
    private const int MostTold = 20;

    public static Command Create(Terminal terminal)
    {
        var paths = new Argument<string[]>("PATH") { Description = "Files, from the repository's root; - reads them from standard input, one on a line.", Arity = ArgumentArity.OneOrMore, HelpName = "PATH|-" };
        var file = new Option<string>("--codeowners") { Description = "The file, or the folder of a repository that has it in .github, at its root or in docs.", HelpName = "FILE|DIR", DefaultValueFactory = _ => "." };
        var zero = new Option<bool>("--null", "-z") { Description = "Paths on standard input end with a zero byte, as git's -z writes them." };
        var form = Report.OutputOption();
        var command = new Command("owners", "Tells who owns each path, the line of CODEOWNERS that decides and every line that hits. Examples: gates owners src/app.js; git diff --name-only -z main | gates owners -z - --output json")
        {
            paths, file, zero, form,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var owners = CodeownersSource.Read(parsed.GetRequiredValue(file));
            var named = PathList.ReadAsync(parsed.GetRequiredValue(paths), terminal, parsed.GetValue(zero) ? (byte)0 : (byte)'\n', cancellation);
            await TellAsync(terminal, owners);
            return await (parsed.GetRequiredValue(form) switch
            {
                "json" => WriteJsonAsync(terminal, owners, named),
                "markdown" => WriteMarkdownAsync(terminal, owners, named),
                _ => WriteTextAsync(terminal, owners, named),
            });
        });
        return command;
    }

    // Beside the result, which has one line for each path.
    private static async Task TellAsync(Terminal terminal, Codeowners owners)
    {
        if (owners.File.Length == 0)
        {
            await terminal.SayAsync($"no CODEOWNERS file in {string.Join(", ", Codeowners.Locations)}: nothing is owned");
        }

        var told = owners.Mistakes.Select(mistake => $"{mistake}").Concat(owners.Warnings.Select(warning => $"{warning} (warning)")).ToList();
        foreach (var line in told.Take(MostTold))
        {
            await terminal.SayAsync($"{owners.File}:{line}");
        }

        if (told.Count > MostTold)
        {
            await terminal.SayAsync($"{told.Count - MostTold} more mistakes and warnings; --output json tells them");
        }
    }

    private static async Task<int> WriteTextAsync(Terminal terminal, Codeowners owners, IAsyncEnumerable<NamedPath> paths)
    {
        var exitCode = Start(owners);
        await foreach (var path in paths)
        {
            exitCode = After(exitCode, path);
            await terminal.Output.WriteLineAsync(string.Join("  ", Row(owners, path).Select(SafeText.Line)));
        }

        return exitCode;
    }

    private static async Task<int> WriteMarkdownAsync(Terminal terminal, Codeowners owners, IAsyncEnumerable<NamedPath> paths)
    {
        var exitCode = Start(owners);
        await terminal.Output.WriteAsync("| path | owners | decided by | hits |\n| --- | --- | --- | --- |\n");
        await foreach (var path in paths)
        {
            exitCode = After(exitCode, path);
            await terminal.Output.WriteAsync($"| {string.Join(" | ", Row(owners, path).Select(SafeText.Markdown))} |\n");
        }

        return exitCode;
    }

    // Path by path, so that memory does not grow with their number.
    private static async Task<int> WriteJsonAsync(Terminal terminal, Codeowners owners, IAsyncEnumerable<NamedPath> paths)
    {
        var exitCode = Start(owners);
        var buffer = new ArrayBufferWriter<byte>();
        await using var json = new Utf8JsonWriter(buffer, new() { Indented = true, NewLine = "\n", Encoder = SafeText.Json });
        json.WriteStartObject();
        json.WriteString("$schema", $"{Report.Schemas}owners.schema.json");
        json.WriteString("file", owners.File.Length == 0 ? null : owners.File);
        Write(json, "mistakes", owners.Mistakes);
        Write(json, "warnings", owners.Warnings);
        json.WriteStartArray("paths");
        await foreach (var path in paths)
        {
            exitCode = After(exitCode, path);
            Write(json, owners, path);
            await FlushAsync();
        }

        json.WriteEndArray();
        json.WriteNumber("exitCode", exitCode);
        json.WriteEndObject();
        await FlushAsync();
        await terminal.Output.WriteAsync('\n');
        return exitCode;

        async Task FlushAsync()
        {
            await json.FlushAsync();
            await terminal.Output.WriteAsync(Encoding.UTF8.GetString(buffer.WrittenSpan));
            buffer.ResetWrittenCount();
        }
    }

    // A file that GitHub does not load says nothing; a line that it skips leaves the others standing.
    private static int Start(Codeowners owners) => owners.Mistakes.Any(mistake => mistake.Kind == CodeownersMistakeKind.TooLarge) ? ExitCode.Unknown : ExitCode.Allowed;

    private static int After(int exitCode, NamedPath path) => path.Path is null ? ExitCode.Unknown : exitCode;

    private static ImmutableArray<string> Row(Codeowners owners, NamedPath path)
    {
        if (path.Path is null)
        {
            return [path.Given, "unknown", path.Why!.ToString(), "-"];
        }

        var hits = owners.Hits(path.Path);
        return hits is [.., var last]
            ? [path.Path, last.Owners.IsEmpty ? "unowned" : string.Join(' ', last.Owners), $"{owners.File}:{last.Line.ToString(CultureInfo.InvariantCulture)} {last.Pattern}", $"hits {string.Join(", ", hits.Select(hit => $"{hit.Line.ToString(CultureInfo.InvariantCulture)} {hit.Pattern}"))}"]
            : [path.Path, "unowned", "-", "hits none"];
    }

    private static void Write(Utf8JsonWriter json, Codeowners owners, NamedPath path)
    {
        var hits = path.Path is null ? [] : owners.Hits(path.Path);
        json.WriteStartObject();
        json.WriteString("path", path.Path ?? path.Given);
        json.WriteStartArray("owners");
        foreach (var owner in hits is [.., var last] ? last.Owners : [])
        {
            json.WriteStringValue(owner.Text);
        }

        json.WriteEndArray();
        if (hits is [.., var decided])
        {
            json.WritePropertyName("decided");
            Write(json, decided);
        }
        else
        {
            json.WriteNull("decided");
        }

        json.WriteStartArray("hits");
        foreach (var hit in hits)
        {
            Write(json, hit);
        }

        json.WriteEndArray();
        json.WriteReasons("unread", path.Why is { } why ? [why] : []);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, CodeownersRule rule)
    {
        json.WriteStartObject();
        json.WriteNumber("line", rule.Line);
        json.WriteString("pattern", rule.Pattern);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, ImmutableArray<CodeownersMistake> mistakes)
    {
        json.WriteStartArray(name);
        foreach (var mistake in mistakes)
        {
            json.WriteStartObject();
            json.WriteNumber("line", mistake.Line);
            json.WriteNumber("column", mistake.Column);
            json.WriteString("kind", JsonNamingPolicy.KebabCaseLower.ConvertName(mistake.Kind.ToString()));
            json.WriteString("message", mistake.Message);
            json.WriteString("remedy", mistake.Remedy);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
