/** A connection to an API server that is a map in memory: enough of one for controllers and operators, requests and fences included. */
import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject, ObjectMeta } from '../api/object.js';
import type { Status } from '../api/errors.js';
import { Connection } from '../client/connection.js';
import type { HttpRequest, HttpResponse } from '../client/exchange.js';
import type { JsonPatchOperation } from '../client/writer.js';
import { RequestError } from '../api/errors.js';
import type { Clock } from '../kit/clock.js';

type Stored = KubernetesObject & Record<string, unknown>;

interface Stream {
  readonly collection: string;
  readonly lines: string[];
  wake(): void;
}

class Refusal extends Error {
  readonly status: Status & { readonly code: number };

  constructor(code: number, reason: string, message = reason) {
    super(message);
    this.status = { kind: 'Status', status: 'Failure', code, reason, message };
  }
}

export class FakeServer extends Connection {
  /** Writes that were accepted, such as `PATCH /apis/test/v1/namespaces/a/widgets/x`. */
  readonly writes: string[] = [];
  /** Refuses requests, when it returns a status. */
  intercept: (request: HttpRequest) => { code: number; reason: string } | undefined = () => undefined;
  closed = false;
  readonly #objects = new Map<string, Stored>();
  readonly #streams = new Set<Stream>();
  #version = 100;
  #muted = false;

  constructor(clock: Clock) {
    super({
      server: 'http://fake',
      clock,
      credentials: { current: () => Promise.resolve({ headers: {}, tls: {} }) },
    });
  }

  get openWatches(): number {
    return this.#streams.size;
  }

  /** Creates or replaces an object by its path, as anybody's write. */
  put(
    path: string,
    object: { kind: string; apiVersion: string } & Record<string, unknown>,
    meta: Partial<ObjectMeta> = {},
  ): void {
    const [namespace, name = ''] = namesIn(path);
    const known = this.#objects.get(path);
    this.#store(path, {
      ...object,
      metadata: {
        uid: `uid-${name}-${this.#version}`,
        creationTimestamp: '2026-01-01T00:00:00Z',
        ...known?.metadata,
        generation: known ? (known.metadata.generation ?? 0) + 1 : 1,
        ...(namespace ? { namespace } : {}),
        name,
        ...meta,
        resourceVersion: '',
      },
    });
  }

  at(path: string): Stored | undefined {
    return this.#objects.get(path);
  }

  /** All objects whose path contains this. */
  where(part: string): Stored[] {
    return [...this.#objects].filter(([path]) => path.includes(part)).map(([, object]) => object);
  }

  /** From now on no watch hears of anything. */
  mute(): void {
    this.#muted = true;
  }

  delete(path: string): void {
    const object = this.#objects.get(path);
    if (!object) return;
    if (object.metadata.finalizers?.length) {
      this.#store(path, {
        ...object,
        metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
      });
      return;
    }
    this.#objects.delete(path);
    this.#emit('DELETED', path, this.#versioned(object));
  }

  override async send(request: HttpRequest): Promise<HttpResponse> {
    request.authority?.assertHeld();
    await Promise.resolve();
    if (request.signal?.aborted) throw new RequestError('REQUEST_ABORTED', 'aborted', false);
    // As at the socket: whatever waited meanwhile is refused.
    request.authority?.assertHeld();
    try {
      const refused = this.intercept(request);
      if (refused) throw new Refusal(refused.code, refused.reason);
      if (request.query?.['watch']) return this.#watch(request);
      return answer(200, this.#handle(request));
    } catch (error) {
      if (error instanceof Refusal) return answer(error.status.code, error.status);
      throw error;
    }
  }

  override close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  #handle(request: HttpRequest): unknown {
    const { method, path } = request;
    const body = request.body === undefined ? undefined : (JSON.parse(request.body) as unknown);
    const target = path.replace(/\/(status|scale)$/, '');
    if (method === 'GET' && !this.#isObject(path)) return this.#list(path);
    if (method === 'GET') return this.#found(path);
    if (method === 'POST') return this.#create(path, body as Stored);
    const before = this.#found(target);
    if (request.query?.['dryRun'] || path.endsWith('/scale'))
      return { ...before, metadata: { ...before.metadata, resourceVersion: '999999' } };
    this.writes.push(`${method} ${path}`);
    if (method === 'DELETE') {
      this.delete(target);
      if (this.#objects.has(target)) return this.#found(target);
      return { kind: 'Status', status: 'Success', details: { uid: before.metadata.uid } };
    }
    if (method === 'PUT') return this.#update(target, before, body as Stored);
    return this.#patch(target, before, body, request.headers?.['content-type'] ?? '');
  }

  #list(path: string): unknown {
    const items = [...this.#objects].filter(([key]) => isIn(path, key)).map(([, object]) => object);
    return { metadata: { resourceVersion: String(this.#version) }, items };
  }

  #create(path: string, object: Stored): Stored {
    const key = `${path}/${object.metadata.name}`;
    if (this.#objects.has(key)) throw new Refusal(409, 'AlreadyExists');
    this.writes.push(`POST ${key}`);
    this.put(key, object, object.metadata);
    return this.#found(key);
  }

  #update(path: string, before: Stored, object: Stored): Stored {
    const { resourceVersion } = object.metadata;
    if (resourceVersion && resourceVersion !== before.metadata.resourceVersion)
      throw new Refusal(409, 'Conflict');
    return this.#store(path, object);
  }

  #patch(path: string, before: Stored, patch: unknown, type: string): Stored {
    const object = structuredClone(before);
    if (type.startsWith('application/json-patch')) applyJsonPatch(object, patch as JsonPatchOperation[]);
    else merge(object, patch as Record<string, unknown>);
    if (!object.metadata.deletionTimestamp || object.metadata.finalizers?.length)
      return this.#store(path, object);
    this.#objects.delete(path);
    const gone = this.#versioned(object);
    this.#emit('DELETED', path, gone);
    return gone;
  }

  #found(path: string): Stored {
    const object = this.#objects.get(path);
    if (!object) throw new Refusal(404, 'NotFound');
    return structuredClone(object);
  }

  #isObject(path: string): boolean {
    const [namespace, name] = namesIn(path);
    return name !== undefined && (namespace !== undefined || !path.endsWith('s'));
  }

  /** A write that changes nothing is answered with the old version, and no watch hears of it. */
  #store(path: string, object: Stored): Stored {
    const known = this.#objects.get(path);
    if (known && isDeepStrictEqual(withoutVersion(known), withoutVersion(object)))
      return structuredClone(known);
    const type = this.#objects.has(path) ? 'MODIFIED' : 'ADDED';
    const stored = this.#versioned(object);
    this.#objects.set(path, stored);
    this.#emit(type, path, stored);
    return structuredClone(stored);
  }

  #versioned(object: Stored): Stored {
    this.#version += 1;
    return { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
  }

  #emit(type: string, path: string, object: Stored): void {
    for (const stream of this.#muted ? [] : this.#streams) {
      if (!isIn(stream.collection, path)) continue;
      stream.lines.push(`${JSON.stringify({ type, object })}\n`);
      stream.wake();
    }
  }

  #watch({ path, signal }: HttpRequest): HttpResponse {
    const stream: Stream = { collection: path, lines: [], wake: () => {} };
    this.#streams.add(stream);
    const body = this.#lines(stream, signal);
    return { status: 200, headers: {}, body, text: () => Promise.resolve('') };
  }

  async *#lines(stream: Stream, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
    const abort = (): void => stream.wake();
    signal?.addEventListener('abort', abort);
    try {
      while (!signal?.aborted) {
        for (const line of stream.lines.splice(0)) yield Buffer.from(line);
        await new Promise<void>((resolve) => {
          stream.wake = resolve;
          if (signal?.aborted || stream.lines.length > 0) resolve();
        });
      }
      throw new RequestError('REQUEST_ABORTED', 'aborted', true);
    } finally {
      signal?.removeEventListener('abort', abort);
      this.#streams.delete(stream);
    }
  }
}

function withoutVersion(object: Stored): unknown {
  return JSON.parse(JSON.stringify({ ...object, metadata: { ...object.metadata, resourceVersion: '' } }));
}

function answer(status: number, body: unknown): HttpResponse {
  const text = JSON.stringify(body);
  return {
    status,
    headers: {},
    body: (async function* () {
      yield Buffer.from(text);
      await Promise.resolve();
    })(),
    text: () => Promise.resolve(text),
  };
}

/** Namespace and name in a path, as far as it has them. */
function namesIn(path: string): [string | undefined, string | undefined] {
  const match = /^\/(?:api|apis\/[^/]+)\/[^/]+(?:\/namespaces\/([^/]+))?\/[^/]+(?:\/([^/]+))?$/.exec(path);
  return [match?.[1], match?.[2]];
}

/** Whether an object's path is in a collection, which may be one over all namespaces. */
function isIn(collection: string, path: string): boolean {
  const parent = path.slice(0, path.lastIndexOf('/'));
  return parent === collection || parent.replace(/\/namespaces\/[^/]+/, '') === collection;
}

function merge(target: Record<string, unknown>, patch: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete target[key];
    else if (typeof value === 'object' && !Array.isArray(value)) {
      merge((target[key] ??= {}) as Record<string, unknown>, value as Record<string, unknown>);
    } else target[key] = value;
  }
}

function applyJsonPatch(object: Stored, operations: readonly JsonPatchOperation[]): void {
  for (const { op, path, value } of operations) {
    const steps = path.split('/').slice(1);
    const last = steps.pop() ?? '';
    const parent = steps.reduce<unknown>((at, step) => (at as Record<string, unknown>)?.[step], object);
    if (typeof parent !== 'object' || parent === null) throw new Refusal(422, 'Invalid', 'bad path');
    applyOperation(op, parent as Record<string, unknown>, last, value);
  }
}

function applyOperation(op: string, parent: Record<string, unknown>, key: string, value: unknown): void {
  const list = Array.isArray(parent) ? (parent as unknown[]) : undefined;
  if (op === 'test') {
    if (JSON.stringify(parent[key]) !== JSON.stringify(value))
      throw new Refusal(422, 'Invalid', 'test failed');
  } else if (op === 'remove') {
    if (list) list.splice(Number(key), 1);
    else delete parent[key];
  } else if (list && key === '-') list.push(value);
  else parent[key] = value;
}
