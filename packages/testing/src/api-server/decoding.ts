/** Bodies as objects of a resource, with what fieldValidation says about fields that do not exist. */
import type { JsonObject } from '../object/json.js';
import { cannotBeHandled, strictDecodingError } from '../object/unknown-fields.js';
import type { FieldValidation } from './options.js';
import type { Resource } from './resource.js';

export interface Decoding {
  readonly object: JsonObject;
  /** One Warning header each. */
  readonly warnings: readonly string[];
}

/** @throws StatusError 400 if the body does not fit, or has unknown fields under Strict */
export function decodeSent(resource: Resource, sent: JsonObject, validation: FieldValidation): Decoding {
  const { object, unknown, problem } = resource.definition.decode(sent);
  if (problem !== undefined) throw cannotBeHandled(resource.gvk, problem);
  if (validation === 'Strict' && unknown.length > 0) {
    throw cannotBeHandled(resource.gvk, strictDecodingError(unknown));
  }
  return { object, warnings: validation === 'Warn' ? unknown : [] };
}
