using System.Net;
using System.Net.Sockets;

namespace Governance.Gates.Testing.Processes;

/// <summary>Finds ports for servers that cannot choose one themselves.</summary>
public static class FreePort
{
    /// <summary>A port of 127.0.0.1 that nothing listens on. Another process may take it first, so ask just before it is used.</summary>
    public static int Next()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
