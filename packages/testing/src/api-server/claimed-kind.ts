/** What an object says it is, held against what it is written as. */
import { fieldInvalid } from '../object/field-error.js';
import type { JsonObject } from '../object/json.js';
import { goTypeName } from '../object/merge-patch.js';
import { failure, invalid } from '../object/status.js';
import { nameOf, textAt } from './meta.js';
import type { Resource } from './resource.js';

interface Claim {
  readonly kind: string;
  readonly apiVersion: string;
}

function claimOf(object: JsonObject): Claim {
  return { kind: textAt(object, 'kind'), apiVersion: textAt(object, 'apiVersion') };
}

/** In the words of the server; undefined if the object may be read. Built-in objects may say nothing, custom ones their version only. */
export function unreadableKind(resource: Resource, object: JsonObject, text: string): string | undefined {
  for (const field of ['apiVersion', 'kind']) {
    const value = object[field] ?? '';
    if (typeof value === 'string' || resource.definition.custom) continue;
    return `couldn't get version/kind; json parse error: json: cannot unmarshal ${goTypeName(value)} into Go struct field .${field} of type string`;
  }
  const { kind, apiVersion } = claimOf(object);
  if (resource.definition.custom) return kind === '' ? `Object 'Kind' is missing in '${text}'` : undefined;
  const own: Claim = { kind: resource.definition.kind, apiVersion: resource.apiVersion };
  const read: Claim = { kind: kind || own.kind, apiVersion: apiVersion || own.apiVersion };
  if (read.kind === own.kind && read.apiVersion === own.apiVersion) return undefined;
  return unregisteredKind(read.kind, read.apiVersion);
}

export function unregisteredKind(kind: string, apiVersion: string): string {
  return `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`;
}

/**
 * Custom resources are whatever their text says until they are validated.
 *
 * @throws StatusError 422 for one that says it is something else, 500 for one without a version
 */
export function assertClaimsKind(resource: Resource, object: JsonObject, subresource = ''): void {
  if (!resource.definition.custom) return;
  const { kind, apiVersion } = claimOf(object);
  if (apiVersion === '') throw noVersion();
  // A write of the status leaves all else as it was.
  if (subresource !== '') return;
  const own = resource.definition.kind;
  const errors = [
    ...(kind === own ? [] : [fieldInvalid('kind', kind, `must be ${own}`)]),
    ...(apiVersion === resource.apiVersion
      ? []
      : [fieldInvalid('apiVersion', apiVersion, `must be ${resource.apiVersion}`)]),
  ];
  if (errors.length > 0) throw invalid({ group: groupOf(apiVersion), kind }, nameOf(object), errors);
}

const groupOf = (apiVersion: string): string =>
  apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';

function noVersion() {
  const message = "Object 'apiVersion' is missing in 'object has no apiVersion field'";
  return failure({
    code: 500,
    reason: 'InternalError',
    message: `Internal error occurred: ${message}`,
    details: { causes: [{ message }] },
  });
}
