/** Shared by this folder's tests: a server, and a short way to talk to it. */
import { EmbeddedApiServer } from './server.js';
import type { EmbeddedApiServerOptions } from './server.js';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // The tests look into bodies of any shape.
  readonly body: Body;
}

/** A JSON document that can be looked into without ceremony. */
export interface Body {
  readonly [key: string]: Body;
}

export interface WatchEvent {
  readonly type: string;
  readonly object: Body;
}

export const merge = { 'content-type': 'application/merge-patch+json' };
export const jsonPatch = { 'content-type': 'application/json-patch+json' };
export const apply = { 'content-type': 'application/apply-patch+yaml' };
export const table = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };

export class Client {
  readonly server: EmbeddedApiServer;
  readonly #token: string;

  constructor(server: EmbeddedApiServer, token: string = server.adminToken) {
    this.server = server;
    this.#token = token;
  }

  as(token: string): Client {
    return new Client(this.server, token);
  }

  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const response = await fetch(this.server.url + path, {
      method,
      headers: {
        'user-agent': 'claim/1',
        ...(this.#token === '' ? {} : { authorization: `Bearer ${this.#token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parse(text) };
  }

  get = (path: string, headers?: Readonly<Record<string, string>>) =>
    this.send('GET', path, undefined, headers);
  post = (path: string, body: unknown) => this.send('POST', path, body);
  put = (path: string, body: unknown) => this.send('PUT', path, body);
  patch = (path: string, body: unknown, headers: Readonly<Record<string, string>> = merge) =>
    this.send('PATCH', path, body, headers);
  delete = (path: string, body?: unknown) => this.send('DELETE', path, body);

  /** Opens a watch; `next` waits for its events one by one, and answers undefined when it has ended. */
  async watch(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Watch> {
    const abort = new AbortController();
    const response = await fetch(this.server.url + path, {
      headers: { authorization: `Bearer ${this.#token}`, ...headers },
      signal: abort.signal,
    });
    const events = lines(response)[Symbol.asyncIterator]();
    const next = async (): Promise<WatchEvent | undefined> => {
      const { value, done } = await events.next();
      return done === true ? undefined : value;
    };
    return { status: response.status, next, stop: () => abort.abort() };
  }
}

export interface Watch {
  readonly status: number;
  next(): Promise<WatchEvent | undefined>;
  stop(): void;
}

function parse(text: string): Body {
  try {
    return JSON.parse(text) as Body;
  } catch {
    return text as unknown as Body;
  }
}

async function* lines(response: Response): AsyncGenerator<WatchEvent> {
  if (response.body === null) return;
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of response.body) {
      const parts = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) yield JSON.parse(part) as WatchEvent;
    }
  } catch {
    // Cut: the watch has ended.
  }
}

const started: EmbeddedApiServer[] = [];

/** A server of the test's own; {@link stopServers} ends it. */
export async function givenServer(options: EmbeddedApiServerOptions = {}): Promise<Client> {
  const server = await EmbeddedApiServer.start(options);
  started.push(server);
  return new Client(server);
}

export async function stopServers(): Promise<void> {
  await Promise.all(started.splice(0).map((server) => server.stop()));
}

/** Asks until the answer is right; the controllers of the server work a turn of the event loop later. */
export async function eventually<T>(ask: () => Promise<T>, right: (value: T) => boolean): Promise<T> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const value = await ask();
    if (right(value)) return value;
  }
  return ask();
}

/** A definition of `widgets.example.com` with status, scale, a default and bounds. */
export function widgetDefinition(changes: Readonly<Record<string, unknown>> = {}): object {
  const spec = {
    type: 'object',
    required: ['size'],
    properties: {
      size: { type: 'integer', minimum: 1, maximum: 10 },
      note: { type: 'string', default: 'hi' },
    },
  };
  const status = {
    type: 'object',
    properties: { size: { type: 'integer' }, at: { type: 'string', format: 'date-time' } },
  };
  const version = {
    name: 'v1',
    served: true,
    storage: true,
    additionalPrinterColumns: [
      { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
      { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    ],
    subresources: {
      status: {},
      scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' },
    },
    schema: { openAPIV3Schema: { type: 'object', properties: { spec, status } } },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { kind: 'Widget', plural: 'widgets', shortNames: ['wd'] },
      versions: [version],
      ...changes,
    },
  };
}

export function widget(name: string, spec: unknown, more: object = {}): object {
  return { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name }, spec, ...more };
}

export const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
export const widgets = '/apis/example.com/v1/namespaces/default/widgets';
export const configMaps = '/api/v1/namespaces/default/configmaps';
export const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases';

/** Creates the definition, and waits until it is served. */
export async function establish(client: Client, definition: object = widgetDefinition()): Promise<void> {
  await client.post(definitions, definition);
  await eventually(
    () => client.get(widgets),
    ({ status }) => status === 200,
  );
}
