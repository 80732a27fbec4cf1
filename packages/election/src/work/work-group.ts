/**
 * Work for followers: the leader of a group assigns items, and every member processes what is assigned to it.
 *
 * Each member holds a Lease of its own, by an election in which it is the only candidate: a term of it is a session. An item is
 * assigned to a session by a write that is conditional on the item's version. It goes to another session only when the first
 * has given it back, or is over: released, or its Lease unchanged for its duration by the leader's clock and then deleted in
 * just that version, which no renewal can have preceded. By then the member's term, which counts from the sending of its last
 * renewal, is over by its own clock, and nothing of it is sent any more.
 *
 * So no two members process an item at a time, whoever leads and however many believe that they do: leading only decides who
 * chooses. An item may be begun more than once; its result is recorded once.
 *
 * Not covered: as for elections, effects outside of the API, and what hand edits of a member's Lease do until the member sees them.
 */
import { LinkedAbort, type Term, aborted, messageOf } from '@incumbent/core/client';
import { LeaderElector } from '../elector/leader-elector.js';
import { Coordinator } from './coordinator.js';
import { MemberLease } from './member-lease.js';
import { Processor, type Work } from './processor.js';
import { Roster, leaseName } from './roster.js';
import { sessionOf } from './session.js';
import { type ResolvedWorkGroup, type WorkGroupOptions, resolveWorkGroup } from './work-options.js';

export interface Membership<T, Result> {
  /** Called for each item that is assigned to this member, for as many at a time as its capacity allows. */
  readonly work: Work<T, Result>;
  /** Ends the membership: no new work, what runs is asked to end and awaited, the rest is given to others at once. */
  readonly signal: AbortSignal;
}

/** One process's membership in a group. */
export class WorkGroup<T, Result> {
  /** The name under which items are assigned to this member, and which holds its Leases. */
  readonly member: string;
  readonly #group: ResolvedWorkGroup<T, Result>;
  readonly #lease: MemberLease;
  readonly #roster: Roster;
  readonly #memberElector: LeaderElector;
  readonly #leaderElector: LeaderElector;
  #coordinator: Coordinator<T> | undefined;
  #processor: Processor<T, Result> | undefined;

  /** @throws {@link ElectionOptionsError} when the timings don't fit each other; {@link IncumbentError} `WORK_CAPACITY`, `WORK_NAME` */
  constructor(options: WorkGroupOptions<T, Result>) {
    const group = resolveWorkGroup(options);
    this.#group = group;
    this.member = group.member;
    const { timings, namespace, clock, random, log, member, name, leaseAt, client, capacity } = group;
    const own = leaseName(name, member);
    this.#lease = new MemberLease(leaseAt(own), name, capacity);
    const { leaseDuration, attemptTimeout } = timings;
    const observed = { client, group: name, namespace, clock, random, log, leaseDuration, attemptTimeout };
    this.#roster = new Roster({ ...observed, onChange: () => this.#coordinator?.notify() });
    const election = { ...timings, namespace, identity: member, clock, random, log };
    this.#memberElector = new LeaderElector({ ...election, name: own, lease: this.#lease });
    this.#leaderElector = new LeaderElector({ ...election, name, lease: leaseAt(name) });
  }

  /** Whether this member leads the group now: asks the clock. */
  get isLeader(): boolean {
    return this.#leaderElector.isLeader;
  }

  /** How many items this member works on. */
  get load(): number {
    return this.#processor?.load ?? 0;
  }

  /**
   * Takes part until the signal aborts; then ends the work, leaves the group and resolves. To be called once.
   *
   * Whatever happens to Leases, items or the server, it goes on.
   */
  async run({ work, signal }: Membership<T, Result>): Promise<void> {
    using failed = new LinkedAbort();
    using leaving = new LinkedAbort(signal, failed.signal);
    using left = new LinkedAbort(failed.signal);
    using blind = new LinkedAbort();
    const observed = this.#roster.run(blind.signal);
    const leading = this.#leaderElector.run({
      leading: (term) => this.#coordinate(term),
      signal: left.signal,
    });
    const working = this.#memberElector.run({
      leading: (term) => this.#process(term, work, leaving.signal),
      signal: leaving.signal,
    });
    const guarded = [working.finally(() => left.abort()), leading].map((part) =>
      part.catch((error: unknown) => {
        failed.abort();
        throw error;
      }),
    );
    const outcomes = await Promise.allSettled(guarded);
    blind.abort();
    await observed;
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  /** Why this member can't take part, or undefined. */
  notReady(): string | undefined {
    if (!this.#roster.synced) return `The members of work group ${this.#name} have not been read yet.`;
    return this.#memberElector.notReady() ?? this.#leaderElector.notReady();
  }

  /** Why the process should be restarted, or undefined: work that outlives its session by more than `drainGrace`. */
  notLive(): string | undefined {
    return this.#memberElector.notLive() ?? this.#leaderElector.notLive();
  }

  get #name(): string {
    return `${this.#group.namespace}/${this.#group.name}`;
  }

  async #coordinate(term: Term): Promise<void> {
    const { items, timings, clock, random, log } = this.#group;
    const parts = { items, roster: this.#roster, timings, clock, random, log };
    const coordinator = new Coordinator<T>(parts, term);
    this.#coordinator = coordinator;
    await coordinator.run();
    this.#coordinator = undefined;
  }

  async #process(term: Term, work: Work<T, Result>, leaving: AbortSignal): Promise<void> {
    const session = sessionOf(this.member, term.number);
    this.#processor = new Processor({ ...this.#group, work, session, term });
    const told = this.#tellLeaving(term, leaving);
    await this.#processor.run();
    this.#processor = undefined;
    await told;
  }

  /** So that no new work comes while the last is awaited. If nobody hears of it, that work is given to others when we have left. */
  async #tellLeaving(term: Term, leaving: AbortSignal): Promise<void> {
    await aborted(term.signal);
    if (!leaving.aborted || term.remaining() <= 0 || this.load === 0) return;
    try {
      await this.#lease.announce(0, { timeout: this.#group.timings.attemptTimeout });
    } catch (error) {
      this.#group.log.debug({ err: error }, `not told that this member leaves: ${messageOf(error)}`);
    }
  }
}
