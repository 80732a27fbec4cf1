import { type Clock, LinkedAbort, type Term, sleep } from '@incumbent/core/client';
import type { LeaderElector } from '../elector/leader-elector.js';

export interface SteppedRun {
  readonly elector: LeaderElector;
  readonly clock: Clock;
  /** Milliseconds between two calls. */
  readonly period: number;
  readonly lead: (term: Term) => Promise<void>;
  /** Ends it: work is awaited, the lease released. */
  readonly signal: AbortSignal;
}

interface Work {
  readonly term: Term;
  /** Never rejects. */
  readonly ended: Promise<void>;
  done: boolean;
  failure: { readonly error: unknown } | undefined;
}

/** An election that is driven call by call, as somebody with a loop of their own would. */
export async function runBySteps({ elector, clock, period, lead, signal }: SteppedRun): Promise<void> {
  let work: Work | undefined;
  while (work || !signal.aborted) {
    // No call may win a new term while the work of a lost one runs.
    if (work && work.term.remaining() <= 0) await work.ended;
    if (work?.done) {
      await elector.release();
      if (work.failure) throw work.failure.error;
      work = undefined;
      continue;
    }
    if (signal.aborted) elector.stepDown();
    await elector.tryAcquireOrRenew();
    if (elector.term && !work) work = begin(elector.term, lead);
    using rest = new LinkedAbort(signal.aborted ? undefined : signal);
    void work?.ended.then(() => rest.abort());
    await sleep(clock, period, rest.signal);
  }
  // What is held without having begun: a lock delay.
  await elector.release();
}

function begin(term: Term, lead: (term: Term) => Promise<void>): Work {
  const work: Work = {
    term,
    done: false,
    failure: undefined,
    ended: lead(term)
      .catch((error: unknown) => {
        // As an elector's own loop does: what fails after it was asked to end is no failure.
        if (!term.signal.aborted) work.failure = { error };
      })
      .then(() => {
        work.done = true;
      }),
  };
  return work;
}
