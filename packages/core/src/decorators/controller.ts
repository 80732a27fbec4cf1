/** The decorators write down what a class is, as metadata on the class, and do nothing else: an operator reads it. */
import 'reflect-metadata';
import { injectable } from 'inversify';
import type { DeepReadonly, KubernetesObject } from '../api/object.js';
import type { Resource } from '../api/resource.js';
import type { Predicate } from '../controller/predicate.js';
import type { Reconciler } from '../controller/reconciler.js';
import type { Watch } from '../controller/watch.js';
import type { Duration } from '../kit/duration.js';
import type { BucketOptions } from '../queue/rate-limiter.js';

export interface ControllerOptions<T extends KubernetesObject> {
  /** The kind that it reconciles. */
  readonly for: Resource<T>;
  /** Kinds of which it makes objects: a change of one wakes the object that controls it by owner reference. */
  readonly owns?: readonly Resource[];
  /** Other kinds whose changes wake its objects: `watches: [watch(Secret, (secret, cache) => keys)]`. */
  readonly watches?: readonly Watch[];
  /** Further kinds that `context.cache` holds. Their changes wake nothing. */
  readonly reads?: readonly Resource[];
  /** In logs, metrics and Events; unique within an operator. @defaultValue the class's name */
  readonly name?: string;
  /** How many objects are reconciled at a time. @defaultValue 1 */
  readonly concurrency?: number;
  /**
   * `'leader'`: on the replica that leads. `'every-replica'`: on each, which is safe only for work that doesn't collide, since nothing
   * fences its writes. @defaultValue `'leader'`
   */
  readonly on?: 'leader' | 'every-replica';
  /** Namespaces that it looks at. @defaultValue the operator's, which are all unless it says otherwise */
  readonly namespaces?: readonly string[];
  /** Reconciles only objects with these labels, as in `app=web,tier in (a,b)`. @defaultValue all */
  readonly labelSelector?: string;
  /** Which changes of its own kind wake it. @defaultValue {@link userChanges}: all but the status */
  readonly predicate?: Predicate<T>;
  /**
   * After this time a reconcile's signal aborts, and if it then throws it counts as failed. One that goes on for longer than the operator's
   * grace period keeps its object to itself, others are reconciled without it, and the replica is no longer live. May depend on the object.
   *
   * @defaultValue none
   */
  readonly reconcileTimeout?: Duration | ((object: DeepReadonly<T>) => Duration);
  /** Of each object's retries: the first delay, which doubles, and the longest. @defaultValue `'5ms'` and `'1000s'`, as client-go */
  readonly backOff?: { readonly start?: Duration; readonly cap?: Duration };
  /** Of all objects' retries together. @defaultValue 10 per second, 100 at once, as client-go */
  readonly retryRate?: BucketOptions;
  /**
   * How often one object is tried again in a row. Then it is left alone until something changes, with a warning Event `GaveUp`, a metric and an
   * error in the log. Conflicts and a server that is too busy don't count. @defaultValue no limit, as in Kubernetes' own controllers
   */
  readonly maxRetries?: number;
  /**
   * Reconciles every object so often, changed or not, after fresh changes. For what can differ without an event: use `requeueAfter` if it is
   * one object, a source if somebody can tell.
   *
   * @defaultValue never: the cache misses nothing that a resync would find, and a resync hides what is missing elsewhere
   */
  readonly resyncPeriod?: Duration;
}

const CONTROLLER = Symbol.for('incumbent.dev/controller');

/** A class of reconcilers. Whatever its constructor takes comes from the operator's container. */
export type ReconcilerClass<T extends KubernetesObject = never> = new (
  ...dependencies: never[]
) => Reconciler<T>;

/**
 * Makes a class of reconcilers a controller, and injectable. Give it to an operator's `controllers`.
 *
 * That its `reconcile` takes objects of the kind in `for` is checked by the compiler.
 */
export function Controller<T extends KubernetesObject>(
  options: ControllerOptions<T>,
): (target: ReconcilerClass<T>) => void {
  return (target) => {
    injectable()(target);
    Reflect.defineMetadata(CONTROLLER, Object.freeze({ ...options }), target);
  };
}

/** What was written at the class itself; a base class's is not inherited. */
export function controllerOptionsOf(target: object): ControllerOptions<KubernetesObject> | undefined {
  return Reflect.getOwnMetadata(CONTROLLER, target) as ControllerOptions<KubernetesObject> | undefined;
}
