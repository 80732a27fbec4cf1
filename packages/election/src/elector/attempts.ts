/** When an attempt at a Lease that is held is made, and how long it may take, so that the time up to the renew deadline is used. Pure. */
import type { ResolvedTimings } from './options.js';

/** What an attempt is planned by; all in milliseconds. */
type AttemptTimings = Pick<ResolvedTimings, 'retryPeriod' | 'attemptTimeout'>;

/** An attempt that has failed. */
export interface FailedAttempt {
  /** Since it was started. */
  readonly age: number;
  /** Until the renew deadline. */
  readonly remaining: number;
}

/** Timers and clocks are exact to about this. */
const TOLERANCE = 1;

/** What is kept for one last attempt before the deadline: long for an answer, short for an outage. */
function roomForLast({ retryPeriod }: AttemptTimings): number {
  return retryPeriod / 4;
}

/** How long an attempt may take: it ends in time for one last attempt, unless it is nearly that itself. */
export function timeoutWithin(remaining: number, timings: AttemptTimings): number {
  const room = roomForLast(timings);
  return Math.min(timings.attemptTimeout, remaining < 2 * room ? remaining : remaining - room);
}

/** Milliseconds until the next attempt: a retry period after the start of the failed one, but not without a last one before the deadline. */
export function retryIn({ age, remaining }: FailedAttempt, timings: AttemptTimings): number {
  const untilLast = remaining - roomForLast(timings);
  const wasLast = untilLast + age <= TOLERANCE;
  const rest = timings.retryPeriod - age;
  return Math.max(wasLast ? rest : Math.min(rest, untilLast), 0);
}
