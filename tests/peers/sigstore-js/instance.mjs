// A Sigstore instance on loopback: Fulcio, a log of certificates, Rekor in both versions, a timestamp authority. Serves until it is ended.
//   node instance.mjs MODULES OUT PORT     MODULES is the node_modules folder with @sigstore/mock; OUT gets the trusted root and a token
// The authorities are sigstore's own @sigstore/mock. The logs are made here: the mock's have one leaf, and entries as they were handed in.
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';

const [modules, out, port] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const mock = require(`${modules}/@sigstore/mock`);
const pkijs = require(`${modules}/pkijs`);
const asn1js = require(`${modules}/asn1js`);
const base = `http://127.0.0.1:${port}`;

const sha256 = (...parts) => crypto.createHash('sha256').update(Buffer.concat(parts)).digest();
const b64 = bytes => Buffer.from(bytes).toString('base64');
const ec = () => crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = key => key.export({ format: 'der', type: 'spki' });
const pem = (der, label = 'CERTIFICATE') => `-----BEGIN ${label}-----\n${b64(der).match(/.{1,64}/g).join('\n')}\n-----END ${label}-----\n`;
// RFC 8785 for what is logged: keys sorted, no white space, plain ASCII.
const canonical = value => Array.isArray(value) ? `[${value.map(canonical).join(',')}]`
  : value && typeof value === 'object' ? `{${Object.keys(value).sort().map(key => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`
  : JSON.stringify(value);

const [caKey, ctKey, rekorKey, tsaKey] = [ec(), ec(), ec(), ec()];
const rekor2Key = crypto.generateKeyPairSync('ed25519');
const ca = await mock.initializeCA(caKey, await mock.initializeCTLog(ctKey));
const tsa = await mock.initializeTSA(tsaKey);
// Whole seconds: the mock writes any number of their digits, and sigstore's reader takes three or none.
tsa.getCurrentTime = () => new Date(Math.floor(Date.now() / 1000) * 1000);
const fulcio = mock.fulcioHandler(ca, { strict: true, subjectClaim: 'sub' });

// RFC 6962, section 2.1.
const node = (left, right) => sha256(Buffer.from([1]), left, right);
const split = n => { let k = 1; while (k * 2 < n) k *= 2; return k; };
const rootOf = hashes => hashes.length === 1 ? hashes[0] : node(rootOf(hashes.slice(0, split(hashes.length))), rootOf(hashes.slice(split(hashes.length))));
const prove = (index, hashes) => {
  if (hashes.length === 1) return [];
  const k = split(hashes.length);
  return index < k ? [...prove(index, hashes.slice(0, k)), rootOf(hashes.slice(k))] : [...prove(index - k, hashes.slice(k)), rootOf(hashes.slice(0, k))];
};
class Log {
  constructor(origin, name, keyId, sign) {
    Object.assign(this, { origin, name, keyId, sign });
    this.leaves = Array.from({ length: 11 }, (_, i) => sha256(Buffer.from(`\0seed-${i}`)));
  }

  add(body) {
    this.leaves.push(sha256(Buffer.from([0]), body));
    const root = rootOf(this.leaves);
    const text = `${this.origin}\n${this.leaves.length}\n${b64(root)}\n`;
    const signature = Buffer.concat([this.keyId.subarray(0, 4), this.sign(Buffer.from(text))]);
    const index = this.leaves.length - 1;
    return { index, size: this.leaves.length, root, hashes: prove(index, this.leaves), checkpoint: `${text}\n\u2014 ${this.name} ${b64(signature)}\n` };
  }
}

const logId1 = sha256(spki(rekorKey.publicKey));
const logId2 = sha256(Buffer.from('127.0.0.1\n\x01'), spki(rekor2Key.publicKey).subarray(-32));
const first = new Log('127.0.0.1 - 2605736670972794746', '127.0.0.1', logId1, text => crypto.sign('sha256', text, rekorKey.privateKey));
const second = new Log('127.0.0.1', '127.0.0.1', logId2, text => crypto.sign(null, text, rekor2Key.privateKey));

const hash = bytes => ({ algorithm: 'sha256', value: sha256(bytes).toString('hex') });
function logged(entry) {
  if (entry.kind === 'hashedrekord') {
    const { data, signature } = entry.spec;
    return { apiVersion: '0.0.1', kind: 'hashedrekord', spec: { data: { hash: { algorithm: data.hash.algorithm, value: data.hash.value } }, signature: { content: signature.content, publicKey: { content: signature.publicKey.content } } } };
  }
  const { envelope, verifiers } = entry.spec.proposedContent;
  const { payload, signatures } = JSON.parse(envelope);
  return { apiVersion: '0.0.1', kind: 'dsse', spec: { envelopeHash: hash(Buffer.from(envelope)), payloadHash: hash(Buffer.from(payload, 'base64')), signatures: signatures.map(one => ({ signature: one.sig, verifier: verifiers[0] })) } };
}
function addFirst(entry) {
  const body = Buffer.from(canonical(logged(entry)));
  const { index, size, root, hashes, checkpoint } = first.add(body);
  // The public log's index counts the entries of its earlier trees too.
  const promised = { body: b64(body), integratedTime: Math.floor(Date.now() / 1000), logID: logId1.toString('hex'), logIndex: index + 1000 };
  const inclusionProof = { checkpoint, hashes: hashes.map(one => one.toString('hex')), logIndex: index, rootHash: root.toString('hex'), treeSize: size };
  const signedEntryTimestamp = b64(crypto.sign('sha256', Buffer.from(canonical(promised)), rekorKey.privateKey));
  return { [`24296fb24b8ad77a${sha256(Buffer.from([0]), body).toString('hex')}`]: { ...promised, verification: { signedEntryTimestamp, inclusionProof } } };
}
function addSecond({ hashedRekordRequestV002: { digest, signature: { content, verifier } } }) {
  const body = Buffer.from(canonical({ apiVersion: '0.0.2', kind: 'hashedrekord', spec: { hashedRekordV002: { data: { algorithm: 'SHA2_256', digest }, signature: { content, verifier } } } }));
  const { index, size, root, hashes, checkpoint } = second.add(body);
  return {
    logIndex: String(index), logId: { keyId: b64(logId2) }, kindVersion: { kind: 'hashedrekord', version: '0.0.2' }, canonicalizedBody: b64(body),
    inclusionProof: { logIndex: String(index), rootHash: b64(root), treeSize: String(size), hashes: hashes.map(b64), checkpoint: { envelope: checkpoint } },
  };
}

function stamp(query) {
  const asked = pkijs.TimeStampReq.fromBER(new Uint8Array(query).buffer);
  const authority = Object.create(tsa);
  authority.tstInfo = request => {
    const info = tsa.tstInfo(request);
    if (asked.nonce) info.nonce = new asn1js.Integer({ valueHex: asked.nonce.valueBlock.valueHexView });
    return info;
  };
  const { hashAlgorithm, hashedMessage } = asked.messageImprint;
  return authority.timestamp({ artifactHash: Buffer.from(hashedMessage.valueBlock.valueHexView), hashAlgorithmOID: hashAlgorithm.algorithmId, nonce: 1, policyOID: '1.3.6.1.4.1.57264.2', certReq: asked.certReq ?? false });
}

async function certify(request) {
  const { statusCode, response } = await fulcio.fn(JSON.stringify(request));
  return { status: statusCode === 201 ? 200 : statusCode, body: response };
}
// cosign 2 asks Fulcio's first API, which answers in PEM.
async function certifyFirst(request, authorization) {
  const key = request.publicKey && Buffer.from(request.publicKey.content, 'base64');
  const asked = key
    ? { publicKeyRequest: { publicKey: { content: key.toString().startsWith('-----') ? key.toString() : pem(key, 'PUBLIC KEY') } } }
    : { certificateSigningRequest: Buffer.from(request.certificateSigningRequest, 'base64').toString() };
  const { status, body } = await certify({ credentials: { oidcIdentityToken: authorization.replace(/^Bearer /, '') }, ...asked });
  return status === 200 ? { status: 201, type: 'application/pem-certificate-chain', body: JSON.parse(body).signedCertificateEmbeddedSct.chain.certificates.map(one => `${one.trim()}\n`).join('') } : { status, body };
}

const validFor = { start: new Date(Date.now() - 3600e3).toISOString() };
const log = (baseUrl, key, keyDetails, id) => ({ baseUrl, hashAlgorithm: 'SHA2_256', publicKey: { rawBytes: b64(spki(key)), keyDetails, validFor }, logId: { keyId: b64(id) } });
const chain = (...certificates) => ({ certificates: certificates.map(certificate => ({ rawBytes: b64(certificate) })) });
const write = (name, text) => fs.writeFileSync(`${out}/${name}`, text);
write('trusted_root.json', JSON.stringify({
  mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  tlogs: [log(base, rekorKey.publicKey, 'PKIX_ECDSA_P256_SHA_256', logId1), log('https://127.0.0.1', rekor2Key.publicKey, 'PKIX_ED25519', logId2)],
  certificateAuthorities: [{ subject: { organization: 'sigstore.mock', commonName: 'sigstore' }, uri: base, certChain: chain(ca.rootCertificate), validFor }],
  ctlogs: [log(base, ctKey.publicKey, 'PKIX_ECDSA_P256_SHA_256', sha256(spki(ctKey.publicKey)))],
  timestampAuthorities: [{ subject: { organization: 'sigstore.mock', commonName: 'tsa' }, uri: base, certChain: chain(tsa.intCertificate, tsa.rootCertificate), validFor }],
}));
write('fulcio-root.pem', pem(ca.rootCertificate));
write('ctfe.pub', pem(spki(ctKey.publicKey), 'PUBLIC KEY'));
write('rekor.pub', pem(spki(rekorKey.publicKey), 'PUBLIC KEY'));
write('tsa-chain.pem', pem(tsa.intCertificate) + pem(tsa.rootCertificate));
const workflow = 'acme/models/.github/workflows/release.yml@refs/heads/main';
const claims = {
  iss: 'https://token.actions.githubusercontent.com', aud: 'sigstore', sub: `https://github.com/${workflow}`, email_verified: true, job_workflow_ref: workflow, repository: 'acme/models', repository_id: '42',
  repository_owner: 'acme', repository_owner_id: '7', ref: 'refs/heads/main', sha: 'a'.repeat(40), event_name: 'push', workflow: 'release', run_id: '1', run_attempt: '1', runner_environment: 'github-hosted',
  iat: Math.floor(Date.now() / 1000), exp: Math.floor(Date.now() / 1000) + 86400,
};
// Nobody here checks who signed it.
write('token.jwt', [JSON.stringify({ alg: 'RS256', typ: 'JWT' }), JSON.stringify(claims), 'x'].map(part => Buffer.from(part).toString('base64url')).join('.'));

const routes = {
  'POST /api/v1/signingCert': (body, headers) => certifyFirst(JSON.parse(body), headers.authorization ?? ''),
  'POST /api/v2/signingCert': body => certify(JSON.parse(body)),
  'GET /api/v2/trustBundle': () => ({ body: JSON.stringify({ chains: [{ certificates: [pem(ca.rootCertificate)] }] }) }),
  'GET /api/v1/log/publicKey': () => ({ type: 'application/x-pem-file', body: pem(spki(rekorKey.publicKey), 'PUBLIC KEY') }),
  'POST /api/v1/log/entries/retrieve': () => ({ body: '[]' }),
  'POST /api/v1/log/entries': body => { const entry = addFirst(JSON.parse(body)); return { status: 201, headers: { Location: `/api/v1/log/entries/${Object.keys(entry)[0]}` }, body: JSON.stringify(entry) }; },
  'POST /api/v2/log/entries': body => ({ status: 201, body: JSON.stringify(addSecond(JSON.parse(body))) }),
  'POST /api/v1/timestamp': async body => ({ status: 201, type: 'application/timestamp-reply', body: await stamp(body) }),
};
http.createServer((request, response) => {
  const chunks = [];
  request.on('data', chunk => chunks.push(chunk));
  request.on('end', async () => {
    try {
      const route = routes[`${request.method} ${request.url.split('?')[0]}`];
      const { status = 200, type = 'application/json', headers = {}, body } = route ? await route(Buffer.concat(chunks), request.headers) : { status: 404, body: '' };
      response.writeHead(status, { 'Content-Type': type, ...headers });
      response.end(body);
    } catch (error) {
      console.error(error);
      response.writeHead(500);
      response.end(String(error));
    }
  });
}).listen(Number(port), '127.0.0.1', () => console.log('ready'));
