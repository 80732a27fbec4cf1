/** A binary heap: the least item by `before` comes out first. */
export class Heap<T> {
  readonly #before: (a: T, b: T) => boolean;
  #items: T[] = [];

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  get size(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    let hole = this.#items.length;
    this.#items.push(item);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (!this.#before(item, this.#at(parent))) break;
      this.#items[hole] = this.#at(parent);
      hole = parent;
    }
    this.#items[hole] = item;
  }

  pop(): T | undefined {
    const first = this.#items[0];
    const last = this.#items.pop();
    if (this.#items.length > 0) this.#sink(last as T);
    return first;
  }

  clear(): void {
    this.#items = [];
  }

  /** Holds these instead. */
  replace(items: Iterable<T>): void {
    this.clear();
    for (const item of items) this.push(item);
  }

  #sink(item: T): void {
    let hole = 0;
    for (let child = this.#lesserChild(hole); child !== undefined; child = this.#lesserChild(hole)) {
      if (!this.#before(this.#at(child), item)) break;
      this.#items[hole] = this.#at(child);
      hole = child;
    }
    this.#items[hole] = item;
  }

  #lesserChild(parent: number): number | undefined {
    const left = 2 * parent + 1;
    if (left >= this.#items.length) return undefined;
    const right = left + 1;
    return right < this.#items.length && this.#before(this.#at(right), this.#at(left)) ? right : left;
  }

  #at(index: number): T {
    return this.#items[index] as T;
  }
}
