import { describe, expect, test } from '@jest/globals';
import type { ReadonlyBackup } from '../backup.js';
import { parseFlags } from './flags.js';
import { Handovers } from './handovers.js';
import { Ledger, total } from './ledger.js';

describe('handovers', () => {
  const given = () => {
    const handovers = new Handovers();
    handovers.observe({ at: 100, holder: 'pod-a_uid_1', term: 0 });
    return handovers;
  };

  test('the first leader is no handover, and neither is a renewal', () => {
    const handovers = given();
    handovers.observe({ at: 1600, holder: 'pod-a_uid_1', term: 0 });
    expect(handovers.all).toEqual([]);
    expect(handovers.reign).toEqual({ pod: 'pod-a', since: 100, term: 0 });
  });

  test('a crash counts from the blow to the successor’s acquiring write', () => {
    const handovers = given();
    handovers.struck('pod-a', 2000);
    expect(handovers.observe({ at: 6900, holder: 'pod-b_uid_1', term: 1 })).toEqual({
      kind: 'crash',
      ms: 4900,
      from: 'pod-a',
      to: 'pod-b',
      term: 1,
    });
  });

  test('a graceful handover counts from the release, and its drain apart', () => {
    const handovers = given();
    handovers.stopping('pod-a', 2000);
    handovers.observe({ at: 2030, holder: '', term: 0 });
    expect(handovers.observe({ at: 2042, holder: 'pod-b_uid_1', term: 1 })).toEqual({
      kind: 'graceful',
      ms: 12,
      drainMs: 30,
      from: 'pod-a',
      to: 'pod-b',
      term: 1,
    });
  });
});

describe('the ledger', () => {
  const backup = (status: ReadonlyBackup['status']): ReadonlyBackup => ({
    apiVersion: 'backup.incumbent.dev/v1',
    kind: 'Backup',
    metadata: {
      name: 'orders',
      namespace: 'n',
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: {
      schedule: '@every 10s',
      source: { sqlite: { path: '/d' } },
      destination: { directory: '/b' },
      keep: 7,
      suspend: false,
      deletionPolicy: 'Retain',
    },
    ...(status ? { status } : {}),
  });
  const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds));
  const iso = (seconds: number) => at(seconds).toISOString().replace('.000', '');

  test('a due tick that no record covers is missed; one that a later run stood for is not', () => {
    const ledger = new Ledger();
    ledger.observe(backup({ lastTick: iso(10), succeeded: 1 }));
    expect(ledger.counts(at(35))).toMatchObject({ succeeded: 1, missed: 2 });
    ledger.observe(backup({ lastTick: iso(30), succeeded: 2, coalesced: 1 }));
    expect(ledger.counts(at(35))).toEqual({
      succeeded: 2,
      coalesced: 1,
      missed: 0,
      failed: 0,
      duplicated: 0,
    });
  });

  test('a tick that is recorded twice is a duplicate', () => {
    const ledger = new Ledger();
    ledger.observe(backup({ lastTick: iso(10), succeeded: 1 }));
    ledger.observe(backup({ lastTick: iso(10), succeeded: 2 }));
    expect(ledger.counts(at(10)).duplicated).toBe(1);
  });

  test('a failure counts once for as long as its reason stays', () => {
    const ledger = new Ledger();
    const failure = (reason: string) =>
      backup({
        conditions: [{ type: 'Ready', status: 'False', reason, message: '', lastTransitionTime: iso(0) }],
      });
    for (const reason of ['SourceMissing', 'SourceMissing', 'DestinationFull'])
      ledger.observe(failure(reason));
    expect(total([ledger.counts(at(0)), ledger.counts(at(0))]).failed).toBe(4);
  });
});

describe('the command line', () => {
  test('puts the script in the order of time', () => {
    const { script, duration } = parseFlags([
      '--json',
      '--duration',
      '40s',
      '--stop-leader-at',
      '26s',
      '--kill-leader-at',
      '12s',
    ]);
    expect(script).toEqual([
      { action: 'kill', at: 12_000 },
      { action: 'stop', at: 26_000 },
    ]);
    expect(duration).toBe(40_000);
  });

  test.each([
    [['--duration', 'soon'], /--duration takes a time such as 12s/],
    [['--replicas', '0'], /--replicas takes a number/],
    [['--preset', 'quick'], /--preset takes fast, balanced, slow/],
    [['--unknown'], /--unknown/],
  ])('%p is refused with a sentence', (argv, message) => {
    expect(() => parseFlags(argv)).toThrow(message);
  });
});
