import type { Clock, Instant } from '@incumbent/core/client';
import type { TermEnd } from '../term/lease-term.js';
import { SharedInstants } from './shared-instants.js';

const SAFE_UNTIL = 0;
const SAFE_UNTIL_UPTIME = 1;
const END = 2;

/** In the order of their numbers in memory; 0 is no end. */
const ENDS: readonly (TermEnd | undefined)[] = [undefined, 'expired', 'deleted', 'usurped', 'ended'];

/**
 * How long one term lasts, in memory that both threads see: one writes it, the other asks it before each write, without a message
 * in between and whatever either event loop does.
 *
 * Each term has memory of its own, so that a later one can't prolong it. `safeUntil` only ever rises, and it is kept on both clocks:
 * a reader that sees the one before and the other after a renewal gets the shorter right.
 */
export class SharedTerm {
  readonly #cells: SharedInstants;

  constructor(memory: SharedArrayBuffer) {
    this.#cells = new SharedInstants(memory);
  }

  static allocate(): SharedTerm {
    return new SharedTerm(SharedInstants.allocate(3).memory);
  }

  get memory(): SharedArrayBuffer {
    return this.#cells.memory;
  }

  /** The term is safe for `duration` milliseconds after `renewedAt`. */
  extend(renewedAt: Instant, duration: number): void {
    this.#cells.set(SAFE_UNTIL, renewedAt.monotonic + duration);
    this.#cells.set(SAFE_UNTIL_UPTIME, renewedAt.uptime + duration);
  }

  finish(end: TermEnd): void {
    this.#cells.set(END, ENDS.indexOf(end));
  }

  get end(): TermEnd | undefined {
    return ENDS[this.#cells.get(END)];
  }

  /** Milliseconds until the Lease may no longer count as held, whether the term has ended before or not. */
  leaseRemaining(clock: Clock): number {
    return Math.min(
      this.#cells.get(SAFE_UNTIL) - clock.monotonic(),
      this.#cells.get(SAFE_UNTIL_UPTIME) - clock.uptime(),
    );
  }
}
