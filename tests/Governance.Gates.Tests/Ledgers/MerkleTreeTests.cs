using System.Collections.Immutable;
using Governance.Gates.Ledgers;
using Governance.Gates.Tests.Clients.Registries;

namespace Governance.Gates.Tests.Ledgers;

/// <summary>The Merkle tree and its proofs, against the published vectors of Certificate Transparency and a slow reference.</summary>
public sealed class MerkleTreeTests
{
    private const int Seed = 20261127;

    // The leaves and roots with which implementations of RFC 6962 test themselves, since certificate-transparency's merkletree tests.
    private static readonly string[] Leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

    private static readonly string[] Roots =
    [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    public static TheoryData<int, int, string[]> PublishedInclusions => new()
    {
        { 0, 1, [] },
        { 0, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7", "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e", "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"] },
        { 5, 8, ["bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b", "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"] },
        { 2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"] },
        { 1, 5, ["6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e", "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"] },
    };

    public static TheoryData<int, int, string[]> PublishedConsistencies => new()
    {
        { 1, 1, [] },
        { 1, 8, ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7", "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e", "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"] },
        { 6, 8, ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a", "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"] },
        { 2, 5, ["5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e", "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"] },
    };

    [Fact]
    public void A_tree_has_the_published_root_at_each_size()
    {
        var tree = new GrowingTree();
        Assert.Equal(Roots[0], tree.Root.ToString());
        for (var i = 0; i < Leaves.Length; i++)
        {
            tree.Append(Leaf(i));
            Assert.Equal(Roots[i + 1], tree.Root.ToString());
        }
    }

    [Theory, MemberData(nameof(PublishedInclusions))]
    public void An_inclusion_proof_is_the_published_one(int index, int size, string[] proof)
    {
        Assert.Equal(proof, MerkleProofs.Inclusion(index, size, Published(size)).Found().Select(hash => hash.ToString()));
        Assert.True(MerkleProofs.VerifyInclusion(Leaf(index), index, size, Hash(Roots[size]), [.. proof.Select(Hash)]));
    }

    [Theory, MemberData(nameof(PublishedConsistencies))]
    public void A_consistency_proof_is_the_published_one(int oldSize, int size, string[] proof)
    {
        Assert.Equal(proof, MerkleProofs.Consistency(oldSize, size, Published(size)).Found().Select(hash => hash.ToString()));
        Assert.True(MerkleProofs.VerifyConsistency(oldSize, Hash(Roots[oldSize]), size, Hash(Roots[size]), [.. proof.Select(Hash)]));
    }

    [Fact]
    public void Proofs_from_tiles_equal_those_of_the_recursive_definition_and_hold_at_random_sizes()
    {
        var random = new Random(Seed);
        foreach (var size in (int[])[1, 2, 3, 255, 256, 257, 511, 512, 513, 5_000, .. Enumerable.Range(0, 12).Select(_ => random.Next(1, 5_001))])
        {
            var tree = new TestTree(size);
            Assert.Equal(tree.SlowRoot(0, size), tree.Root);
            foreach (var index in Some(random, 0, size))
            {
                var proof = MerkleProofs.Inclusion(index, size, tree.Source).Found();
                Assert.Equal(tree.SlowPath(index, 0, size), proof);
                Assert.True(MerkleProofs.VerifyInclusion(tree.Leaves[index], index, size, tree.Root, proof.AsSpan()), $"seed {Seed}: {index} in {size}");
            }

            foreach (var oldSize in Some(random, 1, size + 1))
            {
                var proof = MerkleProofs.Consistency(oldSize, size, tree.Source).Found();
                Assert.Equal(tree.SlowSubproof(oldSize, 0, size, true), proof);
                Assert.True(MerkleProofs.VerifyConsistency(oldSize, tree.SlowRoot(0, oldSize), size, tree.Root, proof.AsSpan()), $"seed {Seed}: {oldSize} to {size}");
            }

            // Nothing was asked for that a log of this size does not have to have.
            Assert.Empty(tree.Asked.Except(tree.Paths));
        }
    }

    [Fact]
    public void Every_inclusion_and_consistency_proof_of_small_trees_holds_for_its_own_entry_and_sizes_only()
    {
        for (var size = 1; size <= 40; size++)
        {
            var tree = new TestTree(size);
            for (var index = 0; index < size; index++)
            {
                var proof = MerkleProofs.Inclusion(index, size, tree.Source).Found().AsSpan();
                for (var other = 0; other <= size; other++)
                {
                    Assert.Equal(other == index, MerkleProofs.VerifyInclusion(tree.Leaves[index], other, size, tree.Root, proof));
                }
            }

            for (var oldSize = 0; oldSize <= size; oldSize++)
            {
                var proof = MerkleProofs.Consistency(oldSize, size, tree.Source).Found().AsSpan();
                for (var other = 0; other <= size + 1; other++)
                {
                    Assert.Equal(other == oldSize, MerkleProofs.VerifyConsistency(other, tree.SlowRoot(0, oldSize), size, tree.Root, proof));
                }
            }
        }
    }

    [Fact]
    public void No_proof_holds_for_another_root_or_another_earlier_root()
    {
        for (var size = 2; size <= 40; size++)
        {
            var tree = new TestTree(size);
            var other = TreeHash.OfLeaf("other"u8);
            Assert.False(MerkleProofs.VerifyInclusion(tree.Leaves[0], 0, size, other, MerkleProofs.Inclusion(0, size, tree.Source).Found().AsSpan()));
            for (var oldSize = 0; oldSize <= size; oldSize++)
            {
                var proof = MerkleProofs.Consistency(oldSize, size, tree.Source).Found().AsSpan();
                Assert.False(MerkleProofs.VerifyConsistency(oldSize, other, size, tree.Root, proof), $"another root at {oldSize}");

                // Every tree begins as the empty one, whatever its root.
                Assert.Equal(oldSize == 0, MerkleProofs.VerifyConsistency(oldSize, tree.SlowRoot(0, oldSize), size, other, proof));
            }
        }
    }

    [Fact]
    public void No_proof_holds_when_a_byte_of_it_is_changed_or_a_hash_is_missing_or_too_many()
    {
        var random = new Random(Seed);
        foreach (var size in (int[])[2, 7, 256, 1_000, 4_999])
        {
            var tree = new TestTree(size);
            var index = random.Next(size);
            var oldSize = random.Next(1, size);
            var inclusion = MerkleProofs.Inclusion(index, size, tree.Source).Found();
            var consistency = MerkleProofs.Consistency(oldSize, size, tree.Source).Found();
            foreach (var changed in Changed(inclusion))
            {
                Assert.False(MerkleProofs.VerifyInclusion(tree.Leaves[index], index, size, tree.Root, changed.AsSpan()), $"seed {Seed}: {index} in {size}");
            }

            foreach (var changed in Changed(consistency))
            {
                Assert.False(MerkleProofs.VerifyConsistency(oldSize, tree.SlowRoot(0, oldSize), size, tree.Root, changed.AsSpan()), $"seed {Seed}: {oldSize} to {size}");
            }

            Assert.False(MerkleProofs.VerifyInclusion(tree.Root, index, size, tree.Root, inclusion.AsSpan()), "an inner node is no leaf");
        }
    }

    [Fact]
    public void Sizes_and_indexes_that_no_tree_has_are_answered_and_never_thrown_at()
    {
        var tree = new TestTree(3);
        long[] odd = [long.MinValue, -1, 0, 1, 3, long.MaxValue - 1, long.MaxValue];
        TreeHash[][] proofs = [[], [tree.Root], [.. Enumerable.Repeat(tree.Root, 62)], [.. Enumerable.Repeat(tree.Root, 63)], [.. Enumerable.Repeat(tree.Root, 200)]];
        foreach (var (one, other, proof) in odd.SelectMany(one => odd.SelectMany(other => proofs.Select(proof => (one, other, proof)))))
        {
            Assert.False(MerkleProofs.VerifyInclusion(default, one, other, tree.Root, proof));
            Assert.Equal(one == other && one >= 0 && proof.Length == 0, MerkleProofs.VerifyConsistency(one, tree.Root, other, tree.Root, proof));
        }

        Assert.Contains("has no entry 3", MerkleProofs.Inclusion(3, 3, tree.Source).Why(), StringComparison.Ordinal);
        Assert.Contains("never had 4", MerkleProofs.Consistency(4, 3, tree.Source).Why(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_tile_that_is_missing_short_or_too_long_is_named()
    {
        var tree = new TestTree(300);
        Assert.Contains("tile/0/000", MerkleProofs.Inclusion(5, 300, address => address.Path == "tile/0/000" ? Missing(address) : tree.Source(address)).Why(), StringComparison.Ordinal);
        foreach (var bytes in (byte[][])[[], new byte[31], new byte[43 * 32], new byte[(44 * 32) + 1], new byte[257 * 32]])
        {
            Assert.Contains("tile/0/001.p/44 has ", MerkleProofs.Inclusion(299, 300, address => address.Path == "tile/0/001.p/44" ? new Reading<ReadOnlyMemory<byte>>.Found(bytes) : tree.Source(address)).Why(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_tree_goes_on_from_the_tiles_of_any_of_its_sizes_as_if_it_had_never_stopped()
    {
        const int Size = 70_000;
        var tree = new TestTree(Size);
        foreach (var size in (long[])[0, 1, 255, 256, 257, 65_535, 65_536, 65_537, 69_999, Size])
        {
            var grown = GrowingTree.Restore(size, Size, tree.Source).Found();
            Assert.Equal(tree.SlowRoot(0, size), grown.Root);
            for (var i = size; i < Size; i++)
            {
                grown.Append(tree.Leaves[(int)i]);
            }

            Assert.Equal(tree.Root, grown.Root);
            Assert.All(grown.TakeFull().Concat(grown.Partial()), tile => Assert.Equal(tree.Source(tile.Address).Found().ToArray(), tile.Bytes.ToArray()));
        }
    }

    // C2SP tlog-tiles, "Partial Tiles": the two sizes that it spells out.
    [Fact]
    public void A_tree_has_the_tiles_that_the_specification_counts()
    {
        Assert.Equal(["tile/0/000", "tile/1/000.p/1"], new TestTree(256).Paths.Order(StringComparer.Ordinal));
        Assert.Equal(
            [.. Enumerable.Range(0, 273).Select(n => $"tile/0/{n:D3}"), "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"],
            new TestTree(70_000).Paths.Order(StringComparer.Ordinal));
    }

    public static TheoryData<string, int, long, int> Addresses => new()
    {
        { "tile/0/x001/x234/067", 0, 1_234_067, 256 },
        { "tile/0/000.p/1", 0, 0, 1 },
        { "tile/7/000.p/127", 7, 0, 127 },
        { "tile/entries/x001/000.p/255", -1, 1_000, 255 },
        { "tile/entries/999", -1, 999, 256 },
    };

    [Theory, MemberData(nameof(Addresses))]
    public void A_tile_has_one_path(string path, int level, long index, int width)
    {
        var address = TileAddress.TryParse(path)!.Value;
        Assert.Equal((level, index, width, path), (address.Level, address.Index, address.Width, address.Path));
    }

    [Theory]
    [InlineData("tile/0/000.p/0")]
    [InlineData("tile/0/000.p/256")]
    [InlineData("tile/0/000.p/01")]
    [InlineData("tile/0/000.p")]
    [InlineData("tile/0/00")]
    [InlineData("tile/0/0000")]
    [InlineData("tile/0/x000/001")]
    [InlineData("tile/0/x001")]
    [InlineData("tile/0/001/002")]
    [InlineData("tile/00/001")]
    [InlineData("tile/8/001")]
    [InlineData("tile/-1/001")]
    [InlineData("tile/+1/001")]
    [InlineData("tile/data/001")]
    [InlineData("tile/entries/../../checkpoint")]
    [InlineData("/tile/0/000")]
    [InlineData("tile/0/000/")]
    [InlineData("tile/0/٠٠١")]
    [InlineData("tile/0/x999/x999/x999/x999/x999/x999/999")]
    [InlineData("checkpoint")]
    [InlineData("")]
    public void What_is_no_path_of_a_tile_is_none(string path) => Assert.Null(TileAddress.TryParse(path));

    private static IEnumerable<int> Some(Random random, int from, int to) => [from, to - 1, .. Enumerable.Range(0, 60).Select(_ => random.Next(from, to))];

    private static IEnumerable<ImmutableArray<TreeHash>> Changed(ImmutableArray<TreeHash> proof)
    {
        for (var i = 0; i < proof.Length; i++)
        {
            for (var at = 0; at < TreeHash.Size; at++)
            {
                var bytes = new byte[TreeHash.Size];
                proof[i].CopyTo(bytes);
                bytes[at] ^= (byte)(1 << (at % 8));
                yield return proof.SetItem(i, TreeHash.Read(bytes));
            }

            yield return proof.RemoveAt(i);
            yield return proof.Insert(i, proof[i]);
        }

        yield return proof.Add(TreeHash.OfEmptyTree);
    }

    private static TileSource Published(int size)
    {
        var tree = new GrowingTree();
        for (var i = 0; i < size; i++)
        {
            tree.Append(Leaf(i));
        }

        var tile = Assert.Single(tree.Partial());
        return address => new Reading<ReadOnlyMemory<byte>>.Found(address == tile.Address ? tile.Bytes : default);
    }

    private static Reading<ReadOnlyMemory<byte>> Missing(TileAddress address) => new Reading<ReadOnlyMemory<byte>>.Unread(new("ledger", $"there is no {address}"));

    private static TreeHash Leaf(int index) => TreeHash.OfLeaf(Convert.FromHexString(Leaves[index]));

    private static TreeHash Hash(string hex) => TreeHash.TryParseHex(hex)!.Value;
}
