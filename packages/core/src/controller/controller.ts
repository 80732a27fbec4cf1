/** The loop that turns changes into reconciles: a queue of keys, and workers that empty it for as long as a term lasts. */
import { formatKey, type KubernetesObject, keyOf, parseKey } from '../api/object.js';
import { aborted, LinkedAbort } from '../kit/abort.js';
import { formatDuration } from '../kit/duration.js';
import { IncumbentError, isIncumbentError, messageOf } from '../kit/error.js';
import type { Logger } from '../kit/logger.js';
import { randomSuffix } from '../kit/random.js';
import { nextTurn } from '../kit/sleep.js';
import type { Term } from '../leadership/authority.js';
import { LOW_PRIORITY, WorkQueue } from '../queue/work-queue.js';
import { CacheView } from './cache-view.js';
import { ControllerMetrics } from './controller-metrics.js';
import type { ControllerDefinition } from './definition.js';
import { finalizerStep } from './finalizer.js';
import { describe, isProgrammingError, type Outcome, outcomeOf, type Settled } from './outcome.js';
import { reconciliation, type ReconciliationOptions } from './reconciliation.js';
import type { ControllerRuntime } from './controller-runtime.js';
import { RunningReconciles } from './running-reconciles.js';
import { listenToAll } from './source.js';
import { drain, type Work } from './work.js';

/** Milliseconds. */
const LONGEST_TURN = 10;

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
  readonly #queue: WorkQueue;
  readonly #metrics: ControllerMetrics;
  readonly #running: RunningReconciles;
  /** Whether changes are taken in: on followers, and once a term ends, they are dropped. The next term begins with every key. */
  #open = false;

  /** Asks for its informers, so it is made before the cache runs. */
  constructor(definition: ControllerDefinition<T>, runtime: ControllerRuntime) {
    const { name, concurrency } = definition;
    const { clock, metrics, cache } = runtime;
    this.name = name;
    this.#definition = definition;
    this.#runtime = runtime;
    this.#log = runtime.log.child({ controller: name });
    this.#view = new CacheView(cache, definition as unknown as ControllerDefinition);
    this.#queue = new WorkQueue({ name, clock, metrics });
    this.#metrics = new ControllerMetrics(metrics, name, concurrency);
    this.#running = new RunningReconciles(clock);
    listenToAll(definition, this.#view, (key) => {
      if (this.#open) this.#queue.add(key);
    });
  }

  async run(term: Term, stopping?: AbortSignal): Promise<void> {
    using ending = new LinkedAbort(term.signal, stopping);
    this.#log.info({ term: term.number }, 'starting');
    this.#takeIn();
    const workers = Promise.all(
      Array.from({ length: this.#definition.concurrency }, () => this.#work(term, ending.signal)),
    );
    await aborted(ending.signal);
    this.#open = false;
    const { clock, gracePeriod: grace } = this.#runtime;
    await drain(workers, { term, clock, log: this.#log, grace, running: this.#running });
    this.#queue.clear();
    this.#log.info({ term: term.number }, 'stopped');
  }

  notLive(): string | undefined {
    const { gracePeriod } = this.#runtime;
    const keys = this.#running.overstaying(gracePeriod);
    if (keys.length === 0) return undefined;
    return `${this.name}: the reconcile of ${keys.join(', ')} still runs more than ${formatDuration(gracePeriod)} after it was told to stop: it ignores its signal.`;
  }

  /** Opens the intake, and begins with everything there is: what changed while nobody looked can't be told apart. */
  #takeIn(): void {
    this.#open = true;
    const objects = this.#view.list(this.#definition.resource);
    for (const object of objects) this.#queue.add(formatKey(keyOf(object)), { priority: LOW_PRIORITY });
  }

  async #work(term: Term, ending: AbortSignal): Promise<void> {
    const { clock } = this.#runtime;
    let turn = clock.monotonic();
    for (;;) {
      // Reconciles that wait for nothing, one after the other, would keep the lease's renewal from being sent.
      if (clock.monotonic() - turn >= LONGEST_TURN) {
        await nextTurn();
        turn = clock.monotonic();
      }
      const key = await this.#queue.get(ending);
      if (key === undefined) return;
      try {
        if (!ending.aborted) await this.#process(key, term, ending);
      } catch (err) {
        this.#log.error({ err, key }, 'a bug: processing a key failed outside the reconciler');
        this.#queue.addRateLimited(key);
      } finally {
        this.#queue.done(key);
      }
    }
  }

  async #process(key: string, term: Term, ending: AbortSignal): Promise<void> {
    const { resource, finalizer } = this.#definition;
    const object = this.#view.get(resource, parseKey(key));
    const step = object ? finalizerStep(object, finalizer?.name) : 'skip';
    if (!object || step === 'skip') return this.#queue.forget(key);
    const log = this.#log.child({ key, reconcileID: randomSuffix(this.#runtime.random, 10) });
    const startedAt = this.#runtime.clock.monotonic();
    const settled = await this.#call(key, { object, step, term, log }, ending);
    const took = this.#runtime.clock.monotonic() - startedAt;
    this.#metrics.ended(took);
    this.#conclude(key, outcomeOf(settled, ending.aborted), log.child({ ms: Math.round(took) }));
  }

  /** Calls the reconciler, within its time. */
  async #call(
    key: string,
    {
      object,
      step,
      term,
      log,
    }: Pick<ReconciliationOptions<T>, 'object' | 'step'> & { term: Term; log: Logger },
    ending: AbortSignal,
  ): Promise<Settled> {
    const { reconcileTimeout: limit } = this.#definition;
    using abort = new LinkedAbort(ending);
    const ended = this.#running.start(key, abort.signal);
    const timedOut = (): boolean => isIncumbentError(abort.signal.reason, 'RECONCILE_TIMEOUT');
    const stopTimer =
      limit === undefined
        ? undefined
        : this.#runtime.clock.schedule(limit, () => abort.abort(tooLate(limit)));
    this.#metrics.started();
    const traced = this.#runtime.trace?.start(this.name, key);
    try {
      const call = { term, signal: abort.signal, log };
      const settling = reconciliation({
        definition: this.#definition,
        runtime: this.#runtime,
        view: this.#view,
        object,
        step,
        call,
      });
      traced?.returned();
      const settled = await settling;
      return limit !== undefined && timedOut() && 'error' in settled
        ? { error: tooLate(limit, settled.error) }
        : settled;
    } finally {
      stopTimer?.();
      traced?.ended();
      ended();
    }
  }

  #conclude(key: string, outcome: Outcome, log: Logger): void {
    const priority = this.#queue.priorityOf(key);
    switch (outcome.kind) {
      case 'done':
        this.#queue.forget(key);
        this.#metrics.result('success');
        return log.debug({}, 'reconciled');
      case 'requeueAfter':
        this.#queue.forget(key);
        this.#queue.addAfter(key, outcome.delay);
        this.#metrics.result('requeue_after');
        return log.debug({ again: formatDuration(outcome.delay) }, 'reconciled');
      case 'conflict':
        this.#queue.addRateLimited(key, { priority });
        this.#metrics.result('requeue');
        return log.debug({ reason: messageOf(outcome.error) }, 'somebody else wrote first: trying again');
      case 'retry':
        this.#retry(key, outcome.after, priority);
        this.#metrics.failed({ terminal: false, panic: isProgrammingError(outcome.error) });
        return log.error(
          { ...describe(outcome.error), retries: this.#queue.retries(key) },
          'reconcile failed: trying again',
        );
      case 'terminal':
        this.#queue.forget(key);
        this.#metrics.failed({ terminal: true, panic: false });
        return log.error(describe(outcome.error), 'reconcile failed: not tried again before a change');
      case 'abandoned':
        return log.debug({}, 'the term ended before the reconcile did');
    }
  }

  #retry(key: string, after: number | undefined, priority: number | undefined): void {
    if (after === undefined) this.#queue.addRateLimited(key, { priority });
    else this.#queue.addAfter(key, after, { priority });
  }
}

function tooLate(limit: number, cause?: unknown): IncumbentError {
  return new IncumbentError(
    'RECONCILE_TIMEOUT',
    `The reconcile took longer than its reconcileTimeout of ${formatDuration(limit)}.`,
    { cause },
  );
}
