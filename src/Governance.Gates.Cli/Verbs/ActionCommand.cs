using System.CommandLine;
using System.Text;
using Governance.Gates.Cli.Actions;
using Governance.Gates.Cli.Consoles;

namespace Governance.Gates.Cli.Verbs;

/// <summary><c>gates action NAME</c>: a verb as a step of a GitHub workflow, with inputs from the environment and answers where the runner looks for them.</summary>
/// <remarks>Hidden: it is what the containers of <c>action.yml</c> run.</remarks>
internal static class ActionCommand
{
    /// <param name="terminal">The terminal, on which nothing can be taken for a command.</param>
    /// <param name="commands">The same standard output, for the commands that are meant.</param>
    public static Command Create(Terminal terminal, TextWriter commands)
    {
        var name = new Argument<string>("NAME") { Description = "The action." };
        name.Validators.Add(result =>
        {
            if (GateAction.All.All(action => action.Name != result.Tokens[0].Value))
            {
                result.AddError($"'{result.Tokens[0].Value}' is none of {string.Join(", ", GateAction.All.Select(action => action.Name))}");
            }
        });
        var command = new Command("action", "Runs a verb as a step of a GitHub workflow.") { name };
        command.Hidden = true;
        command.SetAction((parsed, cancellation) => RunAsync(GateAction.All.Single(action => action.Name == parsed.GetRequiredValue(name)), terminal, commands, cancellation));
        return command;
    }

    private static async Task<int> RunAsync(GateAction action, Terminal terminal, TextWriter commands, CancellationToken cancellation)
    {
        var (outputs, summary) = (Runner("GITHUB_OUTPUT"), Runner("GITHUB_STEP_SUMMARY"));
        var answer = await AnswerAsync(action, terminal, cancellation);
        await WriteLogAsync(answer, terminal);
        foreach (var line in WorkflowCommands.Annotations(answer))
        {
            await commands.WriteLineAsync(line);
        }

        await commands.FlushAsync(CancellationToken.None);
        WorkflowCommands.Append(summary, JobSummary.Of(answer));
        var told = new StringBuilder(WorkflowCommands.Output(GateAction.Decision, answer.Verdict));
        foreach (var output in action.Outputs)
        {
            told.Append(WorkflowCommands.Output(output.Name, answer.ValueOf(output) ?? ""));
        }

        WorkflowCommands.Append(outputs, told.ToString());
        return answer.ExitCode;

        string Runner(string variable) => terminal.Variable(variable) is { Length: > 0 } file
            ? file
            : throw new GateException($"{variable} names no file", $"run this as a step of a GitHub workflow; elsewhere, gates {action.Name} --help");
    }

    private static async Task<ActionAnswer> AnswerAsync(GateAction action, Terminal terminal, CancellationToken cancellation)
    {
        try
        {
            using var output = new StringWriter();
            using var error = new StringWriter();
            var arguments = action.CommandLine(terminal.VariableNames(), terminal.Variable);
            var exitCode = await GatesCommand.RunAsync([.. arguments], terminal with { Input = Stream.Null, Output = output, Error = error, ShowsProgress = false, CanAsk = false }, cancellation);
            await terminal.Error.WriteAsync(error.ToString());
            await terminal.Error.FlushAsync(CancellationToken.None);
            if (output.ToString() is { Length: > 0 } json && GateAction.Given(GateAction.Report, terminal.Variable) is { } report)
            {
                OutputFile.Write(report, Encoding.UTF8.GetBytes(json));
            }

            return ActionAnswer.Read(action, exitCode, output.ToString(), error.ToString());
        }
        catch (GateException mistake)
        {
            // Told where the others are told, so that a step that looks for the decision finds one.
            return ActionAnswer.Read(action, ExitCode.Unknown, "", mistake.Message);
        }
    }

    private static async Task WriteLogAsync(ActionAnswer answer, Terminal terminal)
    {
        string[] lines =
        [
            $"{answer.Verdict}: gates {answer.Action.Name}",
            .. answer.Facts.Select(fact => $"  {fact.Name}: {SafeText.Line(fact.Text)}"),
            .. answer.Needs.Select(need => $"  {need.Verdict}: {SafeText.Line(need.What)}{(need.By.IsEmpty ? "" : $", by {SafeText.Line(string.Join(", ", need.By))}")}"),
            .. answer.Notes.Select(note => $"  note: {SafeText.Line($"{note.Rule}: {note}")}"),
        ];
        await terminal.Output.WriteLineAsync(string.Join('\n', lines));
        await terminal.Output.FlushAsync(CancellationToken.None);
    }
}
