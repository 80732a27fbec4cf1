import type { Clock } from '../kit/clock.js';
import { Heap } from './heap.js';

interface Entry {
  readonly key: string;
  /** Monotonic milliseconds. */
  readonly due: number;
  readonly priority: number;
  readonly order: number;
}

/** The keys that come later, each once, at the earliest time and the highest priority that was asked for. One timer for all of them. */
export class DelayedKeys {
  readonly #clock: Clock;
  readonly #onDue: (key: string, priority: number) => void;
  /** May hold entries that another has replaced: an entry counts only while `#entries` has that very one. */
  readonly #heap = new Heap<Entry>((a, b) => a.due < b.due || (a.due === b.due && a.order < b.order));
  readonly #entries = new Map<string, Entry>();
  /** The one timer, set for `due`: never later than the earliest entry. */
  #timer: { readonly due: number; readonly cancel: () => void } | undefined;
  #order = 0;

  constructor(clock: Clock, onDue: (key: string, priority: number) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#entries.size;
  }

  put(key: string, delay: number, priority: number): void {
    const due = this.#clock.monotonic() + delay;
    const known = this.#entries.get(key);
    if (known && known.due <= due && known.priority >= priority) return;
    const entry = {
      key,
      due: Math.min(due, known?.due ?? due),
      priority: Math.max(priority, known?.priority ?? priority),
      order: this.#order++,
    };
    this.#entries.set(key, entry);
    this.#heap.push(entry);
    this.#arm(entry.due);
  }

  clear(): void {
    this.#heap.clear();
    this.#entries.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(due: number): void {
    if (this.#timer && this.#timer.due <= due) return;
    this.#timer?.cancel();
    const cancel = this.#clock.schedule(Math.max(due - this.#clock.monotonic(), 0), () => this.#fire());
    this.#timer = { due, cancel };
  }

  #fire(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonic();
    for (let next = this.#peek(); next && next.due <= now; next = this.#peek()) {
      this.#heap.pop();
      this.#entries.delete(next.key);
      this.#onDue(next.key, next.priority);
    }
    const next = this.#peek();
    if (next) this.#arm(next.due);
  }

  /** The earliest entry that still counts. */
  #peek(): Entry | undefined {
    for (let next = this.#heap.peek(); next; next = this.#heap.peek()) {
      if (this.#entries.get(next.key) === next) return next;
      this.#heap.pop();
    }
    return undefined;
  }
}
