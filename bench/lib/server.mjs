// The API server that a measurement runs against: the embedded one in this process, or a real one. Both tell the accepted writes in
// their order, and every request they got.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client, ConfigMap, Lease, connect } from '@incumbent/core/client';
import { ControlPlane, EmbeddedApiServer } from '@incumbent/testing';

const NAMESPACE = 'default';

/** Every request once, when it arrives. */
const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['ResponseStarted', 'ResponseComplete', 'Panic'],
  rules: [{ level: 'Metadata' }],
};

/**
 * @typedef {object} AcceptedWrite
 * @property {'leases' | 'configmaps'} resource
 * @property {string} name
 * @property {bigint} version - resourceVersion of the object after the write: gives the order of all writes of a server
 * @property {number} at - milliseconds of `performance.now()`: of the commit in the embedded server, of the watch event of a real one
 * @property {Record<string, any>} object
 */

/**
 * @param {'embedded' | 'real'} kind
 */
export async function startServer(kind) {
  const start = { embedded: startEmbedded, real: startReal }[kind];
  if (!start) throw new Error(`There is no server "${kind}": use embedded or real.`);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'incumbent-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  try {
    const server = await start(folder);
    const kubeconfig = path.join(folder, 'kubeconfig');
    await server.writeKubeconfig(kubeconfig);
    return await Server.over(server, kubeconfig, folder);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

class Server {
  namespace = NAMESPACE;
  #inner;
  #folder;
  #connection;
  #listeners = new Set();
  #ending = new AbortController();

  constructor(inner, kubeconfig, folder, connection) {
    this.#inner = inner;
    this.kubeconfig = kubeconfig;
    this.#folder = folder;
    this.#connection = connection;
    inner.tellWrites((write) => this.#listeners.forEach((listener) => listener(write)), {
      client: new Client(connection),
      signal: this.#ending.signal,
    });
  }

  static async over(inner, kubeconfig, folder) {
    return new Server(inner, kubeconfig, folder, await connect({ kubeconfig }));
  }

  get url() {
    return this.#inner.url;
  }

  /** @param {(write: AcceptedWrite) => void} listener */
  onWrite(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async createConfigMap(name) {
    const metadata = { namespace: NAMESPACE, name };
    await new Client(this.#connection).unfenced().create(ConfigMap, { metadata });
  }

  /**
   * How many requests each client sent, by the first word of its User-Agent, between two times of `Date.now()`.
   *
   * @returns {Map<string, number>}
   */
  requestsBetween(from, to) {
    const counts = new Map();
    for (const { userAgent, at } of this.#inner.requests()) {
      const client = userAgent.split('/')[0];
      if (at >= from && at <= to) counts.set(client, (counts.get(client) ?? 0) + 1);
    }
    return counts;
  }

  async stop() {
    this.#ending.abort();
    await this.#connection.close();
    await this.#inner.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function startEmbedded() {
  const requests = [];
  const intercept = ({ headers }) => {
    requests.push({ userAgent: headers['user-agent'] ?? '', at: Date.now() });
  };
  const server = await EmbeddedApiServer.start({ intercept, journal: 1000 });
  return {
    url: server.url,
    requests: () => requests,
    writeKubeconfig: (file) => server.writeKubeconfig(file),
    stop: () => server.stop(),
    tellWrites(tell) {
      server.onWrite(({ resource, name, resourceVersion, at, object, changed, removed }) => {
        if (changed && !removed) tell({ resource, name, version: BigInt(resourceVersion), at, object });
      });
    },
  };
}

async function startReal(folder) {
  const policy = path.join(folder, 'audit-policy.json');
  const audit = path.join(folder, 'audit.log');
  writeFileSync(policy, JSON.stringify(AUDIT_POLICY));
  const server = await ControlPlane.start({
    apiServerFlags: [`--audit-policy-file=${policy}`, `--audit-log-path=${audit}`],
  });
  return {
    url: server.url,
    requests: () => auditedRequests(audit),
    writeKubeconfig: (file) => server.writeKubeconfig(file),
    stop: () => server.stop(),
    tellWrites(tell, { client, signal }) {
      for (const [name, resource] of Object.entries({ leases: Lease, configmaps: ConfigMap }))
        void tellWatched(
          name,
          client.watch(resource, { namespace: NAMESPACE, signal, timeoutSeconds: 86_400 }),
          {
            tell,
            signal,
          },
        );
    },
  };
}

async function tellWatched(resource, events, { tell, signal }) {
  try {
    for await (const { type, object } of events) {
      if (type !== 'ADDED' && type !== 'MODIFIED') continue;
      const { name, resourceVersion } = object.metadata;
      tell({ resource, name, version: BigInt(resourceVersion), at: performance.now(), object });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  if (!signal.aborted)
    throw new Error(`The watch of ${resource} ended: what happened after it was not seen.`);
}

function auditedRequests(file) {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => {
    const { userAgent = '', requestReceivedTimestamp } = JSON.parse(line);
    return { userAgent, at: Date.parse(requestReceivedTimestamp) };
  });
}
