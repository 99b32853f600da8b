using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace Governance.Gates.Reviews;

/// <summary>Writes a snapshot of a pull request, version 1 (<c>docs/formats/pull-request.schema.json</c>), as <see cref="PullRequestReader"/> reads it.</summary>
public static class PullRequestWriter
{
    private const int LongestText = 1_000;

    /// <summary>The snapshot's bytes: one JSON object in UTF-8.</summary>
    public static ReadOnlyMemory<byte> Write(PullRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        var buffer = new ArrayBufferWriter<byte>(64 * 1024);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("v", 1);
            Write(json, "critical", ImmutableArray<string>.Empty, static (json, name) => json.WriteStringValue(name));
            json.WriteString("repository", request.Repository);
            json.WriteNumber("number", request.Number);
            json.WriteBoolean("draft", request.IsDraft);
            Write(json, "author", request.Author);
            Write(json, "base", request.BaseRef, request.BaseSha);
            Write(json, "head", request.HeadRef, request.HeadSha);
            json.WriteString("headAfter", request.HeadShaAfter);
            json.WriteNumber("changedFiles", request.ChangedFiles);
            json.WriteNumber("commitCount", request.CommitCount);
            Write(json, "files", request.Files, Write);
            Write(json, "commits", request.Commits, Write);
            Write(json, "lastPusher", request.LastPusher);
            Write(json, "reviews", request.Reviews, Write);
            Write(json, "permissions", request.Permissions, Write);
            Write(json, "teams", request.Teams, Write);
            Write(json, "contents", request.Contents, Write);
            Write(json, "unread", request.Unread, Write);
            Write(json, "labels", request.Labels, Write);
            json.WriteString("mergedAt", request.MergedAt?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    private static void Write(Utf8JsonWriter json, ChangedFile file)
    {
        json.WriteStartObject();
        json.WriteString("path", file.Path);
        json.WriteString("previousPath", file.PreviousPath);
        json.WriteString("status", file.Status);
        json.WriteString("mode", file.Mode);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, PullRequestCommit commit)
    {
        json.WriteStartObject();
        json.WriteString("sha", commit.Sha);
        Write(json, "author", commit.Author);
        Write(json, "committer", commit.Committer);
        Write(json, "coAuthors", commit.CoAuthors, Write);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, Review review)
    {
        json.WriteStartObject();
        json.WriteNumber("id", review.Id);
        Write(json, "user", review.User);
        json.WriteString("state", review.State);
        json.WriteString("commit", review.Commit);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, PullRequestLabel label)
    {
        json.WriteStartObject();
        json.WriteString("name", label.Name);
        Write(json, "by", label.By);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, (Account Account, string Permission) one)
    {
        json.WriteStartObject();
        Write(json, "account", one.Account);
        json.WriteString("permission", one.Permission);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, TeamRoster team)
    {
        json.WriteStartObject();
        json.WriteString("name", team.Name);
        if (team.Members.Try(out var members, out var why))
        {
            Write(json, "members", members, static (json, member) =>
            {
                json.WriteStartObject();
                Write(json, "account", member);
                json.WriteString("state", "active");
                json.WriteEndObject();
            });
        }
        else
        {
            json.WritePropertyName("unread");
            Write(json, why);
        }

        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, FileContent content)
    {
        json.WriteStartObject();
        json.WriteString("side", content.Side == Side.Base ? "base" : "head");
        json.WriteString("path", content.Path);
        if (!content.Content.Try(out var bytes, out var why))
        {
            json.WritePropertyName("unread");
            Write(json, why);
        }
        else if (bytes is { } found)
        {
            json.WriteBase64String("data", found.Span);
        }
        else
        {
            json.WriteBoolean("absent", true);
        }

        json.WriteEndObject();
    }

    internal static void Write(Utf8JsonWriter json, Reason reason)
    {
        json.WriteStartObject();
        json.WriteString("rule", Text(reason.Rule));
        json.WriteString("message", Text(reason.Message));
        json.WriteString("remedy", Text(reason.Remedy ?? "try again"));
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, Account? account)
    {
        json.WritePropertyName(name);
        Write(json, account);
    }

    private static void Write(Utf8JsonWriter json, Account? account)
    {
        if (account is null)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartObject();
        json.WriteNumber("id", account.Id);
        json.WriteString("login", account.Login);
        json.WriteString("type", account.Type);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, string @ref, string sha)
    {
        json.WriteStartObject(name);
        json.WriteString("ref", @ref);
        json.WriteString("sha", sha);
        json.WriteEndObject();
    }

    private static void Write<T>(Utf8JsonWriter json, string name, ImmutableArray<T> items, Action<Utf8JsonWriter, T> write)
    {
        json.WriteStartArray(name);
        foreach (var item in items)
        {
            write(json, item);
        }

        json.WriteEndArray();
    }

    /// <summary>A text as the reader takes it, on one line: words of others stand in reasons.</summary>
    internal static string Text(string text) => string.Concat(text.Take(LongestText).Select(c =>
        char.IsControl(c) || char.IsSurrogate(c) || char.GetUnicodeCategory(c) is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator ? '\uFFFD' : c));
}
