/** Items of work, and who is to process them. What the work is, nobody here knows. */
import type { Authority, Clock, Logger, Random } from '@incumbent/core/client';
import type { AttemptOptions } from '../lease/lease-port.js';

/** Stored with the item itself, so that there is one for each item, and that one write changes it. */
export interface Assignment {
  /** Whose it is: see {@link sessionOf}. Undefined: nobody's. */
  readonly session: string | undefined;
  /** Counts how often the item was assigned. Never goes back, so that a later assignment can be told from an earlier one. */
  readonly epoch: number;
  /** The member is asked to end its work on the item, or not to begin. It stays the member's until that gives it back. */
  readonly revoked: boolean;
}

export const UNASSIGNED: Assignment = { session: undefined, epoch: 0, revoked: false };

/** An item as it was at one version. */
export interface WorkItem<T> {
  readonly id: string;
  /** The same for each attempt at this item, and never again for another: for effects that must happen once. */
  readonly idempotencyKey: string;
  readonly version: string;
  readonly done: boolean;
  readonly assignment: Assignment;
  readonly value: T;
}

export type ItemNews<T> =
  /** All there are: what is not among them is gone. */
  | { readonly type: 'replaced'; readonly items: readonly WorkItem<T>[] }
  | { readonly type: 'changed'; readonly item: WorkItem<T> }
  | { readonly type: 'gone'; readonly id: string };

export interface FollowOptions {
  /** Only the items that are assigned to it. Undefined: all. */
  readonly session: string | undefined;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/**
 * Where items and their assignments are kept: a port. {@link ResourceItems} keeps them as Kubernetes objects.
 *
 * Each write is conditional on the version of the item that it is given, and rejects with a conflict (`ApiError`, 409) when that is
 * no longer the stored one. All safety of a work group rests on this.
 */
export interface WorkItems<T, Result> {
  /** What there is, then every change, until the signal aborts. Retries what fails. */
  follow(options: FollowOptions, listener: (news: ItemNews<T>) => void): Promise<void>;
  /** The newest state, never a cached one; undefined where there is no such item. */
  read(id: string, options: AttemptOptions): Promise<WorkItem<T> | undefined>;
  assign(item: WorkItem<T>, assignment: Assignment, authority: Authority): Promise<WorkItem<T>>;
  /** Writes the result, by which the item is done. */
  finish(item: WorkItem<T>, result: Result, authority: Authority): Promise<WorkItem<T>>;
}
