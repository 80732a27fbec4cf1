/** The work queue: which keys are to be processed, by whom and when. Each key once, one processor per key, none lost. */
import type { Clock } from '../kit/clock.js';
import { type Metrics, noMetrics } from '../kit/metrics.js';
import { DelayedKeys } from './delayed-keys.js';
import { type RateLimiter, defaultRateLimiter } from './rate-limiter.js';
import { type Demand, ReadyKeys } from './ready-keys.js';
import { WorkQueueMetrics } from './work-queue-metrics.js';

export interface WorkQueueOptions<Cause = never> {
  /** In metrics. */
  readonly name: string;
  /** In metrics. @defaultValue the name */
  readonly controller?: string | undefined;
  readonly clock: Clock;
  /** @defaultValue {@link defaultRateLimiter}: 5 ms doubled up to 1000 s per key, 10 retries a second (100 at once) overall */
  readonly limiter?: RateLimiter | undefined;
  readonly metrics?: Metrics | undefined;
  /**
   * Milliseconds after which a waiting key has aged: each fourth key that is handed out is then the oldest, whatever its priority.
   *
   * @defaultValue 10,000: longer than a queue takes that keeps up
   */
  readonly ageing?: number | undefined;
  /** Puts causes of one key together, and bounds their number. @defaultValue the first 16 are kept */
  readonly coalesce?: ((known: readonly Cause[], more: readonly Cause[]) => readonly Cause[]) | undefined;
}

export interface AddOptions<Cause = never> {
  /** Higher goes first. The highest that was asked for counts. @defaultValue 0 */
  readonly priority?: number | undefined;
  /** Why. Handed over with the key, see {@link WorkQueue.causesOf}. @defaultValue none */
  readonly causes?: readonly Cause[] | undefined;
}

/** For what nobody waits for: the initial list, a resync. Fresh changes go first, but for each fourth turn. */
export const LOW_PRIORITY = -100;

const CAUSES = 16;

const RUNNING_METRICS_EVERY = 500;

interface Run<Cause> extends Demand {
  readonly started: number;
  readonly causes: readonly Cause[];
}

/**
 * The order of business for processors, with the semantics of client-go's: a key that is added while it waits is still processed once;
 * one that is added while it is processed is processed again afterwards, never at the same time.
 *
 * Guarantees: a key added before {@link shutDown} is handed out after that add, unless {@link clear} drops it. The order is by priority,
 * then first in, first out; each fourth turn is the oldest's, see {@link WorkQueueOptions.ageing}.
 * Assumes: who got a key from {@link get} calls {@link done}, whatever happens.
 *
 * @see client-go, util/workqueue
 */
export class WorkQueue<Cause = never> {
  readonly #clock: Clock;
  readonly #limiter: RateLimiter;
  readonly #metrics: WorkQueueMetrics;
  readonly #measured: boolean;
  /** Keys that wait for a processor. None of them is in `#processing`. */
  readonly #ready: ReadyKeys;
  /** Keys that were handed out and are not done. Never more than one processor per key. */
  readonly #processing = new Map<string, Run<Cause>>();
  /** Keys that were added while in processing: each is in `#processing`, and goes to `#ready` when it is done. */
  readonly #again = new Map<string, Demand>();
  /** Keys that will be added later, whatever else happens to them meanwhile. */
  readonly #delayed: DelayedKeys<Cause>;
  /** Why keys that are to be handed out were added: of keys in `#ready` and `#again`, if anybody said why. */
  readonly #causes = new Map<string, readonly Cause[]>();
  readonly #coalesce: (known: readonly Cause[], more: readonly Cause[]) => readonly Cause[];
  /** Who waits for a key, longest first. Empty unless `#ready` is. */
  readonly #getters = new Set<(key: string | undefined) => void>();
  #drained: (() => void)[] = [];
  #shuttingDown = false;
  #stopMeasuring: (() => void) | undefined;

  constructor(options: WorkQueueOptions<Cause>) {
    const { name, controller = name, clock, metrics = noMetrics, ageing = 10_000 } = options;
    const { coalesce = (known, more) => [...known, ...more].slice(0, CAUSES) } = options;
    this.#clock = clock;
    this.#limiter = options.limiter ?? defaultRateLimiter(clock);
    this.#measured = metrics !== noMetrics;
    this.#metrics = new WorkQueueMetrics(metrics, { name, controller });
    this.#ready = new ReadyKeys(ageing);
    this.#coalesce = coalesce;
    this.#delayed = new DelayedKeys({ clock, coalesce, onDue: (key, request) => this.add(key, request) });
  }

  /** Keys that wait for a processor, those that were added while in processing included, delayed ones not. */
  get length(): number {
    return this.#ready.size + this.#again.size;
  }

  get shuttingDown(): boolean {
    return this.#shuttingDown;
  }

  add(key: string, { priority = 0, causes = [] }: AddOptions<Cause> = {}): void {
    if (this.#shuttingDown) return;
    if (causes.length > 0) this.#causes.set(key, this.#coalesce(this.#causes.get(key) ?? [], causes));
    const busy = this.#processing.has(key);
    const known = busy ? this.#again.get(key) : this.#ready.demandOf(key);
    if (known && known.priority >= priority) return;
    const demand = { priority, since: known?.since ?? this.#clock.monotonic() };
    if (!known) this.#metrics.added();
    if (busy) this.#again.set(key, demand);
    else this.#enqueue(key, demand);
  }

  /** Adds the key in `delay` milliseconds. Of several delays for one key the earliest wins; an `add` meanwhile takes none away. */
  addAfter(key: string, delay: number, { priority = 0, causes = [] }: AddOptions<Cause> = {}): void {
    if (this.#shuttingDown) return;
    if (delay > 0) this.#delayed.put(key, delay, { priority, causes });
    else this.add(key, { priority, causes });
  }

  /** Adds the key when its rate limiter allows. Call {@link forget} once it has succeeded. */
  addRateLimited(key: string, options: AddOptions<Cause> = {}): void {
    if (this.#shuttingDown) return;
    this.#metrics.retried();
    this.addAfter(key, this.#limiter.when(key), options);
  }

  forget(key: string): void {
    this.#limiter.forget(key);
  }

  /** How often the key was added rate limited since it was last forgotten. */
  retries(key: string): number {
    return this.#limiter.retries(key);
  }

  /** The priority with which a key in processing was handed out, for adding it again with the same. */
  priorityOf(key: string): number | undefined {
    return this.#processing.get(key)?.priority;
  }

  /** Why a key in processing was handed out: what every add since it was last handed out gave as its cause. */
  causesOf(key: string): readonly Cause[] {
    return this.#processing.get(key)?.causes ?? [];
  }

  /**
   * The next key, as soon as there is one. `undefined` when `signal` aborts, or when the queue is shut down and empty.
   *
   * The key counts as in processing from the moment on at which it is handed out: call {@link done} also if the signal has aborted meanwhile.
   */
  get(signal?: AbortSignal): Promise<string | undefined> {
    if (signal?.aborted) return Promise.resolve(undefined);
    const key = this.#take();
    if (key !== undefined || this.#shuttingDown) return Promise.resolve(key);
    return this.#wait(signal);
  }

  /** The processor of the key has ended. If it was added meanwhile, it now waits again. */
  done(key: string): void {
    const run = this.#processing.get(key);
    if (!run) return;
    this.#processing.delete(key);
    this.#metrics.done(this.#clock.monotonic() - run.started);
    const again = this.#again.get(key);
    this.#again.delete(key);
    if (again) this.#enqueue(key, again);
    this.#measure();
    this.#checkDrained();
  }

  /** Drops every key that is not in processing, delayed ones included, and all memory of failures: the work is somebody else's now. */
  clear(): void {
    for (const { priority } of this.#ready.demands()) this.#metrics.depth(priority, -1);
    this.#ready.clear();
    this.#again.clear();
    this.#causes.clear();
    this.#delayed.clear();
    this.#limiter.clear();
    this.#checkDrained();
  }

  /** From now on nothing can be added, and delayed keys are dropped. Keys that wait are still handed out, then `undefined`. */
  shutDown(): void {
    this.#shuttingDown = true;
    this.#delayed.clear();
    for (const getter of this.#getters) getter(undefined);
  }

  /** As {@link shutDown}. Resolves when every key that waited has been handed out and is done. */
  shutDownWithDrain(): Promise<void> {
    this.shutDown();
    return new Promise((resolve) => {
      this.#drained.push(resolve);
      this.#checkDrained();
    });
  }

  #enqueue(key: string, demand: Demand): void {
    const known = this.#ready.demandOf(key);
    if (known) this.#metrics.depth(known.priority, -1);
    this.#metrics.depth(demand.priority, 1);
    this.#ready.put(key, demand);
    const [getter] = this.#getters;
    if (getter) getter(this.#take());
  }

  #take(): string | undefined {
    const now = this.#clock.monotonic();
    const next = this.#ready.take(now);
    if (!next) return undefined;
    const { key, priority, since } = next;
    this.#metrics.depth(priority, -1);
    this.#metrics.taken(now - since);
    this.#processing.set(key, { priority, since, started: now, causes: this.#causes.get(key) ?? [] });
    this.#causes.delete(key);
    this.#measure();
    return key;
  }

  #wait(signal?: AbortSignal): Promise<string | undefined> {
    return new Promise((resolve) => {
      const settle = (key: string | undefined): void => {
        this.#getters.delete(settle);
        signal?.removeEventListener('abort', abort);
        resolve(key);
      };
      const abort = (): void => settle(undefined);
      signal?.addEventListener('abort', abort, { once: true });
      this.#getters.add(settle);
    });
  }

  #checkDrained(): void {
    if (this.#processing.size > 0 || this.length > 0) return;
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  /** Reports on the keys in processing, and does so again from time to time: one that is stuck shows while nothing else happens. */
  #measure(): void {
    if (!this.#measured || this.#stopMeasuring) return;
    const report = (): void => {
      const now = this.#clock.monotonic();
      this.#metrics.running([...this.#processing.values()].map(({ started }) => now - started));
      this.#stopMeasuring =
        this.#processing.size > 0 ? this.#clock.schedule(RUNNING_METRICS_EVERY, report) : undefined;
    };
    this.#stopMeasuring = this.#clock.schedule(RUNNING_METRICS_EVERY, report);
  }
}
