/** The scale subresource: the number of replicas of a workload as an object of its own. */
import { fieldInvalid } from '../../object/field-error.js';
import type { JsonObject } from '../../object/json.js';
import { isJsonObject, valueAt } from '../../object/json.js';
import { applyJsonPatch } from '../../object/json-patch.js';
import { cannotBeHandled, patchCannotBeDecoded } from '../../object/unknown-fields.js';
import { applyMergePatch, goTypeName } from '../../object/merge-patch.js';
import { conflict, failure, invalid } from '../../object/status.js';
import { readBody } from '../body.js';
import type { Stored } from '../collection.js';
import { jsonResponse } from '../http-message.js';
import type { ApiRequest, ApiResponse } from '../http-message.js';
import type { Kernel } from '../kernel.js';
import { formatSelector } from '../label-text.js';
import { metadataOf, numberAt, objectAt, textAt, versionOf, withValueAt } from '../meta.js';
import { parseWriteOptions } from '../options.js';
import type { ResourceRequest } from '../request-info.js';
import type { Resource, ScalePaths } from '../resource.js';
import { applyPatch, jsonPatch, parsePatch, patchTypeOf } from './patch.js';
import { contextOf } from './write.js';

const workloadPaths: ScalePaths = {
  specReplicasPath: '.spec.replicas',
  statusReplicasPath: '.status.replicas',
};

export function scale(
  kernel: Kernel,
  request: ApiRequest,
  resource: Resource,
  target: ResourceRequest,
): ApiResponse {
  if (target.verb === 'get')
    return jsonResponse(request, 200, scaleOf(resource, found(kernel, resource, target)));
  const options = parseWriteOptions(request, target.verb === 'update' ? 'UpdateOptions' : 'PatchOptions');
  const sent = target.verb === 'update' ? readScale(request) : undefined;
  const stored = found(kernel, resource, target);
  const wanted = sent ?? patched(request, resource, scaleOf(resource, stored));
  const replicas = replicasOf(wanted, target.name, resource.definition.custom);
  const version = versionOf(wanted);
  if (version !== '' && version !== String(stored.revision))
    throw conflict(resource.groupResource, target.name);
  const next = withValueAt(resource.view(stored), pathOf(pathsOf(resource).specReplicasPath), replicas);
  const context = contextOf(request, target, options);
  const written = kernel.objects.update(resource, stored, next, context);
  const after = { ...stored, object: written.stored?.object ?? resource.toStorage(written.object) };
  return jsonResponse(request, 200, scaleOf(resource, after));
}

function found(kernel: Kernel, resource: Resource, { namespace, name }: ResourceRequest): Stored {
  return kernel.objects.get(resource, namespace, name);
}

const pathsOf = ({ definition }: Resource): ScalePaths => definition.scale ?? workloadPaths;
const pathOf = (jsonPath: string): readonly string[] => jsonPath.split('.').filter((key) => key !== '');

function scaleOf(resource: Resource, stored: Stored): JsonObject {
  const object = resource.view(stored);
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadataOf(object);
  const paths = pathsOf(resource);
  const selector = selectorOf(resource, object);
  const replicas = numberAt(object, pathOf(paths.specReplicasPath));
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {
      name: name ?? '',
      namespace: namespace ?? '',
      uid: uid ?? '',
      resourceVersion: resourceVersion ?? '',
      creationTimestamp: creationTimestamp ?? null,
    },
    spec: replicas === 0 ? {} : { replicas },
    status: {
      replicas: numberAt(object, pathOf(paths.statusReplicasPath)),
      ...(selector === '' ? {} : { selector }),
    },
  };
}

function selectorOf({ definition }: Resource, object: JsonObject): string {
  if (!definition.custom) return formatSelector(objectAt(object, 'spec', 'selector'));
  const path = definition.scale?.labelSelectorPath;
  return path === undefined ? '' : textAt(object, ...pathOf(path));
}

function patched(request: ApiRequest, resource: Resource, current: JsonObject): JsonObject {
  const type = patchTypeOf(request, resource);
  if (type === applyPatch) {
    throw failure({
      code: 501,
      reason: 'NotImplemented',
      message: 'the embedded API server does not apply to the scale subresource: use a merge patch',
    });
  }
  const { value: body } = parsePatch(request.body.toString());
  // A Scale has no lists, so that a strategic merge patch of it is a merge patch.
  const result = type === jsonPatch ? applyJsonPatch(current, body) : applyMergePatch(current, body);
  const object = isJsonObject(result) ? result : current;
  const wrong = wrongReplicas(object);
  if (wrong !== undefined) throw patchCannotBeDecoded(JSON.stringify(object), wrong);
  return object;
}

/** @throws StatusError 400 for replicas that are no whole number */
function readScale(request: ApiRequest): JsonObject {
  const sent = readBody(request, 'Scale');
  const wrong = wrongReplicas(sent);
  if (wrong === undefined) return sent;
  throw cannotBeHandled({ group: 'autoscaling', version: 'v1', kind: 'Scale' }, wrong);
}

function wrongReplicas(scaleObject: JsonObject): string | undefined {
  const value = valueAt(scaleObject, 'spec', 'replicas') ?? 0;
  if (typeof value === 'number' && Number.isInteger(value)) return undefined;
  const found = typeof value === 'number' ? `number ${value}` : goTypeName(value);
  return `json: cannot unmarshal ${found} into Go struct field ScaleSpec.spec.replicas of type int32`;
}

/** Of a custom resource, its own rules say what is too few. */
function replicasOf(scaleObject: JsonObject, name: string, custom: boolean): number {
  const value = valueAt(scaleObject, 'spec', 'replicas') ?? 0;
  if (typeof value === 'number' && Number.isInteger(value) && (custom || value >= 0)) return value;
  throw invalid({ group: 'autoscaling', kind: 'Scale' }, name, [
    fieldInvalid('spec.replicas', value, 'must be greater than or equal to 0'),
  ]);
}
