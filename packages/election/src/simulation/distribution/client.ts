import {
  type Authority,
  type Draft,
  type EncodedEvent,
  type KubernetesObject,
  type Lease,
  type List,
  type ListOptions,
  type ListPart,
  type ListerWatcher,
  type ObjectKey,
  type Reader,
  RequestError,
  type RequestOptions,
  type Resource,
  type SelectorOptions,
  type WatchEvent,
  type WatchOptions,
  type Writer,
} from '@incumbent/core/client';
import { encode } from '@incumbent/core/testing';
import type { AttemptOptions, LeasePort } from '../../lease/lease-port.js';
import type { WorkClient } from '../../work/work-client.js';
import { apiError } from '../api-server.js';
import { keepBack } from '../fenced-writer.js';
import type { Answer } from '../network.js';
import { WatchStream } from '../watch-stream.js';
import type { MergePatch, ObjectServer, Selection, StoredObject } from './object-server.js';
import type { WorkParticipant } from './participant.js';
import type { WorkWorld } from './world.js';

const TIMEOUT = 30_000;

/** A process's way to the server, over the simulated network: as core's `Client`, as far as work distribution uses it. */
export class SimulatedClient implements WorkClient {
  readonly #process: WorkParticipant;
  readonly #world: WorkWorld;

  constructor(process: WorkParticipant, world: WorkWorld) {
    this.#process = process;
    this.#world = world;
  }

  under(authority: Authority): Writer {
    const send = <T>(options: RequestOptions, act: (server: ObjectServer) => unknown): Promise<T> =>
      this.#fenced(authority, options, act) as Promise<T>;
    // What is not here is not used, and would fail at once.
    return {
      patch: <T extends KubernetesObject>(
        { kind }: Resource<T>,
        { name }: ObjectKey,
        { patch }: { patch: unknown },
        options: RequestOptions = {},
      ) => send<T>(options, (server) => server.patch(kind, name, patch as MergePatch)),
      updateStatus: <T extends KubernetesObject>(
        { kind }: Resource<T>,
        object: T,
        options: RequestOptions = {},
      ) => send<T>(options, (server) => server.update(kind, object, { subresource: 'status' })),
      delete: <T extends KubernetesObject>(
        { kind }: Resource<T>,
        { name }: ObjectKey,
        options: RequestOptions & { preconditions?: { uid?: string; resourceVersion?: string } } = {},
      ) => send<void>(options, (server) => server.delete(kind, name, options.preconditions)),
    } as unknown as Writer;
  }

  get<T extends KubernetesObject>(
    { kind }: Resource<T>,
    { name }: ObjectKey,
    options: RequestOptions = {},
  ): Promise<T> {
    return this.#send(options, (server) => {
      const object = server.get(kind, name);
      if (!object) throw apiError(404, 'NotFound');
      return object as unknown as T;
    });
  }

  list<T extends KubernetesObject>({ kind }: Resource<T>, options: ListOptions = {}): Promise<List<T>> {
    return this.#send(options, (server) => ({
      items: server.list(selectionOf(kind, options)) as unknown as T[],
      resourceVersion: server.version,
      continue: undefined,
      remainingItemCount: undefined,
    }));
  }

  watch<T extends KubernetesObject>(
    { kind }: Resource<T>,
    { resourceVersion, signal, idleTimeout, ...options }: WatchOptions = {},
  ): AsyncIterable<WatchEvent<T>> {
    const selection = selectionOf(kind, options);
    const stream = this.#watch(selection, resourceVersion, signal ?? NEVER);
    const heard = idleTimeout === undefined ? stream : this.#whileHeard(stream, idleTimeout);
    return heard as AsyncIterable<WatchEvent<never>>;
  }

  stream<T extends KubernetesObject>(
    resource: Resource<T>,
    selector: SelectorOptions = {},
  ): ListerWatcher<T> {
    return new ListerWatcherOver(this, resource, selector);
  }

  /** A port to one Lease, for an elector. */
  leaseAt(name: string): LeasePort {
    return {
      get: (options) => this.#send(options, (server) => server.get('Lease', name) as Lease | undefined),
      create: (lease: Draft<Lease>, options: AttemptOptions) =>
        this.#send(options, (server) => server.create('Lease', lease) as Lease),
      update: (lease: Lease, options: AttemptOptions) =>
        this.#send(options, (server) => server.update('Lease', lease) as Lease),
      watch: (version, signal) =>
        this.#watch({ kind: 'Lease', name, labels: {} }, version, signal) as AsyncIterable<WatchEvent<Lease>>,
      close: async () => {},
    };
  }

  #watch(selection: Selection, version: string | undefined, signal: AbortSignal): WatchStream<StoredObject> {
    const { network } = this.#world;
    const stream = new WatchStream<StoredObject>({
      owner: this.#process,
      signal,
      told: () => {},
      onClose: () => network.api.close(stream),
    });
    network.send({
      from: this.#process,
      of: 'watch',
      serverTimeout: Number.POSITIVE_INFINITY,
      act: () => {
        if (!stream.closed && this.#process.alive) network.api.watch(stream, selection, version);
      },
      answered: (answer) => {
        if ('error' in answer) stream.end(answer.error);
      },
    });
    return stream;
  }

  /** As core's client: a watch that brings nothing for so long counts as dead. */
  async *#whileHeard(
    stream: WatchStream<StoredObject>,
    limit: number,
  ): AsyncGenerator<WatchEvent<StoredObject>> {
    const dead = (): void => stream.end(new RequestError('REQUEST_TIMEOUT', 'nothing came', true));
    const listen = (): (() => void) => this.#process.clock.schedule(limit, dead);
    let cancel = listen();
    try {
      for await (const event of stream) {
        cancel();
        cancel = listen();
        yield event;
      }
    } finally {
      cancel();
    }
  }

  /** As core's client: no write leaves without its right, and one whose answer was lost is told of. */
  async #fenced<T>(
    authority: Authority,
    options: RequestOptions,
    act: (server: ObjectServer) => T,
  ): Promise<T> {
    authority.assertHeld();
    const remaining = authority.remaining();
    const timeout = Math.min(options.timeout ?? TIMEOUT, remaining - keepBack(remaining));
    const settle = authority.mayStillCommit(timeout);
    try {
      const answer = await this.#send({ ...options, timeout }, act);
      settle();
      return answer;
    } catch (error) {
      if (!(error instanceof RequestError)) settle();
      throw error;
    }
  }

  #send<T>({ timeout = TIMEOUT, signal }: RequestOptions, act: (server: ObjectServer) => T): Promise<T> {
    const { clock } = this.#process;
    const { network } = this.#world;
    return new Promise((resolve, reject) => {
      let open = true;
      const finish = (answer: Answer<T>): void => {
        if (!open) return;
        open = false;
        cancel();
        signal?.removeEventListener('abort', abort);
        if ('error' in answer) reject(answer.error);
        else resolve(answer.value);
      };
      const abort = (): void => finish({ error: new RequestError('REQUEST_ABORTED', 'aborted', true) });
      const cancel = clock.schedule(timeout, () =>
        finish({ error: new RequestError('REQUEST_TIMEOUT', 'no answer', true) }),
      );
      if (signal?.aborted) return abort();
      signal?.addEventListener('abort', abort, { once: true });
      network.send({
        from: this.#process,
        of: 'lease',
        serverTimeout: timeout,
        act: () => act(network.api),
        answered: finish,
      });
    });
  }
}

/** Lists and watches as core's client does, whole and event by event. */
export class ListerWatcherOver<T extends KubernetesObject> implements ListerWatcher<T> {
  readonly #reader: Reader;
  readonly #resource: Resource<T>;
  readonly #selector: SelectorOptions;

  constructor(reader: Reader, resource: Resource<T>, selector: SelectorOptions) {
    this.#reader = reader;
    this.#resource = resource;
    this.#selector = selector;
  }

  async *list({ signal }: Pick<ListOptions, 'signal'>): AsyncGenerator<ListPart<T>> {
    const list = await this.#reader.list(this.#resource, { ...this.#selector, ...(signal && { signal }) });
    yield { type: 'items', items: list.items.map((object) => encode(object, this.#resource)) };
    yield { type: 'end', resourceVersion: list.resourceVersion, continue: undefined };
  }

  async *watch(options: WatchOptions): AsyncGenerator<readonly EncodedEvent<T>[]> {
    for await (const event of this.#reader.watch(this.#resource, { ...options, ...this.#selector }))
      yield [event.type === 'BOOKMARK' ? event : { ...event, object: encode(event.object, this.#resource) }];
  }
}

const NEVER = new AbortController().signal;

/** Of the selectors only those that are used: labels that are equal, and a name. */
function selectionOf(
  kind: string,
  { labelSelector, fieldSelector }: Pick<ListOptions, 'labelSelector' | 'fieldSelector'>,
): Selection {
  const pairs = (labelSelector ?? '').split(',').filter(Boolean);
  return {
    kind,
    name: fieldSelector?.replace('metadata.name=', ''),
    labels: Object.fromEntries(pairs.map((pair) => pair.split('=') as [string, string])),
  };
}
