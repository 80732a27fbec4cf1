/** The API server under the elections: tells every write that it accepts on their ConfigMaps, also across its restarts. */
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, ConfigMap, type Connection, connect, isGone } from '@incumbent/core/client';
import { type Access, ControlPlane, EmbeddedApiServer } from '@incumbent/testing';
import type { AcceptedWrite } from './history.js';

export type ServerKind = 'embedded' | 'real';

export const NAMESPACE = 'default';

type WriteListener = (election: string, write: AcceptedWrite) => void;

export class ElectionServer {
  readonly kind: ServerKind;
  readonly kubeconfig: string;
  /** Where files of this run may lie. */
  readonly folder: string;
  readonly #api: EmbeddedApiServer | ControlPlane;
  readonly #connection: Connection;
  readonly #ending = new AbortController();
  readonly #listeners = new Set<WriteListener>();
  #watching: Promise<void> = Promise.resolve();
  /** How often the watch of a real server could not go on where it had ended: what lay between is known from the writers only. */
  gaps = 0;

  private constructor(
    kind: ServerKind,
    api: EmbeddedApiServer | ControlPlane,
    files: { readonly folder: string; readonly kubeconfig: string; readonly connection: Connection },
  ) {
    this.kind = kind;
    this.#api = api;
    this.folder = files.folder;
    this.kubeconfig = files.kubeconfig;
    this.#connection = files.connection;
    if (api instanceof EmbeddedApiServer)
      api.onWrite(({ resource, object }) => {
        if (resource === 'configmaps') this.#tell(object as unknown as ConfigMap);
      });
    else this.#watching = this.#watch();
  }

  static async start(kind: ServerKind): Promise<ElectionServer> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'incumbent-election-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    const api =
      kind === 'real' ? await ControlPlane.start() : await EmbeddedApiServer.start({ journal: 1000 });
    const kubeconfig = path.join(folder, 'kubeconfig');
    await api.writeKubeconfig(kubeconfig);
    return new ElectionServer(kind, api, { folder, kubeconfig, connection: await connect({ kubeconfig }) });
  }

  /** For a proxy that stands before it. */
  get access(): Access {
    if (this.#api instanceof ControlPlane) return this.#api.access();
    return { url: this.#api.url, token: this.#api.adminToken };
  }

  onWrite(listener: WriteListener): void {
    this.#listeners.add(listener);
  }

  async createObject(election: string): Promise<void> {
    const metadata = { namespace: NAMESPACE, name: election };
    await new Client(this.#connection).unfenced().create(ConfigMap, { metadata });
  }

  /** The embedded server has no process that a signal could end: it cuts its connections. */
  async restart(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    await this.#api.restart({ signal });
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#watching;
    await this.#connection.close();
    await this.#api.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  #tell({ metadata, data }: ConfigMap): void {
    if (data?.['term'] === undefined) return;
    const { term, token = '0', writer = '', count = '' } = data;
    const version = BigInt(metadata.resourceVersion);
    for (const listener of this.#listeners)
      listener(metadata.name, { version, term: Number(term), token, writer, count });
  }

  /** Goes on after the last version that it saw, for as long as the server remembers it. */
  async #watch(): Promise<void> {
    const { signal } = this.#ending;
    const client = new Client(this.#connection);
    let last: string | undefined;
    while (!signal.aborted) {
      try {
        const from = last === undefined ? {} : { resourceVersion: last };
        for await (const event of client.watch(ConfigMap, { namespace: NAMESPACE, signal, ...from })) {
          last = event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion;
          if (event.type !== 'BOOKMARK') this.#tell(event.object);
        }
      } catch (error) {
        if (isGone(error)) {
          last = undefined;
          this.gaps += 1;
        }
      }
      await sleep(50);
    }
  }
}
