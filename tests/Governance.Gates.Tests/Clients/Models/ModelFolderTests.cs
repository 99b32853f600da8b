using System.Security.Cryptography;
using Governance.Gates.Clients.Models;
using Governance.Gates.Sigstore.Models;
using Governance.Gates.Testing;

namespace Governance.Gates.Tests.Clients.Models;

/// <summary>A model that changes under who reads it. <c>wanted</c> is asked between the listing and the hashing, and here it is what the attacker does then.</summary>
public sealed class ModelFolderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string model;

    public ModelFolderTests()
    {
        model = folder.Folder("model");
        Directory.CreateDirectory(Path.Combine(model, "sub"));
        folder.Write("model/a", "aaaa");
        folder.Write("model/sub/b", "bbbb");
    }

    public void Dispose() => folder.Dispose();

    public static TheoryData<string> Meanwhile => ["grow", "shrink", "add", "remove", "link", "link folder", "move folder"];

    [Theory, MemberData(nameof(Meanwhile))]
    public async Task A_model_that_changes_while_it_is_read_is_never_taken_for_either_state(string what)
    {
        var isDone = false;
        var reading = await Model().ReadAsync(
            (_, _) =>
            {
                if (!isDone)
                {
                    isDone = true;
                    Change(what);
                }

                return true;
            },
            TestContext.Current.CancellationToken);
        var decision = Assert.IsType<ModelReading.Refused>(reading).Decision;
        Assert.True(decision.Verdict is Verdict.Unknown or Verdict.Deny, decision.ToString());
        Assert.NotNull(decision.Reasons[0].Remedy);
    }

    [Fact]
    public async Task A_file_that_changes_between_its_pieces_is_told_by_its_time_of_writing()
    {
        var file = folder.Write("model/big", new string('x', 100));
        File.SetLastWriteTimeUtc(file, new(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        using var hashed = new HashedFile(model, "big", "big", 100, 50, (_, _) => true);
        using var hasher = new PieceHasher();
        hashed.Hash(0, hasher, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(file, new string('y', 100), TestContext.Current.CancellationToken);
        var refused = Assert.Throws<ModelRefusedException>(() => hashed.Hash(1, hasher, TestContext.Current.CancellationToken));
        Assert.Equal(Verdict.Unknown, refused.Decision.Verdict);
        Assert.Contains("changed while it was read", refused.Decision.Reasons[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_thread_and_many_come_to_the_same_digests()
    {
        var random = new Random(1);
        foreach (var number in Enumerable.Range(0, 40))
        {
            var bytes = new byte[random.Next(700_000)];
            random.NextBytes(bytes);
            await File.WriteAllBytesAsync(Path.Combine(model, $"f{number}"), bytes, TestContext.Current.CancellationToken);
        }

        foreach (var size in (long?[])[null, 100_000])
        {
            var one = await HashAsync(Model(size) with { Workers = 1 });
            var many = await HashAsync(Model(size) with { Workers = 7 });
            Assert.Equal(one.RootSha256.ToArray(), many.RootSha256.ToArray());
            foreach (var file in one.Files)
            {
                var bytes = await File.ReadAllBytesAsync(Path.Combine(model, file.Path), TestContext.Current.CancellationToken);
                Assert.Equal(bytes.Chunk((int)(size ?? int.MaxValue)).Select(SHA256.HashData), file.Digests.Select(digest => digest.ToArray()));
            }
        }
    }

    [Fact]
    public async Task Who_is_interrupted_stops()
    {
        using var interrupted = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Model().ReadAsync(
            (_, _) =>
            {
                interrupted.Cancel();
                return true;
            },
            interrupted.Token));
    }

    [Fact]
    public async Task A_folder_reached_through_links_is_read_and_its_signature_found_in_it()
    {
        var link = folder.PathOf("link");
        Directory.CreateSymbolicLink(link, folder.Path);
        folder.Write("model/model.sig", "signature");
        var hashed = Assert.IsType<ModelReading.Hashed>(await (Model() with { Path = Path.Combine(link, "model") + "/", Signature = Path.Combine(model, "model.sig") }).ReadAsync((_, _) => true, TestContext.Current.CancellationToken));
        Assert.Equal("model.sig", hashed.Signature);
        Assert.Equal(["a", "sub/b"], hashed.Files.Select(file => file.Path).Order(StringComparer.Ordinal));
        Assert.Empty(hashed.LeftOut);
        var outside = Assert.IsType<ModelReading.Hashed>(await (Model() with { Signature = folder.PathOf("model.sig") }).ReadAsync((_, _) => true, TestContext.Current.CancellationToken));
        Assert.Null(outside.Signature);
        Assert.Equal(3, outside.Files.Length);
    }

    private ModelFolder Model(long? shardSize = null) => new(model, ModelSerialization.TryCreate(shardSize, [], out _)!);

    private static async Task<ModelManifest> HashAsync(ModelFolder folder)
    {
        var hashed = Assert.IsType<ModelReading.Hashed>(await folder.ReadAsync((_, _) => true, TestContext.Current.CancellationToken));
        return ModelManifest.TryCreate(folder.Serialization, hashed.Files, out _)!;
    }

    private void Change(string what)
    {
        string Of(string path) => Path.Combine(model, path);
        switch (what)
        {
            case "grow": File.AppendAllText(Of("a"), "x"); break;
            case "shrink": File.WriteAllText(Of("a"), "x"); break;
            case "add": File.WriteAllText(Of("c"), "x"); break;
            case "remove": File.Delete(Of("a")); break;
            case "link":
                File.Move(Of("a"), folder.PathOf("a"));
                File.CreateSymbolicLink(Of("a"), folder.PathOf("a"));
                break;
            case "link folder":
                Directory.Move(Of("sub"), folder.PathOf("sub"));
                Directory.CreateSymbolicLink(Of("sub"), folder.PathOf("sub"));
                break;
            case "move folder": Directory.Move(Of("sub"), Of("sub2")); break;
            default: throw new ArgumentException(what, nameof(what));
        }
    }
}
