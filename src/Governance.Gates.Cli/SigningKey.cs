using System.CommandLine;
using System.Text;
using Governance.Gates.Cli.Consoles;
using Governance.Gates.Sigstore;

namespace Governance.Gates.Cli;

/// <summary>The options that name a private key and its password, and the signer that they come to.</summary>
internal sealed class SigningKey
{
    private const string PasswordVariable = "GATES_KEY_PASSWORD";
    private const int MostPasswordBytes = 4_096;

    /// <summary><c>--key</c>; required unless the verb says otherwise.</summary>
    public Option<string> File { get; } = new("--key") { Description = $"The private key: ECDSA in PKCS #8 PEM. The password of an encrypted one is taken from {PasswordVariable} or --password-file.", HelpName = "FILE", Required = true };

    /// <summary><c>--password-file</c>.</summary>
    public Option<string?> PasswordFile { get; } = new("--password-file") { Description = "A file with the password of the key; a line feed at its end does not count.", HelpName = "FILE" };

    /// <summary>Reads the key that a command line names. The caller disposes of it.</summary>
    /// <exception cref="GateException">It cannot be read or used; the remedy names the option or the variable.</exception>
    public EcdsaSigner Read(ParseResult parsed, Terminal terminal)
    {
        var file = parsed.GetRequiredValue(File);
        var pem = Characters(InputFile.Read(file, "private key", PublicKey.MaxSize));
        var password = parsed.GetValue(PasswordFile) is { } from
            ? Characters(InputFile.Read(from, "password file", MostPasswordBytes))
            : terminal.Variable(PasswordVariable)?.ToCharArray() ?? [];
        try
        {
            return EcdsaSigner.FromPem(pem, password.AsSpan().TrimEnd("\r\n"));
        }
        catch (PrivateKeyException mistake)
        {
            throw new GateException(
                $"'{file}': {mistake.Message[..^($"; {mistake.Remedy}".Length)]}",
                mistake.Remedy == "give its password" ? $"set {PasswordVariable}, or name a file with --password-file" : mistake.Remedy,
                mistake);
        }
        finally
        {
            Array.Clear(pem);
            Array.Clear(password);
        }
    }

    private static char[] Characters(byte[] bytes)
    {
        var characters = Encoding.UTF8.GetChars(bytes);
        Array.Clear(bytes);
        return characters;
    }
}
