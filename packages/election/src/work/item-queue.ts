/** Entries that were taken out are dropped from the order in pieces of at least this many. */
const PIECE = 1024;

/**
 * Who waits, in order. Everything costs the same for however many: to ask a `Set` for its first again and again does not, as it walks
 * over what was deleted before that.
 */
export class ItemQueue {
  readonly #waiting = new Set<string>();
  #order: string[] = [];
  #head = 0;

  get size(): number {
    return this.#waiting.size;
  }

  add(id: string): void {
    if (this.#waiting.has(id)) return;
    this.#waiting.add(id);
    this.#order.push(id);
  }

  delete(id: string): void {
    this.#waiting.delete(id);
  }

  get first(): string | undefined {
    while (this.#head < this.#order.length && !this.#waiting.has(this.#order[this.#head] as string))
      this.#head++;
    if (this.#head >= PIECE && this.#head * 2 >= this.#order.length) {
      this.#order = this.#order.slice(this.#head);
      this.#head = 0;
    }
    return this.#order[this.#head];
  }
}
