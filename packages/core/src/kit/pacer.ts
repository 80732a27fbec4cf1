import type { Clock } from './clock.js';
import { nextTurn } from './sleep.js';

/** Milliseconds of work after which others get their turn: short beside a lease's renewal or a probe's answer. */
const SLICE = 10;

/** Cuts long work into slices, so that it does not block the event loop: `if (pacer.isDue) await pacer.rest()`. */
export class Pacer {
  readonly #clock: Clock;
  #since: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.monotonic();
  }

  get isDue(): boolean {
    return this.#clock.monotonic() - this.#since >= SLICE;
  }

  async rest(): Promise<void> {
    await nextTurn(this.#clock);
    this.#since = this.#clock.monotonic();
  }
}
