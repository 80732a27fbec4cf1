import type { KubernetesObject } from '../api/object.js';

/**
 * What is kept of an object in the cache. Returns the object itself or another, and leaves what it was given as it was.
 * Must keep name, namespace, uid and resourceVersion.
 */
export type Transform<T extends KubernetesObject> = (object: T) => T;

/** Drops `metadata.managedFields`: often half of an object, and of no use to a controller. */
export function withoutManagedFields<T extends KubernetesObject>(object: T): T {
  if (!object.metadata.managedFields) return object;
  // A copy, because `delete` in the middle of an object makes V8 keep it as a slow and large dictionary.
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
