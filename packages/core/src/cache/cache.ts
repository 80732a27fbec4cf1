/** The cache of an operator: one shared informer per resource and selector. */
import type { KubernetesObject, ObjectKey } from '../api/object.js';
import { qualifiedName, type Resource } from '../api/resource.js';
import type { StreamOptions, StreamReader } from '../client/lister-watcher.js';
import { aborted, LinkedAbort } from '../kit/abort.js';
import type { Clock } from '../kit/clock.js';
import { IncumbentError } from '../kit/error.js';
import { type Logger, silentLogger } from '../kit/logger.js';
import type { Random } from '../kit/random.js';
import type { ListMode } from '../watch/reflector-state.js';
import type { Indexer } from './indexer.js';
import { Informer } from './informer.js';
import type { Lister } from './lister.js';
import type { Deleted } from './own-writes.js';
import type { InformerStatus } from './status.js';
import { type SyncOptions, waitForAll } from './sync.js';
import { Memory } from './stored-object.js';
import type { Transform } from './transform.js';

export interface CacheOptions {
  readonly reader: StreamReader;
  readonly clock: Clock;
  readonly random: Random;
  /** Freezes every object at every depth, so that who changes one finds out. For tests. @defaultValue false */
  readonly freeze?: boolean | undefined;
  /** @see ReflectorOptions.list */
  readonly list?: ListMode | undefined;
  /** @see ReflectorOptions.pageSize */
  readonly pageSize?: number | undefined;
  readonly log?: Logger | undefined;
}

export interface InformerRequest<
  T extends KubernetesObject,
  Indexes extends string = never,
> extends StreamOptions {
  /**
   * Lets go of the informer when it aborts. When the last who asked for it has let go, it is stopped, and its lister is empty.
   *
   * @defaultValue it is needed for as long as the cache runs
   */
  readonly signal?: AbortSignal | undefined;
  /** Added to those that the shared informer has. */
  readonly indexers?: Readonly<Record<Indexes, Indexer<T>>> | undefined;
  /** Who asks for an informer that is there already must ask for the same, or none. @defaultValue managedFields are dropped */
  readonly transform?: Transform<T> | undefined;
}

interface Shared {
  readonly informer: Informer<KubernetesObject>;
  users: number;
  /** Ends its run. */
  readonly release: AbortController;
}

export class InformerCache {
  readonly #options: CacheOptions;
  readonly #log: Logger;
  readonly #memory = new Memory();
  readonly #shared = new Map<string, Shared>();
  #signal: AbortSignal | undefined;
  readonly #running = new Set<Promise<void>>();

  constructor(options: CacheOptions) {
    this.#options = options;
    this.#log = options.log ?? silentLogger;
  }

  get informers(): readonly Informer<KubernetesObject>[] {
    return Array.from(this.#shared.values(), ({ informer }) => informer);
  }

  get status(): readonly InformerStatus[] {
    return this.informers.map(({ status }) => status);
  }

  /** Whether every informer has. */
  get hasSynced(): boolean {
    return this.informers.every(({ hasSynced }) => hasSynced);
  }

  /**
   * The informer of the resource, shared by all who ask for the same objects. While the cache runs it is started at once.
   *
   * @throws {@link IncumbentError} `INFORMER_CONFLICT` when it is there with another transform, `INDEX_CONFLICT` with another indexer
   */
  informerFor<T extends KubernetesObject, Indexes extends string = never>(
    resource: Resource<T>,
    request: InformerRequest<T, Indexes> = {},
  ): Informer<T, Indexes> {
    const { indexers, transform, signal, ...selector } = request;
    const key = sharingKey(resource, selector);
    const known = this.#shared.get(key);
    const options = { ...this.#options, memory: this.#memory, resource, selector, transform };
    const informer = (known?.informer ?? new Informer<T, Indexes>(options)) as Informer<T, Indexes>;
    if (transform && informer.transform !== transform) throw conflict(informer.name);
    informer.addIndexers(indexers ?? {});
    const shared = known ?? this.#add(key, informer as unknown as Informer<KubernetesObject>);
    shared.users += 1;
    if (signal) void aborted(signal).then(() => this.#letGo(key, shared));
    return informer;
  }

  /** As {@link informerFor}, of the metadata alone: for kinds of which the rest is of no use, and large. */
  metadataFor<Indexes extends string = never>(
    resource: Resource,
    request: Omit<InformerRequest<KubernetesObject, Indexes>, 'metadataOnly'> = {},
  ): Informer<KubernetesObject, Indexes> {
    return this.informerFor<KubernetesObject, Indexes>(resource, { ...request, metadataOnly: true });
  }

  /** The lister of the shared informer of the resource, which is made when it is not there yet. */
  lister<T extends KubernetesObject, Indexes extends string = never>(
    resource: Resource<T>,
    request?: InformerRequest<T, Indexes>,
  ): Lister<T, Indexes> {
    return this.informerFor(resource, request).lister;
  }

  /** Runs all informers, those to come included, until `signal` aborts; resolves when all have stopped. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#signal) throw new IncumbentError('CACHE_RUNNING', 'The cache runs already.');
    this.#signal = signal;
    for (const shared of this.#shared.values()) this.#start(shared, signal);
    await aborted(signal);
    await Promise.all(this.#running);
    this.#signal = undefined;
  }

  /**
   * Waits for the informers that are there when it is called.
   *
   * @throws {@link CacheSyncError} `CACHE_SYNC_TIMEOUT`, `CACHE_SYNC_ABORTED`: names those that did not sync, and why
   */
  waitForSync(options?: SyncOptions): Promise<void> {
    return waitForAll(this.#options.clock, this.informers, options);
  }

  /** Read-your-writes, in each informer that has the object or should have it. @see Informer.noteWritten */
  noteWritten<T extends KubernetesObject>(resource: Resource<T>, object: T): void {
    for (const informer of this.#of(resource)) informer.noteWritten(object);
  }

  /** @see Informer.noteDeleted */
  noteDeleted(resource: Resource, key: ObjectKey | string, deleted?: Deleted): void {
    for (const informer of this.#of(resource)) informer.noteDeleted(key, deleted);
  }

  #of(resource: Resource): Informer<KubernetesObject>[] {
    const name = resourceKey(resource);
    return this.informers.filter((informer) => resourceKey(informer.resource) === name);
  }

  #add(key: string, informer: Informer<KubernetesObject>): Shared {
    const shared: Shared = { informer, users: 0, release: new AbortController() };
    this.#shared.set(key, shared);
    if (this.#signal && !this.#signal.aborted) this.#start(shared, this.#signal);
    return shared;
  }

  #letGo(key: string, shared: Shared): void {
    shared.users -= 1;
    if (shared.users > 0) return;
    this.#shared.delete(key);
    shared.release.abort();
    if (!this.#signal) shared.informer.forget();
  }

  #start(shared: Shared, signal: AbortSignal): void {
    const running = this.#run(shared, signal).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #run({ informer, release }: Shared, signal: AbortSignal): Promise<void> {
    using abort = new LinkedAbort(signal, release.signal);
    try {
      await informer.run(abort.signal);
    } catch (err) {
      const message = 'an informer ended: this is a bug, its cache is no longer in step';
      this.#log.error({ err, informer: informer.name }, message);
    }
    if (release.signal.aborted) informer.forget();
  }
}

/** An object of another version has another shape. */
function resourceKey(resource: Resource): string {
  return `${qualifiedName(resource)}/${resource.version}`;
}

function sharingKey(
  resource: Resource,
  { namespace = '', labelSelector = '', fieldSelector = '', metadataOnly = false }: StreamOptions,
): string {
  return JSON.stringify([resourceKey(resource), namespace, labelSelector, fieldSelector, metadataOnly]);
}

function conflict(name: string): IncumbentError {
  return new IncumbentError(
    'INFORMER_CONFLICT',
    `${name} is cached already, with another transform: give the same function to all who ask for it.`,
  );
}
