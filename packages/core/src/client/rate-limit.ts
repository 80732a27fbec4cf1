import { IncumbentError } from '../kit/error.js';

export interface RateLimitOptions {
  /** Requests a second in the long run; client-go's `QPS`. */
  readonly perSecond: number;
  /** Requests that may go at once after a pause. @defaultValue twice `perSecond`, at least 1 */
  readonly burst?: number;
}

/** A token bucket that tells how long to wait instead of waiting. Turns are given in the order of asking. */
export class RateLimit {
  readonly #interval: number;
  readonly #burst: number;
  /** When the bucket is full again. */
  #fullAt = Number.NEGATIVE_INFINITY;

  constructor({ perSecond, burst = Math.max(Math.floor(2 * perSecond), 1) }: RateLimitOptions) {
    if (!(perSecond > 0) || !(burst >= 1)) {
      throw new IncumbentError(
        'RATE_LIMIT_INVALID',
        `rateLimit: perSecond (${perSecond}) must be above 0, and burst (${burst}) at least 1.`,
      );
    }
    this.#interval = 1000 / perSecond;
    this.#burst = burst * this.#interval;
  }

  /** Takes a turn. Milliseconds until it comes. */
  take(now: number): number {
    this.#fullAt = Math.max(this.#fullAt, now) + this.#interval;
    return Math.max(this.#fullAt - now - this.#burst, 0);
  }
}
