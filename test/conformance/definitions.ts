/** Custom resource definitions for the claims: made on first use, shared by the claims of a file. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject, RawAnswer } from './raw-http.js';
import { patchTypes } from './objects.js';
import type { ServerUnderTest } from './servers.js';

export const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const group = 'claims.example';

export interface DefinitionOptions {
  readonly spec?: object;
  /** Added to the only version. */
  readonly version?: object;
  readonly versions?: readonly object[];
  /** Of the whole object; `spec` is then left out. */
  readonly schema?: object;
}

/** `plural` with an s at its end. */
export function definition(plural: string, specSchema: object, options: DefinitionOptions = {}): JsonObject {
  const kind = kindOf(plural);
  const openAPIV3Schema = options.schema ?? {
    type: 'object',
    properties: {
      spec: specSchema,
      status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    },
  };
  const version = {
    name: 'v1',
    served: true,
    storage: true,
    schema: { openAPIV3Schema },
    ...options.version,
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, kind },
      versions: options.versions ?? [version],
      ...options.spec,
    },
  } as JsonObject;
}

export const kindOf = (plural: string): string => `${plural.slice(0, 1).toUpperCase()}${plural.slice(1, -1)}`;

/** Objects of one definition. */
export class CustomResource {
  readonly #server: ServerUnderTest;
  readonly plural: string;

  constructor(server: ServerUnderTest, plural: string) {
    this.#server = server;
    this.plural = plural;
  }

  path(ns: string, name?: string, version = 'v1'): string {
    const collection = `/apis/${group}/${version}/namespaces/${ns}/${this.plural}`;
    return name === undefined ? collection : `${collection}/${name}`;
  }

  body(name: string, rest: object = {}, version = 'v1'): JsonObject {
    const { metadata = {}, ...more } = rest as { metadata?: object };
    const head = { apiVersion: `${group}/${version}`, kind: kindOf(this.plural) };
    return { ...head, metadata: { name, ...metadata }, ...more } as JsonObject;
  }

  async create(ns: string, name: string, rest: object = {}, query = ''): Promise<RawAnswer> {
    return this.#server.http.call('POST', `${this.path(ns)}${query}`, { body: this.body(name, rest) });
  }

  async merge(ns: string, name: string, body: object, query = ''): Promise<RawAnswer> {
    const contentType = patchTypes.merge;
    return this.#server.http.call('PATCH', `${this.path(ns, name)}${query}`, { body, contentType });
  }

  async get(ns: string, name: string): Promise<JsonObject> {
    return (await this.#server.http.call('GET', this.path(ns, name))).body;
  }
}

/** The definition, served: the first claim that asks makes it. */
export function defined(
  server: ServerUnderTest,
  plural: string,
  specSchema: object,
  options: DefinitionOptions = {},
): () => Promise<CustomResource> {
  let made: Promise<CustomResource> | undefined;
  return async () => (made ??= make(server, plural, definition(plural, specSchema, options)));
}

async function make(server: ServerUnderTest, plural: string, body: JsonObject): Promise<CustomResource> {
  const answer = await server.http.call('POST', definitions, { body });
  if (answer.status !== 201) throw new Error(`the definition of ${plural} is refused: ${answer.text}`);
  const resource = new CustomResource(server, plural);
  await until(async () => (await server.http.call('GET', resource.path('default'))).status === 200);
  return resource;
}

/** What a server does in its own time is done within seconds. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 100; i++) {
    if (await holds()) return;
    await sleep(50);
  }
  throw new Error('it did not come to hold within 5 s');
}
