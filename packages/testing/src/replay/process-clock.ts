import type { Clock } from '@incumbent/core';

/** The clock of one process: when that dies, its timers are gone with it. Without, dead processes would tick on to the end of the run. */
export class ProcessClock implements Clock {
  readonly #clock: Clock;
  readonly #pending = new Set<() => void>();
  #dead = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  kill(): void {
    this.#dead = true;
    for (const cancel of this.#pending) cancel();
    this.#pending.clear();
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  uptime(): number {
    return this.#clock.uptime();
  }

  wall(): Date {
    return this.#clock.wall();
  }

  schedule(delay: number, task: () => void): () => void {
    if (this.#dead) return () => {};
    const cancel = this.#clock.schedule(delay, () => {
      this.#pending.delete(cancel);
      task();
    });
    this.#pending.add(cancel);
    return () => {
      this.#pending.delete(cancel);
      cancel();
    };
  }
}
