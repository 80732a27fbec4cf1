import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BackupFailure } from './failure.js';
import { plan, type Plan } from './plan.js';
import { COUNT_LIMIT, parseSchedule } from './schedule.js';

const at = (text: string): Date => new Date(`2026-11-23T${text}Z`);
const created = at('12:00:03');

describe('a cron schedule', () => {
  test.each([
    ['*/5 * * * *', '2026-11-23T12:05:00.000Z'],
    ['  0 3 * * *  ', '2026-11-24T03:00:00.000Z'],
    ['0 3 * * MON-FRI', '2026-11-24T03:00:00.000Z'],
    ['0 0 29 2 *', '2028-02-29T00:00:00.000Z'],
    ['@hourly', '2026-11-23T13:00:00.000Z'],
    ['@daily', '2026-11-24T00:00:00.000Z'],
    ['@midnight', '2026-11-24T00:00:00.000Z'],
    ['@weekly', '2026-11-29T00:00:00.000Z'],
    ['@monthly', '2026-12-01T00:00:00.000Z'],
    ['@yearly', '2027-01-01T00:00:00.000Z'],
  ])('%s is next due, in UTC, at %s', (text, next) => {
    expect(parseSchedule(text, created).next(created).toISOString()).toBe(next);
  });

  test('does not count the tick at its beginning, and counts the one at its end', () => {
    const schedule = parseSchedule('*/5 * * * *', created);
    expect(schedule.ticks(at('12:05:00'), at('12:15:00'))).toEqual({ count: 2, last: at('12:15:00') });
    expect(schedule.ticks(at('12:05:00'), at('12:09:59.999'))).toEqual({ count: 0, last: undefined });
    expect(schedule.ticks(at('12:15:00'), at('12:05:00'))).toEqual({ count: 0, last: undefined });
  });

  test('after a year of every minute counts to its limit, and still knows the last tick', () => {
    const schedule = parseSchedule('* * * * *', created);
    const year = { from: new Date('2025-11-23T12:00:00Z'), until: at('12:00:30') };
    expect(schedule.ticks(year.from, year.until)).toEqual({ count: COUNT_LIMIT, last: at('12:00:00') });
  });

  test('keeps nothing alive', () => {
    const before = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    parseSchedule('* * * * *', created).next(created);
    expect(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout')).toHaveLength(before);
  });
});

describe('an @every schedule', () => {
  test.each([
    ['@every 10s', 10],
    ['@every 1h30m', 5400],
    ['@every 1d1s', 86_401],
  ])('%s counts from the creation of the Backup', (text, seconds) => {
    const next = parseSchedule(text, created).next(created);
    expect(next.getTime() - created.getTime()).toBe(seconds * 1000);
  });

  test('has its ticks on whole seconds, wherever its anchor lies', () => {
    expect(parseSchedule('@every 10s', at('12:00:03.700')).next(at('12:00:04'))).toEqual(at('12:00:13'));
  });

  test('has no tick before its anchor', () => {
    const schedule = parseSchedule('@every 10s', created);
    expect(schedule.next(at('09:00:00'))).toEqual(at('12:00:13'));
    expect(schedule.ticks(at('09:00:00'), created)).toEqual({ count: 0, last: undefined });
  });

  test('counts the seconds of a year without walking them', () => {
    const until = new Date(created.getTime() + 365 * 86_400_000);
    expect(parseSchedule('@every 1s', created).ticks(created, until)).toEqual({
      count: 31_536_000,
      last: until,
    });
  });

  test('counts what next() would walk', () => {
    const seconds = fc.integer({ min: 0, max: 500 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 90 }), seconds, seconds, (period, from, length) => {
        const schedule = parseSchedule(`@every ${period}s`, created);
        const after = new Date(created.getTime() + from * 1000 - 100_500);
        const until = new Date(after.getTime() + length * 1000);
        const walked: Date[] = [];
        for (let tick = schedule.next(after); tick <= until; tick = schedule.next(tick)) walked.push(tick);
        expect(schedule.ticks(after, until)).toEqual({ count: walked.length, last: walked.at(-1) });
      }),
    );
  });
});

test.each([
  ['banana', 'has 5 fields, this has 1'],
  ['', 'has 5 fields, this has 0'],
  ['constructor', 'has 5 fields, this has 1'],
  ['* * * * * *', 'has 5 fields, this has 6'],
  ['61 * * * *', 'minute: 61'],
  ['*/0 * * * *', 'illegal stepping'],
  ['0 0 30 2 *', 'its day never comes'],
  ['2026-12-01T00:00:00', 'has 5 fields'],
  ['@reboot', 'this nickname is not known'],
  ['@every', '@every takes whole'],
  ['@every 0s', '@every takes whole'],
  ['@every 500ms', '@every takes whole'],
  ['@every 1.5h', '@every takes whole'],
  ['@every 999999d', '@every takes whole'],
])('"%s" is refused with a sentence that says what to write', (text, problem) => {
  const parse = (): unknown => parseSchedule(text, created);
  expect(parse).toThrow(BackupFailure);
  expect(parse).toThrow(expect.objectContaining({ reason: 'ScheduleInvalid', needsEdit: true }));
  expect(parse).toThrow(problem);
  expect(parse).toThrow('Write e.g. "0 3 * * *"');
});

describe('the plan', () => {
  const planAt = (now: Date, more: { lastTick?: Date; suspend?: boolean; every?: string } = {}): Plan =>
    plan({
      schedule: parseSchedule(more.every ?? '@every 10s', created),
      suspend: more.suspend ?? false,
      created,
      lastTick: more.lastTick,
      now,
    });

  test('waits for the first tick of a new Backup', () => {
    expect(planAt(at('12:00:12.999'))).toEqual({ kind: 'wait', until: at('12:00:13') });
  });

  test('runs a tick that has come, and then waits for the next', () => {
    expect(planAt(at('12:00:13'))).toEqual({ kind: 'run', tick: at('12:00:13'), coalesced: 0 });
    const recorded = { lastTick: at('12:00:13') };
    expect(planAt(at('12:00:14'), recorded)).toEqual({ kind: 'wait', until: at('12:00:23') });
  });

  test('catches up missed ticks by one run for the latest of them', () => {
    const missed = planAt(at('12:00:55'), { lastTick: at('12:00:13') });
    expect(missed).toEqual({ kind: 'run', tick: at('12:00:53'), coalesced: 3 });
    expect(planAt(at('12:00:55'), { lastTick: at('12:00:53') }).kind).toBe('wait');
  });

  test('does nothing while suspended, and catches up once afterwards', () => {
    const later = new Date('2027-11-23T12:00:03Z');
    const lastTick = at('12:00:13');
    expect(planAt(later, { suspend: true, lastTick, every: '@every 1s' })).toEqual({ kind: 'suspended' });
    expect(planAt(later, { lastTick, every: '@every 1s' })).toEqual({
      kind: 'run',
      tick: later,
      coalesced: 365 * 86_400 - 10 - 1,
    });
  });

  test('repeats no recorded tick when the clock was set back', () => {
    expect(planAt(at('12:00:20'), { lastTick: at('12:00:53') })).toEqual({
      kind: 'wait',
      until: at('12:01:03'),
    });
    expect(planAt(at('11:00:00'))).toEqual({ kind: 'wait', until: at('12:00:13') });
  });

  test('counts every tick once, whenever it looks', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -30, max: 60 }), { maxLength: 40 }), (steps) => {
        let now = created.getTime();
        let lastTick: Date | undefined;
        let counted = 0;
        let latest = now;
        for (const step of steps) {
          now += step * 1000;
          latest = Math.max(latest, now);
          const next = planAt(new Date(now), lastTick && { lastTick });
          if (next.kind !== 'run') continue;
          counted += 1 + next.coalesced;
          lastTick = next.tick;
        }
        expect(counted).toBe(Math.floor((latest - created.getTime()) / 10_000));
      }),
    );
  });
});
