import type { DeepReadonly, ObjectMeta } from '../api/object.js';

type Versioned = Pick<DeepReadonly<ObjectMeta>, 'uid' | 'resourceVersion'>;

/** Writes whose event may still be on its way. */
const REMEMBERED = 4096;

/** The versions of objects that a controller wrote itself: how it knows its own writes when the watch delivers them. */
export class OwnVersions {
  readonly #versions = new Set<string>();

  add(metadata: Versioned): void {
    this.#versions.add(versionOf(metadata));
    const [oldest] = this.#versions;
    if (this.#versions.size > REMEMBERED && oldest !== undefined) this.#versions.delete(oldest);
  }

  has(version: string): boolean {
    return this.#versions.has(version);
  }
}

/** One state of one object, in one word. */
export function versionOf({ uid, resourceVersion }: Versioned): string {
  return `${uid}@${resourceVersion}`;
}
