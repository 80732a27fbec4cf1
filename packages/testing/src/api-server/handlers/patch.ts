/** PATCH: JSON, merge, strategic merge and apply, of an object or its status. */
import { serverSideApply } from '../../object/apply.js';
import { applyJsonPatch } from '../../object/json-patch.js';
import { isJsonObject } from '../../object/json.js';
import type { Json, JsonObject } from '../../object/json.js';
import { applyMergePatch } from '../../object/merge-patch.js';
import { namespaceMismatch } from '../../object/object-meta.js';
import { badRequest, conflict, failure, notFound, unsupportedMediaType } from '../../object/status.js';
import { applyStrategicMergePatch } from '../../object/strategic-merge.js';
import { patchCannotBeDecoded, strictDecodingError } from '../../object/unknown-fields.js';
import { assertSameName, mediaTypeOf } from '../body.js';
import { decodeSent } from '../decoding.js';
import { formatTime } from '../environment.js';
import type { ApiRequest, ApiResponse } from '../http-message.js';
import type { Kernel } from '../kernel.js';
import { namespaceOf, textAt, uidOf, versionOf, withMetadata } from '../meta.js';
import { assertExpected, assertSameUid, resetFields } from '../objects.js';
import type { Stored } from '../collection.js';
import { parseForce, parseWriteOptions } from '../options.js';
import type { WriteOptions } from '../options.js';
import type { ResourceRequest } from '../request-info.js';
import type { Resource } from '../resource.js';
import { withWarnings } from '../warnings.js';
import { answer, contextOf } from './write.js';

export const jsonPatch = 'application/json-patch+json';
export const mergePatch = 'application/merge-patch+json';
export const strategicPatch = 'application/strategic-merge-patch+json';
export const applyPatch = 'application/apply-patch+yaml';

/** @throws StatusError 415 for another kind of patch; custom resources know no strategic merge */
export function patchTypeOf(request: ApiRequest, resource: Resource): string {
  // Without a Content-Type, or with that of an object, there is no telling what kind of patch it is.
  const type = (request.headers['content-type'] ?? '') === '' ? '' : mediaTypeOf(request);
  if (![jsonPatch, mergePatch, strategicPatch, applyPatch].includes(type)) throw noSuchPatch();
  if (type === strategicPatch && resource.definition.custom) {
    throw unsupportedMediaType([jsonPatch, mergePatch, applyPatch]);
  }
  return type;
}

function noSuchPatch() {
  return failure({
    code: 415,
    reason: 'UnsupportedMediaType',
    message: '415: Unsupported Media Type',
    details: {},
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
  const body = parsePatch(request.body.toString());
  const before = kernel.objects.get(resource, target.namespace, target.name);
  const patched = applyPatchOf(type, resource, resource.view(before), body);
  const { object, warnings } = decodePatched(resource, patched, options);
  const named = assertSameName(inOwnNamespace(object, resource, target), target.name);
  const { unconditionalUpdate } = resource.definition.strategy;
  assertExpected(resource, before, {
    uid: uidOf(named),
    resourceVersion: versionOf(named),
    unconditional: unconditionalUpdate,
  });
  const written = kernel.objects.update(resource, before, named, contextOf(request, target, options));
  return withWarnings(answer(kernel, request, resource, written, 200), warnings);
}

function applyPatchOf(type: string, resource: Resource, document: JsonObject, body: Json): JsonObject {
  if (type === jsonPatch) {
    const patched = applyJsonPatch(document, body);
    if (isJsonObject(patched)) return patched;
    throw badRequest('the patch does not leave an object');
  }
  return type === strategicPatch
    ? applyStrategicMergePatch(document, body, resource.definition.schema)
    : applyMergePatch(document, body);
}

function parsePatch(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw badRequest('invalid JSON patch');
  }
}

/** A result that does not fit its kind is a fault of the patch: 422 where an object would get a 400. */
function decodePatched(resource: Resource, patched: JsonObject, { fieldValidation }: WriteOptions) {
  const { object, unknown, problem } = resource.definition.decode(patched);
  if (problem !== undefined) throw patchCannotBeDecoded(JSON.stringify(patched), problem);
  if (fieldValidation === 'Strict' && unknown.length > 0) {
    throw patchCannotBeDecoded(JSON.stringify(patched), strictDecodingError(unknown));
  }
  return { object, warnings: fieldValidation === 'Warn' ? unknown : [] };
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
  const applied = readApplied(request, resource, target);
  const before = kernel.objects.find(resource, target.namespace, target.name);
  assertAppliedUid(resource, target, uidOf(applied), before);
  if (before === undefined && target.subresource !== '') throw notFound(resource.groupResource, target.name);
  assertVersion(resource, applied, before);
  const { object } = serverSideApply({
    live: before === undefined ? undefined : resource.view(before),
    applied: withMetadata(applied, { resourceVersion: undefined, uid: undefined }),
    manager: options.fieldManager,
    force: options.force,
    subresource: target.subresource,
    schema: resource.definition.schema,
    now: formatTime(kernel.environment.now()),
    apiVersion: resource.apiVersion,
    resetFields: resetFields(resource, target.subresource),
  });
  const placed = inOwnNamespace(object, resource, target);
  const { object: decoded, warnings } = decodeSent(resource, placed, options.fieldValidation);
  const context = contextOf(request, target, options);
  if (before === undefined) {
    const created = kernel.objects.create(resource, decoded, context, { tracked: true });
    return withWarnings(answer(kernel, request, resource, created, 201), warnings);
  }
  const written = kernel.objects.update(resource, before, decoded, context, { tracked: true });
  return withWarnings(answer(kernel, request, resource, written, 200), warnings);
}

/** @throws StatusError 409: an apply may be meant for one object only */
function assertAppliedUid(
  resource: Resource,
  target: ResourceRequest,
  uid: string,
  before: Stored | undefined,
): void {
  if (before !== undefined || uid === '') return assertSameUid(resource, target, uid, before);
  throw conflict(
    resource.groupResource,
    target.name,
    `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
  );
}

/** @throws StatusError 409: an apply may say which version it was made from */
function assertVersion(resource: Resource, applied: JsonObject, before: Stored | undefined): void {
  if (before === undefined || versionOf(applied) === '') return;
  assertExpected(resource, before, { uid: '', resourceVersion: versionOf(applied), unconditional: true });
}

/** @throws StatusError 400 for another kind, name or namespace than those of the path */
function readApplied(request: ApiRequest, resource: Resource, target: ResourceRequest): JsonObject {
  const applied = parseApplied(request.body.toString());
  const [kind, apiVersion] = [textAt(applied, 'kind'), textAt(applied, 'apiVersion')];
  if (kind !== resource.definition.kind || apiVersion !== resource.apiVersion) {
    const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
    throw badRequest(`invalid object type: ${group}/${version}, Kind=${kind}`);
  }
  inOwnNamespace(applied, resource, target);
  return assertSameName(applied, target.name);
}

function parseApplied(text: string): JsonObject {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    throw failure({
      code: 501,
      reason: 'NotImplemented',
      message:
        'the embedded API server reads applied configurations as JSON only: send the YAML converted to JSON',
    });
  }
  if (isJsonObject(value)) return value;
  throw badRequest('error decoding YAML: the applied configuration is no object');
}
