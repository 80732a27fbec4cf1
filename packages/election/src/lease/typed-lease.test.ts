import { describe, expect, test } from '@jest/globals';
import type { Lease } from '@incumbent/core/client';
import { MicroTime, microTime } from './micro-time.js';
import { isExpired, typedLease, wireLease } from './typed-lease.js';

describe('a MicroTime', () => {
  test('is written as it was read, to the last of six digits, also before 1970', () => {
    for (const text of [
      '2026-01-02T03:04:05.678901Z',
      '2026-01-02T03:04:05.000001Z',
      '2026-01-02T03:04:05.999999Z',
      '1969-12-31T23:59:59.999999Z',
      '0001-01-01T00:00:00.000000Z',
    ])
      expect(MicroTime.parse(text).toString()).toBe(text);
  });

  test('always has six digits, and is in UTC, whatever was read', () => {
    expect(MicroTime.parse('2026-01-02T03:04:05Z').toString()).toBe('2026-01-02T03:04:05.000000Z');
    expect(MicroTime.parse('2026-01-02T03:04:05.6+01:00').toString()).toBe('2026-01-02T02:04:05.600000Z');
    expect(MicroTime.parse('2026-01-02T03:04:05.123456789Z').toString()).toBe('2026-01-02T03:04:05.123456Z');
    const now = new Date('2026-01-02T03:04:05.678Z');
    expect(MicroTime.from(now).toString()).toBe(microTime(now));
  });

  test('refuses what is no time', () => {
    for (const text of ['', 'yesterday', '2026-01-02', '2026-13-02T03:04:05Z', '2026-01-02T03:04:05'])
      expect(() => MicroTime.parse(text)).toThrow(expect.objectContaining({ code: 'MICRO_TIME_INVALID' }));
  });

  test('tells the time between two, and whether they are the same', () => {
    const early = MicroTime.parse('2026-01-01T00:00:00.000001Z');
    const late = MicroTime.parse('2026-01-01T00:00:01.500002Z');
    expect(late.since(early)).toBe(1500.001);
    expect(early.since(late)).toBe(-1500.001);
    expect(early.equals(MicroTime.parse(early.toString()))).toBe(true);
    expect(early.equals(late)).toBe(false);
    expect(late.toDate()).toEqual(new Date('2026-01-01T00:00:01.500Z'));
  });
});

describe('a typed lease', () => {
  const wire = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'a', namespace: 'b', labels: { team: 'x' }, unknown: 1 },
    spec: {
      holderIdentity: 'h',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.000001Z',
      renewTime: '2026-01-01T00:00:10.123456Z',
      leaseTransitions: 3,
      strategy: 'OldestEmulationVersion',
      preferredHolder: 'p',
      fromTheFuture: { deep: true },
    },
  } as unknown as Lease;

  test('goes to the wire as it came, fields that nobody here knows included', () => {
    expect(wireLease(typedLease(wire))).toEqual(wire);
    expect(JSON.parse(JSON.stringify(typedLease(wire)))).toEqual(wire);
    expect(wireLease(typedLease({ ...wire, spec: {} }))).toEqual({ ...wire, spec: {} });
  });

  test('has its times as values', () => {
    expect(typedLease(wire).spec?.renewTime?.epochMicroseconds).toBe(1767225610123456n);
  });

  test('seems expired once its duration has passed since it was renewed, and when nobody holds it', () => {
    const at = (seconds: number): Date => new Date(Date.parse('2026-01-01T00:00:10.123Z') + seconds * 1000);
    for (const lease of [wire, typedLease(wire)]) {
      expect(isExpired(lease, at(0))).toBe(false);
      expect(isExpired(lease, at(15))).toBe(false);
      expect(isExpired(lease, at(15.001))).toBe(true);
      expect(isExpired({ spec: { ...lease.spec, holderIdentity: '' } } as Lease, at(0))).toBe(true);
    }
    expect(isExpired({}, at(0))).toBe(true);
  });
});
