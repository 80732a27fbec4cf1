/**
 * The finalizer contract. The controller's finalizer is on an object before the first reconcile; while the object is being deleted
 * only the cleanup runs; the finalizer goes only after a cleanup has ended well, and others' are left as they are.
 */
import { isApiError, isNotFound } from '../api/errors.js';
import { type DeepReadonly, formatKey, type KubernetesObject, keyOf } from '../api/object.js';
import type { Resource } from '../api/resource.js';
import type { JsonPatchOperation, Writer } from '../client/writer.js';
import { IncumbentError } from '../kit/error.js';

/** What is due for an object, as far as finalizers and deletion go. */
export type FinalizerStep = 'add' | 'reconcile' | 'cleanup' | 'skip';

export function finalizerStep(
  object: DeepReadonly<KubernetesObject>,
  finalizer: string | undefined,
): FinalizerStep {
  const present = finalizer !== undefined && (object.metadata.finalizers ?? []).includes(finalizer);
  if (object.metadata.deletionTimestamp) return present ? 'cleanup' : 'skip';
  return finalizer === undefined || present ? 'reconcile' : 'add';
}

/** The object changed between our look at it and the patch of its finalizers. Code `FINALIZER_CONFLICT`; retried like any conflict. */
class FinalizerConflict extends IncumbentError {
  constructor(object: DeepReadonly<KubernetesObject>, cause: unknown) {
    super(
      'FINALIZER_CONFLICT',
      `${object.kind} ${formatKey(keyOf(object))}: its finalizers changed meanwhile.`,
      {
        cause,
      },
    );
  }
}

/** Adds the finalizer behind those that are there. Resolves with the object as it is then. */
export async function addFinalizer<T extends KubernetesObject>(
  client: Writer,
  resource: Resource<T>,
  object: DeepReadonly<T>,
  finalizer: string,
): Promise<T> {
  return patchFinalizers(client, resource, object, additionOf(object, finalizer));
}

/** Takes the finalizer off. An object that is gone already has none. */
export async function removeFinalizer<T extends KubernetesObject>(
  client: Writer,
  resource: Resource<T>,
  object: DeepReadonly<T>,
  finalizer: string,
): Promise<void> {
  try {
    await patchFinalizers(client, resource, object, removalOf(object, finalizer));
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function additionOf({ metadata }: DeepReadonly<KubernetesObject>, finalizer: string): JsonPatchOperation[] {
  const { finalizers = [], resourceVersion } = metadata;
  if (finalizers.length > 0) {
    return [
      { op: 'test', path: '/metadata/finalizers', value: finalizers },
      { op: 'add', path: '/metadata/finalizers/-', value: finalizer },
    ];
  }
  // That a list is absent can't be tested, and setting one would wipe what another added meanwhile: so the whole object is tested.
  return [
    { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
    { op: 'add', path: '/metadata/finalizers', value: [finalizer] },
  ];
}

function removalOf({ metadata }: DeepReadonly<KubernetesObject>, finalizer: string): JsonPatchOperation[] {
  const path = `/metadata/finalizers/${(metadata.finalizers ?? []).indexOf(finalizer)}`;
  return [
    { op: 'test', path, value: finalizer },
    { op: 'remove', path },
  ];
}

async function patchFinalizers<T extends KubernetesObject>(
  client: Writer,
  resource: Resource<T>,
  object: DeepReadonly<T>,
  operations: JsonPatchOperation[],
): Promise<T> {
  // Without the uid the patch would hit an object that was deleted and created again under this name.
  const sameObject: JsonPatchOperation = { op: 'test', path: '/metadata/uid', value: object.metadata.uid };
  try {
    return await client.patch(resource, keyOf(object), { type: 'json', patch: [sameObject, ...operations] });
  } catch (error) {
    // A failed `test` is a plain 422 without a cause; one with causes is a validation that refuses the object.
    const failedTest = isApiError(error) && error.statusCode === 422 && !error.status.details?.causes?.length;
    throw failedTest ? new FinalizerConflict(object, error) : error;
  }
}
