import type { Clock } from '@incumbent/core/client';

/** Writes that were sent and not answered yet, each with the moment from which on it can no longer take effect. */
export class UnsettledWrites {
  readonly #clock: Clock;
  readonly #onAnswer: () => void;
  readonly #writes = new Set<{ readonly until: number }>();

  /** `onAnswer`: called whenever {@link until} may have become earlier. */
  constructor(clock: Clock, onAnswer: () => void) {
    this.#clock = clock;
    this.#onAnswer = onAnswer;
  }

  /** One that may take effect for `ms` milliseconds. Returns what is to be called when it was answered. */
  add(ms: number): () => void {
    this.#forget();
    const write = { until: this.#clock.monotonic() + ms };
    this.#writes.add(write);
    return () => {
      if (this.#writes.delete(write)) this.#onAnswer();
    };
  }

  /** When the last of them can no longer take effect, on the monotonic clock. */
  get until(): number {
    return Math.max(Number.NEGATIVE_INFINITY, ...Array.from(this.#writes, ({ until }) => until));
  }

  /** Those whose answer was lost are never answered. */
  #forget(): void {
    const now = this.#clock.monotonic();
    for (const write of this.#writes) if (write.until <= now) this.#writes.delete(write);
  }
}
