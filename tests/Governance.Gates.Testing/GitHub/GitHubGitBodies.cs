using System.Text.Json.Nodes;

namespace Governance.Gates.Testing.GitHub;

/// <summary>Answers about git's own objects.</summary>
internal sealed partial class GitHubBodies
{
    private JsonObject GitCommit(string sha)
    {
        var person = new JsonObject { ["name"] = "Somebody", ["email"] = "somebody@example.com", ["date"] = Time };
        var body = new JsonObject
        {
            ["sha"] = sha,
            ["node_id"] = $"C_{sha}",
            ["author"] = person,
            ["committer"] = person.DeepClone(),
            ["message"] = "m",
            ["tree"] = Addresses(new() { ["sha"] = world.TreeOfCommit[sha] }, "tree", ""),
            ["parents"] = new JsonArray([.. world.Parents.GetValueOrDefault(sha, []).Select(parent => Addresses(new() { ["sha"] = parent }, "commit", "", "html"))]),
            ["verification"] = new JsonObject { ["verified"] = false, ["reason"] = "unsigned", ["signature"] = null, ["payload"] = null, ["verified_at"] = null },
        };
        return Addresses(body, $"repos/{world.Repository}/git/commits/{sha}", "", "html");
    }

    private JsonObject Comparison(string one, string other, string common)
    {
        JsonObject Of(string sha) => Commit(new(sha, "ann", "ann", "m", "ann@example.com"));
        var body = new JsonObject
        {
            ["base_commit"] = Of(one),
            ["merge_base_commit"] = Of(common),
            ["status"] = one == other ? "identical" : common == one ? "ahead" : common == other ? "behind" : "diverged",
            ["ahead_by"] = common == other ? 0 : 1,
            ["behind_by"] = common == one ? 0 : 1,
            ["total_commits"] = common == other ? 0 : 1,
            ["commits"] = new JsonArray(),
        };
        return Addresses(body, $"repos/{world.Repository}/compare/{one}...{other}", "", "html", "permalink", "diff", "patch");
    }

    private GitHubReply Tree(string sha, bool recursive)
    {
        sha = world.TreeOfCommit.GetValueOrDefault(sha, sha);
        if (!world.Trees.ContainsKey(sha))
        {
            return GitHubReply.NotFound();
        }

        var entries = new JsonArray();
        Collect(sha, "");
        var truncated = recursive && !world.TellsLargeTrees;
        while (truncated && entries.Count > 1)
        {
            entries.RemoveAt(entries.Count - 1);
        }

        return new(Addresses(new() { ["sha"] = sha, ["tree"] = entries, ["truncated"] = truncated }, $"repos/{world.Repository}/git/trees/{sha}", ""));

        void Collect(string tree, string prefix)
        {
            foreach (var (name, mode, entry, size) in world.Trees[tree])
            {
                var isTree = mode == "040000";
                var item = new JsonObject { ["path"] = prefix + name, ["mode"] = mode, ["type"] = isTree ? "tree" : mode == "160000" ? "commit" : "blob", ["sha"] = entry };
                if (!isTree)
                {
                    item["size"] = size;
                }

                entries.Add(Addresses(item, $"repos/{world.Repository}/git/objects/{entry}", ""));
                if (isTree && recursive)
                {
                    Collect(entry, $"{prefix}{name}/");
                }
            }
        }
    }

    private JsonObject Blob(string sha, byte[] bytes) =>
        // GitHub breaks the base64 into lines.
        Addresses(new() { ["sha"] = sha, ["node_id"] = $"B_{sha}", ["size"] = bytes.Length, ["encoding"] = "base64", ["content"] = string.Join('\n', Convert.ToBase64String(bytes).Chunk(60).Select(line => new string(line))) + "\n" }, $"repos/{world.Repository}/git/blobs/{sha}", "");

    private JsonObject Ref(string name, string sha, string type = "commit") => Addresses(new() { ["ref"] = $"refs/{name}", ["node_id"] = "REF_1", ["object"] = Addresses(new() { ["type"] = type, ["sha"] = sha }, "commit", "") }, "ref", "");
}
