import type { Clock } from '../kit/clock.js';
import { LinkedAbort } from '../kit/abort.js';
import { formatDuration } from '../kit/duration.js';
import type { Logger } from '../kit/logger.js';
import { sleep } from '../kit/sleep.js';
import type { Term } from '../leadership/authority.js';

/** Something that works for as long as a term lasts: a controller, a runnable. Lives across terms. */
export interface Work {
  readonly name: string;
  /**
   * Works until the term's signal or `stopping` aborts, then lets what runs end. If it doesn't within its grace, resolves only once it has,
   * or once the term can no longer be held: nobody may take over while the work goes on. Never rejects.
   */
  run(term: Term, stopping?: AbortSignal): Promise<void>;
  /** Why the process should be restarted, or undefined: work that goes on long after it was told to stop. */
  notLive(): string | undefined;
}

export interface DrainOptions {
  readonly term: Term;
  readonly clock: Clock;
  readonly log: Logger;
  /** Milliseconds. */
  readonly grace: number;
  /** What still runs although it was told to stop, by key. */
  readonly overstaying: () => readonly string[];
}

/** Waits for work that was told to end: as {@link Work.run} says. */
export async function drain(work: Promise<unknown>, options: DrainOptions): Promise<void> {
  const { term, clock, log, grace, overstaying } = options;
  using ended = new LinkedAbort();
  const working = work.then(() => ended.abort());
  await Promise.race([working, sleep(clock, grace, ended.signal)]);
  if (ended.signal.aborted) return;
  const keys = overstaying();
  log.error({ keys }, `work ignores its signal for more than ${formatDuration(grace)}`);
  while (!ended.signal.aborted && term.remaining() > 0) {
    await Promise.race([working, sleep(clock, Math.min(term.remaining(), 1000), ended.signal)]);
  }
}
