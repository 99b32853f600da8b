using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Governance.Gates;

/// <summary>What a client brings back from the world: a value, or why there is none. One dead system never throws away what the others said.</summary>
/// <typeparam name="T">What was asked for.</typeparam>
public abstract record Reading<T>
{
    private Reading()
    {
    }

    /// <summary>The value was read. "There is nothing there" is a value too.</summary>
    public sealed record Found(T Value) : Reading<T>;

    /// <summary>The value could not be read; <paramref name="Reason"/> names the system, the failure and the remedy.</summary>
    public sealed record Unread(Reason Reason) : Reading<T>;

    /// <summary>The value, or else why there is none.</summary>
    public bool Try([MaybeNullWhen(false)] out T value, [NotNullWhen(false)] out Reason? why)
    {
        switch (this)
        {
            case Found(var found):
                (value, why) = (found, null);
                return true;
            case Unread(var reason):
                (value, why) = (default, reason);
                return false;
            default:
                throw new UnreachableException();
        }
    }
}
