import { describe, expect, test } from '@jest/globals';
import type { Measurement } from './replica.js';
import { type Cycle, growth, problemsOf } from './verdict.js';

function measured(more: Partial<Measurement> = {}): Measurement {
  const figures = { heap: 100, resident: 200, sockets: 5, stopListeners: 3, reconciles: 1, terms: 1 };
  return { kind: 'measured', ...figures, warnings: [], ...more };
}

function cycles(...replicas: readonly Measurement[]): Cycle[] {
  return replicas.map((replica, index) => ({
    seconds: index,
    changes: 1,
    disturbances: ['cut'],
    calm: 1,
    missed: [],
    replicas: [replica],
  }));
}

describe('the verdict on a soak', () => {
  test('is sound when the heap stays within 10 %, whatever it did while warming up', () => {
    const heaps = [10, 500, 100, 104, 101, 103, 99, 108];
    const soak = { cycles: cycles(...heaps.map((heap) => measured({ heap }))), leftovers: [[]] };
    expect(problemsOf(soak)).toEqual([]);
  });

  test('compares the last third after warm-up with the first, by medians', () => {
    expect(growth([10, 10, 100, 100, 110, 110, 120, 120])).toBeCloseTo(0.2);
    expect(growth([100])).toBeNaN();
  });

  test('names growth, missed keys, warnings, listeners and what was left over', () => {
    const [first, ...rest] = cycles(
      ...[1, 2, 3, 4, 5, 6].map((part) => measured({ heap: 100 * part, stopListeners: 20 * part })),
      measured({ heap: 700, warnings: ['MaxListenersExceededWarning: too many'] }),
    );
    const soak = { cycles: [{ ...first, missed: ['a'] } as Cycle, ...rest], leftovers: [['1 Timeout']] };
    expect(problemsOf(soak)).toEqual([
      '1 keys were missed: a',
      'The heap of replica 0 grew by 133 %.',
      'Replica 0 listens to its stop signal 120 times, at first 20 times.',
      'Replica 0 was warned: MaxListenersExceededWarning: too many',
      'Replica 0 has left behind: 1 Timeout.',
    ]);
  });

  test('is not sound when nothing was measured', () => {
    expect(problemsOf({ cycles: [], leftovers: [] })).toEqual(['Nothing was measured.']);
  });
});
