/** Bytes outside of the JavaScript heap: the garbage collector neither walks nor copies them. */

/** Small enough to be moved in a fraction of a millisecond, large enough that there are few. */
const SLAB_SIZE = 1 << 20;
/** A slab is emptied into another when less than this share of what was put into it is still in use. */
const SPARSE = 0.75;
/** A block above this share of a slab gets memory of its own: it would leave too much of a slab unused at its end. */
const LARGE = 0.25;

interface Slab {
  readonly bytes: Buffer;
  /** Where the next block goes. */
  end: number;
  /** Bytes of blocks that are in use. */
  used: number;
  /** Also those that were freed. */
  readonly blocks: Block[];
}

/** Bytes that are kept. The store may move them. */
export class Block {
  #slab: Slab | undefined;
  #offset = 0;
  readonly length: number;

  constructor(length: number) {
    this.length = length;
  }

  /** The slab that has it, `undefined` once it was freed. */
  get slab(): Slab | undefined {
    return this.#slab;
  }

  /** @throws Error when it was freed */
  text(): string {
    if (!this.#slab) throw new Error('A block was read after it was freed.');
    return this.#slab.bytes.toString('utf8', this.#offset, this.#offset + this.length);
  }

  /** Puts it at the end of a slab. */
  place(slab: Slab, write: (target: Buffer, offset: number) => void): void {
    write(slab.bytes, slab.end);
    this.#slab = slab;
    this.#offset = slab.end;
    slab.end += this.length;
    slab.used += this.length;
    slab.blocks.push(this);
  }

  move(to: Slab): void {
    const from = this.#slab?.bytes;
    const offset = this.#offset;
    this.place(to, (target, end) => from?.copy(target, end, offset, offset + this.length));
  }

  detach(): void {
    this.#slab = undefined;
  }
}

/** Blocks of any length, packed into slabs, which are emptied and reused as blocks are freed. */
export class ByteStore {
  readonly #slabSize: number;
  #current: Slab | undefined;
  /** One that is empty, so that a store at the border between two slabs does not allocate again and again. */
  #spare: Slab | undefined;
  #capacity = 0;
  #used = 0;

  constructor(slabSize: number = SLAB_SIZE) {
    this.#slabSize = slabSize;
  }

  /** Bytes in use. */
  get used(): number {
    return this.#used;
  }

  /** Bytes allocated. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Keeps `length` bytes that `write` puts into the target at the offset. */
  add(length: number, write: (target: Buffer, offset: number) => void): Block {
    const block = new Block(length);
    block.place(this.#slabFor(length), write);
    this.#used += length;
    return block;
  }

  free(block: Block): void {
    const slab = block.slab;
    if (!slab) return;
    block.detach();
    slab.used -= block.length;
    this.#used -= block.length;
    this.#tidy(slab);
  }

  #slabFor(length: number): Slab {
    if (length > this.#slabSize * LARGE) return this.#allocate(length);
    const full = this.#current;
    if (full && full.end + length <= this.#slabSize) return full;
    const current = this.#next();
    this.#current = current;
    if (full) this.#tidy(full);
    // Emptying the one that was full may have filled the next.
    return this.#current === current && current.end + length <= this.#slabSize
      ? current
      : this.#slabFor(length);
  }

  #tidy(slab: Slab): void {
    if (slab !== this.#current && slab.used < slab.end * SPARSE) this.#empty(slab);
  }

  #next(): Slab {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare ?? this.#allocate(this.#slabSize);
  }

  #allocate(size: number): Slab {
    this.#capacity += size;
    return { bytes: Buffer.allocUnsafeSlow(size), end: 0, used: 0, blocks: [] };
  }

  #empty(slab: Slab): void {
    for (const block of slab.blocks.splice(0))
      if (block.slab === slab) block.move(this.#slabFor(block.length));
    slab.end = slab.used = 0;
    if (this.#spare || slab.bytes.length !== this.#slabSize) this.#capacity -= slab.bytes.length;
    else this.#spare = slab;
  }
}
