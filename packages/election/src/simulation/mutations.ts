import {
  type Clock,
  type Lease,
  type Term,
  type WatchEvent,
  aborted,
  instant,
  isConflict,
  sleep,
} from '@incumbent/core/client';
import type { AttemptOptions, LeasePort } from '../lease/lease-port.js';
import { fingerprintOf, recordOf } from '../lease/lease-record.js';
import { LeaseTerm, type TermEnd } from '../term/lease-term.js';
import type { Mutation, MutationHooks } from './mutation.js';
import type { Participant } from './participant.js';

/** Ways to break an election, one at a time. Each is a mistake that somebody has made, or nearly. */
export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'the fence is a flag that a timer sets, and compares no clock',
    hooks: () => ({
      term: (term) => view(term, () => (term.signal.aborted ? 0 : Number.POSITIVE_INFINITY)),
    }),
  },
  {
    name: 'nothing is fenced: safeUntil is not looked at when writing',
    hooks: () => ({ term: (term) => view(term, () => Number.POSITIVE_INFINITY) }),
  },
  {
    name: 'the fence is tested when a write is called, not at the socket',
    hooks: () => ({ skipsSocketCheck: true }),
  },
  { name: 'writes carry no timeout for the server', hooks: () => ({ unlimitedServerTime: true }) },
  { name: 'safeUntil counts from the answer, not from the sending', hooks: countingFromAnswer },
  {
    name: 'suspend does not count: only the monotonic clock is asked',
    hooks: () => ({ clock: (clock) => withClock(clock, { uptime: () => clock.monotonic() }) }),
  },
  {
    name: 'time is measured on the wall clock',
    hooks: () => ({
      clock: (clock) =>
        withClock(clock, {
          monotonic: () => clock.wall().getTime(),
          uptime: () => clock.wall().getTime(),
        }),
    }),
  },
  {
    name: 'expiry is judged by the holder’s renewTime',
    hooks: ({ clock, identity }) => ({
      port: (port) => new Altered(port, { seen: (lease) => countedFromRenewTime(lease, identity, clock) }),
    }),
  },
  {
    name: 'followers count with the renew deadline instead of the lease duration',
    hooks: ({ identity, timings }) => ({
      port: (port) =>
        new Altered(port, {
          seen: (lease) => shortened(lease, identity, timings.renewDeadline / timings.leaseDuration),
        }),
    }),
  },
  {
    name: 'a record that names us is ours, whoever wrote it',
    hooks: ({ identity, sentRecords }) => ({
      port: (port) =>
        new Altered(port, {
          seen: (lease) =>
            recordOf(lease).holder === identity && !sentRecords.has(fingerprintOf(lease))
              ? withSpec(lease, { holderIdentity: '', leaseDurationSeconds: 1 })
              : lease,
        }),
    }),
  },
  {
    name: 'a conflict is overwritten: read, and written over with the fresh version',
    hooks: () => ({ port: (port) => new Altered(port, { update: overwriting(port) }) }),
  },
  {
    name: 'a PUT carries no uid',
    hooks: () => ({
      port: (port) =>
        new Altered(port, {
          update: (lease, options) => {
            const { uid: _, ...metadata } = lease.metadata;
            return port.update({ ...lease, metadata: metadata as Lease['metadata'] }, options);
          },
        }),
    }),
  },
  {
    name: 'a release is unconditional',
    hooks: () => ({
      port: (port) =>
        new Altered(port, {
          update: (lease, options) =>
            recordOf(lease).holder ? port.update(lease, options) : overwriting(port)(lease, options),
        }),
    }),
  },
  { name: 'a release comes before the work has ended', hooks: releasingEarly },
  {
    name: 'the next campaign does not await the work of the last term',
    hooks: () => ({ detachesWork: true }),
  },
  {
    name: 'a release does not wait for writes that are not answered',
    hooks: () => ({
      term: (term) =>
        view(
          term,
          () => term.remaining(),
          () => noop,
        ),
    }),
  },
  {
    name: 'writes under way are taken for answered once the work is asked to end',
    hooks: () => ({ term: (term) => view(term, () => term.remaining(), settlingAtEnd(term)) }),
  },
  { name: 'one more attempt is made after safeUntil, under a term that goes on for it', hooks: outlasting },
  {
    name: 'a leader ignores that somebody else wrote its Lease',
    hooks: (process) => ({
      port: (port) =>
        new Altered(port, {
          passes: ({ object }) =>
            !process.isLeader || !object || recordOf(object).holder === process.identity,
        }),
    }),
  },
  {
    name: 'a deletion is ignored',
    hooks: () => ({ port: (port) => new Altered(port, { passes: ({ type }) => type !== 'DELETED' }) }),
  },
  {
    name: 'a term keeps the number of the last one',
    hooks: ({ identity, sentRecords }) => ({
      port: (port) =>
        new Altered(port, {
          update: (lease, options) => {
            const acquires =
              recordOf(lease).holder === identity && lease.spec?.acquireTime === lease.spec?.renewTime;
            const number = recordOf(lease).transitions - (acquires && sentRecords.size > 0 ? 1 : 0);
            return port.update(withSpec(lease, { leaseTransitions: number }), options);
          },
        }),
    }),
  },
  {
    name: 'after a refused acquisition nothing is tried again',
    hooks: () => ({
      port: (port) =>
        new Altered(port, {
          update: (lease, options) =>
            port.update(lease, options).catch((error: unknown) => {
              if (options.signal) throw error;
              return new Promise(() => {});
            }),
        }),
    }),
  },
  { name: 'a successor does not sit out the lock delay', hooks: () => ({ lockDelay: 0 }) },
  {
    name: 'half of the lock delay is sat out',
    hooks: ({ timings }) => ({ lockDelay: timings.lockDelay / 2 }),
  },
  { name: 'a read after a lost race is answered from a cache', hooks: readingFromCache },
  {
    name: 'a watch that ended is not opened again',
    hooks: () => {
      let opened = false;
      const once = (watch: () => AsyncIterable<WatchEvent<Lease>>, signal: AbortSignal) => {
        if (opened) return silence(signal);
        opened = true;
        return watch();
      };
      return {
        port: (port) =>
          new Altered(port, { watch: (version, signal) => once(() => port.watch(version, signal), signal) }),
      };
    },
  },
  {
    name: 'an attempt that hangs is given up long after its timeout',
    hooks: () => ({
      port: (port) =>
        new Altered(port, {
          get: (options) => port.get(tenfold(options)),
          update: (lease, options) => port.update(lease, tenfold(options)),
        }),
    }),
  },
];

const noop = (): void => {};

function settlingAtEnd(term: Term): Term['mayStillCommit'] {
  return (ms) => {
    const settle = term.mayStillCommit(ms);
    term.signal.addEventListener('abort', settle, { once: true });
    return settle;
  };
}

function outlasting({ timings }: Participant): MutationHooks {
  return {
    term: (term) => {
      if (!(term instanceof LeaseTerm)) return term;
      const remaining = term.leaseRemaining.bind(term);
      term.leaseRemaining = () => remaining() + timings.retryPeriod;
      return term;
    },
  };
}

function countingFromAnswer({ clock }: Participant): MutationHooks {
  return {
    term: (term) => {
      if (!(term instanceof LeaseTerm)) return term;
      const renew = term.renew.bind(term);
      term.renew = (lease) => renew(lease, instant(clock));
      return term;
    },
  };
}

function readingFromCache({ clock, timings }: Participant): MutationHooks {
  let first: Promise<Lease | undefined> | undefined;
  return {
    port: (port) =>
      new Altered(port, {
        get: async (options) => {
          // An elector that is told old news at once asks in a tight loop, which takes the simulation long.
          if (first) await sleep(clock, timings.retryPeriod / 2);
          first ??= port.get(options).catch((error: unknown) => {
            first = undefined;
            throw error;
          });
          return first;
        },
      }),
  };
}

function releasingEarly(): MutationHooks {
  return {
    detachesWork: true,
    term: (term) => view(term, () => (endOf(term) === 'ended' ? leaseRemaining(term) : term.remaining())),
  };
}

function leaseRemaining(term: Term): number {
  return term instanceof LeaseTerm ? term.leaseRemaining() : 0;
}

function endOf(term: Term): TermEnd | undefined {
  return term instanceof LeaseTerm ? term.end : undefined;
}

/** What a follower sees of somebody else's lease, so that it expires a duration after the holder's renewTime, on our wall clock. */
function countedFromRenewTime(lease: Lease, identity: string, clock: Clock): Lease {
  const { holder, duration } = recordOf(lease);
  if (!holder || holder === identity || duration === undefined) return lease;
  const left = Date.parse(lease.spec?.renewTime ?? '') + duration - clock.wall().getTime();
  return withSpec(lease, { leaseDurationSeconds: Math.max(left, 1) / 1000 });
}

function shortened(lease: Lease, identity: string, share: number): Lease {
  const { holder, duration } = recordOf(lease);
  if (!holder || holder === identity || duration === undefined) return lease;
  return withSpec(lease, { leaseDurationSeconds: (duration * share) / 1000 });
}

function overwriting(port: LeasePort): LeasePort['update'] {
  return async (lease, options) => {
    try {
      return await port.update(lease, options);
    } catch (error) {
      const fresh = isConflict(error) ? await port.get(options) : undefined;
      if (!fresh) throw error;
      return port.update({ ...lease, metadata: fresh.metadata }, options);
    }
  };
}

/** A watch that says nothing until it is aborted. */
function silence(signal: AbortSignal): AsyncIterable<WatchEvent<Lease>> {
  const done = { done: true, value: undefined } as const;
  return { [Symbol.asyncIterator]: () => ({ next: () => aborted(signal).then(() => done) }) };
}

function tenfold({ timeout, ...options }: AttemptOptions): AttemptOptions {
  return { ...options, timeout: 10 * timeout };
}

/** A term that claims to last for something else. */
function view(
  term: Term,
  remaining: () => number,
  mayStillCommit = (ms: number) => term.mayStillCommit(ms),
): Term {
  return {
    number: term.number,
    token: term.token,
    signal: term.signal,
    remaining,
    mayStillCommit,
    assertHeld: () => {
      if (remaining() <= 0) term.assertHeld();
    },
  };
}

function withClock(clock: Clock, other: Partial<Clock>): Clock {
  return {
    monotonic: () => clock.monotonic(),
    uptime: () => clock.uptime(),
    wall: () => clock.wall(),
    schedule: (delay, task) => clock.schedule(delay, task),
    ...other,
  };
}

function withSpec(lease: Lease, spec: Partial<NonNullable<Lease['spec']>>): Lease {
  return { ...lease, spec: { ...lease.spec, ...spec } };
}

interface Alterations {
  /** What each sight of the Lease is turned into. */
  readonly seen?: (lease: Lease) => Lease;
  readonly get?: LeasePort['get'];
  readonly update?: LeasePort['update'];
  readonly watch?: LeasePort['watch'];
  /** Whether an event of the watch gets through. */
  readonly passes?: (event: { readonly type: string; readonly object?: Lease }) => boolean;
}

/** A port that alters what passes through it. */
class Altered implements LeasePort {
  readonly #port: LeasePort;
  readonly #alterations: Alterations;

  constructor(port: LeasePort, alterations: Alterations) {
    this.#port = port;
    this.#alterations = alterations;
  }

  async get(options: AttemptOptions): Promise<Lease | undefined> {
    const lease = await (this.#alterations.get?.(options) ?? this.#port.get(options));
    return lease && this.#seen(lease);
  }

  create(...args: Parameters<LeasePort['create']>): Promise<Lease> {
    return this.#port.create(...args);
  }

  update(lease: Lease, options: AttemptOptions): Promise<Lease> {
    return this.#alterations.update?.(lease, options) ?? this.#port.update(lease, options);
  }

  async *watch(version: string | undefined, signal: AbortSignal): AsyncIterable<WatchEvent<Lease>> {
    const { passes = () => true } = this.#alterations;
    for await (const event of this.#alterations.watch?.(version, signal) ??
      this.#port.watch(version, signal)) {
      if (!passes(event)) continue;
      yield event.type === 'BOOKMARK' ? event : { ...event, object: this.#seen(event.object) };
    }
  }

  close(): Promise<void> {
    return this.#port.close();
  }

  #seen(lease: Lease): Lease {
    return this.#alterations.seen?.(lease) ?? lease;
  }
}
