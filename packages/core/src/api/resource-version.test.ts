import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareResourceVersions, reaches } from './resource-version.js';

describe('compareResourceVersions', () => {
  test('orders versions as numbers, not as text', () => {
    expect(compareResourceVersions('9', '10')).toBeLessThan(0);
    expect(compareResourceVersions('10', '9')).toBeGreaterThan(0);
    expect(compareResourceVersions('7', '7')).toBe(0);
  });

  test('orders versions of any length exactly, also beyond what a double holds', () => {
    const version = fc.bigInt({ min: 1n, max: 2n ** 200n });
    fc.assert(
      fc.property(version, version, (a, b) => {
        const order = compareResourceVersions(String(a), String(b));
        expect(Math.sign(order ?? Number.NaN)).toBe(a < b ? -1 : a > b ? 1 : 0);
      }),
    );
    expect(compareResourceVersions('9007199254740993', '9007199254740992')).toBeGreaterThan(0);
  });

  test.each(['', '0', '007', '-1', '1.5', 'abc', '1e3', ' 1', '١'])(
    'does not compare %j with a number',
    (odd) => {
      expect(compareResourceVersions(odd, '5')).toBeUndefined();
      expect(compareResourceVersions('5', odd)).toBeUndefined();
      expect(compareResourceVersions(odd, odd)).toBe(0);
    },
  );
});

test('a version is reached by itself and by newer ones, never by none and never by one of another kind', () => {
  expect(reaches('10', '9')).toBe(true);
  expect(reaches('9', '9')).toBe(true);
  expect(reaches('8', '9')).toBe(false);
  expect(reaches(undefined, '9')).toBe(false);
  expect(reaches('abc', '9')).toBe(false);
});
