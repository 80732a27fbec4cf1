import type { Clock } from '../kit/clock.js';
import { Heap } from './heap.js';

/** Entries that no longer count may be as many as those that do, and so many more. */
const SLACK = 64;

/** What is asked for: how urgent, and why. */
interface Request<Cause> {
  readonly priority: number;
  readonly causes: readonly Cause[];
}

interface Entry<Cause> extends Request<Cause> {
  readonly key: string;
  /** Monotonic milliseconds. */
  readonly due: number;
  readonly order: number;
}

interface DelayedKeysOptions<Cause> {
  readonly clock: Clock;
  readonly coalesce: (known: readonly Cause[], more: readonly Cause[]) => readonly Cause[];
  readonly onDue: (key: string, request: Request<Cause>) => void;
}

/**
 * The keys that come later, each once, at the earliest time and the highest priority that was asked for, with the causes of all.
 * One timer for all of them.
 */
export class DelayedKeys<Cause> {
  readonly #clock: Clock;
  readonly #coalesce: DelayedKeysOptions<Cause>['coalesce'];
  readonly #onDue: DelayedKeysOptions<Cause>['onDue'];
  /** May hold entries that another has replaced: an entry counts only while `#entries` has that very one. */
  readonly #heap = new Heap<Entry<Cause>>((a, b) => a.due < b.due || (a.due === b.due && a.order < b.order));
  readonly #entries = new Map<string, Entry<Cause>>();
  /** The one timer, set for `due`: never later than the earliest entry. */
  #timer: { readonly due: number; readonly cancel: () => void } | undefined;
  #order = 0;

  constructor({ clock, coalesce, onDue }: DelayedKeysOptions<Cause>) {
    this.#clock = clock;
    this.#coalesce = coalesce;
    this.#onDue = onDue;
  }

  get size(): number {
    return this.#entries.size;
  }

  put(key: string, delay: number, { priority, causes }: Request<Cause>): void {
    const due = this.#clock.monotonic() + delay;
    const known = this.#entries.get(key);
    if (known && known.due <= due && known.priority >= priority && causes.length === 0) return;
    const entry = {
      key,
      due: Math.min(due, known?.due ?? due),
      priority: Math.max(priority, known?.priority ?? priority),
      causes: known ? this.#coalesce(known.causes, causes) : causes,
      order: this.#order++,
    };
    this.#entries.set(key, entry);
    this.#heap.push(entry);
    if (this.#heap.size > 2 * this.#entries.size + SLACK) this.#heap.replace(this.#entries.values());
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
      this.#onDue(next.key, next);
    }
    const next = this.#peek();
    if (next) this.#arm(next.due);
  }

  /** The earliest entry that still counts. */
  #peek(): Entry<Cause> | undefined {
    for (let next = this.#heap.peek(); next; next = this.#heap.peek()) {
      if (this.#entries.get(next.key) === next) return next;
      this.#heap.pop();
    }
    return undefined;
  }
}
