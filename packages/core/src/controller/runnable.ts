/** Work that belongs to no object: a janitor, a poller, a report. Runs as long as the replica leads, or on each replica. */
import type { Writer } from '../client/writer.js';
import { aborted, LinkedAbort } from '../kit/abort.js';
import { BackOff } from '../kit/back-off.js';
import type { Clock } from '../kit/clock.js';
import { formatDuration } from '../kit/duration.js';
import type { Logger } from '../kit/logger.js';
import type { Counter } from '../kit/metrics.js';
import { sleep } from '../kit/sleep.js';
import type { Term } from '../leadership/authority.js';
import type { ControllerRuntime } from './controller-runtime.js';
import { NotingWriter } from './noting-writer.js';
import { describe } from './outcome.js';
import { RunningReconciles } from './running-reconciles.js';
import { drain, type Work } from './work.js';

/** What a runnable works with, in one term. */
export interface RunContext {
  /** Reads from the server, and writes under this term for ever. */
  readonly client: Writer;
  /** Aborts when the term is lost or the operator stops: give it to everything that waits, and return soon after. */
  readonly signal: AbortSignal;
  readonly term: Term;
  readonly log: Logger;
  readonly clock: Clock;
}

/**
 * Part of an operator that is no controller. `run` is called once in each term; calls never overlap.
 *
 * - Returns: done until the next term.
 * - Throws: called again after 1 s, doubled up to a minute, while the term lasts.
 */
export interface Runnable {
  run(context: RunContext): Promise<void>;
}

/** Milliseconds. As slow as a person would restart it, with a cap at which it still comes back soon. */
const BACK_OFF = { start: 1000, cap: 60_000, factor: 2, jitter: 0.2 };

/** Runs one runnable, one term after the other. */
export class RunnableWork implements Work {
  readonly name: string;
  readonly #runnable: Runnable;
  readonly #runtime: ControllerRuntime;
  readonly #log: Logger;
  readonly #running: RunningReconciles;
  readonly #failures: Counter;
  /** The latest call, which may be one of an earlier term that ignores its signal. */
  #latest: Promise<unknown> = Promise.resolve();

  constructor(name: string, runnable: Runnable, runtime: ControllerRuntime) {
    this.name = name;
    this.#runnable = runnable;
    this.#runtime = runtime;
    this.#log = runtime.log.child({ runnable: name });
    this.#running = new RunningReconciles(runtime.clock, runtime.gracePeriod);
    this.#failures = runtime.metrics.counter({
      name: 'incumbent_runnable_failures_total',
      help: 'How often a runnable threw and was started again.',
      labels: ['runnable'],
    });
    this.#failures.inc({ runnable: name }, 0);
  }

  async run(term: Term, stopping?: AbortSignal): Promise<void> {
    using ending = new LinkedAbort(term.signal, stopping);
    const { clock, gracePeriod: grace } = this.#runtime;
    this.#log.info({ term: term.number }, 'starting');
    const work = this.#keepRunning(term, ending.signal);
    await aborted(ending.signal);
    await drain(work, {
      term,
      clock,
      log: this.#log,
      grace,
      overstaying: () => this.#running.overstaying(0),
    });
    this.#log.info({ term: term.number }, 'stopped');
  }

  notLive(): string | undefined {
    const { gracePeriod } = this.#runtime;
    if (this.#running.overstaying(gracePeriod).length === 0) return undefined;
    return `${this.name} still runs more than ${formatDuration(gracePeriod)} after it was told to stop: it ignores its signal.`;
  }

  async #keepRunning(term: Term, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#runtime;
    let backOff = new BackOff(BACK_OFF, random);
    await Promise.race([this.#latest, aborted(signal)]);
    while (!signal.aborted) {
      const call = this.#call(term, signal);
      this.#latest = call;
      const failure = await call;
      if (!failure || signal.aborted) return;
      this.#failures.inc({ runnable: this.name });
      const again = formatDuration(backOff.duration);
      this.#log.error({ ...describe(failure.error), again }, 'the runnable failed: starting it again');
      await sleep(clock, backOff.duration, signal);
      backOff = backOff.next();
    }
  }

  async #call(term: Term, signal: AbortSignal): Promise<{ readonly error: unknown } | undefined> {
    const { client, cache, clock } = this.#runtime;
    const ended = this.#running.start(this.name, signal, () =>
      this.#log.error({}, 'the runnable ignores its signal: the process should be restarted'),
    );
    try {
      const context = {
        client: new NotingWriter(client.under(term), { cache }),
        signal,
        term,
        clock,
        log: this.#log,
      };
      await this.#runnable.run(Object.freeze(context));
      return undefined;
    } catch (error) {
      return { error };
    } finally {
      ended();
    }
  }
}
