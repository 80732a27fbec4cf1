/** All objects and one counter of revisions: the API server's etcd, in memory and in one order. */
import type { JsonObject } from '../object/json.js';
import { Collection } from './collection.js';
import type { Change, Stored } from './collection.js';
import { nameOf, namespaceOf, uidOf, withMetadata } from './meta.js';

export type ChangeListener = (change: Change, collection: Collection) => void;

export class Storage {
  readonly #collections = new Map<string, Collection>();
  readonly #byUid = new Map<string, Stored>();
  readonly #listeners = new Set<ChangeListener>();
  readonly #history: number;
  #revision = 1;

  /** `history`: changes that each collection remembers for watches and snapshots. */
  constructor(history: number) {
    this.#history = history;
  }

  /** The revision of the last write; every write, to whatever object, raises it by one. */
  get revision(): number {
    return this.#revision;
  }

  get collections(): Iterable<Collection> {
    return this.#collections.values();
  }

  /** `resource` is `GROUP/PLURAL`; a collection that nobody has written to is empty. */
  collection(resource: string): Collection {
    let collection = this.#collections.get(resource);
    if (collection === undefined) {
      collection = new Collection(resource, this.#history);
      this.#collections.set(resource, collection);
    }
    return collection;
  }

  byUid(uid: string): Stored | undefined {
    return this.#byUid.get(uid);
  }

  /** Stores `object` under its own name as the next revision. */
  put(collection: Collection, object: JsonObject): Stored {
    const previous = collection.get(namespaceOf(object), nameOf(object));
    const stored = this.#next(collection, object);
    this.#byUid.set(uidOf(object), stored);
    this.#emit(collection, { type: previous === undefined ? 'ADDED' : 'MODIFIED', stored, previous });
    return stored;
  }

  /** Removes an object; its last state carries the revision of the removal. */
  remove(collection: Collection, previous: Stored, last: JsonObject = previous.object): Stored {
    const stored = this.#next(collection, last);
    this.#byUid.delete(uidOf(last));
    this.#emit(collection, { type: 'DELETED', stored, previous });
    return stored;
  }

  /** Called after each write, in the order of the writes. */
  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Forgets all history: a watch or a snapshot from an earlier revision is refused from now on. */
  compact(): void {
    for (const collection of this.#collections.values()) collection.forget(this.#revision);
  }

  #next(collection: Collection, object: JsonObject): Stored {
    const revision = ++this.#revision;
    return {
      resource: collection.resource,
      namespace: namespaceOf(object),
      name: nameOf(object),
      object: withMetadata(object, { resourceVersion: String(revision) }),
      revision,
    };
  }

  #emit(collection: Collection, change: Change): void {
    collection.apply(change);
    for (const listener of this.#listeners) listener(change, collection);
  }
}
