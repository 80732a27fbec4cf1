/** The OpenAPI documents, as far as clients read them: schemas, and which kind lives under which path. */
import { definition, definitionNameOf, referenceOf } from '../object/schema.js';
import type { Json, JsonObject } from '../object/json.js';
import { isJsonArray, isJsonObject } from '../object/json.js';
import type { Schema } from '../object/schema.js';
import { failure } from '../object/status.js';
import { jsonResponse } from './http-message.js';
import type { ApiRequest, ApiResponse } from './http-message.js';
import type { Registry } from './registry.js';
import type { Resource } from './resource.js';
import { versionInfo } from './version.js';

const info = { title: 'Kubernetes', version: versionInfo.gitVersion };
const references = '#/components/schemas/';

/** The answer for a path below /openapi; undefined for any other. */
export function openApi(registry: Registry, request: ApiRequest): ApiResponse | undefined {
  if (request.path === '/openapi/v2') return version2(registry, request);
  if (request.path === '/openapi/v3') return index(registry, request);
  const place = /^\/openapi\/v3\/(?:api|apis\/([^/]+))\/([^/]+)$/.exec(request.path);
  if (place === null) return undefined;
  const resources = registry.resourcesIn(place[1] ?? '', place[2] ?? '');
  return resources.length === 0 ? undefined : jsonResponse(request, 200, version3(resources));
}

function index(registry: Registry, request: ApiRequest): ApiResponse {
  const places = ['', ...registry.groups].flatMap((group) =>
    registry.versionsOf(group).map((version) => rootOf({ group, version })),
  );
  const entries = places.map((place) => [place, { serverRelativeURL: `/openapi/v3/${place}` }]);
  return jsonResponse(request, 200, { paths: Object.fromEntries(entries) });
}

const rootOf = ({ group, version }: { readonly group: string; readonly version: string }): string =>
  group === '' ? `api/${version}` : `apis/${group}/${version}`;

function version3(resources: readonly Resource[]): JsonObject {
  const schemas: Record<string, JsonObject> = {};
  for (const resource of resources) {
    const { custom, schema } = resource.definition;
    const name = schemaName(resource);
    if (custom)
      schemas[name] = { ...(schema as JsonObject), 'x-kubernetes-group-version-kind': [resource.gvk] };
    collect(custom ? schema : definition(name), schemas);
    if (!custom) schemas[name] ??= (definition(name) ?? {}) as JsonObject;
  }
  return { openapi: '3.0.0', info, paths: pathsOf(resources, references), components: { schemas } };
}

/** Adds every definition that a schema refers to. */
function collect(schema: Schema | undefined, found: Record<string, JsonObject>): void {
  visit(schema as Json | undefined, (node) => {
    // A property may be named `$ref`, as in the schema of schemas.
    const name = typeof node['$ref'] === 'object' ? undefined : referenceOf(node as Schema);
    if (name === undefined || found[name] !== undefined) return;
    const target = definition(name);
    if (target === undefined) return;
    found[name] = target as JsonObject;
    collect(target, found);
  });
}

function visit(value: Json | undefined, look: (node: JsonObject) => void): void {
  if (isJsonArray(value)) for (const item of value) visit(item, look);
  if (!isJsonObject(value)) return;
  look(value);
  for (const item of Object.values(value)) visit(item, look);
}

/** Custom kinds are named as the server names them: the group backwards, the version, the kind. */
function schemaName({ definition: { group, version, kind } }: Resource): string {
  return (
    definitionNameOf({ group, version, kind }) ??
    `${group.split('.').toReversed().join('.')}.${version}.${kind}`
  );
}

const queryParameters: readonly JsonObject[] = [
  'dryRun',
  'fieldManager',
  'fieldValidation',
  'force',
  'pretty',
].map((name) => ({
  name,
  in: 'query',
  schema: { type: name === 'force' ? 'boolean' : 'string', uniqueItems: true },
}));

function pathsOf(resources: readonly Resource[], prefix: string): JsonObject {
  const paths: Record<string, JsonObject> = {};
  for (const resource of resources) {
    const { namespaced, plural } = resource.definition;
    const root = `/${rootOf(resource.definition)}/${namespaced ? 'namespaces/{namespace}/' : ''}${plural}`;
    const verbs = (names: Readonly<Record<string, string>>): JsonObject =>
      Object.fromEntries(
        Object.entries(names).map(([method, action]) => [method, operation(resource, action, prefix)]),
      );
    paths[root] = verbs({ get: 'list', post: 'post' });
    paths[`${root}/{name}`] = verbs({ get: 'get', put: 'put', patch: 'patch', delete: 'delete' });
  }
  return paths;
}

function operation(resource: Resource, action: string, prefix: string): JsonObject {
  const schema = { $ref: `${prefix}${schemaName(resource)}` };
  return {
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': resource.gvk,
    parameters: queryParameters,
    responses: { '200': { description: 'OK', content: { 'application/json': { schema } } } },
  };
}

/** Only as JSON; clients that want protobuf read version 3. */
function version2(registry: Registry, request: ApiRequest): ApiResponse {
  if (!/json|\*\/\*|^$/.test(request.headers.accept ?? '')) {
    throw failure({
      code: 406,
      reason: 'NotAcceptable',
      message: 'the embedded API server has /openapi/v2 as application/json only: use /openapi/v3',
    });
  }
  const all = [...registry.resources];
  const { components, paths } = version3(all) as { components: { schemas: JsonObject }; paths: JsonObject };
  const definitions = JSON.parse(
    JSON.stringify(components.schemas).replaceAll(references, '#/definitions/'),
  ) as JsonObject;
  return jsonResponse(request, 200, {
    swagger: '2.0',
    info,
    paths: JSON.parse(JSON.stringify(paths).replaceAll(references, '#/definitions/')) as JsonObject,
    definitions,
  });
}
