using System.Text.Json.Nodes;
using Governance.Gates.Admission;

namespace Governance.Gates.Tests.Admission;

/// <summary>What people read when a template is not the approved one.</summary>
public sealed class TemplateDifferenceTests
{
    public static TheoryData<string, string, string> Changes => new()
    {
        { "spec/containers/0/command", "[\"sh\",\"-c\",\"id\"]", "containers[api].command: [\"/bin/api\"] -> [\"sh\",\"-c\",\"id\"]" },
        { "spec/containers/0/env/0/value", "\"us\"", "containers[api].env[REGION].value: \"eu\" -> \"us\"" },
        { "spec/containers/0/env/1/value", "\"full\"", "containers[api].env[EMPTY].value: added \"full\"" },
        { "spec/volumes/+", "{\"name\":\"etc\",\"hostPath\":{\"path\":\"/etc\"}}", "volumes[etc]: added hostPath /etc" },
        { "spec/volumes/4/hostPath/path", "\"/\"", "volumes[logs].hostPath.path: \"/var/log/shop\" -> \"/\"" },
        { "spec/serviceAccountName", "\"admin\"", "serviceAccountName: \"trader\" -> \"admin\"" },
        { "spec/hostPID", "true", "hostPID: added true" },
        { "metadata/labels/app", "\"other\"", "labels[app]: \"api\" -> \"other\"" },
        { "spec/containers/0/volumeMounts/0/mountPath", "\"/bin\"", "containers[api].volumeMounts[cache].mountPath: \"/cache\" -> \"/bin\"" },
        { "spec/containers/0/workingDir", "null", "containers[api].workingDir: removed \"/srv\"" },
        { "spec/containers/0/workingDir", "\"a\\n\\u001b[31m\\u202e\"", "containers[api].workingDir: \"/srv\" -> \"a\\n\\u001b[31m\\u202e\"" },
    };

    [Theory, MemberData(nameof(Changes))]
    public void Each_change_is_one_line_that_names_its_place(string path, string value, string line) =>
        Assert.Equal([line], Difference(Templates.Pod().With(path, value)));

    [Fact]
    public void An_annotation_that_counts_is_named()
    {
        var pod = Templates.Pod();
        pod["metadata"]!["annotations"]!["cdi.k8s.io/gpu"] = "vendor.com/gpu=all";
        Assert.Equal(["annotations[cdi.k8s.io/gpu]: added \"vendor.com/gpu=all\""], Difference(pod));
    }

    [Fact]
    public void Another_order_is_a_change()
    {
        var pod = Templates.Pod();
        var env = pod["spec"]!["containers"]![0]!["env"]!.AsArray();
        var first = env[0];
        env.RemoveAt(0);
        env.Add(first);
        Assert.Equal(["containers[api].env: stands in another order"], Difference(pod));
    }

    [Fact]
    public void The_same_projection_has_no_difference() => Assert.Empty(Difference(Templates.Pod()));

    [Fact]
    public void Lines_are_bounded_in_number_and_length_and_printable()
    {
        var pod = Templates.Pod();
        for (var i = 0; i < 500; i++)
        {
            pod.With("spec/containers/0/env/+", $$"""{"name":"é\n{{i:d4}}{{new string('n', 900)}}","value":"{{new string('v', 900)}}"}""");
        }

        var lines = Difference(pod);
        Assert.Equal(41, lines.Length);
        Assert.Equal("and 460 more", lines[^1]);
        Assert.All(lines, line => Assert.True(line.Length < 500 && line.All(c => c is >= ' ' and <= '~'), line));
    }

    [Fact]
    public void A_change_far_into_a_long_value_is_shown()
    {
        var shared = new string('x', 5_000);
        var before = Templates.Projection(Templates.Pod().With("spec/containers/0/args", $"[\"{shared}one\"]"));
        var after = Templates.Projection(Templates.Pod().With("spec/containers/0/args", $"[\"{shared}two\"]"));
        Assert.Equal(["containers[api].args: ...xxxxxxxxxxxxxxxxxxxxone\"] -> ...xxxxxxxxxxxxxxxxxxxxtwo\"]"], TemplateProjection.Difference(before.Json, after.Json));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    public void What_cannot_be_read_is_said_to_be_so(string json) =>
        Assert.Equal(["one of the projections cannot be read"], TemplateProjection.Difference(System.Text.Encoding.UTF8.GetBytes(json), Templates.Projection(Templates.Pod()).Json));

    private static System.Collections.Immutable.ImmutableArray<string> Difference(JsonNode actual) => TemplateProjection.Difference(Templates.Projection(Templates.Pod()).Json, Templates.Projection(actual).Json);
}
