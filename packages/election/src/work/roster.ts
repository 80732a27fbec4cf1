import {
  type Authority,
  type Clock,
  Lease,
  type Logger,
  type Random,
  Reflector,
  isConflict,
  isNotFound,
} from '@incumbent/core/client';
import { type GatheredEvent, Gathering } from '../lease/gathering.js';
import { fingerprintOf, recordOf } from '../lease/lease-record.js';
import { GROUP_LABEL, capacityOf } from './member-lease.js';
import type { Member } from './placement.js';
import { Problems } from './problems.js';
import {
  type Sighting,
  type Verdict,
  endedBefore,
  isReleased,
  judge,
  memberOf,
  sessionOf,
  termOf,
} from './session.js';
import type { WorkClient } from './work-client.js';

export interface RosterParts {
  readonly client: WorkClient;
  readonly group: string;
  readonly namespace: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Milliseconds: for members whose Lease is gone, or says nothing. */
  readonly leaseDuration: number;
  readonly attemptTimeout: number;
  /** Called after each change. */
  readonly onChange: () => void;
}

interface Entry extends Sighting {
  /** Of a Lease that is gone: how it was last seen. */
  readonly last: Sighting | undefined;
  /** Terms of the member below this one are over, whatever is seen later. */
  readonly endedBefore: number;
}

/** Lease durations for which a Lease that is gone is remembered. Later it counts as one that was never seen: that costs time only. */
const REMEMBERED = 10;

/** Who is in the group: the Leases of its members, each with how long it has been as it is. */
export class Roster {
  readonly #parts: RosterParts;
  /** By the name of the Lease. */
  readonly #entries = new Map<string, Entry>();
  readonly #problems: Problems;
  #synced = false;

  constructor(parts: RosterParts) {
    this.#parts = parts;
    this.#problems = new Problems(parts.log);
  }

  /** Whether all members have been seen once. */
  get synced(): boolean {
    return this.#synced;
  }

  /** Sessions that are held, as far as can be known here. */
  get members(): readonly Member[] {
    return this.#leases().flatMap((lease) => {
      const session = this.#sessionOf(lease);
      return this.verdictOn(session).kind === 'live' ? [{ session, capacity: capacityOf(lease) }] : [];
    });
  }

  /** Leases that nobody needs any more: of members that left, or that died. */
  get remains(): readonly Lease[] {
    return this.#leases().filter(
      (lease) => isReleased(lease) || this.verdictOn(this.#sessionOf(lease)).kind === 'expired',
    );
  }

  /** When the next verdict changes by itself, on the monotonic clock. */
  get nextChange(): number {
    const { leaseDuration, clock } = this.#parts;
    const now = clock.monotonic();
    const ends = [...this.#entries.values()].map(
      ({ lease, since }) => since + ((lease && recordOf(lease).duration) ?? leaseDuration),
    );
    return Math.min(...ends.filter((end) => end > now));
  }

  verdictOn(session: string): Verdict {
    const { leaseDuration, clock } = this.#parts;
    const now = clock.monotonic();
    const entry = this.#entryOf(this.#leaseOf(session), now);
    if (termOf(session) < entry.endedBefore) return { kind: 'over' };
    return judge(session, entry, { leaseDuration, now });
  }

  /** Observes until `signal` aborts. */
  run(signal: AbortSignal): Promise<void> {
    const { client, namespace, group, clock, random, log } = this.#parts;
    const selector = { namespace, labelSelector: `${GROUP_LABEL}=${group}` };
    const reflector = new Reflector({ resource: Lease, reader: client, clock, random, selector, log });
    const gathering = new Gathering<Lease, Lease>(({ object }) => object);
    return reflector.run(signal, (event) => {
      const gathered = gathering.take(event);
      if (gathered) this.#hear(gathered);
    });
  }

  /** Deletes the Lease if it is still this version, and so ends what was held with it. Otherwise sees how it is now. */
  async evict(lease: Lease, authority: Authority): Promise<void> {
    const { client, namespace, attemptTimeout, log } = this.#parts;
    const { name, uid, resourceVersion } = lease.metadata;
    try {
      await client
        .under(authority)
        .delete(
          Lease,
          { namespace, name },
          { preconditions: { uid, resourceVersion }, timeout: attemptTimeout },
        );
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) throw error;
      await this.#read(name);
      return;
    }
    this.#lost(name);
    if (!isReleased(lease))
      log.info(
        { member: this.#memberNamed(name) },
        `${this.#memberNamed(name)} is gone: its items are given to others.`,
      );
    this.#end(name, recordOf(lease).transitions);
  }

  /** Reads a member's Lease past the watch. Where there is none, a session that is `missing` is over. */
  async probe(session: string): Promise<void> {
    const name = this.#leaseOf(session);
    const isMissing = this.verdictOn(session).kind === 'missing';
    if (!(await this.#read(name)) && isMissing) this.#end(name, termOf(session));
  }

  async #read(name: string): Promise<Lease | undefined> {
    const { client, namespace, attemptTimeout, onChange } = this.#parts;
    try {
      const lease = await client.get(Lease, { namespace, name }, { timeout: attemptTimeout });
      this.#see(lease);
      return lease;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      this.#lost(name);
      return undefined;
    } finally {
      onChange();
    }
  }

  #hear(event: GatheredEvent<Lease, Lease>): void {
    if (event.type === 'failed')
      return this.#problems.tell('The members of the group could not be read', event.error);
    if (event.type === 'applied') this.#see(event.object);
    else if (event.type === 'deleted') this.#deleted(event.object);
    else this.#replace(event.items);
    this.#problems.over();
    this.#parts.onChange();
  }

  #replace(leases: readonly Lease[]): void {
    const names = new Set(leases.map(({ metadata }) => metadata.name));
    for (const name of this.#entries.keys()) if (!names.has(name)) this.#lost(name);
    for (const lease of leases) this.#see(lease);
    this.#synced = true;
  }

  /** The event shows how the Lease was in the end. If that is how it had been for long, its member is as dead as before. */
  #deleted(last: Lease): void {
    const { name } = last.metadata;
    const now = this.#parts.clock.monotonic();
    const { since } = this.#seen(this.#entryOf(name, now), last, now);
    this.#lost(name, since);
    this.#forgetOld();
  }

  #see(lease: Lease): void {
    const { name } = lease.metadata;
    const now = this.#parts.clock.monotonic();
    this.#entries.set(name, this.#seen(this.#entryOf(name, now), lease, now));
  }

  /** A record that was seen before goes on counting from then. */
  #seen(before: Entry, lease: Lease, now: number): Entry {
    const known = before.lease ? before : before.last;
    const same = known?.lease && fingerprintOf(known.lease) === fingerprintOf(lease);
    const ended = endedBefore(this.#memberNamed(lease.metadata.name), lease);
    return {
      lease,
      since: same ? known.since : now,
      endedBefore: Math.max(before.endedBefore, ended),
      last: undefined,
    };
  }

  /** The Lease is gone. Without better knowledge its member may act for as long as if it had just been renewed. */
  #lost(name: string, since = this.#parts.clock.monotonic()): void {
    const before = this.#entryOf(name, since);
    if (!before.lease && before.since <= since) return;
    const last = before.lease ? before : before.last;
    this.#entries.set(name, { ...before, lease: undefined, since, last });
  }

  #end(name: string, term: number): void {
    const before = this.#entryOf(name, this.#parts.clock.monotonic());
    this.#entries.set(name, { ...before, endedBefore: Math.max(before.endedBefore, term + 1) });
    this.#parts.onChange();
  }

  #forgetOld(): void {
    const { clock, leaseDuration } = this.#parts;
    const old = clock.monotonic() - REMEMBERED * leaseDuration;
    for (const [name, { lease, since }] of this.#entries)
      if (!lease && since < old) this.#entries.delete(name);
  }

  /** A Lease that was never seen counts as gone from the moment on at which it was first asked for. */
  #entryOf(name: string, now: number): Entry {
    const entry = this.#entries.get(name) ?? {
      lease: undefined,
      since: now,
      endedBefore: 0,
      last: undefined,
    };
    this.#entries.set(name, entry);
    return entry;
  }

  #leases(): Lease[] {
    return [...this.#entries.values()].flatMap(({ lease }) => lease ?? []);
  }

  #sessionOf(lease: Lease): string {
    return sessionOf(this.#memberNamed(lease.metadata.name), recordOf(lease).transitions);
  }

  #leaseOf(session: string): string {
    return leaseName(this.#parts.group, memberOf(session));
  }

  #memberNamed(lease: string): string {
    return lease.slice(this.#parts.group.length + 1);
  }
}

/** Name of the Lease of a member. */
export function leaseName(group: string, member: string): string {
  return `${group}-${member}`;
}
