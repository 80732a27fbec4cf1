/** Plain JSON values and the few questions that every file in this folder asks about them. */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** A JSON object that is still being built; never one that was handed in. */
export interface MutableJsonObject {
  [key: string]: Json;
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isJsonArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** Own keys only, so that `constructor` and `__proto__` in a document are just keys. */
export function hasKey(object: JsonObject, key: string): boolean {
  return Object.hasOwn(object, key);
}

export function valueAt(object: Json | undefined, ...path: readonly string[]): Json | undefined {
  let value = object;
  for (const key of path) {
    if (!isJsonObject(value) || !hasKey(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/** A string as it is, a number or a boolean as it is written; '' for all else. */
export function textOf(value: Json | undefined): string {
  return typeof value === 'object' || value === undefined ? '' : String(value);
}

/** Writes a key so that even `__proto__` becomes an ordinary one. */
export function setKey(object: MutableJsonObject, key: string, value: Json): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    object[key] = value;
  }
}

/** A copy of `object` with `key` set; a new key goes last. */
export function withKey(object: JsonObject, key: string, value: Json): JsonObject {
  const copy: MutableJsonObject = { ...object };
  setKey(copy, key, value);
  return copy;
}

export function withoutKey(object: JsonObject, key: string): JsonObject {
  const copy: MutableJsonObject = { ...object };
  delete copy[key];
  return copy;
}
