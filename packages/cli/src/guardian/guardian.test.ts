import { describe, expect, test } from '@jest/globals';
import { VirtualClock, settle } from '@incumbent/core/testing';
import { type ChildListener, Guardian, type Host } from './guardian.js';
import type { Moment, Report, StartOrder } from './protocol.js';
import { Watchdog } from './watchdog.js';

const MARGINS = { terminate: 400, kill: 200 };
const at = (ms: number): Moment => ({ monotonic: ms, uptime: ms });
const START: StartOrder = {
  kind: 'start',
  command: 'work',
  args: [],
  environment: {},
  deadline: at(1400),
  margins: MARGINS,
  grace: 5000,
};

/** A guardian on a virtual clock, and a command that ends when it is told to. */
function given() {
  const clock = new VirtualClock();
  const reports: Report[] = [];
  /** Signals, each with the time it was sent. */
  const signals: string[] = [];
  let child: ChildListener | undefined;
  const state = { alive: true, spawned: 0 };
  const host: Host = {
    now: () => ({ monotonic: clock.monotonic(), uptime: clock.uptime() }),
    wall: () => clock.monotonic(),
    schedule: (delay, task) => void clock.schedule(delay, task),
    spawn: (_, listener) => {
      state.spawned += 1;
      child = listener;
      listener.started(7);
    },
    signalSession: (leader, signal) => void signals.push(`${signal} ${leader} at ${clock.monotonic()}`),
    isSessionAlive: () => state.alive,
    report: (report) => void reports.push(report),
  };
  const guardian = new Guardian(host);
  /** Its first process ends. */
  const exits = (code: number | null, signal: string | null = null): void => child?.ended(code, signal);
  return {
    clock,
    guardian,
    reports,
    signals,
    state,
    exits,
    fails: (code: string) => child?.failed(code, ''),
  };
}

describe('a guardian', () => {
  test('asks the command to end before the deadline, and kills it before the deadline', async () => {
    const { clock, guardian, signals } = given();
    guardian.obey(START);
    await clock.advance(1199);
    expect(signals).toEqual(['SIGTERM 7 at 1000']);
    await clock.advance(1);
    expect(signals).toEqual(['SIGTERM 7 at 1000', 'SIGKILL 7 at 1200']);
  });

  test('leaves it alone for as long as the deadline is moved on', async () => {
    const { clock, guardian, signals } = given();
    guardian.obey(START);
    for (let now = 700; now <= 7000; now += 700) {
      await clock.advance(700);
      guardian.obey({ kind: 'extend', deadline: at(now + 1400) });
    }
    expect(signals).toEqual([]);
  });

  test('does not take back what the deadline began: a renewal that comes now is too late', async () => {
    const { clock, guardian, signals } = given();
    guardian.obey(START);
    await clock.advance(1010);
    guardian.obey({ kind: 'extend', deadline: at(60_000) });
    await clock.advance(300);
    expect(signals).toEqual(['SIGTERM 7 at 1000', 'SIGKILL 7 at 1200']);
  });

  test('never takes a deadline that is earlier', async () => {
    const { clock, guardian, signals } = given();
    guardian.obey(START);
    guardian.obey({ kind: 'extend', deadline: at(0) });
    await clock.advance(900);
    expect(signals).toEqual([]);
  });

  test('starts nothing under an order that has waited for too long', async () => {
    const { clock, guardian, state, reports } = given();
    await clock.advance(1001);
    guardian.obey(START);
    expect([state.spawned, reports]).toEqual([
      0,
      [{ kind: 'ended', code: null, signal: 'SIGKILL', by: 'deadline', at: 1001 }],
    ]);
  });

  test('ends it soon after the machine wakes from a sleep that was longer than the deadline', async () => {
    const { clock, guardian, signals } = given();
    guardian.obey({ ...START, deadline: at(100_000) });
    await clock.advance(1000);
    clock.suspend('1h');
    await clock.advance(250);
    expect(signals).toHaveLength(1);
    expect(signals[0]).toMatch(/^SIGKILL/);
  });

  test('that is left alone gives the command its grace, but not beyond the deadline', async () => {
    const patient = given();
    patient.guardian.obey({ ...START, deadline: at(60_000), grace: 500 });
    patient.guardian.orphaned();
    await patient.clock.advance(500);
    expect(patient.signals).toEqual(['SIGTERM 7 at 0', 'SIGKILL 7 at 500']);

    const pressed = given();
    pressed.guardian.obey(START);
    pressed.guardian.orphaned();
    await pressed.clock.advance(1200);
    expect(pressed.signals).toEqual(['SIGTERM 7 at 0', 'SIGKILL 7 at 1200']);
  });

  test('renewals while the command is ending give it time up to its grace', async () => {
    const { clock, guardian, signals } = given();
    guardian.obey(START);
    guardian.obey({ kind: 'stop', grace: 3000 });
    for (let now = 700; now <= 2800; now += 700) {
      await clock.advance(700);
      guardian.obey({ kind: 'extend', deadline: at(now + 1400) });
    }
    await clock.advance(200);
    expect(signals).toEqual(['SIGTERM 7 at 0', 'SIGKILL 7 at 3000']);
  });

  test('kills at once when it is told to', async () => {
    const { guardian, signals } = given();
    guardian.obey(START);
    guardian.obey({ kind: 'stop', grace: 5000 });
    guardian.obey({ kind: 'kill' });
    expect(signals).toEqual(['SIGTERM 7 at 0', 'SIGKILL 7 at 0']);
  });

  test('reports an end that nobody asked for, and kills what is left over first', async () => {
    const { clock, guardian, reports, signals, state, exits } = given();
    guardian.obey(START);
    await clock.advance(300);
    exits(3);
    expect(signals).toEqual(['SIGKILL 7 at 300']);
    expect(reports).toHaveLength(1);
    state.alive = false;
    await clock.advance(20);
    expect(reports.at(-1)).toEqual({ kind: 'ended', code: 3, signal: null, by: 'itself', at: 320 });
    expect(guardian.isIdle).toBe(true);
    await clock.advance(5000);
    expect([signals.length, reports.length, clock.pending]).toEqual([1, 2, 0]);
  });

  test('lets those whose first process has ended on request use the rest of the grace', async () => {
    const { clock, guardian, reports, signals, exits } = given();
    guardian.obey({ ...START, deadline: at(60_000) });
    guardian.obey({ kind: 'stop', grace: 500 });
    exits(null, 'SIGTERM');
    await clock.advance(499);
    expect([signals.length, reports.length]).toEqual([1, 1]);
    await clock.advance(30);
    expect(signals.at(1)).toMatch(/^SIGKILL/);
    // What does not go away even so is waiting for a device.
    await clock.advance(1100);
    expect(reports.at(-1)).toMatchObject({ kind: 'ended', signal: 'SIGTERM', by: 'order' });
    expect(clock.pending).toBe(0);
  });

  test('tells what could not be started', async () => {
    const { guardian, reports, fails } = given();
    guardian.obey(START);
    fails('ENOENT');
    await settle();
    expect(reports.at(-1)).toEqual({ kind: 'failed', code: 'ENOENT', message: '' });
  });
});

describe('a watchdog', () => {
  test('asks once, and tells to kill again and again', () => {
    const watchdog = new Watchdog(at(1000), MARGINS);
    const actions = [0, 599, 600, 700, 800, 900].map((ms) => watchdog.due(at(ms)).action);
    expect(actions).toEqual(['none', 'none', 'terminate', 'none', 'kill', 'kill']);
  });

  test('of whom a look comes too late to ask kills', () => {
    expect(new Watchdog(at(1000), MARGINS).due(at(900)).action).toBe('kill');
  });

  test('of several graces the one that ends first counts', () => {
    const watchdog = new Watchdog(at(100_000), MARGINS);
    watchdog.stop(at(0), 1000);
    watchdog.stop(at(500), 10_000);
    expect(watchdog.due(at(999)).action).toBe('terminate');
    expect(watchdog.due(at(1000)).action).toBe('kill');
  });
});
