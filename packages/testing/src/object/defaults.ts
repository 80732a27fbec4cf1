/** Filling in the defaults of a schema. */
import { deepClone } from './equal.js';
import { hasKey, isJsonArray, isJsonObject, setKey } from './json.js';
import type { Json, JsonObject, MutableJsonObject } from './json.js';
import { propertySchema, resolve } from './schema.js';
import type { Schema } from './schema.js';

/**
 * Adds defaults where a property is missing, at every depth that exists, and below defaults themselves.
 *
 * A null counts as missing where the schema does not allow it: it becomes the default, or goes.
 */
export function applyDefaults(
  object: JsonObject,
  schema: Schema,
  { keepNulls = false }: DefaultOptions = {},
): JsonObject {
  return defaultObject(object, resolve(schema), keepNulls);
}

export interface DefaultOptions {
  /** A null that is not allowed stays, for validation to find, where there is no default. */
  readonly keepNulls?: boolean;
}

function defaultValue(value: Json, schema: Schema, keepNulls: boolean): Json {
  const node = resolve(schema);
  if (isJsonArray(value)) {
    const { items } = node;
    return items === undefined ? value : value.map((item) => defaultValue(item, items, keepNulls));
  }
  return isJsonObject(value) ? defaultObject(value, node, keepNulls) : value;
}

function defaultObject(object: JsonObject, node: Schema, keepNulls: boolean): JsonObject {
  const result: MutableJsonObject = {};
  for (const [key, value] of Object.entries(object)) {
    const schema = propertySchema(node, key);
    if (schema === undefined) setKey(result, key, value);
    else if (!isForbiddenNull(value, schema)) setKey(result, key, defaultValue(value, schema, keepNulls));
    else if (keepNulls && !hasDefault(schema)) setKey(result, key, null);
    else fill(result, key, schema);
  }
  for (const [key, schema] of Object.entries(node.properties ?? {})) {
    if (!hasKey(object, key)) fill(result, key, schema);
  }
  return result;
}

function fill(result: MutableJsonObject, key: string, schema: Schema): void {
  const value = resolve(schema).default;
  if (value !== undefined && value !== null) {
    setKey(result, key, defaultValue(deepClone(value), schema, false));
  }
}

function hasDefault(schema: Schema): boolean {
  return (resolve(schema).default ?? null) !== null;
}

function isForbiddenNull(value: Json, schema: Schema): boolean {
  return value === null && resolve(schema).nullable !== true;
}
