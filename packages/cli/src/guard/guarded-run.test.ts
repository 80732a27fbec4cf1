import { describe, expect, test } from '@jest/globals';
import type { Term } from '@incumbent/core/client';
import { VirtualClock, settle } from '@incumbent/core/testing';
import type { Moment, Order } from '../guardian/protocol.js';
import type { ChannelListener, Guardians } from './channel.js';
import { exitStatusOf } from './exit-status.js';
import { type Ending, GuardedRun } from './guarded-run.js';
import { marginsOf } from './margins.js';

/** A run under a term of 1400 ms, with a guardian that only notes its orders. */
function given({ grace = 1000 } = {}) {
  const clock = new VirtualClock();
  const abort = new AbortController();
  const state = { until: 1400, lost: false, destroyed: false, killed: [] as number[], alive: false };
  const term: Term = {
    number: 1,
    token: '9',
    signal: abort.signal,
    remaining: () => (state.lost ? 0 : state.until - clock.monotonic()),
    assertHeld: () => {},
    mayStillCommit: () => () => {},
  };
  const orders: Order[] = [];
  let guardian: ChannelListener | undefined;
  const guardians: Guardians = {
    start: (listener) => {
      guardian = listener;
      return {
        send: (order) => void orders.push(order),
        destroy: () => {
          state.destroyed = true;
          listener.closed('it ended with SIGKILL');
        },
      };
    },
    signalSession: (leader) => void state.killed.push(leader),
    isSessionAlive: () => state.alive,
  };
  const moment = (): Moment => ({ monotonic: clock.monotonic() + 5000, uptime: clock.uptime() + 9000 });
  const margins = marginsOf({ renewDeadline: 1400, renewInterval: 700 });
  const command = { command: 'work', args: [], environment: {} };
  const run = new GuardedRun(term, command, { guardians, clock, moment, margins, grace });
  let ending: Ending | undefined;
  void run.ended.then((ended) => {
    ending = ended;
  });
  const kinds = (): string[] => orders.map(({ kind }) => kind);
  return {
    clock,
    abort,
    state,
    orders,
    kinds,
    run,
    guardian: guardian as ChannelListener,
    ending: () => ending,
  };
}

describe('a guarded run', () => {
  test('starts with the end of the term as its deadline, on the clocks that the guardian reads', () => {
    expect(given().orders).toEqual([
      expect.objectContaining({ kind: 'start', deadline: { monotonic: 6400, uptime: 10_400 } }),
    ]);
  });

  test('tells of each renewal once', async () => {
    const { clock, state, orders } = given();
    await clock.advance(700);
    expect(orders).toHaveLength(1);
    state.until = 2100;
    await clock.advance(600);
    expect(orders.slice(1)).toEqual([{ kind: 'extend', deadline: { monotonic: 7100, uptime: 11_100 } }]);
  });

  test('says nothing more of a term that is lost, but to stop', async () => {
    const { clock, abort, state, kinds } = given();
    state.lost = true;
    abort.abort();
    await clock.advance(300);
    expect(kinds()).toEqual(['start', 'stop']);
  });

  test('a term that has ended before it begins is stopped at once', () => {
    const { clock, abort, run, state } = given();
    abort.abort();
    expect([clock.pending > 0, run, state.destroyed]).toEqual([true, run, false]);
  });

  test('does without a guardian that does not end the command in its grace', async () => {
    const { clock, abort, state, guardian, ending } = given({ grace: 300 });
    guardian.report({ kind: 'started', pid: 7 });
    state.until = 60_000;
    abort.abort();
    await clock.advance(1299);
    expect([state.destroyed, ending()]).toEqual([false, undefined]);
    state.alive = true;
    await clock.advance(1);
    expect([state.destroyed, state.killed, ending()]).toEqual([true, [7], undefined]);
    state.alive = false;
    await clock.advance(20);
    expect(ending()).toMatchObject({ kind: 'ended', signal: 'SIGKILL', by: 'order' });
    expect(clock.pending).toBe(0);
  });

  test('and of one whose term is lost it is rid by the end of the term', async () => {
    const { clock, abort, state, guardian } = given({ grace: 60_000 });
    guardian.report({ kind: 'started', pid: 7 });
    await clock.advance(1000);
    state.lost = true;
    abort.abort();
    await clock.advance(399);
    expect(state.killed).toEqual([]);
    await clock.advance(1);
    expect(state.killed).toEqual([7]);
  });

  test('a guardian that did not start is a failure, whatever it says later', async () => {
    const { guardian, ending, clock } = given();
    guardian.closed('out of memory');
    await settle();
    guardian.report({ kind: 'ended', code: 0, signal: null, by: 'itself', at: 0 });
    expect(ending()).toMatchObject({
      kind: 'failed',
      code: 'GUARDIAN',
      message: expect.stringContaining('out of memory'),
    });
    expect(clock.pending).toBe(0);
  });

  test('a guardian that ends after its report has said all', async () => {
    const { guardian, ending, state } = given();
    guardian.report({ kind: 'started', pid: 7 });
    guardian.report({ kind: 'ended', code: 3, signal: null, by: 'itself', at: 12 });
    guardian.closed('it ended with 0');
    await settle();
    expect([ending(), state.killed]).toEqual([
      { kind: 'ended', code: 3, signal: null, by: 'itself', at: 12 },
      [],
    ]);
  });
});

test('margins leave the last attempt at a renewal its time, and are never long', () => {
  expect(marginsOf({ renewDeadline: 3000, renewInterval: 1500 })).toEqual({ terminate: 500, kill: 250 });
  expect(marginsOf({ renewDeadline: 45_000, renewInterval: 20_000 })).toEqual({
    terminate: 5000,
    kill: 2500,
  });
});

test.each([
  [{ kind: 'ended', code: 3, signal: null, by: 'itself', at: 0 }, 3],
  [{ kind: 'ended', code: null, signal: 'SIGKILL', by: 'deadline', at: 0 }, 137],
  [{ kind: 'ended', code: null, signal: 'SIGTERM', by: 'order', at: 0 }, 143],
  [{ kind: 'failed', code: 'ENOENT', message: '', at: 0 }, 127],
  [{ kind: 'failed', code: 'EACCES', message: '', at: 0 }, 126],
  [{ kind: 'failed', code: 'EAGAIN', message: '', at: 0 }, 125],
] as const)('%j is exit status %d', (ending, status) => {
  expect(exitStatusOf(ending)).toBe(status);
});
