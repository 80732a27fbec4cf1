import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { aborted } from '../kit/abort.js';
import { messageOf } from '../kit/error.js';
import { sleep } from '../kit/sleep.js';
import { settle } from '../kit/virtual-clock.js';
import type { ReconcileContext } from './context.js';
import { FINALIZER, gate, given as givenWorks, type Reconcile, Widget, WIDGETS } from './given.fake.js';
import { requeueAfter, RetryError, TerminalError } from './reconciler.js';

type Given = NonNullable<Parameters<typeof givenWorks>[0]>;

/** A controller with one timer. `at`: seconds at which it was called, and for what. */
async function givenTimer(every: number, call: Reconcile, more: Given = {}) {
  const at: string[] = [];
  const called = (object: Widget, context: ReconcileContext) => {
    at.push(`${context.clock.monotonic() / 1000} ${object.metadata.name}`);
    return call(object, context);
  };
  const timers = [{ method: 'refresh', every, call: called as Reconcile }] as Given['timers'];
  return { at, ...(await givenWorks({ ...more, timers })) };
}

describe('a timer', () => {
  test('is called with the start of the term, and then its interval after the end of each call', async () => {
    const { widget, start, lead, clock, at } = await givenTimer(10_000, (_, { signal }) =>
      sleep(clock, 3000, signal),
    );
    widget('x');
    await start();
    await lead();
    await clock.advance('30s');
    expect(at).toEqual(['0 x', '13 x', '26 x']);
  });

  test('begins with an object that appears, ends with it, and hears nothing of its changes', async () => {
    const { widget, start, lead, clock, at, calls, server } = await givenTimer(10_000, async () => {});
    await start();
    await lead();
    await clock.advance('4s');
    widget('x');
    await clock.advance('3s');
    widget('x', 2);
    await clock.advance('20s');
    server.delete(`${WIDGETS}/x`);
    await clock.advance('1m');
    expect(at).toEqual(['4 x', '14 x', '24 x']);
    expect(calls).toEqual(['x', 'x']);
  });

  test('leaves alone what is being deleted, and what its finalizer has not been put on yet', async () => {
    const { widget, start, lead, clock, at, server } = await givenTimer(10_000, async () => {}, {
      cleanup: async () => requeueAfter('1h'),
    });
    server.intercept = ({ method }) =>
      method === 'PATCH' && clock.monotonic() < 5000 ? { code: 500, reason: 'InternalError' } : undefined;
    widget('x');
    await start();
    await lead();
    await clock.advance('4s');
    expect(at).toEqual([]);
    await clock.advance('6s');
    expect(at).toHaveLength(1);
    expect(Number(at[0]?.split(' ')[0])).toBeGreaterThan(5);
    server.delete(`${WIDGETS}/x`);
    await clock.advance('1m');
    expect(at).toHaveLength(1);
  });

  test('waits as long as its result says, and after a failure no longer than its interval', async () => {
    const failures = [new Error('no luck'), new RetryError('later', { after: '7s' })];
    const { widget, start, lead, clock, at, counts } = await givenTimer(
      10,
      async () => {
        if (at.length === 1) return requeueAfter('1m');
        if (at.length === 2) throw failures[0] as Error;
        if (at.length === 3) throw failures[1] as Error;
        if (at.length < 20) throw new Error('still no luck');
        throw new TerminalError('never again');
      },
      { maxRetries: 2 },
    );
    widget('x');
    await start();
    await lead();
    await clock.advance('5m');
    expect(at.slice(0, 5)).toEqual(['0 x', '60 x', '60.005 x', '67.005 x', '67.015 x']);
    // Doubled, it would be an hour by now; and it never gives up.
    expect(at.at(-1)).toBe('67.165 x');
    expect(counts.get('reconcile_errors_total')).toBe(19);
    expect(counts.get('terminal_reconcile_errors_total')).toBe(1);
  });

  test('does not wait for the reconcile of its object, and writes under its own name and term', async () => {
    const { opened, open } = gate();
    let write = async (): Promise<unknown> => undefined;
    const { widget, start, lead, clock, at, server } = await givenTimer(
      10_000,
      async (object, { client, key, controller }) => {
        expect(controller).toBe('widgets.refresh');
        write = () =>
          client.patch(
            Widget,
            key,
            { type: 'merge', patch: { status: { seen: object.spec.size } } },
            { subresource: 'status' },
          );
        await write();
      },
      { reconcile: () => opened },
    );
    widget('x');
    await start();
    const { term, done } = await lead();
    await clock.advance('10s');
    expect(at).toEqual(['0 x', '10 x']);
    expect(server.at(`${WIDGETS}/x`)).toMatchObject({ status: { seen: 1 } });
    term.lose();
    open();
    await done;
    await clock.advance('1m');
    expect(at).toHaveLength(2);
    await expect(write()).rejects.toMatchObject({ code: 'AUTHORITY_LOST' });
  });
});

/** A controller with one daemon. `told`: what became of its calls, in order. */
async function givenDaemon(run: Reconcile = untilAborted, more: Given = {}) {
  const told: string[] = [];
  const call = async (object: Widget, context: ReconcileContext) => {
    const name = `${object.metadata.name} ${object.spec.size}`;
    told.push(`begin ${name}`);
    try {
      return await run(object, context);
    } finally {
      told.push(`end ${name}`);
    }
  };
  const daemons = [{ method: 'follow', call: call as Reconcile }] as Given['daemons'];
  return { told, ...(await givenWorks({ ...more, daemons })) };
}

async function untilAborted(_: Widget, { signal }: ReconcileContext): Promise<void> {
  await aborted(signal);
}

describe('a daemon', () => {
  test('is called once for each object, whatever changes, until the object is gone', async () => {
    const reasons: string[] = [];
    const { widget, start, lead, clock, told, server, counts } = await givenDaemon(
      async (_, { signal, cache, key, causes }) => {
        expect(causes).toEqual([]);
        await aborted(signal);
        reasons.push(messageOf(signal.reason));
        expect(cache.get(Widget, key)).toBeUndefined();
      },
    );
    widget('x');
    await start();
    await lead();
    widget('y');
    widget('x', 2);
    await settle();
    expect(told).toEqual(['begin x 1', 'begin y 1']);
    expect(counts.get('incumbent_daemons_running')).toBe(2);
    server.delete(`${WIDGETS}/x`);
    await clock.advance('1m');
    expect(told).toEqual(['begin x 1', 'begin y 1', 'end x 1']);
    expect(reasons).toEqual(['Widget a/x is being deleted, or is not there any more.']);
    expect(counts.get('incumbent_daemons_running')).toBe(1);
  });

  test('of an object that took the place of another begins when the one before has ended', async () => {
    const { opened, open } = gate();
    const { widget, start, lead, told, server } = await givenDaemon(async ({ spec }, { signal }) => {
      await aborted(signal);
      if (spec.size === 1) await opened;
    });
    widget('x', 1);
    await start();
    await lead();
    server.delete(`${WIDGETS}/x`);
    widget('x', 2);
    await settle();
    expect(told).toEqual(['begin x 1']);
    open();
    await settle();
    expect(told).toEqual(['begin x 1', 'end x 1', 'begin x 2']);
  });

  test('that returns is done until the next term, but for an object of the same name', async () => {
    const { widget, start, lead, clock, told, server } = await givenDaemon(async () => {});
    widget('x', 1);
    await start();
    const { term, done } = await lead();
    widget('x', 2);
    await clock.advance('1h');
    expect(told).toEqual(['begin x 1', 'end x 1']);
    server.delete(`${WIDGETS}/x`);
    widget('x', 3);
    await clock.advance('1h');
    expect(told.slice(2)).toEqual(['begin x 3', 'end x 3']);
    term.lose();
    await done;
    await lead(2);
    expect(told.slice(4)).toEqual(['begin x 3', 'end x 3']);
  });

  test('is started again when it asks for it, and with growing pauses when it throws, until it says never', async () => {
    const at: number[] = [];
    const { widget, start, lead, clock, counts, lines } = await givenDaemon(async (_, context) => {
      at.push(context.clock.monotonic());
      if (at.length === 1) return requeueAfter('90s');
      if (at.length === 11) {
        await sleep(context.clock, 120_000, context.signal);
        throw new Error('after two quiet minutes');
      }
      if (at.length === 13) throw new TerminalError('never again');
      throw at.length === 12 ? new RetryError('soon', { after: '3s' }) : new Error('no luck');
    });
    widget('x');
    await start();
    await lead();
    await clock.advance('1h');
    const pauses = at.slice(1).map((time, index) => time - (at[index] ?? 0));
    expect(pauses[0]).toBe(90_000);
    [1, 2, 4, 8, 16, 32, 60, 60, 60].forEach((seconds, index) => {
      expect(pauses[index + 1]).toBeGreaterThanOrEqual(seconds * 1000);
      expect(pauses[index + 1]).toBeLessThanOrEqual(seconds * 1200);
    });
    expect(pauses[10]).toBeLessThanOrEqual(121_200);
    expect(pauses[11]).toBe(3000);
    expect(at).toHaveLength(13);
    expect(counts.get('incumbent_daemon_failures_total')).toBe(12);
    expect(lines.filter(({ level }) => level === 'error').at(-1)).toMatchObject({
      daemon: 'follow',
      controller: 'widgets.follow',
      key: 'a/x',
      message: 'the daemon failed: not started again in this term',
    });
  });

  test('ends with its term, can write no more, and has ended before the term has', async () => {
    const { opened, open } = gate();
    let refused: unknown;
    const { widget, start, lead, clock, told } = await givenDaemon(async (_, { signal, client, key }) => {
      await aborted(signal);
      await client
        .patch(Widget, key, { type: 'merge', patch: { spec: { size: 9 } } })
        .catch((error: unknown) => (refused = error));
      await opened;
    });
    widget('x');
    await start();
    const before = clock.pending;
    const { term, done, isOver } = await lead();
    term.drain();
    term.held = false;
    await clock.advance('29s');
    expect(refused).toMatchObject({ code: 'AUTHORITY_LOST' });
    expect(isOver()).toBe(false);
    open();
    await done;
    widget('y');
    await clock.advance('1m');
    expect(told).toEqual(['begin x 1', 'end x 1']);
    expect(clock.pending).toBe(before);
  });

  test('that ignores its signal keeps its object to itself, in the next term too, and makes the replica not live', async () => {
    const { opened, open } = gate();
    const { widget, start, lead, clock, told, notLive, notes } = await givenDaemon(() => opened);
    widget('x');
    await start();
    const { term, done } = await lead();
    term.lose();
    await clock.advance('29s');
    expect(notLive()).toEqual([]);
    await clock.advance('2s');
    await done;
    expect(notLive()).toEqual([
      'widgets.follow: the daemon of a/x still runs more than 30s after it was told to end: it ignores its signal.',
    ]);
    expect(notes.filter((note) => note.includes('DaemonOverstays'))).toHaveLength(1);
    const second = await lead(2);
    await clock.advance('1m');
    expect(told).toEqual(['begin x 1']);
    open();
    await settle();
    expect(told).toEqual(['begin x 1', 'end x 1', 'begin x 1', 'end x 1']);
    expect(notLive()).toEqual([]);
    second.term.lose();
    await second.done;
  });

  test('whose right is gone before its signal says so does not start over and over', async () => {
    const { widget, start, lead, told } = await givenDaemon(async (_, { client, key }) => {
      await client.patch(Widget, key, { type: 'merge', patch: { spec: { size: 9 } } });
    });
    await start();
    const { term, done } = await lead();
    term.held = false;
    widget('x');
    await settle();
    await settle();
    expect(told).toEqual(['begin x 1', 'end x 1']);
    term.lose();
    await done;
  });

  test('is let go of before its object is cleaned up, and comes only once the finalizer is there', async () => {
    const { opened, open } = gate();
    const { widget, start, lead, told, calls, server } = await givenDaemon(
      async ({ metadata }, { signal }) => {
        expect(metadata.finalizers).toEqual([FINALIZER]);
        await aborted(signal);
        await opened;
      },
      { cleanup: async () => void told.push('clean') },
    );
    widget('x');
    await start();
    await lead();
    server.delete(`${WIDGETS}/x`);
    await settle();
    expect(calls).toEqual(['x']);
    open();
    await settle();
    expect(told).toEqual(['begin x 1', 'end x 1', 'clean']);
    expect(server.at(`${WIDGETS}/x`)).toBeUndefined();
  });

  test('that ignores its signal keeps its object from being cleaned up, and others from nothing', async () => {
    const { opened, open } = gate();
    const { widget, start, lead, clock, calls, lines, server } = await givenDaemon(
      (object, context) => (object.metadata.name === 'x' ? opened : untilAborted(object, context)),
      { cleanup: async () => {} },
    );
    widget('x');
    widget('y');
    await start();
    await lead();
    server.delete(`${WIDGETS}/x`);
    await clock.advance('31s');
    server.delete(`${WIDGETS}/y`);
    await clock.advance('10s');
    expect(calls).toEqual(['x', 'y', 'clean y']);
    expect(
      lines.filter(({ err }) => messageOf(err).includes('Nothing is cleaned up beside it')),
    ).not.toHaveLength(0);
    open();
    await clock.advance('1m');
    expect(calls.at(-1)).toBe('clean x');
  });

  test('is one of a thousand that start without keeping timers from their turn', async () => {
    const { widget, start, lead, clock, counts } = await givenDaemon(async (_, { signal }) => {
      clock.stall('1ms');
      await aborted(signal);
    });
    for (let i = 0; i < 1000; i++) widget(`w${i}`);
    await start();
    let seen = -1;
    setImmediate(() => (seen = counts.get('incumbent_daemons_running') ?? 0));
    const { term, done } = await lead();
    expect(seen).toBeLessThanOrEqual(10);
    while (counts.get('incumbent_daemons_running') !== 1000) await settle();
    // They wait for their signal: there is no timer for each.
    expect(clock.pending).toBeLessThan(10);
    term.lose();
    await done;
    expect(counts.get('incumbent_daemons_running')).toBe(0);
  });
});

// However objects and terms come and go: never two for one name, and in the end one for each object that is there.
test('daemons are never two for one name, and in the end one for each object', async () => {
  const name = fc.constantFrom('x', 'y');
  const step = fc.oneof(
    fc.record({ type: fc.constantFrom('put', 'delete' as const), name }),
    fc.record({ type: fc.constant('term' as const), name }),
    fc.record({ type: fc.constant('pass' as const), name, ms: fc.integer({ min: 1, max: 40_000 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.array(fc.nat(35_000)), async (steps, endings) => {
      let calls = 0;
      const running = new Map<string, string>();
      const { widget, start, lead, clock, server } = await givenDaemon(async ({ metadata }, { signal }) => {
        expect(running.has(metadata.name)).toBe(false);
        running.set(metadata.name, metadata.uid);
        await aborted(signal);
        // Some take longer than their grace period.
        await sleep(clock, endings[calls++] ?? 0);
        running.delete(metadata.name);
      });
      await start();
      let number = 1;
      let { term, done } = await lead(number);
      for (const each of steps) {
        if (each.type === 'put') widget(each.name, 1);
        else if (each.type === 'delete') server.delete(`${WIDGETS}/${each.name}`);
        else if (each.type === 'pass') await clock.advance((each as { ms: number }).ms);
        else {
          term.lose();
          await clock.advance('31s');
          await done;
          ({ term, done } = await lead(++number));
        }
        await settle();
      }
      await clock.advance('5m');
      const there = server.where('widgets').map(({ metadata }) => [metadata.name, metadata.uid] as const);
      expect(running).toEqual(new Map(there));
      term.lose();
      await clock.advance('31s');
      await done;
      await clock.advance('1m');
      expect(running.size).toBe(0);
    }),
    { seed: 7, numRuns: 60 },
  );
}, 60_000);
