import {
  BackOff,
  type Clock,
  LinkedAbort,
  type Logger,
  type Random,
  type Term,
  aborted,
  formatDuration,
  isConflict,
  isIncumbentError,
  isInvalid,
  isNotFound,
  sleep,
} from '@incumbent/core/client';
import type { ResolvedTimings } from '../elector/options.js';
import type { ItemNews, WorkItem, WorkItems } from './assignment.js';
import { ItemTerm } from './item-term.js';

/** What the work on one item is given. */
export interface WorkContext {
  /**
   * The right to this item: write through `client.under(term)`. It ends with the member's session, and when the item is done or
   * given back. Its number counts the assignments of the item: to fence systems outside of the cluster, per item.
   */
  readonly term: Term;
  /**
   * Asks the work to come to its end: the member shuts down or has lost its lease, or the item is wanted elsewhere. Work that returns
   * its result all the same is done, where the term still holds; work that throws is begun anew by whoever gets the item.
   */
  readonly signal: AbortSignal;
  /** The same for each attempt at this item, whoever makes it: for effects outside that must happen once. */
  readonly idempotencyKey: string;
}

/** Does the work on an item and returns its result, which is then recorded once. What it throws is tried again later. */
export type Work<T, Result> = (item: T, context: WorkContext) => Promise<Result>;

export interface ProcessorParts<T, Result> {
  readonly items: WorkItems<T, Result>;
  readonly work: Work<T, Result>;
  readonly session: string;
  /** Items in work at a time. The leader assigns no more, but two who both believe that they lead may. */
  readonly capacity: number;
  readonly term: Term;
  readonly timings: ResolvedTimings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Milliseconds between attempts at an item whose work throws. The item keeps its place at this member meanwhile. */
const RETRY = { start: 1000, cap: 60_000, jitter: 0.5 } as const;

interface Run<T> {
  item: WorkItem<T>;
  /** It is not among the session's items any more. */
  gone: boolean;
  readonly term: ItemTerm;
  readonly ended: Promise<void>;
}

/** A member's part in one session: does the work that the session is assigned, and gives back what it is asked for. */
export class Processor<T, Result> {
  readonly #parts: ProcessorParts<T, Result>;
  readonly #running = new Map<string, Run<T>>();
  /** Assigned beyond the capacity. */
  readonly #waiting = new Map<string, WorkItem<T>>();
  /** Of items that this session is through with the epoch: what a late view shows of them is not begun again. */
  readonly #through = new Map<string, number>();

  constructor(parts: ProcessorParts<T, Result>) {
    this.#parts = parts;
  }

  /** How many items are in work. */
  get load(): number {
    return this.#running.size;
  }

  /** Until the term is lost or asked to end, and then until all work has ended. */
  async run(): Promise<void> {
    const { items, session, term, clock, random, log } = this.#parts;
    using following = new LinkedAbort(term.signal);
    const options = { session, signal: following.signal, clock, random, log };
    const followed = items.follow(options, (news) => this.#hear(news));
    await aborted(term.signal);
    while (this.#running.size > 0) await Promise.all([...this.#running.values()].map(({ ended }) => ended));
    await followed;
  }

  #hear(news: ItemNews<T>): void {
    if (this.#parts.term.signal.aborted) return;
    if (news.type === 'changed') return this.#see(news.item);
    if (news.type === 'gone') return this.#gone(news.id);
    const ids = new Set(news.items.map(({ id }) => id));
    for (const known of [this.#running, this.#waiting, this.#through])
      for (const id of known.keys()) if (!ids.has(id)) this.#gone(id);
    for (const item of news.items) this.#see(item);
  }

  #see(item: WorkItem<T>): void {
    const run = this.#running.get(item.id);
    if (run && item.assignment.epoch <= run.term.number) return this.#follow(run, item);
    if (this.#isNew(item)) this.#waiting.set(item.id, item);
    else this.#waiting.delete(item.id);
    this.#beginNext();
  }

  /** An item that came back while its last run here still ends waits for that. */
  #beginNext(): void {
    if (this.#parts.term.signal.aborted) return;
    for (const [id, item] of this.#waiting) {
      const isFull = this.#running.size >= this.#parts.capacity && !item.assignment.revoked;
      if (isFull || this.#running.has(id)) continue;
      this.#waiting.delete(id);
      this.#begin(item);
    }
  }

  #isNew(item: WorkItem<T>): boolean {
    const { session, epoch } = item.assignment;
    return !item.done && session === this.#parts.session && epoch > (this.#through.get(item.id) ?? 0);
  }

  #follow(run: Run<T>, item: WorkItem<T>): void {
    if (item.assignment.epoch < run.term.number) return;
    run.item = item;
    if (item.assignment.revoked) run.term.revoke();
  }

  /** Deleted, or taken by no rule of ours. */
  #gone(id: string): void {
    this.#through.delete(id);
    this.#waiting.delete(id);
    const run = this.#running.get(id);
    if (!run) return;
    run.gone = true;
    run.term.end();
  }

  #begin(item: WorkItem<T>): void {
    const { term: parent, timings, clock } = this.#parts;
    const { epoch, revoked } = item.assignment;
    const term = new ItemTerm({ id: item.id, epoch, parent, timings, clock });
    const run: Run<T> = { item, gone: false, term, ended: Promise.resolve().then(() => this.#process(run)) };
    this.#running.set(item.id, run);
    if (revoked) term.revoke();
  }

  async #process(run: Run<T>): Promise<void> {
    const { id } = run.item;
    if (!(await this.#work(run))) await this.#giveBack(run);
    run.term.end();
    this.#running.delete(id);
    if (!run.gone) this.#through.set(id, run.term.number);
    this.#beginNext();
  }

  /** Resolves to whether a result is recorded, or whatever else ended the run for good. False: it was asked to end. */
  async #work(run: Run<T>): Promise<boolean> {
    const { work, items, clock, random, log } = this.#parts;
    const { term } = run;
    const { value, idempotencyKey, id } = run.item;
    const { signal } = term;
    for (let backOff = new BackOff(RETRY, random); !signal.aborted; backOff = backOff.next()) {
      try {
        const result = await work(value, { term, signal, idempotencyKey });
        await this.#insist(run, (item) => items.finish(item, result, term));
        return true;
      } catch (err) {
        if (signal.aborted) break;
        const again = formatDuration(backOff.duration);
        log.warn({ err, item: id }, `The work on ${id} failed; the next attempt is in ${again}.`);
        await sleep(clock, backOff.duration, signal);
      }
    }
    return false;
  }

  /** Only when nothing that was sent under the item can take effect any more. When the session ends, its items need no write each. */
  async #giveBack(run: Run<T>): Promise<void> {
    const { term, items } = this.#parts;
    run.term.end();
    await run.term.settled(term.signal);
    if (term.signal.aborted) return;
    await this.#insist(run, (item) =>
      items.assign(item, { session: undefined, epoch: item.assignment.epoch, revoked: false }, term),
    );
  }

  /** Repeats a write until it has taken effect, or the item is no longer this run's. Rejects where the server takes no such write. */
  async #insist(run: Run<T>, write: (item: WorkItem<T>) => Promise<unknown>): Promise<void> {
    const { term, clock, timings, log } = this.#parts;
    for (let item: WorkItem<T> | undefined = run.item; item && this.#isOf(run, item);) {
      try {
        await write(item);
        return;
      } catch (error) {
        if (isIncumbentError(error, 'AUTHORITY_LOST')) return;
        if (isInvalid(error)) throw error;
        const isStale = isConflict(error) || isNotFound(error);
        if (!isStale) log.warn({ err: error, item: item.id }, `Not recorded yet: ${item.id}.`);
        if (!isStale) await sleep(clock, timings.retryPeriod);
        item = await this.#reread(item);
      }
      if (term.remaining() <= 0) return;
    }
  }

  async #reread(item: WorkItem<T>): Promise<WorkItem<T> | undefined> {
    const { items, timings } = this.#parts;
    try {
      return await items.read(item.id, { timeout: timings.attemptTimeout });
    } catch (error) {
      this.#parts.log.debug({ err: error, item: item.id }, 'an item could not be read');
      return item;
    }
  }

  #isOf({ item: { idempotencyKey }, term }: Run<T>, item: WorkItem<T>): boolean {
    const { session, epoch } = item.assignment;
    const same = item.idempotencyKey === idempotencyKey && epoch === term.number;
    return same && session === this.#parts.session && !item.done;
  }
}
