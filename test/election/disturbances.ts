/** What is done to an election, one kind each: strikes, waits until somebody leads again, and tells how long that took. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Fault,
  delayRequests,
  halfOpen,
  latency,
  loseResponses,
  serverError,
  tooManyRequests,
} from '@incumbent/testing';
import type { Election, Leader, Slot } from './election.js';
import { monotonic } from './replica-process.js';
import type { Timings } from './replica.js';

export interface Outcome {
  /** Milliseconds without a leader, as the kind counts them. */
  readonly ms: number;
  readonly bound: number;
  /** What became of the writes that were called before a block, by code. */
  readonly queued?: Readonly<Record<string, number>>;
}

export interface Disturbance {
  /** What the milliseconds are counted from, and to. */
  readonly counts: string;
  /** At which level the proxies of its election must work. @defaultValue it needs none */
  readonly through?: 'http' | 'tcp';
  readonly strike: (election: Election, leader: Leader) => Promise<Outcome>;
}

/** For a machine that does other things too. */
const SLACK = 1000;
/** More than the pool has connections. */
const QUEUED = 60;
const BLOCK_BEYOND_LEASE = 5000;

const toSuccessor = 'to the successor';

async function kill(election: Election, leader: Leader): Promise<Outcome> {
  const { slot } = leader;
  const from = monotonic();
  slot.replica.signal('SIGKILL');
  const { from: to } = await election.successor(leader);
  await election.replace(slot);
  return { ms: to - from, bound: crashBound(election.timings) };
}

async function stop(election: Election, leader: Leader): Promise<Outcome> {
  const { slot } = leader;
  const from = monotonic();
  slot.replica.signal('SIGTERM');
  const { from: to } = await election.successor(leader);
  await election.replace(slot);
  return { ms: to - from, bound: SLACK };
}

/** Frozen for two lease durations, and then let go: into the middle of what it did. */
async function freeze(election: Election, leader: Leader): Promise<Outcome> {
  const { replica } = leader.slot;
  const from = monotonic();
  replica.signal('SIGSTOP');
  const [{ from: to }] = await Promise.all([
    election.successor(leader),
    sleep(2 * election.timings.leaseDuration),
  ]);
  const stopped = election.report('stopped', replica);
  replica.signal('SIGCONT');
  await stopped;
  return { ms: to - from, bound: crashBound(election.timings) };
}

async function block(election: Election, leader: Leader, queued: number): Promise<Outcome> {
  const { replica } = leader.slot;
  const unblocked = election.report('unblocked', replica);
  const stopped = election.report('stopped', replica);
  const from = monotonic();
  replica.send({ kind: 'block', ms: election.timings.leaseDuration + BLOCK_BEYOND_LEASE, queued });
  const { from: to } = await election.successor(leader);
  const [outcome] = await Promise.all([unblocked, stopped]);
  return { ms: to - from, bound: crashBound(election.timings), queued: outcome.queued };
}

interface FaultPlan {
  readonly of: 'the leader' | 'all';
  readonly faults: () => readonly Fault[];
  /** How long, in milliseconds. */
  readonly lasts: (timings: Timings) => number;
  /** The leader can't renew: somebody else must lead while the fault lasts. */
  readonly unseats?: boolean;
  /** Open connections are cut when it begins. */
  readonly cuts?: boolean;
  /** `'tcp'`: TLS with the server goes through the proxy. @defaultValue `'http'` */
  readonly through?: 'tcp';
}

const WRITES = { method: ['PUT', 'PATCH'] } as const;
const RENEWALS = { method: 'PUT', path: '/apis/coordination.k8s.io/' } as const;
const WORK = { method: 'PATCH', path: '/api/v1/' } as const;

/** Within what may be late by the protocol: less than lease duration minus renew deadline. */
const LATE = 700;

const FAULTS: Readonly<Record<string, FaultPlan>> = {
  'latency for all': {
    of: 'all',
    faults: () => [latency(80)],
    lasts: ({ leaseDuration }) => leaseDuration,
  },
  'half-open connections of the leader': {
    of: 'the leader',
    faults: () => [halfOpen()],
    cuts: true,
    unseats: true,
    lasts: ({ leaseDuration }) => leaseDuration + 1500,
  },
  'half-open connections of all, handshakes too': {
    of: 'all',
    faults: () => [halfOpen()],
    cuts: true,
    through: 'tcp',
    lasts: ({ leaseDuration }) => leaseDuration,
  },
  'lost answers to writes, as silence': {
    of: 'all',
    faults: () => [loseResponses({ matching: WRITES, seenAs: 'silence' })],
    lasts: ({ leaseDuration }) => leaseDuration,
  },
  'lost answers to writes, as resets': {
    of: 'all',
    faults: () => [loseResponses({ matching: WRITES, seenAs: 'reset' })],
    lasts: ({ leaseDuration }) => leaseDuration,
  },
  '500 to the leader': {
    of: 'the leader',
    faults: () => [serverError()],
    unseats: true,
    lasts: ({ leaseDuration }) => leaseDuration + 1500,
  },
  '500 to all': { of: 'all', faults: () => [serverError()], lasts: ({ leaseDuration }) => leaseDuration },
  '429 to all, to be retried too late': {
    of: 'all',
    faults: () => [tooManyRequests({ retryAfter: 5 })],
    lasts: ({ leaseDuration }) => leaseDuration,
  },
  'no renewals, and late writes of the leader': {
    of: 'the leader',
    faults: () => [serverError({ matching: RENEWALS }), delayRequests({ matching: WORK, by: LATE })],
    unseats: true,
    lasts: ({ leaseDuration }) => leaseDuration + 1500,
  },
};

function faulty({ of, faults, lasts, unseats, cuts }: FaultPlan): Disturbance['strike'] {
  return async (election, leader) => {
    const struck = of === 'all' ? election.slots : [leader.slot];
    const from = monotonic();
    const lifts = struck.flatMap(({ proxy }) => faults().map((fault) => proxy?.use(fault)));
    if (cuts) struck.forEach(({ proxy }: Slot) => proxy?.cut());
    const lasting = sleep(lasts(election.timings));
    const successor = unseats ? await election.successor(leader) : undefined;
    await lasting;
    await Promise.all(lifts.map(async (lift) => lift?.()));
    if (successor) return { ms: successor.from - from, bound: crashBound(election.timings) };
    const lifted = monotonic();
    return { ms: (await election.writtenSince(lifted)) - lifted, bound: calmBound(election.timings) };
  };
}

export const DISTURBANCES: Readonly<Record<string, Disturbance>> = {
  kill: { counts: `SIGKILL ${toSuccessor}`, strike: kill },
  stop: { counts: `SIGTERM ${toSuccessor}`, strike: stop },
  freeze: { counts: `SIGSTOP ${toSuccessor}`, strike: freeze },
  block: {
    counts: `start of the block ${toSuccessor}`,
    strike: (election, leader) => block(election, leader, 1),
  },
  queue: {
    counts: `start of the block ${toSuccessor}`,
    strike: (election, leader) => block(election, leader, QUEUED),
  },
  ...Object.fromEntries(
    Object.entries(FAULTS).map(([name, plan]): [string, Disturbance] => [
      name,
      {
        counts: plan.unseats ? `fault ${toSuccessor}` : 'end of the fault to the first write',
        through: plan.through ?? 'http',
        strike: faulty(plan),
      },
    ]),
  ),
};

export const FAULT_NAMES: readonly string[] = Object.keys(FAULTS);

/** The lease lapses at the latest a lease duration after the leader has gone. */
function crashBound({ leaseDuration }: Timings): number {
  return leaseDuration + 1000 + SLACK;
}

/** After faults that struck all: a lease duration, an attempt that still waits, and a retry period. */
export function calmBound({ leaseDuration, renewDeadline, renewInterval, retryPeriod }: Timings): number {
  const longestAttempt = Math.max(retryPeriod, (renewDeadline - renewInterval) / 3, renewDeadline / 2);
  return leaseDuration + longestAttempt + retryPeriod + 1000 + SLACK;
}
