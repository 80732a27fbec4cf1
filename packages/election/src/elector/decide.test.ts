import { describe, expect, test } from '@jest/globals';
import type { Lease } from '@incumbent/core/client';
import { fingerprintOf } from '../lease/lease-record.js';
import { type Follower, HANDOVER_ANNOTATION, type Leader, type Observation, decide } from './decide.js';
import { created, released, renewed, takenOver } from './spec.js';

const lease = (spec: Lease['spec'], annotations?: Record<string, string>): Lease => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: {
    namespace: 'n',
    name: 'l',
    uid: 'u',
    resourceVersion: '5',
    creationTimestamp: '',
    ...(annotations ? { annotations } : {}),
  },
  ...(spec ? { spec } : {}),
});
const present = (spec: Lease['spec'], since = 0, annotations?: Record<string, string>): Observation => ({
  kind: 'present',
  lease: lease(spec, annotations),
  since,
});
const follower = (over: Partial<Follower> = {}): Follower => ({
  role: 'follower',
  wrote: () => false,
  leaseDuration: 15_000,
  notBefore: Number.NEGATIVE_INFINITY,
  identity: 'pod-a_uid_nonce',
  retryPeriod: 1500,
  ...over,
});
const leader = (over: Partial<Leader> = {}): Leader => ({
  role: 'leader',
  wrote: () => true,
  renewAt: 5000,
  remaining: 10_000,
  ...over,
});
const HELD = { holderIdentity: 'b', leaseDurationSeconds: 15 };

test('a holder that is known to be over is waited for as long as its writes may be late, and no longer than anybody', () => {
  const earlierRun = { is: (holder: string) => holder === 'b', wait: 5000 };
  const at = (now: number, spec = HELD, over: Partial<Follower> = { earlierRun }) =>
    decide(present(spec), follower(over), now).kind;
  expect([at(4999), at(5000)]).toEqual(['wait', 'takeOver']);
  expect(at(5000, HELD, {})).toBe('wait');
  expect(at(5000, { ...HELD, holderIdentity: 'c' })).toBe('wait');
  expect(at(2000, { ...HELD, leaseDurationSeconds: 2 })).toBe('takeOver');
});

describe('a follower', () => {
  test.each<[string, Observation, Partial<Follower>, number, string]>([
    ['knows nothing yet', { kind: 'unknown' }, {}, 1e9, 'wait'],
    ['finds no Lease', { kind: 'absent', last: undefined }, {}, 0, 'create'],
    [
      'saw a live Lease deleted',
      { kind: 'absent', last: { lease: lease(HELD), since: 0 } },
      {},
      14_999,
      'wait',
    ],
    [
      'saw it deleted a lease duration ago',
      { kind: 'absent', last: { lease: lease(HELD), since: 0 } },
      {},
      15_000,
      'create',
    ],
    [
      'saw its own Lease deleted',
      { kind: 'absent', last: { lease: lease(HELD), since: 0 } },
      { wrote: () => true },
      1,
      'create',
    ],
    ['sees a live holder', present(HELD), {}, 14_999, 'wait'],
    ['sees an expired holder', present(HELD), {}, 15_000, 'takeOver'],
    ['sees its own ended term', present(HELD), { wrote: () => true }, 1, 'takeOver'],
    ['is told to hold back', present(HELD), { notBefore: 20_000 }, 15_000, 'wait'],
    ['sees a holder without a duration within its own', present({ holderIdentity: 'b' }), {}, 14_999, 'wait'],
    [
      'sees a holder without a duration past its own',
      present({ holderIdentity: 'b' }),
      {},
      15_000,
      'takeOver',
    ],
    [
      'sees a holder with a duration of zero within its own',
      present({ holderIdentity: 'b', leaseDurationSeconds: 0 }),
      {},
      14_999,
      'wait',
    ],
    ['sees a released lease', present({ holderIdentity: '', leaseDurationSeconds: 1 }), {}, 0, 'takeOver'],
    ['sees an empty spec', present(undefined), {}, 0, 'takeOver'],
    [
      'sees a holder blanked by hand',
      present({ holderIdentity: '', leaseDurationSeconds: 15 }),
      {},
      14_999,
      'wait',
    ],
    [
      'sees a handover to another',
      present({ leaseDurationSeconds: 1 }, 0, { [HANDOVER_ANNOTATION]: 'pod-b' }),
      {},
      1499,
      'wait',
    ],
    [
      'sees a handover to another that did not come',
      present({ leaseDurationSeconds: 1 }, 0, { [HANDOVER_ANNOTATION]: 'pod-b' }),
      {},
      1500,
      'takeOver',
    ],
    [
      'sees a handover to its pod',
      present({ leaseDurationSeconds: 1 }, 0, { [HANDOVER_ANNOTATION]: 'pod-a' }),
      {},
      0,
      'takeOver',
    ],
    [
      'sees a handover to a pod whose name its own begins with',
      present({ leaseDurationSeconds: 1 }, 0, { [HANDOVER_ANNOTATION]: 'pod' }),
      {},
      0,
      'wait',
    ],
  ])('that %s', (_, observation, over, now, expected) => {
    expect(decide(observation, follower(over), now).kind).toBe(expected);
  });

  test('waits exactly until the lease is free', () => {
    expect(decide(present(HELD, 700), follower(), 1000)).toEqual({ kind: 'wait', until: 15_700 });
  });

  test('goes on counting terms where a Lease was deleted', () => {
    const last = { lease: lease({ ...HELD, leaseTransitions: 41 }), since: 0 };
    expect(decide({ kind: 'absent', last }, follower(), 15_000)).toEqual({ kind: 'create', transitions: 42 });
  });
});

describe('a leader', () => {
  test.each<[string, Observation, Partial<Leader>, number, string]>([
    ['has time until the next renewal', present(HELD), {}, 4999, 'wait'],
    ['has come to its next renewal', present(HELD), {}, 5000, 'renew'],
    ['is past its deadline', present(HELD), { remaining: 0 }, 5000, 'stepDown'],
    ['sees another’s record', present(HELD), { wrote: () => false }, 0, 'stepDown'],
    ['sees its Lease gone', { kind: 'absent', last: undefined }, {}, 0, 'stepDown'],
    ['has lost sight of its Lease', { kind: 'unknown' }, {}, 0, 'wait'],
  ])('that %s', (_, observation, over, now, expected) => {
    expect(decide(observation, leader(over), now).kind).toBe(expected);
  });

  test('looks again at its deadline, also when no renewal is due before', () => {
    expect(
      decide(present(HELD), leader({ renewAt: Number.POSITIVE_INFINITY, remaining: 3000 }), 1000),
    ).toEqual({ kind: 'wait', until: 4000 });
  });
});

describe('what is written', () => {
  const claim = { identity: 'a', leaseDuration: 15_000, now: new Date('2026-01-01T00:00:00.5Z') };
  const theirs = {
    ...lease({ ...HELD, leaseTransitions: 3, renewTime: '2026-01-01T00:00:00.000000Z' }),
    metadata: { ...lease({}).metadata, labels: { team: 'x' }, managedFields: [{}] },
  };

  test('an acquisition carries uid and resourceVersion, six digits, and one transition more', () => {
    const next = takenOver(theirs, claim);
    expect(next.metadata).toMatchObject({ uid: 'u', resourceVersion: '5', labels: { team: 'x' } });
    expect(next.metadata.managedFields).toBeUndefined();
    expect(next.spec).toEqual({
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      leaseTransitions: 4,
      acquireTime: '2026-01-01T00:00:00.500000Z',
      renewTime: '2026-01-01T00:00:00.500000Z',
    });
  });

  test('an acquisition by ourselves is a new term too', () => {
    const first = { ...theirs, spec: created({ namespace: 'n', name: 'l' }, 0, claim).spec ?? {} };
    expect(takenOver(first, claim).spec?.leaseTransitions).toBe(1);
  });

  test('a renewal changes renewTime alone, by a second at least', () => {
    const next = renewed(theirs, new Date('2025-06-01T00:00:00Z'));
    expect(next.spec).toEqual({ ...theirs.spec, renewTime: '2026-01-01T00:00:01.000000Z' });
    expect(fingerprintOf(next)).not.toBe(fingerprintOf(theirs));
  });

  test('a release is what client-go writes: no holder, one second, transitions kept', () => {
    expect(released(theirs, claim.now).spec).toEqual({
      holderIdentity: '',
      leaseDurationSeconds: 1,
      leaseTransitions: 3,
      acquireTime: '2026-01-01T00:00:00.500000Z',
      renewTime: '2026-01-01T00:00:00.500000Z',
    });
  });

  test('records are told apart by their specs alone, whatever the order of fields', () => {
    const reordered = {
      ...theirs,
      metadata: { ...theirs.metadata, labels: {} },
      spec: Object.fromEntries(Object.entries(theirs.spec ?? {}).toReversed()),
    };
    expect(fingerprintOf(reordered)).toBe(fingerprintOf(theirs));
    expect(fingerprintOf({ spec: { ...theirs.spec, strategy: 'x' } })).not.toBe(fingerprintOf(theirs));
  });
});
