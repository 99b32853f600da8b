// Checks every entry of a log with sigstore's own code: the signature of the checkpoint, and for each entry an inclusion proof
// that is made here of the tiles of leaves.
//   node check.mjs MODULES ROOT VKEY     MODULES is the node_modules folder with @sigstore/verify
import { createHash, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [modules, root, vkeyFile] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const { verifyMerkleInclusion } = require(`${modules}/@sigstore/verify/dist/tlog/merkle.js`);
const { verifyCheckpoint } = require(`${modules}/@sigstore/verify/dist/tlog/checkpoint.js`);

const node = (left, right) => createHash('sha256').update(Buffer.concat([Buffer.from([1]), left, right])).digest();
const path = n => {
  let text = String(n % 1000).padStart(3, '0');
  for (n = Math.floor(n / 1000); n > 0; n = Math.floor(n / 1000)) text = `x${String(n % 1000).padStart(3, '0')}/${text}`;
  return text;
};

const envelope = readFileSync(`${root}/checkpoint`, 'utf8');
const size = Number(envelope.split('\n')[1]);
const leaves = [];
const bodies = [];
for (let n = 0; n * 256 < size; n++) {
  const width = Math.min(256, size - n * 256);
  const name = `${path(n)}${width < 256 ? `.p/${width}` : ''}`;
  const hashes = readFileSync(`${root}/tile/0/${name}`);
  const bundle = readFileSync(`${root}/tile/entries/${name}`);
  for (let i = 0, at = 0; i < width; i++) {
    leaves.push(hashes.subarray(i * 32, i * 32 + 32));
    const length = bundle.readUInt16BE(at);
    bodies.push(bundle.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
}

const roots = new Map();
const split = n => { let k = 1; while (k * 2 < n) k *= 2; return k; };
const hash = (first, end) => {
  if (end - first === 1) return leaves[first];
  const key = `${first}-${end}`;
  if (!roots.has(key)) {
    const middle = first + split(end - first);
    roots.set(key, node(hash(first, middle), hash(middle, end)));
  }
  return roots.get(key);
};
const prove = (index, first, end) => {
  if (end - first === 1) return [];
  const middle = first + split(end - first);
  return index < middle ? [...prove(index, first, middle), hash(middle, end)] : [...prove(index, middle, end), hash(first, middle)];
};

const [name, id, ...base64] = readFileSync(vkeyFile, 'utf8').trim().split('+');
const raw = Buffer.from(base64.join('+'), 'base64').subarray(1);
const publicKey = createPublicKey({ key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw]), format: 'der', type: 'spki' });
for (let index = 0; index < size; index++) {
  const entry = {
    logIndex: String(index),
    canonicalizedBody: bodies[index],
    inclusionProof: { logIndex: String(index), treeSize: String(size), hashes: prove(index, 0, size), checkpoint: { envelope } },
  };
  const checkpoint = verifyCheckpoint(entry, [{ logID: Buffer.from(id, 'hex'), baseURL: `https://${name}`, publicKey }]);
  verifyMerkleInclusion(entry, checkpoint);
}
console.log(`${size} entries`);
