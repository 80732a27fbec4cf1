/** Predicates: which changes of an object are worth a reconcile. */
import { isDeepStrictEqual } from 'node:util';
import type { DeepReadonly, KubernetesObject } from '../api/object.js';
import type { Change } from '../cache/change.js';

/** Whether a change wakes the controller. Cheap and without effects: it is asked on every change while the controller works. */
export type Predicate<T extends KubernetesObject = KubernetesObject> = (change: Change<T>) => boolean;

type AnyObject = DeepReadonly<KubernetesObject>;

/** A predicate on updates; what appears or disappears always passes. */
export function onUpdate<T extends KubernetesObject>(
  changed: (before: DeepReadonly<T>, after: DeepReadonly<T>) => boolean,
): Predicate<T> {
  return (change) => change.type !== 'updated' || changed(change.before, change.after);
}

export function anyOf<T extends KubernetesObject>(...predicates: Predicate<T>[]): Predicate<T> {
  return (change) => predicates.some((predicate) => predicate(change));
}

export function allOf<T extends KubernetesObject>(...predicates: Predicate<T>[]): Predicate<T> {
  return (change) => predicates.every((predicate) => predicate(change));
}

/** What the predicate refuses, on updates. What appears or disappears passes still: a controller that never hears of new objects helps nobody. */
export function not<T extends KubernetesObject>(predicate: Predicate<T>): Predicate<T> {
  return (change) => change.type !== 'updated' || !predicate(change);
}

/** A part of the object changed, at any depth: `changed<Secret>((secret) => secret.data)`. */
export function changed<T extends KubernetesObject>(
  part: (object: DeepReadonly<T>) => unknown,
): Predicate<T> {
  return onUpdate<T>(
    (before, after) =>
      replaced(before as AnyObject, after as AnyObject) || !isDeepStrictEqual(part(before), part(after)),
  );
}

/** The spec changed: by generation where the server counts it, else anything but metadata and status. */
export const generationChanged: Predicate = onUpdate(
  (before, after) => replaced(before, after) || specChanged(before, after),
);
export const labelsChanged: Predicate = changed(({ metadata }) => metadata.labels);
export const annotationsChanged: Predicate = changed(({ metadata }) => metadata.annotations);
/** Somebody asked for the object to be deleted, and it waits for finalizers. */
export const deletionChanged: Predicate = changed(({ metadata }) => metadata.deletionTimestamp);
/** Anything changed, status and managedFields included. */
export const resourceVersionChanged: Predicate = changed(({ metadata }) => metadata.resourceVersion);

/**
 * The default for a controller's own kind: what people change. Spec, labels, annotations, finalizers and deletion; a status or a
 * finalizer (`own`) that the controller wrote itself does not wake it again.
 */
export function userChanges(own?: string): Predicate {
  return onUpdate(
    (before, after) =>
      replaced(before, after) || specChanged(before, after) || metadataChanged(before, after, own),
  );
}

/** The default for owned objects: any change but of the version alone. */
export const contentChanges: Predicate = onUpdate(
  (before, after) => replaced(before, after) || !isDeepStrictEqual(content(before), content(after)),
);

/** Deleted and created again under one name, without a moment between that we saw. */
function replaced(before: AnyObject, after: AnyObject): boolean {
  return before.metadata.uid !== after.metadata.uid;
}

/** By generation, where the server counts it; kinds such as ConfigMap have none. */
function specChanged(before: AnyObject, after: AnyObject): boolean {
  const { generation } = after.metadata;
  if (generation !== undefined) return generation !== before.metadata.generation;
  return !isDeepStrictEqual(body(before), body(after));
}

function metadataChanged(
  { metadata: before }: AnyObject,
  { metadata: after }: AnyObject,
  own?: string,
): boolean {
  const others = (finalizers: readonly string[] = []) => finalizers.filter((finalizer) => finalizer !== own);
  return (
    before.deletionTimestamp !== after.deletionTimestamp ||
    !isDeepStrictEqual(before.labels, after.labels) ||
    !isDeepStrictEqual(before.annotations, after.annotations) ||
    !isDeepStrictEqual(others(before.finalizers), others(after.finalizers))
  );
}

/** All but metadata and status. */
function body(object: AnyObject): object {
  const { metadata: _metadata, ...rest } = object;
  return { ...rest, status: undefined };
}

function content({ metadata, ...rest }: AnyObject): object {
  return { ...rest, metadata: { ...metadata, resourceVersion: undefined, managedFields: undefined } };
}
