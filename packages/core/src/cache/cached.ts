import type { DeepReadonly, KubernetesObject, ObjectMeta } from '../api/object.js';

/** An object that others share: to be read, never changed. */
export type Cached<T extends KubernetesObject> = DeepReadonly<T>;

/** `object`, from now on shared. */
export function share<T extends KubernetesObject>(object: T): Cached<T> {
  return object as Cached<T>;
}

export function metaOf<T extends KubernetesObject>(object: Cached<T>): DeepReadonly<ObjectMeta> {
  return (object as DeepReadonly<KubernetesObject>).metadata;
}

/** Freezes the object at every depth: who changes it all the same gets a TypeError. Costs time, so for tests. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const child of Object.values(value)) deepFreeze(child);
  return Object.freeze(value);
}

/** A copy of a value as JSON has it. */
export function copy<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copy) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, copy(child)])) as T;
}
