import type { DeepReadonly, KubernetesObject } from '../api/object.js';
import { LinkedAbort } from '../kit/abort.js';
import { formatDuration } from '../kit/duration.js';
import { IncumbentError, isIncumbentError } from '../kit/error.js';
import type { Logger } from '../kit/logger.js';
import type { Term } from '../leadership/authority.js';
import type { CacheView } from './cache-view.js';
import type { Cause } from './cause.js';
import type { ControllerMetrics } from './controller-metrics.js';
import type { ControllerRuntime } from './controller-runtime.js';
import type { ControllerDefinition } from './definition.js';
import type { FinalizerStep } from './finalizer.js';
import type { Settled } from './outcome.js';
import type { OwnVersions } from './own-versions.js';
import { reconciliation } from './reconciliation.js';
import { RunningReconciles } from './running-reconciles.js';

export interface ReconcileCallsOptions<T extends KubernetesObject> {
  readonly definition: ControllerDefinition<T>;
  readonly runtime: ControllerRuntime;
  readonly view: CacheView;
  readonly metrics: ControllerMetrics;
  readonly own: OwnVersions;
}

export interface Call<T extends KubernetesObject> {
  readonly key: string;
  readonly object: DeepReadonly<T>;
  readonly step: Exclude<FinalizerStep, 'skip'>;
  readonly causes: readonly Cause[];
  readonly term: Term;
  /** Tells it to end. */
  readonly ending: AbortSignal;
  readonly log: Logger;
  /** It goes on beyond its grace period: it is waited for no longer. */
  readonly onStuck: () => void;
}

/** Calls a reconciler within its time, and knows which calls outstay it. */
export class ReconcileCalls<T extends KubernetesObject> {
  readonly #options: ReconcileCallsOptions<T>;
  readonly #running: RunningReconciles;

  constructor(options: ReconcileCallsOptions<T>) {
    this.#options = options;
    this.#running = new RunningReconciles(options.runtime.clock, options.runtime.gracePeriod);
  }

  /** Keys whose reconcile runs although it was told to stop at least `grace` milliseconds ago. */
  overstaying(grace: number): string[] {
    return this.#running.overstaying(grace);
  }

  /** Resolves when the reconciler has ended, which may be never. Never rejects. */
  async call(call: Call<T>): Promise<Settled> {
    using abort = new LinkedAbort(call.ending);
    using _running = this.#start(call, abort.signal);
    try {
      using _timer = this.#limit(call.object, abort);
      const settled = await this.#reconcile(call, abort.signal);
      return 'error' in settled ? { error: unlessTooLate(settled.error, abort.signal) } : settled;
    } catch (error) {
      return { error };
    }
  }

  #reconcile({ key, object, step, term, log, causes }: Call<T>, signal: AbortSignal): Promise<Settled> {
    const { definition, runtime, view, own } = this.#options;
    const traced = runtime.trace?.start(definition.name, key);
    const call = { term, signal, log, causes };
    const settling = reconciliation({ definition, runtime, view, object, step, call, own });
    traced?.returned();
    return traced ? settling.finally(() => traced.ended()) : settling;
  }

  #limit(object: DeepReadonly<T>, abort: LinkedAbort): Disposable {
    const { reconcileTimeout } = this.#options.definition;
    const limit = typeof reconcileTimeout === 'function' ? reconcileTimeout(object) : reconcileTimeout;
    const cancel =
      limit === undefined
        ? () => {}
        : this.#options.runtime.clock.schedule(limit, () => abort.abort(tooLate(formatDuration(limit))));
    return { [Symbol.dispose]: cancel };
  }

  #start(call: Call<T>, signal: AbortSignal): Disposable {
    const { metrics, runtime } = this.#options;
    const startedAt = runtime.clock.monotonic();
    let overstays = false;
    const ended = this.#running.start(call.key, signal, () => {
      overstays = true;
      this.#overstays(call);
    });
    metrics.started();
    return {
      [Symbol.dispose]: () => {
        ended();
        if (overstays) metrics.overstaying(-1);
        metrics.ended(runtime.clock.monotonic() - startedAt);
      },
    };
  }

  #overstays({ object, log, onStuck }: Call<T>): void {
    const { metrics, runtime, definition } = this.#options;
    const sentence = `A reconcile goes on more than ${formatDuration(runtime.gracePeriod)} after it was told to stop: it ignores its signal. This object is not reconciled before it ends.`;
    metrics.overstaying(1);
    log.error({}, sentence);
    runtime.events
      .recorderFor(definition.resource, object, definition.name)
      .warning('ReconcileOverstays', sentence, { action: 'Reconcile' });
    onStuck();
  }
}

function unlessTooLate(error: unknown, signal: AbortSignal): unknown {
  const reason: unknown = signal.reason;
  if (!isIncumbentError(reason, 'RECONCILE_TIMEOUT')) return error;
  return new IncumbentError(reason.code, reason.message, { cause: error });
}

function tooLate(limit: string): IncumbentError {
  return new IncumbentError(
    'RECONCILE_TIMEOUT',
    `The reconcile took longer than its reconcileTimeout of ${limit}.`,
  );
}
