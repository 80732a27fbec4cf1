/** Equality and copies of JSON values. */
import { hasKey, isJsonArray, isJsonObject, setKey } from './json.js';
import type { Json, MutableJsonObject } from './json.js';

/** Deep equality; the order of keys does not matter, the order of items does. */
export function deepEqual(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (isJsonArray(a)) {
    return isJsonArray(b) && a.length === b.length && a.every((item, index) => deepEqual(item, b[index]));
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => hasKey(b, key) && deepEqual(a[key], b[key]));
}

export function deepClone<T extends Json>(value: T): T {
  return clone(value) as T;
}

function clone(value: Json): Json {
  if (isJsonArray(value)) return value.map(clone);
  if (!isJsonObject(value)) return value;
  const copy: MutableJsonObject = {};
  for (const [key, item] of Object.entries(value)) setKey(copy, key, clone(item));
  return copy;
}
