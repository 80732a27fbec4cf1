import type { Clock } from '../kit/clock.js';

/** Aborts when nothing came for `timeout` milliseconds. `touch` on each sign of life; one timer, however many signs. */
export class IdleTimer {
  readonly #clock: Clock;
  readonly #timeout: number;
  readonly #onIdle: () => void;
  #last: number;
  #cancel: () => void;

  constructor(clock: Clock, timeout: number, onIdle: () => void) {
    this.#clock = clock;
    this.#timeout = timeout;
    this.#onIdle = onIdle;
    this.#last = clock.monotonic();
    this.#cancel = clock.schedule(timeout, () => this.#check());
  }

  touch(): void {
    this.#last = this.#clock.monotonic();
  }

  stop(): void {
    this.#cancel();
  }

  #check(): void {
    const left = this.#last + this.#timeout - this.#clock.monotonic();
    if (left <= 0) this.#onIdle();
    else this.#cancel = this.#clock.schedule(left, () => this.#check());
  }
}
