// How many verifications of one bundle a second sigstore's own code does in one process, once it is warm.
//   node time.mjs MODULES SECONDS ROOT ARTIFACT IDENTITY ISSUER BUNDLE…     a line `BUNDLE RATE` for each
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [modules, seconds, rootFile, artifactFile, identity, issuer, ...bundles] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const { bundleFromJSON } = require(`${modules}/@sigstore/bundle`);
const { TrustedRoot } = require(`${modules}/@sigstore/protobuf-specs`);
const { Verifier, toSignedEntity, toTrustMaterial } = require(`${modules}/@sigstore/verify`);

const artifact = readFileSync(artifactFile);
const verifier = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(readFileSync(rootFile)))), { tlogThreshold: 1, timestampThreshold: 1, ctlogThreshold: 1 });
for (const file of bundles) {
  const json = readFileSync(file);
  const verify = () => verifier.verify(toSignedEntity(bundleFromJSON(JSON.parse(json)), artifact), { subjectAlternativeName: identity, extensions: { issuer } });
  const run = (limit) => {
    const began = process.hrtime.bigint();
    let count = 0;
    while (Number(process.hrtime.bigint() - began) / 1e9 < limit) {
      verify();
      count++;
    }
    return count / (Number(process.hrtime.bigint() - began) / 1e9);
  };
  run(seconds / 2);
  console.log(`${file} ${run(Number(seconds))}`);
}
