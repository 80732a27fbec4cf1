import {
  type DeepReadonly,
  formatKey,
  type KubernetesObject,
  type ObjectKey,
  type ObjectMeta,
} from '../api/object.js';
import type { Cached } from './cached.js';
import type { Store } from './store.js';
import type { StoredObject } from './stored-object.js';

export interface ListerOptions {
  /** @defaultValue all that are in the cache */
  readonly namespace?: string | undefined;
  /** Only objects that have each of these labels. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/**
 * Reads from the cache. What it returns is shared: read it, never change it. The same object is returned until it changes, for as
 * long as anybody has it.
 *
 * Before the informer has synced, absence means nothing. Afterwards objects are as the watch last brought them, and at least as new as
 * the writes that the informer was told of.
 */
export class Lister<T extends KubernetesObject, Indexes extends string = never> {
  readonly #store: Store<T>;

  constructor(store: Store<T>) {
    this.#store = store;
  }

  /** By key, or by its text as {@link formatKey} writes it. */
  get(key: ObjectKey | string): Cached<T> | undefined {
    return this.#store.get(typeof key === 'string' ? key : formatKey(key))?.read();
  }

  list({ namespace, labels }: ListerOptions = {}): Cached<T>[] {
    const all = namespace === undefined ? this.#all() : this.#store.inNamespace(namespace);
    return read(labels ? all.filter(({ metadata }) => hasLabels(metadata, labels)) : all);
  }

  /** @throws {@link IncumbentError} `INDEX_UNKNOWN` for an index that was not given with the informer's options */
  byIndex(index: Indexes, value: string): Cached<T>[] {
    return read(this.#store.byIndex(index, value));
  }

  #all(): StoredObject<T>[] {
    return Array.from(this.#store.entries(), ([, object]) => object);
  }
}

function read<T extends KubernetesObject>(objects: readonly StoredObject<T>[]): Cached<T>[] {
  return objects.map((object) => object.read());
}

function hasLabels(
  { labels = {} }: DeepReadonly<ObjectMeta>,
  wanted: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}
