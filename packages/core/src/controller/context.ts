import type { DeepReadonly, KubernetesObject, ObjectKey } from '../api/object.js';
import type { Resource } from '../api/resource.js';
import type { ListerOptions } from '../cache/lister.js';
import type { Writer } from '../client/writer.js';
import type { EventRecorder } from '../events/event-recorder.js';
import type { Clock } from '../kit/clock.js';
import type { Logger } from '../kit/logger.js';
import type { Term } from '../leadership/authority.js';
import type { Cause } from './cause.js';

/** What a reconciler works with. Belongs to one call: nothing of it may be kept for a later one. */
export interface ReconcileContext {
  readonly key: ObjectKey;
  /** Name of the controller: the field manager of what it applies. */
  readonly controller: string;
  /**
   * What called for this reconcile, put together since the last one began. To be logged and looked at, never to be acted on: changes that
   * happened while nobody watched have no cause.
   */
  readonly causes: readonly Cause[];
  /**
   * Reads from the server, and writes under this call's term for ever: a call that outlives its term can't write under a later one,
   * it gets an {@link AuthorityLostError} instead. What it wrote the cache shows at once.
   */
  readonly client: Writer;
  /** Reads what the controller watches, without a request. */
  readonly cache: CacheReader;
  /**
   * One object: from the cache if the controller declares its kind, else from the server. Resolves to `undefined` when there is none.
   * No informer is started for it: a kind that is read often belongs into `reads`.
   */
  readonly get: <T extends KubernetesObject>(
    resource: Resource<T>,
    key: ObjectKey,
  ) => Promise<DeepReadonly<T> | undefined>;
  /** Aborts when the term is lost, the operator stops, or `reconcileTimeout` is over: give it to everything that waits. */
  readonly signal: AbortSignal;
  /** Adds controller, key and reconcileID to each line. */
  readonly log: Logger;
  /** Records Events on the object. */
  readonly events: EventRecorder;
  /** The right under which this call runs. `term.token` fences systems outside the cluster. */
  readonly term: Term;
  readonly clock: Clock;
}

/**
 * The kinds that a controller declares by `for`, `owns`, `watches` and `reads`, as its informers have them: at least as new as its own writes.
 * Objects are shared: they are to be read, not changed.
 *
 * @throws {@link IncumbentError} `CACHE_UNDECLARED` for another kind: it would be empty
 */
export interface CacheReader {
  get<T extends KubernetesObject>(resource: Resource<T>, key: ObjectKey): DeepReadonly<T> | undefined;
  list<T extends KubernetesObject>(resource: Resource<T>, options?: ListerOptions): DeepReadonly<T>[];
  /** Whether the controller declares the kind. */
  holds(resource: Resource): boolean;
  /** The objects of a kind in `owns` that `owner` controls, by an index on their owner references: no search. Those being deleted included. */
  owned<T extends KubernetesObject>(
    resource: Resource<T>,
    owner: DeepReadonly<Pick<KubernetesObject, 'metadata'>>,
  ): DeepReadonly<T>[];
}
