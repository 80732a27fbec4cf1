/** Faults of the network between client and server: they strike connections and bytes, whatever is said on them. */
import { type Direction, Fault } from './fault.js';

class Latency extends Fault {
  readonly #ms: number;
  readonly #direction: Direction | undefined;

  constructor(ms: number, direction: Direction | undefined) {
    super();
    this.#ms = ms;
    this.#direction = direction;
  }

  override delayOf(direction: Direction): number {
    if (this.#direction !== undefined && this.#direction !== direction) return 0;
    this.struck();
    return this.#ms;
  }
}

/** Bytes arrive `ms` milliseconds later; in both directions unless one is named. Counts pieces of data. */
export function latency(ms: number, { direction }: { readonly direction?: Direction } = {}): Fault {
  return new Latency(ms, direction);
}

class Refusal extends Fault {
  override readonly refusesConnections = true;
}

/** New connections are refused, as by a machine where nobody listens; open ones live on. Can't count: the kernel refuses. */
export function refuseConnections(): Fault {
  return new Refusal();
}

class HalfOpen extends Fault {
  override takesConnection(): boolean {
    this.struck();
    return true;
  }
}

/** New connections are accepted and never answered, not even once the fault is lifted; open ones live on. Counts connections. */
export function halfOpen(): Fault {
  return new HalfOpen();
}

class BlackHole extends Fault {
  readonly #direction: Direction;

  constructor(direction: Direction) {
    super();
    this.#direction = direction;
  }

  override holds(direction: Direction): boolean {
    return direction === this.#direction;
  }
}

/**
 * Nothing gets through in one direction, on no connection; the other direction works. As with TCP, what was sent meanwhile arrives when the
 * fault is lifted, even the end of the connection. Counts pieces of data.
 */
export function blackHole(direction: Direction): Fault {
  return new BlackHole(direction);
}
