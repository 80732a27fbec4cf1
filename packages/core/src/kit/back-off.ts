import type { Random } from './random.js';

export interface BackOffOptions {
  /** First delay, in milliseconds. */
  readonly start: number;
  /** Longest delay, in milliseconds, before jitter. */
  readonly cap: number;
  /** @defaultValue 2 */
  readonly factor?: number;
  /** Share of each delay that is added at random: 0.5 makes 100 ms anything from 100 to 150 ms. @defaultValue 0 */
  readonly jitter?: number;
}

/** An exponential back-off as an immutable value: `duration` is the delay now, `next()` the step after it. */
export class BackOff {
  readonly #options: BackOffOptions;
  readonly #random: Random;
  readonly #base: number;
  /** Milliseconds to wait, jitter included. */
  readonly duration: number;

  constructor(options: BackOffOptions, random: Random, base = options.start) {
    this.#options = options;
    this.#random = random;
    this.#base = Math.min(base, options.cap);
    this.duration = this.#base * (1 + (options.jitter ?? 0) * random.next());
  }

  next(): BackOff {
    return new BackOff(this.#options, this.#random, this.#base * (this.#options.factor ?? 2));
  }

  /** Back to the first delay. */
  reset(): BackOff {
    return new BackOff(this.#options, this.#random);
  }
}
