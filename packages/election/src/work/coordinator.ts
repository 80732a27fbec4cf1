import {
  type Clock,
  LinkedAbort,
  type Logger,
  type Random,
  type Term,
  isConflict,
  sleep,
} from '@incumbent/core/client';
import type { ResolvedTimings } from '../elector/options.js';
import { Wakeup } from '../elector/wakeup.js';
import type { WorkItem, WorkItems } from './assignment.js';
import { Board, type Move } from './board.js';
import { Problems } from './problems.js';
import type { Roster } from './roster.js';

export interface CoordinatorParts<T> {
  readonly items: WorkItems<T, never>;
  readonly roster: Roster;
  readonly timings: ResolvedTimings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Writes under way at a time. */
const PARALLEL = 16;

/**
 * The leader's work in one term: gives items to members.
 *
 * Nothing depends on there being only one: each write is conditional on the version that it was decided on, and what is decided
 * on, that a session is over, stays true. Two leaders would only undo each other's preferences.
 */
export class Coordinator<T> {
  readonly #parts: CoordinatorParts<T>;
  readonly #term: Term;
  readonly #wakeup: Wakeup;
  readonly #board = new Board<T>();
  readonly #writes = new Set<Promise<void>>();
  /** Leases and sessions that are being settled. */
  readonly #settling = new Set<string>();
  readonly #problems: Problems;
  #moving = 0;
  #synced = false;

  constructor(parts: CoordinatorParts<T>, term: Term) {
    this.#parts = parts;
    this.#term = term;
    this.#wakeup = new Wakeup(parts.clock);
    this.#problems = new Problems(parts.log);
  }

  /** Something may have changed in the roster. */
  notify(): void {
    this.#wakeup.notify();
  }

  /** Until the term is lost or asked to end, and no write is under way. */
  async run(): Promise<void> {
    const { items, roster, clock, random, log } = this.#parts;
    const { signal } = this.#term;
    using following = new LinkedAbort(signal);
    const stop = (): void => this.notify();
    signal.addEventListener('abort', stop);
    const options = { session: undefined, signal: following.signal, clock, random, log };
    const followed = items.follow(options, (news) => {
      this.#board.hear(news);
      if (news.type === 'replaced') this.#synced = true;
      this.notify();
    });
    while (!signal.aborted) {
      if (this.#synced && roster.synced) this.#direct();
      await this.#wakeup.wait(roster.nextChange);
    }
    signal.removeEventListener('abort', stop);
    await Promise.all([...this.#writes, followed]);
  }

  #direct(): void {
    const { roster } = this.#parts;
    for (const session of this.#board.sessions) this.#judge(session);
    for (const lease of roster.remains)
      this.#settle(lease.metadata.name, () => roster.evict(lease, this.#term));
    this.#board.setMembers(roster.members);
    while (this.#moving < PARALLEL) {
      const move = this.#board.next();
      if (!move) return;
      this.#moving++;
      this.#track(this.#make(move).finally(() => this.#moving--));
    }
  }

  #judge(session: string): void {
    const { roster } = this.#parts;
    const verdict = roster.verdictOn(session);
    if (verdict.kind === 'over') this.#board.endSession(session);
    else if (verdict.kind === 'missing') this.#settle(session, () => roster.probe(session));
  }

  async #make({ item, assignment }: Move<T>): Promise<void> {
    const { items } = this.#parts;
    try {
      this.#board.moved(item.id, await items.assign(item, assignment, this.#term));
      this.#problems.over();
    } catch (error) {
      // Somebody was there first: no problem.
      if (!isConflict(error)) await this.#failed('An item could not be assigned', error);
      this.#board.moved(item.id, await this.#reread(item));
    }
  }

  /** What it was, where it can't be read now. */
  async #reread(item: WorkItem<T>): Promise<WorkItem<T> | undefined> {
    const { items, timings } = this.#parts;
    try {
      return await items.read(item.id, { timeout: timings.attemptTimeout, signal: this.#term.signal });
    } catch (error) {
      await this.#failed('An item could not be read', error);
      return item;
    }
  }

  /** One attempt at a time for each name. What fails is tried again after a retry period. */
  #settle(name: string, act: () => Promise<void>): void {
    if (this.#settling.has(name)) return;
    this.#settling.add(name);
    const settled = act().catch((error: unknown) =>
      this.#failed('A silent member could not be given up', error),
    );
    this.#track(settled.finally(() => this.#settling.delete(name)));
  }

  async #failed(what: string, error: unknown): Promise<void> {
    const { clock, timings } = this.#parts;
    if (this.#term.signal.aborted) return;
    this.#problems.tell(what, error);
    await sleep(clock, timings.retryPeriod, this.#term.signal);
  }

  #track(write: Promise<void>): void {
    const tracked = write.finally(() => {
      this.#writes.delete(tracked);
      this.notify();
    });
    this.#writes.add(tracked);
  }
}
