import type { DeepReadonly, KubernetesObject } from '../api/object.js';
import type { Resource } from '../api/resource.js';
import type { ReconcileContext } from './context.js';
import type { BucketOptions, ExponentialOptions } from '../queue/rate-limiter.js';
import type { Predicate } from './predicate.js';
import type { Reconciler, ReconcileResult } from './reconciler.js';
import type { Watch } from './watch.js';

/** What a controller is, whichever way it was written down. Durations in milliseconds. */
export interface ControllerDefinition<T extends KubernetesObject = KubernetesObject> {
  /** In logs, metrics and Events. Unique within an operator. */
  readonly name: string;
  /** The kind that it reconciles. */
  readonly resource: Resource<T>;
  /** Kinds whose objects wake the owner that controls them. */
  readonly owns: readonly Resource[];
  /** Other kinds whose objects wake those that a mapper names. @defaultValue none */
  readonly watches?: readonly Watch[];
  /** Further kinds that its cache holds. */
  readonly reads: readonly Resource[];
  /** Namespaces it looks at; all when undefined. */
  readonly namespaces: readonly string[] | undefined;
  /** Limits the primary kind's objects. */
  readonly labelSelector: string | undefined;
  /** Which changes of the primary kind's objects wake it; `undefined`: {@link userChanges}. */
  readonly predicate: Predicate<T> | undefined;
  readonly concurrency: number;
  /** `undefined`: no limit. */
  readonly reconcileTimeout: number | ((object: DeepReadonly<T>) => number) | undefined;
  /** @defaultValue client-go's: 5 ms, doubled up to 1000 s */
  readonly backOff?: ExponentialOptions | undefined;
  /** Retries of all keys together. @defaultValue client-go's: 10 a second, 100 at once */
  readonly retryRate?: BucketOptions | undefined;
  /** Retries of one key in a row, after which it waits for a change. @defaultValue no limit */
  readonly maxRetries?: number | undefined;
  /** Time after which every object is reconciled, changed or not. @defaultValue never */
  readonly resyncPeriod?: number | undefined;
  readonly reconciler: Reconciler<T>;
  readonly finalizer: FinalizerDefinition<T> | undefined;
  /** @defaultValue none */
  readonly timers?: readonly TimerDefinition<T>[] | undefined;
  /** @defaultValue none */
  readonly daemons?: readonly MethodDefinition<T>[] | undefined;
}

export interface FinalizerDefinition<T extends KubernetesObject> {
  readonly name: string;
  cleanup(object: DeepReadonly<T>, context: ReconcileContext): Promise<ReconcileResult>;
}

/** A method of a reconciler that is called beside `reconcile`. */
export interface MethodDefinition<T extends KubernetesObject> {
  /** Its name. With the controller's before it, unique within an operator. */
  readonly method: string;
  call(object: DeepReadonly<T>, context: ReconcileContext): Promise<ReconcileResult>;
}

export interface TimerDefinition<T extends KubernetesObject> extends MethodDefinition<T> {
  /** From the end of one call to the start of the next. */
  readonly every: number;
}

/** In logs, metrics and Events. */
export function nameOf(
  { name }: Pick<ControllerDefinition, 'name'>,
  { method }: Pick<MethodDefinition<never>, 'method'>,
): string {
  return `${name}.${method}`;
}
