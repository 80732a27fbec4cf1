import { expect, test } from '@jest/globals';
import { instant } from '@incumbent/core/client';
import { VirtualClock } from '@incumbent/core/testing';
import { RemoteTerm } from './remote-term.js';
import { SharedTerm } from './shared-term.js';

function given() {
  const clock = new VirtualClock();
  const shared = SharedTerm.allocate();
  const extend = () => shared.extend(instant(clock), 10_000);
  extend();
  const won = { kind: 'won', number: 7, token: '100', memory: shared.memory } as const;
  const term = new RemoteTerm({ won, name: 'operators/x', clock, transit: 5000, send: () => {} });
  return { clock, shared, term, extend };
}

test('a term is renewed by what the other thread writes into memory, and by nothing else', async () => {
  const { clock, term, extend } = given();
  await clock.advance('6s');
  expect(term.remaining()).toBe(4000);
  extend();
  expect(term.remaining()).toBe(10_000);
  await clock.advance('10s');
  expect(term.signal.aborted).toBe(true);
  expect(() => term.assertHeld()).toThrow(
    'Term 7 of Lease operators/x is over: it could not be renewed in time.',
  );
});

test('a term that was once seen to be over is not revived by a renewal that is counted a moment later', () => {
  const { clock, term, extend } = given();
  clock.stall('10s');
  expect(term.remaining()).toBe(0);
  extend();
  expect(term.remaining()).toBe(0);
});

test('time in suspension counts, although the monotonic clock stood still', () => {
  const { clock, term } = given();
  clock.suspend('9s');
  expect(term.remaining()).toBe(1000);
  clock.suspend('1s');
  expect(() => term.assertHeld()).toThrow('could not be renewed in time');
});

test('a clock of boot time that lags by its coarseness prolongs nothing', () => {
  const { clock, term } = given();
  clock.stall('9s');
  clock.suspend(0);
  Object.defineProperty(clock, 'uptime', { value: () => 8990 });
  expect(term.remaining()).toBe(1000);
});

test('being asked to end takes no right away, an end that memory tells of does', () => {
  const { shared, term } = given();
  term.endWork();
  expect(term.signal.aborted).toBe(true);
  expect(() => term.assertHeld()).not.toThrow();
  shared.finish('usurped');
  expect(() => term.assertHeld()).toThrow('somebody else wrote its Lease');
  expect(term.remaining()).toBe(0);
});

test('a moment in shared memory is never later than the one that was put there', () => {
  const { shared } = given();
  const clock = new VirtualClock();
  shared.extend({ monotonic: 0.000_999, uptime: 5 }, 1);
  expect(shared.leaseRemaining(clock)).toBe(1);
});
