/** From a request to its answer: who asks, may they, and which handler serves it. */
import {
  StatusError,
  badRequest,
  methodNotAllowed,
  notFound,
  pageNotFound,
  unauthorized,
  unknownError,
} from '../object/status.js';
import { discover, pathsOf } from './discovery.js';
import { create, update } from './handlers/write.js';
import { deleteCollection, deleteOne } from './handlers/delete.js';
import { get } from './handlers/get.js';
import { list } from './handlers/list.js';
import { patch } from './handlers/patch.js';
import { requestToken } from './handlers/token-request.js';
import { review } from './handlers/reviews.js';
import { scale } from './handlers/scale.js';
import { watch } from './handlers/watch.js';
import { isStream, jsonResponse, textResponse } from './http-message.js';
import type { AnyResponse, ApiRequest } from './http-message.js';
import type { Kernel } from './kernel.js';
import { checkHealth } from './health.js';
import { openApi } from './openapi.js';
import type { ResourceRequest } from './request-info.js';
import type { Resource } from './resource.js';
import { versionInfo } from './version.js';
import { findVirtual } from './virtual-resources.js';
import { warningsOfFailure, withWarnings } from './warnings.js';
import type { User } from './write-context.js';

export type Unauthenticated = Omit<ApiRequest, 'user'>;

export class Dispatcher {
  readonly #kernel: Kernel;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Never throws: whatever goes wrong is a Status. */
  async answer(unauthenticated: Unauthenticated): Promise<AnyResponse> {
    const user = this.#kernel.authenticator.authenticate(unauthenticated.headers.authorization);
    const request: ApiRequest = { ...unauthenticated, user: user ?? { name: '', groups: [] } };
    try {
      if (user === undefined) throw unauthorized();
      this.#authorize(user, request);
      return await this.#route(request);
    } catch (error) {
      return failureResponse(request, error);
    }
  }

  #authorize(user: User, { target, method, path }: ApiRequest): void {
    const verb = method === 'GET' || method === 'HEAD' ? 'get' : method.toLowerCase();
    this.#kernel.authorizer.assertAllowed(user, target === undefined ? { verb, path } : attributesOf(target));
  }

  async #route(request: ApiRequest): Promise<AnyResponse> {
    const { target } = request;
    if (target === undefined) return this.#nonResource(request);
    const virtual = findVirtual(target.group, target.version, target.resource);
    if (virtual !== undefined && target.name === '') {
      if (request.method !== 'POST') throw methodNotAllowed();
      return review(this.#kernel, request, virtual);
    }
    const resource = this.#kernel.registry.find(target.group, target.version, target.resource);
    if (resource === undefined) return this.#unknown(request, target);
    if (isNowhere(resource, target)) return notFoundPage();
    assertPlace(request, resource, target);
    // For the authorizer a namespace lies in itself; its storage has no namespaces.
    const place = resource.definition.namespaced ? target : { ...target, namespace: '' };
    const answer =
      place.subresource === ''
        ? await this.#object(request, resource, place)
        : await this.#subresource(request, resource, place);
    const { deprecation } = resource.definition;
    return deprecation === undefined || isStream(answer) ? answer : withWarnings(answer, [deprecation]);
  }

  async #object(request: ApiRequest, resource: Resource, target: ResourceRequest): Promise<AnyResponse> {
    assertServed(resource.definition.verbs, target.verb);
    const kernel = this.#kernel;
    switch (target.verb) {
      case 'get':
        return get(kernel, request, resource, target);
      case 'list':
        return list(kernel, request, resource, target);
      case 'watch':
        return watch(kernel, request, resource, target);
      case 'create':
        return create(kernel, request, resource, target);
      case 'update':
        return update(kernel, request, resource, target);
      case 'patch':
        return patch(kernel, request, resource, target);
      case 'delete':
        return deleteOne(kernel, request, resource, target);
      case 'deletecollection':
        return deleteCollection(kernel, request, resource, target);
    }
  }

  async #subresource(request: ApiRequest, resource: Resource, target: ResourceRequest): Promise<AnyResponse> {
    const subresource = resource.subresource(target.subresource);
    if (subresource === undefined) throw notServed(resource, target);
    assertServed(subresource.verbs, target.verb);
    const kernel = this.#kernel;
    if (subresource.name === 'scale') return scale(kernel, request, resource, target);
    if (subresource.name === 'token') return requestToken(kernel, request, resource, target);
    if (target.verb === 'get') return get(kernel, request, resource, target);
    return target.verb === 'update'
      ? update(kernel, request, resource, target)
      : patch(kernel, request, resource, target);
  }

  /** An unknown resource in a group that exists is a Status; anything else is no API at all. */
  #unknown(request: ApiRequest, { group }: ResourceRequest): AnyResponse {
    return this.#knows(group) ? failureResponse(request, pageNotFound()) : notFoundPage();
  }

  #nonResource(request: ApiRequest): AnyResponse {
    const { path } = request;
    const health = checkHealth(request);
    if (health !== undefined) return health;
    if (request.method !== 'GET') throw methodNotAllowed();
    if (path === '/') return jsonResponse(request, 200, { paths: pathsOf(this.#kernel.registry) });
    if (path === '/version' || path === '/version/') return jsonResponse(request, 200, versionInfo);
    const known = discover(this.#kernel.registry, request) ?? openApi(this.#kernel.registry, request);
    if (known !== undefined) return known;
    if (/^\/api\/[^/]+$/.test(path)) throw pageNotFound();
    const group = /^\/apis\/([^/]+)\/[^/]+$/.exec(path)?.[1];
    if (group !== undefined && this.#knows(group)) throw pageNotFound();
    return notFoundPage();
  }

  /** Groups of custom resources know what they have, and are nothing beyond it. */
  #knows(group: string): boolean {
    const { registry } = this.#kernel;
    return (
      group === '' || isVirtualGroup(group) || (registry.hasGroup(group) && !registry.isCustomGroup(group))
    );
  }
}

const isVirtualGroup = (group: string): boolean =>
  group === 'authorization.k8s.io' || group === 'authentication.k8s.io';

function attributesOf({ verb, group, resource, subresource, namespace, name }: ResourceRequest) {
  return { verb, group, resource, subresource, namespace, name };
}

function notFoundPage(): AnyResponse {
  return textResponse(404, '404 page not found\n');
}

/** A custom resource outside of the scope that its definition gives it. */
function isNowhere({ definition }: Resource, { namespace, verb }: ResourceRequest): boolean {
  if (!definition.custom) return false;
  const everywhere = namespace === '' && ['list', 'watch'].includes(verb);
  return definition.namespaced ? namespace === '' && !everywhere : namespace !== '';
}

/** A path must have a namespace just where the resource has one, save for lists over all namespaces. */
function assertPlace({ method }: ApiRequest, resource: Resource, target: ResourceRequest): void {
  if (!['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].includes(method)) throw methodNotAllowed();
  const { namespaced, plural, group, custom } = resource.definition;
  const own = group === '' && plural === 'namespaces';
  if (!namespaced && target.namespace !== '' && !own) throw pageNotFound();
  const named = target.name !== '' && !isOfMany(target);
  if (namespaced && target.namespace === '') {
    if (named) throw pageNotFound();
    if (!['list', 'watch'].includes(target.verb)) throw methodNotAllowed();
  }
  if (!named && ['update', 'patch'].includes(target.verb)) {
    throw custom ? badRequest('name must be provided') : methodNotAllowed();
  }
  if (named && target.verb === 'create' && target.subresource === '' && !custom) throw methodNotAllowed();
}

/** Lists and watches have a name only for the authorizer. */
function isOfMany({ verb }: ResourceRequest): boolean {
  return verb === 'list' || verb === 'watch' || verb === 'deletecollection';
}

function assertServed(verbs: readonly string[], verb: string): void {
  if (!verbs.includes(verb)) throw methodNotAllowed();
}

/** What Kubernetes has and this server does not: an answer that cannot be taken for the object's absence. */
function notServed(resource: Resource, { name, subresource }: ResourceRequest): StatusError {
  const { plural, custom } = resource.definition;
  if (custom) return notFound(resource.groupResource, name);
  const path = `${plural}/${subresource}`;
  return elsewhere.includes(path) ? notImplemented(path) : pageNotFound();
}

const elsewhere = [
  'nodes/proxy',
  'pods/attach',
  'pods/binding',
  'pods/ephemeralcontainers',
  'pods/eviction',
  'pods/exec',
  'pods/log',
  'pods/portforward',
  'pods/proxy',
  'pods/resize',
  'services/proxy',
];

function notImplemented(what: string): StatusError {
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `the embedded API server does not serve ${what}`,
    reason: 'NotImplemented',
    code: 501,
  });
}

export function failureResponse(request: ApiRequest, error: unknown): AnyResponse {
  const { status } =
    error instanceof StatusError ? error : unknownError(`the embedded API server failed: ${describe(error)}`);
  const response = withWarnings(jsonResponse(request, status.code, status), warningsOfFailure(error));
  const retry = status.details?.retryAfterSeconds;
  return retry === undefined
    ? response
    : { ...response, headers: { ...response.headers, 'retry-after': String(retry) } };
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
