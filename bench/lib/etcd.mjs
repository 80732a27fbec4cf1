// Writes objects straight into the store of a real API server, which takes a fraction of the time of writing them through its API.
import https from 'node:https';
import { text } from 'node:stream/consumers';

/** etcd takes no more operations in one transaction, unless told otherwise. */
export const MOST = 128;
/** Transactions under way at a time. */
const PARALLEL = 8;

/**
 * Creates or replaces ConfigMaps.
 *
 * Objects of one transaction get one version, between which no watch could resume: only what nobody watches yet may be written so.
 *
 * @param {import('@incumbent/testing').Access} access
 * @param {AsyncIterable<object>} objects - as the API server would store them; written as JSON, which it reads as well as its own encoding
 * @param {{ perTransaction: number }} options
 */
export async function putAll(access, objects, { perTransaction }) {
  const { hostname, port } = new URL(access.url);
  const { certificate: cert, key } = access.clientCertificate;
  const agent = new https.Agent({ keepAlive: true, maxSockets: PARALLEL, ca: access.ca, cert, key });
  const transactions = chunks(objects, perTransaction);
  const worker = async () => {
    for await (const chunk of transactions)
      await send({ hostname, port, agent }, { success: chunk.map(put) });
  };
  try {
    await Promise.all(Array.from({ length: PARALLEL }, worker));
  } finally {
    agent.destroy();
  }
}

function put(object) {
  const { namespace, name } = object.metadata;
  const [key, value] = [`/registry/configmaps/${namespace}/${name}`, JSON.stringify(object)].map((part) =>
    Buffer.from(part).toString('base64'),
  );
  return { requestPut: { key, value } };
}

async function send(where, transaction) {
  const response = await new Promise((resolve, reject) => {
    const request = https.request({ ...where, method: 'POST', path: '/v3/kv/txn' }, resolve);
    request.on('error', reject);
    request.end(JSON.stringify(transaction));
  });
  const answer = await text(response);
  if (response.statusCode !== 200) throw new Error(`etcd answered ${response.statusCode}: ${answer}`);
}

async function* chunks(items, size) {
  let chunk = [];
  for await (const item of items) {
    chunk.push(item);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
