using FsCheck;
using FsCheck.Fluent;
using Governance.Gates.Images;

namespace Governance.Gates.Tests.Images;

/// <summary>The grammar of the distribution specification and containerd's normalisation; what is refused as ambiguous stands in the admission tests.</summary>
public sealed class ImageReferenceTests
{
    private const string Hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    public static TheoryData<string, string, string?, string?> Readable => new()
    {
        { "nginx", "docker.io/library/nginx", null, null },
        { "nginx:1.27", "docker.io/library/nginx", "1.27", null },
        { "grafana/grafana", "docker.io/grafana/grafana", null, null },
        { "docker.io/nginx", "docker.io/library/nginx", null, null },
        { "index.docker.io/grafana/grafana", "docker.io/grafana/grafana", null, null },
        { "docker.io/library", "docker.io/library/library", null, null },
        { "foo:5000", "docker.io/library/foo", "5000", null },
        { "foo:5000/bar", "foo:5000/bar", null, null },
        { "foo:5000/bar:baz", "foo:5000/bar", "baz", null },
        { "localhost:5000/bar", "localhost:5000/bar", null, null },
        { "127.0.0.1:5000/a/b", "127.0.0.1:5000/a/b", null, null },
        { "a.b", "docker.io/library/a.b", null, null },
        { "a.b/c", "a.b/c", null, null },
        { "a_b/c__d/e---f", "docker.io/a_b/c__d/e---f", null, null },
        { "xn--n3h.example/x", "xn--n3h.example/x", null, null },
        { "registry.example.com/a:_tag.1-x", "registry.example.com/a", "_tag.1-x", null },
        { $"registry.example.com/a@sha256:{Hex}", "registry.example.com/a", null, Hex },
        { $"registry.example.com/a:UPPER@sha256:{Hex}", "registry.example.com/a", "UPPER", Hex },
        { "registry.example.com/" + Hex, "registry.example.com/" + Hex, null, null },
        { "a:" + new string('t', 128), "docker.io/library/a", new string('t', 128), null },
    };

    [Theory, MemberData(nameof(Readable))]
    public void A_reference_is_read_as_the_container_runtime_reads_it(string text, string repository, string? tag, string? hex)
    {
        var reference = ImageReference.Parse(text);
        Assert.Equal(repository, reference.Repository.ToString());
        Assert.Equal(tag, reference.Tag);
        Assert.Equal(hex, reference.Digest?.Hex);
        Assert.Equal(reference, ImageReference.Parse(reference.ToString()));
    }

    [Theory]
    [InlineData("a__ _b")]
    [InlineData("a___b")]
    [InlineData("a..b")]
    [InlineData("a._b")]
    [InlineData("a.-b")]
    [InlineData("_a")]
    [InlineData("a_")]
    [InlineData("-a/b")]
    [InlineData("a:")]
    [InlineData("a:.b")]
    [InlineData("a:-b")]
    [InlineData("a:b:c")]
    [InlineData("a/b:c/d")]
    [InlineData("a..b/c")]
    [InlineData("registry.example.com")]
    [InlineData("registry.example.com/")]
    public void What_the_grammar_does_not_know_is_refused_or_is_a_name_on_docker_hub(string text)
    {
        if (ImageReference.Read(text) is Reading<ImageReference>.Found(var reference))
        {
            Assert.Equal("registry.example.com", text);
            Assert.Equal("docker.io/library/registry.example.com", reference.ToString());
        }
        else
        {
            Assert.Contains($"'{text}'", Assert.Throws<GateException>(() => ImageReference.Parse(text)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_readable_reference_reads_itself_again_and_normalising_twice_changes_nothing()
    {
        var component = Gen.Elements("a", "b9", "x.y", "team_a", "m__n", "long---name", "library", "localhost", "0");
        var host = Gen.Elements("", "", "docker.io/", "index.docker.io/", "registry-1.docker.io/", "registry.example.com/", "r.example:5000/", "localhost:5000/", "10.0.0.1/");
        var tag = Gen.Elements("", ":1", ":Latest_2", ":a.b-c");
        var digest = Gen.Elements("", "@sha256:" + Hex);
        var texts = from h in host from path in component.NonEmptyListOf() from t in tag from d in digest select $"{h}{string.Join('/', path.Take(5))}{t}{d}";
        Prop.ForAll(Arb.From(texts), text =>
        {
            if (ImageReference.Read(text) is not Reading<ImageReference>.Found(var reference))
            {
                return text.StartsWith("localhost/", StringComparison.Ordinal);
            }

            return ImageReference.Parse(reference.ToString()) == reference && ImageReference.Parse(reference.Repository.ToString()).Repository == reference.Repository;
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Whatever_the_text_is_reading_it_gives_a_reference_or_one_printable_line()
    {
        var near = Gen.Elements("nginx", "a/b", "registry.example.com/a", ":", "@", "sha256:", Hex, "/", ".", "-", "_", "[", "]", "\ud800", "\u00a0", "\n", "\0", "A", "localhost").NonEmptyListOf().Select(string.Concat);
        var texts = Gen.OneOf(near, ArbMap.Default.GeneratorFor<string>());
        Prop.ForAll(Arb.From(texts), text => ImageReference.Read(text) switch
        {
            Reading<ImageReference>.Found(var reference) => ImageReference.Parse(reference.ToString()) == reference,
            Reading<ImageReference>.Unread(var reason) => reason.ToString().All(c => c is >= ' ' and <= '~' or '…'),
            _ => false,
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2_000));
    }
}
