import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Subject } from 'rxjs';
import type { ObjectKey } from '../api/object.js';
import { controllerReference } from '../api/owner-reference.js';
import { aborted } from '../kit/abort.js';
import { sleep } from '../kit/sleep.js';
import { settle } from '../kit/virtual-clock.js';
import type { Cause } from './cause.js';
import type { ReconcileContext } from './context.js';
import { fromObservable, poll, PushSource, type Source } from './external-source.js';
import { FINALIZER, gate, given, Other, Part, PARTS, Widget, WIDGETS } from './given.fake.js';
import { type ReconcileResult, requeueAfter, RetryError } from './reconciler.js';
import { allOf, anyOf, changed, generationChanged, labelsChanged, not } from './predicate.js';
import { type Mapper, watch } from './watch.js';

const OTHERS = '/api/v1/namespaces/shared/others';
const x: ObjectKey = { namespace: 'a', name: 'x' };

/** In a word each, as `owned Part/p updated /data/a`. */
function words(causes: readonly Cause[]): string[] {
  return causes.map(({ type, object, change, paths, source }) =>
    [type, object && `${object.kind}/${object.name}`, change, ...paths, source].filter(Boolean).join(' '),
  );
}

/** A controller that notes the causes of each reconcile, at work on widget x. */
async function noting(
  options: Parameters<typeof given>[0] = {},
  work: (object: Widget, context: ReconcileContext) => Promise<ReconcileResult | object> = async () => {},
) {
  const causes: string[][] = [];
  const setting = await given({
    ...options,
    reconcile: async (object, context) => {
      causes.push(words(context.causes));
      const result = await work(object, context);
      return result && 'requeueAfter' in result ? result : undefined;
    },
  });
  setting.widget('x');
  await setting.start();
  await setting.lead();
  const owner = await setting.client.get(Widget, x);
  const ownerReferences = [controllerReference(Widget, owner, x)];
  const part = (name: string, data: object): void =>
    setting.server.put(`${PARTS}/${name}`, { apiVersion: 'v1', kind: 'Part', data }, { ownerReferences });
  const taken = (): string[][] => causes.splice(0);
  return { ...setting, part, taken };
}

describe('the causes of a reconcile', () => {
  test('say which object changed, and where', async () => {
    const { widget, part, server, taken } = await noting();
    expect(taken()).toEqual([['term']]);
    widget('x', 2, { labels: { a: 'b' } });
    await settle();
    part('p', { a: '1', 'b/c': '1' });
    await settle();
    part('p', { a: '2', 'b/c': '2' });
    await settle();
    server.delete(`${PARTS}/p`);
    await settle();
    expect(taken()).toEqual([
      ['changed Widget/x updated /spec/size /metadata/labels'],
      ['owned Part/p added'],
      ['owned Part/p updated /data/a /data/b~1c'],
      ['owned Part/p deleted'],
    ]);
  });

  test('that come while one runs belong to the next, put together', async () => {
    const { opened, open } = gate();
    let first = true;
    const { widget, part, taken } = await noting({}, async () => {
      if (first) await opened;
      first = false;
    });
    for (const size of [2, 3, 4]) {
      widget('x', size);
      part('p', { size: `${size}` });
      await settle();
    }
    open();
    await settle();
    expect(taken()).toEqual([
      ['term'],
      [
        'changed Widget/x updated /spec/size',
        // Its addition and its two updates are one cause.
        'owned Part/p updated /data/size',
      ],
    ]);
  });

  test('tell own writes from those of others, also where the event overtakes the answer', async () => {
    const { widget, server, taken } = await noting({}, async ({ spec }, { client, cache }) => {
      const data = { size: `${spec.size}` };
      const metadata = { ...x, name: 'p' };
      const known = cache.get(Part, metadata);
      const ownerReferences = [controllerReference(Widget, cache.get(Widget, x)!, x)];
      if (!known) await client.create(Part, { metadata: { ...metadata, ownerReferences }, data });
      else if (known.data['size'] !== data.size)
        await client.patch(Part, metadata, { type: 'merge', patch: { data } });
    });
    // From now on each answer is late.
    const send = server.send.bind(server);
    server.send = async (request) => {
      const answer = await send(request);
      if (request.method !== 'GET') await settle();
      return answer;
    };
    expect(taken()).toEqual([['term'], ['ownWrite Part/p added']]);
    widget('x', 2);
    await settle();
    await settle();
    expect(taken()).toEqual([
      ['changed Widget/x updated /spec/size'],
      ['ownWrite Part/p updated /data/size'],
    ]);
    const theirs = server.at(`${PARTS}/p`);
    server.put(`${PARTS}/p`, { ...theirs!, data: { size: '9' } });
    await settle();
    await settle();
    expect(taken()).toEqual([['owned Part/p updated /data/size'], ['ownWrite Part/p updated /data/size']]);
  });

  test('tell own deletions from those of others', async () => {
    const { part, server, taken } = await noting({}, async (_, { client, cache }) => {
      const doomed = { ...x, name: 'doomed' };
      if (cache.get(Part, doomed)) await client.delete(Part, doomed);
    });
    part('other', {});
    await settle();
    part('doomed', {});
    await settle();
    server.delete(`${PARTS}/other`);
    await settle();
    expect(taken().slice(2)).toEqual([
      ['owned Part/doomed added'],
      ['ownWrite Part/doomed deleted'],
      ['owned Part/other deleted'],
    ]);
  });

  test('a write that changes nothing does not make another’s write its own', async () => {
    const { opened, open } = gate();
    let first = true;
    const { widget, taken } = await noting({}, async (_, { client, key }) => {
      if (first) await opened;
      first = false;
      await client.patch(Widget, key, { type: 'merge', patch: { spec: { size: 2 } } });
    });
    widget('x', 2);
    await settle();
    open();
    await settle();
    expect(taken()).toEqual([['term'], ['changed Widget/x updated /spec/size']]);
  });

  test('its own status and its own finalizer are none', async () => {
    const { server, taken, calls } = await noting({ cleanup: async () => {} }, async (_, { client, key }) => {
      await client.patch(Widget, key, { type: 'merge', patch: { status: { seen: 1 } } });
    });
    await settle();
    expect(server.at(`${WIDGETS}/x`)?.metadata.finalizers).toEqual([FINALIZER]);
    // The fake server has no status subresource: it counts a generation only for `put`.
    expect([taken(), calls]).toEqual([[['term']], ['x']]);
  });

  test('retries, requeues and resyncs are some', async () => {
    let calls = 0;
    const { clock, taken } = await noting({ resyncPeriod: 3_600_000 }, async () => {
      calls++;
      if (calls === 1) throw new Error('once');
      return calls === 2 ? requeueAfter('1m') : undefined;
    });
    await clock.advance('70m');
    expect(taken()).toEqual([['term'], ['retry'], ['requeue'], ['resync']]);
  });

  test('are bounded however much happens', async () => {
    const { opened, open } = gate();
    let first = true;
    const { part, taken } = await noting({}, async () => {
      if (first) await opened;
      first = false;
    });
    for (let i = 0; i < 40; i++) part(`p${i}`, { a: '1' });
    for (let i = 0; i < 40; i++) part('p0', Object.fromEntries([[`key-${i}`, '1']]));
    await settle();
    open();
    await settle();
    const [, second = []] = taken();
    expect(second).toHaveLength(16);
    expect(second.join(' ').length).toBeLessThan(2000);
  });

  test('and the outcome are one line at debug for each reconcile', async () => {
    const { lines, widget } = await noting();
    widget('x', 2);
    await settle();
    expect(lines.filter(({ message }) => message === 'reconciled').at(-1)).toMatchObject({
      level: 'debug',
      controller: 'widgets',
      key: 'a/x',
      ms: 0,
      outcome: 'done',
      causes: [{ type: 'changed', paths: ['/spec/size'], count: 1 }],
    });
  });
});

describe('the initial list', () => {
  test('of a kind that is listed late comes in low', async () => {
    const { opened, open } = gate();
    const { widget, lead, start, calls } = await given({ reconcile: async () => opened });
    for (const name of ['old-1', 'old-2', 'old-3']) widget(name);
    // The term begins before the list has arrived.
    await lead();
    await start();
    widget('new');
    await settle();
    open();
    await settle();
    expect(calls).toEqual(['old-1', 'new', 'old-2', 'old-3']);
  });
});

describe('a resync', () => {
  test('does not happen unless it is asked for', async () => {
    const { clock, taken } = await noting();
    taken();
    await clock.advance('12h');
    expect(taken()).toEqual([]);
  });

  test('ends with its term', async () => {
    const { start, lead, clock } = await given({ resyncPeriod: 1000 });
    await start();
    const pending = clock.pending;
    const { term, done } = await lead();
    await clock.advance('10s');
    term.lose();
    await done;
    expect(clock.pending).toBe(pending);
  });
});

test('a follower asks no predicate and no mapper', async () => {
  const asked: string[] = [];
  const { server, start, lead, widget } = await given({
    predicate: ({ type }) => asked.push(type) > 0,
    watches: [watch(Other, ({ metadata }) => (asked.push(metadata.name), []))],
  });
  widget('x');
  await start();
  widget('x', 2);
  server.put(`${OTHERS}/o`, { apiVersion: 'v1', kind: 'Other', data: {} });
  await settle();
  expect(asked).toEqual([]);
  await lead();
  widget('x', 3);
  await settle();
  expect(asked).toEqual(['updated']);
});

describe('another kind that is watched', () => {
  const byData = watch(Other, ({ data }) => [{ namespace: 'a', name: data['wakes'] ?? 'x' }], {
    namespaces: ['shared'],
  });
  const other = (wakes: string) => ({ apiVersion: 'v1', kind: 'Other', data: { wakes } });

  test('wakes whom its mapper names, before and after, also from another namespace', async () => {
    const { server, taken, widget, calls } = await noting({ namespaces: ['a'], watches: [byData] });
    widget('y');
    await settle();
    taken();
    calls.length = 0;
    server.put(`${OTHERS}/o`, other('x'));
    await settle();
    expect(taken()).toEqual([['watched Other/o added']]);
    server.put(`${OTHERS}/o`, other('y'));
    await settle();
    expect(taken()).toEqual([
      ['watched Other/o updated /data/wakes'],
      ['watched Other/o updated /data/wakes'],
    ]);
    expect(calls).toEqual(['x', 'x', 'y']);
    server.put('/api/v1/namespaces/a/others/o', other('x'));
    await settle();
    expect(calls).toHaveLength(3);
  });

  test('can be mapped by what the cache holds, and be read from there', async () => {
    const toAll = watch(Other, (_, cache) => cache.list(Widget).map(({ metadata }) => metadata));
    const seen: number[] = [];
    const { server, calls, widget } = await noting({ watches: [toAll] }, async (_, { cache }) => {
      seen.push(cache.list(Other).length);
    });
    widget('y');
    await settle();
    calls.length = 0;
    server.put(`${OTHERS}/o`, other('nobody'));
    await settle();
    expect([calls.toSorted(), seen.slice(-2)]).toEqual([
      ['x', 'y'],
      [1, 1],
    ]);
  });

  test('wakes only for what its predicate lets pass', async () => {
    const never = watch(Other, () => [x], { predicate: ({ type }) => type === 'deleted' });
    const { server, taken } = await noting({ watches: [never] });
    taken();
    server.put(`${OTHERS}/o`, other('x'));
    server.put(`${OTHERS}/o`, other('y'));
    await settle();
    expect(taken()).toEqual([]);
    server.delete(`${OTHERS}/o`);
    await settle();
    expect(taken()).toEqual([['watched Other/o deleted']]);
  });

  test('whose mapper throws wakes nobody, and says which controller’s it is', async () => {
    const slip = watch(Other, () => {
      throw new Error('a slip');
    });
    const { server, taken, lines } = await noting({ watches: [slip] });
    taken();
    server.put(`${OTHERS}/o`, other('x'));
    await settle();
    expect(taken()).toEqual([]);
    expect(lines.find(({ level }) => level === 'error')).toMatchObject({
      controller: 'widgets',
      kind: 'Other',
      message: 'a mapper threw: it wakes nobody',
    });
  });
});

// Proven by the compiler: each line below that must not compile is marked, and an unused mark is an error.
test('the compiler knows the kind that a watch is of', () => {
  watch(Other, ({ data }) => [{ name: data['a'] ?? '' }], { predicate: changed<Part>(({ data }) => data) });
  watch(Other, () => [], { predicate: allOf(generationChanged, not(labelsChanged)) });
  watch(Widget, () => [], {
    predicate: anyOf(
      generationChanged,
      changed<Widget>(({ spec }) => spec.size),
    ),
  });
  // @ts-expect-error -- parts have no spec
  watch(Other, ({ spec }) => [{ name: spec.size }]);
  // @ts-expect-error -- looks at widgets
  watch(Other, () => [], { predicate: changed<Widget>(({ spec }) => spec.size) });
  // @ts-expect-error -- returns no keys
  const map: Mapper<Part> = ({ metadata }) => [metadata.uid];
  expect(map).toBeDefined();
});

test('the objects that one controls are found by it', async () => {
  const found: string[][] = [];
  const { part, server, widget } = await noting({}, async (object, { cache }) => {
    found.push(cache.owned(Part, object).map(({ metadata }) => metadata.name));
  });
  part('p', {});
  part('q', {});
  server.put(`${PARTS}/stranger`, { apiVersion: 'v1', kind: 'Part', data: {} });
  await settle();
  widget('x', 2);
  await settle();
  expect(found.at(-1)).toEqual(['p', 'q']);
});

describe('an external source', () => {
  test('runs under the term, and wakes by key', async () => {
    const hooks = new PushSource('hooks');
    const { taken, controller } = await noting({ sources: [hooks] });
    taken();
    expect(hooks.push(x)).toBe(true);
    await settle();
    expect(taken()).toEqual([['source hooks']]);
    expect(controller.notLive()).toBeUndefined();
  });

  test('that nobody runs takes nothing', async () => {
    const hooks = new PushSource('hooks');
    const { start, lead, calls, widget } = await given({ sources: [hooks] });
    widget('x');
    await start();
    expect(hooks.push(x)).toBe(false);
    const { term, done } = await lead();
    term.lose();
    await done;
    calls.length = 0;
    expect(hooks.push(x)).toBe(false);
    await settle();
    expect(calls).toEqual([]);
  });

  test('that polls looks every so often, and once at the start', async () => {
    let looks = 0;
    const polling = poll('queue', { every: '10s', look: async () => (looks++ % 2 === 1 ? [x] : []) });
    const { clock, taken } = await noting({ sources: [polling] });
    expect([looks, taken()]).toEqual([1, [['term']]]);
    await clock.advance('20s');
    expect([looks, taken()]).toEqual([3, [['source queue']]]);
  });

  test('that hangs is given up after its timeout and tried again', async () => {
    let looks = 0;
    const told: boolean[] = [];
    const polling = poll('queue', {
      every: '1s',
      timeout: '5s',
      look: async (signal) => {
        looks++;
        void aborted(signal).then(() => told.push(true));
        return new Promise(() => {});
      },
    });
    const { clock, lines } = await noting({ sources: [polling] });
    await clock.advance('7s');
    expect([looks, told]).toEqual([2, [true]]);
    expect(lines.find(({ level }) => level === 'warn')).toMatchObject({
      controller: 'widgets',
      source: 'queue',
      err: { code: 'SOURCE_TIMEOUT' },
    });
  });

  test('that fails, at once or later, is started again ever later, and hurts nobody', async () => {
    let runs = 0;
    const broken: Source = {
      name: 'broken',
      run: () => {
        runs++;
        throw new Error('no luck');
      },
    };
    const { clock, counts, calls, widget } = await noting({ sources: [broken] });
    await clock.advance('1m');
    // 0.8, 1.6, 3.2, 6.4, 12.8, 25.6 s and up to half as much again.
    expect(runs).toBeGreaterThan(4);
    expect(runs).toBeLessThan(8);
    expect(counts.get('incumbent_source_failures_total')).toBe(runs);
    widget('x', 2);
    await settle();
    expect(calls).toHaveLength(2);
  });

  test('that streams is subscribed to under each term, again after an error, and no longer at the end', async () => {
    let keys = new Subject<ObjectKey>();
    const source = fromObservable('stream', {
      subscribe: (observer: object) => keys.subscribe(observer),
    } as unknown as Subject<ObjectKey>);
    const { start, lead, calls, widget, clock } = await given({ sources: [source] });
    widget('x');
    await start();
    const { term, done } = await lead();
    keys.next(x);
    await settle();
    expect(calls).toEqual(['x', 'x']);
    const broken = keys;
    keys = new Subject();
    broken.error(new Error('cut'));
    await clock.advance('2s');
    keys.next(x);
    await settle();
    expect(calls).toEqual(['x', 'x', 'x']);
    term.lose();
    await done;
    expect(keys.observed).toBe(false);
    const second = await lead(2);
    expect(keys.observed).toBe(true);
    keys.complete();
    second.term.lose();
    await second.done;
  });

  test('never runs twice at a time, also if it ignores the end of its term', async () => {
    const { opened, open } = gate();
    let running = 0;
    let most = 0;
    const stubborn: Source = {
      name: 'stubborn',
      run: async () => {
        most = Math.max(most, ++running);
        await opened;
        running--;
      },
    };
    const { start, lead, calls, widget } = await given({ sources: [stubborn] });
    widget('x');
    await start();
    const { term, isOver } = await lead(1);
    term.lose();
    await settle();
    expect(isOver()).toBe(true);
    await lead(2);
    expect([most, calls]).toEqual([1, ['x', 'x']]);
    open();
    await settle();
    expect([most, running]).toEqual([1, 0]);
  });
});

describe('a hot loop', () => {
  const patchPart = (client: ReconcileContext['client'], data: object) =>
    client.patch(Part, { ...x, name: 'p' }, { type: 'merge', patch: { data } });

  test('of a controller that wakes itself by every write is slowed down, and told of with the place', async () => {
    let n = 0;
    const { part, calls, clock, notes, lines, counts } = await noting({}, async (_, { client, cache }) => {
      if (cache.get(Part, { ...x, name: 'p' })) await patchPart(client, { touched: `${n++}` });
    });
    part('p', {});
    await clock.advance('1s');
    const soon = calls.length;
    expect(soon).toBeLessThan(30);
    await clock.advance('1h');
    // At most one a minute once it is as slow as it gets.
    expect(calls.length - soon).toBeLessThan(75);
    expect(calls.length - soon).toBeGreaterThan(50);
    expect(notes[0]).toMatch(
      /^x HotLoop: This controller keeps waking itself: it wrote \/data\/touched of Part a\/p before each of 21 reconciles within/,
    );
    expect(notes.length).toBeLessThan(5);
    expect(lines.find(({ level }) => level === 'warn')).toMatchObject({
      controller: 'widgets',
      key: 'a/x',
      path: '/data/touched',
    });
    expect(counts.get('incumbent_reconcile_slowed_total')).toBeGreaterThan(50);
  });

  test('does not keep a change by somebody else waiting', async () => {
    let n = 0;
    const sizes: number[] = [];
    const { part, widget, clock } = await noting({}, async ({ spec }, { client, cache }) => {
      sizes.push(spec.size);
      if (cache.get(Part, { ...x, name: 'p' })) await patchPart(client, { touched: `${n++}` });
    });
    part('p', {});
    await clock.advance('10m');
    widget('x', 7);
    await settle();
    expect(sizes).toContain(7);
  });

  test('of two controllers that overwrite each other is told of as such', async () => {
    const { part, server, calls, clock, notes } = await noting({}, async (_, { client, cache }) => {
      const known = cache.get(Part, { ...x, name: 'p' });
      if (known && known.data['replicas'] !== '3') await patchPart(client, { replicas: '3' });
    });
    part('p', { replicas: '5' });
    for (let i = 0; i < 600; i++) {
      await clock.advance('100ms');
      // The other one, ten times a second.
      const now = server.at(`${PARTS}/p`) as Part | undefined;
      if (now?.data['replicas'] === '3') server.put(`${PARTS}/p`, { ...now, data: { replicas: '5' } });
    }
    expect(calls.length).toBeLessThan(40);
    expect(notes[0]).toMatch(
      /HotLoop: This controller and somebody else keep overwriting each other: \/data\/replicas of Part a\/p/,
    );
  });

  test('is none where somebody changes the spec in a burst, and each change is passed on', async () => {
    const { widget, part, clock, notes, calls, counts } = await noting(
      {},
      async ({ spec }, { client, cache }) => {
        if (cache.get(Part, { ...x, name: 'p' })) await patchPart(client, { size: `${spec.size}` });
      },
    );
    part('p', {});
    for (let size = 2; size < 102; size++) {
      widget('x', size);
      await clock.advance('20ms');
    }
    expect(calls.length).toBeGreaterThanOrEqual(200);
    expect([notes, counts.get('incumbent_reconcile_slowed_total')]).toEqual([[], undefined]);
  });

  test('is none where another kind changes in a burst, and each change is passed on', async () => {
    const mirror = watch(Other, () => [x]);
    const { server, part, clock, notes } = await noting(
      { watches: [mirror] },
      async (_, { client, cache }) => {
        const [other] = cache.list(Other);
        if (other) await patchPart(client, { seen: other.metadata.resourceVersion });
      },
    );
    part('p', {});
    for (let i = 0; i < 100; i++) {
      server.put(`${OTHERS}/o`, { apiVersion: 'v1', kind: 'Other', data: { i: `${i}` } });
      await clock.advance('20ms');
    }
    expect(notes).toEqual([]);
  });

  test('is none where it works in steps', async () => {
    const { part, clock, calls, notes } = await noting({}, async (_, { client, cache }) => {
      const step = Number(cache.get(Part, { ...x, name: 'p' })?.data['step'] ?? NaN);
      if (step < 15) await patchPart(client, { step: `${step + 1}` });
    });
    part('p', { step: '0' });
    await clock.advance('1s');
    expect([calls.length, notes]).toEqual([17, []]);
  });
});

test('whatever happens, each object is reconciled after its last change, and never twice at a time', async () => {
  const name = fc.constantFrom('x', 'y', 'z');
  const event = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('change' as const), name }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('push' as const), name }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), name }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('nextTerm' as const) }) },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 900 }) }),
    },
  );
  const fate = fc.constantFrom('well', 'well', 'error', 'retry', 'slow', 'stuck', 'garbage', 'requeue');
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { maxLength: 25 }),
      fc.array(fate, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 3 }),
      async (events, fates, concurrency) => {
        const hooks = new PushSource('hooks');
        const running = new Set<string>();
        const seen = new Map<string, number>();
        let calls = 0;
        let overlaps = 0;
        let over = false;
        const { clock, server, widget, start, lead } = await given({
          concurrency,
          sources: [hooks],
          reconcileTimeout: 1000,
          reconcile: async ({ metadata, spec }) => {
            const chosen = over ? 'well' : (fates[calls++] ?? 'well');
            if (running.has(metadata.name)) overlaps++;
            running.add(metadata.name);
            if (chosen === 'slow') await sleep(clock, 300);
            if (chosen === 'stuck') await sleep(clock, 40_000);
            running.delete(metadata.name);
            if (chosen === 'error') throw new Error('no luck');
            if (chosen === 'retry') throw new RetryError('later', { after: 50 });
            if (chosen === 'garbage') return true as never;
            seen.set(metadata.name, spec.size);
            return chosen === 'requeue' ? requeueAfter(70) : undefined;
          },
        });
        await start();
        let term = await lead();
        let size = 0;
        for (const each of events) {
          if (each.do === 'change') widget(each.name, ++size);
          else if (each.do === 'push') hooks.push({ ...x, name: each.name });
          else if (each.do === 'delete') server.delete(`${WIDGETS}/${each.name}`);
          else if (each.do === 'wait') await clock.advance(each.ms);
          else {
            term.term.lose();
            await clock.advance('31s');
            await term.done;
            term = await lead();
          }
        }
        over = true;
        await clock.advance('2m');
        const last = server
          .where(WIDGETS)
          .map(({ metadata, ...rest }) => [metadata.name, (rest as unknown as Widget).spec.size]);
        expect(last.map(([each]) => [each, seen.get(each as string)])).toEqual(last);
        expect([overlaps, running.size]).toEqual([0, 0]);
        term.term.lose();
        await term.done;
      },
    ),
    { seed: 1, numRuns: 150 },
  );
}, 60_000);
