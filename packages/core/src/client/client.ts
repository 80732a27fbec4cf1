import type { Authority } from '../leadership/authority.js';
import { IncumbentError } from '../kit/error.js';
import { RequestError, type Status } from '../api/errors.js';
import {
  type DeepReadonly,
  type Draft,
  type KubernetesObject,
  keyOf,
  type ObjectKey,
} from '../api/object.js';
import { apiVersionOf, type Resource } from '../api/resource.js';
import { apiErrorOf } from './api-error-of.js';
import type { Connection } from './connection.js';
import type { HttpRequest } from './exchange.js';
import { HttpListerWatcher } from './http-lister-watcher.js';
import type { ListerWatcher, StreamOptions, StreamReader } from './lister-watcher.js';
import { collectionPath, objectPath } from './paths.js';
import type {
  GetOptions,
  List,
  ListOptions,
  Reader,
  RequestOptions,
  SelectorOptions,
  WatchEvent,
  WatchOptions,
} from './reader.js';
import type {
  ApplyOptions,
  DeleteOptions,
  Patch,
  SubresourceOptions,
  WriteOptions,
  Writer,
} from './writer.js';

export interface ClientOptions {
  /** Milliseconds for one request and its answer. @defaultValue 30000, half of the API server's own limit */
  readonly timeout?: number;
}

const DEFAULT_TIMEOUT = 30_000;
/** A LIST of a large collection may take the server's whole minute. */
const LIST_TIMEOUT = 60_000;

/**
 * Reads. Writes only {@link under} a right, or, spelled out, {@link unfenced}: a replica that is not the leader has no
 * business writing, and a client that can't do it can't do it by mistake.
 */
export class Client implements Reader, StreamReader {
  protected readonly connection: Connection;
  protected readonly timeout: number;

  constructor(connection: Connection, options: ClientOptions = {}) {
    this.connection = connection;
    this.timeout = options.timeout ?? DEFAULT_TIMEOUT;
  }

  /** A client whose writes are sent only while `authority` is held. */
  under(authority: Authority): Writer {
    return new WritingClient(this.connection, { timeout: this.timeout }, authority);
  }

  /** A client whose writes nothing holds back: two replicas with one may overwrite each other. */
  unfenced(): Writer {
    return new WritingClient(this.connection, { timeout: this.timeout }, undefined);
  }

  get<T extends KubernetesObject>(
    resource: Resource<T>,
    key: ObjectKey,
    options: GetOptions = {},
  ): Promise<T> {
    return this.request<T>({
      method: 'GET',
      path: objectPath(resource, key),
      query: { resourceVersion: options.resourceVersion },
      ...this.limits(options),
    });
  }

  async list<T extends KubernetesObject>(resource: Resource<T>, options: ListOptions = {}): Promise<List<T>> {
    const { limit, continue: token, resourceVersion, resourceVersionMatch } = options;
    const query = {
      ...selection(options),
      limit: limit?.toString(),
      continue: token,
      resourceVersion,
      resourceVersionMatch,
    };
    const body = await this.request<ListBody<T>>({
      method: 'GET',
      path: collectionPath(resource, options.namespace),
      query,
      ...this.limits({ timeout: LIST_TIMEOUT, ...options }),
    });
    return {
      // Items of a list come without the two fields that every object has.
      items: (body.items ?? []).map((item) =>
        Object.assign(item, { apiVersion: apiVersionOf(resource), kind: resource.kind }),
      ),
      resourceVersion: body.metadata.resourceVersion,
      continue: body.metadata.continue || undefined,
      remainingItemCount: body.metadata.remainingItemCount,
    };
  }

  async *watch<T extends KubernetesObject>(
    resource: Resource<T>,
    options: WatchOptions = {},
  ): AsyncGenerator<WatchEvent<T>> {
    for await (const events of this.stream(resource, options).watch(options)) {
      for (const event of events)
        yield event.type === 'BOOKMARK' ? event : { type: event.type, object: event.object.whole() };
    }
  }

  /** GET of any path below the server's own, for what is no object: discovery, `/version`. */
  read<R>(path: string, options: RequestOptions = {}): Promise<R> {
    return this.request<R>({ method: 'GET', path, ...this.limits(options) });
  }

  stream<T extends KubernetesObject>(resource: Resource<T>, options: StreamOptions = {}): ListerWatcher<T> {
    return new HttpListerWatcher(this.connection, resource, options);
  }

  protected limits({ signal, timeout }: RequestOptions): Pick<HttpRequest, 'signal' | 'timeout'> {
    return { signal, timeout: timeout ?? this.timeout };
  }

  protected async request<R>(request: HttpRequest): Promise<R> {
    const response = await this.connection.send(request);
    const name = `${request.method} ${request.path}`;
    if (response.status >= 300) throw await apiErrorOf(name, response);
    const text = await response.text();
    try {
      return JSON.parse(text) as R;
    } catch (error) {
      throw new RequestError(
        'REQUEST_FAILED',
        `${name}: the answer is not JSON: ${text.slice(0, 80)}`,
        true,
        { cause: error },
      );
    }
  }
}

class WritingClient extends Client implements Writer {
  readonly #authority: Authority | undefined;

  constructor(connection: Connection, options: ClientOptions, authority: Authority | undefined) {
    super(connection, options);
    this.#authority = authority;
  }

  create<T extends KubernetesObject>(
    resource: Resource<T>,
    object: Draft<T>,
    options: WriteOptions = {},
  ): Promise<T> {
    const { namespace } = object.metadata;
    if (resource.scope === 'Namespaced' && !namespace)
      throw new IncumbentError(
        'KEY_INVALID',
        `${resource.kind} ${object.metadata.name ?? ''}: a namespace is needed.`,
      );
    return this.#write('POST', collectionPath(resource, namespace), typed(resource, object), options);
  }

  update<T extends KubernetesObject>(
    resource: Resource<T>,
    object: T | DeepReadonly<T>,
    options: SubresourceOptions = {},
  ): Promise<T> {
    return this.#write(
      'PUT',
      objectPath(resource, keyOf(object), options.subresource),
      typed(resource, object),
      options,
    );
  }

  updateStatus<T extends KubernetesObject>(
    resource: Resource<T>,
    object: T | DeepReadonly<T>,
    options: WriteOptions = {},
  ): Promise<T> {
    return this.update(resource, object, { ...options, subresource: 'status' });
  }

  patch<T extends KubernetesObject>(
    resource: Resource<T>,
    key: ObjectKey,
    { type, patch }: Patch,
    options: SubresourceOptions = {},
  ): Promise<T> {
    return this.#write(
      'PATCH',
      objectPath(resource, key, options.subresource),
      patch,
      options,
      PATCH_TYPES[type],
    );
  }

  apply<T extends KubernetesObject>(
    resource: Resource<T>,
    object: Draft<T>,
    options: ApplyOptions,
  ): Promise<T> {
    const { name = '', namespace } = object.metadata;
    const path = objectPath(resource, { name, namespace }, options.subresource);
    return this.#write('PATCH', path, typed(resource, object), options, 'application/apply-patch+yaml', {
      force: options.force ? 'true' : undefined,
    });
  }

  delete<T extends KubernetesObject>(
    resource: Resource<T>,
    key: ObjectKey,
    options: DeleteOptions = {},
  ): Promise<T | Status> {
    const { preconditions, propagationPolicy, gracePeriodSeconds, dryRun } = options;
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions,
      propagationPolicy,
      gracePeriodSeconds,
      ...(dryRun ? { dryRun: ['All'] } : {}),
    };
    return this.#write('DELETE', objectPath(resource, key), body, options);
  }

  #write<T>(
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body: unknown,
    options: WriteOptions,
    contentType = 'application/json',
    query: HttpRequest['query'] = {},
  ): Promise<T> {
    const { dryRun, fieldValidation, fieldManager } = options;
    return this.request<T>({
      method,
      path,
      body: JSON.stringify(body),
      headers: { 'content-type': contentType },
      authority: this.#authority,
      query: {
        ...query,
        fieldManager,
        fieldValidation,
        dryRun: dryRun && method !== 'DELETE' ? 'All' : undefined,
      },
      ...this.limits(options),
    });
  }
}

const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const;

interface ListBody<T> {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: T[] | null;
}

function typed(resource: Resource, object: object): object {
  return { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind };
}

function selection({ labelSelector, fieldSelector }: SelectorOptions): {
  labelSelector: string | undefined;
  fieldSelector: string | undefined;
} {
  return { labelSelector: labelSelector || undefined, fieldSelector: fieldSelector || undefined };
}
