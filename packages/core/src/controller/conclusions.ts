import type { DeepReadonly, KubernetesObject } from '../api/object.js';
import type { EventRecorder } from '../events/event-recorder.js';
import { messageOf } from '../kit/error.js';
import type { Logger } from '../kit/logger.js';
import type { WorkQueue } from '../queue/work-queue.js';
import { type Cause, type Wake, WAKES } from './cause.js';
import type { ControllerMetrics } from './controller-metrics.js';
import { describe, isProgrammingError, outcomeOf, type Settled } from './outcome.js';

export interface ConclusionsOptions {
  readonly queue: WorkQueue<Wake>;
  readonly metrics: ControllerMetrics;
  readonly recorderFor: (object: DeepReadonly<KubernetesObject>) => EventRecorder;
  /** How often a key is tried again in a row. */
  readonly maxRetries: number;
}

/** A reconcile that has ended. */
export interface Ended {
  readonly key: string;
  readonly object: DeepReadonly<KubernetesObject>;
  readonly causes: readonly Cause[];
  readonly settled: Settled;
  /** Whether its right to work had ended by then. */
  readonly tooLate: boolean;
  /** Milliseconds. */
  readonly took: number;
  readonly log: Logger;
}

/** What becomes of a key when its reconcile has ended: for each outcome a verb of the queue, a metric, a line in the log. */
export class Conclusions {
  readonly #options: ConclusionsOptions;
  /** Failures in a row, of keys whose last reconcile failed. Conflicts are none. */
  readonly #failures = new Map<string, number>();

  constructor(options: ConclusionsOptions) {
    this.#options = options;
  }

  conclude({ key, object, causes, settled, tooLate, took, log }: Ended): void {
    const { queue, metrics, maxRetries, recorderFor } = this.#options;
    const failures = this.#failures.get(key) ?? 0;
    const outcome = outcomeOf(settled, { ended: tooLate, retriesLeft: maxRetries - failures });
    const retry = { priority: queue.priorityOf(key), causes: WAKES.retry };
    const ms = Math.round(took);
    log.debug({ causes, ms, outcome: outcome.kind }, 'reconciled');
    switch (outcome.kind) {
      case 'done':
        this.forget(key);
        return metrics.result('success');
      case 'requeueAfter':
        this.forget(key);
        queue.addAfter(key, outcome.delay, { causes: WAKES.requeue });
        return metrics.result('requeue_after');
      case 'conflict':
        queue.addRateLimited(key, retry);
        metrics.result('requeue');
        return log.debug({ reason: messageOf(outcome.error) }, 'somebody else wrote first: trying again');
      case 'retry':
        this.#failures.set(key, failures + 1);
        if (outcome.after === undefined) queue.addRateLimited(key, retry);
        else queue.addAfter(key, outcome.after, retry);
        metrics.failed({ terminal: false, panic: isProgrammingError(outcome.error) });
        return log.error(
          { ...describe(outcome.error), ms, failures: failures + 1 },
          'reconcile failed: trying again',
        );
      case 'gaveUp':
        this.forget(key);
        metrics.failed({ terminal: true, panic: isProgrammingError(outcome.error) });
        metrics.gaveUp();
        recorderFor(object).warning('GaveUp', gaveUp(failures, outcome.error), { action: 'Reconcile' });
        return log.error(
          { ...describe(outcome.error), ms, failures: failures + 1 },
          'reconcile failed too often: not tried again before a change',
        );
      case 'terminal':
        this.forget(key);
        metrics.failed({ terminal: true, panic: false });
        return log.error(
          { ...describe(outcome.error), ms },
          'reconcile failed: not tried again before a change',
        );
      case 'abandoned':
        return log.debug({}, 'the term ended before the reconcile did');
    }
  }

  /** Its next failure is its first. */
  forget(key: string): void {
    this.#failures.delete(key);
    this.#options.queue.forget(key);
  }

  clear(): void {
    this.#failures.clear();
  }
}

function gaveUp(retries: number, error: unknown): string {
  return `Failed ${retries + 1} times in a row, and is not tried again before something changes: ${messageOf(error)}`;
}
