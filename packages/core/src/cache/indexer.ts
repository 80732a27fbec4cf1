import type { KubernetesObject } from '../api/object.js';
import type { Cached } from './cached.js';
import type { StoredObject } from './stored-object.js';

/** The values under which an object is found. */
export type Indexer<T extends KubernetesObject> = (object: Cached<T>) => readonly string[];

const NO_KEYS: ReadonlySet<string> = new Set();

/** Keys by value, kept up to date object by object. */
export class Index<T extends KubernetesObject> {
  readonly #valuesOf: (object: StoredObject<T>) => readonly string[];
  readonly #keys = new Map<string, Set<string>>();
  /** The values under which each key is filed: what the indexer said at the time, whatever it would say now. */
  readonly #values = new Map<string, readonly string[]>();

  constructor(valuesOf: (object: StoredObject<T>) => readonly string[]) {
    this.#valuesOf = valuesOf;
  }

  /** Files the object under the key in place of the one before, or takes the key out. */
  set(key: string, object: StoredObject<T> | undefined): void {
    this.#remove(key);
    if (object === undefined) return;
    const values = this.#valuesOf(object);
    if (values.length === 0) return;
    this.#values.set(key, values);
    for (const value of values) this.#file(value, key);
  }

  clear(): void {
    this.#keys.clear();
    this.#values.clear();
  }

  keys(value: string): ReadonlySet<string> {
    return this.#keys.get(value) ?? NO_KEYS;
  }

  #file(value: string, key: string): void {
    const keys = this.#keys.get(value);
    if (keys) keys.add(key);
    else this.#keys.set(value, new Set([key]));
  }

  #remove(key: string): void {
    for (const value of this.#values.get(key) ?? []) {
      const keys = this.#keys.get(value);
      keys?.delete(key);
      if (keys?.size === 0) this.#keys.delete(value);
    }
    this.#values.delete(key);
  }
}
