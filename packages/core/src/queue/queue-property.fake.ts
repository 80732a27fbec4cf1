/** What a work queue promises, as a property over everything that can be done with one. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { VirtualClock } from '../kit/virtual-clock.js';
import { LOW_PRIORITY, type WorkQueue, type WorkQueueOptions } from './work-queue.js';

export type MakeQueue = (options: WorkQueueOptions<number>) => WorkQueue<number>;

interface Waiting {
  readonly key: string;
  priority: number;
  readonly since: number;
  readonly order: number;
}

/** The queue as plainly as it can be said: everything in lists, everything looked through each time. */
class PlainQueue {
  readonly ageing = 20;
  now = 0;
  #order = 0;
  #turn = 0;
  ready: Waiting[] = [];
  again: Waiting[] = [];
  delayed: { key: string; due: number; priority: number; order: number }[] = [];
  processing: string[] = [];

  add(key: string, priority: number): void {
    const list = this.processing.includes(key) ? this.again : this.ready;
    const known = list.find((each) => each.key === key);
    if (known) known.priority = Math.max(known.priority, priority);
    else list.push({ key, priority, since: this.now, order: this.#order++ });
  }

  addAfter(key: string, delay: number, priority: number): void {
    const known = this.delayed.find((each) => each.key === key);
    const due = Math.min(this.now + delay, known?.due ?? Infinity);
    const highest = Math.max(priority, known?.priority ?? priority);
    this.delayed = this.delayed.filter((each) => each !== known);
    this.delayed.push({ key, due, priority: highest, order: this.#order++ });
  }

  advance(by: number): void {
    for (const end = this.now + by; ; this.now++) {
      const due = this.delayed.filter((each) => each.due <= this.now).toSorted((a, b) => a.order - b.order);
      for (const { key, priority } of due) this.add(key, priority);
      this.delayed = this.delayed.filter((each) => !due.includes(each));
      if (this.now === end) return;
    }
  }

  get(): string | undefined {
    if (this.ready.length === 0) return undefined;
    this.#turn++;
    const [oldest] = this.ready.toSorted((a, b) => a.order - b.order);
    const [highest] = this.ready.toSorted((a, b) => b.priority - a.priority || a.order - b.order);
    const hasAged = oldest !== undefined && this.now - oldest.since > this.ageing;
    const taken = this.#turn % 4 === 0 && hasAged ? oldest : highest;
    this.ready = this.ready.filter((each) => each !== taken);
    if (taken) this.processing.push(taken.key);
    return taken?.key;
  }

  done(key: string): void {
    if (!this.processing.includes(key)) return;
    this.processing = this.processing.filter((each) => each !== key);
    const again = this.again.find((each) => each.key === key);
    this.again = this.again.filter((each) => each !== again);
    if (again) this.ready.push({ ...again, order: this.#order++ });
  }

  clear(): void {
    this.ready = [];
    this.again = [];
    this.delayed = [];
  }
}

const key = fc.constantFrom('a', 'b', 'c', 'd');
const priority = fc.constantFrom(0, 0, LOW_PRIORITY, 3);
const operation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('add' as const), key, priority }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('addAfter' as const),
      key,
      priority,
      delay: fc.integer({ min: 1, max: 40 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('get' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('impatientGet' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('done' as const), key }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('advance' as const), by: fc.integer({ min: 1, max: 15 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/**
 * The queue under test beside the plain one. Each add gets a number as its cause, which is owed until the key is handed out with it
 * after that add.
 */
class Comparison {
  readonly #clock = new VirtualClock();
  readonly #plain = new PlainQueue();
  readonly #queue: WorkQueue<number>;
  readonly #processing = new Set<string>();
  readonly #owed = new Map<number, string>();
  #number = 0;

  constructor(make: MakeQueue) {
    const coalesce = (known: readonly number[], more: readonly number[]) => [...known, ...more];
    this.#queue = make({ name: 'q', clock: this.#clock, ageing: this.#plain.ageing, coalesce });
  }

  async step(each: Operation): Promise<void> {
    switch (each.do) {
      case 'add':
        this.#queue.add(each.key, { priority: each.priority, causes: [this.#owe(each.key)] });
        this.#plain.add(each.key, each.priority);
        break;
      case 'addAfter':
        this.#queue.addAfter(each.key, each.delay, {
          priority: each.priority,
          causes: [this.#owe(each.key)],
        });
        this.#plain.addAfter(each.key, each.delay, each.priority);
        break;
      case 'get':
        await this.#get();
        break;
      case 'impatientGet':
        assert.equal(await this.#queue.get(AbortSignal.abort()), undefined);
        break;
      case 'done':
        this.#done(each.key);
        break;
      case 'advance':
        await this.#clock.advance(each.by);
        this.#plain.advance(each.by);
        break;
      case 'clear':
        this.#queue.clear();
        this.#plain.clear();
        this.#owed.clear();
    }
    assert.equal(this.#queue.length, this.#plain.ready.length + this.#plain.again.length, 'length');
  }

  /** Nothing is added any more: everything that is owed comes. */
  async finish(): Promise<void> {
    await this.step({ do: 'advance', by: 100 });
    for (const each of this.#processing) this.#done(each);
    for (let got = await this.#get(); got !== undefined; got = await this.#get()) this.#done(got);
    assert.deepEqual([...this.#owed], [], 'lost');
    assert.equal(this.#clock.pending, 0, 'timers');
  }

  #owe(owed: string): number {
    this.#owed.set(this.#number, owed);
    return this.#number++;
  }

  #done(each: string): void {
    this.#processing.delete(each);
    this.#queue.done(each);
    this.#plain.done(each);
  }

  async #get(): Promise<string | undefined> {
    const impatience = new AbortController();
    const getting = this.#queue.get(impatience.signal);
    impatience.abort();
    const got = await getting;
    if (got !== undefined) assert.equal(this.#processing.has(got), false, `two processors have ${got}`);
    assert.equal(got, this.#plain.get(), 'order');
    if (got === undefined) return undefined;
    this.#processing.add(got);
    for (const cause of this.#queue.causesOf(got)) {
      assert.equal(this.#owed.get(cause), got, 'a cause twice, or of another key');
      this.#owed.delete(cause);
    }
    return got;
  }
}

/** What the property finds wrong with a queue, in so many sequences of operations. */
export async function faultOf(
  make: MakeQueue,
  { seed, runs }: { readonly seed: number; readonly runs: number },
): Promise<string | undefined> {
  const property = fc.asyncProperty(
    fc.array(operation, { maxLength: 60, size: 'max' }),
    async (operations) => {
      const comparison = new Comparison(make);
      for (const each of operations) await comparison.step(each);
      await comparison.finish();
    },
  );
  const { failed, errorInstance, counterexample } = await fc.check(property, { seed, numRuns: runs });
  return failed ? `${String(errorInstance)} ${JSON.stringify(counterexample)}` : undefined;
}
