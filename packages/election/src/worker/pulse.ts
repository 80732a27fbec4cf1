import { type Clock } from '@incumbent/core/client';
import { SharedInstants } from './shared-instants.js';

export type Side = 'main' | 'thread';

/** Milliseconds between two beats: a quarter of the shortest silence that anybody asks about. */
export const BEAT = 250;

const CELLS = { main: 0, thread: 1 } as const;

/** When each of two event loops has last had a turn, in memory that both threads see. */
export class Pulse {
  readonly #cells: SharedInstants;
  readonly #clock: Clock;

  constructor(memory: SharedArrayBuffer, clock: Clock) {
    this.#cells = new SharedInstants(memory);
    this.#clock = clock;
  }

  static allocate(clock: Clock): Pulse {
    const pulse = new Pulse(SharedInstants.allocate(2).memory, clock);
    pulse.beat('main');
    pulse.beat('thread');
    return pulse;
  }

  get memory(): SharedArrayBuffer {
    return this.#cells.memory;
  }

  /** Milliseconds since that side's loop has last turned. */
  silenceOf(side: Side): number {
    return this.#clock.monotonic() - this.#cells.get(CELLS[side]);
  }

  beat(side: Side): void {
    this.#cells.set(CELLS[side], this.#clock.monotonic());
  }

  /** Beats for `side` at each turn of its loop that a timer gets. Returns what ends that. */
  keepBeating(side: Side, alongside: () => void = () => {}): () => void {
    let cancel = (): void => {};
    const next = (): void => {
      this.beat(side);
      alongside();
      cancel = this.#clock.schedule(BEAT, next);
    };
    next();
    return () => cancel();
  }
}
