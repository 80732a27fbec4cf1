import { type DeepReadonly, formatKey, type KubernetesObject, type ObjectMeta } from '../api/object.js';
import { compareResourceVersions, reaches } from '../api/resource-version.js';
import { IncumbentError } from '../kit/error.js';
import type { Cached } from './cached.js';
import { changesBetween, type StoredChange } from './change.js';
import { Index, type Indexer } from './indexer.js';
import { type Deleted, OwnWrites } from './own-writes.js';
import { PlainStoredObject, type StoredObject } from './stored-object.js';

/** An object on its way into the store. */
export interface Arrival<T extends KubernetesObject> {
  readonly metadata: DeepReadonly<ObjectMeta>;
  /** Asked for only when it is news. */
  store(): StoredObject<T>;
}

export interface StoreOptions {
  /** An indexer threw: the object is then not found by that index. */
  readonly onIndexerError: (name: string, key: string, error: unknown) => void;
}

interface KnownIndex<T extends KubernetesObject> {
  readonly indexer: unknown;
  readonly index: Index<T>;
}

/** Not a name that a user would give an index. */
const BY_NAMESPACE = 'incumbent.dev/namespace';

/**
 * The objects by key, and by the values of their indexes.
 *
 * Two views of one set: what the watch has delivered, from which changes are told, and over it our own writes, which readers see
 * at once. A write that was noted is still told as a change when the watch delivers it.
 *
 * A list is taken in item by item: what it tells of is news at once, what it does not tell of is gone at its end.
 */
export class Store<T extends KubernetesObject> {
  /** What the watch has delivered. */
  readonly #delivered = new Map<string, StoredObject<T>>();
  readonly #ownWrites = new OwnWrites<T>();
  /** Of what readers see, not of what was delivered. */
  readonly #indexes = new Map<string, KnownIndex<T>>();
  readonly #options: StoreOptions;
  /** The keys that the list under way has not told of yet. */
  #unlisted = new Set<string>();
  #version: string | undefined;

  constructor(options: StoreOptions) {
    this.#options = options;
  }

  /** The version up to which everything is in here, `undefined` before the first list. */
  get version(): string | undefined {
    return this.#version;
  }

  get(key: string): StoredObject<T> | undefined {
    const delivered = this.#delivered.get(key);
    return this.#ownWrites.size === 0 ? delivered : this.#ownWrites.over(key, delivered);
  }

  *entries(): Generator<[string, StoredObject<T>]> {
    for (const key of this.#delivered.keys()) {
      const object = this.get(key);
      if (object !== undefined) yield [key, object];
    }
    for (const key of this.#ownWrites.keys()) {
      const object = this.#delivered.has(key) ? undefined : this.get(key);
      if (object !== undefined) yield [key, object];
    }
  }

  /** What the watch has delivered: the state that handlers know. */
  get delivered(): ReadonlyMap<string, StoredObject<T>> {
    return this.#delivered;
  }

  /** An event of the watch: the object is new or changed. */
  apply(arrival: Arrival<T>): StoredChange<T>[] {
    this.#version = arrival.metadata.resourceVersion;
    return this.#deliver(arrival.metadata, arrival);
  }

  /** An event of the watch: the object is gone. Its version is that of the deletion. */
  remove(metadata: DeepReadonly<ObjectMeta>): StoredChange<T>[] {
    this.#version = metadata.resourceVersion;
    return this.#deliver(metadata, undefined);
  }

  /** A list begins. */
  listing(): void {
    this.#unlisted = new Set(this.#delivered.keys());
  }

  /** The list has this object. */
  list(arrival: Arrival<T>): StoredChange<T>[] {
    return this.#deliver(arrival.metadata, arrival);
  }

  /** While the list arrives, changes are told of as well: the object is gone. */
  unlist(metadata: DeepReadonly<ObjectMeta>): StoredChange<T>[] {
    return this.#deliver(metadata, undefined);
  }

  /** The list has told everything: takes out one by one what it did not have. To be gone through before {@link listed}. */
  *sweep(): Generator<StoredChange<T>[]> {
    for (const key of this.#unlisted) {
      const before = this.#delivered.get(key);
      this.#delivered.delete(key);
      this.#reindex(key);
      yield changesBetween<T>(key, before, undefined);
    }
    this.#unlisted.clear();
  }

  /** The list is complete, as of `version`. */
  listed(version: string): void {
    // A version older than before: etcd was restored, and what we wrote since is gone with the rest.
    const isOlder = this.#version !== undefined && (compareResourceVersions(version, this.#version) ?? 0) < 0;
    const over = isOlder ? [...this.#ownWrites.keys()] : [];
    if (isOlder) this.#ownWrites.clear();
    for (const key of over) this.#reindex(key);
    this.progress(version);
  }

  /** The watch has delivered everything up to `version`. */
  progress(version: string): void {
    this.#version = version;
    if (this.#ownWrites.size === 0) return;
    for (const key of this.#ownWrites.caughtUp(version, (each) => this.#delivered.get(each)))
      this.#reindex(key);
  }

  /** The answer to one of our own writes. Readers see it from now on, until the watch has delivered it or something newer. */
  noteWritten(object: Cached<T>): void {
    const stored = new PlainStoredObject<T>(object);
    if (reaches(this.#version, stored.metadata.resourceVersion)) return;
    this.#note(keyIn(stored.metadata), (key) => this.#ownWrites.written(key, stored));
  }

  /** As {@link noteWritten}, of an object that is not to be in here any more since that write. */
  noteLeft(metadata: Pick<ObjectMeta, 'name' | 'namespace' | 'uid' | 'resourceVersion'>): void {
    if (reaches(this.#version, metadata.resourceVersion)) return;
    this.#note(keyIn(metadata), (key) => this.#ownWrites.left(key, metadata));
  }

  /** The server accepted that we delete the object. Readers don't see it until the watch tells what became of it. */
  noteDeleted(key: string, deleted?: Deleted): void {
    const known = this.get(key)?.metadata;
    const uid = deleted?.uid ?? known?.uid;
    if (uid === undefined) return;
    const isCertain = deleted?.resourceVersion !== undefined;
    // Deleting what is terminating already changes nothing: no event would tell that it is still there.
    if (!isCertain && known?.uid === uid && known.deletionTimestamp !== undefined) return;
    const resourceVersion =
      deleted?.resourceVersion ?? (known?.uid === uid ? known.resourceVersion : undefined);
    if (!this.#isOldNews(key, { uid, resourceVersion })) {
      this.#note(key, () => this.#ownWrites.deleted(key, { uid, resourceVersion }));
    }
  }

  /**
   * Adds an index. The same indexer under the same name again is no matter.
   *
   * @throws {@link IncumbentError} `INDEX_CONFLICT` when the name is taken by another indexer
   */
  addIndex(name: string, indexer: Indexer<T>): void {
    const known = this.#indexes.get(name);
    if (known?.indexer === indexer) return;
    if (known)
      throw new IncumbentError(
        'INDEX_CONFLICT',
        `The index "${name}" is there already, with another indexer.`,
      );
    this.#addIndex(name, indexer, (stored) => indexer(stored.object));
  }

  /** @throws {@link IncumbentError} `INDEX_UNKNOWN` */
  byIndex(name: string, value: string): StoredObject<T>[] {
    const known = this.#indexes.get(name);
    if (!known)
      throw new IncumbentError(
        'INDEX_UNKNOWN',
        `There is no index "${name}": give it with the informer's options.`,
      );
    return Array.from(known.index.keys(value), (key) => this.get(key) as StoredObject<T>);
  }

  /** By an index that is built when it is first asked for. */
  inNamespace(namespace: string): StoredObject<T>[] {
    if (!this.#indexes.has(BY_NAMESPACE))
      this.#addIndex(BY_NAMESPACE, undefined, ({ metadata }) => [metadata.namespace ?? '']);
    return this.byIndex(BY_NAMESPACE, namespace);
  }

  /** Lets go of everything. */
  clear(): void {
    for (const stored of this.#delivered.values()) stored.release();
    this.#delivered.clear();
    this.#ownWrites.clear();
    this.#unlisted.clear();
    for (const { index } of this.#indexes.values()) index.clear();
  }

  #addIndex(name: string, indexer: unknown, valuesOf: (stored: StoredObject<T>) => readonly string[]): void {
    const index = new Index<T>((stored) => {
      try {
        return valuesOf(stored);
      } catch (error) {
        this.#options.onIndexerError(name, keyIn(stored.metadata), error);
        return [];
      }
    });
    this.#indexes.set(name, { indexer, index });
    for (const [key, object] of this.entries()) index.set(key, object);
  }

  /** Whether the watch has delivered that deletion: it has come to where the object was, and the object is not there. */
  #isOldNews(key: string, { uid, resourceVersion }: Deleted): boolean {
    const isThere = this.#delivered.get(key)?.metadata.uid === uid;
    return !isThere && resourceVersion !== undefined && reaches(this.#version, resourceVersion);
  }

  /** What is unchanged stays the very object that handlers know. */
  #deliver(metadata: DeepReadonly<ObjectMeta>, arrival: Arrival<T> | undefined): StoredChange<T>[] {
    const key = keyIn(metadata);
    const before = this.#delivered.get(key);
    const after = arrival && before && isSame(before.metadata, metadata) ? before : arrival?.store();
    if (after === undefined) this.#delivered.delete(key);
    else if (after !== before) this.#delivered.set(key, after);
    this.#unlisted.delete(key);
    this.#ownWrites.delivered(key, metadata, after === undefined);
    this.#reindex(key);
    return changesBetween<T>(key, before, after);
  }

  #note(key: string, note: (key: string) => void): void {
    note(key);
    this.#reindex(key);
  }

  #reindex(key: string): void {
    for (const { index } of this.#indexes.values()) index.set(key, this.get(key));
  }
}

function isSame(a: DeepReadonly<ObjectMeta>, b: DeepReadonly<ObjectMeta>): boolean {
  return a.uid === b.uid && a.resourceVersion === b.resourceVersion;
}

function keyIn(metadata: { readonly name: string; readonly namespace?: string }): string {
  return formatKey(metadata);
}
