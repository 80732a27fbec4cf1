/** What a write may do to `metadata`: the fields that the server gives, and those that it keeps. */
import { valueAt } from '../object/json.js';
import type { JsonObject } from '../object/json.js';
import { formatTime } from './environment.js';
import type { Environment } from './environment.js';
import {
  finalizersOf,
  isTerminating,
  listAt,
  metadataOf,
  nameOf,
  numberAt,
  textAt,
  withFields,
  withMetadata,
} from './meta.js';

/** Longest base that leaves room for the five random characters within 63. */
const longestBase = 58;

/** A new object's metadata: a name, a uid, a birthday. */
export function bear(object: JsonObject, namespace: string, environment: Environment): JsonObject {
  const base = textAt(object, 'metadata', 'generateName');
  const generated = nameOf(object) === '' && base !== '';
  return withFields(object, {
    metadata: withFields(metadataOf(object), {
      ...(generated ? { name: `${base.slice(0, longestBase)}${environment.nameSuffix()}` } : {}),
      namespace: namespace === '' ? undefined : namespace,
      uid: environment.uuid(),
      creationTimestamp: formatTime(environment.now()),
    }),
  });
}

/** Without what only the server may say about an object's life. */
export function withoutLife(object: JsonObject): JsonObject {
  return withMetadata(object, {
    deletionTimestamp: undefined,
    deletionGracePeriodSeconds: undefined,
    selfLink: undefined,
  });
}

/** An updated object's metadata: what a client may leave out or not change is taken from what is stored. */
export function carryOver(next: JsonObject, before: JsonObject): JsonObject {
  const kept = metadataOf(before);
  const terminating = isTerminating(before);
  return withFields(next, {
    metadata: withFields(metadataOf(next), {
      name: kept['name'],
      namespace: kept['namespace'],
      uid: textAt(next, 'metadata', 'uid') === '' ? kept['uid'] : valueAt(next, 'metadata', 'uid'),
      resourceVersion: kept['resourceVersion'],
      creationTimestamp: kept['creationTimestamp'],
      generation: kept['generation'],
      selfLink: undefined,
      ...(terminating
        ? {
            deletionTimestamp: kept['deletionTimestamp'],
            deletionGracePeriodSeconds: kept['deletionGracePeriodSeconds'],
          }
        : {}),
    }),
  });
}

/** Whether nothing holds the object back any more: it was deleted, and its last finalizer is gone, a namespace's own too. */
export function isDone(object: JsonObject): boolean {
  return (
    isTerminating(object) &&
    finalizersOf(object).length === 0 &&
    numberAt(object, ['metadata', 'deletionGracePeriodSeconds']) === 0 &&
    listAt(object, 'spec', 'finalizers').length === 0
  );
}

/** The object marked as being deleted; it stays marked as it was if it already is. */
export function beginDeletion(object: JsonObject, now: Date, graceSeconds: number): JsonObject {
  if (isTerminating(object)) return object;
  const generation = numberAt(object, ['metadata', 'generation']);
  return withMetadata(object, {
    deletionTimestamp: formatTime(new Date(now.getTime() + graceSeconds * 1000)),
    deletionGracePeriodSeconds: graceSeconds,
    ...(generation > 0 ? { generation: generation + 1 } : {}),
  });
}
