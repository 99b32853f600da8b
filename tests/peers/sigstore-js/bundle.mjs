// Verifies a bundle that a key signed with sigstore's own code, without logs and timestamps.
//   node bundle.mjs MODULES BUNDLE KEY     MODULES is the node_modules folder with @sigstore/verify
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [modules, bundleFile, keyFile] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const { bundleFromJSON } = require(`${modules}/@sigstore/bundle`);
const { Verifier, toSignedEntity } = require(`${modules}/@sigstore/verify`);

const key = { publicKey: createPublicKey(readFileSync(keyFile)), validFor: () => true };
const trust = { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [], publicKey: () => key };
const verifier = new Verifier(trust, { tlogThreshold: 0, timestampThreshold: 0, ctlogThreshold: 0 });
verifier.verify(toSignedEntity(bundleFromJSON(JSON.parse(readFileSync(bundleFile)))));
console.log('verified');
