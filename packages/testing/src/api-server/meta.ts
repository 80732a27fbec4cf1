/** Reading and copying `metadata`: stored objects are shared between requests, so nothing is ever changed in place. */
import { isJsonArray, isJsonObject, valueAt } from '../object/json.js';
import type { Json, JsonObject, MutableJsonObject } from '../object/json.js';

const empty: JsonObject = {};

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly blockOwnerDeletion: boolean;
}

/** The value at `path` if it is a string, else `''`. */
export function textAt(object: Json | undefined, ...path: readonly string[]): string {
  const value = valueAt(object, ...path);
  return typeof value === 'string' ? value : '';
}

/** The value at `path` if it is a number, else `fallback`. */
export function numberAt(object: Json | undefined, path: readonly string[], fallback = 0): number {
  const value = valueAt(object, ...path);
  return typeof value === 'number' ? value : fallback;
}

export function objectAt(object: Json | undefined, ...path: readonly string[]): JsonObject {
  const value = valueAt(object, ...path);
  return isJsonObject(value) ? value : empty;
}

export function listAt(object: Json | undefined, ...path: readonly string[]): readonly Json[] {
  const value = valueAt(object, ...path);
  return isJsonArray(value) ? value : [];
}

export function metadataOf(object: JsonObject): JsonObject {
  return objectAt(object, 'metadata');
}

export const nameOf = (object: JsonObject): string => textAt(object, 'metadata', 'name');
export const namespaceOf = (object: JsonObject): string => textAt(object, 'metadata', 'namespace');
export const uidOf = (object: JsonObject): string => textAt(object, 'metadata', 'uid');
export const versionOf = (object: JsonObject): string => textAt(object, 'metadata', 'resourceVersion');
export const isTerminating = (object: JsonObject): boolean =>
  textAt(object, 'metadata', 'deletionTimestamp') !== '';

export function labelsOf(object: JsonObject): Readonly<Record<string, string>> {
  return objectAt(object, 'metadata', 'labels') as Readonly<Record<string, string>>;
}

export function finalizersOf(object: JsonObject): readonly string[] {
  return listAt(object, 'metadata', 'finalizers').filter((item) => typeof item === 'string');
}

export function ownersOf(object: JsonObject): readonly OwnerReference[] {
  return listAt(object, 'metadata', 'ownerReferences').map((owner) => ({
    apiVersion: textAt(owner, 'apiVersion'),
    kind: textAt(owner, 'kind'),
    name: textAt(owner, 'name'),
    uid: textAt(owner, 'uid'),
    blockOwnerDeletion: valueAt(owner, 'blockOwnerDeletion') === true,
  }));
}

/** A copy with these keys changed; `undefined` removes a key. */
export function withFields(
  object: JsonObject,
  changes: Readonly<Record<string, Json | undefined>>,
): JsonObject {
  const copy: MutableJsonObject = { ...object };
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) delete copy[key];
    else copy[key] = value;
  }
  return copy;
}

/** A copy with these keys of `metadata` changed; `undefined` removes a key. */
export function withMetadata(
  object: JsonObject,
  changes: Readonly<Record<string, Json | undefined>>,
): JsonObject {
  return withFields(object, { metadata: withFields(metadataOf(object), changes) });
}

/** A copy with the value at `path` set; objects on the way are made where they are missing. */
export function withValueAt(
  object: JsonObject,
  path: readonly string[],
  value: Json | undefined,
): JsonObject {
  const [key, ...rest] = path;
  if (key === undefined) return object;
  if (rest.length === 0) return withFields(object, { [key]: value });
  return withFields(object, { [key]: withValueAt(objectAt(object, key), rest, value) });
}
