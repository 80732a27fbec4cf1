import { isNotFound } from '../api/errors.js';
import type { DeepReadonly, KubernetesObject, ObjectKey } from '../api/object.js';
import type { Resource } from '../api/resource.js';
import type { ReconcileContext } from './context.js';

/**
 * The object from the cache if the controller declares its kind, else from the server; `undefined` when there is none.
 *
 * No informer is started behind the controller's back: one that holds every Secret of a cluster should be asked for by name, in `reads`.
 */
export async function readThrough<T extends KubernetesObject>(
  { cache, client, signal }: Pick<ReconcileContext, 'cache' | 'client' | 'signal'>,
  resource: Resource<T>,
  key: ObjectKey,
): Promise<DeepReadonly<T> | undefined> {
  if (cache.holds(resource)) return cache.get(resource, key);
  try {
    return (await client.get(resource, key, { signal })) as DeepReadonly<T>;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
