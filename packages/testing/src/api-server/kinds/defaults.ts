/** Tools for filling in what a spec leaves out. */
import { isJsonObject } from '../../object/json.js';
import type { Json, JsonObject, MutableJsonObject } from '../../object/json.js';
import { isJsonArray } from '../../object/json.js';

export type Fill = (object: JsonObject) => JsonObject;

/** A copy with the missing keys of `defaults` added. */
export function fill(object: JsonObject, defaults: JsonObject): JsonObject {
  const copy: MutableJsonObject = { ...object };
  for (const [key, value] of Object.entries(defaults)) copy[key] ??= value;
  return copy;
}

/** A copy whose object at `key` went through `change`, if there is one. */
export function within(object: JsonObject, key: string, change: Fill): JsonObject {
  const value = object[key];
  return isJsonObject(value) ? { ...object, [key]: change(value) } : object;
}

/** A copy whose list at `key` had every object in it go through `change`. */
export function withinEach(object: JsonObject, key: string, change: Fill): JsonObject {
  const value = object[key];
  if (!isJsonArray(value)) return object;
  return { ...object, [key]: value.map((item: Json) => (isJsonObject(item) ? change(item) : item)) };
}
