using System.Text.Json.Nodes;
using Governance.Gates.Admission;
using Governance.Gates.Approvals;
using Governance.Gates.Evidence;
using Governance.Gates.Policies;
using Governance.Gates.Tests.Approvals;
using Claims = Governance.Gates.Evidence.Claims;

namespace Governance.Gates.Tests.Admission;

/// <summary>Sessions into running Pods, and objects that are approved as a whole.</summary>
public sealed class DeclaredAdmissionTests
{
    private const string Rules = """
          admission:
            namespaces: { audit: [watched] }
            statements: registry.example.com/statements
            sessions: { exec: { require: [{ role: operator, count: 2 }] }, attach: deny, portForward: warn }
            objects:
              - { resource: configmaps, in: { namespaces: [pay, watched] }, names: [limits*], require: { approved: { action: rotate } } }
              - { resource: roles.rbac.authorization.k8s.io, names: [trader], require: { approved: { action: rotate } } }
              - { resource: horizontalpodautoscalers.autoscaling, names: [shop], require: { approved: { action: rotate } } }
              - { resource: secrets, names: [exchange], require: { approved: { action: rotate } } }
          artifacts:
        """;

    private static readonly Policy Policy = Firm.PolicyWith("  artifacts:", Rules);

    private static Review Exec(params string[] command) => new("", "PodExecOptions", "pods", new JsonObject { ["kind"] = "PodExecOptions", ["apiVersion"] = "v1", ["stdout"] = true, ["container"] = "app", ["command"] = new JsonArray([.. command.Select(word => (JsonNode)word)]) })
    {
        Operation = "CONNECT",
        Subresource = "exec",
        Namespace = "pay",
        Name = "shop-1",
    };

    private static Review Limits(string value, string name = "limits-eu") => new("", "ConfigMap", "configmaps", Config(value, name)) { Namespace = "pay", Name = name };

    private static JsonObject Config(string value, string name = "limits-eu") => new()
    {
        ["apiVersion"] = "v1",
        ["kind"] = "ConfigMap",
        ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = "pay" },
        ["data"] = new JsonObject { ["max"] = value },
    };

    private static AdmissionOutcome Decide(Review review, params SignedStatement[] statements)
    {
        // No writer puts half a character into a text, and a client can.
        var @case = Review.Open(review.Json().Replace("SURROGATE", @"\ud800", StringComparison.Ordinal), Policy, Firm.Primary);
        var claims = new Claims([.. statements.Select((signed, i) => new Claim(null, signed.Signers, null, signed.Digest, $"layer {i}") { Approval = signed })], [], []);
        return @case.Decide(@case.Subjects.ToDictionary(subject => subject, _ => claims), Firm.Now);
    }

    // What ann asked for and ben and cem agreed to.
    private static SignedStatement[] Agreed(Covered covered, string action)
    {
        var request = Firm.Sign(Firm.Request() with { Action = action, Covers = [covered], CreatedAt = Firm.Now.AddMinutes(-30) }, "ann");
        return [request, .. ((string[])["ben", "cem"]).Select(name => Firm.Sign(Firm.Approval(request, name) with { IssuedAt = Firm.Now.AddMinutes(-20) }, name))];
    }

    private static Covered Covered(Review review) => Assert.Single(Assert.Single(review.Open(Policy, Firm.Primary).Documents).Need.Covers);

    [Fact]
    public void A_command_in_a_running_pod_needs_a_quorum_for_exactly_this_command()
    {
        var agreed = Agreed(Covered(Exec("cat", "/proc/1/status")), SessionSettings.ExecAction);

        Assert.False(Decide(Exec("cat", "/proc/1/status")).Admitted);
        Assert.True(Decide(Exec("cat", "/proc/1/status"), agreed).Admitted);
        Assert.False(Decide(Exec("sh"), agreed).Admitted);
        Assert.False(Decide(Exec("cat", "/proc/1/status") with { Name = "shop-2" }, agreed).Admitted);
        Assert.False(Decide(Exec("cat", "/proc/1/status"), agreed[..2]).Admitted);
    }

    [Fact]
    public void The_document_that_kubectl_asks_for_is_the_one_that_is_requested()
    {
        var requested = SessionDocument.Of(SessionVerb.Exec, "pay", "shop-1", "app", ["ls", "/"], SessionInput.None);
        Assert.True(requested.Try(out var document, out _));
        Assert.Equal(Covered(Exec("ls", "/")).Digest, document.Digest);
    }

    [Fact]
    public void Attach_is_refused_port_forwards_are_warned_of_and_proxies_count_as_port_forwards()
    {
        var attach = Exec() with { Kind = "PodAttachOptions", Subresource = "attach" };
        Assert.False(Decide(attach).Admitted);
        Assert.True(Decide(attach with { Namespace = "watched" }).Admitted);
        foreach (var subresource in new[] { "portforward", "proxy" })
        {
            var outcome = Decide(Exec() with { Subresource = subresource });
            Assert.True(outcome.Admitted);
            Assert.Equal(Verdict.Warn, outcome.Decision.Verdict);
        }

        var kubelet = new Review("", "NodeProxyOptions", "nodes", new JsonObject { ["path"] = "metrics/../exec/pay/shop-1/app" }) { Operation = "CONNECT", Subresource = "proxy", Namespace = null };
        Assert.False(Decide(kubelet).Admitted);
        Assert.True(Decide(kubelet with { Object = new JsonObject { ["path"] = "metrics" } }).Admitted);
    }

    [Fact]
    public void An_object_that_a_rule_names_changes_only_to_what_was_approved()
    {
        var change = Limits("20").From(Config("10"));
        var agreed = Agreed(Covered(change), "rotate");

        Assert.False(Decide(change).Admitted);
        Assert.True(Decide(change, agreed).Admitted);
        var another = Decide(Limits("30").From(Config("10")), agreed);
        Assert.False(another.Admitted);
        Assert.Contains("content.data.max: \"20\" -> \"30\"", Assert.Single(another.Refusals).Message, StringComparison.Ordinal);
        Assert.False(Decide(Limits("10")).Admitted);
        Assert.True(Decide(Limits("10", "other")).Admitted);
        Assert.True(Decide(change with { Namespace = "try" }).Admitted);
    }

    [Fact]
    public void What_the_server_and_tools_write_needs_no_approval_and_a_deletion_does()
    {
        var touched = Config("10");
        touched["metadata"]!["resourceVersion"] = "7";
        touched["metadata"]!["finalizers"] = new JsonArray("example.com/keep");
        touched["metadata"]!["annotations"] = new JsonObject { ["kubectl.kubernetes.io/last-applied-configuration"] = "{}" };
        Assert.True(Decide((Limits("10") with { Object = touched }).From(Config("10"))).Admitted);

        var deletion = Limits("10") with { Operation = "DELETE", Object = null, Old = Config("10"), Name = "" };
        Assert.False(Decide(deletion).Admitted);
        Assert.False(Decide(deletion, Agreed(Covered(Limits("10")), "rotate")).Admitted);
        Assert.True(Decide(deletion, Agreed(Covered(deletion), "rotate")).Admitted);
    }

    [Theory]
    [InlineData("rbac.authorization.k8s.io", "Role", "roles", "trader", true)]
    [InlineData("rbac.authorization.k8s.io", "Role", "roles", "traders", false)]
    [InlineData("autoscaling", "HorizontalPodAutoscaler", "horizontalpodautoscalers", "shop", true)]
    public void Objects_are_found_by_resource_group_and_whole_name(string group, string kind, string resource, string name, bool asked) =>
        Assert.Equal(!asked, Decide(new Review(group, kind, resource, new JsonObject { ["kind"] = kind, ["metadata"] = new JsonObject { ["name"] = name }, ["spec"] = new JsonObject() }) { Namespace = "pay", Name = name }).Admitted);

    [Fact]
    public void A_refusal_about_a_Secret_names_its_keys_and_no_value()
    {
        static Review Secret(string field, string value) => new("", "Secret", "secrets", new JsonObject { ["kind"] = "Secret", ["metadata"] = new JsonObject { ["name"] = "exchange" }, [field] = new JsonObject { ["token"] = value } }) { Namespace = "pay", Name = "exchange" };
        var approved = Covered(Secret("stringData", "hunter2"));
        Assert.Equal(approved.Digest, Covered(Secret("data", "aHVudGVyMg==")).Digest);

        var refusal = Assert.Single(Decide(Secret("data", "c2VjcmV0"), Agreed(approved, "rotate")).Refusals).ToString();
        Assert.Contains("content.data.token: changed", refusal, StringComparison.Ordinal);
        Assert.DoesNotContain("c2VjcmV0", refusal, StringComparison.Ordinal);
        Assert.Equal(-1, approved.Projection.Span.IndexOf("hunter2"u8));
    }

    [Theory]
    [InlineData("null"), InlineData("7"), InlineData("[]"), InlineData("{}"), InlineData("{\"metadata\":7}"), InlineData("{\"metadata\":{\"name\":7}}")]
    [InlineData("{\"metadata\":{\"name\":\"limits\",\"labels\":1.5}}"), InlineData("{\"metadata\":{\"name\":\"limits\"},\"data\":{\"a\":1.5}}"), InlineData("{\"metadata\":{\"name\":\"limits\"},\"data\":{\"a\":\"SURROGATE\"}}")]
    public void A_shape_that_cannot_be_read_is_refused_and_throws_nothing(string json)
    {
        foreach (var operation in new[] { "CREATE", "UPDATE", "DELETE" })
        {
            Assert.False(Decide(Limits("1") with { Operation = operation, Object = JsonNode.Parse(json), Old = JsonNode.Parse(json) }).Admitted, operation);
        }
    }

    [Fact]
    public void A_session_whose_options_take_the_place_of_the_document_is_refused()
    {
        var outcome = Decide(Exec("ls") with { Object = new JsonObject { ["pod"] = "another", ["command"] = new JsonArray("ls") } });
        Assert.Equal(Verdict.Unknown, outcome.Decision.Verdict);
        Assert.Equal(Verdict.Unknown, Decide(Exec("ls") with { Object = null }).Decision.Verdict);
    }
}
