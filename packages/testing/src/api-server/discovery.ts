/** Which groups, versions and resources there are, in the old form and in the aggregated one. */
import type { JsonObject } from '../object/json.js';
import { failure } from '../object/status.js';
import { healthPaths } from './health.js';
import { jsonResponse } from './http-message.js';
import type { ApiRequest, ApiResponse } from './http-message.js';
import { parseAccept } from './negotiation.js';
import type { Registry } from './registry.js';
import { apiVersionOf } from './resource.js';
import type { Resource, Subresource } from './resource.js';
import { virtualResources } from './virtual-resources.js';
import type { VirtualResource } from './virtual-resources.js';

const aggregatedType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** The answer for a discovery path; undefined for any other. */
export function discover(registry: Registry, request: ApiRequest): ApiResponse | undefined {
  const [root, first, second, ...rest] = request.path.split('/').filter((part) => part !== '');
  if (rest.length > 0 || (root !== 'api' && root !== 'apis')) return undefined;
  if (root === 'api' && second !== undefined) return undefined;
  if (first === undefined) return discoverRoot(registry, request, root);
  if (root === 'api') return first === 'v1' ? resourceList(registry, request, '', 'v1') : undefined;
  if (!groupsOf(registry).includes(first)) return undefined;
  if (second === undefined)
    return jsonResponse(request, 200, { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(registry, first) });
  return versionsOf(registry, first).includes(second)
    ? resourceList(registry, request, first, second)
    : undefined;
}

/** What is served, as a list of paths. */
export function pathsOf(registry: Registry): readonly string[] {
  const groups = groupsOf(registry).flatMap((group) => [
    `/apis/${group}`,
    ...versionsOf(registry, group).map((version) => `/apis/${group}/${version}`),
  ]);
  return [
    '/api',
    '/api/v1',
    '/apis',
    '/apis/',
    ...groups,
    ...healthPaths,
    '/openapi/v2',
    '/openapi/v3',
    '/version',
  ].sort();
}

function discoverRoot(registry: Registry, request: ApiRequest, root: 'api' | 'apis'): ApiResponse {
  const form = wantedForm(request.headers.accept);
  if (form === 'aggregated') {
    const items = (root === 'api' ? [''] : groupsOf(registry)).map((group) =>
      aggregatedGroup(registry, group),
    );
    const list = { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', metadata: {}, items };
    const response = jsonResponse(request, 200, list);
    return { ...response, headers: { ...response.headers, 'content-type': aggregatedType, vary: 'Accept' } };
  }
  if (root === 'apis') {
    const groups = groupsOf(registry).map((group) => groupOf(registry, group));
    return jsonResponse(request, 200, { kind: 'APIGroupList', apiVersion: 'v1', groups });
  }
  const address = { clientCIDR: '0.0.0.0/0', serverAddress: request.headers.host ?? '' };
  return jsonResponse(request, 200, {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [address],
  });
}

function wantedForm(accept: string | undefined): 'aggregated' | 'plain' {
  for (const { type, parameters } of parseAccept(accept ?? '')) {
    if (parameters.get('as') === 'APIGroupDiscoveryList') {
      if (type === 'application/json' && parameters.get('v') === 'v2') return 'aggregated';
    } else if (['application/json', '*/*', ''].includes(type)) {
      return 'plain';
    }
  }
  throw failure({
    code: 406,
    reason: 'NotAcceptable',
    message: 'the embedded API server answers discovery as application/json only',
  });
}

function groupsOf(registry: Registry): readonly string[] {
  const virtual = virtualResources.map(({ group }) => group);
  return [...new Set([...registry.groups, ...virtual])];
}

function versionsOf(registry: Registry, group: string): readonly string[] {
  const stored = registry.versionsOf(group);
  return stored.length > 0 ? stored : ['v1'];
}

function groupOf(registry: Registry, group: string): JsonObject {
  const versions = versionsOf(registry, group).map((version) => ({
    groupVersion: apiVersionOf({ group, version }),
    version,
  }));
  return { name: group, versions, preferredVersion: versions[0] ?? {} };
}

const virtualIn = (group: string, version: string): readonly VirtualResource[] =>
  virtualResources.filter((resource) => resource.group === group && resource.version === version);

function resourceList(registry: Registry, request: ApiRequest, group: string, version: string): ApiResponse {
  const resources = registry.resourcesIn(group, version).flatMap(listEntries);
  const virtual = virtualIn(group, version).map(({ plural, singular, namespaced, kind }) => ({
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs: ['create'],
  }));
  return jsonResponse(request, 200, {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf({ group, version }),
    resources: [...resources, ...virtual],
  });
}

function listEntries({ definition }: Resource): readonly JsonObject[] {
  const { plural, singular, namespaced, kind, verbs, shortNames, categories, subresources } = definition;
  return [
    {
      name: plural,
      singularName: singular,
      namespaced,
      kind,
      verbs,
      ...(shortNames.length > 0 ? { shortNames } : {}),
      ...(categories.length > 0 ? { categories } : {}),
    },
    ...subresources.map((subresource) => ({
      name: `${plural}/${subresource.name}`,
      singularName: '',
      namespaced,
      ...(subresource.group === undefined ? {} : { group: subresource.group }),
      ...(subresource.version === undefined ? {} : { version: subresource.version }),
      kind: subresource.kind,
      verbs: subresource.verbs,
    })),
  ];
}

function aggregatedGroup(registry: Registry, group: string): JsonObject {
  return {
    metadata: group === '' ? {} : { name: group },
    versions: versionsOf(registry, group).map((version) => ({
      version,
      resources: [
        ...registry.resourcesIn(group, version).map(aggregatedResource),
        ...virtualIn(group, version).map(aggregatedVirtual),
      ],
      freshness: 'Current',
    })),
  };
}

function aggregatedResource({ definition }: Resource): JsonObject {
  const { group, version, plural, singular, kind, namespaced, verbs, shortNames, categories, subresources } =
    definition;
  return {
    resource: plural,
    responseKind: { group, version, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs,
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
    ...(subresources.length > 0
      ? { subresources: subresources.map((one) => aggregatedSubresource(one, { group, version })) }
      : {}),
  };
}

function aggregatedSubresource(
  { name, kind, verbs, group, version }: Subresource,
  own: { readonly group: string; readonly version: string },
): JsonObject {
  return {
    subresource: name,
    responseKind: { group: group ?? own.group, version: version ?? own.version, kind },
    verbs,
  };
}

function aggregatedVirtual({
  group,
  version,
  plural,
  singular,
  kind,
  namespaced,
}: VirtualResource): JsonObject {
  return {
    resource: plural,
    responseKind: { group, version, kind },
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs: ['create'],
  };
}
