using System.Buffers.Binary;
using System.Globalization;
using Governance.Gates.Ledgers;
using Governance.Gates.Sigstore;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Conformance.Ledgers;

/// <summary>A log that our writer wrote into a folder, signed by openssl with an Ed25519 key that was made for it.</summary>
internal sealed class LogFolder : IDisposable
{
    private const string Origin = "ledger.example/shop/production/0";
    private static readonly DateTimeOffset Began = new(2026, 3, 2, 10, 0, 0, TimeSpan.Zero);

    private readonly TemporaryFolder folder;
    private readonly NoteSigner signer;
    private LedgerWriter writer = LedgerWriter.Begin(Origin, 1);

    private LogFolder(TemporaryFolder folder, NoteSigner signer)
    {
        this.folder = folder;
        this.signer = signer;
        Vkey = folder.Write("vkey", signer.Key + "\n");
        Root = folder.Folder("log");
    }

    /// <summary>The log's folder.</summary>
    public string Root { get; }

    /// <summary>The file with its vkey.</summary>
    public string Vkey { get; }

    public NoteKey Key => signer.Key;

    public static async Task<LogFolder> CreateAsync()
    {
        var folder = new TemporaryFolder();
        var (key, spki) = (folder.PathOf("key.pem"), folder.PathOf("spki.der"));
        await OpenSslAsync("genpkey", "-algorithm", "ed25519", "-out", key);
        await OpenSslAsync("pkey", "-in", key, "-pubout", "-outform", "DER", "-out", spki);
        var publicKey = PublicKey.Parse(await File.ReadAllBytesAsync(spki));
        return new(folder, new(NoteKey.TryCreate(Origin, publicKey)!, new DelegateSigner(publicKey, async (text, cancellation) =>
        {
            var (note, signature) = (folder.PathOf("note"), folder.PathOf("signature"));
            await File.WriteAllBytesAsync(note, text.ToArray(), cancellation);
            await OpenSslAsync("pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", note, "-out", signature);
            return await File.ReadAllBytesAsync(signature, cancellation);
        })));
    }

    /// <summary>Begins the log anew, without removing what stands there.</summary>
    public void BeginAgain() => writer = LedgerWriter.Begin(Origin, 1);

    /// <summary>Appends entries up to a size and writes what changed.</summary>
    /// <param name="size">How many there are then.</param>
    /// <param name="outcome">What they say came of it.</param>
    public void AppendUpTo(int size, string outcome = "admitted")
    {
        while (writer.Size < size)
        {
            var number = writer.Size;
            var appended = writer.Append(new()
            {
                Timestamp = Began.AddSeconds(number),
                EventId = string.Create(CultureInfo.InvariantCulture, $"event-{number}"),
                EventType = LedgerEvents.Decision,
                Component = new("gates-webhook", "0.1.0", null),
                Verdict = Verdict.Allow,
                Outcome = outcome,
                Reasons = new EntryPart<System.Collections.Immutable.ImmutableArray<EntryReason>>.Inline([new("artifacts.images[0].signed", null, new PersonalText.Plain("für 5 € \"signed\" \\ 𠮷"))]),
            });
            Assert.IsType<Reading<AppendedEntry>.Found>(appended);
        }

        foreach (var tile in writer.TakeTiles())
        {
            Write(tile.Address.Path, tile.Bytes.ToArray());
        }
    }

    /// <summary>Signs the present size, and publishes that.</summary>
    public async Task<Checkpoint> PublishAsync()
    {
        var note = await Checkpoint.SignAsync(writer.Size, writer.Root, [signer], CancellationToken.None);
        Write("checkpoint", note);
        return Published();
    }

    public Checkpoint Published() => Found(Checkpoint.Open(Read("checkpoint"), signer.Key));

    public Reading<ReadOnlyMemory<byte>> Source(TileAddress address) => File.Exists(PathOf(address.Path))
        ? new Reading<ReadOnlyMemory<byte>>.Found(Read(address.Path))
        : new Reading<ReadOnlyMemory<byte>>.Unread(new("ledger", $"there is no {address}", "restore it"));

    public byte[] Read(string path) => File.ReadAllBytes(PathOf(path));

    public void Write(string path, byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(path))!);
        File.WriteAllBytes(PathOf(path), bytes);
    }

    public List<byte[]> Entries(string path) => [.. Found(EntryBundle.Read(Read(path))).Select(entry => entry.ToArray())];

    public void WriteEntries(string path, IEnumerable<byte[]> entries) => Write(path, [.. entries.SelectMany(entry =>
    {
        var length = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)entry.Length);
        return (byte[])[.. length, .. entry];
    })]);

    /// <summary>A file beside the log.</summary>
    public string Beside(string name, byte[] bytes)
    {
        File.WriteAllBytes(folder.PathOf(name), bytes);
        return folder.PathOf(name);
    }

    public void Dispose() => folder.Dispose();

    public static T Found<T>(Reading<T> reading) => Assert.IsType<Reading<T>.Found>(reading).Value;

    private static async Task OpenSslAsync(params string[] arguments) => (await Command.RunAsync(Peers.OpenSsl.Require(), arguments)).Succeeded();

    private string PathOf(string path) => Path.Combine(Root, path);
}
