/** What can be dropped and made again. */
export interface Droppable {
  /** What it weighs. */
  readonly size: number;
  drop(): void;
}

/**
 * Keeps what was used most recently, up to a weight in all: what was not used since the last two turns of half of that is dropped.
 *
 * Two generations instead of a list in order of use: a use that is not the first of its turn costs one comparison.
 */
export class Recent {
  readonly #half: number;
  #turn = new Set<Droppable>();
  #before = new Set<Droppable>();
  #weight = 0;

  constructor(limit: number) {
    this.#half = limit / 2;
  }

  used(item: Droppable): void {
    if (this.#turn.has(item)) return;
    this.#turn.add(item);
    this.#weight += item.size;
    if (this.#weight > this.#half) this.#next();
  }

  forget(item: Droppable): void {
    this.#before.delete(item);
    if (this.#turn.delete(item)) this.#weight -= item.size;
  }

  #next(): void {
    for (const item of this.#before) if (!this.#turn.has(item)) item.drop();
    this.#before = this.#turn;
    this.#turn = new Set();
    this.#weight = 0;
  }
}
