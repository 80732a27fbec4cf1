import { formatKey } from '../api/object.js';
import { BackOff } from '../kit/back-off.js';
import type { Clock } from '../kit/clock.js';
import type { Logger } from '../kit/logger.js';
import type { Random } from '../kit/random.js';
import { sleep } from '../kit/sleep.js';
import type { Wake } from './cause.js';
import type { CacheReader } from './context.js';
import type { ControllerMetrics } from './controller-metrics.js';
import type { Source } from './external-source.js';

/** As the reflector's. */
const BACK_OFF = { start: 800, cap: 30_000, jitter: 0.5 };
/** Milliseconds that a source must have run for its next failure to count as the first. */
const CALM = 120_000;

export interface SourceRunsOptions {
  readonly sources: readonly Source[];
  readonly cache: CacheReader;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: ControllerMetrics;
  readonly wake: (key: string, wake: Wake) => void;
}

/** Keeps a controller's external sources running, one term after the other. */
export class SourceRuns {
  readonly #options: SourceRunsOptions;
  /** The last run of each: the next begins when it has ended. */
  readonly #runs = new Map<Source, Promise<void>>();

  constructor(options: SourceRunsOptions) {
    this.#options = options;
  }

  /** Runs all of them until `signal` aborts. */
  start(signal: AbortSignal): void {
    for (const source of this.#options.sources) {
      const last = this.#runs.get(source) ?? Promise.resolve();
      const log = this.#options.log.child({ source: source.name });
      this.#runs.set(
        source,
        last.then(() => this.#keepRunning(source, { signal, log })),
      );
    }
  }

  /** Never rejects. */
  async #keepRunning(source: Source, { signal, log }: { signal: AbortSignal; log: Logger }): Promise<void> {
    const { clock, cache, random, metrics, wake } = this.#options;
    let backOff = new BackOff(BACK_OFF, random);
    const causedHere: Wake = { type: 'source', source: source.name };
    while (!signal.aborted) {
      const started = clock.monotonic();
      try {
        await source.run(
          signal,
          (key) => {
            if (!signal.aborted) wake(formatKey(key), causedHere);
          },
          { clock, cache, log },
        );
        if (!signal.aborted) log.info({}, 'the source has ended: it wakes nobody any more in this term');
        return;
      } catch (err) {
        if (signal.aborted) return;
        if (clock.monotonic() - started >= CALM) backOff = backOff.reset();
        metrics.sourceFailed(source.name);
        log.warn({ err, retryIn: Math.round(backOff.duration) }, 'the source failed: it is started again');
      }
      await sleep(clock, backOff.duration, signal);
      backOff = backOff.next();
    }
  }
}
