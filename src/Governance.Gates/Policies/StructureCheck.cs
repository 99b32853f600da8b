using System.Globalization;

namespace Governance.Gates.Policies;

/// <summary>Holds a document against its <see cref="Shape"/>, reports every difference, and marks what is wrong so that nothing else stumbles over it.</summary>
internal static class StructureCheck
{
    public static void Check(PolicyNode node, Shape shape, PolicyMistakes mistakes)
    {
        if (node.Refused)
        {
            return;
        }

        switch (shape)
        {
            case Shape.Word word when IsText(node, shape, mistakes):
                if (!word.Matches(node.Text))
                {
                    Refuse(node, mistakes, $"{PolicyNode.Shown(node.Text)} is not {word.What}", word.Spelling);
                }

                break;
            case Shape.Choice choice when IsText(node, shape, mistakes):
                if (!choice.Words.Contains(node.Text))
                {
                    Refuse(node, mistakes, $"{PolicyNode.Shown(node.Text)} is not {choice.What}", Nearest(node.Text, choice.Words) is { } near ? $"did you mean '{near}'?" : $"write {choice.What}");
                }

                break;
            case Shape.Count:
                CheckCount(node, mistakes);
                break;
            case Shape.Flag when IsKind(node, NodeKind.Boolean, shape, mistakes):
                break;
            case Shape.Number when node.Kind == NodeKind.Float || IsKind(node, NodeKind.Integer, shape, mistakes):
                if (node.Decimal() is null)
                {
                    Refuse(node, mistakes, $"{PolicyNode.Shown(node.Text)} is not a number that can be compared", "write it in decimal digits, as in 0.5");
                }

                break;
            case Shape.List list when IsKind(node, NodeKind.Sequence, shape, mistakes):
                CheckList(node, list, mistakes);
                break;
            case Shape.Named named when IsKind(node, NodeKind.Mapping, shape, mistakes):
                foreach (var value in node.Items)
                {
                    Check(value, named.Value, mistakes);
                    if (!named.Name.Matches(value.Key!.Text))
                    {
                        mistakes.AddAtKey(value, $"{PolicyNode.Shown(value.Key.Text)} is not {named.Name.What}", named.Name.Spelling);
                        value.Refused = true;
                    }
                }

                break;
            case Shape.Fields fields when IsKind(node, NodeKind.Mapping, shape, mistakes):
                CheckFields(node, fields, mistakes);
                break;
            case Shape.Either either:
                if (node.Kind == NodeKind.Mapping || node.Kind == (either.Plain is Shape.List ? NodeKind.Sequence : NodeKind.Text))
                {
                    Check(node, node.Kind == NodeKind.Mapping ? either.Mapping : either.Plain, mistakes);
                }
                else
                {
                    Refuse(node, mistakes, $"{Found(node)} stands where {either.What} belongs", either.Spelling);
                }

                break;
        }
    }

    /// <summary>The word that was probably meant: the one within two edits, or the same in another case.</summary>
    public static string? Nearest(string text, IEnumerable<string> words) =>
        text.Length > 63 ? null : words
            .Select(word => (Word: word, Distance: string.Equals(word, text, StringComparison.OrdinalIgnoreCase) ? 0 : Edits(text, word)))
            .Where(candidate => candidate.Distance <= Math.Min(2, candidate.Word.Length / 3))
            .OrderBy(candidate => candidate.Distance)
            .Select(candidate => candidate.Word)
            .FirstOrDefault();

    private static void CheckCount(PolicyNode node, PolicyMistakes mistakes)
    {
        if (node.Kind != NodeKind.Integer)
        {
            Refuse(node, mistakes, $"{Found(node)} stands where a whole number belongs", node.Kind == NodeKind.Text && long.TryParse(node.Text, CultureInfo.InvariantCulture, out _) ? "remove the quotes" : null);
        }
        else if (node.Text[0] is < '1' or > '9' || !long.TryParse(node.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number > Shape.Count.Most)
        {
            Refuse(node, mistakes, $"{PolicyNode.Shown(node.Text)} is not a whole number from 1 to {Shape.Count.Most} in decimal digits", "write it without sign, prefix or leading zero");
        }
    }

    private static void CheckList(PolicyNode node, Shape.List list, PolicyMistakes mistakes)
    {
        if (node.Items.Count == 0)
        {
            Refuse(node, mistakes, "the list is empty", "name at least one, or remove it");
        }
        else if (node.Items.Count > list.Most)
        {
            Refuse(node, mistakes, $"the list has {node.Items.Count} members, more than {list.Most}", "split it");
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in node.Items)
        {
            Check(item, list.Item, mistakes);
            if (!item.Refused && item.Kind == NodeKind.Text && !seen.Add(item.Text))
            {
                Refuse(item, mistakes, $"{PolicyNode.Shown(item.Text)} stands twice in the list", "keep one");
            }
        }
    }

    private static void CheckFields(PolicyNode node, Shape.Fields fields, PolicyMistakes mistakes)
    {
        // A mapping with a part that is not yet supported may lean on that part for what it leaves out.
        var whole = true;
        foreach (var value in node.Items)
        {
            var name = value.Key!.Text;
            switch (fields.All.FirstOrDefault(field => field.Name == name))
            {
                case null:
                    var known = fields.All.Where(field => field.Need != Need.NotYet).Select(field => field.Name).ToList();
                    mistakes.AddAtKey(value, $"{PolicyNode.Shown(name)} is unknown here", Nearest(name, known) is { } near ? $"did you mean '{near}'?" : $"known are {string.Join(", ", known)}");
                    value.Refused = true;
                    break;
                case { Need: Need.NotYet }:
                    mistakes.AddAtKey(value, $"'{name}' is not yet supported", "remove it: this version would not act on it");
                    whole = false;
                    value.Refused = true;
                    break;
                case { Shape: { } shape }:
                    Check(value, shape, mistakes);
                    break;
            }
        }

        if (whole)
        {
            CheckPresence(node, fields, mistakes);
        }
    }

    private static void CheckPresence(PolicyNode node, Shape.Fields fields, PolicyMistakes mistakes)
    {
        foreach (var field in fields.All.Where(field => field.Need == Need.Required && node.Find(field.Name) is null))
        {
            mistakes.Add(node, $"'{field.Name}' is missing", $"add {field.Name}: {field.Shape!.What}");
        }

        var alternatives = fields.All.Where(field => field.Need == Need.OneOf).Select(field => field.Name).ToList();
        var given = alternatives.Count(name => node.Find(name) is not null);
        if (alternatives.Count > 0 && given != 1)
        {
            var names = string.Join(" or ", alternatives.Select(name => $"'{name}'"));
            mistakes.Add(node, given == 0 ? $"{names} is missing" : $"only one of {names} can be given", given == 0 ? "add one of them" : "remove all but one");
        }

        var some = fields.All.Where(field => field.Need == Need.AnyOf).Select(field => field.Name).ToList();
        if (some.Count > 0 && !some.Any(name => node.Find(name) is not null))
        {
            mistakes.Add(node, $"{string.Join(" or ", some.Select(name => $"'{name}'"))} is missing", "add one of them");
        }

        if (fields.NotEmpty && node.Items.Count == 0)
        {
            mistakes.Add(node, "the mapping is empty and asks for nothing", $"give at least one of {string.Join(", ", fields.All.Where(field => field.Need != Need.NotYet).Select(field => field.Name))}");
        }
    }

    private static bool IsText(PolicyNode node, Shape shape, PolicyMistakes mistakes) => IsKind(node, NodeKind.Text, shape, mistakes);

    private static bool IsKind(PolicyNode node, NodeKind kind, Shape shape, PolicyMistakes mistakes)
    {
        if (node.Kind == kind)
        {
            return true;
        }

        var quotable = kind == NodeKind.Text && node.Kind is NodeKind.Boolean or NodeKind.Integer or NodeKind.Float;
        Refuse(node, mistakes, $"{Found(node)} stands where {shape.What} belongs", quotable ? "quote it if it is meant as text" : null);
        return false;
    }

    private static string Found(PolicyNode node) => node.Kind switch
    {
        NodeKind.Null => "nothing",
        NodeKind.Boolean => $"the boolean {node.Text}",
        NodeKind.Integer or NodeKind.Float => $"the number {PolicyNode.Shown(node.Text)}",
        NodeKind.Mapping => "a mapping",
        NodeKind.Sequence => "a list",
        _ => $"the text {PolicyNode.Shown(node.Text)}",
    };

    private static void Refuse(PolicyNode node, PolicyMistakes mistakes, string message, string? remedy)
    {
        mistakes.Add(node, message, remedy);
        node.Refused = true;
    }

    private static int Edits(string left, string right)
    {
        var row = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (left[i - 1] == right[j - 1] ? 0 : 1)));
            }
        }

        return row[^1];
    }
}
