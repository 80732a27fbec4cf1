/** JSON merge patch (RFC 7386). */
import { hasKey, isJsonArray, isJsonObject, setKey } from './json.js';
import type { Json, JsonObject, MutableJsonObject } from './json.js';
import { badRequest } from './status.js';

/**
 * `null` removes a key, an object is merged, anything else replaces; lists are replaced whole.
 *
 * As the server does it, nulls are dropped inside the lists of a value that is new.
 *
 * @throws StatusError 400 if the patch is no object
 */
export function applyMergePatch(document: JsonObject, patch: Json): JsonObject {
  if (isJsonObject(patch)) return mergeObject(document, patch);
  if (patch === null) throw badRequest('Invalid JSON Patch');
  throw badRequest(
    `error decoding patch: json: cannot unmarshal ${goTypeName(patch)} into Go value of type map[string]interface {}`,
  );
}

/** How Go's JSON decoder names the type of a value that it did not expect. */
export function goTypeName(value: Json): string {
  if (value === null) return 'null';
  if (isJsonArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function mergeObject(document: JsonObject, patch: JsonObject): JsonObject {
  const result: MutableJsonObject = { ...document };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else setKey(result, key, mergeValue(hasKey(document, key) ? document[key] : null, value));
  }
  return result;
}

function mergeValue(current: Json | undefined, patch: Json): Json {
  if (!isJsonObject(current)) return withoutNulls(patch);
  return isJsonObject(patch) ? mergeObject(current, patch) : patch;
}

function withoutNulls(value: Json): Json {
  if (isJsonArray(value)) return value.map((item) => (item === null ? null : withoutNulls(item)));
  if (!isJsonObject(value)) return value;
  const result: MutableJsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    if (item !== null) setKey(result, key, withoutNulls(item));
  }
  return result;
}
