import { describe, expect, test } from '@jest/globals';
import { ApiError, isStatus } from '../api/errors.js';
import { controllerReference } from '../api/owner-reference.js';
import { aborted } from '../kit/abort.js';
import { settle } from '../kit/virtual-clock.js';
import type { ReconcileContext } from './context.js';
import { addFinalizer } from './finalizer.js';
import { FINALIZER, gate, given, Other, Part, PARTS, type Reconcile, Widget, WIDGETS } from './given.fake.js';
import { requeueAfter, RetryError, TerminalError } from './reconciler.js';

describe('a term', () => {
  test('begins with every object there is', async () => {
    const { widget, start, lead, calls } = await given();
    widget('x');
    widget('y');
    await start();
    expect(calls).toEqual([]);
    await lead();
    expect(calls).toEqual(['x', 'y']);
  });

  test('reconciles what changes, once more for however many changes come while it runs', async () => {
    const { opened, open } = gate();
    const { widget, start, lead, calls } = await given({ reconcile: () => opened });
    await start();
    await lead();
    for (const size of [1, 2, 3]) {
      widget('x', size);
      await settle();
    }
    expect(calls).toEqual(['x']);
    open();
    await settle();
    expect(calls).toEqual(['x', 'x']);
    widget('x', 4);
    await settle();
    expect(calls).toEqual(['x', 'x', 'x']);
  });

  test('reconciles nothing before it starts or after it is lost, and everything in the next', async () => {
    const { widget, start, lead, calls } = await given();
    await start();
    widget('x');
    await settle();
    const first = await lead(1);
    first.term.lose();
    await first.done;
    widget('y');
    await settle();
    expect(calls).toEqual(['x']);
    await lead(2);
    expect(calls).toEqual(['x', 'x', 'y']);
  });

  test('forgets delayed work and failures of the one before', async () => {
    let failing = true;
    const { widget, start, lead, calls, clock } = await given({
      reconcile: async () => {
        if (failing) throw new Error('no luck');
        return requeueAfter('1m');
      },
    });
    widget('x');
    await start();
    const first = await lead(1);
    await clock.advance('1s');
    first.term.lose();
    await first.done;
    calls.length = 0;
    const second = await lead(2);
    await clock.advance('5ms');
    second.term.lose();
    await second.done;
    expect(calls).toEqual(['x', 'x']);
    failing = false;
    const third = await lead(3);
    const pending = clock.pending;
    third.term.lose();
    await third.done;
    expect(clock.pending).toBe(pending - 1);
  });

  test('runs as many reconciles at a time as it may, and never two of one object', async () => {
    const { opened, open } = gate();
    const { widget, start, lead, calls, counts } = await given({
      concurrency: 2,
      reconcile: async () => opened,
    });
    for (const name of ['x', 'y', 'z']) widget(name);
    await start();
    await lead();
    widget('x', 2);
    await settle();
    expect(calls).toEqual(['x', 'y']);
    expect(counts.get('active_workers')).toBe(2);
    expect(counts.get('controller_runtime_max_concurrent_reconciles')).toBe(2);
    open();
    await settle();
    expect(calls.toSorted()).toEqual(['x', 'x', 'y', 'z']);
    expect(counts.get('active_workers')).toBe(0);
  });
});

test('reconciles that wait for nothing, one after the other, let timers have their turn', async () => {
  const { widget, start, lead, calls, clock } = await given({ reconcile: async () => clock.stall('10ms') });
  for (let i = 0; i < 50; i++) widget(`w${i}`);
  await start();
  let seen = -1;
  setImmediate(() => (seen = calls.length));
  await lead();
  expect(seen).toBeLessThan(5);
});

describe('when a term is lost', () => {
  test('running reconciles are told and awaited, and their outcome counts for nothing', async () => {
    const { opened, open } = gate();
    const told: boolean[] = [];
    const { widget, start, lead, counts } = await given({
      reconcile: async (_, { signal }) => {
        await aborted(signal);
        await opened;
        told.push(signal.aborted);
        throw new Error('cut short');
      },
    });
    widget('x');
    await start();
    const { term, isOver } = await lead();
    term.lose();
    await settle();
    expect(isOver()).toBe(false);
    open();
    await settle();
    expect([isOver(), told]).toEqual([true, [true]]);
    expect(counts.get('reconcile_errors_total')).toBe(0);
  });

  test('a write of its work is refused, also in the next term', async () => {
    const { opened, open } = gate();
    const errors: unknown[] = [];
    const write = async (context: ReconcileContext): Promise<unknown> =>
      context.client.patch(Widget, context.key, { type: 'merge', patch: { status: { seen: 1 } } });
    let late = true;
    const { widget, start, lead, server, clock } = await given({
      reconcile: async (_, context) => {
        if (!late) return;
        late = false;
        await opened;
        await write(context).catch((error: unknown) => errors.push(error));
      },
    });
    widget('x');
    await start();
    const first = await lead(1);
    first.term.lose();
    await clock.advance('31s');
    expect(first.isOver()).toBe(true);
    await lead(2);
    open();
    await settle();
    expect(errors).toEqual([expect.objectContaining({ code: 'AUTHORITY_LOST' })]);
    expect(server.writes).toEqual([]);
  });

  test('a reconcile that ignores its signal keeps its object from the next term until it ends, and only that', async () => {
    const { opened, open } = gate();
    let stuck = true;
    const { widget, start, lead, calls, clock, controller } = await given({
      reconcile: async ({ metadata }) => {
        if (metadata.name === 'x' && stuck) {
          stuck = false;
          await opened;
        }
      },
    });
    widget('x');
    widget('y');
    await start();
    const first = await lead(1);
    first.term.lose();
    await clock.advance('29s');
    expect([first.isOver(), controller.notLive()]).toEqual([false, undefined]);
    await clock.advance('1s');
    expect(first.isOver()).toBe(true);
    expect(controller.notLive()).toMatch(/^widgets: the reconcile of a\/x still runs more than 30s after/);
    const second = await lead(2);
    expect(calls).toEqual(['x', 'y']);
    open();
    await settle();
    expect(calls).toEqual(['x', 'y', 'x']);
    expect(controller.notLive()).toBeUndefined();
    second.term.lose();
    await settle();
    expect(second.isOver()).toBe(true);
  });

  test('work that ignores its signal while the term is still held keeps the term from being handed on', async () => {
    const { opened, open } = gate();
    const { widget, start, lead, clock } = await given({ reconcile: () => opened });
    widget('x');
    await start();
    const draining = await lead(1);
    draining.term.drain();
    await clock.advance('5m');
    expect(draining.isOver()).toBe(false);
    draining.term.held = false;
    await clock.advance('1s');
    expect(draining.isOver()).toBe(true);
    open();
  });
});

test('when the operator stops, running reconciles are told but may still write', async () => {
  const stopping = new AbortController();
  const { widget, start, lead, server } = await given({
    reconcile: async (_, { signal, client, key }) => {
      await aborted(signal);
      await client.patch(Widget, key, { type: 'merge', patch: { status: { seen: 1 } } });
    },
  });
  widget('x');
  await start();
  const { isOver } = await lead(1, stopping.signal);
  stopping.abort();
  await settle();
  expect(isOver()).toBe(true);
  expect(server.writes).toEqual([`PATCH ${WIDGETS}/x`]);
});

describe('what a reconcile returns or throws', () => {
  const outcomes = async (reconcile: Reconcile) => {
    const setting = await given({ reconcile });
    setting.widget('x');
    await setting.start();
    await setting.lead();
    return setting;
  };

  test('nothing: not called again until something changes', async () => {
    const { calls, clock, counts } = await outcomes(async () => {});
    await clock.advance('1h');
    expect(calls).toEqual(['x']);
    expect(counts.get('reconcile_total success')).toBe(1);
  });

  test('requeueAfter: called again after that time', async () => {
    const { calls, clock, counts } = await outcomes(async () => requeueAfter('10m'));
    await clock.advance('599s');
    expect(calls).toEqual(['x']);
    await clock.advance('1s');
    expect(calls).toEqual(['x', 'x']);
    expect(counts.get('reconcile_total requeue_after')).toBe(2);
  });

  test('an error: called again, ever later, and the log says which controller, object and call', async () => {
    const { calls, clock, counts, lines } = await outcomes(async () => {
      throw new Error('no luck');
    });
    await clock.advance('35ms');
    expect(calls).toHaveLength(4); // At 0, 5, 15 and 35 ms.
    expect([counts.get('reconcile_total error'), counts.get('reconcile_errors_total')]).toEqual([4, 4]);
    expect(lines.find(({ level }) => level === 'error')).toMatchObject({
      controller: 'widgets',
      key: 'a/x',
      reconcileID: expect.stringMatching(/^[0-9a-z]{10}$/) as unknown,
      err: expect.objectContaining({ message: 'no luck' }) as unknown,
    });
  });

  test('success after errors: the next failure is tried again soon', async () => {
    let left = 6;
    const { calls, clock, widget } = await outcomes(async () => {
      if (left-- > 0) throw new Error('no luck');
    });
    await clock.advance('1s');
    expect(calls).toHaveLength(7);
    left = 1;
    widget('x', 2);
    await clock.advance('5ms');
    expect(calls).toHaveLength(9);
  });

  test('a RetryError: called again when it says', async () => {
    const { calls, clock, counts } = await outcomes(async () => {
      throw new RetryError('busy', { after: '20s' });
    });
    await clock.advance('19s');
    expect(calls).toEqual(['x']);
    await clock.advance('1s');
    expect(calls).toEqual(['x', 'x']);
    expect(counts.get('reconcile_errors_total')).toBe(2);
  });

  test('a TerminalError: not called again until the object changes', async () => {
    const { calls, clock, counts, widget } = await outcomes(async () => {
      throw new TerminalError('never');
    });
    await clock.advance('1h');
    expect(calls).toEqual(['x']);
    expect([counts.get('terminal_reconcile_errors_total'), counts.get('reconcile_errors_total')]).toEqual([
      1, 1,
    ]);
    widget('x', 2);
    await settle();
    expect(calls).toEqual(['x', 'x']);
  });

  test('a conflict: called again soon, without an error in log or metrics', async () => {
    const { calls, clock, counts, lines, server } = await outcomes(async (object, { client }) => {
      await client.update(Widget, { ...object, metadata: { ...object.metadata, resourceVersion: '1' } });
    });
    await clock.advance('5ms');
    expect(calls).toEqual(['x', 'x']);
    expect(server.writes).toHaveLength(2);
    expect(counts.get('reconcile_total requeue')).toBe(2);
    expect([counts.get('reconcile_errors_total'), lines.filter(({ level }) => level === 'error')]).toEqual([
      0,
      [],
    ]);
  });

  test('something that is no error, or throws before it returns a promise: contained, counted as a slip', async () => {
    const { calls, clock, counts } = await outcomes(() => {
      // oxlint-disable-next-line no-throw-literal -- what is tested
      throw undefined;
    });
    await clock.advance('5ms');
    expect(calls).toEqual(['x', 'x']);
    expect(counts.get('reconcile_panics_total')).toBe(2);
  });

  test.each([
    ['true', true],
    ['a delay as text', { requeueAfter: '10m' }],
    ['no number', { requeueAfter: NaN }],
  ])(
    'something that is no result, such as %s: as if it had thrown, and told in a sentence',
    async (_, result) => {
      const { calls, clock, counts, lines } = await outcomes(async () => result as never);
      await clock.advance('5ms');
      expect(calls).toEqual(['x', 'x']);
      expect([counts.get('reconcile_errors_total'), counts.get('reconcile_panics_total')]).toEqual([2, 2]);
      expect(String(lines.find(({ level }) => level === 'error')?.['err'])).toMatch(
        /The reconciler returned .*: return nothing, or requeueAfter/,
      );
    },
  );

  test('errors beyond maxRetries: left alone until something changes, with an Event, a metric and a line', async () => {
    let conflicts = 3;
    const { widget, start, lead, calls, clock, counts, notes, lines } = await given({
      maxRetries: 2,
      reconcile: async () => {
        if (conflicts-- > 0) throw new ApiError('PUT', 409, { reason: 'Conflict' });
        throw new Error('no luck');
      },
    });
    widget('x');
    await start();
    await lead();
    await clock.advance('1h');
    expect(calls).toHaveLength(3 + 3);
    expect(notes).toEqual([
      'x GaveUp: Failed 3 times in a row, and is not tried again before something changes: no luck',
    ]);
    expect(counts.get('incumbent_reconcile_given_up_total')).toBe(1);
    expect(counts.get('terminal_reconcile_errors_total')).toBe(1);
    expect(lines.at(-1)).toMatchObject({ level: 'error', failures: 3 });
    widget('x', 2);
    await clock.advance('1h');
    expect(calls).toHaveLength(6 + 3);
  });

  test('a server that is too busy: called again, however often', async () => {
    const { widget, start, lead, calls, clock } = await given({
      maxRetries: 1,
      reconcile: async () => {
        throw new ApiError('PATCH widgets', 429, { reason: 'TooManyRequests' }, 1000);
      },
    });
    widget('x');
    await start();
    await lead();
    await clock.advance('10s');
    expect(calls).toHaveLength(11);
  });

  test('errors: called again as slowly as its backOff says, all objects together no oftener than its retryRate', async () => {
    const failing = async () => {
      throw new Error('no luck');
    };
    const slow = await given({ backOff: { start: 1000, cap: 4000 }, reconcile: failing });
    slow.widget('x');
    await slow.start();
    await slow.lead();
    await slow.clock.advance('15s');
    expect(slow.calls).toHaveLength(6); // At 0, 1, 3, 7, 11 and 15 s.
    const rare = await given({ retryRate: { perSecond: 2, burst: 1 }, reconcile: failing });
    for (let i = 0; i < 10; i++) rare.widget(`w${i}`);
    await rare.start();
    await rare.lead();
    await rare.clock.advance('5s');
    expect(rare.calls.length).toBeLessThanOrEqual(10 + 11);
  });

  test('a server that is too busy: called again when the server says', async () => {
    const { calls, clock } = await outcomes(async () => {
      throw new ApiError('PATCH widgets', 429, { reason: 'TooManyRequests' }, 7000);
    });
    await clock.advance('6.9s');
    expect(calls).toEqual(['x']);
    await clock.advance('100ms');
    expect(calls).toEqual(['x', 'x']);
  });

  test('in time: nothing is left of its time limit', async () => {
    const { widget, start, lead, clock } = await given({ reconcileTimeout: 10_000 });
    await start();
    await lead();
    const pending = clock.pending;
    widget('x');
    await clock.advance('1s');
    expect(clock.pending).toBe(pending);
  });

  test('too late: its signal aborts, it counts as failed and is tried again; one that goes on makes the replica unhealthy', async () => {
    const { opened, open } = gate();
    const setting = await given({
      reconcileTimeout: 10_000,
      reconcile: async ({ metadata }, { signal }) => {
        await aborted(signal);
        if (metadata.name === 'y') await opened;
        throw signal.reason;
      },
    });
    setting.widget('x');
    await setting.start();
    await setting.lead();
    await setting.clock.advance('10s');
    await setting.clock.advance('5ms');
    expect(setting.calls).toEqual(['x', 'x']);
    expect(setting.lines.find(({ level }) => level === 'error')).toMatchObject({
      err: expect.objectContaining({ code: 'RECONCILE_TIMEOUT' }) as unknown,
    });
    setting.widget('y');
    await setting.clock.advance('90s');
    expect(setting.controller.notLive()).toMatch('the reconcile of a/y still runs');
    open();
  });

  test('never: it keeps its object to itself, others are reconciled without it, and an Event and a metric say so', async () => {
    const { opened, open } = gate();
    const setting = await given({
      reconcileTimeout: 10_000,
      reconcile: async ({ metadata }) => {
        if (metadata.name === 'stuck') await opened;
      },
    });
    const { widget, start, lead, calls, clock, counts, notes, controller } = setting;
    widget('stuck');
    widget('x');
    await start();
    const { term, isOver } = await lead();
    await clock.advance('39s');
    expect([calls, counts.get('incumbent_reconcile_overstaying')]).toEqual([['stuck'], 0]);
    await clock.advance('1s');
    expect(calls).toEqual(['stuck', 'x']);
    expect(counts.get('incumbent_reconcile_overstaying')).toBe(1);
    expect(notes[0]).toMatch(/^stuck ReconcileOverstays: A reconcile goes on more than 30s after/);
    widget('stuck', 2);
    widget('x', 2);
    await settle();
    // Only one worker goes on, and none has the stuck one.
    expect(calls).toEqual(['stuck', 'x', 'x']);
    expect(controller.notLive()).toMatch('the reconcile of a/stuck still runs');
    open();
    await settle();
    expect(calls).toEqual(['stuck', 'x', 'x', 'stuck']);
    expect([counts.get('incumbent_reconcile_overstaying'), controller.notLive()]).toEqual([0, undefined]);
    expect(counts.get('active_workers')).toBe(0);
    term.lose();
    await settle();
    expect(isOver()).toBe(true);
  });

  test('never, with the term lost meanwhile: the term is not over before it ends', async () => {
    const { opened, open } = gate();
    const { widget, start, lead, clock } = await given({ reconcileTimeout: 1000, reconcile: () => opened });
    widget('x');
    await start();
    const { term, isOver } = await lead();
    await clock.advance('40s');
    term.drain();
    await clock.advance('5m');
    expect(isOver()).toBe(false);
    open();
    await settle();
    expect(isOver()).toBe(true);
  });

  test('in the time that its object asks for', async () => {
    const { widget, start, lead, clock, counts, lines } = await given({
      reconcileTimeout: ({ spec }) => {
        if (spec.size === 0) throw new Error('no size');
        return spec.size * 1000;
      },
      reconcile: async (_, { signal }) => {
        await aborted(signal);
        throw signal.reason;
      },
    });
    widget('x', 3);
    await start();
    await lead();
    await clock.advance('2.9s');
    expect(counts.get('reconcile_errors_total')).toBe(0);
    await clock.advance('0.1s');
    expect(counts.get('reconcile_errors_total')).toBe(1);
    expect(String(lines.find(({ level }) => level === 'error')?.['err'])).toMatch('reconcileTimeout of 3s');
    widget('zero', 0);
    await clock.advance('3s');
    expect(lines.some(({ err }) => String(err).includes('no size'))).toBe(true);
    expect(counts.get('active_workers')).toBe(1);
  });
});

describe('what wakes a controller', () => {
  const quiet = async () => {
    const setting = await given();
    setting.widget('x');
    await setting.start();
    await setting.lead();
    setting.calls.length = 0;
    return setting;
  };
  const object = { apiVersion: 'test.dev/v1', kind: 'Widget', spec: { size: 1 } };
  const generation = 1;

  test.each([
    ['a spec', object, { generation: 2 }, true],
    ['a label', object, { generation, labels: { a: 'b' } }, true],
    ['an annotation', object, { generation, annotations: { a: 'b' } }, true],
    ['a finalizer', object, { generation, finalizers: ['other.dev/f'] }, true],
    ['a status', { ...object, status: { seen: 1 } }, { generation }, false],
    ['managed fields', object, { generation, managedFields: [{}] }, false],
  ])('%s: %#', async (_, changed, meta, wakes) => {
    const { server, calls } = await quiet();
    server.put(`${WIDGETS}/x`, changed, meta);
    await settle();
    expect(calls).toEqual(wakes ? ['x'] : []);
  });

  test('a predicate that throws, as if it had let the change pass', async () => {
    const { widget, start, lead, calls } = await given({
      predicate: () => {
        throw new Error('a slip');
      },
    });
    await start();
    await lead();
    widget('x');
    await settle();
    expect(calls).toEqual(['x']);
  });

  test('an owned object, whose controller it is, and not its version alone', async () => {
    const { server, calls, client } = await quiet();
    const owner = await client.get(Widget, { namespace: 'a', name: 'x' });
    const part = { apiVersion: 'v1', kind: 'Part', data: { a: 'b' } };
    const ownerReferences = [controllerReference(Widget, owner, { namespace: 'a' })];
    server.put(`${PARTS}/p`, part, { ownerReferences, generation: 1 });
    await settle();
    expect(calls).toEqual(['x']);
    server.put(`${PARTS}/p`, part, { generation: 1 });
    await settle();
    expect(calls).toEqual(['x']);
    server.put(`${PARTS}/p`, { ...part, data: { a: 'c' } }, { generation: 1 });
    await settle();
    expect(calls).toEqual(['x', 'x']);
    server.delete(`${PARTS}/p`);
    await settle();
    expect(calls).toEqual(['x', 'x', 'x']);
  });

  test('an owned object that changes hands: both owners', async () => {
    const { server, calls, widget } = await quiet();
    widget('y');
    await settle();
    const owned = (name: string) => ({
      ownerReferences: [{ apiVersion: 'test.dev/v1', kind: 'Widget', name, uid: name, controller: true }],
    });
    const part = { apiVersion: 'v1', kind: 'Part', data: {} };
    server.put(`${PARTS}/p`, part, owned('x'));
    await settle();
    calls.length = 0;
    server.put(`${PARTS}/p`, part, owned('y'));
    await settle();
    expect(calls).toEqual(['x', 'y']);
  });

  test.each([
    ['of another group', { apiVersion: 'other.dev/v1', controller: true }, []],
    ['of another kind', { kind: 'Gadget', controller: true }, []],
    ['that only owns', {}, []],
    ['of another version', { apiVersion: 'test.dev/v1beta1', controller: true }, ['x']],
  ])('an owner reference %s', async (_, reference, expected) => {
    const { server, calls } = await quiet();
    const ownerReferences = [
      { apiVersion: 'test.dev/v1', kind: 'Widget', name: 'x', uid: 'u', ...reference },
    ];
    server.put(`${PARTS}/p`, { apiVersion: 'v1', kind: 'Part', data: {} }, { ownerReferences });
    await settle();
    expect(calls).toEqual(expected);
  });
});

describe('the finalizer', () => {
  test('is added behind others before the first reconcile, which sees it', async () => {
    const seen: unknown[] = [];
    const { widget, start, lead, server, calls } = await given({
      cleanup: async () => {},
      reconcile: async ({ metadata }, { cache, key }) => {
        seen.push(metadata.finalizers, cache.get(Widget, key)?.metadata.finalizers);
      },
    });
    widget('x', 1, { finalizers: ['other.dev/f'] });
    widget('y');
    await start();
    await lead();
    expect(server.at(`${WIDGETS}/x`)?.metadata.finalizers).toEqual(['other.dev/f', FINALIZER]);
    expect(seen.slice(0, 2)).toEqual([
      ['other.dev/f', FINALIZER],
      ['other.dev/f', FINALIZER],
    ]);
    expect(seen[2]).toEqual([FINALIZER]);
    // Its own finalizer does not wake it again.
    expect(calls).toEqual(['x', 'y']);
  });

  test('goes after the cleanup, others stay; nothing else runs meanwhile', async () => {
    const { widget, start, lead, server, calls } = await given({ cleanup: async () => {} });
    widget('x', 1, { finalizers: [FINALIZER, 'other.dev/f'] });
    await start();
    server.delete(`${WIDGETS}/x`);
    await settle();
    await lead();
    expect(calls).toEqual(['clean x']);
    expect(server.at(`${WIDGETS}/x`)?.metadata.finalizers).toEqual(['other.dev/f']);
  });

  test('is kept while the cleanup asks to be called again', async () => {
    let rounds = 2;
    const { widget, start, lead, server, calls, clock } = await given({
      cleanup: async () => (--rounds > 0 ? requeueAfter('1m') : undefined),
    });
    widget('x', 1, { finalizers: [FINALIZER] });
    await start();
    await lead();
    server.delete(`${WIDGETS}/x`);
    await settle();
    expect(server.at(`${WIDGETS}/x`)?.metadata.finalizers).toEqual([FINALIZER]);
    await clock.advance('1m');
    expect(server.at(`${WIDGETS}/x`)).toBeUndefined();
    expect(calls).toEqual(['x', 'clean x', 'clean x']);
  });

  test('is kept when the cleanup throws, and the cleanup tried again', async () => {
    let rounds = 2;
    const { widget, start, lead, server, clock } = await given({
      cleanup: async () => {
        if (--rounds > 0) throw new Error('not yet');
      },
    });
    widget('x', 1, { finalizers: [FINALIZER] });
    server.delete(`${WIDGETS}/x`);
    await start();
    await lead();
    expect(server.at(`${WIDGETS}/x`)?.metadata.finalizers).toEqual([FINALIZER]);
    await clock.advance('5ms');
    expect(server.at(`${WIDGETS}/x`)).toBeUndefined();
  });

  test('is not removed by a cleanup that ended after its term', async () => {
    const { opened, open } = gate();
    const { widget, start, lead, server } = await given({ cleanup: () => opened });
    widget('x', 1, { finalizers: [FINALIZER] });
    server.delete(`${WIDGETS}/x`);
    await start();
    const { term, done } = await lead();
    term.lose();
    open();
    await done;
    expect(server.at(`${WIDGETS}/x`)?.metadata.finalizers).toEqual([FINALIZER]);
  });

  test('of another that comes between look and patch survives, at adding and at removing', async () => {
    let interfere = true;
    const { widget, start, lead, server, clock, lines } = await given({ cleanup: async () => {} });
    server.intercept = ({ method }) => {
      if (method === 'PATCH' && interfere) {
        interfere = false;
        const before = server.at(`${WIDGETS}/x`)?.metadata.finalizers ?? [];
        widget('x', 2, { finalizers: ['early.dev/f', ...before] });
      }
      return undefined;
    };
    widget('x');
    await start();
    await lead();
    await clock.advance('1s');
    expect(server.at(`${WIDGETS}/x`)?.metadata.finalizers).toEqual(['early.dev/f', FINALIZER]);
    interfere = true;
    server.delete(`${WIDGETS}/x`);
    await clock.advance('1s');
    expect(server.at(`${WIDGETS}/x`)?.metadata.finalizers).toEqual(['early.dev/f', 'early.dev/f']);
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('is not put on twice, nor on another object of the same name', async () => {
    const { server, client, widget } = await given();
    widget('x', 1, { finalizers: ['other.dev/f'] });
    const stale = await client.get(Widget, { namespace: 'a', name: 'x' });
    widget('x', 1, { finalizers: ['other.dev/f', FINALIZER] });
    const add = (object: Widget) => addFinalizer(client.unfenced(), Widget, object, FINALIZER);
    await expect(add(stale)).rejects.toMatchObject({ code: 'FINALIZER_CONFLICT' });
    const reborn = { ...stale, metadata: { ...stale.metadata, uid: 'another' } };
    widget('x', 1, { finalizers: ['other.dev/f'] });
    await expect(add(reborn)).rejects.toMatchObject({ code: 'FINALIZER_CONFLICT' });
    await expect(add(stale)).resolves.toMatchObject({ metadata: { finalizers: ['other.dev/f', FINALIZER] } });
    expect(server.at(`${WIDGETS}/x`)?.metadata.finalizers).toEqual(['other.dev/f', FINALIZER]);
  });

  test('has nothing to do with an object that is gone, be it before the first reconcile or during the cleanup', async () => {
    const { widget, start, lead, server, calls, counts } = await given({
      cleanup: async ({ metadata }) => {
        server.put(
          `${WIDGETS}/${metadata.name}`,
          { apiVersion: 'test.dev/v1', kind: 'Widget' },
          { finalizers: [] },
        );
        server.delete(`${WIDGETS}/${metadata.name}`);
      },
    });
    server.intercept = ({ method, path }) =>
      method === 'PATCH' && path.endsWith('/x') ? { code: 404, reason: 'NotFound' } : undefined;
    widget('x');
    widget('y', 1, { finalizers: [FINALIZER] });
    server.delete(`${WIDGETS}/y`);
    await start();
    await lead();
    expect(calls).toEqual(['clean y']);
    expect(counts.get('reconcile_errors_total')).toBe(0);
  });

  test('once it is off, the cache shows the object no more', async () => {
    const { widget, start, lead, server, cache } = await given({ cleanup: async () => {} });
    widget('x', 1, { finalizers: [FINALIZER] });
    server.delete(`${WIDGETS}/x`);
    await start();
    // The watch hears of nothing from now on.
    server.mute();
    await lead();
    expect(cache.lister(Widget).list()).toEqual([]);
  });

  test('an object that is being deleted without ours is left alone', async () => {
    const { widget, start, lead, server, calls } = await given({ cleanup: async () => {} });
    widget('x', 1, { finalizers: ['other.dev/f'] });
    server.delete(`${WIDGETS}/x`);
    await start();
    await lead();
    expect([calls, server.writes]).toEqual([[], []]);
  });

  test('a finalizer that the server refuses is an error like any other', async () => {
    const { widget, start, lead, server, calls, clock, counts } = await given({ cleanup: async () => {} });
    server.intercept = ({ method }) => (method === 'PATCH' ? { code: 403, reason: 'Forbidden' } : undefined);
    widget('x');
    await start();
    await lead();
    await clock.advance('5ms');
    expect([calls, counts.get('reconcile_errors_total')]).toEqual([[], 2]);
  });
});

describe('the context', () => {
  test('carries the object, its events, the term, and a cache that has what was written a moment ago', async () => {
    const seen: unknown[] = [];
    const { widget, start, lead, notes, clock } = await given({
      reconcile: async (_, context) => {
        const { client, cache, key, events, term } = context;
        events.normal('Seen', 'seen');
        const metadata = { name: 'p', namespace: 'a' };
        await client.create(Part, { metadata, data: { a: 'b' } });
        const written = cache.get(Part, metadata)?.data;
        await client.delete(Part, metadata);
        seen.push(
          key,
          term.number,
          written,
          cache.get(Part, metadata),
          cache.list(Widget).length,
          context.clock === clock,
        );
      },
    });
    widget('x');
    await start();
    await lead(7);
    expect(notes).toEqual(['x Seen']);
    expect(seen).toEqual([{ namespace: 'a', name: 'x' }, 7, { a: 'b' }, undefined, 1, true]);
  });

  test('shows what a delete left terminating as that, and nothing of what it removed', async () => {
    const seen: unknown[] = [];
    const { widget, start, lead } = await given({
      reconcile: async (_, { client, cache }) => {
        const kept = { name: 'kept', namespace: 'a' };
        const gone = { name: 'gone', namespace: 'a' };
        await client.create(Part, { metadata: { ...kept, finalizers: [FINALIZER] }, data: {} });
        await client.create(Part, { metadata: gone, data: {} });
        const answer = await client.delete(Part, kept);
        await client.delete(Part, gone);
        const shown = cache.get(Part, kept)?.metadata;
        seen.push(isStatus(answer), shown?.deletionTimestamp !== undefined, cache.get(Part, gone));
        seen.push('metadata' in answer && answer.metadata.resourceVersion === shown?.resourceVersion);
      },
    });
    widget('x');
    await start();
    await lead();
    expect(seen.slice(0, 4)).toEqual([false, true, undefined, true]);
  });

  test('does not take a write that was only tried for one that was made', async () => {
    const seen: unknown[] = [];
    const { widget, start, lead } = await given({
      reconcile: async ({ metadata }, { client, cache, key }) => {
        const before = cache.get(Widget, key);
        const patch = { type: 'merge', patch: { spec: { size: 9 } } } as const;
        await client.patch(Widget, key, patch, { dryRun: true });
        await client.patch(Widget, key, patch, { subresource: 'scale' });
        seen.push(metadata.name, cache.get(Widget, key) === before);
      },
    });
    widget('x');
    await start();
    await lead();
    expect(seen.slice(0, 2)).toEqual(['x', true]);
  });

  test('refuses a look into the cache for a kind that was not declared, instead of finding nothing', async () => {
    const errors: unknown[] = [];
    const { widget, start, lead } = await given({
      reconcile: async (_, { cache }) => {
        try {
          cache.list(Other);
        } catch (error) {
          errors.push(error);
        }
      },
    });
    widget('x');
    await start();
    await lead();
    expect(errors).toEqual([expect.objectContaining({ code: 'CACHE_UNDECLARED' })]);
    expect(String(errors[0])).toMatch('widgets reads Other from its cache');
  });
});

test('a controller that is limited to namespaces sees no others', async () => {
  const { widget, start, lead, calls, server } = await given({ namespaces: ['a', 'b'] });
  widget('x');
  const object = { apiVersion: 'test.dev/v1', kind: 'Widget', spec: { size: 1 } };
  server.put('/apis/test.dev/v1/namespaces/b/widgets/y', object);
  server.put('/apis/test.dev/v1/namespaces/c/widgets/z', object);
  await start();
  await lead();
  expect(calls).toEqual(['x', 'y']);
});
