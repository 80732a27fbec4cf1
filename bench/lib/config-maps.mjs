// The ConfigMaps that the contestants follow: made, marked and updated.
import { randomBytes, randomUUID } from 'node:crypto';
import { Client, ConfigMap, connect, Namespace } from '@incumbent/core/client';
import { now } from './act.mjs';
import { MOST, putAll } from './etcd.mjs';

/** Requests under way at a time. More don't make a server on a few cores faster. */
const PARALLEL = 32;
/** Values and their length: with names, labels and metadata, 2 KB of JSON. */
const VALUES = { count: 8, bytes: 150 };

export class ConfigMaps {
  #connection;
  #client;
  #etcd;

  /** @param {{ kubeconfig: string, etcd?: import('@incumbent/testing').Access }} server - with a store, many are written straight into it */
  static async over({ kubeconfig, etcd }) {
    return new ConfigMaps(await connect({ kubeconfig, userAgent: 'bench', maxSockets: PARALLEL }), etcd);
  }

  constructor(connection, etcd) {
    this.#connection = connection;
    this.#client = new Client(connection);
    this.#etcd = etcd;
  }

  /** @returns the size in bytes of one of them as the server sends it */
  async populate(namespace, count) {
    await this.#writer.create(Namespace, { metadata: { name: namespace } });
    await this.#writer.create(ConfigMap, configMap(namespace, 0));
    if (this.#etcd)
      await putAll(this.#etcd, this.#stored(namespace, { from: 1, count }), { perTransaction: MOST });
    else
      await inParallel(count - 1, (index) => this.#writer.create(ConfigMap, configMap(namespace, index + 1)));
    return JSON.stringify(await this.#first(namespace)).length;
  }

  /** Gives each of them the mark. The server has it all when this resolves. */
  async mark(namespace, { count, mark }) {
    if (this.#etcd)
      await putAll(this.#etcd, this.#stored(namespace, { from: 0, count, mark }), { perTransaction: 1 });
    else await inParallel(count, (index) => this.#patch(namespace, index, { mark }));
    // The answer is as new as the store: it waits until all has come to the API server's memory.
    await this.#client.list(ConfigMap, { namespace, limit: 1 });
  }

  /** One update after the other, at a steady pace; each shows when it was sent. */
  async update(namespace, { count, updates, every }) {
    const from = now();
    const sending = [];
    for (let update = 0; update < updates; update++) {
      await until(from + update * every);
      sending.push(this.#patch(namespace, update % count, { sentAt: String(now()) }));
    }
    await Promise.all(sending);
  }

  async close() {
    await this.#connection.close();
  }

  get #writer() {
    return this.#client.unfenced();
  }

  #first(namespace) {
    return this.#client.get(ConfigMap, { namespace, name: nameOf(0) });
  }

  #patch(namespace, index, data) {
    const key = { namespace, name: nameOf(index) };
    return this.#writer.patch(ConfigMap, key, { type: 'merge', patch: { data } });
  }

  /** As the server would store them: like the first, which it made itself. */
  async *#stored(namespace, { from, count, mark }) {
    const { resourceVersion: _, ...metadata } = (await this.#first(namespace)).metadata;
    for (let index = from; index < count; index++) {
      const { metadata: own, data } = configMap(namespace, index);
      yield {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { ...metadata, ...own, uid: uidOf(namespace, index) },
        data: { ...data, ...(mark === undefined ? {} : { mark }) },
      };
    }
  }
}

const uids = new Map();

/** The same whenever an object is written again. */
function uidOf(namespace, index) {
  const key = `${namespace}/${index}`;
  if (!uids.has(key)) uids.set(key, randomUUID());
  return uids.get(key);
}

function nameOf(index) {
  return `settings-${String(index).padStart(6, '0')}`;
}

function configMap(namespace, index) {
  const bytes = (VALUES.bytes * 3) / 4;
  const values = Array.from({ length: VALUES.count }, (_, key) => [
    `value-${key}`,
    randomBytes(bytes).toString('base64'),
  ]);
  const labels = {
    'app.kubernetes.io/name': `app-${index % 50}`,
    'app.kubernetes.io/managed-by': 'bench',
    index: String(index),
  };
  return { metadata: { namespace, name: nameOf(index), labels }, data: Object.fromEntries(values) };
}

async function inParallel(count, act) {
  let next = 0;
  const worker = async () => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

/** Timers come up to a millisecond late, which would be lost in the pace. */
async function until(at) {
  for (let left = at - now(); left > 0; left = at - now())
    await new Promise((resolve) => setTimeout(resolve, left));
}
