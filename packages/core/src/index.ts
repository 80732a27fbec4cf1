/** Incumbent's runtime: controllers, the operator that runs them, and everything they work with. */
// What `@incumbent/core/client` has, this has too.
export * from './client.js';

export { type CustomResourceDefinitionDraft, customResourceDefinition } from './api/crd.js';
export { InformerCache, type InformerRequest } from './cache/cache.js';
export type { Change } from './cache/change.js';
export type { InformerHandler } from './cache/handlers.js';
export type { Indexer } from './cache/indexer.js';
export { type Informer } from './cache/informer.js';
export { type InformerEvent, observable } from './cache/observable.js';
export { type Transform, withoutManagedFields } from './cache/transform.js';
export { type Lister, type ListerOptions } from './cache/lister.js';
export type { InformerStatus } from './cache/status.js';
export { CacheSyncError } from './cache/sync.js';
export { type AddOptions, LOW_PRIORITY, WorkQueue, type WorkQueueOptions } from './queue/work-queue.js';
export {
  type BucketOptions,
  BucketRateLimiter,
  ExponentialRateLimiter,
  type RateLimiter,
  SlowestRateLimiter,
  defaultRateLimiter,
} from './queue/rate-limiter.js';
export { Event } from './events/event.js';
export {
  type EventOptions,
  EventPublisher,
  type EventPublisherOptions,
  type EventRecorder,
  type Events,
} from './events/event-recorder.js';
export { type AppliedDraft, applyIfChanged } from './controller/apply-if-changed.js';
export type { RunContext } from './controller/runnable.js';
export type { Cause, CauseObject, CauseType } from './controller/cause.js';
export type { CacheReader, ReconcileContext } from './controller/context.js';
export { type CreateOrPatchResult, type Mutable, createOrPatch } from './controller/create-or-patch.js';
export {
  type PollOptions,
  PushSource,
  type Source,
  type SourceContext,
  type WakeKey,
  fromObservable,
  poll,
} from './controller/external-source.js';
export {
  type Predicate,
  allOf,
  annotationsChanged,
  anyOf,
  changed,
  contentChanges,
  deletionChanged,
  generationChanged,
  labelsChanged,
  not,
  onUpdate,
  resourceVersionChanged,
  userChanges,
} from './controller/predicate.js';
export {
  type Reconciler,
  type ReconcileResult,
  type RequeueAfter,
  RetryError,
  TerminalError,
  requeueAfter,
} from './controller/reconciler.js';
export {
  type ChildState,
  type Dependent,
  type DependentOptions,
  type Desired,
  dependent,
} from './dependents/dependent.js';
export { type Child, Dependents, type DependentsReport } from './dependents/dependents.js';
export { type Mapper, type Watch, type WatchOptions, watch } from './controller/watch.js';
export { Controller, type ControllerOptions, type ReconcilerClass } from './decorators/controller.js';
export { Daemon } from './decorators/daemon.js';
export { Finalizer } from './decorators/finalizer.js';
export { Runnable, type RunnableClass, type RunnableOptions } from './decorators/runnable.js';
export { Timer } from './decorators/timer.js';
export { Operator, type RunOptions } from './operator/operator.js';
export type { HttpOptions, OperatorOptions } from './operator/options.js';
export type { LeadershipProvider, LeadershipRuntime } from './operator/leadership-runtime.js';
export { Clock, Logger, Metrics, Random } from './operator/tokens.js';
// The parts of inversify that a controller needs, so that there is one copy of it.
export { ContainerModule, inject, injectable } from 'inversify';
