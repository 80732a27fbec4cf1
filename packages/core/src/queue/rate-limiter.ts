import type { Clock } from '../kit/clock.js';

/** Says how long a key waits before it is tried again. */
export interface RateLimiter {
  /** Milliseconds until the key's next try. Counts as one more retry of it. */
  when(key: string): number;
  /** The key succeeded, or was given up: its next failure is its first. */
  forget(key: string): void;
  /** How often `when` was asked for the key since it was last forgotten. */
  retries(key: string): number;
  /** Forgets all keys. */
  clear(): void;
}

export interface ExponentialOptions {
  /** Milliseconds of the first delay. @defaultValue 5, as client-go */
  readonly start?: number | undefined;
  /** Milliseconds of the longest delay. @defaultValue 1,000,000 (about 17 minutes), as client-go */
  readonly cap?: number | undefined;
}

/** Each key on its own: the first delay, doubled with every retry, up to the cap. */
export class ExponentialRateLimiter implements RateLimiter {
  readonly #start: number;
  readonly #cap: number;
  readonly #retries = new Map<string, number>();

  constructor({ start = 5, cap = 1_000_000 }: ExponentialOptions = {}) {
    this.#start = start;
    this.#cap = cap;
  }

  when(key: string): number {
    const retries = this.retries(key);
    this.#retries.set(key, retries + 1);
    return Math.min(this.#start * 2 ** retries, this.#cap);
  }

  forget(key: string): void {
    this.#retries.delete(key);
  }

  retries(key: string): number {
    return this.#retries.get(key) ?? 0;
  }

  clear(): void {
    this.#retries.clear();
  }
}

export interface BucketOptions {
  /** Tries per second in the long run. @defaultValue 10, as client-go */
  readonly perSecond?: number | undefined;
  /** Tries at once after a calm. @defaultValue 100, as client-go */
  readonly burst?: number | undefined;
}

/** All keys together: a token bucket, so that ten thousand failing keys don't become ten thousand requests at once. */
export class BucketRateLimiter implements RateLimiter {
  readonly #clock: Clock;
  readonly #interval: number;
  readonly #burst: number;
  /** When the last token that was given out is, or was, due. May lie in the future: those tokens are reserved. */
  #last = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, { perSecond = 10, burst = 100 }: BucketOptions = {}) {
    this.#clock = clock;
    this.#interval = 1000 / perSecond;
    this.#burst = burst;
  }

  when(): number {
    const now = this.#clock.monotonic();
    const full = now - this.#burst * this.#interval;
    this.#last = Math.max(this.#last, full) + this.#interval;
    return Math.max(this.#last - now, 0);
  }

  forget(): void {}

  retries(): number {
    return 0;
  }

  clear(): void {
    this.#last = Number.NEGATIVE_INFINITY;
  }
}

/** The longest delay that any of several limiters asks for. */
export class SlowestRateLimiter implements RateLimiter {
  readonly #limiters: readonly RateLimiter[];

  constructor(...limiters: RateLimiter[]) {
    this.#limiters = limiters;
  }

  when(key: string): number {
    return Math.max(0, ...this.#limiters.map((limiter) => limiter.when(key)));
  }

  forget(key: string): void {
    for (const limiter of this.#limiters) limiter.forget(key);
  }

  retries(key: string): number {
    return Math.max(0, ...this.#limiters.map((limiter) => limiter.retries(key)));
  }

  clear(): void {
    for (const limiter of this.#limiters) limiter.clear();
  }
}

/** Per-key exponential back-off under an overall bucket: what client-go gives controllers, with its numbers. */
export function defaultRateLimiter(
  clock: Clock,
  options: { readonly perKey?: ExponentialOptions; readonly overall?: BucketOptions } = {},
): RateLimiter {
  return new SlowestRateLimiter(
    new ExponentialRateLimiter(options.perKey),
    new BucketRateLimiter(clock, options.overall),
  );
}
