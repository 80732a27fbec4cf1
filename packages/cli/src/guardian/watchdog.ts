import type { EndedBy, Margins, Moment } from './protocol.js';

/** What is due now, and the milliseconds after which to look again. */
export interface Due {
  readonly action: 'none' | 'terminate' | 'kill';
  readonly lookIn: number;
}

/** After a machine was suspended, timers are late by as long as it slept: so none is longer than this, in milliseconds. */
const LONGEST_LOOK = 250;

/** Decides when a command is asked to end, and when it is killed: no I/O, no clock. A deadline only ever moves on. */
export class Watchdog {
  readonly #margins: Margins;
  #deadline: Moment;
  /** On the monotonic clock. */
  #killAt = Number.POSITIVE_INFINITY;
  #asked: Exclude<EndedBy, 'itself'> | undefined;
  #terminated = false;

  constructor(deadline: Moment, margins: Margins) {
    this.#deadline = deadline;
    this.#margins = margins;
  }

  /** Who has asked the command to end, if anybody has. */
  get endedBy(): EndedBy {
    return this.#asked ?? 'itself';
  }

  extend({ monotonic, uptime }: Moment): void {
    this.#deadline = {
      monotonic: Math.max(this.#deadline.monotonic, monotonic),
      uptime: Math.max(this.#deadline.uptime, uptime),
    };
  }

  /** The earliest end of a grace counts. */
  stop(now: Moment, grace: number): void {
    this.#asked ??= 'order';
    this.#killAt = Math.min(this.#killAt, now.monotonic + grace);
  }

  /** Tells of `terminate` once, of `kill` at every look. */
  due(now: Moment): Due {
    const remaining = Math.min(this.#deadline.monotonic - now.monotonic, this.#deadline.uptime - now.uptime);
    if (!this.#asked && remaining <= this.#margins.terminate) this.#expire(now, remaining);
    const killIn = Math.min(this.#killAt - now.monotonic, remaining - this.#margins.kill);
    if (killIn <= 0) return { action: 'kill', lookIn: LONGEST_LOOK };
    if (this.#asked) return { action: this.#terminate(), lookIn: Math.min(killIn, LONGEST_LOOK) };
    return { action: 'none', lookIn: Math.min(remaining - this.#margins.terminate, LONGEST_LOOK) };
  }

  /** Final: a renewal that comes now is too late for this command, which is ending. */
  #expire(now: Moment, remaining: number): void {
    this.#asked = 'deadline';
    this.#killAt = now.monotonic + remaining - this.#margins.kill;
  }

  #terminate(): 'none' | 'terminate' {
    if (this.#terminated) return 'none';
    this.#terminated = true;
    return 'terminate';
  }
}
