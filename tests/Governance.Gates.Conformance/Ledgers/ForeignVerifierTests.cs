using Governance.Gates.Ledgers;
using Governance.Gates.Testing;
using Governance.Gates.Testing.Processes;

namespace Governance.Gates.Conformance.Ledgers;

/// <summary>Logs that we wrote, before verifiers that we did not write: Go's sumdb and sigstore's for JavaScript. What they accept and refuse, ours does.</summary>
public sealed class ForeignVerifierTests
{
    private const string LastBundle = "tile/entries/002.p/188";
    private const int Size = 700;

    [Theory]
    [InlineData(1)]
    [InlineData(256)]
    [InlineData(257)]
    [InlineData(Size)]
    public async Task They_accept_a_log_of_any_size(int size)
    {
        SkipWhereMissing();
        using var log = await LogFolder.CreateAsync();
        log.AppendUpTo(size);
        await log.PublishAsync();
        Assert.Equal((null, true, true), await AskAllAsync(log));
    }

    [Fact]
    public async Task They_accept_that_a_log_begins_as_it_did_at_every_earlier_checkpoint()
    {
        SkipWhereMissing();
        using var log = await LogFolder.CreateAsync();
        var earlier = new List<Checkpoint>();
        foreach (var size in (int[])[1, 255, 256, 300, 511, 512, 513, Size])
        {
            log.AppendUpTo(size);
            earlier.Add(await log.PublishAsync());
        }

        foreach (var checkpoint in earlier)
        {
            Assert.Contains($"consistent with {checkpoint.Size}", (await GoAsync(log, $"{checkpoint.Size}", checkpoint.Root.ToBase64())).Succeeded().Output, StringComparison.Ordinal);
            Assert.Equal(1, (await GoAsync(log, $"{checkpoint.Size}", TreeHash.OfEmptyTree.ToBase64())).ExitCode);
        }
    }

    public static TheoryData<string> Changes => [.. Tampered.Keys];

    private static Dictionary<string, Func<LogFolder, string>> Tampered { get; } = new()
    {
        ["a bit of an entry"] = log => Flip(log, "tile/entries/001", 7_000),
        ["a bit of the last entry"] = log => Flip(log, LastBundle, log.Read(LastBundle).Length - 3),
        ["a bit of a tile"] = log => Flip(log, "tile/0/001", 40),
        ["a bit of the checkpoint's size"] = log => Flip(log, "checkpoint", log.Read("checkpoint").AsSpan().IndexOf("\n700\n"u8) + 3),
        ["a bit of the checkpoint's root"] = log => Flip(log, "checkpoint", log.Read("checkpoint").AsSpan().IndexOf("\n700\n"u8) + 9),
        ["a bit of the checkpoint's signature"] = log => Flip(log, "checkpoint", log.Read("checkpoint").Length - 20),
        ["the last entry removed"] = log =>
        {
            log.WriteEntries(LastBundle, log.Entries(LastBundle)[..^1]);
            return "entry 699";
        },
        ["two entries swapped"] = log =>
        {
            var entries = log.Entries("tile/entries/000");
            (entries[3], entries[4]) = (entries[4], entries[3]);
            log.WriteEntries("tile/entries/000", entries);
            return "entry 3";
        },
        ["a suffix rewritten with its chain and its tiles"] = log =>
        {
            log.BeginAgain();
            log.AppendUpTo(600);
            log.AppendUpTo(Size, outcome: "refused");
            return "belong together, and not to";
        },
    };

    [Theory, MemberData(nameof(Changes))]
    public async Task They_and_we_refuse_a_log_after(string change)
    {
        SkipWhereMissing();
        using var log = await LogFolder.CreateAsync();
        log.AppendUpTo(Size);
        await log.PublishAsync();
        Assert.Equal((null, true, true), await AskAllAsync(log));

        var place = Tampered[change](log);
        var (ours, go, javaScript) = await AskAllAsync(log);
        Assert.Contains(place, ours, StringComparison.Ordinal);
        Assert.Equal((false, false), (go, javaScript));
    }

    // sigstore's verifier reads no tiles above those of leaves.
    [Fact]
    public async Task Go_and_we_refuse_a_log_after_a_bit_of_an_upper_tile()
    {
        SkipWhereMissing();
        using var log = await LogFolder.CreateAsync();
        log.AppendUpTo(Size);
        await log.PublishAsync();
        Flip(log, "tile/1/000.p/2", 33);
        Assert.Contains("tile/1/000.p/2", LedgerVerifier.Verify(log.Published(), log.Source)!.ToString(), StringComparison.Ordinal);
        Assert.Equal(1, (await GoAsync(log)).ExitCode);
    }

    [Fact]
    public async Task Go_accepts_the_proof_of_an_entry_for_that_entry_alone()
    {
        SkipWhereMissing();
        using var log = await LogFolder.CreateAsync();
        log.AppendUpTo(Size);
        var checkpoint = await log.PublishAsync();
        foreach (var (path, index) in ((string, int)[])[("tile/entries/000", 0), ("tile/entries/001", 300), (LastBundle, 699)])
        {
            var entry = log.Entries(path)[index % 256];
            var proof = LogFolder.Found(LedgerProof.Make(index, TreeHash.OfLeaf(entry), checkpoint, log.Source));
            var file = log.Beside("entry.tlog-proof", proof.Write());
            Assert.Equal($"entry {index} of {Size}\n", (await Command.RunAsync(Peers.GoTlog.Require(), ["proof", file, log.Vkey, log.Beside("entry", entry)])).Succeeded().Output);
            Assert.Equal(1, (await Command.RunAsync(Peers.GoTlog.Require(), ["proof", file, log.Vkey, log.Beside("entry", [.. entry, (byte)' '])])).ExitCode);
            Assert.Equal(1, (await Command.RunAsync(Peers.GoTlog.Require(), ["proof", log.Beside("other.tlog-proof", (proof with { Index = index ^ 1 }).Write()), log.Vkey, log.Beside("entry", entry)])).ExitCode);
        }
    }

    private static void SkipWhereMissing()
    {
        if (Peers.WhyNot(Peers.GoTlog, Peers.SigstoreJs, Peers.Node, Peers.OpenSsl) is { } why)
        {
            Assert.Skip(why);
        }
    }

    // Ours says what it found, or null; the others whether they accept.
    private static async Task<(string? Ours, bool Go, bool JavaScript)> AskAllAsync(LogFolder log)
    {
        var ours = Checkpoint.Open(log.Read("checkpoint"), log.Key) switch
        {
            Reading<Checkpoint>.Found(var checkpoint) => LedgerVerifier.Verify(checkpoint, log.Source)?.ToString(),
            Reading<Checkpoint>.Unread(var why) => $"the checkpoint: {why}",
            _ => null,
        };
        var check = Path.Combine(ProjectTree.Root, "tests/peers/sigstore-js/check.mjs");
        var javaScript = await Command.RunAsync(Peers.Node.Require(), [check, Peers.SigstoreJs.Require(), log.Root, log.Vkey]);
        return (ours, (await GoAsync(log)).ExitCode == 0, javaScript.ExitCode == 0);
    }

    private static Task<Command> GoAsync(LogFolder log, params string[] earlier) => Command.RunAsync(Peers.GoTlog.Require(), ["log", log.Root, log.Vkey, .. earlier]);

    private static string Flip(LogFolder log, string path, int at)
    {
        var bytes = log.Read(path);
        bytes[at] ^= 1;
        log.Write(path, bytes);
        return path;
    }
}
