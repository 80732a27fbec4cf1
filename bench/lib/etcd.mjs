// Writes objects straight into the store of a real API server, hundreds at a time: through the API, 10,000 take ten seconds of its time.
import https from 'node:https';
import { text } from 'node:stream/consumers';

/** etcd takes no more operations in one transaction, unless told otherwise. */
const PER_TRANSACTION = 128;
/** Transactions under way at a time. */
const PARALLEL = 4;

/**
 * Creates or replaces ConfigMaps.
 *
 * @param {import('@incumbent/testing').Access} access
 * @param {AsyncIterable<object>} objects - as the API server would store them; written as JSON, which it reads as well as its own encoding
 */
export async function putAll(access, objects) {
  const { hostname, port } = new URL(access.url);
  const { certificate: cert, key } = access.clientCertificate;
  const agent = new https.Agent({ keepAlive: true, maxSockets: PARALLEL, ca: access.ca, cert, key });
  const transactions = chunks(objects, PER_TRANSACTION);
  const worker = async () => {
    for await (const chunk of transactions) await send({ hostname, port, agent }, { success: chunk.map(put) });
  };
  try {
    await Promise.all(Array.from({ length: PARALLEL }, worker));
  } finally {
    agent.destroy();
  }
}

function put(object) {
  const { namespace, name } = object.metadata;
  const encode = (value) => Buffer.from(value).toString('base64');
  return {
    requestPut: {
      key: encode(`/registry/configmaps/${namespace}/${name}`),
      value: encode(JSON.stringify(object)),
    },
  };
}

async function send(where, transaction) {
  const response = await new Promise((resolve, reject) => {
    const request = https.request({ ...where, method: 'POST', path: '/v3/kv/txn' }, resolve);
    request.on('error', reject);
    request.end(JSON.stringify(transaction));
  });
  const body = await text(response);
  if (response.statusCode !== 200) throw new Error(`etcd answered ${response.statusCode}: ${body}`);
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
