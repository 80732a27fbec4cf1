import { RequestError } from '../api/errors.js';
import type { KubernetesObject } from '../api/object.js';
import type { Resource } from '../api/resource.js';
import { LinkedAbort } from '../kit/abort.js';
import { messageOf } from '../kit/error.js';
import { apiErrorOf } from './api-error-of.js';
import type { Connection } from './connection.js';
import { EncodedObject } from './encoded-object.js';
import type { HttpRequest } from './exchange.js';
import { IdleTimer } from './idle-timer.js';
import { type Envelope, ListScanner } from './list-scanner.js';
import type { EncodedEvent, ListerWatcher, ListPart, StreamOptions } from './lister-watcher.js';
import { collectionPath } from './paths.js';
import { watchEvents } from './watch-stream.js';

/** Milliseconds until the head of the answer. A list may take the minute that the API server gives a request; a watch answers at once. */
const HEAD_TIMEOUT = { list: 60_000, watch: 30_000 };
/** Milliseconds without a byte after which a list that has begun counts as dead. */
const LIST_IDLE_TIMEOUT = 30_000;

const IDLE = Symbol('idle');

/** Over a connection. What is received is never whole in memory: items and events are passed on chunk by chunk. */
export class HttpListerWatcher<T extends KubernetesObject> implements ListerWatcher<T> {
  readonly #connection: Connection;
  readonly #resource: Resource<T>;
  readonly #options: StreamOptions;

  constructor(connection: Connection, resource: Resource<T>, options: StreamOptions = {}) {
    this.#connection = connection;
    this.#resource = resource;
    this.#options = options;
  }

  async *list({
    limit,
    continue: token,
    idleTimeout = LIST_IDLE_TIMEOUT,
    signal,
  }: Parameters<ListerWatcher<T>['list']>[0]): AsyncGenerator<ListPart<T>> {
    const query = { limit: limit?.toString(), continue: token };
    const scanner = new ListScanner();
    for await (const chunk of this.#receive('LIST', query, { idleTimeout, signal })) {
      const items = this.#parsed(() =>
        scanner.push(chunk).map((each) => new EncodedObject(each, this.#resource)),
      );
      if (items.length > 0) yield { type: 'items', items };
    }
    const { metadata }: Envelope = this.#parsed(() => scanner.end());
    yield {
      type: 'end',
      resourceVersion: metadata.resourceVersion,
      continue: metadata.continue || undefined,
    };
  }

  async *watch({
    resourceVersion,
    sendInitialEvents,
    timeoutSeconds,
    idleTimeout = Number.POSITIVE_INFINITY,
    signal,
  }: Parameters<ListerWatcher<T>['watch']>[0]): AsyncGenerator<readonly EncodedEvent<T>[]> {
    const query = {
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion,
      timeoutSeconds: timeoutSeconds?.toString(),
      ...(sendInitialEvents ? { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' } : {}),
    };
    const body = this.#receive('WATCH', query, { idleTimeout, signal });
    yield* watchEvents(`WATCH ${this.#path}`, this.#resource, body);
  }

  get #path(): string {
    return collectionPath(this.#resource, this.#options.namespace);
  }

  /** The body of an answer. Its parts must keep coming, and end when `signal` aborts. */
  async *#receive(
    verb: 'LIST' | 'WATCH',
    query: HttpRequest['query'],
    { idleTimeout, signal }: { readonly idleTimeout: number; readonly signal: AbortSignal | undefined },
  ): AsyncGenerator<Buffer> {
    using abort = new LinkedAbort(signal);
    const idle = new IdleTimer(this.#connection.clock, idleTimeout, () => abort.abort(IDLE));
    try {
      const response = await this.#connection.send(this.#request(query, abort.signal));
      if (response.status !== 200) throw await apiErrorOf(`${verb} ${this.#path}`, response);
      for await (const chunk of response.body) {
        idle.touch();
        yield chunk;
      }
    } catch (error) {
      if (abort.signal.reason !== IDLE) throw error;
      const message = `${verb} ${this.#path}: nothing came for ${idleTimeout} ms${verb === 'WATCH' ? ', not even a bookmark' : ''}.`;
      throw new RequestError('REQUEST_TIMEOUT', message, true, { cause: error });
    } finally {
      idle.stop();
      abort.abort();
    }
  }

  #request(query: HttpRequest['query'], signal: AbortSignal): HttpRequest {
    const { labelSelector, fieldSelector, metadataOnly } = this.#options;
    const isWatch = query?.['watch'] !== undefined;
    return {
      method: 'GET',
      path: this.#path,
      query: {
        labelSelector: labelSelector || undefined,
        fieldSelector: fieldSelector || undefined,
        ...query,
      },
      ...(metadataOnly && {
        headers: { accept: metadataOf(isWatch ? 'PartialObjectMetadata' : 'PartialObjectMetadataList') },
      }),
      signal,
      timeout: isWatch ? HEAD_TIMEOUT.watch : HEAD_TIMEOUT.list,
      stream: true,
    };
  }

  #parsed<R>(parse: () => R): R {
    try {
      return parse();
    } catch (error) {
      const message = `LIST ${this.#path}: the answer is not a list in JSON: ${messageOf(error)}`;
      throw new RequestError('REQUEST_FAILED', message, true, { cause: error });
    }
  }
}

/** With what the server sends otherwise as the second choice: not every API can leave the rest out. */
function metadataOf(kind: string): string {
  return `application/json;as=${kind};g=meta.k8s.io;v=v1,application/json`;
}
