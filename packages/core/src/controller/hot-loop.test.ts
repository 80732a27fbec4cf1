import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Cause, type CauseType, causesFrom, coalesceWakes, type Wake } from './cause.js';
import { type Labels, noMetrics } from '../kit/metrics.js';
import { changedPaths } from './changed-paths.js';
import { ControllerMetrics } from './controller-metrics.js';
import { decide, type HotLoop, type LoopHistory, TOLERATED } from './hot-loop.js';

const widget = { apiVersion: 'test.dev/v1', kind: 'Widget', namespace: 'a', name: 'x' };
const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'a', name: 'x' };
const configMap = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'a', name: 'x' };

function cause(type: CauseType, object?: Cause['object'], ...paths: string[]): Cause {
  return { type, object, change: object && (paths.length > 0 ? 'updated' : 'added'), paths, count: 1 };
}

const ownSpec = cause('ownWrite', deployment, '/spec/replicas');
const otherSpec = cause('owned', deployment, '/spec/replicas');
const status = cause('owned', deployment, '/status/replicas');
const edited = cause('changed', widget, '/spec/size');

/** Reconciles one after the other, each when its wait is over. */
class Chain {
  now = 0;
  history: LoopHistory | undefined;
  readonly delays: number[] = [];
  readonly loops: HotLoop[] = [];

  round(causes: readonly Cause[], pause = 5): this {
    this.now += pause;
    const first = decide(this.history, causes, this.now);
    this.delays.push(first.delay);
    this.history = first.history;
    if (first.loop) this.loops.push(first.loop);
    if (first.delay === 0) return this;
    this.now += first.delay;
    const second = decide(this.history, causes, this.now);
    if (second.delay !== 0) throw new Error('A wait is not over when it says.');
    this.history = second.history;
    return this;
  }

  rounds(count: number, ...of: (readonly Cause[])[]): this {
    for (let i = 0; i < count; i++) this.round(of[i % of.length] ?? []);
    return this;
  }

  get waited(): boolean {
    return this.delays.some((delay) => delay > 0);
  }
}

describe('a controller that is called by its own write to one place', () => {
  test('is slowed down beyond twenty times: from 100 ms, doubled, to a minute', () => {
    const chain = new Chain().rounds(TOLERATED + 12, [ownSpec]);
    expect(chain.delays.slice(0, TOLERATED)).toEqual(Array.from({ length: TOLERATED }, () => 0));
    expect(chain.delays.slice(TOLERATED)).toEqual([
      100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000,
    ]);
    expect(chain.loops[0]).toMatchObject({
      object: deployment,
      path: '/spec/replicas',
      times: 21,
      contested: false,
      lasting: 100,
    });
  });

  test('is told of at first, and then ever more seldom', () => {
    const { loops } = new Chain().rounds(TOLERATED + 70, [ownSpec]);
    const told = loops.filter(({ tell }) => tell).map(({ times }) => times - TOLERATED);
    expect(told).toEqual([1, 16, 32, 64]);
  });

  test('is found also where others answer each of its writes', () => {
    const chain = new Chain().rounds(200, [ownSpec], [status], [status], [status], [status], [status]);
    expect(chain.loops[0]?.path).toBe('/spec/replicas');
  });

  test('is found also where its reconciles fail', () => {
    const retry = cause('retry');
    expect(new Chain().rounds(60, [ownSpec, retry], [retry]).waited).toBe(true);
  });

  test('is found where it creates and others delete, or it does both', () => {
    const created = cause('ownWrite', configMap);
    const deleted = { ...cause('owned', configMap), change: 'deleted' as const };
    const { loops } = new Chain().rounds(60, [created], [deleted]);
    expect(loops[0]).toMatchObject({ object: configMap, path: '', contested: true });
  });

  test('may go on after ten quiet seconds', () => {
    const chain = new Chain();
    for (let i = 0; i < 10; i++) chain.rounds(TOLERATED - 1, [ownSpec]).round([ownSpec], 10_001);
    expect(chain.waited).toBe(false);
  });

  test('goes on at once when there is news, and its count begins anew', () => {
    const chain = new Chain().rounds(TOLERATED + 5, [ownSpec]);
    expect(chain.waited).toBe(true);
    const held = decide(chain.history, [ownSpec], chain.now + 1);
    expect(held.delay).toBeGreaterThan(0);
    expect(decide(held.history, [ownSpec], chain.now + 2).delay).toBe(held.delay - 1);
    const news = decide(held.history, [ownSpec, edited], chain.now + 2);
    expect(news.delay).toBe(0);
    expect(decide(news.history, [ownSpec], chain.now + 3).delay).toBe(0);
  });
});

describe('two that write one place', () => {
  test.each([
    ['by turns', [[ownSpec], [otherSpec]]],
    ['faster than one reconciles', [[ownSpec, otherSpec]]],
    ['and their conflicts', [[ownSpec], [cause('retry')], [otherSpec, cause('retry')]]],
    [
      'of the primary object',
      [
        [cause('ownWrite', widget, '/spec/size')],
        [cause('changed', widget, '/spec/size', '/metadata/annotations/theirs')],
      ],
    ],
  ])('are slowed down and told of as such: %s', (_, of) => {
    const { loops } = new Chain().rounds(100, ...of);
    expect(loops[0]).toMatchObject({ contested: true });
  });
});

describe('work that only looks like it', () => {
  test.each<[string, (readonly Cause[])[]]>([
    ['a spec that is edited again and again', [[edited], [ownSpec]]],
    ['a spec that is edited faster than it is reconciled', [[edited, ownSpec]]],
    [
      'a spec that is edited, and answered in an annotation of its own',
      [[edited], [cause('ownWrite', widget, '/metadata/annotations/hash')]],
    ],
    ['another kind that changes', [[cause('watched', configMap, '/data/a'), ownSpec]]],
    ['a heartbeat by requeueAfter', [[cause('requeue')], [ownSpec]]],
    ['a source', [[cause('source')], [ownSpec]]],
    ['no writes at all', [[status], [cause('owned', configMap, '/data/a')]]],
    [
      'a child that is made in each reconcile',
      Array.from({ length: 200 }, (_, i) => [cause('ownWrite', { ...configMap, name: `child-${i}` })]),
    ],
  ])('is let alone: %s', (_, of) => {
    expect(new Chain().rounds(200, ...of).waited).toBe(false);
  });

  test('is let alone: a child that is made, and then mirrored into another at each of its steps', () => {
    const mirrored = cause('ownWrite', configMap, '/data/ready');
    const chain = new Chain().round([ownSpec]).rounds(200, [status], [mirrored]);
    expect(chain.waited).toBe(false);
  });
});

describe('whatever happens', () => {
  const own = fc.constantFrom(ownSpec, cause('ownWrite', configMap, '/data/a'), cause('ownWrite', configMap));
  const answer = fc.constantFrom(status, otherSpec, cause('retry'));
  const news = fc.constantFrom(edited, cause('watched', configMap, '/data/elsewhere'));
  const outside = fc.constantFrom(cause('source'), cause('requeue'), cause('resync'), cause('term'));
  const pause = fc.integer({ min: 0, max: 9000 });

  test('nobody waits as long as something new comes at least every twentieth time', () => {
    const round = fc.tuple(fc.array(fc.oneof(own, answer), { minLength: 1, maxLength: 4 }), pause);
    const stretch = fc.tuple(fc.array(round, { maxLength: TOLERATED - 1 }), news);
    fc.assert(
      fc.property(fc.array(stretch, { maxLength: 10 }), (stretches) => {
        const chain = new Chain();
        for (const [rounds, fresh] of stretches) {
          for (const [causes, after] of rounds) chain.round(causes, after);
          chain.round([fresh], 1);
        }
        expect(chain.delays.every((delay) => delay === 0)).toBe(true);
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  test('a loop is slowed down whatever else of its making happens in it, to less than seventy reconciles an hour', () => {
    const noise = fc.array(fc.oneof(own, answer), { maxLength: 3 });
    fc.assert(
      fc.property(fc.array(fc.tuple(noise, fc.integer({ min: 0, max: 50 })), { minLength: 1 }), (rounds) => {
        const chain = new Chain();
        let reconciles = 0;
        let inLastHour = 0;
        for (let i = 0; chain.now < 7_200_000; i++) {
          const [causes, after] = rounds[i % rounds.length]!;
          chain.round([ownSpec, ...causes], after);
          reconciles++;
          if (chain.now > 3_600_000) inLastHour++;
          if (reconciles > 1000) break;
        }
        expect(inLastHour).toBeLessThan(70);
        expect(reconciles).toBeLessThan(200);
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  test('a wait is at most a minute, over when it says, and what is remembered is bounded', () => {
    const round = fc.tuple(fc.array(fc.oneof(own, answer, news, outside), { maxLength: 5 }), pause);
    fc.assert(
      fc.property(fc.array(round, { maxLength: 200, size: 'max' }), (rounds) => {
        const chain = new Chain();
        let most = 0;
        for (const [causes, after] of rounds) {
          chain.round(causes, after);
          most = Math.max(most, chain.history?.places.size ?? 0);
        }
        expect(Math.max(0, ...chain.delays)).toBeLessThanOrEqual(60_000);
        expect(most).toBeLessThanOrEqual(4);
      }),
      { seed: 1, numRuns: 100 },
    );
  });
});

test('the metric has a series for each place, positions in lists put together, and no end of them', () => {
  const series = new Map<string, number>();
  const inc = ({ kind = '', path = '' }: Labels = {}): void => {
    series.set(`${kind} ${path}`, (series.get(`${kind} ${path}`) ?? 0) + 1);
  };
  const metrics = new ControllerMetrics(
    {
      ...noMetrics,
      counter: ({ name }) => (name === 'incumbent_reconcile_slowed_total' ? { inc } : { inc: () => {} }),
    },
    'widgets',
    1,
  );
  for (const path of ['/spec/containers/0/image', '/spec/containers/12/image', ''])
    metrics.slowed('Pod', path);
  for (let i = 0; i < 100; i++) metrics.slowed('ConfigMap', `/data/key-${i}`);
  expect(series.get('Pod /spec/containers/*/image')).toBe(2);
  expect(series.get('Pod /')).toBe(1);
  expect(series.size).toBe(51);
  expect(series.get('ConfigMap other')).toBe(52);
});

describe('where two states of an object differ', () => {
  test.each<[string, object, object, string[]]>([
    ['nowhere', { a: { b: [1, { c: null }] } }, { a: { b: [1, { c: null }] } }, []],
    [
      'in a value, an addition, a removal',
      { a: 1, b: 1, c: { d: 1 } },
      { a: 2, c: { e: 1 } },
      ['/a', '/c/e', '/c/d', '/b'],
    ],
    ['in an element', { l: [{ a: 1 }, { a: 2 }] }, { l: [{ a: 1 }, { a: 3 }] }, ['/l/1/a']],
    ['in the length of a list', { l: [1] }, { l: [1, 2] }, ['/l']],
    ['in what kind of thing it is', { a: [1], b: { c: 1 } }, { a: { 0: 1 }, b: null }, ['/a', '/b']],
    ['in names with slashes', { 'a/b~c': 1 }, { 'a/b~c': 2 }, ['/a~1b~0c']],
    [
      'in what changes with every write',
      { metadata: { resourceVersion: '1', generation: 1, managedFields: [] } },
      { metadata: { resourceVersion: '2', generation: 2, managedFields: [{}] } },
      [],
    ],
  ])('%s', (_, before, after, paths) => {
    expect(changedPaths(before, after)).toEqual(paths);
  });

  test('names each place that was changed, and none that was not; eight at most', () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd');
    const tree = fc.letrec((tie) => ({
      node: fc.oneof({ maxDepth: 3 }, fc.integer({ max: 2, min: 0 }), tie('branch')),
      branch: fc.dictionary(key, tie('node'), { maxKeys: 3 }),
    })).branch as fc.Arbitrary<Record<string, unknown>>;
    fc.assert(
      fc.property(tree, tree, (before, after) => {
        const paths = changedPaths(before, after);
        expect(paths.length > 0).toBe(!isDeepStrictEqual({ ...before }, { ...after }));
        expect(paths.length).toBeLessThanOrEqual(8);
        const same = paths.filter((path) => isDeepStrictEqual(at(before, path), at(after, path)));
        expect(same).toEqual([]);
      }),
      { seed: 1, numRuns: 200 },
    );
  });

  function at(object: unknown, path: string): unknown {
    return path
      .split('/')
      .slice(1)
      .reduce<unknown>((value, step) => (value as Record<string, unknown> | undefined)?.[step], object);
  }
});

describe('causes that are put together', () => {
  const wake = (version: string, ...paths: string[]): Wake => ({
    type: 'owned',
    object: configMap,
    change: 'updated',
    paths,
    version,
  });

  test('are one for each object and kind of cause, with the paths of all', () => {
    const wakes = [wake('1', '/a'), wake('2', '/b'), wake('3', '/a')];
    expect(causesFrom(wakes, (version) => version === '2')).toEqual([
      { type: 'owned', object: configMap, change: 'updated', paths: ['/a'], count: 2, source: undefined },
      { type: 'ownWrite', object: configMap, change: 'updated', paths: ['/b'], count: 1, source: undefined },
    ]);
  });

  test('stay below sixteen, and beyond that remember the paths of what they know', () => {
    let wakes: readonly Wake[] = [];
    for (let i = 0; i < 100; i++) wakes = coalesceWakes(wakes, [wake(`${i}`, `/${i % 3}`)]);
    expect(wakes).toHaveLength(16);
    wakes = coalesceWakes(wakes, [{ ...wake('100', '/new') }]);
    expect(wakes.at(-1)).toMatchObject({
      version: '100',
      paths: expect.arrayContaining(['/new']) as unknown,
    });
  });
});
