import type { Random } from '@incumbent/core/client';
import { seededRandom } from '@incumbent/core/testing';
import { type ResolvedTimings, resolveTimings } from '../elector/options.js';
import { EVERYWHERE, FAULT_KINDS, type Fault } from './fault.js';
import type { MachineOptions } from './machine.js';

/** All that a history is made from. The same scenario gives the same history, to the last event. */
export interface Scenario {
  readonly seed: number;
  readonly timings: ResolvedTimings;
  readonly machines: readonly MachineOptions[];
  /** Whether a process that is started again bears the name of the last one. */
  readonly samePod: boolean;
  /** Number of the replica whose election is driven call by call, if there is one. */
  readonly stepped: number | undefined;
  /** Longest time between the socket and the server for a fenced write, in milliseconds. */
  readonly transit: number;
  readonly faults: readonly Fault[];
  /** When all faults are over. */
  readonly calm: number;
  /** When the replicas are asked to stop: at least 20 lease durations. */
  readonly end: number;
}

const TIMINGS = [
  { leaseDuration: '15s', renewDeadline: '10s', renewInterval: '5s', retryPeriod: '1.5s' },
  { leaseDuration: '5s', renewDeadline: '3s', renewInterval: '1.5s', retryPeriod: '500ms' },
  { leaseDuration: '60s', renewDeadline: '45s', renewInterval: '20s', retryPeriod: '5s' },
  { leaseDuration: '10s', renewDeadline: '8s', renewInterval: '4s', retryPeriod: '1s' },
] as const;

const LEASE_DURATIONS_OF_FAULTS = 16;
const LEASE_DURATIONS_OF_CALM = 4.5;

export function scenarioOf(seed: number): Scenario {
  const random = seededRandom(seed);
  const graces = [0.3, 1, 2];
  const lockDelays = [0, 0, 0.3, 0.6];
  const base = pick(random, TIMINGS);
  const timings = resolveTimings({
    ...base,
    drainGrace: resolveTimings(base).leaseDuration * pick(random, graces),
    lockDelay: resolveTimings(base).leaseDuration * pick(random, lockDelays),
  });
  const { leaseDuration: duration } = timings;
  const machines = machinesOf(random, timings);
  const calm = LEASE_DURATIONS_OF_FAULTS * duration;
  return {
    seed,
    timings,
    machines,
    samePod: random.next() < 0.3,
    transit: transitOf(machines, timings),
    faults: faultsOf(random, machines.length, calm, duration),
    stepped: random.next() < 0.3 ? Math.floor(random.next() * machines.length) : undefined,
    calm,
    end: calm + LEASE_DURATIONS_OF_CALM * duration,
  };
}

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random.next() * items.length)] as T;
}

/** One machine has the slowest clock and one the fastest: the worst pair is there in each history. */
function machinesOf(random: Random, { leaseDuration, renewDeadline }: ResolvedTimings): MachineOptions[] {
  const count = 3 + (random.next() < 0.2 ? 1 : 0);
  const ratio = 1 + random.next() ** 2 * (leaseDuration / renewDeadline - 1) * 0.97;
  const slowest = ratio ** -random.next();
  const rates = [slowest, slowest * ratio];
  while (rates.length < count) rates.push(slowest * ratio ** random.next());
  return rates.map((rate) => ({ rate, wallOffset: (random.next() - 0.5) * 7_200_000 }));
}

/**
 * What is claimed: a write that leaves at the end of the renew deadline, on the slowest clock, is there before the lease
 * duration is over on the fastest. So clock rates and transit share the room between the two.
 */
function transitOf(
  machines: readonly MachineOptions[],
  { leaseDuration, renewDeadline }: ResolvedTimings,
): number {
  const rates = machines.map(({ rate }) => rate);
  const slowest = Math.min(1, ...rates);
  const fastest = Math.max(1, ...rates);
  return (leaseDuration / fastest - renewDeadline / slowest) * 0.95;
}

/**
 * Lease durations. A read that was answered before a restore and is used after it shows a version of the future: the watch
 * from there says nothing, and only after a lease duration does the attempt to take over find out. Then it waits anew.
 */
const RESTORE_AFTERMATH = 4.5;

const OUTAGES = [
  'too many requests',
  'server errors',
  'forbidden',
  'partition',
  'loss',
  'lost answers',
] as const;

/** In some histories the election is cut off everywhere, for longer than a lease, until the very end of all faults. */
function lastOutage(random: Random, calm: number, duration: number): Fault[] {
  const kind = pick(random, OUTAGES);
  const lasts = Math.floor(duration * (0.8 + random.next()));
  if (random.next() < 0.8) return [];
  return [
    {
      kind,
      at: calm - lasts,
      lasts,
      replica: EVERYWHERE,
      electionOnly: true,
      degree: 0.9 + random.next() / 10,
    },
  ];
}

/** Each kind once, and some more: of some histories nearly all that happens is faults. */
function faultsOf(random: Random, replicas: number, calm: number, duration: number): Fault[] {
  const more = Array.from({ length: Math.floor(random.next() * 8) }, () => pick(random, FAULT_KINDS));
  const longest = duration * (0.2 + 2 * random.next() ** 2);
  const faults = [
    ...lastOutage(random, calm, duration),
    ...[...FAULT_KINDS, ...more].map((kind): Fault => {
      const lasts = random.next() ** 2 * longest;
      // Some end only when all do: what they leave behind is what liveness has to cope with.
      const chosen = random.next() < 0.1 ? calm - lasts : random.next() * (calm - duration / 8);
      const at = kind === 'restore' ? Math.min(chosen, calm - RESTORE_AFTERMATH * duration) : chosen;
      return {
        kind,
        at: Math.floor(at),
        lasts: Math.floor(Math.min(lasts, calm - at)),
        replica: random.next() < 0.2 ? EVERYWHERE : Math.floor(random.next() * replicas),
        electionOnly: random.next() < 0.4,
        degree: random.next(),
      };
    }),
  ];
  return faults.toSorted((a, b) => a.at - b.at);
}
