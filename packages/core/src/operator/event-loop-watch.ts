/**
 * Measures how late the event loop is, and says whose reconcile it was.
 *
 * While the loop is blocked no lease is renewed, no probe answered and no signal heard. Nothing in the process can tell until it
 * is over, so this speaks afterwards: it is for finding the code, not for safety. That is the terms' business.
 */
import { performance } from 'node:perf_hooks';
import type { ReconcileTrace, Suspect } from '../controller/reconcile-trace.js';
import type { Clock } from '../kit/clock.js';
import { formatDuration } from '../kit/duration.js';
import type { Logger } from '../kit/logger.js';
import type { Histogram, Metrics } from '../kit/metrics.js';

export interface EventLoopWatchOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly trace: ReconcileTrace;
  /** Milliseconds from which on a delay is warned of. Infinity: nothing is measured. */
  readonly warnFrom: number;
  /**
   * Milliseconds that this thread was busy so far: tells a loop that was blocked from a process that was paused while it
   * waited. @defaultValue what Node counts
   */
  readonly busy?: () => number;
}

/** Milliseconds between two looks: fine enough for delays that matter to a lease, too rare to cost anything. */
const INTERVAL = 250;
/** Milliseconds without a long delay after which the next one is a new story. */
const CALM = 10_000;
const NAMED = 5;

const HINT =
  'Meanwhile no lease was renewed and no probe answered. Split the work, awaiting something between its parts; move it to a worker thread; or have the lease renewed on one: leaderElection({ thread: "worker" }).';

export class EventLoopWatch implements Disposable {
  readonly #options: EventLoopWatchOptions;
  readonly #delays: Histogram;
  readonly #busy: () => number;
  #cancel: () => void = () => {};
  #busyBefore = 0;
  /** The longest delay that was told of in the present run of delays, and when the last one was. */
  #told = 0;
  #lastLate = Number.NEGATIVE_INFINITY;

  constructor(options: EventLoopWatchOptions) {
    this.#options = options;
    this.#busy = options.busy ?? (() => performance.eventLoopUtilization().active);
    this.#delays = options.metrics.histogram({
      name: 'incumbent_event_loop_delay_seconds',
      help: 'How late the event loop came to a timer that was due.',
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    });
  }

  start(): this {
    const { clock, warnFrom } = this.#options;
    if (warnFrom === Number.POSITIVE_INFINITY) return this;
    const since = clock.monotonic();
    this.#busyBefore = this.#busy();
    this.#cancel = clock.schedule(INTERVAL, () => this.#look(since));
    return this;
  }

  [Symbol.dispose](): void {
    this.#cancel();
  }

  #look(since: number): void {
    const { clock, trace, warnFrom } = this.#options;
    const delay = clock.monotonic() - since - INTERVAL;
    this.#delays.observe(Math.max(delay, 0) / 1000);
    if (delay >= warnFrom) this.#late(delay);
    trace.turned();
    this.start();
  }

  /** Once for a run of delays, and again if it gets much worse. */
  #late(delay: number): void {
    const now = this.#options.clock.monotonic();
    if (now - delay - this.#lastLate >= CALM) this.#told = 0;
    this.#lastLate = now;
    if (this.#told > 0 && delay < 2 * this.#told) return;
    this.#told = delay;
    this.#warn(delay);
  }

  #warn(delay: number): void {
    const { clock, log, trace } = this.#options;
    const ms = Math.round(delay);
    if (this.#busy() - this.#busyBefore < delay / 2)
      return log.warn(
        { ms },
        `The process stood still for ${formatDuration(delay)}, not by its own work: it was paused, or got no CPU time.`,
      );
    const { certain, suspects } = trace.suspects(clock.monotonic() - delay);
    const blocked = `The event loop was blocked for ${formatDuration(delay)}`;
    log.warn({ ms, ...fieldsOf(suspects) }, `${blocked} ${byWhom(certain, suspects)}. ${HINT}`);
  }
}

/** A line about one reconcile can be found by its controller and key. */
function fieldsOf(suspects: readonly Suspect[]): Partial<Suspect> {
  const [only, ...others] = suspects;
  return only && others.length === 0 ? { controller: only.controller, key: only.key } : {};
}

function byWhom(certain: boolean, suspects: readonly Suspect[]): string {
  const [first, ...others] = suspects;
  if (!first) return 'while no reconcile was under way: by something else in this process';
  if (others.length === 0)
    return `${certain ? 'by' : 'during'} the reconcile of ${first.key} by ${first.controller}`;
  const names = suspects.slice(0, NAMED).map(({ controller, key }) => `${key} by ${controller}`);
  const more = suspects.length > NAMED ? ` and ${suspects.length - NAMED} more` : '';
  return `while these reconciles were under way, one of which may have done it: ${names.join(', ')}${more}`;
}
