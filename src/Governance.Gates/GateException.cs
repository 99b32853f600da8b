namespace Governance.Gates;

/// <summary>A gate cannot run at all: a mistake at start-up, in usage or in configuration. Never the answer to hostile input.</summary>
/// <param name="message">What is wrong, with the offending value.</param>
/// <param name="remedy">What to do about it.</param>
/// <param name="cause">What was thrown underneath.</param>
public sealed class GateException(string message, string remedy, Exception? cause = null)
    : Exception($"{message}; {remedy}", cause)
{
    /// <summary>What to do about it.</summary>
    public string Remedy { get; } = remedy;
}
