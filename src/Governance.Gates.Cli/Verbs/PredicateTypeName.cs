using Governance.Gates.Sigstore;

namespace Governance.Gates.Cli.Verbs;

/// <summary>Predicate types under the short names that cosign gives them (<c>cosign verify-attestation --type</c>).</summary>
internal static class PredicateTypeName
{
    /// <summary>The predicate type, or null where the text is neither a short name nor a URI.</summary>
    public static string? Resolve(string text) => text switch
    {
        "slsaprovenance" or "slsaprovenance02" => PredicateTypes.SlsaProvenanceV02,
        "slsaprovenance1" => PredicateTypes.SlsaProvenance,
        "cyclonedx" => PredicateTypes.CycloneDx,
        "spdx" or "spdxjson" => PredicateTypes.Spdx,
        "link" => "https://in-toto.io/Link/v1",
        "vuln" => "https://cosign.sigstore.dev/attestation/vuln/v1",
        "openvex" => "https://openvex.dev/ns",
        "custom" => "https://cosign.sigstore.dev/attestation/v1",
        _ => Uri.TryCreate(text, UriKind.Absolute, out _) ? text : null,
    };
}
