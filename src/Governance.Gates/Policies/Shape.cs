using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace Governance.Gates.Policies;

/// <summary>What may stand at one place of the policy. The reader's structural checks and the JSON Schema both come from it.</summary>
internal abstract record Shape
{
    private Shape()
    {
    }

    /// <summary>What belongs here, for messages: "a digest".</summary>
    public abstract string What { get; }

    /// <summary>A string of a kind that has a name.</summary>
    /// <param name="Definition">Its name among the schema's definitions.</param>
    /// <param name="What">What it is, for messages.</param>
    /// <param name="Pattern">The whole text matches; written so that .NET and ECMA-262 agree.</param>
    /// <param name="Spelling">How to write it.</param>
    public sealed record Word(string Definition, string What, string Pattern, string Spelling) : Shape
    {
        private readonly Regex regex = new(Pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);

        public override string What { get; } = What;

        // '$' also matches before a last line feed in .NET, and never in ECMA-262.
        public bool Matches(string text) => regex.Match(text) is { Success: true } match && match.Length == text.Length;
    }

    /// <summary>One of a few words.</summary>
    public sealed record Choice(params ImmutableArray<string> Words) : Shape
    {
        public override string What => Words.Length == 1 ? $"'{Words[0]}'" : $"one of {string.Join(", ", Words)}";
    }

    /// <summary>An integer from 1 to the largest that every JSON reader keeps exact.</summary>
    public sealed record Count : Shape
    {
        public const long Most = 9_007_199_254_740_991;

        public override string What => "a whole number from 1";
    }

    /// <summary>True or false.</summary>
    public sealed record Flag : Shape
    {
        public override string What => "true or false";
    }

    /// <summary>A number in decimal digits, with or without a fraction.</summary>
    public sealed record Number : Shape
    {
        public override string What => "a number";
    }

    /// <summary>A list without repetitions, of at least one member.</summary>
    public sealed record List(Shape Item, int Most) : Shape
    {
        public override string What => "a list";
    }

    /// <summary>A mapping whose keys are names that the policy's author chooses.</summary>
    public sealed record Named(Word Name, Shape Value) : Shape
    {
        public override string What => "a mapping from names";
    }

    /// <summary>A mapping with these fields and no others.</summary>
    public sealed record Fields(params ImmutableArray<Field> All) : Shape
    {
        public override string What => "a mapping";

        /// <summary>Whether at least one field must be given.</summary>
        public bool NotEmpty { get; init; }
    }

    /// <summary>A short form, which is a list or a word, or a mapping.</summary>
    /// <param name="Plain">The short form.</param>
    /// <param name="Mapping">The mapping.</param>
    /// <param name="Spelling">How to write either.</param>
    public sealed record Either(Shape Plain, Fields Mapping, string Spelling) : Shape
    {
        public override string What => $"{Plain.What} or a mapping";
    }
}

/// <summary>Whether a field must be given.</summary>
internal enum Need
{
    Optional,
    Required,

    /// <summary>Exactly one of the mapping's fields with this need is given.</summary>
    OneOf,

    /// <summary>At least one of the mapping's fields with this need is given.</summary>
    AnyOf,

    /// <summary>Part of the language, but no gate acts on it yet: refused, because ignoring it would promise what nobody checks.</summary>
    NotYet,
}

/// <summary>One field of a mapping.</summary>
/// <param name="Name">Its key.</param>
/// <param name="Need">Whether it must be given.</param>
/// <param name="Shape">What belongs there; null for a field that is not yet supported.</param>
/// <param name="Doc">What it means, for the schema.</param>
internal sealed record Field(string Name, Need Need, Shape? Shape, string Doc)
{
    public static Field Optional(string name, Shape shape, string doc) => new(name, Need.Optional, shape, doc);

    public static Field Required(string name, Shape shape, string doc) => new(name, Need.Required, shape, doc);

    public static Field OneOf(string name, Shape shape, string doc) => new(name, Need.OneOf, shape, doc);

    public static Field AnyOf(string name, Shape shape, string doc) => new(name, Need.AnyOf, shape, doc);

    public static Field NotYet(string name) => new(name, Need.NotYet, null, "");
}
