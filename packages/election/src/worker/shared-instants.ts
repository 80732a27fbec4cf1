/** Moments in memory that two threads share. They are written and read as a whole, and kept to the microsecond. */
export class SharedInstants {
  readonly memory: SharedArrayBuffer;
  readonly #cells: BigInt64Array;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#cells = new BigInt64Array(memory);
  }

  static allocate(cells: number): SharedInstants {
    return new SharedInstants(new SharedArrayBuffer(cells * BigInt64Array.BYTES_PER_ELEMENT));
  }

  /** Milliseconds, rounded down to the microsecond: a right never grows by being written. */
  get(cell: number): number {
    return Number(Atomics.load(this.#cells, cell)) / 1000;
  }

  set(cell: number, ms: number): void {
    Atomics.store(this.#cells, cell, BigInt(Math.floor(ms * 1000)));
  }
}
