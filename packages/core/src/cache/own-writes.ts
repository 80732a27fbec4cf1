import type { DeepReadonly, KubernetesObject, ObjectMeta } from '../api/object.js';
import { compareResourceVersions, reaches } from '../api/resource-version.js';
import type { StoredObject } from './stored-object.js';

/** An object that was deleted: its uid never comes back. */
export interface Deleted {
  readonly uid: string;
  /** The last version that it had, given when it is gone for certain. Without, the server only accepted: it may be left terminating. */
  readonly resourceVersion?: string | undefined;
}

type Metadata = Pick<DeepReadonly<ObjectMeta>, 'uid' | 'resourceVersion' | 'deletionTimestamp'>;

/** What we know of a key from our own write before the watch has told it. */
type Note<T extends KubernetesObject> =
  | { readonly type: 'written'; readonly object: StoredObject<T>; readonly version: string }
  /** Written so that the selector no longer selects it. */
  | { readonly type: 'left'; readonly version: string }
  | {
      readonly type: 'deleted';
      readonly uid: string;
      /** Of the object when it was last seen; the answer to a delete has none. */
      readonly version: string | undefined;
      readonly patience: number;
    };

/** How many bookmarks (about one a minute) a deletion is remembered of whose object no version is known. */
const PATIENCE = 5;

/**
 * Our own writes that the watch has not delivered yet: laid over the cache, they make reads at least as new as our writes.
 *
 * A note is dropped as soon as the watch has caught up with it: by version where versions compare, by the next news of any kind elsewhere.
 */
export class OwnWrites<T extends KubernetesObject> {
  readonly #notes = new Map<string, Note<T>>();

  get size(): number {
    return this.#notes.size;
  }

  keys(): Iterable<string> {
    return this.#notes.keys();
  }

  written(key: string, object: StoredObject<T>): void {
    const metadata = object.metadata;
    if (!this.#isNews(key, metadata)) return;
    this.#notes.set(key, { type: 'written', object, version: metadata.resourceVersion });
  }

  left(key: string, metadata: Metadata): void {
    if (this.#isNews(key, metadata))
      this.#notes.set(key, { type: 'left', version: metadata.resourceVersion });
  }

  deleted(key: string, { uid, resourceVersion: version }: Deleted): void {
    const known = this.#notes.get(key);
    const recreated = known?.type === 'written' && known.object.metadata.uid !== uid;
    if (recreated && !isBeyond(version, known.version)) return;
    this.#notes.set(key, { type: 'deleted', uid, version, patience: PATIENCE });
  }

  /** What a reader gets for the key, given what the watch has delivered. */
  over(key: string, delivered: StoredObject<T> | undefined): StoredObject<T> | undefined {
    const note = this.#notes.get(key);
    if (!note) return delivered;
    if (note.type === 'written') return note.object;
    if (note.type === 'left' || delivered === undefined) return undefined;
    const { uid, resourceVersion } = delivered.metadata;
    return uid === note.uid || isBeyond(note.version, resourceVersion) ? undefined : delivered;
  }

  /** The watch delivered an event of the key: an object with this metadata, or its deletion. */
  delivered(key: string, metadata: Metadata, isDeletion: boolean): void {
    const note = this.#notes.get(key);
    if (!note) return;
    const over =
      note.type === 'deleted' && note.uid === metadata.uid
        ? isDeletion || isLeftTerminating(note.version, metadata)
        : note.version !== undefined && !isBeyond(note.version, metadata.resourceVersion);
    if (over) this.#notes.delete(key);
  }

  /** The watch has delivered everything up to `version`. Returns the keys whose note is over. */
  caughtUp(version: string, delivered: (key: string) => StoredObject<T> | undefined): string[] {
    const over = [...this.#notes].filter(([key, note]) => this.#isOver(key, note, version, delivered(key)));
    for (const [key] of over) this.#notes.delete(key);
    return over.map(([key]) => key);
  }

  clear(): void {
    this.#notes.clear();
  }

  #isOver(key: string, note: Note<T>, version: string, delivered: StoredObject<T> | undefined): boolean {
    const metadata = delivered?.metadata;
    if (note.type === 'deleted' && metadata?.uid === note.uid)
      return isLeftTerminating(note.version, metadata);
    if (note.type !== 'deleted' || note.version !== undefined) return !isBeyond(note.version, version);
    this.#notes.set(key, { ...note, patience: note.patience - 1 });
    return note.patience <= 1;
  }

  /** Answers may overtake each other. */
  #isNews(key: string, { uid, resourceVersion }: Metadata): boolean {
    const note = this.#notes.get(key);
    if (note?.type === 'deleted' && note.uid === uid) return false;
    return !note || note.version === undefined || !reaches(note.version, resourceVersion);
  }
}

/** Whether the object, deleted when it was at `version`, shows that it is still there and waits for its finalizers. */
function isLeftTerminating(version: string | undefined, metadata: Metadata): boolean {
  return (
    metadata.deletionTimestamp !== undefined &&
    version !== metadata.resourceVersion &&
    !isBeyond(version, metadata.resourceVersion)
  );
}

/** Whether `noted` is newer than `version`. False when that can't be known. */
function isBeyond(noted: string | undefined, version: string): boolean {
  if (noted === undefined) return false;
  const order = compareResourceVersions(noted, version);
  return order !== undefined && order > 0;
}
