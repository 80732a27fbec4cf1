/** Keeps account of the items: what is done, by whom, and whether any result came twice. */
import type { DeepReadonly } from '@incumbent/core';
import { SESSION_LABEL } from '@incumbent/election';
import { type WorkItem, isDone } from '../work-item.js';

type ReadonlyItem = DeepReadonly<WorkItem>;

export interface Counts {
  readonly done: number;
  /** Assigned and not done. */
  readonly working: number;
  /** Not assigned yet. */
  readonly waiting: number;
  /** Done in a later than their first assignment. */
  readonly reassigned: number;
  /** Recorded more than once, or changed after they were done. */
  readonly countedTwice: number;
  /** Done with another result than they should have. */
  readonly wrong: number;
}

export interface MemberCounts {
  readonly working: number;
  readonly done: number;
}

export class Tally {
  readonly #expected: ReadonlyMap<string, string>;
  readonly #items = new Map<string, ReadonlyItem>();
  readonly #members = new Map<string, { working: number; done: number }>();
  #counts = { done: 0, working: 0, waiting: 0, reassigned: 0, countedTwice: 0, wrong: 0 };

  /** `expected`: the right result of each item, by name. */
  constructor(expected: ReadonlyMap<string, string>) {
    this.#expected = expected;
  }

  get counts(): Counts {
    return this.#counts;
  }

  /** Items that were never seen, or are gone. */
  get missing(): number {
    return this.#expected.size - this.#items.size;
  }

  /** By the pod: what all its sessions have and did. */
  of(pod: string): MemberCounts {
    return this.#members.get(pod) ?? { working: 0, done: 0 };
  }

  see(item: ReadonlyItem): void {
    const { name } = item.metadata;
    const before = this.#items.get(name);
    if (before) this.#count(before, -1);
    this.#items.set(name, item);
    this.#count(item, 1);
    if (before && isDone(before) && JSON.stringify(before.status) !== JSON.stringify(item.status))
      this.#counts.countedTwice++;
  }

  gone(name: string): void {
    const before = this.#items.get(name);
    if (before) this.#count(before, -1);
    this.#items.delete(name);
  }

  #count(item: ReadonlyItem, by: 1 | -1): void {
    const { metadata, status } = item;
    const session = metadata.labels?.[SESSION_LABEL];
    const done = isDone(item);
    this.#counts[done ? 'done' : session ? 'working' : 'waiting'] += by;
    if (done && (status?.assignment ?? 1) > 1) this.#counts.reassigned += by;
    if (done && status?.sha256 !== this.#expected.get(metadata.name)) this.#counts.wrong += by;
    const member = done ? status?.member : session;
    if (member) this.#memberOf(member)[done ? 'done' : 'working'] += by;
  }

  #memberOf(name: string): { working: number; done: number } {
    const pod = podOf(name);
    const counts = this.#members.get(pod) ?? { working: 0, done: 0 };
    this.#members.set(pod, counts);
    return counts;
  }
}

/** A member is named after its pod, with something that tells its processes apart; a session after its member, with a number. */
export function podOf(name: string): string {
  return name.replace(/\.\d+$/, '').replace(/-[^-]*$/, '');
}
