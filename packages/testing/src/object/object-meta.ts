/** Validation of `metadata`, and the names that the server makes up. */
import { deepEqual } from './equal.js';
import { fieldForbidden, fieldInvalid, fieldRequired, fieldTooLong } from './field-error.js';
import type { FieldError } from './field-error.js';
import { compareBytes, goQuote } from './go-format.js';
import { isJsonArray, isJsonObject, textOf } from './json.js';
import type { Json, JsonObject } from './json.js';
import {
  labelProblems,
  labelValueProblems,
  pathSegmentProblems,
  qualifiedNameProblems,
  subdomainProblems,
} from './names.js';
import { badRequest } from './status.js';
import type { StatusError } from './status.js';

/** How the names of a resource are checked: `subdomain` for most and for all custom resources. */
export type NameFormat = 'subdomain' | 'label' | 'path-segment';

export interface MetaRules {
  readonly nameFormat: NameFormat;
  readonly namespaced: boolean;
  /** Built-in kinds but Lease want a finalizer without a domain to be one of the server's own. */
  readonly qualifiedFinalizers?: boolean;
}

const labelNamed = new Set(['/Namespace', '/Service', 'apps/StatefulSet']);
const segmentNamed = new Set([
  '/Event',
  'events.k8s.io/Event',
  'policy/PodDisruptionBudget',
  'rbac.authorization.k8s.io/ClusterRole',
  'rbac.authorization.k8s.io/ClusterRoleBinding',
  'rbac.authorization.k8s.io/Role',
  'rbac.authorization.k8s.io/RoleBinding',
]);

export function nameFormatOf({ group, kind }: { readonly group: string; readonly kind: string }): NameFormat {
  const key = `${group}/${kind}`;
  if (labelNamed.has(key)) return 'label';
  return segmentNamed.has(key) ? 'path-segment' : 'subdomain';
}

const nameProblems: Readonly<Record<NameFormat, (name: string) => readonly string[]>> = {
  subdomain: subdomainProblems,
  label: labelProblems,
  'path-segment': pathSegmentProblems,
};

/** What is wrong with a name that a path or a body gives. */
export function validateName(name: string, format: NameFormat): readonly string[] {
  return nameProblems[format](name);
}

/** What is wrong with the metadata of an object that is created; a generated name is expected to be there by now. */
export function validateMeta(metadata: JsonObject, rules: MetaRules): readonly FieldError[] {
  const { name = '', generateName = '' } = strings(metadata);
  const check = nameProblems[rules.nameFormat];
  const errors = check(maskDash(generateName, rules.nameFormat)).map((problem) =>
    fieldInvalid('metadata.generateName', generateName, problem),
  );
  const nameErrors =
    name === ''
      ? [fieldRequired('metadata.name', 'name or generateName is required')]
      : check(name).map((problem) => fieldInvalid('metadata.name', name, problem));
  return [
    ...(generateName === '' ? [] : errors),
    ...nameErrors,
    ...namespaceErrors(metadata, rules.namespaced),
    ...generationErrors(metadata),
    ...labelErrors(metadata['labels']),
    ...annotationErrors(metadata['annotations']),
    ...ownerErrors(metadata['ownerReferences']),
    ...finalizerErrors(metadata['finalizers'], rules.qualifiedFinalizers === true),
  ];
}

/** What is wrong with the metadata of an object that is updated. */
export function validateMetaUpdate(metadata: JsonObject, before: JsonObject): readonly FieldError[] {
  const immutable = (key: string): readonly FieldError[] =>
    deepEqual(metadata[key], before[key])
      ? []
      : [fieldInvalid(`metadata.${key}`, metadata[key] ?? zeroes[key] ?? '', 'field is immutable')];
  return [
    ...newFinalizerErrors(metadata, before),
    ...versionErrors(metadata),
    ...generationErrors(metadata, before),
    ...[
      'name',
      'namespace',
      'uid',
      'creationTimestamp',
      'deletionTimestamp',
      'deletionGracePeriodSeconds',
    ].flatMap(immutable),
    ...labelErrors(metadata['labels']),
    ...annotationErrors(metadata['annotations']),
    ...ownerErrors(metadata['ownerReferences']),
  ];
}

const zeroes: Readonly<Record<string, Json>> = {
  creationTimestamp: null,
  deletionTimestamp: null,
  deletionGracePeriodSeconds: null,
};

const suffixLength = 5;
const maximumBase = 63 - suffixLength;
/** The letters and digits that spell no words. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** `base` and five random letters and digits; `random` gives numbers from 0 to below 1. */
export function generateName(base: string, random: () => number): string {
  const letters = Array.from(
    { length: suffixLength },
    () => alphabet[Math.floor(random() * alphabet.length)] ?? 'x',
  );
  return `${base.slice(0, maximumBase)}${letters.join('')}`;
}

/** 400: the body is of another namespace than the path. */
export function namespaceMismatch(): StatusError {
  return badRequest('the namespace of the provided object does not match the namespace sent on the request');
}

/** 400: the body has another name than the path. */
export function nameMismatch(inBody: string, inPath: string): StatusError {
  return badRequest(
    inBody === ''
      ? `the name of the object (${inPath} based on URL) was undeterminable: name must be provided`
      : `the name of the object (${inBody}) does not match the name on the URL (${inPath})`,
  );
}

/** A name may go on after a dash that ends a prefix; the server looks past the character before it too. */
function maskDash(prefix: string, format: NameFormat): string {
  const masked = format !== 'path-segment' && prefix.length > 1 && prefix.endsWith('-');
  return masked ? `${prefix.slice(0, -2)}a` : prefix;
}

function strings(metadata: JsonObject): Partial<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(metadata).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function namespaceErrors(metadata: JsonObject, namespaced: boolean): readonly FieldError[] {
  const { namespace = '' } = strings(metadata);
  if (!namespaced) {
    return namespace === '' ? [] : [fieldForbidden('metadata.namespace', 'not allowed on this type')];
  }
  if (namespace === '') return [fieldRequired('metadata.namespace')];
  return labelProblems(namespace).map((problem) => fieldInvalid('metadata.namespace', namespace, problem));
}

function generationErrors(metadata: JsonObject, before: JsonObject = {}): readonly FieldError[] {
  const generation = Number(metadata['generation'] ?? 0);
  const invalid = (detail: string): FieldError => fieldInvalid('metadata.generation', generation, detail);
  return [
    ...(generation < 0 ? [invalid('must be greater than or equal to 0')] : []),
    ...(generation < Number(before['generation'] ?? 0) ? [invalid('must not be decremented')] : []),
  ];
}

function versionErrors(metadata: JsonObject): readonly FieldError[] {
  const version = metadata['resourceVersion'] ?? '';
  return version === ''
    ? [fieldInvalid('metadata.resourceVersion', '', 'must be specified for an update')]
    : [];
}

/** Of labels that stand anywhere in an object. */
export function labelErrors(labels: Json | undefined, field = 'metadata.labels'): readonly FieldError[] {
  if (!isJsonObject(labels)) return [];
  return Object.entries(labels).flatMap(([key, value]) => [
    ...qualifiedNameProblems(key).map((problem) => fieldInvalid(field, key, problem)),
    ...labelValueProblems(textOf(value)).map((problem) => fieldInvalid(field, value, problem)),
  ]);
}

const maximumAnnotations = 256 * 1024;

function annotationErrors(annotations: Json | undefined): readonly FieldError[] {
  if (!isJsonObject(annotations)) return [];
  const field = 'metadata.annotations';
  const size = Object.entries(annotations).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(textOf(value)),
    0,
  );
  return [
    ...Object.keys(annotations).flatMap((key) =>
      qualifiedNameProblems(key.toLowerCase()).map((problem) => fieldInvalid(field, key, problem)),
    ),
    ...(size > maximumAnnotations ? [fieldTooLong(field, maximumAnnotations)] : []),
  ];
}

const ownerField = 'metadata.ownerReferences';

function ownerErrors(owners: Json | undefined): readonly FieldError[] {
  if (!isJsonArray(owners)) return [];
  const errors: FieldError[] = [];
  let controller: string | undefined;
  for (const [index, owner] of owners.entries()) {
    if (!isJsonObject(owner)) continue;
    errors.push(...ownerReferenceErrors(owner, `${ownerField}[${index}]`));
    if (owner['controller'] !== true) continue;
    const { kind = '', name = '' } = strings(owner);
    if (controller === undefined) controller = `${kind}/${name}`;
    else errors.push(secondController(owners, controller, `${kind}/${name}`));
  }
  return errors;
}

function secondController(owners: readonly Json[], first: string, second: string): FieldError {
  const detail = `Only one reference can have Controller set to true. Found "true" in references for ${first} and ${second}`;
  return {
    reason: 'FieldValueInvalid',
    field: ownerField,
    message: `Invalid value: ${inOrder(owners)}: ${detail}`,
  };
}

const ownerKeys = ['apiVersion', 'kind', 'name', 'uid', 'controller', 'blockOwnerDeletion'];

/** References print in the order of their fields in the API, the four that are always there even if empty. */
function inOrder(owners: readonly Json[]): string {
  return JSON.stringify(owners.map(ordered));
}

function ordered(owner: Json): Json {
  if (!isJsonObject(owner)) return owner;
  const always = new Set(ownerKeys.slice(0, 4));
  return Object.fromEntries(
    ownerKeys.flatMap((key) => {
      const value = owner[key] ?? (always.has(key) ? '' : undefined);
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

function ownerReferenceErrors(owner: JsonObject, field: string): readonly FieldError[] {
  const { apiVersion = '', kind = '', name = '', uid = '' } = strings(owner);
  const required = (key: string, value: string): readonly FieldError[] =>
    value === '' ? [fieldRequired(`${field}.${key}`, 'must not be empty')] : [];
  const malformed = apiVersion !== '' && (apiVersion.split('/').length > 2 || apiVersion.endsWith('/'));
  const disallowed = apiVersion === 'v1' && kind === 'Event';
  return [
    ...required('apiVersion', apiVersion),
    ...(malformed
      ? [fieldInvalid(`${field}.apiVersion`, apiVersion, 'must be <group>/<version> or <version>')]
      : []),
    ...required('kind', kind),
    ...required('name', name),
    ...required('uid', uid),
    ...(disallowed ? [disallowedOwner(owner, field)] : []),
  ];
}

function disallowedOwner(owner: JsonObject, field: string): FieldError {
  const detail = '/v1, Kind=Event is disallowed from being an owner';
  return {
    reason: 'FieldValueInvalid',
    field,
    message: `Invalid value: ${JSON.stringify(ordered(owner))}: ${detail}`,
  };
}

const field = 'metadata.finalizers';
const standardFinalizers = new Set(['foregroundDeletion', 'kubernetes', 'orphan']);

function finalizerErrors(finalizers: Json | undefined, qualified: boolean): readonly FieldError[] {
  if (!isJsonArray(finalizers)) return [];
  const names = finalizers.map(textOf);
  const both = names.includes('foregroundDeletion') && names.includes('orphan');
  return [
    ...names.flatMap((name) =>
      qualifiedNameProblems(name).map((problem) => fieldInvalid(field, name, problem)),
    ),
    ...(both
      ? [fieldInvalid(field, names, 'finalizer orphan and foregroundDeletion cannot be both set')]
      : []),
    ...(qualified ? names.flatMap(unqualifiedFinalizer) : []),
  ];
}

function unqualifiedFinalizer(name: string, index: number): readonly FieldError[] {
  if (name.includes('/') || standardFinalizers.has(name)) return [];
  const detail = 'name is neither a standard finalizer name nor is it fully qualified';
  return [fieldInvalid(`${field}[${index}]`, name, detail)];
}

function newFinalizerErrors(metadata: JsonObject, before: JsonObject): readonly FieldError[] {
  if ((before['deletionTimestamp'] ?? null) === null) return [];
  const names = (object: JsonObject): readonly string[] =>
    isJsonArray(object['finalizers']) ? object['finalizers'].map(textOf) : [];
  const known = new Set(names(before));
  const added = [...new Set(names(metadata))].filter((name) => !known.has(name)).sort(compareBytes);
  if (added.length === 0) return [];
  const list = `[]string{${added.map(goQuote).join(', ')}}`;
  return [
    fieldForbidden(
      field,
      `no new finalizers can be added if the object is being deleted, found new finalizers ${list}`,
    ),
  ];
}
