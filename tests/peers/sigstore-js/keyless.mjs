// sigstore's own client, without a key.
//   node keyless.mjs MODULES sign URL TOKEN ARTIFACT BUNDLE         signs a file by the instance at URL
//   node keyless.mjs MODULES verify ROOT IDENTITY BUNDLE [ARTIFACT] [--timestamps]     verifies a bundle for a subject alternative name
import fs from 'node:fs';
import { createRequire } from 'node:module';

const [modules, verb, ...rest] = process.argv.slice(2);
const require = createRequire(import.meta.url);
if (verb === 'sign') {
  const [url, token, artifact, bundle] = rest;
  const { sign } = require(`${modules}/sigstore`);
  fs.writeFileSync(bundle, JSON.stringify(await sign(fs.readFileSync(artifact), { fulcioURL: url, rekorURL: url, identityToken: fs.readFileSync(token, 'utf8'), tlogUpload: true })));
} else {
  const [root, identity, bundle, artifact] = rest.filter(one => one !== '--timestamps');
  const { toTrustMaterial, toSignedEntity, Verifier } = require(`${modules}/@sigstore/verify`);
  const { TrustedRoot } = require(`${modules}/@sigstore/protobuf-specs`);
  const { bundleFromJSON } = require(`${modules}/@sigstore/bundle`);
  const json = file => JSON.parse(fs.readFileSync(file, 'utf8'));
  const verifier = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(json(root))), { ctlogThreshold: 1, tlogThreshold: 1, ...(rest.includes('--timestamps') ? { tsaThreshold: 1 } : {}) });
  verifier.verify(toSignedEntity(bundleFromJSON(json(bundle)), artifact && fs.readFileSync(artifact)), { subjectAlternativeName: identity });
  console.log('verified');
}
