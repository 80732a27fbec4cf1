/** POST and PUT of whole objects, and PUT of their status. */
import { notFound } from '../../object/status.js';
import type { JsonObject } from '../../object/json.js';
import { assertSameName, assertSameNamespace, assertSentVersion, readObject } from '../body.js';
import { assertClaimsKind } from '../claimed-kind.js';
import { decodeSent } from '../decoding.js';
import type { ApiRequest, ApiResponse } from '../http-message.js';
import { userAgentOf } from '../http-message.js';
import { bear } from '../life-cycle.js';
import type { Kernel } from '../kernel.js';
import { metadataOf, uidOf, versionOf, withMetadata } from '../meta.js';
import { assertExpected, assertSameUid, parseVersion } from '../objects.js';
import type { Written } from '../objects.js';
import { parseWriteOptions } from '../options.js';
import type { WriteOptions } from '../options.js';
import { presentObject } from '../present.js';
import type { ResourceRequest } from '../request-info.js';
import type { Resource } from '../resource.js';
import { warned, withWarnings } from '../warnings.js';
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
  return warned(warnings, () => {
    assertSentVersion(resource, sent.raw);
    assertSameNamespace(object, resource, target.namespace);
    // By then it has its name.
    assertClaimsKind(resource, bear(sent.raw, target.namespace, kernel.environment));
    const written = kernel.objects.create(resource, object, contextOf(request, target, options));
    return answer(kernel, request, resource, written, 201);
  });
}

export function update(
  kernel: Kernel,
  request: ApiRequest,
  resource: Resource,
  target: ResourceRequest,
): ApiResponse {
  const options = parseWriteOptions(request, 'UpdateOptions');
  const sent = readObject(request, resource, target.namespace);
  const { object, warnings } = decodeSent(resource, sent, options.fieldValidation);
  const context = contextOf(request, target, options);
  return warned(warnings, () =>
    replaceWith(kernel, request, resource, target, { object, context, raw: sent.raw }),
  );
}

interface Replacement {
  readonly object: JsonObject;
  readonly context: WriteContext;
  readonly raw: JsonObject;
}

function replaceWith(
  kernel: Kernel,
  request: ApiRequest,
  resource: Resource,
  target: ResourceRequest,
  { object, context, raw }: Replacement,
): ApiResponse {
  assertSentVersion(resource, raw);
  assertSameNamespace(object, resource, target.namespace);
  assertSameName(object, target.name);
  const before = kernel.objects.find(resource, target.namespace, target.name);
  assertMayCreate(resource, before !== undefined, target);
  assertSameUid(resource, target, uidOf(object), before);
  if (before === undefined) {
    parseVersion(versionOf(object));
    const created = kernel.objects.create(resource, withoutUid(object), context, { byUpdate: true });
    return answer(kernel, request, resource, context.dryRun ? withVersionOf(object, created) : created, 201);
  }
  const { unconditionalUpdate } = resource.definition.strategy;
  assertExpected(resource, before, {
    uid: uidOf(object),
    resourceVersion: versionOf(object),
    unconditional: unconditionalUpdate,
  });
  assertClaimsKind(resource, raw, target.subresource);
  const written = kernel.objects.update(resource, before, object, context);
  return answer(kernel, request, resource, written, 200);
}

/** A PUT creates objects of a few kinds, whatever resourceVersion it carries. */
function assertMayCreate(resource: Resource, exists: boolean, { name, subresource }: ResourceRequest): void {
  if (exists || (resource.definition.strategy.createsOnUpdate && subresource === '')) return;
  throw notFound(resource.groupResource, name);
}

/** A dry run shows the version that was sent, which nothing has replaced. */
export function withVersionOf(sent: JsonObject, written: Written): Written {
  const { resourceVersion } = metadataOf(sent);
  return resourceVersion === undefined || resourceVersion === ''
    ? written
    : { ...written, object: withMetadata(written.object, { resourceVersion }) };
}

function withoutUid(object: JsonObject): JsonObject {
  const { uid: _uid, resourceVersion: _version, ...metadata } = object['metadata'] as JsonObject;
  return { ...object, metadata };
}

export function answer(
  kernel: Kernel,
  request: ApiRequest,
  resource: Resource,
  { object, stored, warnings = [] }: Written,
  status: number,
): ApiResponse {
  const response = presentObject(request, resource, { status, object, stored }, kernel.environment.now());
  return withWarnings(response, warnings);
}
