import { type DeepReadonly, formatKey, type KubernetesObject, type ObjectMeta } from '../api/object.js';
import { compareResourceVersions, reaches } from '../api/resource-version.js';
import { IncumbentError } from '../kit/error.js';
import { type Cached, metaOf } from './cached.js';
import { type Change, changesBetween } from './change.js';
import { Index, type Indexer } from './indexer.js';
import { type Deleted, OwnWrites } from './own-writes.js';

/**
 * The objects by key, and by the values of their indexes.
 *
 * Two views of one set: what the watch has delivered, from which changes are told, and over it our own writes, which readers see
 * at once. A write that was noted is still told as a change when the watch delivers it.
 */
export class Store<T extends KubernetesObject> {
  /** What the watch has delivered. */
  #delivered = new Map<string, Cached<T>>();
  readonly #ownWrites = new OwnWrites<T>();
  /** Of what readers see, not of what was delivered. */
  readonly #indexes = new Map<string, { readonly indexer: Indexer<T>; readonly index: Index<T> }>();
  readonly #onIndexerError: (name: string, key: string, error: unknown) => void;
  #version: string | undefined;

  /** An indexer that throws is told to `onIndexerError`; the object is then not found by that index. */
  constructor(onIndexerError: (name: string, key: string, error: unknown) => void) {
    this.#onIndexerError = onIndexerError;
  }

  /** The version up to which everything is in here, `undefined` before the first list. */
  get version(): string | undefined {
    return this.#version;
  }

  get(key: string): Cached<T> | undefined {
    const delivered = this.#delivered.get(key);
    return this.#ownWrites.size === 0 ? delivered : this.#ownWrites.over(key, delivered);
  }

  *entries(): Generator<[string, Cached<T>]> {
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
  delivered(): Iterable<Cached<T>> {
    return this.#delivered.values();
  }

  /** An event of the watch: the object is new or changed. */
  apply(object: Cached<T>): Change<T>[] {
    return this.#deliver(metaOf<T>(object), object);
  }

  /** An event of the watch: the object is gone. Its version is that of the deletion. */
  remove(object: Cached<T>): Change<T>[] {
    return this.#deliver(metaOf<T>(object), undefined);
  }

  /** A new list: everything that is not in it is gone. */
  replace(objects: readonly Cached<T>[], version: string): Change<T>[] {
    const before = this.#delivered;
    const known = this.#indexes.size > 0 ? [...before.keys(), ...this.#ownWrites.keys()] : [];
    this.#delivered = new Map(objects.map((object) => this.#merged(object)));
    // A version older than before: etcd was restored, and what we wrote since is gone with the rest.
    if (this.#version !== undefined && (compareResourceVersions(version, this.#version) ?? 0) < 0)
      this.#ownWrites.clear();
    this.#ownWrites.caughtUp(version, (key) => this.#delivered.get(key));
    this.#version = version;
    for (const { index } of this.#indexes.values()) this.#rebuild(index, known);
    return this.#differences(before);
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
    const metadata = metaOf<T>(object);
    if (reaches(this.#version, metadata.resourceVersion)) return;
    this.#note(keyIn(metadata), (key) => this.#ownWrites.written(key, object));
  }

  /** As {@link noteWritten}, of an object that is not to be in here any more since that write. */
  noteLeft(metadata: Pick<ObjectMeta, 'name' | 'namespace' | 'uid' | 'resourceVersion'>): void {
    if (reaches(this.#version, metadata.resourceVersion)) return;
    this.#note(keyIn(metadata), (key) => this.#ownWrites.left(key, metadata));
  }

  /** The server accepted that we delete the object. Readers don't see it until the watch tells what became of it. */
  noteDeleted(key: string, deleted?: Deleted): void {
    const visible = this.get(key);
    const known = visible && metaOf<T>(visible);
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
    const index = new Index((object: Cached<T>) => this.#valuesOf(name, indexer, object));
    this.#indexes.set(name, { indexer, index });
    this.#rebuild(index, []);
  }

  /** @throws {@link IncumbentError} `INDEX_UNKNOWN` */
  byIndex(name: string, value: string): Cached<T>[] {
    const known = this.#indexes.get(name);
    if (!known)
      throw new IncumbentError(
        'INDEX_UNKNOWN',
        `There is no index "${name}": give it with the informer's options.`,
      );
    return Array.from(known.index.keys(value), (key) => this.get(key) as Cached<T>);
  }

  /** Whether the watch has delivered that deletion: it has come to where the object was, and the object is not there. */
  #isOldNews(key: string, { uid, resourceVersion }: Deleted): boolean {
    const delivered = this.#delivered.get(key);
    const isThere = delivered !== undefined && metaOf<T>(delivered).uid === uid;
    return !isThere && resourceVersion !== undefined && reaches(this.#version, resourceVersion);
  }

  #deliver(metadata: DeepReadonly<ObjectMeta>, after: Cached<T> | undefined): Change<T>[] {
    const key = keyIn(metadata);
    const before = this.#delivered.get(key);
    if (after === undefined) this.#delivered.delete(key);
    else this.#delivered.set(key, after);
    this.#version = metadata.resourceVersion;
    this.#ownWrites.delivered(key, metadata, after === undefined);
    this.#reindex(key);
    return changesBetween<T>(before, after);
  }

  #note(key: string, note: (key: string) => void): void {
    note(key);
    this.#reindex(key);
  }

  #reindex(key: string): void {
    for (const { index } of this.#indexes.values()) index.set(key, this.get(key));
  }

  #valuesOf(name: string, indexer: Indexer<T>, object: Cached<T>): readonly string[] {
    try {
      return indexer(object);
    } catch (error) {
      this.#onIndexerError(name, keyIn(metaOf<T>(object)), error);
      return [];
    }
  }

  #rebuild(index: Index<T>, known: Iterable<string>): void {
    for (const key of known) if (!this.#delivered.has(key)) index.set(key, this.get(key));
    for (const [key, object] of this.entries()) index.set(key, object);
  }

  /** What is unchanged stays the very object that handlers know. */
  #merged(object: Cached<T>): [string, Cached<T>] {
    const key = keyIn(metaOf<T>(object));
    const before = this.#delivered.get(key);
    const same = before !== undefined && changesBetween<T>(before, object).length === 0;
    return [key, same ? before : object];
  }

  #differences(before: ReadonlyMap<string, Cached<T>>): Change<T>[] {
    const changes: Change<T>[] = [];
    for (const [key, object] of before) {
      if (!this.#delivered.has(key)) changes.push(...changesBetween<T>(object, undefined));
    }
    for (const [key, object] of this.#delivered) changes.push(...changesBetween<T>(before.get(key), object));
    return changes;
  }
}

function keyIn(metadata: { readonly name: string; readonly namespace?: string }): string {
  return formatKey(metadata);
}
