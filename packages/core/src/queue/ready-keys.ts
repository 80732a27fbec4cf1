import { Heap } from './heap.js';

/** What is known of a key that is to be processed. */
export interface Demand {
  /** Higher goes first. 0 is ordinary, below is what may wait. */
  readonly priority: number;
  /** Monotonic milliseconds at which it was first asked for. */
  readonly since: number;
}

interface Entry extends Demand {
  readonly key: string;
  /** Counts up as keys begin to wait; a raise of the priority keeps it. */
  readonly order: number;
}

/** Of so many keys that are taken, one is the oldest, if it has aged. */
const AGED_SHARE = 4;
/** Entries that no longer count may be as many as those that do, and so many more. */
const SLACK = 64;

/**
 * The keys that wait for a processor, each once. The highest priority goes first, equals first in, first out; but each fourth key that
 * is taken is the one that has waited longest, if that is longer than the ageing time.
 *
 * So neither side starves: however many keys of low priority wait, others get three of four turns, and however many others keep coming,
 * the n-th oldest key is taken at the latest with the 4n-th turn after it has aged.
 */
export class ReadyKeys {
  readonly #ageing: number;
  /** May hold entries that another has replaced: an entry counts only while `#entries` has that very one. */
  readonly #heap = new Heap<Entry>(
    (a, b) => a.priority > b.priority || (a.priority === b.priority && a.order < b.order),
  );
  /** In the order in which they began to wait. */
  readonly #entries = new Map<string, Entry>();
  /** Stands behind `#first`, and sees what is added later. */
  #byAge = this.#entries.values();
  /** The oldest, unless it was taken. */
  #first: Entry | undefined;
  #order = 0;
  #turn = 0;

  /** @param ageing milliseconds */
  constructor(ageing: number) {
    this.#ageing = ageing;
  }

  get size(): number {
    return this.#entries.size;
  }

  demandOf(key: string): Demand | undefined {
    return this.#entries.get(key);
  }

  /** Adds the key or replaces its demand. */
  put(key: string, { priority, since }: Demand): void {
    const order = this.#entries.get(key)?.order ?? this.#order++;
    const entry = { key, priority, since, order };
    this.#entries.set(key, entry);
    this.#heap.push(entry);
    if (this.#heap.size > 2 * this.#entries.size + SLACK) this.#heap.replace(this.#entries.values());
  }

  take(now: number): (Demand & { readonly key: string }) | undefined {
    if (this.#entries.size === 0) return undefined;
    this.#turn = (this.#turn + 1) % AGED_SHARE;
    const entry = (this.#turn === 0 ? this.#aged(now) : undefined) ?? this.#highest();
    if (entry) this.#entries.delete(entry.key);
    return entry;
  }

  clear(): void {
    this.#heap.clear();
    this.#entries.clear();
  }

  demands(): Iterable<Demand> {
    return this.#entries.values();
  }

  #highest(): Entry | undefined {
    for (let entry = this.#heap.pop(); entry; entry = this.#heap.pop()) {
      if (this.#entries.get(entry.key) === entry) return entry;
    }
    return undefined;
  }

  #aged(now: number): Entry | undefined {
    const oldest = this.#oldest();
    return oldest && now - oldest.since > this.#ageing ? oldest : undefined;
  }

  /** By one iterator that goes on: a new one would walk over everything that was ever taken. */
  #oldest(): Entry | undefined {
    for (;;) {
      const entry = this.#first && this.#entries.get(this.#first.key);
      if (entry && entry.order === this.#first?.order) return entry;
      const next = this.#byAge.next();
      this.#first = next.value;
      if (!next.done) continue;
      // One that has come to the end sees nothing that is added later.
      this.#byAge = this.#entries.values();
      return undefined;
    }
  }
}
