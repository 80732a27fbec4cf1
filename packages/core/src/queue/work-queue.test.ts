import assert from 'node:assert/strict';
import { describe, expect, test } from '@jest/globals';
import type { Labels, MetricOptions, Metrics } from '../kit/metrics.js';
import { VirtualClock } from '../kit/virtual-clock.js';
import { MUTATIONS } from './mutations.fake.js';
import { faultOf } from './queue-property.fake.js';
import { BucketRateLimiter, ExponentialRateLimiter, SlowestRateLimiter } from './rate-limiter.js';
import { LOW_PRIORITY, WorkQueue, type WorkQueueOptions } from './work-queue.js';

function given(options: Partial<WorkQueueOptions> = {}) {
  const clock = new VirtualClock();
  const queue = new WorkQueue({ name: 'backup', clock, ...options });
  return { clock, queue };
}

/** What `get` gives right now, `undefined` if it has to wait. */
async function next(queue: WorkQueue): Promise<string | undefined> {
  const impatience = new AbortController();
  const key = queue.get(impatience.signal);
  impatience.abort();
  return key;
}

async function drain(queue: WorkQueue): Promise<string[]> {
  const keys: string[] = [];
  for (let key = await next(queue); key !== undefined; key = await next(queue)) {
    keys.push(key);
    queue.done(key);
  }
  return keys;
}

describe('a key', () => {
  test('that is added several times while it waits is handed out once', async () => {
    const { queue } = given();
    for (const key of ['a', 'b', 'a', 'a']) queue.add(key);
    expect(queue.length).toBe(2);
    expect(await drain(queue)).toEqual(['a', 'b']);
  });

  test('that is added while it is processed is handed out again, but not before it is done', async () => {
    const { queue } = given();
    queue.add('a');
    await next(queue);
    queue.add('a');
    queue.add('a');
    expect(await next(queue)).toBeUndefined();
    queue.done('a');
    expect(await drain(queue)).toEqual(['a']);
  });

  test('goes to the processor that has waited longest, at once', async () => {
    const { queue } = given();
    const got: string[] = [];
    for (const name of ['first', 'second']) void queue.get().then((key) => got.push(`${name}: ${key}`));
    queue.add('a');
    queue.add('b');
    await Promise.resolve();
    expect(got).toEqual(['first: a', 'second: b']);
  });

  test('is not lost on a processor that no longer waits', async () => {
    const { queue } = given();
    const impatience = new AbortController();
    const given_up = queue.get(impatience.signal);
    impatience.abort();
    queue.add('a');
    expect(await given_up).toBeUndefined();
    expect(await queue.get()).toBe('a');
  });

  test('that nobody processes may be done without harm', async () => {
    const { queue } = given();
    queue.add('a');
    queue.done('a');
    expect(await drain(queue)).toEqual(['a']);
  });
});

describe('a delayed key', () => {
  test('comes when its delay is over, not sooner', async () => {
    const { clock, queue } = given();
    queue.addAfter('a', 1000);
    await clock.advance(999);
    expect(await next(queue)).toBeUndefined();
    await clock.advance(1);
    expect(await next(queue)).toBe('a');
  });

  test('comes at the earliest of its delays, once', async () => {
    const { clock, queue } = given();
    for (const delay of [3000, 1000, 2000]) queue.addAfter('a', delay);
    await clock.advance('1s');
    expect(await drain(queue)).toEqual(['a']);
    await clock.advance('1h');
    expect(await drain(queue)).toEqual([]);
  });

  test('comes also if it was added and processed meanwhile', async () => {
    const { clock, queue } = given();
    queue.addAfter('a', 1000);
    queue.add('a');
    expect(await drain(queue)).toEqual(['a']);
    await clock.advance('1s');
    expect(await drain(queue)).toEqual(['a']);
  });

  test('costs one timer together with all others, and none when it has come', async () => {
    const { clock, queue } = given();
    for (let delay = 100; delay > 0; delay--) queue.addAfter(`key-${delay}`, delay);
    expect(clock.pending).toBe(1);
    await clock.advance(100);
    expect(await drain(queue)).toHaveLength(100);
    expect(clock.pending).toBe(0);
  });

  test('with no delay is added at once', async () => {
    const { queue } = given();
    queue.addAfter('a', 0);
    expect(await next(queue)).toBe('a');
  });
});

describe('priority', () => {
  test('lets fresh changes overtake the initial list', async () => {
    const { queue } = given();
    queue.add('old-1', { priority: LOW_PRIORITY });
    queue.add('old-2', { priority: LOW_PRIORITY });
    queue.add('fresh');
    expect(await drain(queue)).toEqual(['fresh', 'old-1', 'old-2']);
  });

  test('ages: once it has waited for ten seconds, each fourth turn is the oldest one’s', async () => {
    const { clock, queue } = given();
    for (const name of ['old-1', 'old-2']) queue.add(name, { priority: LOW_PRIORITY });
    await clock.advance('9.9s');
    for (let i = 0; i < 4; i++) queue.add(`fresh-${i}`);
    expect([await next(queue), await next(queue), await next(queue), await next(queue)]).toEqual(
      Array.from({ length: 4 }, (_, i) => `fresh-${i}`),
    );
    await clock.advance('0.2s');
    for (let i = 4; i < 12; i++) queue.add(`fresh-${i}`);
    const order = await drain(queue);
    expect([order.indexOf('old-1'), order.indexOf('old-2')]).toEqual([3, 7]);
  });

  test('does not let a large initial list hold up what is fresh, however long it takes', async () => {
    const { clock, queue } = given();
    for (let i = 0; i < 1000; i++) queue.add(`old-${i}`, { priority: LOW_PRIORITY });
    await clock.advance('10m');
    queue.add('fresh');
    const order = await drain(queue);
    expect(order.indexOf('fresh')).toBeLessThan(2);
  });

  test('is the highest that was asked for, also by a delayed add', async () => {
    const { clock, queue } = given();
    queue.add('a', { priority: 5 });
    queue.add('b', { priority: LOW_PRIORITY });
    queue.addAfter('b', 10, { priority: LOW_PRIORITY });
    queue.addAfter('b', 20, { priority: 9 });
    queue.addAfter('b', 30, { priority: LOW_PRIORITY });
    await clock.advance(10);
    expect(await next(queue)).toBe('b');
    expect(queue.priorityOf('b')).toBe(9);
    expect(queue.priorityOf('a')).toBeUndefined();
  });
});

describe('the causes of a key', () => {
  const reasons = () => {
    const clock = new VirtualClock();
    return { clock, queue: new WorkQueue<string>({ name: 'backup', clock }) };
  };

  test('are handed over together, those of delayed adds when they are due', async () => {
    const { clock, queue } = reasons();
    queue.addAfter('a', 10, { causes: ['later'] });
    queue.addAfter('a', 20, { causes: ['latest'] });
    queue.add('a', { causes: ['now'] });
    queue.add('a', { causes: ['again'] });
    await queue.get();
    expect(queue.causesOf('a')).toEqual(['now', 'again']);
    queue.done('a');
    await clock.advance(10);
    await queue.get();
    expect(queue.causesOf('a')).toEqual(['later', 'latest']);
    queue.done('a');
    expect(queue.causesOf('a')).toEqual([]);
  });

  test('that come while it is processed belong to the next time', async () => {
    const { queue } = reasons();
    queue.add('a', { causes: ['first'] });
    await queue.get();
    queue.add('a', { causes: ['second'] });
    expect(queue.causesOf('a')).toEqual(['first']);
    queue.done('a');
    await queue.get();
    expect(queue.causesOf('a')).toEqual(['second']);
  });

  test('are bounded, and gone when the queue is cleared', async () => {
    const { queue } = reasons();
    for (let i = 0; i < 100; i++) queue.add('a', { causes: [`${i}`] });
    await queue.get();
    expect(queue.causesOf('a')).toHaveLength(16);
    queue.add('a', { causes: ['x'] });
    queue.clear();
    queue.done('a');
    queue.add('a');
    await queue.get();
    expect(queue.causesOf('a')).toEqual([]);
  });
});

describe('rate limits', () => {
  test('double from 5 ms to 1000 s per key, until the key is forgotten', () => {
    const limiter = new ExponentialRateLimiter();
    expect([1, 2, 3, 4].map(() => limiter.when('a'))).toEqual([5, 10, 20, 40]);
    expect(limiter.when('b')).toBe(5);
    for (let retry = 0; retry < 2000; retry++) limiter.when('a');
    expect(limiter.when('a')).toBe(1_000_000);
    limiter.forget('a');
    expect(limiter.retries('a')).toBe(0);
    expect(limiter.when('a')).toBe(5);
  });

  test('let a burst through and then ten a second, over all keys', async () => {
    const clock = new VirtualClock();
    const limiter = new BucketRateLimiter(clock);
    const delays = Array.from({ length: 102 }, () => limiter.when());
    expect(delays.slice(0, 100)).toEqual(Array.from({ length: 100 }, () => 0));
    expect(delays.slice(100)).toEqual([100, 200]);
    await clock.advance('1h');
    expect(Array.from({ length: 101 }, () => limiter.when()).filter((delay) => delay > 0)).toEqual([100]);
  });

  test('of several kinds: the slowest counts', () => {
    const limiter = new SlowestRateLimiter(
      new ExponentialRateLimiter(),
      new ExponentialRateLimiter({ start: 7, cap: 8 }),
    );
    expect([1, 2, 3].map(() => limiter.when('a'))).toEqual([7, 10, 20]);
    expect(limiter.retries('a')).toBe(3);
  });

  test('delay a key that is added again and again, and count its retries', async () => {
    const { clock, queue } = given();
    queue.addRateLimited('a');
    await clock.advance(5);
    expect(await drain(queue)).toEqual(['a']);
    queue.addRateLimited('a');
    await clock.advance(9);
    expect(await next(queue)).toBeUndefined();
    await clock.advance(1);
    expect(queue.retries('a')).toBe(2);
    queue.forget('a');
    expect(queue.retries('a')).toBe(0);
    expect(await next(queue)).toBe('a');
  });
});

describe('when the lease is lost', () => {
  test('clear drops what waits, what is delayed and what failed, and leaves what is processed', async () => {
    const { clock, queue } = given();
    queue.add('processed');
    await next(queue);
    queue.add('processed');
    queue.add('waits');
    queue.addAfter('later', 10);
    queue.addRateLimited('failed');
    queue.clear();
    await clock.advance('1h');
    queue.done('processed');
    expect(await drain(queue)).toEqual([]);
    expect(queue.retries('failed')).toBe(0);
    expect(clock.pending).toBe(0);
    queue.add('processed');
    expect(await drain(queue)).toEqual(['processed']);
  });
});

describe('shut down', () => {
  test('sends waiting processors home, takes nothing more, and still hands out what waits', async () => {
    const { clock, queue } = given();
    const waiting = queue.get();
    queue.shutDown();
    expect(await waiting).toBeUndefined();
    queue.add('a');
    queue.addAfter('a', 1);
    queue.addRateLimited('a');
    await clock.advance('1h');
    expect(await queue.get()).toBeUndefined();

    const other = given().queue;
    other.add('a');
    other.shutDown();
    expect([await other.get(), await other.get()]).toEqual(['a', undefined]);
  });

  test('with drain waits for what is processed and for what that left to do', async () => {
    const { queue } = given();
    queue.add('a');
    await queue.get();
    queue.add('a');
    let drained = false;
    void queue.shutDownWithDrain().then(() => (drained = true));
    queue.done('a');
    await Promise.resolve();
    expect(drained).toBe(false);
    expect(await drain(queue)).toEqual(['a']);
    expect(drained).toBe(true);
  });

  test('with drain is over at once when there is nothing to do', async () => {
    await expect(given().queue.shutDownWithDrain()).resolves.toBeUndefined();
  });
});

class RecordedMetrics implements Metrics {
  readonly values = new Map<string, number>();
  readonly observed = new Map<string, number[]>();
  readonly labels = new Map<string, readonly string[]>();

  counter = (options: MetricOptions) => ({
    inc: (labels?: Labels, by = 1) => this.#add(options, labels, by),
  });

  gauge = (options: MetricOptions) => ({
    set: (value: number, labels?: Labels) => void this.values.set(this.#id(options, labels), value),
    add: (by: number, labels?: Labels) => this.#add(options, labels, by),
    remove: () => {},
  });

  histogram = (options: MetricOptions) => ({
    observe: (value: number, labels?: Labels) => {
      const id = this.#id(options, labels);
      this.observed.set(id, [...(this.observed.get(id) ?? []), value]);
    },
  });

  #add(options: MetricOptions, labels: Labels | undefined, by: number): void {
    const id = this.#id(options, labels);
    this.values.set(id, (this.values.get(id) ?? 0) + by);
  }

  #id({ name, labels: declared = [] }: MetricOptions, labels: Labels = {}): string {
    assert.deepEqual(Object.keys(labels), declared);
    return `${name}{${Object.values(labels).join()}}`;
  }
}

describe('metrics', () => {
  test("carry controller-runtime's names and labels, and seconds", async () => {
    const metrics = new RecordedMetrics();
    const { clock, queue } = given({ metrics });
    queue.add('a');
    queue.add('a');
    queue.add('b', { priority: LOW_PRIORITY });
    expect(metrics.values.get('workqueue_adds_total{backup,backup}')).toBe(2);
    expect(metrics.values.get('workqueue_depth{backup,backup,0}')).toBe(1);
    expect(metrics.values.get('workqueue_depth{backup,backup,-100}')).toBe(1);
    await clock.advance('2s');
    await next(queue);
    await clock.advance('3s');
    expect(metrics.values.get('workqueue_unfinished_work_seconds{backup,backup}')).toBe(3);
    expect(metrics.values.get('workqueue_longest_running_processor_seconds{backup,backup}')).toBe(3);
    queue.addRateLimited('a');
    queue.done('a');
    await clock.advance('1s');
    expect(metrics.observed.get('workqueue_queue_duration_seconds{backup,backup}')).toEqual([2]);
    expect(metrics.observed.get('workqueue_work_duration_seconds{backup,backup}')).toEqual([3]);
    expect(metrics.values.get('workqueue_retries_total{backup,backup}')).toBe(1);
    expect(metrics.values.get('workqueue_unfinished_work_seconds{backup,backup}')).toBe(0);
  });

  test('count the depth down to zero whatever happens, and leave no timer behind', async () => {
    const metrics = new RecordedMetrics();
    const { clock, queue } = given({ metrics });
    queue.add('a', { priority: 1 });
    queue.add('a', { priority: 2 });
    queue.add('b');
    queue.clear();
    queue.add('c');
    await drain(queue);
    await clock.advance('1s');
    const depths = [...metrics.values].filter(([id]) => id.startsWith('workqueue_depth'));
    expect(depths.map(([, value]) => value)).toEqual([0, 0, 0]);
    expect(clock.pending).toBe(0);
  });
});

describe('whatever is done with a queue', () => {
  test('it hands out the keys that a plain list would, in that order; no two processors have one key; none is lost', async () => {
    expect(await faultOf((options) => new WorkQueue(options), { seed: 1, runs: 400 })).toBeUndefined();
  }, 30_000);

  test.each(MUTATIONS)(
    'it is noticed when $name',
    async ({ make }) => {
      expect(await faultOf(make, { seed: 1, runs: 400 })).toBeDefined();
    },
    30_000,
  );
});
