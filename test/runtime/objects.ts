/** The ConfigMaps that are followed: changed by a client of its own, which no fault strikes but the server's restarts. */
import {
  Client,
  ConfigMap,
  type Connection,
  type Random,
  connect,
  formatKey,
  isAlreadyExists,
  isNotFound,
} from '@incumbent/core/client';
import type { Version } from './judge.js';

const PARALLEL = 16;

export interface ObjectsOptions {
  readonly kubeconfig: string;
  readonly namespace: string;
  readonly count: number;
  readonly random: Random;
}

export class Objects {
  readonly #options: ObjectsOptions;
  readonly #connection: Connection;
  readonly #client: Client;
  #values = 0;

  private constructor(options: ObjectsOptions, connection: Connection) {
    this.#options = options;
    this.#connection = connection;
    this.#client = new Client(connection);
  }

  static async create(options: ObjectsOptions): Promise<Objects> {
    const { kubeconfig } = options;
    const connection = await connect({ kubeconfig, userAgent: 'changes', maxSockets: PARALLEL });
    const objects = new Objects(options, connection);
    await inParallel(options.count, (index) => objects.#create(nameOf(index)));
    return objects;
  }

  /** So many changes of any kind, in any order. What the server does not take is left. */
  async change(count: number): Promise<void> {
    await inParallel(count, async () => {
      const name = nameOf(Math.floor(this.#options.random.next() * this.#options.count));
      await this.#change(name, this.#options.random.next()).catch(() => {});
    });
  }

  /** As {@link change}, until the signal aborts. */
  async changeUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.change(PARALLEL);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** How many values were written so far. */
  get changes(): number {
    return this.#values;
  }

  async list(): Promise<readonly ConfigMap[]> {
    const { items } = await this.#client.list(ConfigMap, { namespace: this.#options.namespace });
    return items;
  }

  /** What there is, by key. */
  async onServer(): Promise<Map<string, Version>> {
    const items = await this.list();
    return new Map(items.map(({ metadata }) => [formatKey(metadata), versionOf(metadata)]));
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  /** Mostly an update; what is deleted comes back at once, or by a later draw. */
  async #change(name: string, draw: number): Promise<void> {
    const writer = this.#client.unfenced();
    const key = { namespace: this.#options.namespace, name };
    if (draw > 0.85) await writer.delete(ConfigMap, key).catch(unless(isNotFound));
    if (draw < 0.85)
      await writer
        .patch(ConfigMap, key, { type: 'merge', patch: { data: this.#data() } })
        .catch(unless(isNotFound, async () => this.#create(name)));
    else if (draw > 0.93) await this.#create(name);
  }

  async #create(name: string): Promise<void> {
    const metadata = { namespace: this.#options.namespace, name };
    const writer = this.#client.unfenced();
    await writer.create(ConfigMap, { metadata, data: this.#data() }).catch(unless(isAlreadyExists));
  }

  #data(): { value: string } {
    this.#values += 1;
    return { value: String(this.#values) };
  }
}

export function versionOf({
  uid = '',
  resourceVersion = '',
}: {
  uid?: string;
  resourceVersion?: string;
}): Version {
  return { uid, version: resourceVersion };
}

function unless(expected: (error: unknown) => boolean, otherwise: () => Promise<void> = async () => {}) {
  return async (error: unknown): Promise<void> => {
    if (!expected(error)) throw error;
    await otherwise();
  };
}

function nameOf(index: number): string {
  return `object-${String(index).padStart(5, '0')}`;
}

async function inParallel(count: number, act: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
}
