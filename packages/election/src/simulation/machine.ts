import type { Clock, Random } from '@incumbent/core/client';
import type { Scheduler } from './scheduler.js';

export interface MachineOptions {
  /** Milliseconds on its clocks per true millisecond. */
  readonly rate: number;
  /** What its wall clock is ahead of the true time, in milliseconds. */
  readonly wallOffset: number;
}

type Source = 'timer' | 'network';

/** Resolution of the clock that counts suspension. */
const UPTIME_STEP = 10;
const EPOCH = Date.parse('2026-01-01T00:00:00Z');

/** A computer whose clocks go at a rate of their own, and that can be frozen: paused, blocked or suspended. */
export class Machine {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #rate: number;
  #wallOffset: number;
  #asleep = 0;
  #frozen: { readonly suspended: boolean; readonly since: number } | undefined;
  readonly #deferred: Record<Source, (() => void)[]> = { timer: [], network: [] };
  /** Called when it goes on, before anything else runs on it. */
  onThaw: () => void = () => {};

  constructor(scheduler: Scheduler, random: Random, { rate, wallOffset }: MachineOptions) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#rate = rate;
    this.#wallOffset = wallOffset;
  }

  get rate(): number {
    return this.#rate;
  }

  get frozen(): boolean {
    return this.#frozen !== undefined;
  }

  monotonic(): number {
    const { now } = this.#scheduler;
    const asleep = this.#asleep + (this.#frozen?.suspended ? now - this.#frozen.since : 0);
    return (now - asleep) * this.#rate;
  }

  uptime(): number {
    return Math.floor((this.#scheduler.now * this.#rate) / UPTIME_STEP) * UPTIME_STEP;
  }

  wall(): Date {
    return new Date(EPOCH + this.#scheduler.now * this.#rate + this.#wallOffset);
  }

  stepWall(by: number): void {
    this.#wallOffset += by;
  }

  /** Runs nothing until `until`. Suspended, its monotonic clock stands still as well. Without effect while it is frozen. */
  freeze(until: number, { suspended = false } = {}): void {
    if (this.#frozen) return;
    this.#frozen = { suspended, since: this.#scheduler.now };
    this.#scheduler.at(until, () => this.#thaw());
  }

  /** Runs `task` now, or when the machine goes on. */
  deliver(source: Source, task: () => void): void {
    if (this.#frozen) this.#deferred[source].push(task);
    else task();
  }

  /** Late timers and what lay in the socket buffers: either may come first. */
  #thaw(): void {
    if (this.#frozen?.suspended) this.#asleep += this.#scheduler.now - this.#frozen.since;
    this.#frozen = undefined;
    const order: Source[] = this.#random.next() < 0.5 ? ['timer', 'network'] : ['network', 'timer'];
    this.onThaw();
    for (const source of order)
      for (const task of this.#deferred[source].splice(0))
        this.#scheduler.at(this.#scheduler.now, () => this.deliver(source, task));
  }
}

/** A process's view of its machine's clocks. When the process is dead its timers are too. */
export class ProcessClock implements Clock {
  readonly #machine: Machine;
  readonly #scheduler: Scheduler;
  readonly #alive: () => boolean;
  /** Timers that have not fired. */
  pending = 0;

  constructor(machine: Machine, scheduler: Scheduler, alive: () => boolean) {
    this.#machine = machine;
    this.#scheduler = scheduler;
    this.#alive = alive;
  }

  monotonic(): number {
    return this.#machine.monotonic();
  }

  uptime(): number {
    return this.#machine.uptime();
  }

  wall(): Date {
    return this.#machine.wall();
  }

  /** Between two events of a simulation there is nobody else. */
  turn(): Promise<void> {
    return Promise.resolve();
  }

  schedule(delay: number, task: () => void): () => void {
    const due = this.#machine.monotonic() + Math.max(delay, 0);
    let waiting = true;
    const arm = () =>
      this.#scheduler.after(Math.max((due - this.#machine.monotonic()) / this.#machine.rate, 0.001), () =>
        this.#machine.deliver('timer', fire),
      );
    const fire = (): void => {
      if (!waiting || !this.#alive()) return;
      if (this.#machine.monotonic() < due) return void (event = arm());
      cancel();
      task();
    };
    const cancel = (): void => {
      if (!waiting) return;
      waiting = false;
      this.pending--;
      event.cancelled = true;
    };
    this.pending++;
    let event = arm();
    return cancel;
  }
}
