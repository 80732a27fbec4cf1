import { type Instant, type Lease, elapsedSince } from '@incumbent/core/client';
import { fingerprintOf, recordOf } from '../lease/lease-record.js';
import type { Stored } from './api-server.js';
import { seconds } from './fault.js';
import type { Participant, ReignRecord } from './participant.js';
import type { Scheduler } from './scheduler.js';

/** What is promised. Each breach is reported under one of these names. */
export const PROPERTIES = {
  interleaved: 'accepted writes of different terms never interleave',
  'after the loss was seen': 'no write is sent under a term after its process saw the Lease changed',
  'after the deadline': 'no write is sent later than the renew deadline after the last renewal was sent',
  'leader after the deadline':
    'isLeader is false later than the renew deadline after the last renewal was sent',
  'overlapping calls': 'leading and following alternate and never overlap',
  'within the lock delay':
    'who takes over from a holder that did not release neither begins nor releases before the lock delay is over',
  'dead on arrival': 'leading is called only with a term that is held, and was not asked to end',
  'foreign release': 'a release modifies only the Lease of its own term',
  'foreign renewal': 'a renewal modifies only the Lease of its own term',
  'transitions not raised': 'every acquisition raises leaseTransitions',
  'nobody leads':
    'once faults stop, somebody leads within lease duration, longest attempt and retry period, and one lease duration more where a watch is half-open',
  'not calm': 'without faults a term goes on',
  'does not stop': 'after a stop the run resolves and leaves no timer',
  'run ended': 'the run goes on whatever happens to the Lease or the server',
} as const;

export type Property = keyof typeof PROPERTIES;

export interface Violation {
  readonly property: Property;
  readonly at: number;
  readonly what: string;
}

/** A write to the Lease on its way. */
export interface Sending {
  /** On the clocks of the process. */
  readonly at: Instant;
  /** The last state of the Lease that the process was told of before. */
  readonly knowing: Lease | undefined;
}

/** Rounding of clocks that go at a rate of their own. */
const TOLERANCE = 0.01;

/** Sees everything, on the server's side and the replicas', and compares it with what is promised. */
export class Referee {
  readonly violations: Violation[] = [];
  readonly terms: ReignRecord[] = [];
  /** Terms whose work was begun. */
  led = 0;
  /** Writes of work that were accepted. */
  accepted = 0;
  restored = false;
  readonly #scheduler: Scheduler;
  readonly #renewDeadline: number;
  readonly #trace: ((line: string) => void) | undefined;
  #holder: ReignRecord | undefined;
  #newest: ReignRecord | undefined;
  readonly #newestOf = new Map<Participant, ReignRecord>();

  constructor(scheduler: Scheduler, renewDeadline: number, trace: ((line: string) => void) | undefined) {
    this.#scheduler = scheduler;
    this.#renewDeadline = renewDeadline;
    this.#trace = trace;
  }

  get holder(): ReignRecord | undefined {
    return this.#holder;
  }

  trace(line: () => string): void {
    this.#trace?.(`${seconds(this.#scheduler.now)} ${line()}`);
  }

  breach(property: Property, what: string): void {
    this.violations.push({ property, at: this.#scheduler.now, what });
    this.trace(() => `BREACH ${property}: ${what}`);
  }

  /** Somebody outside the election changed the Lease. */
  edited({ before, after }: Stored): void {
    if (before && after && fingerprintOf(before) === fingerprintOf(after)) return;
    if (this.#holder) this.#holder.disturbed = true;
    this.#holder = undefined;
  }

  /** Every term so far may find an older state of itself or of others. */
  rolledBack(holder: ReignRecord | undefined): void {
    this.restored = true;
    for (const term of this.terms) term.disturbed = true;
    this.#holder = holder;
  }

  /** A process's write to the Lease took effect. */
  leaseStored({ before, after }: Stored, by: Participant, sent: Sending): void {
    if (!after || before === after) return;
    const { holder } = recordOf(after);
    this.trace(() => `${by.name} stores ${describe(after)} over ${describe(before)}`);
    if (!holder) return this.#released(before, by);
    by.leaseSent(sent.at);
    const renewed = this.terms.findLast(
      (term) =>
        term.process === by &&
        term.acquireTime === after.spec?.acquireTime &&
        term.number === recordOf(after).transitions,
    );
    if (renewed) this.#renewed(renewed, sent.at);
    else this.#acquired({ before, after }, by, sent);
  }

  /** A process was told what the Lease is. */
  saw(by: Participant, lease: Lease | undefined): void {
    const { term } = by;
    if (lease) by.lastTold = lease;
    if (!term || term.sawLossAt !== undefined) return;
    const own =
      lease && lease.spec?.acquireTime === term.acquireTime && by.sentRecords.has(fingerprintOf(lease));
    if (own) return;
    term.sawLossAt = this.#scheduler.now;
    this.trace(() => `${by.name} sees that it lost term ${term.number}: ${describe(lease)}`);
  }

  /** Work starts under a term that its process acquired with the write of this version. */
  begins(by: Participant, token: string): ReignRecord {
    const term = this.terms.findLast((other) => other.process === by && other.token === token);
    if (!term) throw new Error(`${by.name} leads by a write that the server never stored.`);
    this.#expectDelayOver(term, 'begins');
    term.begun = true;
    this.led++;
    this.trace(() => `${by.name} leads term ${term.number} (#${term.index})`);
    return term;
  }

  /** A write is written to its socket under a term. */
  sends(term: ReignRecord): void {
    const { process, sawLossAt } = term;
    if (sawLossAt !== undefined && this.#scheduler.now > sawLossAt)
      this.breach(
        'after the loss was seen',
        `${process.name} in term ${term.number}, seen at ${seconds(sawLossAt)}`,
      );
    const elapsed = elapsedSince(process.clock, term.renewedAt);
    if (elapsed > this.#renewDeadline + TOLERANCE)
      this.breach(
        'after the deadline',
        `${process.name} in term ${term.number}, ${seconds(elapsed)} after its last renewal was sent`,
      );
  }

  /** A write of work was accepted. Overlap is excused where the Lease was changed under its term, but never within one process. */
  workStored(term: ReignRecord): void {
    this.accepted++;
    const own = this.#newestOf.get(term.process);
    const newest = term.disturbed ? own : this.#newest;
    if (newest && newest.index > term.index)
      this.breach(
        'interleaved',
        `term ${term.number} (#${term.index}) of ${term.process.name} after term ${newest.number} (#${newest.index}) of ${newest.process.name}`,
      );
    if (term.index > (own?.index ?? -1)) this.#newestOf.set(term.process, term);
    if (term.index > (this.#newest?.index ?? -1)) this.#newest = term;
  }

  /** Asks a replica whether it leads, in a moment of our choosing. */
  leads(process: Participant): boolean {
    const leads = process.isLeader;
    if (leads && !(process.sinceLeaseSent() <= this.#renewDeadline + TOLERANCE))
      this.breach(
        'leader after the deadline',
        `${process.name}, ${seconds(process.sinceLeaseSent())} after its last renewal was sent`,
      );
    return leads;
  }

  // After a restore versions come twice: a late request that was meant for the first may hit the second.

  #released(before: Lease | undefined, by: Participant): void {
    const own = this.#holder?.process === by;
    if (own && this.#holder) this.#expectDelayOver(this.#holder, 'is released');
    if (!own && !this.restored)
      this.breach('foreign release', `${by.name} released over ${describe(before)}`);
    if (!own && this.#holder) this.#holder.disturbed = true;
    this.#holder = undefined;
  }

  #expectDelayOver({ process, number, begun, owesDelaySince }: ReignRecord, what: string): void {
    if (begun || owesDelaySince === undefined) return;
    const since = this.#scheduler.now - owesDelaySince;
    if (since < process.timings.lockDelay / process.machine.rate - 1)
      this.breach(
        'within the lock delay',
        `term ${number} of ${process.name} ${what} ${seconds(since)} after its acquisition`,
      );
  }

  /** What it took from itself it owes nothing for, unless it had not begun there either. */
  #owesDelaySince(before: Lease | undefined, by: Participant): number | undefined {
    // A restore may bring an own record back over somebody else's, of which the Lease tells nothing any more.
    if (this.restored || !before || !recordOf(before).holder) return undefined;
    const own = this.terms.findLast(
      (term) => term.process === by && term.acquireTime === before.spec?.acquireTime,
    );
    if (!own) return this.#scheduler.now;
    return own.begun ? undefined : own.owesDelaySince;
  }

  #renewed(term: ReignRecord, sentAt: Instant): void {
    const holder = this.#holder;
    if (term !== holder) {
      if (!this.restored)
        this.breach(
          'foreign renewal',
          `${term.process.name} renewed what ${holder?.process.name ?? 'nobody'} holds`,
        );
      if (holder) holder.disturbed = true;
      this.#holder = term;
    }
    if (sentAt.monotonic > term.renewedAt.monotonic) term.renewedAt = sentAt;
  }

  #acquired(
    { before, after }: Stored & { readonly after: Lease },
    by: Participant,
    { at, knowing }: Sending,
  ): void {
    const number = recordOf(after).transitions;
    const known = before ?? knowing;
    const last = known ? recordOf(known).transitions : -1;
    if (number <= last && !this.restored)
      this.breach('transitions not raised', `${by.name} acquired as ${number} after ${last}`);
    if (this.restored && this.#holder && !isSame(knowing, before)) this.#holder.disturbed = true;
    this.#holder = {
      index: this.terms.length,
      process: by,
      number,
      token: after.metadata.resourceVersion,
      acquireTime: after.spec?.acquireTime,
      renewedAt: at,
      disturbed: false,
      owesDelaySince: this.#owesDelaySince(before, by),
      begun: false,
      sawLossAt: undefined,
    };
    this.terms.push(this.#holder);
  }
}

function isSame(a: Lease | undefined, b: Lease | undefined): boolean {
  return a !== undefined && b !== undefined && fingerprintOf(a) === fingerprintOf(b);
}

function describe(lease: Lease | undefined): string {
  if (!lease) return 'nothing';
  const { holderIdentity, leaseTransitions, renewTime } = lease.spec ?? {};
  return `v${lease.metadata.resourceVersion} "${holderIdentity}" #${leaseTransitions} ${renewTime?.slice(11)}`;
}
