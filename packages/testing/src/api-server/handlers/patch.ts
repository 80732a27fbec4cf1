/** PATCH: JSON, merge, strategic merge and apply, of an object or its status. */
import { serverSideApply } from '../../object/apply.js';
import { applyJsonPatch } from '../../object/json-patch.js';
import { readJson } from '../../object/json-text.js';
import type { JsonText } from '../../object/json-text.js';
import { isJsonArray, isJsonObject } from '../../object/json.js';
import type { Json, JsonObject } from '../../object/json.js';
import { goJson, goValue } from '../../object/go-format.js';
import { applyMergePatch, goTypeName } from '../../object/merge-patch.js';
import { namespaceMismatch } from '../../object/object-meta.js';
import {
  badRequest,
  conflict,
  failure,
  notFound,
  unknownError,
  unsupportedMediaType,
} from '../../object/status.js';
import { applyStrategicMergePatch } from '../../object/strategic-merge.js';
import { patchCannotBeDecoded, strictDecodingError } from '../../object/unknown-fields.js';
import { assertSameName, mediaTypeOf, yamlNotRead } from '../body.js';
import { assertClaimsKind, unreadableKind } from '../claimed-kind.js';
import { decodeSent, duplicateField, keepReset, knowable } from '../decoding.js';
import { formatTime } from '../environment.js';
import type { ApiRequest, ApiResponse } from '../http-message.js';
import type { Kernel } from '../kernel.js';
import { namespaceOf, objectAt, textAt, uidOf, versionOf, withMetadata } from '../meta.js';
import { assertExpected, parseVersion, resetFields } from '../objects.js';
import type { Stored } from '../collection.js';
import { parseForce, parseWriteOptions } from '../options.js';
import type { WriteOptions } from '../options.js';
import type { ResourceRequest } from '../request-info.js';
import type { Resource } from '../resource.js';
import { warned } from '../warnings.js';
import { answer, contextOf, withVersionOf } from './write.js';

export const jsonPatch = 'application/json-patch+json';
export const mergePatch = 'application/merge-patch+json';
export const strategicPatch = 'application/strategic-merge-patch+json';
export const applyPatch = 'application/apply-patch+yaml';

/** @throws StatusError 415 for another kind of patch; custom resources know no strategic merge */
export function patchTypeOf(request: ApiRequest, resource: Resource): string {
  // Without a Content-Type, or with that of an object, there is no telling what kind of patch it is.
  const type = (request.headers['content-type'] ?? '') === '' ? '' : mediaTypeOf(request);
  if (![jsonPatch, mergePatch, strategicPatch, applyPatch].includes(type)) throw noSuchPatch(resource);
  if (type === strategicPatch && resource.definition.custom) {
    throw unsupportedMediaType([jsonPatch, mergePatch, applyPatch]);
  }
  return type;
}

function noSuchPatch({ definition }: Resource) {
  return failure({
    code: 415,
    reason: 'UnsupportedMediaType',
    message: '415: Unsupported Media Type',
    ...(definition.custom ? {} : { details: {} }),
  });
}

export function patch(
  kernel: Kernel,
  request: ApiRequest,
  resource: Resource,
  target: ResourceRequest,
): ApiResponse {
  const type = patchTypeOf(request, resource);
  const options = parseWriteOptions(request, 'PatchOptions');
  const force = parseForce(request, type === applyPatch);
  return type === applyPatch
    ? apply(kernel, request, resource, target, { ...options, force })
    : modify(kernel, request, resource, target, options);
}

function modify(
  kernel: Kernel,
  request: ApiRequest,
  resource: Resource,
  target: ResourceRequest,
  options: WriteOptions,
): ApiResponse {
  const type = mediaTypeOf(request);
  const { value: body, duplicates } = parsePatch(request.body.toString());
  const before = kernel.objects.get(resource, target.namespace, target.name);
  const document = resource.view(before);
  const patched = applyPatchOf(type, resource, document, body);
  const lost = type === strategicPatch ? [] : lostFields(resource, patched);
  const remarks = type === jsonPatch ? jsonPatchRemarks(body, duplicates) : duplicates.map(duplicateField);
  const quoted = type === strategicPatch ? goValue(body) : textOfObject(resource, patched);
  const unreadable = unreadableKind(resource, patched, quoted);
  if (unreadable !== undefined) throw patchCannotBeDecoded(quoted, unreadable);
  const read = lost.length > 0 ? { kind: resource.definition.kind } : patched;
  const { object, warnings } = decodePatched(
    resource,
    { patched: read, remarks: [...remarks, ...lost], quoted },
    options,
  );
  return warned(warnings, () => {
    const named = assertSameName(inOwnNamespace(object, resource, target), target.name);
    return writePatched(kernel, request, resource, target, { before, named, patched, options });
  });
}

/** A built-in object without a version is read as one that has no fields. */
function lostFields({ definition }: Resource, patched: JsonObject): readonly string[] {
  if (definition.custom || textAt(patched, 'apiVersion') !== '') return [];
  const fields = Object.keys(patched).filter((field) => field !== 'kind' && field !== 'apiVersion');
  return fields.sort().map((field) => `unknown field ${JSON.stringify(field)}`);
}

interface Patching {
  readonly before: Stored;
  readonly named: JsonObject;
  /** With the kind and version that the patch left. */
  readonly patched: JsonObject;
  readonly options: WriteOptions;
}

function writePatched(
  kernel: Kernel,
  request: ApiRequest,
  resource: Resource,
  target: ResourceRequest,
  { before, named, patched, options }: Patching,
): ApiResponse {
  const { unconditionalUpdate } = resource.definition.strategy;
  assertExpected(resource, before, {
    uid: uidOf(named),
    resourceVersion: versionOf(named),
    unconditional: unconditionalUpdate,
  });
  assertClaimsKind(resource, patched, target.subresource);
  const object = { ...named, kind: resource.definition.kind, apiVersion: resource.apiVersion };
  const written = kernel.objects.update(resource, before, object, contextOf(request, target, options));
  return answer(kernel, request, resource, written, 200);
}

function applyPatchOf(type: string, resource: Resource, document: JsonObject, body: Json): JsonObject {
  if (type === jsonPatch) {
    const patched = applyJsonPatch(document, body);
    if (isJsonObject(patched)) return patched;
    throw badRequest('the patch does not leave an object');
  }
  if (type !== strategicPatch) return applyMergePatch(document, body);
  // It patches fields, and the kind is none of them.
  const { kind, apiVersion } = document;
  const patched = applyStrategicMergePatch(document, body, resource.definition.schema);
  return { ...patched, ...(kind && apiVersion ? { kind, apiVersion } : {}) };
}

/** @throws StatusError 400 */
export function parsePatch(text: string): JsonText {
  try {
    return readJson(text);
  } catch {
    throw badRequest('invalid JSON patch');
  }
}

/** A result that does not fit its kind is a fault of the patch: 422 where an object would get a 400. */
function decodePatched(
  resource: Resource,
  { patched, remarks, quoted }: Patched,
  { fieldValidation }: WriteOptions,
) {
  const { object: decoded, unknown, problem } = resource.definition.decode(patched);
  const object = resource.definition.custom ? decoded : keepReset(patched, decoded);
  if (problem !== undefined) throw patchCannotBeDecoded(quoted, problem);
  const found = [...remarks, ...knowable(resource, patched, unknown)];
  if (fieldValidation === 'Strict' && found.length > 0) {
    throw patchCannotBeDecoded(quoted, strictDecodingError(found));
  }
  return { object, warnings: fieldValidation === 'Warn' ? found : [] };
}

const textOfObject = ({ definition }: Resource, object: JsonObject): string =>
  definition.custom ? goJson(object) : JSON.stringify(object);

interface Patched {
  readonly patched: JsonObject;
  /** What is odd about the patch itself. */
  readonly remarks: readonly string[];
  /** What the error shows: the result, but of a strategic merge patch the patch. */
  readonly quoted: string;
}

const operationFields = ['op', 'path', 'from', 'value'];

function jsonPatchRemarks(operations: Json, duplicates: readonly string[]): readonly string[] {
  const list = isJsonArray(operations) ? operations : [];
  return [
    ...duplicates.map((path) => `json patch ${duplicateField(path)}`),
    ...list.flatMap((operation, index) =>
      Object.keys(isJsonObject(operation) ? operation : {})
        .filter((key) => !operationFields.includes(key))
        .map((key) => `json patch unknown field "[${index}].${key}"`),
    ),
  ];
}

function inOwnNamespace(object: JsonObject, resource: Resource, { namespace }: ResourceRequest): JsonObject {
  if (!resource.definition.namespaced) return object;
  const sent = namespaceOf(object);
  if (sent === namespace) return object;
  if (sent === '') return withMetadata(object, { namespace });
  throw namespaceMismatch();
}

interface ApplyOptions extends WriteOptions {
  readonly force: boolean;
}

function apply(
  kernel: Kernel,
  request: ApiRequest,
  resource: Resource,
  target: ResourceRequest,
  options: ApplyOptions,
): ApiResponse {
  const before = kernel.objects.find(resource, target.namespace, target.name);
  if (before === undefined && target.subresource !== '') throw notFound(resource.groupResource, target.name);
  const { object: applied, repeated } = readApplied(request, resource);
  const { object: merged } = serverSideApply({
    live: before === undefined ? undefined : resource.view(before),
    applied: before === undefined ? withoutIdentity(applied) : applied,
    manager: options.fieldManager,
    force: options.force,
    subresource: target.subresource,
    schema: resource.definition.schema,
    now: formatTime(kernel.environment.now()),
    apiVersion: resource.apiVersion,
    resetFields: resetFields(resource, target.subresource),
  });
  // A custom resource's birthday is not read, however it is written.
  const object = resource.definition.custom ? withMetadata(merged, { creationTimestamp: undefined }) : merged;
  assertConverts(resource, object, applied);
  if (before === undefined) assertNoUid(resource, target, uidOf(applied));
  // Of an object that is there, only what was applied may name another one.
  const named = before === undefined ? object : withNames(object, applied);
  const placed = assertSameName(inOwnNamespace(named, resource, target), target.name);
  if (before === undefined) parseVersion(versionOf(applied));
  const { object: decoded, warnings: found } = decodeSent(
    resource,
    { object: placed, duplicates: [], raw: placed },
    options.fieldValidation,
    { applied: true },
  );
  const warnings = [...(options.fieldValidation === 'Warn' ? repeated : []), ...found];
  const context = contextOf(request, target, options);
  return warned(warnings, () => {
    if (before === undefined) {
      const created = kernel.objects.create(resource, decoded, context, { tracked: true });
      const shown = context.dryRun ? withVersionOf(applied, created) : created;
      return answer(kernel, request, resource, shown, 201);
    }
    assertVersion(resource, applied, before);
    const written = kernel.objects.update(resource, before, decoded, context, { tracked: true });
    return answer(kernel, request, resource, written, 200);
  });
}

/** What says which object is meant is owned by nobody; of a wrong type it is left for the schema to find. */
function withoutIdentity(applied: JsonObject): JsonObject {
  if (!isJsonObject(applied['metadata'])) return applied;
  const { uid, resourceVersion } = applied['metadata'];
  return withMetadata(applied, {
    ...(typeof uid === 'string' ? { uid: undefined } : {}),
    ...(typeof resourceVersion === 'string' ? { resourceVersion: undefined } : {}),
  });
}

function withNames(object: JsonObject, applied: JsonObject): JsonObject {
  const { name, namespace } = objectAt(applied, 'metadata');
  return withMetadata(object, {
    ...(name === undefined ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
  });
}

/** @throws StatusError 500: the types fit, and still a value cannot be read, such as a time */
function assertConverts(resource: Resource, object: JsonObject, applied: JsonObject): void {
  const { problem } = resource.definition.decode(object);
  if (problem === undefined) return;
  const { group, version, kind } = resource.gvk;
  const [namespace, name] = [namespaceOf(applied), textAt(applied, 'metadata', 'name')];
  const what = `${group}/${version}, Kind=${kind}`;
  throw unknownError(
    `failed to convert new object (${namespace}/${name}; ${what}) to proper version: unable to convert unstructured object to ${what}: error decoding from json: ${problem}`,
  );
}

/** @throws StatusError 409: an apply may be meant for an object that is there */
function assertNoUid(resource: Resource, target: ResourceRequest, uid: string): void {
  if (uid === '') return;
  throw conflict(
    resource.groupResource,
    target.name,
    `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
  );
}

/** @throws StatusError 409: an apply may say which version it was made from */
function assertVersion(resource: Resource, applied: JsonObject, before: Stored | undefined): void {
  if (before === undefined || objectAt(applied, 'metadata')['resourceVersion'] === undefined) return;
  const { unconditionalUpdate: unconditional } = resource.definition.strategy;
  assertExpected(resource, before, { uid: '', resourceVersion: versionOf(applied), unconditional });
}

/** @throws StatusError 400 for another kind than that of the path */
function readApplied(request: ApiRequest, resource: Resource): Applied {
  const { object: applied, repeated } = parseApplied(request.body.toString());
  const [kind, apiVersion] = [textAt(applied, 'kind'), textAt(applied, 'apiVersion')];
  if (kind !== resource.definition.kind || apiVersion !== resource.apiVersion) {
    const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
    throw badRequest(`invalid object type: ${group}/${version}, Kind=${kind}`);
  }
  return { object: applied, repeated };
}

interface Applied {
  readonly object: JsonObject;
  /** What a reader of YAML says of keys that come twice; it knows the line, which for JSON in one line is the first. */
  readonly repeated: readonly string[];
}

function parseApplied(text: string): Applied {
  let parsed: JsonText;
  try {
    parsed = readJson(text);
  } catch {
    throw yamlNotRead();
  }
  const { value, duplicates } = parsed;
  if (isJsonObject(value)) {
    const keys = duplicates.map((path) => path.slice(path.lastIndexOf('.') + 1));
    return {
      object: value,
      repeated: keys.map((key) => `line 1: key ${JSON.stringify(key)} already set in map`),
    };
  }
  throw badRequest(
    `error decoding patch: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${goTypeName(value)} into Go value of type map[string]interface {}`,
  );
}
