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
  /** Lower goes first: see {@link ReadyKeys}. */
  readonly rank: number;
  readonly order: number;
}

/**
 * The keys that wait for a processor, each once, by priority with ageing: a point of priority is worth `pointsWorth` milliseconds of waiting.
 *
 * So the order of two keys never changes while they wait (`since - priority × pointsWorth` is constant), which makes ageing free, and
 * no key starves: one of priority -100 at 100 ms a point goes before every ordinary key that came 10 s after it. Equals go first in, first out.
 */
export class ReadyKeys {
  readonly #pointsWorth: number;
  /** May hold entries that a raise has replaced: an entry counts only while `#entries` has that very one. */
  readonly #heap = new Heap<Entry>((a, b) => a.rank < b.rank || (a.rank === b.rank && a.order < b.order));
  readonly #entries = new Map<string, Entry>();
  #order = 0;

  constructor(pointsWorth: number) {
    this.#pointsWorth = pointsWorth;
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
    const entry = { key, priority, since, order, rank: since - priority * this.#pointsWorth };
    this.#entries.set(key, entry);
    this.#heap.push(entry);
  }

  take(): (Demand & { readonly key: string }) | undefined {
    for (let entry = this.#heap.pop(); entry; entry = this.#heap.pop()) {
      if (this.#entries.get(entry.key) !== entry) continue;
      this.#entries.delete(entry.key);
      return entry;
    }
    return undefined;
  }

  clear(): void {
    this.#heap.clear();
    this.#entries.clear();
  }

  demands(): Iterable<Demand> {
    return this.#entries.values();
  }
}
