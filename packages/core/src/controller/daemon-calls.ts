import { type DeepReadonly, type KubernetesObject, parseKey } from '../api/object.js';
import { aborted } from '../kit/abort.js';
import { BackOff } from '../kit/back-off.js';
import { formatDuration } from '../kit/duration.js';
import { messageOf } from '../kit/error.js';
import type { Logger } from '../kit/logger.js';
import type { Counter, Gauge, Labels } from '../kit/metrics.js';
import { sleep } from '../kit/sleep.js';
import type { Term } from '../leadership/authority.js';
import type { CacheView } from './cache-view.js';
import { contextFor } from './call-context.js';
import type { ControllerRuntime } from './controller-runtime.js';
import { type ControllerDefinition, type MethodDefinition, nameOf } from './definition.js';
import { describe, type Outcome, outcomeOf, type Settled } from './outcome.js';
import { OwnVersions } from './own-versions.js';
import { RunningReconciles } from './running-reconciles.js';

/** Milliseconds. As a runnable's. */
const BACK_OFF = { start: 1000, cap: 60_000, factor: 2, jitter: 0.2 };
/** Milliseconds that a call must have run for its failure to count as the first. */
const CALM = 120_000;

export interface DaemonCallsOptions<T extends KubernetesObject> {
  readonly definition: ControllerDefinition<T>;
  readonly daemon: MethodDefinition<T>;
  readonly runtime: ControllerRuntime;
  readonly view: CacheView;
}

/** One object's stretch of being attended. */
export interface Stretch {
  readonly key: string;
  readonly term: Term;
  /** Aborts when the object or the right to work is gone. */
  readonly signal: AbortSignal;
}

/** Calls one daemon for its objects: for each one call after the other, however they end. */
export class DaemonCalls<T extends KubernetesObject> {
  readonly #options: DaemonCallsOptions<T>;
  readonly #name: string;
  readonly #labels: Labels;
  readonly #calling: RunningReconciles;
  readonly #running: Gauge;
  readonly #failures: Counter;
  readonly #own = new OwnVersions();

  constructor(options: DaemonCallsOptions<T>) {
    const { runtime, definition, daemon } = options;
    this.#options = options;
    this.#name = nameOf(definition, daemon);
    this.#labels = { controller: this.#name };
    this.#calling = new RunningReconciles(runtime.clock, runtime.gracePeriod);
    const labels = ['controller'];
    this.#running = runtime.metrics.gauge({
      name: 'incumbent_daemons_running',
      help: 'Objects whose daemon is running.',
      labels,
    });
    this.#failures = runtime.metrics.counter({
      name: 'incumbent_daemon_failures_total',
      help: 'How often a daemon threw.',
      labels,
    });
    this.#running.set(0, this.#labels);
    this.#failures.inc(this.#labels, 0);
  }

  /** Keys whose daemon runs although it was told to end at least `grace` milliseconds ago. */
  overstaying(grace: number): string[] {
    return this.#calling.overstaying(grace);
  }

  /** Resolves when the signal has aborted and the last call has ended: with whether the daemon was done before that. Never rejects. */
  async keepCalling(stretch: Stretch): Promise<boolean> {
    const { clock, random } = this.#options.runtime;
    const { definition, view } = this.#options;
    const { key, signal } = stretch;
    // An informer's handler may be under way.
    await Promise.resolve();
    let backOff = new BackOff(BACK_OFF, random);
    for (;;) {
      const object = view.get(definition.resource, parseKey(key));
      if (!object || signal.aborted) return false;
      const startedAt = clock.monotonic();
      const log = this.#logOf(key);
      const outcome = outcomeOf(await this.#call(object, stretch, log), { ended: signal.aborted });
      if (clock.monotonic() - startedAt >= CALM || outcome.kind === 'requeueAfter') backOff = backOff.reset();
      const again = this.#conclude(outcome, backOff.duration, log);
      if (again === 'done') return true;
      if (again === 'over') {
        // The term may be known to be lost before its signal says so.
        await aborted(signal);
        return false;
      }
      if (outcome.kind !== 'requeueAfter') backOff = backOff.next();
      await sleep(clock, again, signal);
    }
  }

  /** What an end means for the object: milliseconds until the next call, or that there is none. */
  #conclude(outcome: Outcome, backOff: number, log: Logger): number | 'done' | 'over' {
    switch (outcome.kind) {
      case 'done':
        log.info({}, 'the daemon is done');
        return 'done';
      case 'abandoned':
        return 'over';
      case 'requeueAfter':
        return outcome.delay;
      case 'conflict':
        log.debug(
          { reason: messageOf(outcome.error) },
          'somebody else wrote first: starting the daemon again',
        );
        return backOff;
      case 'terminal':
        this.#failures.inc(this.#labels);
        log.error(describe(outcome.error), 'the daemon failed: not started again in this term');
        return 'done';
      case 'gaveUp':
      case 'retry': {
        const delay = (outcome.kind === 'retry' ? outcome.after : undefined) ?? backOff;
        this.#failures.inc(this.#labels);
        const again = formatDuration(delay);
        log.error({ ...describe(outcome.error), again }, 'the daemon failed: starting it again');
        return delay;
      }
    }
  }

  async #call(object: DeepReadonly<T>, { key, term, signal }: Stretch, log: Logger): Promise<Settled> {
    const { runtime, view, daemon, definition } = this.#options;
    const ended = this.#calling.start(key, signal, () => this.#overstays(object, log));
    this.#running.add(1, this.#labels);
    try {
      const named = { name: this.#name, resource: definition.resource };
      const call = { term, signal, log, causes: [] };
      const context = contextFor({ definition: named, runtime, view, object, call, own: this.#own });
      // Of a call that lasts for days only its first stretch can be told from others' turns on the event loop.
      const traced = runtime.trace?.start(this.#name, key);
      const calling = daemon.call(object, context);
      traced?.returned();
      traced?.ended();
      return { result: await calling };
    } catch (error) {
      return { error };
    } finally {
      ended();
      this.#running.add(-1, this.#labels);
    }
  }

  #overstays(object: DeepReadonly<T>, log: Logger): void {
    const { runtime, definition } = this.#options;
    const sentence = `The daemon goes on more than ${formatDuration(runtime.gracePeriod)} after it was told to end: it ignores its signal. There is no other for this object before it ends.`;
    log.error({}, sentence);
    runtime.events
      .recorderFor(definition.resource, object, this.#name)
      .warning('DaemonOverstays', sentence, { action: 'Daemon' });
  }

  #logOf(key: string): Logger {
    const { runtime, daemon } = this.#options;
    return runtime.log.child({ daemon: daemon.method, controller: this.#name, key });
  }
}
