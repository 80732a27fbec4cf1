/** The objects of one resource, in the order of their keys, with the recent changes to them. */
import type { JsonObject } from '../object/json.js';

/** One version of one object; never changed once it is here. */
export interface Stored {
  /** `GROUP/PLURAL` of its collection. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly object: JsonObject;
  readonly revision: number;
}

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  /** The new state; of a deletion the last state, with the revision of the deletion. */
  readonly stored: Stored;
  readonly previous: Stored | undefined;
}

/** `NAMESPACE/NAME`, or `NAME` of a cluster-scoped object: the order of lists. */
export function keyOf({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}

export class Collection {
  readonly resource: string;
  readonly #objects = new Map<string, Stored>();
  readonly #subscribers = new Set<(change: Change) => void>();
  readonly #limit: number;
  #changes: Change[] = [];
  #forgotten = 0;
  #sorted: string[] | undefined;
  #snapshot: { readonly revision: number; readonly items: readonly Stored[] } | undefined;

  constructor(resource: string, history: number) {
    this.resource = resource;
    this.#limit = history;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(namespace: string, name: string): Stored | undefined {
    return this.#objects.get(keyOf({ namespace, name }));
  }

  /** All objects, or those of one namespace, by key. */
  list(namespace = ''): readonly Stored[] {
    this.#sorted ??= [...this.#objects.keys()].sort(byKey);
    const items: Stored[] = [];
    for (const key of this.#sorted) {
      const stored = this.#objects.get(key);
      if (stored !== undefined && (namespace === '' || stored.namespace === namespace)) items.push(stored);
    }
    return items;
  }

  /** The objects as they were right after `revision`; undefined if that is forgotten. */
  listAt(revision: number): readonly Stored[] | undefined {
    if (revision < this.#forgotten) return undefined;
    if (this.#snapshot?.revision === revision) return this.#snapshot.items;
    const objects = new Map(this.#objects);
    for (const change of this.changesSince(revision)?.toReversed() ?? []) {
      if (change.previous === undefined) objects.delete(keyOf(change.stored));
      else objects.set(keyOf(change.stored), change.previous);
    }
    const items = [...objects.values()].sort((a, b) => byKey(keyOf(a), keyOf(b)));
    this.#snapshot = { revision, items };
    return items;
  }

  /** The changes after `revision`, oldest first; undefined if some of them are forgotten. */
  changesSince(revision: number): readonly Change[] | undefined {
    if (revision < this.#forgotten) return undefined;
    return this.#changes.slice(firstAfter(this.#changes, revision));
  }

  /** Changes are remembered after this revision. */
  get forgotten(): number {
    return this.#forgotten;
  }

  forget(revision: number): void {
    this.#changes = [];
    this.#snapshot = undefined;
    this.#forgotten = revision;
  }

  subscribe(listener: (change: Change) => void): () => void {
    this.#subscribers.add(listener);
    return () => this.#subscribers.delete(listener);
  }

  apply(change: Change): void {
    const key = keyOf(change.stored);
    if (change.type === 'DELETED') this.#objects.delete(key);
    else this.#objects.set(key, change.stored);
    if (change.type !== 'MODIFIED') this.#sorted = undefined;
    this.#remember(change);
    for (const subscriber of this.#subscribers) subscriber(change);
  }

  #remember(change: Change): void {
    this.#changes.push(change);
    // Trimmed by half at a time, so that a write does not pay for the length of the history.
    if (this.#changes.length <= this.#limit * 2) return;
    const dropped = this.#changes.length - this.#limit;
    this.#forgotten = this.#changes[dropped - 1]?.stored.revision ?? this.#forgotten;
    this.#changes = this.#changes.slice(dropped);
  }
}

function byKey(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function firstAfter(changes: readonly Change[], revision: number): number {
  let low = 0;
  let high = changes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((changes[middle]?.stored.revision ?? 0) > revision) high = middle;
    else low = middle + 1;
  }
  return low;
}
