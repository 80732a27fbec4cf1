/** Questions about the requester: who am I, may I. */
import type { JsonObject } from '../../object/json.js';
import { isJsonObject } from '../../object/json.js';
import { fieldInvalid } from '../../object/field-error.js';
import { invalid } from '../../object/status.js';
import { readBody } from '../body.js';
import type { Attributes } from '../authorization.js';
import { formatTime } from '../environment.js';
import { jsonResponse } from '../http-message.js';
import type { ApiRequest, ApiResponse } from '../http-message.js';
import type { Kernel } from '../kernel.js';
import { listAt, objectAt, textAt } from '../meta.js';
import type { VirtualResource } from '../virtual-resources.js';
import type { User } from '../write-context.js';

export function review(kernel: Kernel, request: ApiRequest, resource: VirtualResource): ApiResponse {
  const { kind, group, version } = resource;
  const sent = readBody(request, kind);
  const head = { kind, apiVersion: `${group}/${version}` };
  if (kind === 'SelfSubjectReview') {
    const metadata = { creationTimestamp: formatTime(kernel.environment.now()) };
    return jsonResponse(request, 201, { ...head, metadata, status: { userInfo: userInfo(request.user) } });
  }
  const spec = objectAt(sent, 'spec');
  assertOneAsked(spec, group);
  const user = kind === 'SelfSubjectAccessReview' ? request.user : subjectOf(spec);
  const allowed = kernel.authorizer.allows(user, attributesOf(spec));
  return jsonResponse(request, 201, { ...head, metadata: {}, spec, status: { allowed } });
}

/** @throws StatusError 422: a question is about a resource or about a path */
function assertOneAsked(spec: JsonObject, group: string): void {
  const asked = [spec['resourceAttributes'], spec['nonResourceAttributes']].filter(isJsonObject);
  if (asked.length === 1) return;
  const words = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
  throw invalid({ group, kind: '' }, '', [fieldInvalid('spec', null, words)]);
}

function userInfo({ name, uid, groups }: User): JsonObject {
  return { username: name, ...(uid === undefined ? {} : { uid }), groups };
}

function subjectOf(spec: JsonObject): User {
  return { name: textAt(spec, 'user'), groups: listAt(spec, 'groups').map(String) };
}

function attributesOf(spec: JsonObject): Attributes {
  const path = spec['nonResourceAttributes'];
  if (isJsonObject(path)) return { verb: textAt(path, 'verb'), path: textAt(path, 'path') };
  const resource = objectAt(spec, 'resourceAttributes');
  const text = (key: string): string => textAt(resource, key);
  return {
    verb: text('verb'),
    group: text('group'),
    resource: text('resource'),
    subresource: text('subresource'),
    namespace: text('namespace'),
    name: text('name'),
  };
}
