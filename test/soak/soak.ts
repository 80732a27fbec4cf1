/** An operator of two replicas under constant updates and trouble, measured in the calm after each cycle. */
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '@incumbent/core/testing';
import { type ServerKind, TestEnvironment } from '@incumbent/testing';
import { Objects } from '../runtime/objects.js';
import { DISTURBANCES, type Scene } from './disturbances.js';
import type { Plant } from './plants.js';
import { ReplicaProcess } from './replica-process.js';
import type { Cycle, Soak } from './verdict.js';

export interface SoakOptions {
  readonly server: ServerKind;
  readonly minutes: number;
  readonly seed: number;
  readonly plant?: Plant | undefined;
  readonly onCycle: (cycle: Cycle) => void;
}

const REPLICAS = 2;
const OBJECTS = 200;
/** Seconds. A short soak has short cycles, so that there are enough to compare. */
const CYCLE = 60;
/** Fewer could not be compared. */
const LEAST_CYCLES = 6;
/** Milliseconds between two disturbances, on average. */
const PAUSE = 7000;
/** Milliseconds that the operator gets in the calm to have everything done: what failed often is tried again after as long a pause. */
const PATIENCE = 120_000;

export async function soak(options: SoakOptions): Promise<Soak> {
  const run = await SoakRun.start(options);
  try {
    return await run.untilDone();
  } finally {
    await run.stop();
  }
}

class SoakRun {
  readonly #options: SoakOptions;
  readonly #random;
  readonly #scene: Scene;
  readonly #objects: Objects;
  readonly #startedAt = performance.now();
  #toCome: string[] = [];

  private constructor(options: SoakOptions, scene: Scene, objects: Objects) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#scene = scene;
    this.#objects = objects;
  }

  static async start(options: SoakOptions): Promise<SoakRun> {
    const { server, plant } = options;
    const environment = await TestEnvironment.start({ server, embedded: { journal: 100 } });
    const namespace = await environment.namespace();
    const kubeconfig = await environment.kubeconfig();
    const random = seededRandom(options.seed);
    const objects = await Objects.create({ kubeconfig, namespace, count: OBJECTS, random });
    const replicas = [];
    for (let index = 0; index < REPLICAS; index += 1) {
      const proxy = await environment.faults();
      const through = await environment.kubeconfigThrough(proxy);
      replicas.push({ proxy, process: new ReplicaProcess({ kubeconfig: through, namespace, plant }) });
    }
    return new SoakRun(options, { environment, replicas }, objects);
  }

  async untilDone(): Promise<Soak> {
    await this.#behind();
    const total = this.#options.minutes * 60;
    const length = Math.min(CYCLE, total / LEAST_CYCLES);
    const cycles: Cycle[] = [];
    while (this.#seconds < total || cycles.length < LEAST_CYCLES) {
      const cycle = await this.#cycle(length * 1000);
      this.#options.onCycle(cycle);
      cycles.push(cycle);
      if (cycle.missed.length > 0) break;
    }
    const leftovers = await Promise.all(this.#scene.replicas.map(({ process }) => process.stop()));
    return { cycles, leftovers };
  }

  async stop(): Promise<void> {
    for (const { process } of this.#scene.replicas) process.kill();
    await this.#objects.close();
    await this.#scene.environment.stop();
  }

  get #seconds(): number {
    return (performance.now() - this.#startedAt) / 1000;
  }

  async #cycle(length: number): Promise<Cycle> {
    const before = this.#objects.changes;
    const ending = new AbortController();
    const changing = this.#objects.changeUntil(ending.signal);
    const until = performance.now() + length;
    const disturbances: string[] = [];
    try {
      while (performance.now() < until) {
        const name = this.#next();
        disturbances.push(name);
        await DISTURBANCES[name]?.(this.#scene);
        await sleep(Math.min(this.#random.next() * 2 * PAUSE, Math.max(until - performance.now(), 0)));
      }
    } finally {
      ending.abort();
      await changing;
    }
    const calmAt = this.#seconds;
    const missed = await this.#behind();
    const calm = this.#seconds - calmAt;
    const replicas = await Promise.all(this.#scene.replicas.map(({ process }) => process.measure()));
    const changes = this.#objects.changes - before;
    return { seconds: this.#seconds, changes, disturbances, calm, missed, replicas };
  }

  /** Waits until every object is as it should be; the keys of those that are not when time is up. */
  async #behind(): Promise<string[]> {
    const deadline = performance.now() + PATIENCE;
    for (;;) {
      const behind = (await this.#objects.list())
        .filter(({ data }) => data?.['seen'] !== data?.['value'])
        .map(({ metadata }) => metadata.name);
      if (behind.length === 0 || performance.now() > deadline) return behind;
      await sleep(250);
    }
  }

  /** Each has come once before any comes again. */
  #next(): string {
    if (this.#toCome.length === 0) this.#toCome = Object.keys(DISTURBANCES);
    const [name = ''] = this.#toCome.splice(Math.floor(this.#random.next() * this.#toCome.length), 1);
    return name;
  }
}
