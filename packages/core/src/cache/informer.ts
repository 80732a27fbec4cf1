/** An informer keeps a store in step with the server and tells handlers of every change. */
import { formatKey, type KubernetesObject, type ObjectKey } from '../api/object.js';
import { qualifiedName, type Resource } from '../api/resource.js';
import type { EncodedObject } from '../client/encoded-object.js';
import type { StreamOptions, StreamReader } from '../client/lister-watcher.js';
import type { Clock } from '../kit/clock.js';
import { IncumbentError } from '../kit/error.js';
import { type Logger, silentLogger } from '../kit/logger.js';
import { Pacer } from '../kit/pacer.js';
import type { Random } from '../kit/random.js';
import { explainFailure } from '../watch/explain-failure.js';
import { Reflector } from '../watch/reflector.js';
import type { ListMode, ReflectorEvent } from '../watch/reflector-state.js';
import { type Cached, copy, deepFreeze, share } from './cached.js';
import type { StoredChange } from './change.js';
import { Handlers, type InformerHandler } from './handlers.js';
import type { Indexer } from './indexer.js';
import { Lister } from './lister.js';
import type { Deleted } from './own-writes.js';
import { type Scope, scopeOf } from './scope.js';
import type { InformerStatus } from './status.js';
import { type Arrival, Store } from './store.js';
import {
  EncodedStoredObject,
  type Keeping,
  Memory,
  PlainStoredObject,
  type StoredObject,
} from './stored-object.js';
import { type SyncOptions, type Syncing, waitForAll } from './sync.js';
import { type Transform, withoutManagedFields } from './transform.js';

export interface InformerOptions<T extends KubernetesObject, Indexes extends string = never> {
  readonly resource: Resource<T>;
  readonly reader: StreamReader;
  readonly clock: Clock;
  readonly random: Random;
  /** @defaultValue every object in every namespace */
  readonly selector?: StreamOptions | undefined;
  /** @defaultValue {@link withoutManagedFields} */
  readonly transform?: Transform<T> | undefined;
  /** Shared with other informers. @defaultValue its own */
  readonly memory?: Memory | undefined;
  readonly indexers?: Readonly<Record<Indexes, Indexer<T>>> | undefined;
  /** Freezes every object at every depth, so that who changes one finds out. For tests. @defaultValue false */
  readonly freeze?: boolean | undefined;
  /** @see ReflectorOptions.list */
  readonly list?: ListMode | undefined;
  /** @see ReflectorOptions.pageSize */
  readonly pageSize?: number | undefined;
  readonly log?: Logger | undefined;
}

type Failure = Extract<ReflectorEvent<KubernetesObject>, { type: 'failed' }>;

/**
 * Guarantees: in the end the lister has what the server has, and each handler has heard of every key that changed, after its last change.
 * In between: handlers hear of an object's changes in order, and the lister has them already when they do.
 */
export class Informer<T extends KubernetesObject, Indexes extends string = never> implements Syncing {
  readonly resource: Resource<T>;
  readonly selector: StreamOptions;
  readonly transform: Transform<T>;
  readonly lister: Lister<T, Indexes>;
  readonly synced: Promise<void>;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #reflector: Reflector<T>;
  readonly #store: Store<T>;
  readonly #handlers: Handlers<T>;
  readonly #scope: Scope;
  readonly #keeping: Keeping<T>;
  #markSynced!: () => void;
  #hasSynced = false;
  #isListing = false;
  #running = false;
  #failure: Failure | undefined;

  constructor(options: InformerOptions<T, Indexes>) {
    const {
      resource,
      selector = {},
      transform = withoutManagedFields,
      freeze = false,
      memory = new Memory(),
    } = options;
    this.resource = resource;
    this.selector = selector;
    this.transform = transform;
    this.#clock = options.clock;
    this.#log = (options.log ?? silentLogger).child({ resource: qualifiedName(resource), ...selector });
    this.#scope = scopeOf(selector);
    this.#keeping = { resource, memory, finish: freeze ? deepFreeze : (object) => object };
    this.#reflector = new Reflector({ ...options, log: this.#log });
    this.#store = new Store({
      onIndexerError: (index, key, err) => this.#log.error({ err, index, key }, 'an indexer threw'),
    });
    this.#handlers = new Handlers(this.#store.delivered, options.clock, (err) =>
      this.#log.error({ err }, 'a handler of an informer threw'),
    );
    this.lister = new Lister(this.#store);
    this.synced = new Promise((resolve) => (this.#markSynced = resolve));
    this.addIndexers(options.indexers ?? {});
  }

  get name(): string {
    const { namespace, labelSelector, fieldSelector, metadataOnly } = this.selector;
    const parts = [
      qualifiedName(this.resource),
      metadataOnly && '(metadata only)',
      namespace && `in namespace ${namespace}`,
      labelSelector && `with labels ${labelSelector}`,
      fieldSelector && `with fields ${fieldSelector}`,
    ];
    return parts.filter(Boolean).join(' ');
  }

  /** Whether the first list has arrived and handlers have heard of it. Stays true through later failures. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** What went wrong last, `undefined` once it goes on. */
  get lastError(): Error | undefined {
    return this.#failure?.error;
  }

  /** The version up to which everything is in the store. */
  get version(): string | undefined {
    return this.#store.version;
  }

  get status(): InformerStatus {
    return {
      name: this.name,
      phase: this.#phase(),
      hasSynced: this.#hasSynced,
      objects: this.#store.delivered.size,
      resourceVersion: this.#store.version,
      reason: this.#failure && explainFailure(this.resource, this.#failure.error),
    };
  }

  whyNotSynced(): string {
    if (this.#failure) return explainFailure(this.resource, this.#failure.error);
    return this.#running ? 'the API server has not answered yet.' : 'its informer was not started.';
  }

  /** @throws {@link CacheSyncError} `CACHE_SYNC_TIMEOUT`, `CACHE_SYNC_ABORTED` */
  waitForSync(options?: SyncOptions): Promise<void> {
    return waitForAll(this.#clock, [this], options);
  }

  /**
   * Lists and watches until `signal` aborts. May be called again afterwards: handlers then hear what changed meanwhile.
   *
   * @throws {@link IncumbentError} `INFORMER_RUNNING` when it runs already
   */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#running)
      throw new IncumbentError('INFORMER_RUNNING', `The informer of ${this.name} runs already.`);
    this.#running = true;
    try {
      await this.#reflector.run(signal, (event) => this.#on(event, signal));
    } finally {
      this.#running = false;
    }
  }

  /**
   * Adds the handler. It hears of the objects that are already there, as initial ones: of the first before this returns, of many more in
   * slices, between which others have their turn. Returns what removes it.
   */
  addHandler(handler: InformerHandler<T>): () => void {
    return this.#handlers.add(handler);
  }

  /** @throws {@link IncumbentError} `INDEX_CONFLICT` when a name is taken by another indexer */
  addIndexers(indexers: Readonly<Record<string, Indexer<T>>>): void {
    for (const [name, indexer] of Object.entries(indexers)) this.#store.addIndex(name, indexer);
  }

  /**
   * Read-your-writes: tells of the server's answer to a create, update, patch or apply. From now on the lister returns it, until the
   * watch has delivered it or something newer. Handlers hear of it only then. An answer that is already old news is ignored.
   */
  noteWritten(object: T): void {
    const selected = this.#scope(object.metadata);
    const known = this.#store.get(formatKey(object.metadata)) !== undefined;
    if (selected === false) this.#store.noteLeft(object.metadata);
    else if (selected || known) this.#store.noteWritten(this.#kept(copy(object)));
  }

  /**
   * Read-your-writes: tells that the server accepted the deletion of this object, by default the one that the lister has.
   * From now on the lister does not return it, until the watch has told what became of it: gone, replaced, or left terminating.
   * Where the answer shows that it was left terminating, {@link noteWritten} of that answer says more.
   */
  noteDeleted(key: ObjectKey | string, deleted?: Deleted): void {
    this.#store.noteDeleted(typeof key === 'string' ? key : formatKey(key), deleted);
  }

  /** Empties the store of an informer that does not run and won't again: its lister has nothing from now on. */
  forget(): void {
    this.#store.clear();
  }

  #phase(): InformerStatus['phase'] {
    if (!this.#running) return 'stopped';
    if (this.#failure) return 'failing';
    return this.#isListing || !this.#hasSynced ? 'listing' : 'watching';
  }

  #on(event: ReflectorEvent<T>, signal: AbortSignal): void | Promise<void> {
    if (event.type === 'failed') return this.#onFailure(event);
    this.#recovered();
    switch (event.type) {
      case 'listing':
        this.#isListing = true;
        return this.#store.listing();
      case 'listedSome':
        for (const object of event.objects) this.#tell(this.#store.list(this.#arrival(object)));
        return undefined;
      case 'listed':
        return this.#onListed(event.resourceVersion, signal);
      case 'applied':
        return this.#tell(this.#store.apply(this.#arrival(event.object)));
      case 'deleted':
        if (this.#isListing) return this.#tell(this.#store.unlist(event.object.metadata));
        return this.#tell(this.#store.remove(event.object.metadata));
      case 'bookmark':
        return this.#store.progress(event.resourceVersion);
    }
  }

  async #onListed(version: string, signal: AbortSignal): Promise<void> {
    const pacer = new Pacer(this.#clock);
    for (const changes of this.#store.sweep()) {
      this.#tell(changes);
      if (pacer.isDue) await pacer.rest();
      if (signal.aborted) return;
    }
    this.#store.listed(version);
    this.#isListing = false;
    this.#hasSynced = true;
    this.#markSynced();
    this.#log.debug({ objects: this.#store.delivered.size, resourceVersion: version }, 'listed');
  }

  #onFailure(failure: Failure): void {
    this.#failure = failure;
    const { error, during, next, retryIn } = failure;
    const fields = { err: error, retryIn, next, hasSynced: this.#hasSynced };
    const message = `${during} failed: ${explainFailure(this.resource, error)}`;
    // A version that has expired is the ordinary course of things.
    if (retryIn === 0) this.#log.info(fields, message);
    else this.#log.warn(fields, message);
  }

  #recovered(): void {
    if (!this.#failure) return;
    this.#failure = undefined;
    this.#log.info({}, 'in step with the API server again');
  }

  #tell(changes: readonly StoredChange<T>[]): void {
    for (const change of changes) {
      this.#handlers.tell(change, !this.#hasSynced);
      change.after?.drop();
      change.before?.release();
    }
  }

  #arrival(encoded: EncodedObject<T>): Arrival<T> {
    return { metadata: encoded.metadata, store: () => this.#stored(encoded) };
  }

  #stored(encoded: EncodedObject<T>): StoredObject<T> {
    const isPlain = this.selector.metadataOnly || this.transform !== withoutManagedFields;
    if (!isPlain) return new EncodedStoredObject(encoded, this.#keeping);
    return new PlainStoredObject<T>(this.#kept(encoded.whole()));
  }

  /** What the cache keeps of a parsed object. */
  #kept(object: T): Cached<T> {
    const { apiVersion, kind, metadata } = object;
    const asked = this.selector.metadataOnly ? ({ apiVersion, kind, metadata } as T) : object;
    return share(this.#keeping.finish(this.#transformed(asked)));
  }

  #transformed(object: T): T {
    try {
      return this.transform(object);
    } catch (error) {
      this.#log.error(
        { err: error, key: formatKey(object.metadata) },
        'a transform threw: the object is kept as it is',
      );
      return object;
    }
  }
}
