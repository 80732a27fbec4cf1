/** The checks beyond the schema itself: embedded objects, and lists whose items must differ. */
import { deepEqual } from './equal.js';
import { fieldDuplicate, fieldInvalid, fieldRequired } from './field-error.js';
import type { FieldError } from './field-error.js';
import { goJson } from './go-format.js';
import { hasKey, isJsonArray, isJsonObject } from './json.js';
import type { Json, MutableJsonObject } from './json.js';
import { dns1035LabelProblem } from './names.js';
import type { Schema } from './schema.js';
import type { Node } from './validate-value.js';

export function embeddedErrors({ value, schema, path }: Node): readonly FieldError[] {
  if (schema['x-kubernetes-embedded-resource'] !== true || !isJsonObject(value)) return [];
  const errors: FieldError[] = [];
  const { apiVersion, kind } = value;
  if (apiVersion === undefined || apiVersion === '') errors.push(fieldRequired(`${path}.apiVersion`));
  else if (typeof apiVersion === 'string' && apiVersion.split('/').length > 2) {
    errors.push(
      fieldInvalid(`${path}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`),
    );
  }
  if (kind === undefined || kind === '') errors.push(fieldRequired(`${path}.kind`));
  else if (typeof kind === 'string') {
    const problem = dns1035LabelProblem(kind.toLowerCase());
    if (problem !== undefined) {
      errors.push(
        fieldInvalid(`${path}.kind`, kind, `may have mixed case, but should otherwise match: ${problem}`),
      );
    }
  }
  return errors;
}

export function listErrors({ value, schema, path, before }: Node): readonly FieldError[] {
  const type = schema['x-kubernetes-list-type'];
  if (!isJsonArray(value) || (type !== 'set' && type !== 'map') || deepEqual(value, before)) return [];
  const keys = type === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : [];
  const seen = new Set<string>();
  return value.flatMap((item, index) => {
    if (type === 'map' && !isJsonObject(item))
      return item === null ? [] : [notAnObject(item, `${path}[${index}]`)];
    const key = keyOf(item, keys, schema.items ?? {});
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    return [fieldDuplicate(`${path}[${index}]`, keys.length === 0 ? item : (JSON.parse(key) as Json))];
  });
}

function notAnObject(item: Json, path: string): FieldError {
  return fieldInvalid(path, item, 'must be an object for an array of list-type map');
}

/** What tells an item from the others: its key fields as JSON, or the whole item. */
export function keyOf(item: Json, keys: readonly string[], schema: Schema): string {
  if (keys.length === 0 || !isJsonObject(item)) return goJson(item);
  const found: MutableJsonObject = {};
  for (const key of keys) {
    const value = hasKey(item, key) ? item[key] : schema.properties?.[key]?.default;
    if (value !== undefined) found[key] = value;
  }
  return goJson(found);
}
