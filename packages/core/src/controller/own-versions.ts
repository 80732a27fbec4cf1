import type { DeepReadonly, ObjectMeta } from '../api/object.js';

type Versioned = Pick<DeepReadonly<ObjectMeta>, 'uid' | 'resourceVersion'>;

/** Writes whose event may still be on its way. */
const REMEMBERED = 4096;

/** The versions of objects that a controller wrote itself: how it knows its own writes when the watch delivers them. */
export class OwnVersions {
  readonly #versions = new Set<string>();

  add(metadata: Versioned): void {
    this.#remember(versionOf(metadata));
  }

  addDeleted(uid: string): void {
    this.#remember(deletionOf(uid));
  }

  has(version: string): boolean {
    return this.#versions.has(version);
  }

  #remember(version: string): void {
    this.#versions.add(version);
    const [oldest] = this.#versions;
    if (this.#versions.size > REMEMBERED && oldest !== undefined) this.#versions.delete(oldest);
  }
}

/** One state of one object, in one word. */
export function versionOf({ uid, resourceVersion }: Versioned): string {
  return `${uid}@${resourceVersion}`;
}

/** The end of one object, in one word. The version that it has then is not in the answer to a deletion. */
export function deletionOf(uid: string): string {
  return `${uid}@deleted`;
}
