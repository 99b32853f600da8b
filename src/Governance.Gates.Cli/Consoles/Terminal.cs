namespace Governance.Gates.Cli.Consoles;

/// <summary>What surrounds a command: where it reads and writes, the clock, the environment.</summary>
/// <param name="Input">Standard input.</param>
/// <param name="Output">Where results go.</param>
/// <param name="Error">Where mistakes and progress go.</param>
internal sealed record Terminal(Stream Input, TextWriter Output, TextWriter Error)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Whether somebody watches <see cref="Error"/>.</summary>
    public bool ShowsProgress { get; init; }

    /// <summary>Whether somebody can be asked: reads <see cref="Error"/> and answers on <see cref="Input"/>.</summary>
    public bool CanAsk { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Reads a variable of the environment; null where it is not set.</summary>
    public Func<string, string?> Variable { get; init; } = Environment.GetEnvironmentVariable;

    /// <summary>The names of all variables of the environment.</summary>
    public Func<IEnumerable<string>> VariableNames { get; init; } = () => Environment.GetEnvironmentVariables().Keys.Cast<string>();

    /// <summary>Waits for work, and says what it is once it lasts over a second.</summary>
    /// <param name="what">What is being done, such as <c>reading the evidence on …</c>.</param>
    /// <param name="work">The work.</param>
    public async Task<T> WhileAsync<T>(string what, Task<T> work)
    {
        if (ShowsProgress && !work.IsCompleted)
        {
            await Task.WhenAny(work, Task.Delay(Patience, Clock));
            if (!work.IsCompleted)
            {
                await SayAsync($"{what} …");
            }
        }

        return await work;
    }

    /// <summary>Tells the user something beside the result.</summary>
    public async Task SayAsync(string message)
    {
        await Error.WriteLineAsync($"gates: {SafeText.Line(message)}");
        await Error.FlushAsync();
    }

    /// <summary>Asks for a yes, spelled out. Anything else, or nothing, is a no.</summary>
    /// <param name="question">The question, on one line.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task<bool> ConfirmAsync(string question, CancellationToken cancellation)
    {
        await Error.WriteAsync($"{SafeText.Line(question)} ");
        await Error.FlushAsync(cancellation);
        var answer = new byte[16];
        var length = 0;
        while (length < answer.Length && await Input.ReadAsync(answer.AsMemory(length, 1), cancellation) == 1 && answer[length] != '\n')
        {
            length++;
        }

        return answer.AsSpan(0, length).Trim(" \t\r"u8).SequenceEqual("yes"u8);
    }
}
