/** The loop that turns changes into reconciles: a queue of keys, and workers that empty it for as long as a term lasts. */
import { formatKey, type KubernetesObject, keyOf, parseKey } from '../api/object.js';
import { aborted, LinkedAbort } from '../kit/abort.js';
import { formatDuration } from '../kit/duration.js';
import type { Logger } from '../kit/logger.js';
import { randomSuffix } from '../kit/random.js';
import { nextTurn, sleep } from '../kit/sleep.js';
import type { Term } from '../leadership/authority.js';
import { LOW_PRIORITY, type WorkQueue } from '../queue/work-queue.js';
import type { CacheView } from './cache-view.js';
import { causesFrom, type Wake, WAKES } from './cause.js';
import { type ControllerParts, partsOf } from './controller-parts.js';
import type { ControllerRuntime } from './controller-runtime.js';
import type { ControllerDefinition } from './definition.js';
import { finalizerStep } from './finalizer.js';
import type { LoopGuard } from './loop-guard.js';
import { listenToAll } from './source.js';
import { drain, type Work } from './work.js';

/** Milliseconds. */
const LONGEST_TURN = 10;

/** One term's work. */
interface Shift {
  readonly term: Term;
  readonly ending: AbortSignal;
  readonly workers: Set<Promise<void>>;
}

/**
 * Runs one reconciler, one term after the other.
 *
 * Guarantees: within a term every object is reconciled at its start, and after its last change; calls for one key never overlap, not
 * across terms either: a call that ignores its signal keeps its key until it ends.
 * Assumes: its informers have synced before the first {@link run}, and runs don't overlap.
 */
export class Controller<T extends KubernetesObject = KubernetesObject> implements Work {
  readonly name: string;
  readonly #definition: ControllerDefinition<T>;
  readonly #runtime: ControllerRuntime;
  readonly #log: Logger;
  readonly #view: CacheView;
  /** Lives across terms: what it has in processing is what no later term may start a second time. */
  readonly #queue: WorkQueue<Wake>;
  readonly #parts: ControllerParts<T>;
  /** Whether changes are taken in: on followers, and once a term ends, they are dropped. The next term begins with every key. */
  #open = false;

  /** Asks for its informers, so it is made before the cache runs. */
  constructor(definition: ControllerDefinition<T>, runtime: ControllerRuntime) {
    const wake = (key: string, cause: Wake): void => this.#wake(key, cause);
    const parts = partsOf(definition, runtime, wake);
    const { log, view, queue } = parts;
    this.name = definition.name;
    this.#definition = definition;
    this.#runtime = runtime;
    this.#log = log;
    this.#view = view;
    this.#queue = queue;
    this.#parts = parts;
    listenToAll(definition, view, { cache: view, log, wake, isOpen: () => this.#open });
  }

  async run(term: Term, stopping?: AbortSignal): Promise<void> {
    using ending = new LinkedAbort(term.signal, stopping);
    this.#log.info({ term: term.number }, 'starting');
    this.#open = true;
    // With everything there is: what changed while nobody looked can't be told apart.
    this.#addAll(WAKES.term);
    const shift: Shift = { term, ending: ending.signal, workers: new Set() };
    for (let i = 0; i < this.#definition.concurrency; i++) this.#startWorker(shift);
    this.#parts.sources.start(shift.ending);
    const resyncing = this.#resync(shift.ending);
    await aborted(shift.ending);
    this.#open = false;
    await resyncing;
    const { clock, gracePeriod: grace } = this.#runtime;
    const overstaying = (): string[] => this.#parts.calls.overstaying(0);
    await drain(Promise.all(shift.workers), { term, clock, log: this.#log, grace, overstaying });
    for (const part of [this.#queue, this.#parts.conclusions, this.#parts.guard]) part.clear();
    this.#log.info({ term: term.number }, 'stopped');
  }

  notLive(): string | undefined {
    const { gracePeriod } = this.#runtime;
    const keys = this.#parts.calls.overstaying(gracePeriod);
    if (keys.length === 0) return undefined;
    return `${this.name}: the reconcile of ${keys.join(', ')} still runs more than ${formatDuration(gracePeriod)} after it was told to stop: it ignores its signal.`;
  }

  #wake(key: string, wake: Wake): void {
    if (!this.#open) return;
    this.#queue.add(key, { priority: wake.type === 'initial' ? LOW_PRIORITY : 0, causes: [wake] });
  }

  /** Nobody waits for these: they come in low, in the order of the cache. */
  #addAll(causes: readonly Wake[]): void {
    for (const object of this.#view.list(this.#definition.resource))
      this.#queue.add(formatKey(keyOf(object)), { priority: LOW_PRIORITY, causes });
  }

  async #resync(ending: AbortSignal): Promise<void> {
    const { clock, random } = this.#runtime;
    const { resyncPeriod } = this.#definition;
    if (resyncPeriod === undefined) return;
    for (;;) {
      // Controllers of one operator need not all do it at once.
      await sleep(clock, resyncPeriod * (0.9 + 0.2 * random.next()), ending);
      if (ending.aborted) return;
      this.#addAll(WAKES.resync);
    }
  }

  #startWorker(shift: Shift): void {
    const worker = this.#work(shift).finally(() => shift.workers.delete(worker));
    shift.workers.add(worker);
  }

  async #work(shift: Shift): Promise<void> {
    const { clock } = this.#runtime;
    let turn = clock.monotonic();
    for (;;) {
      // Reconciles that wait for nothing, one after the other, would keep the lease's renewal from being sent.
      if (clock.monotonic() - turn >= LONGEST_TURN) {
        await nextTurn(clock);
        turn = clock.monotonic();
      }
      const key = await this.#queue.get(shift.ending);
      if (key === undefined) return;
      let replaced = false;
      // One that is stuck with its key is replaced, so that the others are not stuck behind it.
      const onStuck = (): void => {
        if (!shift.ending.aborted) this.#startWorker(shift);
        replaced = true;
      };
      try {
        if (!shift.ending.aborted) await this.#process(key, shift, onStuck);
      } catch (err) {
        this.#log.error({ err, key }, 'a bug: processing a key failed outside the reconciler');
        this.#queue.addRateLimited(key);
      } finally {
        this.#queue.done(key);
      }
      if (replaced) return;
    }
  }

  async #process(key: string, { term, ending }: Shift, onStuck: () => void): Promise<void> {
    const { resource, finalizer } = this.#definition;
    const object = this.#view.get(resource, parseKey(key));
    const step = object ? finalizerStep(object, finalizer?.name) : 'skip';
    if (!object || step === 'skip') return this.#forget(key);
    const causes = causesFrom(this.#queue.causesOf(key), (version) => this.#parts.own.has(version));
    const log = this.#log.child({ key, reconcileID: randomSuffix(this.#runtime.random, 10) });
    if (this.#isSlowedDown(key, { object, causes, log })) return;
    const startedAt = this.#runtime.clock.monotonic();
    const settled = await this.#parts.calls.call({ key, object, step, causes, term, ending, log, onStuck });
    const took = this.#runtime.clock.monotonic() - startedAt;
    this.#parts.conclusions.conclude({ key, object, causes, settled, tooLate: ending.aborted, took, log });
  }

  /** Whether the key waits because its reconciles keep calling for each other. Its causes wait with it. */
  #isSlowedDown(key: string, options: Parameters<LoopGuard['delay']>[1]): boolean {
    const delay = this.#parts.guard.delay(key, options);
    if (delay === 0) return false;
    const [priority, causes] = [this.#queue.priorityOf(key), this.#queue.causesOf(key)];
    this.#queue.addAfter(key, delay, { priority, causes });
    return true;
  }

  /** The object is gone, or none of ours. */
  #forget(key: string): void {
    this.#parts.conclusions.forget(key);
    this.#parts.guard.forget(key);
  }
}
