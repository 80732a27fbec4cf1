import type { Clock } from '@incumbent/core/client';

/** Waits for a time or for news, whichever comes first. News that comes while nobody waits is not lost. */
export class Wakeup {
  readonly #clock: Clock;
  #news = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  notify(): void {
    this.#news = true;
    this.#wake?.();
  }

  /** Resolves at `until` on the monotonic clock (`Infinity`: never by itself), or on news. */
  async wait(until: number): Promise<void> {
    if (!this.#news) await this.#sleep(until);
    this.#news = false;
  }

  #sleep(until: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel =
        until === Number.POSITIVE_INFINITY
          ? () => {}
          : this.#clock.schedule(until - this.#clock.monotonic(), () => wake());
      const wake = (): void => {
        cancel();
        this.#wake = undefined;
        resolve();
      };
      this.#wake = wake;
    });
  }
}
