import type { DeepReadonly, KubernetesObject, ObjectKey } from '../api/object.js';
import type { Resource } from '../api/resource.js';
import type { CacheReader } from './context.js';
import { contentChanges, type Predicate } from './predicate.js';

/**
 * The keys of the objects to reconcile when this object has changed. Of an object that was updated it is asked twice: before and after.
 * May read the cache; must be quick, and without effects.
 */
export type Mapper<T extends KubernetesObject> = (
  object: DeepReadonly<T>,
  cache: CacheReader,
) => readonly ObjectKey[];

/** Another kind whose objects wake a controller's. Made by {@link watch}. */
export interface Watch {
  readonly resource: Resource;
  readonly map: Mapper<KubernetesObject>;
  readonly predicate: Predicate;
  readonly namespaces: readonly string[] | undefined;
}

export interface WatchOptions<T extends KubernetesObject> {
  /** Which changes count. @defaultValue {@link contentChanges}: any but of the version alone */
  readonly predicate?: Predicate<T>;
  /** Where to look, which may be elsewhere than the controller does. @defaultValue where the controller looks */
  readonly namespaces?: readonly string[];
}

/**
 * For a controller's `watches`: changes of this kind wake the objects that `map` names.
 *
 * An object that changes hands wakes both: `map` is asked about the state before and the one after. What it throws is logged, and wakes nobody.
 */
export function watch<T extends KubernetesObject>(
  resource: Resource<T>,
  map: Mapper<T>,
  { predicate = contentChanges, namespaces }: WatchOptions<T> = {},
): Watch {
  const erased = { resource, map, predicate } as unknown as Pick<Watch, 'resource' | 'map' | 'predicate'>;
  return Object.freeze({ ...erased, namespaces });
}
