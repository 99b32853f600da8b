using System.Collections.Immutable;
using System.Globalization;

namespace Governance.Gates.Policies;

/// <summary>Collects what is found wrong in one file.</summary>
internal sealed class PolicyMistakes
{
    private readonly List<PolicyMistake> mistakes = [];
    private readonly List<PolicyMistake> warnings = [];
    private int untold;

    public bool Any => mistakes.Count > 0;

    /// <summary>In the order of the file.</summary>
    public ImmutableArray<PolicyMistake> All =>
        [
            .. Ordered(mistakes),
            .. untold == 0 ? [] : new PolicyMistake[] { new(1, 1, "", $"{untold.ToString(CultureInfo.InvariantCulture)} more mistakes are not shown", "correct these first") },
        ];

    /// <summary>In the order of the file.</summary>
    public ImmutableArray<PolicyMistake> Warnings => [.. Ordered(warnings)];

    public void Add(PolicyNode at, string message, string? remedy = null) => Add(at.Line, at.Column, at.Path, message, remedy);

    /// <summary>A mistake about a key itself, such as one that is unknown.</summary>
    public void AddAtKey(PolicyNode value, string message, string? remedy = null) => Add((value.Key ?? value).Line, (value.Key ?? value).Column, value.Path, message, remedy);

    public void Add(int line, int column, string path, string message, string? remedy = null)
    {
        if (mistakes.Count < PolicyReader.MostMistakes)
        {
            mistakes.Add(new(line, column, path, message, remedy));
        }
        else
        {
            untold++;
        }
    }

    public void Warn(PolicyNode at, string message, string? remedy = null)
    {
        if (warnings.Count < PolicyReader.MostMistakes)
        {
            warnings.Add(new((at.Key ?? at).Line, (at.Key ?? at).Column, at.Path, message, remedy));
        }
    }

    private static IEnumerable<PolicyMistake> Ordered(List<PolicyMistake> list) => list.OrderBy(mistake => mistake.Line).ThenBy(mistake => mistake.Column);
}
