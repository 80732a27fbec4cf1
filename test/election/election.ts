/** One election: three replicas on a Lease of their own, each behind a fault proxy where faults are asked for. */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FaultProxy } from '@incumbent/testing';
import { type AcceptedWrite, History, type Reign } from './history.js';
import { ReplicaProcess, monotonic } from './replica-process.js';
import type { Report, Timings } from './replica.js';
import { type ElectionServer, NAMESPACE } from './server.js';

export type ProxyLevel = 'http' | 'tcp';

export const REPLICAS = 3;
const PATIENCE = 60_000;

/** A place in the election: its replica may be replaced, its way to the server stays. */
export interface Slot {
  replica: ReplicaProcess;
  readonly proxy: FaultProxy | undefined;
  readonly kubeconfig: string;
}

export interface Leader {
  readonly slot: Slot;
  readonly reign: Reign;
}

export interface ElectionOptions {
  readonly name: string;
  readonly timings: Timings;
  /** Of the proxies before its replicas. @defaultValue there are none */
  readonly level?: ProxyLevel | undefined;
  /** Its replicas write without regard to their terms. @defaultValue false */
  readonly unfenced?: boolean;
}

export class Election {
  readonly name: string;
  readonly timings: Timings;
  readonly history = new History();
  readonly slots: Slot[] = [];
  readonly #server: ElectionServer;
  readonly #unfenced: boolean;
  readonly #listeners = new Set<() => void>();
  readonly #onReport = new Set<(report: Report, from: string) => void>();
  #started = 0;
  #stopping = false;
  /** When the server last told of an accepted write. */
  lastWriteAt = 0;

  private constructor(server: ElectionServer, name: string, timings: Timings, unfenced: boolean) {
    this.#server = server;
    this.#unfenced = unfenced;
    this.name = name;
    this.timings = timings;
    server.onWrite((election, write) => {
      if (election === name) this.#accepted(write);
    });
  }

  static async start(
    server: ElectionServer,
    { name, timings, level, unfenced = false }: ElectionOptions,
  ): Promise<Election> {
    const election = new Election(server, name, timings, unfenced);
    try {
      await server.createObject(name);
      for (let index = 0; index < REPLICAS; index += 1) await election.#addSlot(level);
      return election;
    } catch (error) {
      await election.stop();
      throw error;
    }
  }

  /** Resolves with the leader when one leads, has written, and all others have seen it. */
  async settled(): Promise<Leader> {
    return this.until('a leader that all have seen', () => {
      if (!this.slots.every(({ replica }) => replica.ready && !replica.hasEnded)) return undefined;
      const leader = this.leader;
      return leader && this.history.newest?.term === leader.reign.term ? leader : undefined;
    });
  }

  get leader(): Leader | undefined {
    const reign = this.history.leading;
    const slot = this.slots.find(({ replica }) => replica.identity === reign?.identity);
    return reign && slot ? { slot, reign } : undefined;
  }

  /** Resolves with the first reign of a higher term than this one's, of another replica. */
  successor({ reign }: Leader): Promise<Reign> {
    return this.until(`a successor of ${reign.identity} in term ${reign.term}`, () =>
      this.history.reigns.find(({ term, identity }) => term > reign.term && identity !== reign.identity),
    );
  }

  /** Resolves when the server has accepted a write later than this moment. */
  async writtenSince(at: number): Promise<number> {
    return this.until('an accepted write', () => (this.lastWriteAt > at ? this.lastWriteAt : undefined));
  }

  report<K extends Report['kind']>(kind: K, from: ReplicaProcess): Promise<Extract<Report, { kind: K }>> {
    let found: Extract<Report, { kind: K }> | undefined;
    const listen = (report: Report, identity: string): void => {
      if (report.kind === kind && identity === from.identity) found = report as Extract<Report, { kind: K }>;
    };
    this.#onReport.add(listen);
    return this.until(`"${kind}" from ${from.identity}`, () => found).finally(() =>
      this.#onReport.delete(listen),
    );
  }

  /** Starts another replica in the place of one that has ended. */
  async replace(slot: Slot): Promise<void> {
    await slot.replica.ended;
    slot.replica = this.#startReplica(slot.kubeconfig);
  }

  async until<T>(what: string, look: () => T | undefined): Promise<T> {
    const deadline = monotonic() + PATIENCE;
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (monotonic() > deadline)
        throw new Error(`${this.name}: waited ${PATIENCE / 1000} s in vain for ${what}. ${this.lastWords}`);
      await this.#change();
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    for (const { replica } of this.slots) replica.signal('SIGKILL');
    await Promise.all(this.slots.map(({ replica }) => replica.ended));
    await Promise.all(this.slots.map(async ({ proxy }) => proxy?.stop()));
  }

  async #addSlot(level: ProxyLevel | undefined): Promise<void> {
    const proxy = level ? await FaultProxy.start({ target: this.#server.access, level }) : undefined;
    const kubeconfig = proxy
      ? path.join(this.#server.folder, `${this.name}-${this.slots.length}`)
      : this.#server.kubeconfig;
    await proxy?.writeKubeconfig(kubeconfig);
    this.slots.push({ proxy, kubeconfig, replica: this.#startReplica(kubeconfig) });
  }

  #startReplica(kubeconfig: string): ReplicaProcess {
    this.#started += 1;
    const identity = `${this.name}.${this.#started}`;
    const replica = new ReplicaProcess(
      {
        kubeconfig,
        namespace: NAMESPACE,
        election: this.name,
        identity,
        timings: this.timings,
        unfenced: this.#unfenced,
      },
      (report) => this.#told(report, identity),
    );
    void replica.ended.then(() => this.#ended(replica));
    return replica;
  }

  #accepted(write: AcceptedWrite): void {
    this.lastWriteAt = monotonic();
    this.history.accepted(write);
    this.#changed();
  }

  #told(report: Report, identity: string): void {
    this.history.told(report, identity);
    for (const listener of this.#onReport) listener(report, identity);
    this.#changed();
  }

  #ended(replica: ReplicaProcess): void {
    this.history.ended(replica.identity, replica.endedAt);
    if (!replica.expectedToEnd && !this.#stopping)
      this.history.faults.push(`${replica.identity} ended unasked. ${replica.lastWords}`);
    this.#changed();
  }

  /** What its replicas logged last, with their monotonic times. */
  get lastWords(): string {
    return this.slots
      .map(({ replica }) => `${replica.identity}: ${replica.lastWords || 'silent'}`)
      .join('\n');
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Something happened, or half a second has passed. */
  async #change(): Promise<void> {
    const timer = new AbortController();
    const changed = new Promise<void>((resolve) => {
      const listener = (): void => {
        this.#listeners.delete(listener);
        resolve();
      };
      this.#listeners.add(listener);
    });
    await Promise.race([changed, sleep(500, undefined, { signal: timer.signal }).catch(() => {})]);
    timer.abort();
  }
}
