/** Bodies as objects of a resource, with what fieldValidation says about fields that do not exist. */
import { isJsonArray, valueAt } from '../object/json.js';
import type { JsonObject } from '../object/json.js';
import { cannotBeHandled, strictDecodingError } from '../object/unknown-fields.js';
import type { SentObject } from './body.js';
import type { FieldValidation } from './options.js';
import { withMetadata } from './meta.js';
import type { DecodeOptions, Resource } from './resource.js';

export interface Decoding {
  readonly object: JsonObject;
  /** One Warning header each. */
  readonly warnings: readonly string[];
}

/** @throws StatusError 400 if the body does not fit, or has unknown fields under Strict */
export function decodeSent(
  resource: Resource,
  { object: sent, duplicates, raw }: SentObject,
  validation: FieldValidation,
  { applied = false }: DecodeOptions = {},
): Decoding {
  const { object: decoded, unknown: found, problem } = resource.definition.decode(sent, { applied });
  const unknown = knowable(resource, raw, found);
  const object = resource.definition.custom ? decoded : keepReset(sent, decoded);
  if (problem !== undefined) throw cannotBeHandled(resource.gvk, problem);
  const repeated = duplicates.map(duplicateField);
  if (validation !== 'Strict')
    return { object, warnings: validation === 'Warn' ? [...repeated, ...unknown] : [] };
  // A custom resource's fields are looked at only once its text is sound.
  const said = resource.definition.custom && repeated.length > 0 ? repeated : [...repeated, ...unknown];
  if (said.length > 0) throw cannotBeHandled(resource.gvk, strictDecodingError(said));
  return { object, warnings: [] };
}

/** Of a custom resource that claims another version or kind there is no schema, and only the metadata is known. */
export function knowable(resource: Resource, raw: JsonObject, unknown: readonly string[]): readonly string[] {
  const { custom, kind } = resource.definition;
  if (!custom || (raw['apiVersion'] === resource.apiVersion && raw['kind'] === kind)) return unknown;
  if (raw['apiVersion'] === null) return [];
  return unknown.filter((remark) => remark.startsWith('unknown field "metadata.'));
}

/** An empty list of managers has a meaning, which decoding alone would lose. */
export function keepReset(sent: JsonObject, decoded: JsonObject): JsonObject {
  const managers = valueAt(sent, 'metadata', 'managedFields');
  const resets = isJsonArray(managers) && managers.length === 0;
  return resets ? withMetadata(decoded, { managedFields: [] }) : decoded;
}

export const duplicateField = (path: string): string => `duplicate field ${JSON.stringify(path)}`;
