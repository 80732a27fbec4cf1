import type { Clock } from './clock.js';
import { type Duration, milliseconds } from './duration.js';

interface Timer {
  readonly due: number;
  readonly order: number;
  readonly task: () => void;
}

/**
 * A clock that stands still until it is told to move, for tests.
 *
 * `advance` runs the timers that fall due, in order, and lets promises settle after each.
 */
export class VirtualClock implements Clock {
  #now = 0;
  #suspended = 0;
  #wall: number;
  #order = 0;
  #timers: Timer[] = [];

  constructor(wall: Date | string = '2026-01-01T00:00:00Z') {
    this.#wall = new Date(wall).getTime();
  }

  monotonic(): number {
    return this.#now;
  }

  uptime(): number {
    return this.#now + this.#suspended;
  }

  wall(): Date {
    return new Date(this.#wall);
  }

  schedule(delay: number, task: () => void): () => void {
    const timer = { due: this.#now + Math.max(delay, 0), order: this.#order++, task };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Timers that have not fired yet: what a test looks at to see that nothing was left behind. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Moves all clocks on, firing timers at their time. */
  async advance(by: Duration): Promise<void> {
    const end = this.#now + milliseconds(by);
    await settle();
    for (let timer = this.#nextBefore(end); timer; timer = this.#nextBefore(end)) {
      this.#timers = this.#timers.filter((other) => other !== timer);
      this.#moveTo(timer.due);
      timer.task();
      await settle();
    }
    this.#moveTo(end);
    await settle();
  }

  /** Moves all clocks on without running anything: a process that was paused, or an event loop that was blocked. */
  stall(by: Duration): void {
    this.#moveTo(this.#now + milliseconds(by));
  }

  /** Moves uptime and wall clock but not the monotonic clock: a machine that was suspended. */
  suspend(by: Duration): void {
    this.#suspended += milliseconds(by);
    this.#wall += milliseconds(by);
  }

  /** Steps the wall clock, as a bad time server would. Milliseconds, may be negative. */
  stepWall(by: number): void {
    this.#wall += by;
  }

  #nextBefore(end: number): Timer | undefined {
    return this.#timers
      .filter((timer) => timer.due <= end)
      .toSorted((a, b) => a.due - b.due || a.order - b.order)[0];
  }

  #moveTo(time: number): void {
    this.#wall += Math.max(time - this.#now, 0);
    this.#now = Math.max(time, this.#now);
  }
}

/** Lets everything that waits on promises only run to its end. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}
