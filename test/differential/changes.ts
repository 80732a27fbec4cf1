/** Settings (a value at a place) made into whole objects, merge patches and JSON patches. */
import type { Json, JsonObject } from '../conformance/raw-http.js';

export interface Setting {
  readonly path: readonly string[];
  readonly value: Json;
}

/** The object with each setting made, in order; a place below something that is no object is left alone. */
export function changed(object: JsonObject, settings: readonly Setting[]): JsonObject {
  return settings.reduce((result, { path, value }) => withValue(result, path, value), object);
}

export function toPatch(settings: readonly Setting[]): JsonObject {
  return changed({}, settings);
}

/** One operation a setting; `move` and `copy` take the value from the labels. */
export function toJsonPatch(settings: readonly Setting[], operations: readonly string[]): Json {
  return settings.map(({ path, value }, index) => {
    const op = operations[index] ?? 'add';
    const pointer = `/${path.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`;
    if (op === 'remove') return { op, path: pointer };
    if (op === 'move' || op === 'copy') return { op, from: '/metadata/labels', path: pointer };
    return { op, path: pointer, value };
  });
}

function withValue(object: JsonObject, [key = '', ...rest]: readonly string[], value: Json): JsonObject {
  if (rest.length === 0) return { ...object, [key]: value };
  const below = object[key] ?? {};
  if (!isObject(below)) return object;
  return { ...object, [key]: withValue(below, rest, value) };
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
