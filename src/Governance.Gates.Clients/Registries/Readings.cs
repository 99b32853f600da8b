using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Governance.Gates.Clients.Registries;

internal static class Readings
{
    /// <summary>The value, or else why there is none.</summary>
    public static bool Try<T>(this Reading<T> reading, [MaybeNullWhen(false)] out T value, [NotNullWhen(false)] out Reason? why)
    {
        switch (reading)
        {
            case Reading<T>.Found(var found):
                (value, why) = (found, null);
                return true;
            case Reading<T>.Unread(var reason):
                (value, why) = (default, reason);
                return false;
            default:
                throw new UnreachableException();
        }
    }

    /// <summary>A reason that speaks about a registry or a layout.</summary>
    public static Reason Reason(string message, string remedy) => new("registry", message, remedy);
}
