using System.Collections.Immutable;

namespace Governance.Gates.Identities;

/// <summary>Fills the slots of a quorum with distinct persons: a maximum matching of a bipartite graph, by augmenting paths (Kuhn's algorithm).</summary>
/// <remarks>Slots are few and people are few: slots times edges is at most some tens of thousands of steps.</remarks>
public static class SlotMatching
{
    /// <summary>Who fills each slot, so that as many as possible are filled and nobody fills two.</summary>
    /// <param name="slots">For each slot, the persons who may fill it.</param>
    /// <returns>A person for each slot; null where it stays empty.</returns>
    public static ImmutableArray<string?> Fill(ImmutableArray<ImmutableArray<string>> slots)
    {
        var filled = new string?[slots.Length];
        var slotOf = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var slot = 0; slot < slots.Length; slot++)
        {
            TryFill(slot, new HashSet<string>(StringComparer.Ordinal));
        }

        return [.. filled];

        bool TryFill(int slot, HashSet<string> tried)
        {
            foreach (var person in slots[slot])
            {
                if (tried.Add(person) && (!slotOf.TryGetValue(person, out var other) || TryFill(other, tried)))
                {
                    (filled[slot], slotOf[person]) = (person, slot);
                    return true;
                }
            }

            return false;
        }
    }
}
