import type { DeepReadonly, Draft, KubernetesObject, ObjectKey } from '../api/object.js';
import type { Resource } from '../api/resource.js';
import { patchObject } from '../client/patch-object.js';
import type { ReconcileContext } from './context.js';

/** An object of which perhaps only the name is there yet. */
export type Mutable<T extends KubernetesObject> = Partial<Omit<T, 'metadata'>> & Pick<Draft<T>, 'metadata'>;

export interface CreateOrPatchResult<T extends KubernetesObject> {
  readonly object: DeepReadonly<T>;
  readonly operation: 'created' | 'patched' | 'unchanged';
}

/**
 * Makes an object be as `change` leaves it: created when it is absent, patched by the difference when there is one, left alone otherwise.
 *
 * Looks as `context.get` does. A 409 (somebody else was first, or the cache was behind) passes: the reconciler is called again.
 * `change` must do the same each time: what it does not set stays as it is.
 *
 * @see controller-runtime, controllerutil.CreateOrPatch
 */
export async function createOrPatch<T extends KubernetesObject>(
  { client, get }: Pick<ReconcileContext, 'client' | 'get'>,
  resource: Resource<T>,
  key: ObjectKey,
  change: (draft: Mutable<T>) => void,
): Promise<CreateOrPatchResult<T>> {
  const before = await get(resource, key);
  if (before === undefined) {
    const draft = { metadata: { ...key } } as Mutable<T>;
    change(draft);
    const object = await client.create(resource, draft as Draft<T>);
    return { object: object as DeepReadonly<T>, operation: 'created' };
  }
  const object = await patchObject(client, resource, before, change as (draft: T) => void);
  return { object, operation: object === before ? 'unchanged' : 'patched' };
}
