/** POST and PUT of whole objects, and PUT of their status. */
import { notFound } from '../../object/status.js';
import type { JsonObject } from '../../object/json.js';
import { assertSameName, readObject } from '../body.js';
import { decodeSent } from '../decoding.js';
import type { ApiRequest, ApiResponse } from '../http-message.js';
import { userAgentOf } from '../http-message.js';
import type { Kernel } from '../kernel.js';
import { versionOf, uidOf } from '../meta.js';
import { assertExpected, assertSameUid } from '../objects.js';
import type { Written } from '../objects.js';
import { parseWriteOptions } from '../options.js';
import type { WriteOptions } from '../options.js';
import { presentObject } from '../present.js';
import type { ResourceRequest } from '../request-info.js';
import type { Resource } from '../resource.js';
import { withWarnings } from '../warnings.js';
import type { WriteContext } from '../write-context.js';

export function contextOf(request: ApiRequest, target: ResourceRequest, options: WriteOptions): WriteContext {
  return {
    user: request.user,
    userAgent: userAgentOf(request),
    verb: target.verb,
    subresource: target.subresource,
    fieldManager: options.fieldManager,
    dryRun: options.dryRun,
  };
}

export function create(
  kernel: Kernel,
  request: ApiRequest,
  resource: Resource,
  target: ResourceRequest,
): ApiResponse {
  const options = parseWriteOptions(request, 'CreateOptions');
  const sent = readObject(request, resource, target.namespace);
  const { object, warnings } = decodeSent(resource, sent, options.fieldValidation);
  const written = kernel.objects.create(resource, object, contextOf(request, target, options));
  return withWarnings(answer(kernel, request, resource, written, 201), warnings);
}

export function update(
  kernel: Kernel,
  request: ApiRequest,
  resource: Resource,
  target: ResourceRequest,
): ApiResponse {
  const options = parseWriteOptions(request, 'UpdateOptions');
  const sent = assertSameName(readObject(request, resource, target.namespace), target.name);
  const { object, warnings } = decodeSent(resource, sent, options.fieldValidation);
  const context = contextOf(request, target, options);
  const before = kernel.objects.find(resource, target.namespace, target.name);
  assertMayCreate(resource, before !== undefined, target);
  assertSameUid(resource, target, uidOf(object), before);
  if (before === undefined) {
    const created = kernel.objects.create(resource, withoutUid(object), context);
    return withWarnings(answer(kernel, request, resource, created, 201), warnings);
  }
  const { unconditionalUpdate } = resource.definition.strategy;
  assertExpected(resource, before, {
    uid: uidOf(object),
    resourceVersion: versionOf(object),
    unconditional: unconditionalUpdate,
  });
  const written = kernel.objects.update(resource, before, object, context);
  return withWarnings(answer(kernel, request, resource, written, 200), warnings);
}

/** A PUT creates objects of a few kinds, whatever resourceVersion it carries. */
function assertMayCreate(resource: Resource, exists: boolean, { name, subresource }: ResourceRequest): void {
  if (exists || (resource.definition.strategy.createsOnUpdate && subresource === '')) return;
  throw notFound(resource.groupResource, name);
}

function withoutUid(object: JsonObject): JsonObject {
  const { uid: _uid, resourceVersion: _version, ...metadata } = object['metadata'] as JsonObject;
  return { ...object, metadata };
}

export function answer(
  kernel: Kernel,
  request: ApiRequest,
  resource: Resource,
  { object, stored }: Written,
  status: number,
): ApiResponse {
  return presentObject(request, resource, { status, object, stored }, kernel.environment.now());
}
