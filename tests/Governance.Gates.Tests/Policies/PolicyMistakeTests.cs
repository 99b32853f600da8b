namespace Governance.Gates.Tests.Policies;

/// <summary>Each row changes one thing in a sound policy; '§' marks where the mistake is reported.</summary>
public sealed class PolicyMistakeTests
{
    private const string Reviewed = "tagged: { by: { role: approver } }, reviewed: { by: [reviewer] }";
    private const string Deny = "verdict: deny\n        why: not a registry of ours";
    private const string Root = "sha256:6494e21ea73fa7ee769f85f57d5a3e6a08725eae1e38c755fc3517c9e6bc0b66";
    private const string Pinned = "[\"registry.k8s.io/pause@sha256:2222222222222222222222222222222222222222222222222222222222222222\"]";

    /// <summary>What the JSON Schema finds too.</summary>
    public static TheoryData<string, string, string> Structure => new()
    {
        { "kind: GovernancePolicy", "kind: §Policy", "'Policy' is not 'GovernancePolicy'" },
        { "apiVersion: governance.gates/v1alpha1", "apiVersion: §governance.gates/v2", "is not 'governance.gates/v1alpha1'" },
        { "apiVersion: governance.gates/v1alpha1\n", "§", "'apiVersion' is missing" },
        { "  people:\n", "  §peple:\n", "'peple' is unknown here; did you mean 'people'?" },
        { "mode: warn", "§colour: red", "known are match, in, mode" },
        { "mode: enforce", "mode: §Enforce", "did you mean 'enforce'?" },
        { "mode: enforce", "mode: §on", "one of enforce, warn, audit" },
        { "unknownKinds: deny", "unknownKinds: §allow", "one of unknown, deny, warn" },
        { "unknownKinds: deny", "unknownKinds: §true", "the boolean true stands where" },
        { "name: shop", "name: §Shop_1", "is not a Kubernetes name" },
        { "name: shop", "name: §123", "quote it if it is meant as text" },
        { "name: shop", "name: §1.5", "the number '1.5'" },
        { "version: 2", "version: §\"2\"", "remove the quotes" },
        { "version: 2", "version: §0", "not a whole number from 1" },
        { "version: 2", "version: §99999999999999999999", "not a whole number from 1" },
        { "version: 2", "version: §2.5", "stands where a whole number belongs" },
        { "version: 2", "version: §yes", "the text 'yes' stands where a whole number belongs" },
        { "{ name: shop, version: 2,", "§{ name: shop,", "'version' is missing" },
        { "\"sha256:1111111111111111111111111111111111111111111111111111111111111111\"", "§sha256:11", "is not a digest" },
        { "  robots:\n", "  robots: §~\n  flow:\n", "nothing stands where a mapping from names belongs" },
        { "{ people: [cem, ben] }", "§[cem, ben]", "a list stands where a mapping belongs" },
        { "people: [cem, ben]", "people: §cem", "stands where a list belongs" },
        { "people: [cem, ben]", "people: §[]", "the list is empty" },
        { "{ people: [cem, ben] }", "§{}", "'people' is missing" },
        { "people: [cem, ben]", "people: [cem, §cem]", "stands twice in the list" },
        { "    cem:", "    §Cem Yilmaz:", "'Cem Yilmaz' is not a name" },
        { "id: p-3", "id: §\"-\"", "is not an id" },
        { "{ id: p-3 }", "§{ until: 2027-01-01 }", "'id' is missing" },
        { "from: 2026-01-01", "from: §01.02.2026", "is not a date; write it as in 2026-01-31" },
        { "login: ann, id: 101", "login: §\"@ann\", id: 101", "is not a GitHub login" },
        { "login: ann, id: 101", "login: ann, id: §one", "stands where a whole number belongs" },
        { "[example/releasers]", "[§releasers]", "write organisation/team" },
        { "ben-key: {", "none-key: §{ file: keys/4.pub }\n      ben-key: {", "'spki' is missing" },
        { "3f0c7a52-0000-4000-8000-000000000002", "§staging-cluster", "is not a cluster's UID" },
        { "namespaces: [\"*\"]", "namespaces: [§\"sta*\"]", "is not a namespace or '*'" },
        { "- match: [\"**\"]\n        verdict: deny", "- §match: [\"**\"]", "'require' or 'verdict' is missing" },
        { "- match: [registry.example.com/shop/**]\n        mode: warn", "- §match: [registry.example.com/shop/**]\n        verdict: deny", "only one of 'require' or 'verdict'" },
        { "{ pinned: " + Pinned + " }", "§{}", "is empty and asks for nothing" },
        { "in: { namespaces: [kube-system], environments: [staging] }", "in: §{}", "is empty and asks for nothing" },
        { "match: [\"**\"]", "match: §[]", "the list is empty" },
        { "why: not a registry of ours", "why: §|\n          two\n          lines", "write it on one line" },
        { "by: [builder, ann]", "by: §builder", "write [NAME] or { role: NAME }" },
        { "by: { role: releaser }", "by: { §people: releaser }", "'people' is unknown here" },
        { "repository: any", "repository: §other", "one of same, any" },
        { "/spec/template/spec/containers/*/image", "§spec/template", "is not a path" },
        { "/spec/template/spec/containers/*/image", "§/spec//image", "is not a path" },
        { "/spec/template/spec/containers/*/image", "§/spec/con*/image", "is not a path" },
        { "/spec/template/spec/containers/*/image", "§" + string.Concat(Enumerable.Repeat("/a", 33)), "up to 32 times" },
        { "rollouts.argoproj.io", "§Rollout", "is not a custom resource" },
        { "  admission:\n", "  ledger: §{}\n  admission:\n", "is empty and asks for nothing" },
        { "  admission:\n", "  ledger: { §witnesses: { anything: [goes] } }\n  admission:\n", "'witnesses' is not yet supported" },
        { "keys: [ann-key] }", "keys: [ann-key], oidc: §[] }", "the list is empty" },
        { "require: { signed:", "require: { provenance: §1, signed:", "the number '1' stands where a mapping belongs" },
        { "require: { signed:", "require: { §sbom: 1, signed:", "'sbom' is not yet supported" },
        { "require: { signed:", "require: { reviewed: §1, signed:", "the number '1' stands where a mapping belongs" },
        { "require: { signed:", "require: { reviewed: §{ of: provenance.commit }, signed:", "'by' is missing" },
        { "require: { signed:", "require: { reviewed: { by: §{ role: releaser } }, signed:", "a mapping stands where a list belongs" },
        { "require: { signed:", "require: { reviewed: { by: [reviewer], of: §tag }, signed:", "is not 'provenance.commit'" },
        { "require: { signed:", "require: { reviewed: { by: [reviewer], properties: [§SLSA_SOURCE_LEVEL_3] }, signed:", "one of SLSA_SOURCE_TWO_PARTY_REVIEWED, ORG_SOURCE_POLICY_ALLOWED" },
        { "require: { signed:", "require: { tagged: §{}, signed:", "'by' is missing" },
        { "{ keys: [build-key], why: builds and signs }", "§{ why: builds and signs }", "'keys' or 'oidc' is missing" },
        { "issuer: https://accounts.example.com", "issuer: §http://accounts.example.com", "is not an OpenID Connect issuer" },
        { "issuer: https://accounts.example.com", "issuer: §\"https://*.example.com\"", "is not an OpenID Connect issuer" },
        { "subject: dan@example.com", "subject: §\"dan @example.com\"", "is not a subject" },
        { "subject: dan@example.com", "subject: dan@example.com, §repositoryId: 1", "'repositoryId' is unknown here" },
        { "repositoryId: 123", "repositoryId: §\"123\"", "remove the quotes" },
        { "runner: github-hosted }]", "runner: §cloud }]", "one of github-hosted, self-hosted" },
        { "roots: { sigstore: {", "roots: { sigstore: §{ instance: public-good,", "only one of 'instance' or 'file'" },
        { "logs: promise", "logs: §some", "one of inclusion, promise, none" },
        { "roots: { sigstore: {", "roots: { §rekor: {", "'rekor' is unknown here" },
        { "publicLogs: refuse", "publicLogs: §deny", "one of ask, refuse" },
        { "signing: { publicLogs: refuse, private: [https://rekor.example.com] }", "signing: §{}", "is empty and asks for nothing" },
        { "[https://rekor.example.com]", "[§rekor.example.com]", "is not a service's address" },
        { "[https://rekor.example.com]", "[§\"https://somebody:secret@rekor.example.com\"]", "is not a service's address" },
        { "[https://rekor.example.com]", "[§\"https://*.example.com\"]", "is not a service's address" },
    };

    /// <summary>Objects and sessions.</summary>
    public static TheoryData<string, string, string> Declared => new()
    {
        { "sidecars: [istio-proxy]", "statements: §registry.example.com/statements:latest", "names no repository" },
        { "sidecars: [istio-proxy]", "sessions: §{}", "is empty and asks for nothing" },
        { "sidecars: [istio-proxy]", "sessions: { exec: §never }", "is not one of allow, warn, deny" },
        { "sidecars: [istio-proxy]", "sessions: { exec: §[deny] }", "a list stands where one of allow, warn, deny or a mapping belongs" },
        { "sidecars: [istio-proxy]", "sessions: { attach: §true }", "write allow, warn, deny, or { require:" },
        { "sidecars: [istio-proxy]", "sessions: { attach: §{} }", "'require' is missing" },
        { "sidecars: [istio-proxy]", "sessions: { exec: §{ require: [{ role: approver, count: 1 }] } }", "nothing says where it waits; add admission.statements" },
        { "sidecars: [istio-proxy]", "statements: registry.example.com/s\n    sessions: { exec: §{ require: [{ role: approver, count: 2 }] } }", "cannot be reached when dan or eve asks" },
        { "sidecars: [istio-proxy]", "objects: [§{ resource: configmaps, names: [limits], require: { approved: { action: deploy } } }]", "nothing says where it waits" },
        { "sidecars: [istio-proxy]", "statements: registry.example.com/s\n    objects: [{ resource: configmaps, names: [limits], require: { approved: { action: §deplay } } }]", "did you mean 'deploy'?" },
        { "sidecars: [istio-proxy]", "statements: registry.example.com/s\n    objects: [{ resource: §deployments.apps, names: [limits], require: { approved: { action: deploy } } }]", "is judged by its images and its pod template" },
        { "sidecars: [istio-proxy]", "statements: registry.example.com/s\n    objects: [{ resource: §namespaces, names: [limits], require: { approved: { action: deploy } } }]", "the API server does not ask about 'namespaces'" },
        { "sidecars: [istio-proxy]", "statements: registry.example.com/s\n    objects: [{ resource: clusterroles.rbac.authorization.k8s.io, in: { namespaces: §[shop] }, names: [limits], require: { approved: { action: deploy } } }]", "stand in no namespace" },
        { "sidecars: [istio-proxy]", "statements: registry.example.com/s\n    objects: [{ resource: configmaps, in: { environments: [§stagin] }, names: [limits], require: { approved: { action: deploy } } }]", "did you mean 'staging'?" },
        { "sidecars: [istio-proxy]", "statements: registry.example.com/s\n    objects: [{ resource: secrets, names: [limits], values: §same-as-review, require: { approved: { action: deploy } } }]", "'secrets' hold no files" },
        { "sidecars: [istio-proxy]", "statements: registry.example.com/s\n    objects: [{ resource: configmaps, names: [limits], values: §same-as-review, require: { approved: { action: deploy } } }]", "no rule of review.values could hold" },
        { "sidecars: [istio-proxy]", "statements: registry.example.com/s\n    objects: [{ resource: configmaps, names: [§\"a b\"], require: { approved: { action: deploy } } }]", "is not a name of objects" },
        { "    deploy: {", "    §session-exec: { require: [{ role: approver, count: 1 }], useBy: 1h }\n    deploy: {", "admission.sessions says who agrees to it" },
    };

    /// <summary>What only the reader finds: YAML that is more than plain data.</summary>
    public static TheoryData<string, string, string> Yaml => new()
    {
        { "approvals:\n    deploy: { require: [{ role: approver, count: 1 }]", "approvals:\n    deploy: { require: [{ role: §approvr, count: 1 }]", "did you mean 'approver'?" },
        { "deploy: { require: [{ role: approver, count: 1 }]", "deploy: §{ require: [{ role: approver, count: 2 }]", "cannot be reached when dan or eve asks" },
        { "deploy: { require: [{ role: approver, count: 1 }]", "deploy: §{ require: [{ role: approver, count: 3 }]", "cannot be reached by the people who can sign: dan, eve" },
        { "deploy: { require: [{ role: approver, count: 1 }]", "deploy: §{ require: [{ role: author, count: 1 }]", "cannot be reached when ben asks" },
        { "deploy: { require: [{ role: approver, count: 1 }]", "deploy: { require: [{ role: approver, count: §65 }]", "more than 64" },
        { "deploy: { require: [{ role: approver, count: 1 }]", "deploy: { require: [{ role: approver, count: 1 }, { role: §approver, count: 1 }]", "stands twice; add up the counts" },
        { "runUntil: 26w", "runUntil: §1d", "what began may end before the right to begin does" },
        { "approved: { action: deploy,", "approved: { action: §deplay,", "did you mean 'deploy'?" },
        { "approved: { action: deploy, in: { environments: [production] }", "approved: { action: deploy, in: { environments: [§produktion] }", "did you mean 'production'?" },
        { "signed: { by: [builder] }, approved: { action: deploy", "signed: { by: [builder, dan] }, approved: { action: §deploy", "'dan' can sign the image and approve it" },
        { "from: revocations.json", "from: §../revocations.json", "is not a path below the policy's folder" },
        { "from: revocations.json", "from: §oci://registry.example.com/revoked:latest", "names no repository" },
        { "kind: GovernancePolicy", "kind: GovernancePolicy\n§kind: GovernancePolicy", "the key 'kind' stands twice, first in line 2" },
        { "[cem, ben]", "§&both [cem, ben]", "the anchor '&both'" },
        { "[cem, ben]", "§*both", "the alias '*both'" },
        { "name: shop", "name: §!!str shop", "the tag 'tag:yaml.org,2002:str'" },
        { "name: shop", "name: §! shop", "the tag '!'" },
        { "cem: { id: p-3 }", "cem: { id: p-3, §<<: { id: p-4 } }", "the merge key '<<'" },
        { "cem: { id: p-3 }", "cem: { id: p-3, §\"<<\": { id: p-4 } }", "the merge key '<<'" },
        { "cem: { id: p-3 }", "cem: { §[a]: 1, id: p-3 }", "a key is a word" },
        { "  admission:\n", "§---\n  admission:\n", "a second document begins here" },
        { "why: not a registry of ours", "why: §not a registry\n          of ours", "goes on over several lines" },
        { "apiVersion: ", "§%YAML 1.1\n---\napiVersion: ", "%YAML directive" },
        { "name: shop", "name: §\u0001", "the character U+0001" },
        { "name: shop", "name: §\0", "the character U+0000" },
        { "why: builds and signs", "why: builds§\u202e and signs", "the character U+202E" },
        { "why: builds and signs", "why: builds§\u0085 and signs", "the character U+0085" },
        { "why: builds and signs", "why: §\"builds \\0 and signs\"", "is not a line of text" },
        { "version: 2", "version: §0x2", "without sign, prefix or leading zero" },
        { "version: 2", "version: §+2", "without sign, prefix or leading zero" },
    };

    /// <summary>What only the reader finds: parts that do not fit together.</summary>
    public static TheoryData<string, string, string> Meaning => new()
    {
        { Reviewed, Reviewed.Replace("by: [reviewer]", "by: [§builder]", StringComparison.Ordinal), "can sign images or tell how they were built, and say that their source was reviewed" },
        { Reviewed, Reviewed.Replace("by: [reviewer]", "by: [§ann]", StringComparison.Ordinal), "'ann' is a person, and a robot of the control repository says what was reviewed" },
        { Reviewed, Reviewed.Replace("by: [reviewer]", "by: [§nobody]", StringComparison.Ordinal), "'nobody' is no person or robot" },
        { Reviewed, Reviewed.Replace("by: [reviewer]", "by: [§insider]", StringComparison.Ordinal), "a workflow of the repository whose commits it would vouch for" },
        { Reviewed, Reviewed.Replace("role: approver", "role: §approvr", StringComparison.Ordinal), "did you mean 'approver'?" },
        { Reviewed, Reviewed.Replace("{ role: approver }", "[§builder]", StringComparison.Ordinal), "a release is tagged by a person" },
        { "signed: { by: [builder, ann],", "reviewed: §{ by: [reviewer] }, signed: { by: [builder, ann],", "nothing says which source that is" },
        { "signed: { by: [builder, ann],", "tagged: §{ by: [ann] }, provenance: { by: [builder] }, signed: { by: [builder, ann],", "the provenance may name any repository" },
                { "{ name: shop, version: 2, previous: \"sha256:1111111111111111111111111111111111111111111111111111111111111111\", earlier: [\"sha256:4444444444444444444444444444444444444444444444444444444444444444\"] }", "§{ name: shop, version: 2 }", "'previous' is missing from version 2" },
        { "  admission:\n", "  ledger: { recover: { action: §deplay } }\n  admission:\n", "did you mean 'deploy'?" },
        { "version: 2, previous", "version: 1, §previous", "version 1 has no version before it" },
        { "000000000002], namespaces: [\"*\"]", "000000000002], namespaces: §[\"*\", web]", "'*' stands beside other namespaces" },
        { "[3f0c7a52-0000-4000-8000-000000000002]", "[§3f0c7a52-0000-4000-8000-000000000001]", "is in the environment 'production' too" },
        { "from: 2026-01-01", "from: §2026-02-30", "is no day of the calendar" },
        { "from: 2026-01-01, until: 2027-12-31", "from: 2026-01-01, until: §2025-12-31", "until 2025-12-31 lies before from 2026-01-01" },
        { "validFrom: 2026-01-01, validUntil: 2027-01-31", "validFrom: 2028-01-01, validUntil: §2027-01-31", "validUntil 2027-01-31 lies before validFrom" },
        { "id: p-2", "id: §p-1", "the id 'p-1' belongs to 'ann'" },
        { "id: 102", "id: §101", "the GitHub account 101 belongs to 'ann'" },
        { "keys: [ben-key]", "keys: [§ben-kay]", "'ben-kay' is no key of this policy; did you mean 'ben-key'?" },
        { "keys: [ben-key]", "keys: [ben-key, §ann-key]", "the key 'ann-key' is given to 'ann' too" },
        { "keys: [build-key]", "keys: [build-key, §ann-key]", "the key 'ann-key' is given to 'ann' too" },
        { "    builder: {", "    §ann: {", "'ann' is a person too" },
        { "people: [cem, ben]", "people: [cem, §bem]", "'bem' is no person of this policy; did you mean 'ben'?" },
        { "people: [cem, ben]", "people: [cem, §builder]", "'builder' is no person" },
        { "conflictsWith: [author]", "conflictsWith: [§reviewer]", "'reviewer' is no role" },
        { "conflictsWith: [author]", "conflictsWith: [§releaser]", "conflicts with itself" },
        { "file: keys/2.pub", "file: §keys/none.pub", "there is no file 'keys/none.pub'" },
        { "file: keys/2.pub", "file: §keys/broken.pub", "is not a usable public key" },
        { "file: keys/2.pub", "file: §/keys/2.pub", "is not a path below the policy's folder" },
        { "file: keys/2.pub", "file: §keys/../../2.pub", "is not a path below the policy's folder" },
        { "file: keys/2.pub", "file: §keys\\2.pub", "is not a path below the policy's folder" },
        { "file: keys/2.pub", "file: §c:2.pub", "is not a path below the policy's folder" },
        { "file: keys/3.pub }", "file: keys/3.pub }\n      other: { spki: §\"SPKI-3\", file: keys/3.pub }", "the key 'build-key' has the same SPKI" },
        { "file: keys/3.pub }", "file: keys/3.pub }\n      other: { spki: §\"SPKI-5\", file: keys/4.pub }", "the key in 'keys/4.pub' is sha256:" },
        { "environments: [staging]", "environments: [§stagin]", "'stagin' is no environment of this policy; did you mean 'staging'?" },
        { "by: [builder, ann]", "by: [builder, §anne]", "'anne' is no person or robot" },
        { "by: [builder, ann]", "by: [builder, §releaser]", "write by: { role: releaser }" },
        { "by: [builder, ann]", "by: [builder, §cem]", "'cem' has neither keys nor oidc and can sign nothing" },
        { "by: { role: releaser }", "by: { role: §releasers }", "'releasers' is no role of this policy; did you mean 'releaser'?" },
        { "by: { role: releaser }, repository: any", "by: { role: releaser }, repository: any, mirrors: §[mirror.example.com/**]", "already accepts every repository" },
        { "match: [registry.example.com/shop/**]", "match: [§\"**shop**\"]", "'**' stands alone between slashes" },
        { "match: [registry.example.com/shop/**]", "match: [§docker.io/nginx]", "the normalised name is docker.io/library/nginx" },
        { "match: [registry.example.com/shop/**]", "match: [§shop/**]", "'shop' is not a host" },
        { "match: [registry.example.com/shop/**]", "match: [§\"registry.example.com/shop:v*\"]", "is no repository pattern" },
        { Pinned, "[§registry.k8s.io/pause:3.9]", "has no digest, and a tag can be moved" },
        { Pinned, "[§registry.k8s.io/pause@sha256:22]", "where a digest belongs" },
        { Pinned, Pinned.Replace("[\"", "[§\"", StringComparison.Ordinal).Replace("registry.k8s.io", "quay.io", StringComparison.Ordinal), "quay.io/pause is matched by none" },
        { Deny, "verdict: §allow", "has no 'why'" },
        { Deny, "verdict: §warn", "has no 'why'" },
        { Deny, Deny + "\n      - §match: [ghcr.io/**]\n        verdict: deny", "this rule never decides: artifacts.images[4]" },
        { "- match: [tools.example.com/**]", "- §match: [registry.example.com/shop/cart]\n        verdict: deny\n      - match: [tools.example.com/**]", "this rule never decides: artifacts.images[0]" },
        { "https://rekor.example.com", "§https://rekor.example.com:99999", "is no address" },
        { "own: gates", "own: §kube-system", "is among those that are only audited" },
        { "rollouts.argoproj.io", "§deployments.apps", "is not a custom resource" },
        { "rollouts.argoproj.io", "§pods", "is not a custom resource" },
        { "customResources:\n", "customResources:\n      - { resource: jobs.example.com, images: [/a] }\n      - { resource: §jobs.example.com, images: [/b] }\n", "is declared in line" },
    };

    /// <summary>Subjects and roots that do not fit together, or leave open who signs.</summary>
    public static TheoryData<string, string, string> Subjects => new()
    {
        { "subject: dan@example.com", "subject: §\"*@example.com\"", "is a pattern, and a person is one subject" },
        { "issuer: https://accounts.example.com", "issuer: §https://token.actions.githubusercontent.com", "name the workflow under robots" },
        { "issuer: https://accounts.example.com", "issuer: §https://token.actions.githubusercontent.com/example", "name the workflow under robots" },
        { "subject: dan@example.com", "subject: §\"https://gitlab.com/example/app//.gitlab-ci.yml@refs/heads/main\"", "is no name that people are certified under" },
        { "subject: dan@example.com", "subject: §https://buildkite.com/example/deploy", "is no name that people are certified under" },
        { "subject: dan@example.com", "subject: §\"https://g.codefresh.io/example/deploy:1/2\"", "is no name that people are certified under" },
        { "subject: dan@example.com", "subject: §https://kubernetes.io/namespaces/ci/serviceaccounts/dan", "is no name that people are certified under" },
        { "subject: dan@example.com", "subject: §\"spiffe://dan@example.com/build\"", "is no name that people are certified under" },
        { "subject: dan@example.com", "subject: §dan@example.iam.gserviceaccount.com", "is no name that people are certified under" },
        { "subject: dan@example.com", "subject: §\"project_path:example/app:ref:main\"", "is no name that people are certified under" },
        { "subject: dan@example.com", "subject: §dan", "is no name that people are certified under" },
        { "subject: \"https://github.com/example/app/", "subject: §\"https://*/example/app/", "leaves open whose subject it is" },
        { "subject: \"https://github.com/example/app/", "subject: §\"*://github.com/example/app/", "leaves open whose subject it is" },
        { "subject: \"https://github.com/example/app/.github/workflows/release.yml@refs/tags/v*\"", "subject: §\"*@example.com\"", "leaves open whose subject it is" },
        { "\"https://github.com/example/app/.github/workflows/release.yml@refs/tags/v*\", repositoryId: 123, ownerId: 45,", "§\"https://github.com/*/app/.github/workflows/release.yml@refs/heads/main\",", "is a workflow of any owner, and anybody can make one" },
        { "\"https://github.com/example/app/.github/workflows/release.yml@refs/tags/v*\", repositoryId: 123,", "§\"https://github.com/*/app/.github/workflows/release.yml@refs/heads/main\",", "is a workflow of any owner, and anybody can make one" },
        { "    flow: { oidc: [", "    lab: { oidc: [{ issuer: https://gitlab.com, subject: §\"https://gitlab.com/*/app//.gitlab-ci.yml@refs/heads/main\" }] }\n    flow: { oidc: [", "is a workflow of any owner, and anybody can make one" },
        { "    flow: { oidc: [", "    open: { oidc: [{ issuer: https://token.actions.githubusercontent.com, subject: §\"https://github.com/example/app/.github/workflows/*/heads/*\" }] }\n    flow: { oidc: [", "is bound to every branch or tag of that form" },
        { "\"https://github.com/example/app/", "§\"https://github.com/example/" + new string('a', 300) + "/", "characters, more than 256" },
        { "    flow: { oidc: [{ issuer: https://token.actions.githubusercontent.com, subject: \"", "    flow: { oidc: [{ issuer: https://token.actions.githubusercontent.com, subject: §\"https://github.com/example/app/.github/workflows/*@refs/tags/*\" }] }\n    other: { oidc: [{ issuer: https://token.actions.githubusercontent.com, subject: \"", "is bound to every branch or tag of that form" },
        { "    flow: { oidc: [{ issuer: https://token.actions.githubusercontent.com, subject: ", "    before: { oidc: [{ issuer: https://token.actions.githubusercontent.com, subject: \"https://github.com/example/app/.github/workflows/release.yml@refs/tags/v1\", repositoryId: 123 }] }\n    flow: { oidc: [{ issuer: https://token.actions.githubusercontent.com, subject: §", "which is given to 'before'" },
        { "subject: dan@example.com }] }", "subject: dan@example.com }] }\n    gus: { id: p-9, oidc: [{ issuer: https://accounts.example.com, subject: §dan@example.com }] }", "which is given to 'dan'" },
        { "    flow:", "    mail: { oidc: [{ issuer: https://accounts.example.com, subject: §dan@example.com }] }\n    flow:", "which is given to 'dan'" },
        { "file: root.json, sha256: \"" + Root + "\"", "file: §root.json", "'sha256' is missing: whoever can exchange the file" },
        { "file: root.json, sha256: \"" + Root + "\"", "file: root.json, sha256: §\"ROOT-2\"", "is sha256:6494e21ea73fa7ee769f85f57d5a3e6a08725eae1e38c755fc3517c9e6bc0b66, not sha256:" },
        { "file: root.json", "file: §../root.json", "is not a path below the policy's folder" },
        { "file: root.json", "file: §sigstore:public-good", "is not a path below the policy's folder" },
        { "file: root.json", "file: §none.json", "there is no file 'none.json'" },
        { "file: root.json, sha256: \"" + Root + "\"", "instance: public-good, §sha256: \"" + Root + "\"", "'sha256' goes with 'file'" },
        { "file: root.json, sha256: \"" + Root + "\"", "file: §no-logs.json, sha256: \"ROOT-3\"", "the trusted root names no log of signatures, and one must have shown each signature" },
        { "file: root.json, sha256: \"" + Root + "\", logs: promise", "file: §no-logs.json, sha256: \"ROOT-3\", logs: none", "a timestamp authority must say when something was signed, and the trusted root names none" },
        { "by: [flow], builder: \"https://builder.example.com/*\", source: https://github.com/example/app, ref: refs/tags/v*, runner: github-hosted", "by: [builder], runner: §github-hosted", "only a certificate says where something ran" },
        { "approved: { action: deploy, in: { environments: [production] }, covers: [artifact, template] }, provenance: { by: [flow]", "approved: { action: §deploy, in: { environments: [production] }, covers: [artifact, template] }, provenance: { by: [flow, dan]", "'dan' can sign the image and approve it" },
    };

    [Theory, MemberData(nameof(Structure)), MemberData(nameof(Yaml)), MemberData(nameof(Meaning)), MemberData(nameof(Declared)), MemberData(nameof(Subjects))]
    public void A_mistake_is_reported_where_it_stands(string from, string to, string message)
    {
        var (yaml, line, column) = PolicyDocuments.Changed(from, to);
        var mistakes = PolicyDocuments.Mistakes(yaml);
        Assert.True(
            mistakes.Any(mistake => mistake.ToString().Contains(message, StringComparison.Ordinal) && (mistake.Line, mistake.Column) == (line, column)),
            $"expected {line}:{column} … {message}, found\n{string.Join('\n', mistakes)}");
    }

    [Fact]
    public void All_mistakes_are_reported_at_once_in_the_order_of_the_file()
    {
        var yaml = PolicyDocuments.Sound;
        foreach (var (from, to) in new[] { ("kind: GovernancePolicy", "kind: Policy"), ("id: p-2", "id: p-1"), ("[cem, ben]", "&x [cem, bem]"), ("mode: warn", "modus: warn"), ("unknownKinds: deny", "unknownKinds: [deny]") })
        {
            yaml = PolicyDocuments.Replaced(yaml, from, to);
        }

        var mistakes = PolicyDocuments.Mistakes(yaml);
        Assert.Equal([2, 10, 16, 16, 36, 51], mistakes.Select(mistake => mistake.Line));
        Assert.Equal(
            ["kind", "spec.people.ben.id", "spec.roles.author", "spec.roles.author.people[1]", "spec.artifacts.images[0].modus", "spec.admission.unknownKinds"],
            mistakes.Select(mistake => mistake.Path));
    }

    [Fact]
    public void A_mistake_reads_as_one_line_that_begins_with_its_place()
    {
        var mistake = Assert.Single(PolicyDocuments.Mistakes(PolicyDocuments.Replaced(PolicyDocuments.Sound, "[ben-key]", "[ben-kay]")));
        Assert.Equal("10:61 spec.people.ben.keys[0]: 'ben-kay' is no key of this policy; did you mean 'ben-key'?", mistake.ToString());
    }

    [Theory]
    [InlineData("keys: [ben-key]", "keys: []", "the list is empty")]
    [InlineData("{ id: p-2, github: { login: ben, id: 102 }, keys: [ben-key] }", "{ id: p-2 }", "nobody in the role 'none' has keys or oidc")]
    public void A_role_that_cannot_sign_makes_a_rule_impossible(string from, string to, string message)
    {
        var yaml = PolicyDocuments.Replaced(PolicyDocuments.Sound, from, to);
        yaml = PolicyDocuments.Replaced(yaml, "role: releaser", "role: none");
        yaml = PolicyDocuments.Replaced(yaml, "  roles:\n", "  roles:\n    none: { people: [ben, cem] }\n");
        Assert.Contains(PolicyDocuments.Mistakes(yaml), mistake => mistake.Message.Contains(message, StringComparison.Ordinal));
    }

    [Fact]
    public void Subjects_count_by_the_word_of_a_trusted_root_only()
    {
        var yaml = PolicyDocuments.Replaced(PolicyDocuments.Sound, "    roots: { sigstore: { file: root.json, sha256: \"" + Root + "\", logs: promise } }\n", "");
        Assert.Contains(PolicyDocuments.Mistakes(yaml), mistake => mistake.Path == "spec.people.dan.oidc" && mistake.Message.Contains("nothing says by whose word", StringComparison.Ordinal));
    }

    [Fact]
    public void Subjects_are_bounded_and_told_once()
    {
        var robots = string.Concat(Enumerable.Range(0, 400).Select(i => $"    r{i}: {{ oidc: [{{ issuer: https://ci.example.com, subject: \"https://ci.example.com/{i}/{new string('*', 100)}a{new string('*', 100)}\" }}] }}\n"));
        var mistake = Assert.Single(PolicyDocuments.Mistakes(PolicyDocuments.Replaced(PolicyDocuments.Sound, "    flow:", robots + "    flow:")), mistake => mistake.Message.Contains("OIDC subjects", StringComparison.Ordinal));
        Assert.Contains("more than 256", mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Subjects_that_clash_count_too_so_that_they_cost_no_more_than_those_that_do_not()
    {
        var robots = string.Concat(Enumerable.Range(0, 400).Select(i => $"    r{i}: {{ oidc: [{{ issuer: https://ci.example.com, subject: \"https://ci.example.com/app\" }}] }}\n"));
        var mistakes = PolicyDocuments.Mistakes(PolicyDocuments.Replaced(PolicyDocuments.Sound, "    flow:", robots + "    flow:"));
        Assert.Single(mistakes, mistake => mistake.Message.Contains("more than 256 OIDC subjects", StringComparison.Ordinal));
        Assert.InRange(mistakes.Count(mistake => mistake.Message.Contains("which is given to 'r0'", StringComparison.Ordinal)), 250, 256);
    }

    public static TheoryData<string, string, string> Warned => new()
    {
        { "keys: [ben-key]", "from: 2026-01-01", "the key 'ben-key' is given to nobody" },
        { "people: [cem, ben]", "people: [cem]", "the role 'author' has one person, 'cem'" },
        { Deny, "verdict: allow\n        why: we trust everybody", "this rule allows every image" },
        { "repositoryId: 123, ownerId: 45, ", "", "a workflow that others may call signs for each repository that calls it" },
        { "repositoryId: 123, ", "", "a workflow that others may call signs for each repository that calls it" },
        { "publicLogs: refuse, ", "", "every service may be asked, so that it changes nothing which are private" },
        { "  admission:\n", "  review: { approvals: { default: 1 }, values: [{ file: a.yaml, at: /b, must: { atMost: 1 } }] }\n  admission:\n    statements: registry.example.com/s\n    objects: [{ resource: configmaps, names: [limits], values: same-as-review, require: { approved: { action: deploy } } }]\n", "an approval by 'deploy' may be used again while it lasts" },
        { "logs: promise", "logs: none", "with logs: none a signature counts that no log ever showed" },
    };

    [Theory, MemberData(nameof(Warned))]
    public void What_is_only_doubtful_is_a_warning(string from, string to, string warning)
    {
        var warnings = PolicyDocuments.Accepted(PolicyDocuments.Replaced(PolicyDocuments.Sound, from, to)).Warnings;
        Assert.StartsWith(warning, Assert.Single(warnings).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pipeline_of_a_repository_in_a_group_below_another_does_not_vouch_for_it()
    {
        var policy = PolicyDocuments.Sound
            .Replace("issuer: https://token.actions.githubusercontent.com, subject: https://github.com/Example/app/.github/workflows/review.yml@refs/heads/main", "issuer: https://gitlab.com, subject: \"https://gitlab.com/firm/desk/app//.gitlab-ci.yml@refs/heads/main\"", StringComparison.Ordinal)
            .Replace("source: https://github.com/example/app", "source: https://gitlab.com/firm/desk/app", StringComparison.Ordinal)
            .Replace(Reviewed, Reviewed.Replace("[reviewer]", "[insider]", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains(PolicyDocuments.Mistakes(policy), mistake => mistake.Message.Contains("a workflow of the repository whose commits it would vouch for", StringComparison.Ordinal));
    }

    // Whoever calls a reusable workflow signs under its name.
    [Fact]
    public void A_workflow_that_reviews_is_bound_to_one_repository()
    {
        const string Control = "control: { oidc: [{ issuer: https://token.actions.githubusercontent.com, subject: https://github.com/example/control/.github/workflows/review.yml@refs/heads/main, repositoryId: 124 }] }\n    ";
        var policy = PolicyDocuments.Sound.Replace("reviewer: { keys", Control + "reviewer: { keys", StringComparison.Ordinal).Replace(Reviewed, Reviewed.Replace("[reviewer]", "[control]", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Empty(PolicyDocuments.Accepted(policy).Warnings);
        Assert.Contains(PolicyDocuments.Mistakes(policy.Replace(", repositoryId: 124", "", StringComparison.Ordinal)), mistake => mistake.Message.Contains("whichever repository calls it", StringComparison.Ordinal));
    }

    // A second key in a file would be in everybody's ring.
    [Theory]
    [InlineData("1.pgp", null)]
    [InlineData("2.pgp", null)]
    [InlineData("armored.pgp", null)]
    [InlineData("3.pgp", "is not the key")]
    [InlineData("two.pgp", "is not the key")]
    [InlineData("cut.pgp", "is not the key")]
    [InlineData("empty.pgp", "is no OpenPGP public key")]
    public void An_openpgp_file_is_the_one_key_that_is_named(string file, string? mistake)
    {
        var policy = PolicyDocuments.Sound.Replace("keys: [ben-key]", $"keys: [ben-key], openpgp: [{{ fingerprint: 9BDA2648851C894A02CE41912C50BAAC82F15F8C, file: keys/{file}, sha256: \"{Gates.Images.Digest.Of(PolicyDocuments.File($"keys/{file}")!.Value.Span)}\" }}]", StringComparison.Ordinal);
        if (mistake is null)
        {
            PolicyDocuments.Accepted(policy);
        }
        else
        {
            Assert.Contains(PolicyDocuments.Mistakes(policy), one => one.Message.Contains(mistake, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_sound_policy_has_no_warnings() => Assert.Empty(PolicyDocuments.Accepted(PolicyDocuments.Sound).Warnings);

    [Theory]
    [InlineData("why: builds and signs", "why: yes")]
    [InlineData("why: builds and signs", "why: 'true'")]
    [InlineData("why: not a registry of ours", "why: >-\n          folded\n          text")]
    [InlineData("from: 2026-01-01", "from: \"2026-01-01\"")]
    [InlineData("    cem:", "    on:")]
    public void What_only_YAML_1_1_would_retype_stays_text(string from, string to)
    {
        var yaml = PolicyDocuments.Replaced(PolicyDocuments.Sound, from, to).Replace("people: [cem, ben]", to.Contains("on:", StringComparison.Ordinal) ? "people: [on, ben]" : "people: [cem, ben]", StringComparison.Ordinal);
        PolicyDocuments.Accepted(yaml);
    }

    [Theory]
    [InlineData("registry.example.com/shop/**", "registry.example.com/shop-two/**")]
    [InlineData("registry.example.com/shop/*", "registry.example.com/shop/a/b")]
    [InlineData("registry.example.com/a*", "registry.example.com/b*")]
    [InlineData("registry.example.com/shop/**", "registry.example.com/shop")]
    public void A_rule_that_an_earlier_one_leaves_something_to_is_reachable(string earlier, string later)
    {
        var yaml = PolicyDocuments.Replaced(PolicyDocuments.Sound, "- match: [tools.example.com/**]", $"- match: [{earlier}]\n        verdict: deny\n      - match: [{later}]\n        verdict: deny\n      - match: [tools.example.com/**]");
        yaml = PolicyDocuments.Replaced(yaml, "match: [registry.example.com/shop/**]", "match: [elsewhere.example.com/shop/**]");
        PolicyDocuments.Accepted(yaml);
    }

    [Fact]
    public void A_rule_for_some_places_hides_no_rule_for_all_places() =>
        PolicyDocuments.Accepted(PolicyDocuments.Replaced(PolicyDocuments.Sound, "- match: [tools.example.com/**]", "- match: [registry.k8s.io/pause]\n        verdict: deny\n      - match: [tools.example.com/**]"));
}
