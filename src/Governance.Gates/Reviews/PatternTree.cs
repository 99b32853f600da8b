using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Governance.Gates.Reviews;

/// <summary>Many patterns in one tree of their segments, walked once for a path: time grows with the path, not with the number of patterns that cannot match.</summary>
/// <remarks>
/// The walk is that of a nondeterministic automaton: all places of the tree that the path may have reached so far are carried along together, so that no segment is looked at
/// twice for one place. Names, and wildcards that are one star and a beginning or an end, are found by hash; only other wildcards are tried one by one.
/// </remarks>
internal sealed class PatternTree
{
    private const int None = -1;
    private readonly List<Node> nodes = [new()];

    // A name, a beginning or an end to its number; (place, sort of edge, number) to the place behind.
    private readonly Dictionary<string, int> names = new(StringComparer.Ordinal);
    private readonly Dictionary<(int Place, Edge Edge, int Name), int> edges = [];
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> numbers;
    private Walk? spare;

    /// <param name="patterns">Numbered by their order.</param>
    public PatternTree(IEnumerable<OwnersPattern> patterns)
    {
        numbers = names.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (var (number, pattern) in patterns.Index())
        {
            var place = 0;
            foreach (var segment in pattern.Segments)
            {
                place = segment == OwnersPattern.AnyDepth ? Loop(place) : Next(place, segment);
            }

            var node = nodes[place];
            if (pattern.Exact)
            {
                node.Exact.Add(number);
            }

            if (pattern.Inside)
            {
                node.Inside.Add(number);
            }
        }
    }

    private enum Edge
    {
        Name,

        /// <summary>A star, then an end.</summary>
        End,

        /// <summary>A beginning, then a star.</summary>
        Beginning,

        /// <summary>Any other wildcard.</summary>
        Glob,
    }

    /// <summary>The highest number among the patterns that match; -1 where none does.</summary>
    public int Last(ReadOnlySpan<char> path)
    {
        var walk = Interlocked.Exchange(ref spare, null) ?? new Walk();
        var last = Run(path, walk, null);
        spare = walk;
        return last;
    }

    /// <summary>The numbers of all patterns that match, in their order.</summary>
    public ImmutableArray<int> All(ReadOnlySpan<char> path)
    {
        var hits = new SortedSet<int>();
        Run(path, new Walk(), hits);
        return [.. hits];
    }

    private int Run(ReadOnlySpan<char> path, Walk walk, SortedSet<int>? hits)
    {
        walk.Begin(nodes.Count);
        var last = None;
        Reach(0, walk);
        for (var rest = path; ;)
        {
            var slash = rest.IndexOf('/');
            var name = slash < 0 ? rest : rest[..slash];
            walk.Step();
            Advance(name, walk);
            foreach (var place in walk.Places)
            {
                var matched = slash < 0 ? nodes[place].Exact : nodes[place].Inside;
                if (matched.Count > 0)
                {
                    last = Math.Max(last, matched[^1]);
                    hits?.UnionWith(matched);
                }
            }

            if (slash < 0)
            {
                return last;
            }

            rest = rest[(slash + 1)..];
        }
    }

    private void Advance(ReadOnlySpan<char> name, Walk walk)
    {
        var known = numbers.TryGetValue(name, out var number);
        foreach (var place in walk.Before)
        {
            var node = nodes[place];
            if (node.IsLoop)
            {
                Reach(place, walk);
            }

            if (known && edges.TryGetValue((place, Edge.Name, number), out var named))
            {
                Reach(named, walk);
            }

            if (!node.HasGlobs)
            {
                continue;
            }

            if (node.Any != None)
            {
                Reach(node.Any, walk);
            }

            foreach (var length in node.Ends)
            {
                if (length <= name.Length && numbers.TryGetValue(name[^length..], out var end) && edges.TryGetValue((place, Edge.End, end), out var next))
                {
                    Reach(next, walk);
                }
            }

            foreach (var length in node.Beginnings)
            {
                if (length <= name.Length && numbers.TryGetValue(name[..length], out var beginning) && edges.TryGetValue((place, Edge.Beginning, beginning), out var next))
                {
                    Reach(next, walk);
                }
            }

            foreach (var (glob, next) in node.Globs)
            {
                if (SegmentGlob.Matches(glob, name))
                {
                    Reach(next, walk);
                }
            }
        }
    }

    // '**' may be no segment at all, so whoever reaches the place before it has reached it too.
    private void Reach(int place, Walk walk)
    {
        for (; place != None && walk.Add(place); place = nodes[place].Loop)
        {
        }
    }

    private int Loop(int place)
    {
        if (nodes[place].IsLoop)
        {
            return place;
        }

        if (nodes[place].Loop == None)
        {
            nodes[place].Loop = nodes.Count;
            nodes.Add(new() { IsLoop = true });
        }

        return nodes[place].Loop;
    }

    private int Next(int place, string segment)
    {
        if (SegmentGlob.Literal(segment) is { } name)
        {
            return Next(place, Edge.Name, name);
        }

        var node = nodes[place];
        node.HasGlobs = true;
        if (segment == "*")
        {
            if (node.Any == None)
            {
                node.Any = nodes.Count;
                nodes.Add(new());
            }

            return node.Any;
        }

        if (segment[0] == '*' && SegmentGlob.Literal(segment[1..]) is { } end)
        {
            AddOnce(node.Ends, end.Length);
            return Next(place, Edge.End, end);
        }

        if (segment.EndsWith('*') && !segment.EndsWith(@"\*", StringComparison.Ordinal) && SegmentGlob.Literal(segment[..^1]) is { } beginning)
        {
            AddOnce(node.Beginnings, beginning.Length);
            return Next(place, Edge.Beginning, beginning);
        }

        var places = nodes.Count;
        var next = Next(place, Edge.Glob, segment);
        if (nodes.Count > places)
        {
            node.Globs.Add((segment, next));
        }

        return next;
    }

    private int Next(int place, Edge edge, string name)
    {
        if (!names.TryGetValue(name, out var number))
        {
            names.Add(name, number = names.Count);
        }

        ref var next = ref CollectionsMarshal.GetValueRefOrAddDefault(edges, (place, edge, number), out var known);
        if (!known)
        {
            next = nodes.Count;
            nodes.Add(new());
        }

        return next;
    }

    private static void AddOnce(List<int> lengths, int length)
    {
        if (!lengths.Contains(length))
        {
            lengths.Add(length);
        }
    }

    private sealed class Node
    {
        /// <summary>Whether this is the place of a '**': any segment stays here.</summary>
        public bool IsLoop { get; init; }

        /// <summary>The place of the '**' that follows.</summary>
        public int Loop { get; set; } = None;

        /// <summary>The place behind '*'.</summary>
        public int Any { get; set; } = None;

        public bool HasGlobs { get; set; }

        /// <summary>Patterns that match a path which ends here, in their order.</summary>
        public List<int> Exact { get; } = [];

        /// <summary>Patterns that match a path which goes on from here, in their order.</summary>
        public List<int> Inside { get; } = [];

        /// <summary>Lengths of ends behind a star.</summary>
        public List<int> Ends { get; } = [];

        /// <summary>Lengths of beginnings before a star.</summary>
        public List<int> Beginnings { get; } = [];

        public List<(string Glob, int Next)> Globs { get; } = [];
    }

    /// <summary>Where a path may stand: the places before a segment and behind it.</summary>
    private sealed class Walk
    {
        private List<int> before = [];
        private List<int> places = [];
        private int[] seen = [];
        private int step;

        public List<int> Before => before;

        public List<int> Places => places;

        public void Begin(int count)
        {
            if (seen.Length < count || step > int.MaxValue / 2)
            {
                (seen, step) = (new int[count], 0);
            }

            places.Clear();
            step++;
        }

        public void Step()
        {
            (before, places) = (places, before);
            places.Clear();
            step++;
        }

        /// <summary>False: the place was there already.</summary>
        public bool Add(int place)
        {
            if (seen[place] == step)
            {
                return false;
            }

            seen[place] = step;
            places.Add(place);
            return true;
        }
    }
}
