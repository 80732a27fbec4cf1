import { describe, expect, test } from '@jest/globals';
import { LinkedAbort, aborted } from './abort.js';
import { BackOff } from './back-off.js';
import { elapsedSince, instant, systemClock } from './clock.js';
import { type Duration, formatDuration, milliseconds } from './duration.js';
import { IncumbentError, asError, isIncumbentError, messageOf } from './error.js';
import { seededRandom } from './seeded-random.js';
import { sleep } from './sleep.js';
import { VirtualClock } from './virtual-clock.js';

describe('a duration', () => {
  test.each<[Duration, number]>([
    [250, 250],
    ['500ms', 500],
    ['1.5s', 1500],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['0s', 0],
  ])('%p is %p ms', (duration, ms) => expect(milliseconds(duration)).toBe(ms));

  test.each([
    '',
    '15',
    's',
    '-1s',
    '1 s',
    '1e3ms',
    '1w',
    Number.NaN,
    -1,
    Number.POSITIVE_INFINITY,
  ] as Duration[])('%p is none, and the error says what to write', (duration) => {
    expect(() => milliseconds(duration)).toThrow(
      /is not a duration: write milliseconds as a number, or e\.g\. "500ms"/,
    );
  });

  test.each([
    [0, '0ms'],
    [350, '350ms'],
    [9800, '9.8s'],
    [240_000, '4m'],
    [5_400_000, '1.5h'],
  ])('%p reads as %p', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('a back-off', () => {
  const options = { start: 100, cap: 1000 };

  test('grows by its factor up to its cap, and resets', () => {
    const steps = [new BackOff(options, seededRandom(1))];
    for (let turn = 0; turn < 5; turn += 1) steps.push((steps.at(-1) as BackOff).next());
    const step = steps.at(-1) as BackOff;
    expect(steps.map(({ duration }) => duration)).toEqual([100, 200, 400, 800, 1000, 1000]);
    expect(step.reset().duration).toBe(100);
  });

  test('adds at most its share of jitter, and never takes away', () => {
    const random = seededRandom(7);
    const delays = Array.from(
      { length: 200 },
      () => new BackOff({ ...options, jitter: 0.5 }, random).duration,
    );
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(100);
    expect(Math.max(...delays)).toBeLessThanOrEqual(150);
    expect(new Set(delays).size).toBeGreaterThan(100);
  });
});

describe('the system clock', () => {
  test('fires a timer once, never early, and not after it was cancelled', async () => {
    const start = systemClock.monotonic();
    const fired: number[] = [];
    systemClock.schedule(5, () => fired.push(systemClock.monotonic() - start));
    const cancel = systemClock.schedule(5, () => fired.push(-1));
    cancel();
    await new Promise<void>((resolve) => systemClock.schedule(20, resolve));
    expect(fired).toHaveLength(1);
    expect(fired[0]).toBeGreaterThanOrEqual(5);
  });
});

describe('the virtual clock', () => {
  test('fires timers at their time and in order, those that timers set included', async () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    clock.schedule(20, () => fired.push(`b at ${clock.monotonic()}`));
    clock.schedule(10, () => {
      fired.push(`a at ${clock.monotonic()}`);
      clock.schedule(5, () => fired.push(`c at ${clock.monotonic()}`));
    });
    await clock.advance(30);
    expect(fired).toEqual(['a at 10', 'c at 15', 'b at 20']);
    expect(clock.pending).toBe(0);
  });

  test('counts time in suspension for who holds a right, and for nobody else', () => {
    const clock = new VirtualClock();
    const from = instant(clock);
    clock.suspend('10s');
    expect(clock.monotonic()).toBe(0);
    expect(elapsedSince(clock, from)).toBe(10_000);
  });
});

describe('a sleep', () => {
  test('ends early when its signal aborts, and leaves no timer', async () => {
    const clock = new VirtualClock();
    const abort = new AbortController();
    const sleeping = sleep(clock, 1000, abort.signal);
    abort.abort();
    await sleeping;
    expect(clock.pending).toBe(0);
  });
});

describe('a linked abort', () => {
  test('aborts with any of its parents, with their reason', async () => {
    const [first, second] = [new AbortController(), new AbortController()];
    using linked = new LinkedAbort(first.signal, undefined, second.signal);
    const reason = new Error('why');
    second.abort(reason);
    await aborted(linked.signal);
    expect(linked.signal.reason).toBe(reason);
  });

  test('that is disposed no longer listens', () => {
    const parent = new AbortController();
    const linked = new LinkedAbort(parent.signal);
    linked[Symbol.dispose]();
    parent.abort();
    expect(linked.signal.aborted).toBe(false);
  });
});

describe('an error', () => {
  test('is recognised by its brand and code, across copies of the library', () => {
    const copy = Object.assign(new Error('x'), {
      [Symbol.for('incumbent.dev/error')]: true,
      code: 'TERMINAL',
    });
    expect(isIncumbentError(copy, 'TERMINAL')).toBe(true);
    expect(isIncumbentError(copy, 'RETRY')).toBe(false);
    expect(isIncumbentError(new IncumbentError('RETRY', 'y'))).toBe(true);
    expect(isIncumbentError('TERMINAL')).toBe(false);
  });

  test('can be anything that was thrown', () => {
    expect(messageOf('text')).toBe('text');
    expect(asError(42)).toMatchObject({ message: '42', cause: 42 });
  });
});
