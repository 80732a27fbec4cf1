import type { DeepReadonly, KubernetesObject } from '../api/object.js';
import type { Resource } from '../api/resource.js';
import type { ReconcileContext } from './context.js';
import type { Predicate } from './predicate.js';
import type { Reconciler, ReconcileResult } from './reconciler.js';

/** What a controller is, whichever way it was written down. Durations in milliseconds. */
export interface ControllerDefinition<T extends KubernetesObject = KubernetesObject> {
  /** In logs, metrics and Events. Unique within an operator. */
  readonly name: string;
  /** The kind that it reconciles. */
  readonly resource: Resource<T>;
  /** Kinds whose objects wake the owner that controls them. */
  readonly owns: readonly Resource[];
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
  readonly reconcileTimeout: number | undefined;
  readonly reconciler: Reconciler<T>;
  readonly finalizer: FinalizerDefinition<T> | undefined;
}

export interface FinalizerDefinition<T extends KubernetesObject> {
  readonly name: string;
  cleanup(object: DeepReadonly<T>, context: ReconcileContext): Promise<ReconcileResult>;
}
