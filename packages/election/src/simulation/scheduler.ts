/** One event to come. Cancelled ones stay in the heap until their time. */
export interface Scheduled {
  readonly time: number;
  readonly order: number;
  readonly task: () => void;
  cancelled: boolean;
}

/** How many events may be in the queue of immediates: one turn of the event loop then runs as many, each with its microtasks. */
const AHEAD = 32;

/**
 * True time, in milliseconds, and everything that will happen in it: a discrete-event scheduler.
 *
 * After each event all promises settle before the next one runs: the event loop empties the microtask queue between two
 * immediates. So nothing depends on real time, and an event costs well under a microsecond of waiting.
 */
export class Scheduler {
  now = 0;
  /** Events that have run. */
  ran = 0;
  #order = 0;
  readonly #heap: Scheduled[] = [];

  at(time: number, task: () => void): Scheduled {
    const event = { time: Math.max(time, this.now), order: this.#order++, task, cancelled: false };
    this.#push(event);
    return event;
  }

  after(delay: number, task: () => void): Scheduled {
    return this.at(this.now + delay, task);
  }

  /** Runs everything up to `until`, in order. Rejects with what an event throws. */
  run(until: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let over = false;
      const step = (): void => {
        if (over) return;
        try {
          over = !this.#runNext(until);
        } catch (error) {
          over = true;
          reject(error as Error);
        }
        if (!over) setImmediate(step);
        else resolve();
      };
      for (let count = 0; count < AHEAD; count++) setImmediate(step);
    });
  }

  #runNext(until: number): boolean {
    for (let next = this.#heap[0]; next && next.time <= until; next = this.#heap[0]) {
      this.#pop();
      if (next.cancelled) continue;
      this.now = next.time;
      this.ran++;
      next.task();
      return true;
    }
    this.now = Math.max(this.now, until);
    return false;
  }

  #push(event: Scheduled): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above] as Scheduled;
      if (!before(event, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Scheduled;
    if (heap.length === 0) return;
    let at = 0;
    for (let below = 1; below < heap.length; below = 2 * at + 1) {
      if (below + 1 < heap.length && before(heap[below + 1] as Scheduled, heap[below] as Scheduled)) below++;
      const child = heap[below] as Scheduled;
      if (!before(child, last)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
  }
}

function before(a: Scheduled, b: Scheduled): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}
