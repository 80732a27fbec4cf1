import { formatKey, type KubernetesObject, type ObjectKey } from '../api/object.js';
import { type Cached, metaOf } from './cached.js';
import type { Store } from './store.js';

export interface ListerOptions {
  /** @defaultValue all that are in the cache */
  readonly namespace?: string | undefined;
  /** Only objects that have each of these labels. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** Not a name that a user would give an index. */
const BY_NAMESPACE = 'incumbent.dev/namespace';

/**
 * Reads from the cache. What it returns is shared: read it, never change it.
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
    return this.#store.get(typeof key === 'string' ? key : formatKey(key));
  }

  list({ namespace, labels }: ListerOptions = {}): Cached<T>[] {
    const objects = namespace === undefined ? this.#all() : this.#in(namespace);
    return labels ? objects.filter((object) => hasLabels<T>(object, labels)) : objects;
  }

  /** @throws {@link IncumbentError} `INDEX_UNKNOWN` for an index that was not given with the informer's options */
  byIndex(index: Indexes, value: string): Cached<T>[] {
    return this.#store.byIndex(index, value);
  }

  #all(): Cached<T>[] {
    return Array.from(this.#store.entries(), ([, object]) => object);
  }

  /** By an index that is built when it is first asked for. */
  #in(namespace: string): Cached<T>[] {
    this.#store.addIndex(BY_NAMESPACE, namespaceOf);
    return this.#store.byIndex(BY_NAMESPACE, namespace);
  }
}

function namespaceOf(object: unknown): string[] {
  return [(object as KubernetesObject).metadata.namespace ?? ''];
}

function hasLabels<T extends KubernetesObject>(
  object: Cached<T>,
  wanted: Readonly<Record<string, string>>,
): boolean {
  const { labels = {} } = metaOf<T>(object);
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}
