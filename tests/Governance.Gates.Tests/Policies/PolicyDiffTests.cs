using Governance.Gates.Policies;
using static Governance.Gates.Policies.PolicyChangeKind;

namespace Governance.Gates.Tests.Policies;

public sealed class PolicyDiffTests
{
    private const string Root = "sha256:6494e21ea73fa7ee769f85f57d5a3e6a08725eae1e38c755fc3517c9e6bc0b66";
    private const string Told = "provenance: { by: [flow], builder: \"https://builder.example.com/*\", source: https://github.com/example/app, ref: refs/tags/v*, runner: github-hosted }";

    private const string Fingerprint = "9BDA2648851C894A02CE41912C50BAAC82F15F8C";

    private static readonly string Base = PolicyDocuments.Filled(Edit(PolicyDocuments.Sound,
        ("dan: { id: p-4,", "dan: { id: p-4, github: { login: dan, id: 104 },"),
        ("eve: { id: p-5, keys: [eve-key] }", "eve: { id: p-5, github: { login: eve, id: 105 }, keys: [eve-key] }\n    fay: { id: p-6, github: { login: fay, id: 106 }, keys: [fay-key] }"),
        ("    insider: {", "    watcher: { oidc: [{ issuer: https://ci.example.com, subject: watch }] }\n    insider: {"),
        ("people: [dan, eve]", "people: [dan, eve, fay]"),
        ("keys: [ben-key]", $"keys: [ben-key], openpgp: [{{ fingerprint: \"{Fingerprint}\", file: keys/1.pgp, sha256: \"PGP-1\" }}]"),
        ("file: keys/5.pub }", "file: keys/5.pub }\n      fay-key: { spki: \"SPKI-6\", file: keys/6.pub }\n      spare-key: { spki: \"SPKI-7\", file: keys/7.pub }"),
        ("deploy: { require: [{ role: approver, count: 1 }]", "deploy: { require: [{ role: approver, count: 2 }]"),
        ("    policy-change: { require: [{ role: approver, count: 1 }], useBy: 7d }\n", """
                rotate: { require: [{ role: approver, count: 1 }], useBy: 1d }
                policy-change: { require: [{ role: approver, count: 1 }], useBy: 7d }
              review:
                codeowners: { required: true, mistakes: deny }
                approvals: { default: 3 }
                exclude: [author, committers, robots]
                paths:
                  - { paths: [risk/**], approvals: 2, from: codeowners, why: risk is critical }
                  - { paths: [pairs/**], require: [{ role: approver, count: 2 }], why: pairs }
                values:
                  - { file: limits.yaml, at: /raised, when: increases, require: [{ role: approver, count: 2 }], why: raised }
                  - { file: caps.yaml, at: /capped, must: { atMost: 1.5, atLeast: 0.5 }, why: capped }
                evidence:
                  - { paths: [models/**], files: [models/*/validation.json], why: protocol }
                commits: registry.example.com/commits
                branches: { main: { directPush: blocked, reviewers: 2, merge: [squash, rebase], checks: [lint, { name: gates, app: 4711 }], prefixes: [feat/, fix/] } }
                tags: { v*: { creation: restricted } }

            """),
        ("  admission:\n", "  ledger: { recover: { action: rotate } }\n  admission:\n"),
        ("  review:\n", """
              changes:
                standard: { preApproved: [docs/**, notes/**] }
                normal: { windows: ["Tue..Thu 10:00-16:00"] }
                emergency: { label: urgent, require: [{ role: releaser, count: 1 }], review: { require: [{ role: approver, count: 1 }], within: 48h } }
              review:

            """),
        ("    sidecars: [istio-proxy]\n", """
                sidecars: [istio-proxy]
                statements: registry.example.com/statements
                sessions: { exec: { require: [{ role: approver, count: 1 }] }, attach: { require: [{ role: approver, count: 1 }] }, portForward: { require: [{ role: approver, count: 1 }] } }
                objects:
                  - { resource: configmaps, in: { namespaces: [pay], environments: [production] }, names: [limits], require: { approved: { action: rotate, in: { environments: [production] } } } }
                  - { resource: configmaps, names: [caps], values: same-as-review, require: { approved: { action: rotate } } }

            """)));

    /// <summary>From, to, where it is told, what it is, what it is backwards, and who gains.</summary>
    public static TheoryData<string, string, string, PolicyChangeKind, PolicyChangeKind, string> Kinds => new()
    {
        { "name: shop,", "name: shop2,", "metadata.name", Weaker, Weaker, "" },
        { "1111\", earlier: [\"sha256:4444444444444444444444444444444444444444444444444444444444444444\"]", "1111\"", "metadata.earlier", Stronger, Weaker, "" },

        { "namespaces: [shop, pay] }", "namespaces: [shop, pay, new] }", "environments.production.namespaces", Weaker, Weaker, "" },
        { "clusters: [3f0c7a52-0000-4000-8000-000000000001]", "clusters: [3f0c7a52-0000-4000-8000-000000000001, 3f0c7a52-0000-4000-8000-000000000009]", "environments.production.clusters", Weaker, Weaker, "" },
        { "  people:\n", "    standby: { clusters: [3f0c7a52-0000-4000-8000-000000000009], namespaces: [shop] }\n  people:\n", "environments.standby", Weaker, Weaker, "" },

        { "cem: { id: p-3 }", "cem: { id: p-3 }\n    gus: { id: p-7 }", "people.gus", Weaker, Stronger, "p-7" },
        { "cem: { id: p-3 }", "cem: { id: p-8 }", "people.cem.id", Weaker, Weaker, "p-3 p-8" },
        { "from: 2026-01-01, until", "from: 2025-01-01, until", "people.ann.from", Weaker, Stronger, "p-1" },
        { "from: 2026-01-01, until", "until", "people.ann.from", Weaker, Stronger, "p-1" },
        { "until: 2027-12-31", "until: 2028-12-31", "people.ann.until", Weaker, Stronger, "p-1" },
        { "until: 2027-12-31, ", "", "people.ann.until", Weaker, Stronger, "p-1" },
        { "cem: { id: p-3 }", "cem: { id: p-3, github: { login: cem, id: 103 } }", "people.cem.github", Weaker, Weaker, "p-3" },
        { "cem: { id: p-3 }", "cem: { id: p-3, keys: [spare-key] }", "people.cem.keys", Weaker, Stronger, "p-3" },

        { $", openpgp: [{{ fingerprint: \"{Fingerprint}\", file: keys/1.pgp, sha256: \"{PolicyDocuments.Filled("PGP-1")}\" }}]", "", "people.ben.openpgp", Stronger, Weaker, "" },
        { $"keys/1.pgp, sha256: \"{PolicyDocuments.Filled("PGP-1")}\"", "keys/2.pgp, sha256: \"PGP-2\"", "people.ben.openpgp", Weaker, Weaker, "p-2" },
        { "keys/1.pgp", "moved/keys/1.pgp", "people.ben.openpgp", Neutral, Neutral, "" },
        { "[feat/, fix/]", "[feat/]", "review.branches.main.prefixes", Stronger, Weaker, "" },
        { "[feat/, fix/]", "[feat/, docs/]", "review.branches.main.prefixes", Weaker, Weaker, "" },
        { ", prefixes: [feat/, fix/]", "", "review.branches.main.prefixes", Weaker, Stronger, "" },
        { "creation: restricted", "creation: restricted, update: blocked", "review.tags", Stronger, Weaker, "" },
        { "{ v*: { creation: restricted } }", "{ w*: { creation: restricted } }", "review.tags", Weaker, Weaker, "" },
        { "reviewers: 2, merge", "reviewers: 2, mergeQueue: required, threads: resolved, merge", "review.branches", Stronger, Weaker, "" },

        { "author: { people", "helper: { people: [cem, ben] }\n    author: { people", "roles.helper", Weaker, Stronger, "p-2 p-3" },
        { "people: [dan, eve, fay]", "people: [dan, eve, fay, cem]", "roles.approver.people", Weaker, Stronger, "p-3" },
        { "people: [cem, ben]", "people: [cem]", "roles.author.people", Weaker, Weaker, "p-2" },
        { "conflictsWith: [author]", "conflictsWith: [author, approver]", "roles.releaser.conflictsWith", Stronger, Weaker, "" },
        { ", conflictsWith: [author]", "", "roles.releaser.conflictsWith", Weaker, Stronger, "p-2" },
        { ", githubTeams: [example/releasers]", "", "roles.releaser.githubTeams", Weaker, Stronger, "p-1 p-2" },
        { "[example/releasers]", "[example/releasers, example/more]", "roles.releaser.githubTeams", Weaker, Stronger, "p-1 p-2" },

        { "why: builds and signs }", "why: builds and signs }\n    second: { keys: [spare-key] }", "robots.second", Weaker, Stronger, "" },
        { "keys: [build-key]", "keys: [build-key, spare-key]", "robots.builder.keys", Weaker, Stronger, "" },
        { "why: builds and signs", "why: builds", "robots.builder.why", Neutral, Neutral, "" },

        { "      spare-key:", "      more-key: { spki: \"SPKI-8\", file: keys/8.pub }\n      spare-key:", "trust.keys.more-key", Weaker, Stronger, "" },
        { "spare-key:", "other-key:", "trust.keys.other-key", Neutral, Neutral, "" },
        { "keys/2.pub", "moved/keys/2.pub", "trust.keys.ben-key.file", Neutral, Neutral, "" },
        { "validFrom: 2026-01-01", "validFrom: 2025-01-01", "trust.keys.ann-key.validFrom", Weaker, Stronger, "p-1" },
        { "validUntil: 2027-01-31", "validUntil: 2027-02-01", "trust.keys.ann-key.validUntil", Weaker, Stronger, "p-1" },
        { ", validUntil: 2027-01-31", "", "trust.keys.ann-key.validUntil", Weaker, Stronger, "p-1" },

        { "cem: { id: p-3 }", "cem: { id: p-3, oidc: [{ issuer: https://accounts.example.com, subject: cem@example.com }] }", "people.cem.oidc", Weaker, Stronger, "p-3" },
        { "ownerId: 45, runner: github-hosted }]", "ownerId: 45, runner: github-hosted }, { issuer: https://ci.example.com, subject: build }]", "robots.flow.oidc", Weaker, Stronger, "" },
        { "repositoryId: 123, ownerId: 45, runner", "repositoryId: 123, runner", "robots.flow.oidc", Weaker, Stronger, "" },
        { "repositoryId: 123, ownerId: 45, runner", "repositoryId: 124, ownerId: 45, runner", "robots.flow.oidc", Weaker, Weaker, "" },
        { "release.yml@refs/tags/v*", "release.yml@refs/tags/v1", "robots.flow.oidc", Stronger, Weaker, "" },
        { "release.yml@refs/tags/v*", "release.yml@refs/tags/v*-rc", "robots.flow.oidc", Weaker, Weaker, "" },

        { "file: root.json", "file: moved/root.json", "trust.roots.sigstore.file", Neutral, Neutral, "" },
        { "file: root.json, sha256: \"" + Root + "\"", "file: other-root.json, sha256: \"ROOT-2\"", "trust.roots.sigstore", Weaker, Weaker, "" },
        { "file: root.json, sha256: \"" + Root + "\"", "instance: public-good", "trust.roots.sigstore", Weaker, Weaker, "" },
        { "logs: promise", "logs: inclusion", "trust.roots.sigstore.logs", Stronger, Weaker, "" },
        { "logs: promise", "logs: none", "trust.roots.sigstore.logs", Weaker, Stronger, "" },

        { "publicLogs: refuse", "publicLogs: ask", "signing.publicLogs", Weaker, Stronger, "" },
        { "publicLogs: refuse, ", "", "signing.publicLogs", Weaker, Stronger, "" },
        { "[https://rekor.example.com]", "[https://rekor.example.com, https://fulcio.example.com]", "signing.private", Weaker, Stronger, "" },

        { "revocations: { from: revocations.json, maxAge: 1h, by: [builder] }", "", "trust.revocations", Weaker, Stronger, "" },
        { "from: revocations.json", "from: other.json", "trust.revocations.from", Weaker, Weaker, "" },
        { "maxAge: 1h", "maxAge: 2h", "trust.revocations.maxAge", Weaker, Stronger, "" },
        { "maxAge: 1h, by: [builder]", "maxAge: 1h, by: [builder, dan]", "trust.revocations.by", Weaker, Stronger, "p-4" },
        { "maxAge: 1h, by: [builder]", "maxAge: 1h, by: { role: approver }", "trust.revocations.by", Weaker, Weaker, "p-4 p-5 p-6" },

        { "count: 2", "count: 1", "approvals.deploy.require", Weaker, Stronger, "p-4 p-5 p-6" },
        { "[{ role: approver, count: 2 }]", "[{ role: releaser, count: 1 }]", "approvals.deploy.require", Weaker, Weaker, "p-1 p-2" },
        { "[{ role: approver, count: 2 }]", "[{ role: approver, count: 2 }, { role: releaser, count: 1 }]", "approvals.deploy.require", Stronger, Weaker, "" },
        { "useBy: 7d, runUntil", "useBy: 8d, runUntil", "approvals.deploy.useBy", Weaker, Stronger, "" },
        { "runUntil: 26w", "runUntil: 27w", "approvals.deploy.runUntil", Weaker, Stronger, "" },
        { "runUntil: 26w, ", "", "approvals.deploy.runUntil", Weaker, Stronger, "" },
        { "maxUses: 3", "maxUses: 4", "approvals.deploy.maxUses", Weaker, Stronger, "" },
        { ", maxUses: 3", "", "approvals.deploy.maxUses", Weaker, Stronger, "" },
        { "    policy-change:", "    key-rotation: { require: [{ role: approver, count: 1 }], useBy: 7d }\n    policy-change:", "approvals.key-rotation", Neutral, Weaker, "" },
        { "    policy-change:", "    policy-weakening: { require: [{ role: approver, count: 2 }], useBy: 7d }\n    policy-change:", "approvals.policy-weakening", Weaker, Weaker, "p-4 p-5 p-6" },
        { "    policy-change: { require: [{ role: approver, count: 1 }], useBy: 7d }\n", "", "approvals.policy-change", Weaker, Weaker, "" },

        { "  ledger: { recover: { action: rotate } }\n", "", "ledger.recover", Stronger, Weaker, "" },
        { "ledger: { recover: { action: rotate } }", "ledger: { recover: { action: deploy } }", "ledger.recover", Weaker, Weaker, "p-4 p-5 p-6" },

        { "mode: enforce", "mode: warn", "admission.mode", Weaker, Stronger, "" },
        { "audit: [kube-system]", "audit: [kube-system, monitoring]", "admission.namespaces.audit", Weaker, Stronger, "" },
        { "own: gates", "own: elsewhere", "admission.namespaces.own", Weaker, Weaker, "" },
        { ", own: gates", "", "admission.namespaces.own", Stronger, Weaker, "" },
        { "exec: { require: [{ role: approver, count: 1 }] }", "exec: deny", "admission.sessions.exec", Stronger, Weaker, "" },
        { "exec: { require: [{ role: approver, count: 1 }] }", "exec: warn", "admission.sessions.exec", Weaker, Stronger, "" },
        { "exec: { require: [{ role: approver, count: 1 }] }", "exec: { require: [{ role: approver, count: 2 }] }", "admission.sessions.exec", Stronger, Weaker, "" },
        { "values: same-as-review, ", "", "admission.objects", Weaker, Stronger, "" },
        { "names: [limits]", "names: [limits, caps]", "admission.objects", Stronger, Weaker, "" },
        { "in: { namespaces: [pay], environments: [production] }, names", "names", "admission.objects", Stronger, Weaker, "" },
        { "registry.example.com/statements", "registry.example.com/others", "admission.statements", Weaker, Weaker, "" },
        { "unknownKinds: deny", "unknownKinds: unknown", "admission.unknownKinds", Weaker, Stronger, "" },
        { "sidecars: [istio-proxy]", "sidecars: [istio-proxy, linkerd]", "admission.sidecars", Weaker, Stronger, "" },
        { "      - { resource: rollouts", "      - { resource: others.argoproj.io, images: [/spec/image] }\n      - { resource: rollouts", "admission.customResources[others.argoproj.io]", Stronger, Weaker, "" },
        { "[/spec/template/spec/containers/*/image]", "[/spec/template/spec/containers/*/image, /spec/image]", "admission.customResources[rollouts.argoproj.io].images", Weaker, Weaker, "" },
        { "unknownKinds: deny", "unknownKinds: unknown", "admission.unknownKinds", Weaker, Stronger, "" },

        { "by: [builder, ann]", "by: [builder, ann, dan]", "artifacts.images[0]", Weaker, Stronger, "p-4" },
        { "by: [builder, ann]", "by: { role: releaser }", "artifacts.images[0]", Weaker, Weaker, "p-1 p-2" },
        { "repository: same, mirrors: [mirror.example.com/shop/**]", "repository: any", "artifacts.images[0]", Weaker, Stronger, "" },
        { "mirrors: [mirror.example.com/shop/**]", "mirrors: [mirror.example.com/**]", "artifacts.images[0]", Weaker, Stronger, "" },
        { "mode: warn", "mode: audit", "artifacts.images[0]", Weaker, Stronger, "" },
        { "[registry.example.com/shop/**]", "[registry.example.com/**]", "artifacts.images[0]", Weaker, Stronger, "" },
        { "pause@sha256:2222222222222222222222222222222222222222222222222222222222222222\"", "pause@sha256:2222222222222222222222222222222222222222222222222222222222222222\", \"registry.k8s.io/pause@sha256:3333333333333333333333333333333333333333333333333333333333333333\"", "artifacts.images[1]", Weaker, Stronger, "" },
        { "in: { namespaces: [kube-system], environments", "in: { namespaces: [kube-system, other], environments", "artifacts.images[1]", Weaker, Stronger, "" },
        { "covers: [artifact, template]", "covers: [artifact]", "artifacts.images[3]", Weaker, Stronger, "" },
        { ", reviewed: { by: [reviewer] }", "", "artifacts.images[3]", Weaker, Stronger, "" },
        { "reviewed: { by: [reviewer] }", "reviewed: { by: [reviewer, watcher] }", "artifacts.images[3]", Weaker, Stronger, "" },
        { "reviewed: { by: [reviewer] }", "reviewed: { by: [reviewer], properties: [ORG_SOURCE_POLICY_ALLOWED] }", "artifacts.images[3]", Weaker, Stronger, "" },
        { ", tagged: { by: { role: approver } }", "", "artifacts.images[3]", Weaker, Stronger, "" },
        { "tagged: { by: { role: approver } }", "tagged: { by: [dan] }", "artifacts.images[3]", Weaker, Weaker, "p-4" },
        { "main: { directPush: blocked, ", "main: { ", "review.branches", Weaker, Stronger, "" },
        { "main: { directPush: blocked, ", "main: { directPush: blocked, deletion: blocked, ", "review.branches", Stronger, Weaker, "" },
        { "reviewers: 2, merge", "reviewers: 3, merge", "review.branches", Stronger, Weaker, "" },
        { "[squash, rebase]", "[squash]", "review.branches", Stronger, Weaker, "" },
        { ", { name: gates, app: 4711 }", ", gates", "review.branches", Weaker, Stronger, "" },
        { "commits: registry.example.com/commits", "commits: registry.example.com/others", "review.commits", Weaker, Weaker, "" },
        { "in: { environments: [production] }, ", "", "artifacts.images[3]", Stronger, Weaker, "" },
        { "action: deploy", "action: policy-change", "artifacts.images[3]", Weaker, Weaker, "p-4 p-5 p-6" },
        { ", approved: { action: deploy, in: { environments: [production] }, covers: [artifact, template] }", "", "artifacts.images[3]", Weaker, Stronger, "" },
        { "verdict: deny", "verdict: warn", "artifacts.images[4]", Weaker, Stronger, "" },
        { "why: not a registry of ours", "why: ask the platform team", "artifacts.images[4]", Neutral, Neutral, "" },
        { "      - match: [tools.example.com/**]", "      - { match: [tools.example.com/old/**], verdict: deny }\n      - match: [tools.example.com/**]", "artifacts.images[2]", Stronger, Weaker, "" },
        { "      - match: [tools.example.com/**]", "      - { match: [tools.example.com/old/**], verdict: allow, why: old }\n      - match: [tools.example.com/**]", "artifacts.images[2]", Weaker, Stronger, "" },
        { "      - match: [\"**\"]\n        verdict: deny\n        why: not a registry of ours\n", "", "artifacts.images[4]", Neutral, Neutral, "" },
    };

    /// <summary>One change of meaning for each field of the language, by its place in the grammar.</summary>
    private static Dictionary<string, (string From, string To)> OfEachField => new()
    {
        ["metadata.name"] = ("name: shop,", "name: other,"),
        ["metadata.version"] = ("version: 2", "version: 3"),
        ["metadata.previous"] = ("sha256:1111", "sha256:2111"),
        ["metadata.earlier[]"] = ("sha256:4444", "sha256:5444"),
        ["spec.review.codeowners.required"] = ("required: true", "required: false"),
        ["spec.review.codeowners.mistakes"] = ("mistakes: deny", "mistakes: warn"),
        ["spec.review.approvals.default"] = ("default: 3", "default: 2"),
        ["spec.review.exclude[]"] = ("[author, committers, robots]", "[author, robots]"),
        ["spec.review.paths[].paths[]"] = ("[risk/**]", "[risk/*]"),
        ["spec.review.paths[].approvals"] = ("approvals: 2, from", "approvals: 1, from"),
        ["spec.review.paths[].require[].role"] = ("[pairs/**], require: [{ role: approver, count: 2 }]", "[pairs/**], require: [{ role: releaser, count: 1 }]"),
        ["spec.review.paths[].require[].count"] = ("[pairs/**], require: [{ role: approver, count: 2 }]", "[pairs/**], require: [{ role: approver, count: 1 }]"),
        ["spec.review.paths[].why"] = ("why: risk is critical", "why: risk"),
        ["spec.review.values[].file"] = ("file: limits.yaml", "file: other.yaml"),
        ["spec.review.values[].at"] = ("at: /raised", "at: /other"),
        ["spec.review.values[].when"] = ("when: increases", "when: decreases"),
        ["spec.review.values[].must.atMost"] = ("atMost: 1.5", "atMost: 2"),
        ["spec.review.values[].must.atLeast"] = ("atLeast: 0.5", "atLeast: 0"),
        ["spec.review.values[].require[].role"] = ("increases, require: [{ role: approver, count: 2 }]", "increases, require: [{ role: releaser, count: 1 }]"),
        ["spec.review.values[].require[].count"] = ("increases, require: [{ role: approver, count: 2 }]", "increases, require: [{ role: approver, count: 1 }]"),
        ["spec.review.values[].why"] = ("why: capped", "why: other"),
        ["spec.review.evidence[].paths[]"] = ("paths: [models/**]", "paths: [models/*]"),
        ["spec.review.evidence[].files[]"] = ("files: [models/*/validation.json]", "files: [models/*]"),
        ["spec.review.evidence[].why"] = ("why: protocol", "why: other"),
        ["spec.environments.*.clusters[]"] = ("000000000001]", "000000000003]"),
        ["spec.environments.*.namespaces[]"] = ("[shop, pay]", "[shop]"),
        ["spec.people.*.id"] = ("id: p-1,", "id: p-9,"),
        ["spec.people.*.from"] = ("from: 2026-01-01, until", "from: 2026-01-02, until"),
        ["spec.people.*.until"] = ("until: 2027-12-31", "until: 2027-12-30"),
        ["spec.people.*.github.id"] = ("id: 101", "id: 109"),
        ["spec.people.*.keys[]"] = (", keys: [ben-key]", ""),
        ["spec.roles.*.people[]"] = ("people: [cem, ben]", "people: [cem, ben, ann]"),
        ["spec.roles.*.githubTeams[]"] = ("example/releasers", "example/others"),
        ["spec.roles.*.conflictsWith[]"] = ("conflictsWith: [author]", "conflictsWith: [approver]"),
        ["spec.robots.*.keys[]"] = ("keys: [build-key]", "keys: [spare-key]"),
        ["spec.people.*.oidc[].issuer"] = ("issuer: https://accounts.example.com", "issuer: https://id.example.com"),
        ["spec.people.*.oidc[].subject"] = ("subject: dan@example.com", "subject: daniel@example.com"),
        ["spec.robots.*.oidc[].issuer"] = ("issuer: https://token.actions.githubusercontent.com", "issuer: https://ci.example.com"),
        ["spec.robots.*.oidc[].subject"] = ("release.yml@refs/tags/v*", "release.yml@refs/heads/main"),
        ["spec.robots.*.oidc[].repositoryId"] = ("repositoryId: 123, ", ""),
        ["spec.robots.*.oidc[].ownerId"] = ("ownerId: 45", "ownerId: 46"),
        ["spec.robots.*.oidc[].runner"] = ("ownerId: 45, runner: github-hosted", "ownerId: 45, runner: self-hosted"),
        ["spec.trust.roots.sigstore"] = ($"{{ file: root.json, sha256: \"{Root}\", logs: promise }}", "public-good"),
        ["spec.trust.roots.sigstore.instance"] = ($"file: root.json, sha256: \"{Root}\"", "instance: public-good"),
        ["spec.trust.roots.sigstore.file"] = ("file: root.json", "file: moved/root.json"),
        ["spec.trust.roots.sigstore.sha256"] = ($"file: root.json, sha256: \"{Root}\"", "file: other-root.json, sha256: \"ROOT-2\""),
        ["spec.trust.roots.sigstore.logs"] = ("logs: promise", "logs: none"),
        ["spec.artifacts.images[].require.provenance.by[]"] = ("provenance: { by: [flow]", "provenance: { by: [flow, builder]"),
        ["spec.artifacts.images[].require.provenance.by.role"] = (Told, "provenance: { by: { role: releaser }, source: https://github.com/example/app }"),
        ["spec.artifacts.images[].require.provenance.builder"] = ("https://builder.example.com/*", "https://builder.example.com/one"),
        ["spec.artifacts.images[].require.provenance.source"] = ("source: https://github.com/example/app,", "source: https://github.com/example/*,"),
        ["spec.artifacts.images[].require.provenance.ref"] = ("ref: refs/tags/v*", "ref: refs/heads/main"),
        ["spec.artifacts.images[].require.provenance.runner"] = ("refs/tags/v*, runner: github-hosted }", "refs/tags/v* }"),
        ["spec.artifacts.images[].require.tagged.by[]"] = ("tagged: { by: { role: approver } }", "tagged: { by: [dan] }"),
        ["spec.artifacts.images[].require.tagged.by.role"] = ("tagged: { by: { role: approver } }", "tagged: { by: { role: releaser } }"),
        ["spec.artifacts.images[].require.reviewed.by[]"] = ("reviewed: { by: [reviewer] }", "reviewed: { by: [watcher] }"),
        ["spec.artifacts.images[].require.reviewed.properties[]"] = ("reviewed: { by: [reviewer] }", "reviewed: { by: [reviewer], properties: [ORG_SOURCE_POLICY_ALLOWED] }"),
        ["spec.review.branches.*.reviewers"] = ("reviewers: 2, ", "reviewers: 1, "),
        ["spec.review.branches.*.merge[]"] = ("[squash, rebase]", "[squash]"),
        ["spec.review.branches.*.checks[]"] = ("checks: [lint,", "checks: [test,"),
        ["spec.review.branches.*.checks[].name"] = ("name: gates,", "name: gate,"),
        ["spec.review.branches.*.checks[].app"] = ("app: 4711", "app: 4712"),
        ["spec.changes.standard.preApproved[]"] = ("docs/**, notes/**", "docs/**"),
        ["spec.changes.normal.windows[]"] = ("Tue..Thu 10:00", "Mon..Thu 10:00"),
        ["spec.changes.emergency.label"] = ("label: urgent", "label: hot"),
        ["spec.changes.emergency.require[].role"] = ("urgent, require: [{ role: releaser", "urgent, require: [{ role: approver"),
        ["spec.changes.emergency.require[].count"] = ("urgent, require: [{ role: releaser, count: 1 }], review: { require: [{ role: approver", "urgent, require: [{ role: approver, count: 2 }], review: { require: [{ role: releaser"),
        ["spec.changes.emergency.review.require[].role"] = ("urgent, require: [{ role: releaser, count: 1 }], review: { require: [{ role: approver", "urgent, require: [{ role: approver, count: 1 }], review: { require: [{ role: releaser"),
        ["spec.changes.emergency.review.require[].count"] = ("review: { require: [{ role: approver, count: 1", "review: { require: [{ role: approver, count: 2"),
        ["spec.changes.emergency.review.within"] = ("within: 48h", "within: 72h"),
        ["spec.review.branches.*.prefixes[]"] = ("[feat/, fix/]", "[feat/]"),
        ["spec.people.*.openpgp[].fingerprint"] = ($"\"{Fingerprint}\", file: keys/1.pgp, sha256: \"{PolicyDocuments.Filled("PGP-1")}\"", "\"0845B9F20A829CF4D7037465E165AB6B1567E939\", file: keys/3.pgp, sha256: \"PGP-3\""),
        ["spec.people.*.openpgp[].file"] = ("keys/1.pgp", "moved/keys/1.pgp"),
        ["spec.people.*.openpgp[].sha256"] = ($"keys/1.pgp, sha256: \"{PolicyDocuments.Filled("PGP-1")}\"", "keys/2.pgp, sha256: \"PGP-2\""),
        ["spec.review.commits"] = ("commits: registry.example.com/commits", "commits: registry.example.com/others"),
        ["spec.robots.*.why"] = ("why: builds and signs", "why: builds"),
        ["spec.trust.keys.*.spki"] = ($"\"{PolicyDocuments.Spki(7)}\", file: keys/7.pub", "\"SPKI-8\", file: keys/8.pub"),
        ["spec.trust.keys.*.file"] = ("keys/2.pub", "moved/keys/2.pub"),
        ["spec.trust.keys.*.validFrom"] = ("validFrom: 2026-01-01", "validFrom: 2026-01-02"),
        ["spec.trust.keys.*.validUntil"] = ("validUntil: 2027-01-31", "validUntil: 2027-01-30"),
        ["spec.trust.revocations.from"] = ("revocations.json", "other.json"),
        ["spec.trust.revocations.maxAge"] = ("maxAge: 1h", "maxAge: 2h"),
        ["spec.trust.revocations.by[]"] = ("maxAge: 1h, by: [builder]", "maxAge: 1h, by: [builder, ann]"),
        ["spec.trust.revocations.by.role"] = ("maxAge: 1h, by: [builder]", "maxAge: 1h, by: { role: releaser }"),
        ["spec.artifacts.images[].match[]"] = ("tools.example.com/**", "tools.example.com/*"),
        ["spec.artifacts.images[].in.namespaces[]"] = ("in: { namespaces: [kube-system]", "in: { namespaces: [kube-public]"),
        ["spec.artifacts.images[].in.environments[]"] = ("environments: [staging] }", "environments: [production] }"),
        ["spec.artifacts.images[].mode"] = ("mode: warn", "mode: audit"),
        ["spec.artifacts.images[].require.signed.by[]"] = ("by: [builder, ann]", "by: [builder]"),
        ["spec.artifacts.images[].require.signed.by.role"] = ("by: { role: releaser }", "by: { role: approver }"),
        ["spec.artifacts.images[].require.signed.repository"] = ("repository: any", "repository: same"),
        ["spec.artifacts.images[].require.signed.mirrors[]"] = ("mirror.example.com/shop/**", "mirror.example.com/**"),
        ["spec.artifacts.images[].require.pinned[]"] = ("sha256:2222", "sha256:3222"),
        ["spec.artifacts.images[].require.approved.action"] = ("action: deploy", "action: policy-change"),
        ["spec.artifacts.images[].require.approved.in.environments[]"] = ("environments: [production] }", "environments: [staging] }"),
        ["spec.artifacts.images[].require.approved.covers[]"] = ("covers: [artifact, template]", "covers: [artifact]"),
        ["spec.artifacts.images[].verdict"] = ("verdict: deny", "verdict: warn"),
        ["spec.artifacts.images[].why"] = ("why: not a registry of ours", "why: other"),
        ["spec.signing.publicLogs"] = ("publicLogs: refuse", "publicLogs: ask"),
        ["spec.signing.private[]"] = ("https://rekor.example.com", "https://other.example.com"),
        ["spec.approvals.*.require[].role"] = ("[{ role: approver, count: 2 }]", "[{ role: releaser, count: 1 }]"),
        ["spec.approvals.*.require[].count"] = ("count: 2", "count: 1"),
        ["spec.approvals.*.useBy"] = ("useBy: 7d, runUntil", "useBy: 8d, runUntil"),
        ["spec.approvals.*.runUntil"] = ("runUntil: 26w", "runUntil: 27w"),
        ["spec.approvals.*.maxUses"] = ("maxUses: 3", "maxUses: 4"),
        ["spec.ledger.recover.action"] = ("recover: { action: rotate }", "recover: { action: deploy }"),
        ["spec.admission.mode"] = ("mode: enforce", "mode: warn"),
        ["spec.admission.namespaces.audit[]"] = ("audit: [kube-system]", "audit: [kube-public]"),
        ["spec.admission.namespaces.own"] = ("own: gates", "own: other"),
        ["spec.admission.unknownKinds"] = ("unknownKinds: deny", "unknownKinds: warn"),
        ["spec.admission.sidecars[]"] = ("istio-proxy", "linkerd"),
        ["spec.admission.statements"] = ("registry.example.com/statements", "registry.example.com/others"),
        ["spec.admission.objects[].resource"] = ("resource: configmaps, in", "resource: secrets, in"),
        ["spec.admission.objects[].in.namespaces[]"] = ("namespaces: [pay], env", "namespaces: [shop], env"),
        ["spec.admission.objects[].in.environments[]"] = ("environments: [production] }, names", "environments: [staging] }, names"),
        ["spec.admission.objects[].names[]"] = ("names: [limits]", "names: [others]"),
        ["spec.admission.objects[].require.approved.action"] = ("approved: { action: rotate", "approved: { action: deploy"),
        ["spec.admission.objects[].require.approved.in.environments[]"] = ("rotate, in: { environments: [production]", "rotate, in: { environments: [staging]"),
        ["spec.admission.sessions.exec"] = ("exec: { require: [{ role: approver, count: 1 }] }", "exec: deny"),
        ["spec.admission.sessions.exec.require[].role"] = ("exec: { require: [{ role: approver", "exec: { require: [{ role: releaser"),
        ["spec.admission.sessions.exec.require[].count"] = ("exec: { require: [{ role: approver, count: 1", "exec: { require: [{ role: approver, count: 2"),
        ["spec.admission.sessions.attach"] = ("attach: { require: [{ role: approver, count: 1 }] }", "attach: deny"),
        ["spec.admission.sessions.attach.require[].role"] = ("attach: { require: [{ role: approver", "attach: { require: [{ role: releaser"),
        ["spec.admission.sessions.attach.require[].count"] = ("attach: { require: [{ role: approver, count: 1", "attach: { require: [{ role: approver, count: 2"),
        ["spec.admission.sessions.portForward"] = ("portForward: { require: [{ role: approver, count: 1 }] }", "portForward: deny"),
        ["spec.admission.sessions.portForward.require[].role"] = ("portForward: { require: [{ role: approver", "portForward: { require: [{ role: releaser"),
        ["spec.admission.sessions.portForward.require[].count"] = ("portForward: { require: [{ role: approver, count: 1", "portForward: { require: [{ role: approver, count: 2"),
        ["spec.admission.customResources[].resource"] = ("rollouts.argoproj.io", "others.argoproj.io"),
        ["spec.admission.customResources[].images[]"] = ("containers/*/image", "others/*/image"),
    };

    /// <summary>Fields that may say anything and mean nothing.</summary>
    private static readonly string[] WithoutMeaning = ["spec.people.*.github.login"];

    [Theory, MemberData(nameof(Kinds))]
    public void Each_kind_of_change_is_called_what_it_is(string from, string to, string path, PolicyChangeKind forwards, PolicyChangeKind backwards, string gains)
    {
        var (before, after) = (Policy(Base), Policy(PolicyDocuments.Filled(PolicyDocuments.Replaced(Base, from, to))));
        var change = Strictest(PolicyDiff.Between(before, after), path);
        Assert.Equal((forwards, gains), (change.Kind, string.Join(' ', change.Gains)));
        Assert.Equal(backwards, Strictest(PolicyDiff.Between(after, before), path).Kind);
    }

    /// <summary>The guard against forgetting: a field that joins the language must join this table, and the comparison.</summary>
    [Fact]
    public void No_field_of_the_language_changes_unseen()
    {
        Assert.Equal(Leaves(PolicyGrammar.Policy, "").Except(WithoutMeaning).Order(StringComparer.Ordinal), OfEachField.Keys.Order(StringComparer.Ordinal));
        var before = Policy(Base);
        foreach (var (field, (from, to)) in OfEachField)
        {
            var after = Policy(PolicyDocuments.Filled(PolicyDocuments.Replaced(Base, from, to)));
            var section = (field.StartsWith("spec.", StringComparison.Ordinal) ? field["spec.".Length..] : field).Split('*', '[')[0];
            foreach (var diff in (PolicyDiff[])[PolicyDiff.Between(before, after), PolicyDiff.Between(after, before)])
            {
                Assert.True(diff.Changes.Any(change => change.Path.StartsWith(section, StringComparison.Ordinal) || section.StartsWith(change.Path + ".", StringComparison.Ordinal)), $"a change of {field} is not seen");
            }
        }
    }

    [Fact]
    public void What_means_nothing_and_what_is_only_written_otherwise_is_no_change()
    {
        foreach (var (from, to) in ((string, string)[])[("login: ann", "login: anna"), ("spec:\n", "# a comment\nspec:\n"), ("[shop, pay]", "[pay, shop]"), ("people: [dan, eve, fay]", "people: [fay, dan, eve]"), ("unknownKinds: deny", "unknownKinds: \"deny\"")])
        {
            Assert.Empty(Meaning(PolicyDiff.Between(Policy(Base), Policy(PolicyDocuments.Replaced(Base, from, to)))));
        }
    }

    [Fact]
    public void A_policy_does_not_differ_from_itself()
    {
        foreach (var yaml in (string[])[Base, PolicyDocuments.Sound])
        {
            var diff = PolicyDiff.Between(Policy(yaml), Policy(yaml));
            Assert.Empty(diff.Changes);
            Assert.False(diff.IsWeaker);
            Assert.Empty(diff.Gainers);
        }
    }

    [Fact]
    public void A_version_that_rises_and_names_the_one_before_is_neutral()
    {
        var before = Policy(Base);
        var silent = Next(before);
        var diff = PolicyDiff.Between(before, Policy(silent.Replace("earlier: [", $"earlier: [\"{before.Previous}\", ", StringComparison.Ordinal)));
        Assert.Equal([(Neutral, "metadata.version"), (Neutral, "metadata.previous")], diff.Changes.Select(change => (change.Kind, change.Path)));
        Assert.False(diff.IsWeaker);

        // What was reviewed before the last version counts no more where nobody names that version.
        var forgotten = PolicyDiff.Between(before, Policy(silent)).Changes[0];
        Assert.Equal((Stronger, "metadata.earlier", $"reviews under {before.Previous} count no more, unless it is added"), (forgotten.Kind, forgotten.Path, forgotten.Message));
    }

    [Theory]
    [InlineData("version: 3", "version: 2", "metadata.version")]
    [InlineData("version: 3", "version: 1, ", "metadata.version")]
    [InlineData("previous: \"sha256:", "previous: \"sha256:00", "metadata.previous")]
    public void A_version_that_does_not_follow_on_is_weaker(string from, string to, string path)
    {
        var before = Policy(Base);
        var next = Next(before);
        next = to.StartsWith("version: 1", StringComparison.Ordinal) ? PolicyDocuments.Replaced(next, $"version: 3, previous: \"{before.Digest}\"", "version: 1")
            : to.EndsWith("00", StringComparison.Ordinal) ? PolicyDocuments.Replaced(next, $"{before.Digest}", $"sha256:{new string('0', 64)}")
            : PolicyDocuments.Replaced(next, from, to);
        Assert.Equal(Weaker, Strictest(PolicyDiff.Between(before, Policy(next)), path).Kind);
    }

    [Fact]
    public void Who_gains_by_one_change_of_many_is_among_the_gainers_and_weaker_changes_come_first()
    {
        var after = Edit(Base, ("people: [dan, eve, fay]", "people: [dan, eve, fay, cem]"), ("validUntil: 2027-01-31", "validUntil: 2028-01-31"), ("mode: warn", "mode: enforce"), ("why: builds and signs", "why: builds"));
        var diff = PolicyDiff.Between(Policy(Base), Policy(after));
        Assert.Equal(["p-1", "p-3"], diff.Gainers.Order());
        Assert.Equal(diff.Changes.Select(change => change.Kind).OrderDescending(), diff.Changes.Select(change => change.Kind));
        Assert.Contains(diff.Changes, change => change.Kind == Stronger);
        Assert.Contains(diff.Changes, change => change.Kind == Neutral);
    }

    [Fact]
    public void A_person_under_another_name_gains_what_they_had()
    {
        var after = Edit(Base, ("    cem: { id: p-3 }", "    kim: { id: p-3 }"), ("people: [cem, ben]", "people: [kim, ben]"));
        Assert.Equal(["p-3"], PolicyDiff.Between(Policy(Base), Policy(after)).Gainers);
    }

    [Fact]
    public void A_key_that_passes_to_another_person_is_their_gain()
    {
        var after = Edit(Base, ("cem: { id: p-3 }", "cem: { id: p-3, keys: [ben-key] }"), ("id: 102 }, keys: [ben-key]", "id: 102 }"));
        var diff = PolicyDiff.Between(Policy(Base), Policy(after));
        Assert.Equal(["p-3"], diff.Gainers);
        Assert.Contains(diff.Changes, change => change is { Kind: Weaker, Path: "people.cem.keys" });
    }

    private static string Next(Policy before) => PolicyDocuments.Replaced(Base, "version: 2, previous: \"sha256:1111111111111111111111111111111111111111111111111111111111111111\"", $"version: 3, previous: \"{before.Digest}\"");

    private static Policy Policy(string yaml) => PolicyDocuments.Accepted(yaml).Policy;

    private static string Edit(string yaml, params (string From, string To)[] edits) => edits.Aggregate(yaml, (text, edit) => PolicyDocuments.Replaced(text, edit.From, edit.To));

    // The test's policies do not follow on each other, and that is told too.
    private static IEnumerable<PolicyChange> Meaning(PolicyDiff diff) => diff.Changes.Where(change => !change.Path.StartsWith("metadata.version", StringComparison.Ordinal) && !change.Path.StartsWith("metadata.previous", StringComparison.Ordinal));

    private static PolicyChange Strictest(PolicyDiff diff, string path)
    {
        var changes = path is "metadata.version" or "metadata.previous" ? diff.Changes : [.. Meaning(diff)];
        Assert.NotEmpty(changes);
        var strictest = changes.Max(change => change.Kind);
        return changes.FirstOrDefault(change => change.Path == path && change.Kind == strictest) ?? changes.First(change => change.Kind == strictest);
    }

    private static IEnumerable<string> Leaves(Shape shape, string path) => shape switch
    {
        Shape.Fields fields => fields.All.Where(field => field.Shape is not null).SelectMany(field => Leaves(field.Shape!, path.Length == 0 ? field.Name : $"{path}.{field.Name}")),
        Shape.Named named => Leaves(named.Value, path + ".*"),
        Shape.List list => Leaves(list.Item, path + "[]"),
        Shape.Either either => Leaves(either.Plain, path).Concat(Leaves(either.Mapping, path)),

        // What can be written in one way only cannot change.
        Shape.Choice { Words.Length: 1 } => [],
        _ => [path],
    };
}
