namespace Governance.Gates.Clients.Registries;

internal static class Readings
{
    /// <summary>A reason that speaks about a registry or a layout.</summary>
    public static Reason Reason(string message, string remedy) => new("registry", message, remedy);
}
