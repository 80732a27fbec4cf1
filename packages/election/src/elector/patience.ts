import { type Clock, isIncumbentError } from '@incumbent/core/client';
import type { ResolvedTimings } from './options.js';

/**
 * Gives each attempt a timeout: twice as long after each that got no answer in time, up to half of the renew deadline; and as short as
 * ever once one was answered within that.
 *
 * An attempt that is given up takes its socket with it, and what the server had done for it. A server that is merely slow, as when
 * everybody comes back at once, would never get to the end of one attempt, and be kept slow by the handshakes of the next.
 */
export class Patience {
  readonly #timings: ResolvedTimings;
  readonly #clock: Clock;
  #timeout: number;

  constructor(timings: ResolvedTimings, clock: Clock) {
    this.#timings = timings;
    this.#clock = clock;
    this.#timeout = timings.attemptTimeout;
  }

  /** Rejects as `send` does, which is called with milliseconds. */
  async attempt<T>(send: (timeout: number) => Promise<T>): Promise<T> {
    const { attemptTimeout } = this.#timings;
    const from = this.#clock.monotonic();
    try {
      const answer = await send(this.#timeout);
      if (this.#clock.monotonic() - from <= attemptTimeout) this.#timeout = attemptTimeout;
      return answer;
    } catch (error) {
      if (isIncumbentError(error, 'REQUEST_TIMEOUT'))
        this.#timeout = Math.min(2 * this.#timeout, longestAttempt(this.#timings));
      throw error;
    }
  }
}

export function longestAttempt({ attemptTimeout, renewDeadline }: ResolvedTimings): number {
  return Math.max(attemptTimeout, renewDeadline / 2);
}
