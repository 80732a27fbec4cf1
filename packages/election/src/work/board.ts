import { isLowerToken } from '../term/token.js';
import type { Assignment, ItemNews, WorkItem } from './assignment.js';
import { ItemQueue } from './item-queue.js';
import { type Member, place, surplus } from './placement.js';

/** A write that the leader should send. */
export interface Move<T> {
  readonly item: WorkItem<T>;
  readonly assignment: Assignment;
}

/** The items of a session, or those that wait. */
type Place = Set<string> | ItemQueue;

interface Entry<T> {
  item: WorkItem<T>;
  place: Place | undefined;
  /** A write is under way. Until its outcome is known the entry stays where that would put it. */
  busy: boolean;
}

/**
 * What the leader knows of the unfinished items, and what is to be done next: no I/O, no clock.
 *
 * An item belongs to the session in its assignment until that gives it back or is {@link endSession | over}. Items that have lost
 * their session go first; the others wait in the order in which they were seen.
 */
export class Board<T> {
  readonly #entries = new Map<string, Entry<T>>();
  /** Of each session its items. */
  readonly #sessions = new Map<string, Set<string>>();
  /** Nobody's, but somebody's before: goes first. */
  readonly #orphans = new ItemQueue();
  readonly #waiting = new ItemQueue();
  readonly #over = new Set<string>();
  /** Items to ask back. */
  readonly #unwanted = new Set<string>();
  #members: readonly Member[] = [];

  /** Unfinished items that nobody has. */
  get waiting(): number {
    return this.#orphans.size + this.#waiting.size;
  }

  /** Sessions that have unfinished items. */
  get sessions(): readonly string[] {
    return [...this.#sessions.keys()].filter((session) => this.#load(session) > 0);
  }

  /** From the watch. What the answer to a write has told is not unlearnt by what was on its way before. */
  hear(news: ItemNews<T>): void {
    if (news.type === 'gone') this.#remove(news.id);
    else if (news.type === 'changed') this.#learn(news.item);
    else this.#replace(news.items);
  }

  /** The outcome of a {@link Move}: what the item is now, or undefined where it is gone. */
  moved(id: string, item: WorkItem<T> | undefined): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    entry.busy = false;
    if (!item) return this.#remove(id);
    this.#put(isLowerToken(item.version, entry.item.version) ? entry.item : item);
  }

  /** Those who take work now. When somebody joins, what others then have too much of is asked back. */
  setMembers(members: readonly Member[]): void {
    const before = new Map(this.#members.map(({ session, capacity }) => [session, capacity]));
    this.#members = members;
    if (members.some(({ session, capacity }) => capacity > (before.get(session) ?? 0))) this.#rebalance();
  }

  /** Nobody works in it any more, nor will: its items are given to others. */
  endSession(session: string): void {
    this.#over.add(session);
    for (const id of this.#sessions.get(session) ?? []) this.#put((this.#entries.get(id) as Entry<T>).item);
    if (this.#load(session) === 0) this.#sessions.delete(session);
  }

  /** The next write to send, if there is one. It counts as under way until {@link moved}. */
  next(): Move<T> | undefined {
    return this.#nextRevocation() ?? this.#nextAssignment();
  }

  #nextRevocation(): Move<T> | undefined {
    for (const id of this.#unwanted) {
      const entry = this.#entries.get(id);
      if (entry?.busy) continue;
      this.#unwanted.delete(id);
      if (!entry || entry.place instanceof ItemQueue || entry.item.assignment.revoked) continue;
      entry.busy = true;
      return { item: entry.item, assignment: { ...entry.item.assignment, revoked: true } };
    }
    return undefined;
  }

  #nextAssignment(): Move<T> | undefined {
    const id = this.#orphans.first ?? this.#waiting.first;
    const entry = id === undefined ? undefined : this.#entries.get(id);
    if (!entry) return undefined;
    const { item } = entry;
    const load = (session: string): number => this.#load(session);
    const member = place(item.id, this.#members, { load, total: this.#shared() });
    if (!member) return undefined;
    this.#move(entry, this.#itemsOf(member.session));
    entry.busy = true;
    const { session } = member;
    return { item, assignment: { session, epoch: item.assignment.epoch + 1, revoked: false } };
  }

  /** Items to share among the members: what dead ones still have is not. */
  #shared(): number {
    return this.#members.reduce((sum, { session }) => sum + this.#load(session), this.waiting);
  }

  #rebalance(): void {
    const held = new Map(this.#members.map(({ session }) => [session, this.#staying(session)]));
    const staying = [...held.values()].reduce((sum, { length }) => sum + length, 0);
    for (const id of surplus(this.#members, held, this.#shared() - staying)) this.#unwanted.add(id);
  }

  #staying(session: string): string[] {
    return [...(this.#sessions.get(session) ?? [])].filter(
      (id) => !this.#unwanted.has(id) && !this.#entries.get(id)?.item.assignment.revoked,
    );
  }

  #replace(items: readonly WorkItem<T>[]): void {
    const ids = new Set(items.map(({ id }) => id));
    for (const id of this.#entries.keys()) if (!ids.has(id)) this.#remove(id);
    for (const item of items) this.#put(item);
  }

  #learn(item: WorkItem<T>): void {
    const known = this.#entries.get(item.id)?.item;
    if (!known || !isLowerToken(item.version, known.version)) this.#put(item);
  }

  #put(item: WorkItem<T>): void {
    if (item.done) return this.#remove(item.id);
    const known = this.#entries.get(item.id);
    if (known) known.item = item;
    if (known?.busy) return;
    this.#move(known ?? this.#add(item), this.#placeOf(item));
  }

  #placeOf({ assignment: { session, epoch } }: WorkItem<T>): Place {
    if (session !== undefined && !this.#over.has(session)) return this.#itemsOf(session);
    return epoch > 0 ? this.#orphans : this.#waiting;
  }

  #itemsOf(session: string): Set<string> {
    const items = this.#sessions.get(session) ?? new Set<string>();
    this.#sessions.set(session, items);
    return items;
  }

  #add(item: WorkItem<T>): Entry<T> {
    const entry: Entry<T> = { item, place: undefined, busy: false };
    this.#entries.set(item.id, entry);
    return entry;
  }

  #remove(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    entry.place?.delete(id);
    this.#entries.delete(id);
    this.#unwanted.delete(id);
  }

  #move(entry: Entry<T>, to: Place): void {
    if (entry.place === to) return;
    entry.place?.delete(entry.item.id);
    entry.place = to;
    to.add(entry.item.id);
  }

  #load(session: string): number {
    return this.#sessions.get(session)?.size ?? 0;
  }
}
