using System.Security.Cryptography;
using Governance.Gates.Sigstore.Keys;

namespace Governance.Gates.Tests.Sigstore;

public sealed class Ed25519Tests
{
    // RFC 8032, section 7.1: TEST 1, 2, 3 and SHA(abc).
    public static TheoryData<string, string, string, string> Vectors => new()
    {
        {
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        },
        {
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        },
        {
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        },
        {
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42", "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"
        },
    };

    public static TheoryData<string, string> BadKeys => new()
    {
        { "0100000000000000000000000000000000000000000000000000000000000000", "the neutral element" },
        { "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "order two" },
        { "0000000000000000000000000000000000000000000000000000000000000000", "order four" },
        { "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "order eight" },
        { "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "order eight, the other one" },
        { "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "y is the modulus plus one" },
        { "0100000000000000000000000000000000000000000000000000000000000080", "x is zero and its sign bit is set" },
        { "0200000000000000000000000000000000000000000000000000000000000000", "no x belongs to this y" },
        { "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f70751", "31 bytes" },
    };

    [Theory, MemberData(nameof(Vectors))]
    public void The_vectors_of_the_standard_verify(string secret, string key, string message, string signature)
    {
        Assert.True(Ed25519.TryCreate(Convert.FromHexString(key))!.Verify(Convert.FromHexString(message), Convert.FromHexString(signature)));
        Assert.Equal(signature, Convert.ToHexStringLower(Ed25519Signer.Sign(Convert.FromHexString(secret), Convert.FromHexString(message))));
    }

    [Theory, MemberData(nameof(Vectors))]
    public void A_changed_message_signature_or_key_does_not_verify(string secret, string key, string message, string signature)
    {
        var good = Convert.FromHexString(signature);
        var bytes = Convert.FromHexString(message);
        var verifier = Ed25519.TryCreate(Convert.FromHexString(key))!;
        Assert.False(verifier.Verify([.. bytes, 0], good));
        for (var i = 0; i < good.Length; i++)
        {
            byte[] changed = [.. good];
            changed[i] ^= 0x10;
            Assert.False(verifier.Verify(bytes, changed), $"byte {i}");
        }

        var other = Convert.FromHexString(secret);
        other[0] ^= 1;
        Assert.False(Ed25519.TryCreate(Ed25519Signer.PublicKey(other))!.Verify(bytes, good));
    }

    [Fact]
    public void A_second_spelling_of_S_is_refused()
    {
        var secret = RandomNumberGenerator.GetBytes(32);
        var signature = Ed25519Signer.Sign(secret, [1, 2, 3]);
        var verifier = Ed25519.TryCreate(Ed25519Signer.PublicKey(secret))!;
        Assert.True(verifier.Verify([1, 2, 3], signature));
        Assert.False(verifier.Verify([1, 2, 3], Ed25519Signer.WithOrderAdded(signature)));
    }

    [Theory, MemberData(nameof(BadKeys))]
    public void A_key_that_is_weak_or_not_canonical_is_refused(string key, string because) => Assert.True(Ed25519.TryCreate(Convert.FromHexString(key)) is null, because);

    [Fact]
    public void Random_keys_and_messages_verify()
    {
        for (var i = 0; i < 6; i++)
        {
            var secret = RandomNumberGenerator.GetBytes(32);
            var message = RandomNumberGenerator.GetBytes(i * 37);
            Assert.True(Ed25519.TryCreate(Ed25519Signer.PublicKey(secret))!.Verify(message, Ed25519Signer.Sign(secret, message)), Convert.ToHexStringLower(secret));
        }
    }
}
