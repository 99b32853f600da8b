using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Governance.Gates.Reviews;

namespace Governance.Gates.Clients.GitHub;

/// <summary>Finds the accounts of those whom the trailers of commits name as co-authors.</summary>
/// <remarks>An address of GitHub's own that says the account's number is read as it stands; all others are asked about by GraphQL (<c>Commit.authors</c>), as the REST API does not tell.
/// Trailers are forged easily, and are only ever a reason not to count somebody.</remarks>
internal sealed class CoAuthors(GitHubApi api, RepositoryName repository)
{
    private const int MostOfOneCommit = 100;
    private const int CommitsPerQuery = 50;

    // Not generated at build time: that names types after the folder in which it is built, and this form is not made faster by it.
    private static readonly Regex Trailer = new(@"^[ \t]*co-authored-by:[^<\n]*<[^>\n]*>", RegexOptions.IgnoreCase | RegexOptions.Multiline | RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
    private static readonly Regex Noreply = new(@"^(?<id>[0-9]{1,18})\+(?<login>[A-Za-z0-9_-]{1,100}(\[bot\])?)@users\.noreply\.github\.com$", RegexOptions.IgnoreCase | RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);

    /// <summary>The addresses that a message names, each once, in its order.</summary>
    public static ImmutableArray<string> AddressesIn(string message) =>
        [.. Trailer.Matches(message).Select(match => match.Value[(match.Value.IndexOf('<', StringComparison.Ordinal) + 1)..^1].Trim()).Distinct(StringComparer.OrdinalIgnoreCase)];

    /// <summary>For each commit the accounts of its co-authors; null stands for an address that belongs to no account.</summary>
    public async Task<Reading<ImmutableDictionary<string, ImmutableArray<Account?>>>> ReadAsync(ImmutableArray<WireCommit> commits, CancellationToken cancellation)
    {
        var found = ImmutableDictionary.CreateBuilder<string, ImmutableArray<Account?>>(StringComparer.Ordinal);
        var open = new List<(string Sha, ImmutableArray<string> Addresses)>();
        foreach (var commit in commits)
        {
            var addresses = AddressesIn(commit.Commit.Message);
            if (addresses.All(address => ByNumber(address) is not null) || addresses.Length > MostOfOneCommit || !IsName(commit.Sha))
            {
                // Nobody has so many; some of them stay unknown.
                found[commit.Sha] = [.. addresses.Take(MostOfOneCommit).Select(ByNumber), .. addresses.Length > MostOfOneCommit ? (Account?[])[null] : []];
            }
            else
            {
                open.Add((commit.Sha, addresses));
            }
        }

        foreach (var some in open.Chunk(CommitsPerQuery))
        {
            var call = new GitHubCall("", $"read the co-authors of commits of {repository}", "contents: read");
            if (!(await api.QueryAsync(call, Query(some.Select(one => one.Sha)), GitHubJson.Default.GraphQlAnswerWireAuthorsOfCommits, cancellation)).Try(out var data, out var why))
            {
                return new Reading<ImmutableDictionary<string, ImmutableArray<Account?>>>.Unread(why);
            }

            foreach (var (index, (sha, addresses)) in some.Index())
            {
                var authors = data.Repository?.GetValueOrDefault($"c{index}")?.Authors?.Nodes ?? [];
                found[sha] = [.. addresses.Select(address => ByNumber(address) ?? ByAddress(authors, address))];
            }
        }

        return new Reading<ImmutableDictionary<string, ImmutableArray<Account?>>>.Found(found.ToImmutable());
    }

    /// <summary>The query for authors of commits, whose names are hexadecimal.</summary>
    public ReadOnlyMemory<byte> Query(IEnumerable<string> shas)
    {
        var text = new StringBuilder("query($owner: String!, $name: String!) { repository(owner: $owner, name: $name) {");
        foreach (var (index, sha) in shas.Index())
        {
            text.Append(CultureInfo.InvariantCulture, $" c{index}: object(oid: \"{sha}\") {{ ...authors }}");
        }

        text.Append(" } } fragment authors on Commit { authors(first: 100) { nodes { email user { databaseId login } } } }");
        return GraphQlQuery.Of(text.ToString(), ("owner", repository.Owner), ("name", repository.Name));
    }

    private static Account? ByAddress(WireAuthor?[] authors, string address) =>
        Array.Find(authors, author => string.Equals(author?.Email, address, StringComparison.OrdinalIgnoreCase))?.User is { DatabaseId: > 0 and var id, Login: { } login } ? new(id, login, TypeOf(login)) : null;

    // "ID+USERNAME@users.noreply.github.com" (GitHub documentation, "Email addresses reference").
    private static Account? ByNumber(string address) =>
        Noreply.Match(address) is { Success: true } match && long.TryParse(match.Groups["id"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id > 0
            ? new(id, match.Groups["login"].Value, TypeOf(match.Groups["login"].Value))
            : null;

    private static string TypeOf(string login) => login.EndsWith("[bot]", StringComparison.OrdinalIgnoreCase) ? "Bot" : "User";

    private static bool IsName(string sha) => sha.Length is 40 or 64 && sha.All(char.IsAsciiHexDigitLower);
}
